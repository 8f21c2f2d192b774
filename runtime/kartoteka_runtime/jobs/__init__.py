"""Durable work: what is enqueued with a record's transaction runs later, and its effects once."""
