"""The dev loop: watches an app's files; what is saved is checked, planned and, if safe, live."""
