"""Writing definitions over the Web API: record types, fields, keys, relationships, choices."""
