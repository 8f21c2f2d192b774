"""Business rules, typed against a registry and compiled: what follows from a record's values."""
