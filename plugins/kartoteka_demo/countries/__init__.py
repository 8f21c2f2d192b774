"""The countries in which the sample group has customers, with names and places of each."""
