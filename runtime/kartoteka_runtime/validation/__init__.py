"""Record values are validated here, compiled from JSON Schema."""
