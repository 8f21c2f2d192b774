"""Tests of roles: organizations made up for a test, and whether records answer as expected."""
