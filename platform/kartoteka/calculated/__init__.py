"""Calculated fields: what formulas and rollups are worked out of, and what of it a field holds."""
