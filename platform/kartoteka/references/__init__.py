"""Where metadata names objects: every mention in a bundle's files, with what it means."""
