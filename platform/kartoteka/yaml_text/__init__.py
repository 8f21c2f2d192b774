"""Metadata as text that people review: one canonical form, comments kept."""
