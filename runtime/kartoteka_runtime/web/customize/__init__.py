"""Changing the app's own files in the browser; the files stay the truth."""
