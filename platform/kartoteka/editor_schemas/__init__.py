"""JSON Schemas for editors that know a project's own names: pure, registry → files."""
