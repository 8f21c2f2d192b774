"""The `kartoteka` command."""
