"""Renames carried through an app's files: every mention changes, everything else stays."""
