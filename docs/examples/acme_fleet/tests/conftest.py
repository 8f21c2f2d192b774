"""Fixtures that give each test an app of its own, on SQLite and on PostgreSQL."""

pytest_plugins = ["kartoteka_runtime.testing.fixtures"]
