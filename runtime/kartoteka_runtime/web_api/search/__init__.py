"""Search over many record types at once: ``/api/search/v1.0`` and ``v2.0``."""
