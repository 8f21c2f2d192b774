"""Definitions told to clients of the Web API: ``$metadata``, EntityDefinitions and their like."""
