"""Business rules, typed against a registry and compiled: what a record's values lead to."""
