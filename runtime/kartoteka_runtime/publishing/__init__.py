"""Publish time: make a checked registry the live one."""
