"""YAML text to model: reading with positions, shape, layers, and one reader a document kind."""
