"""EditError: why a metadata file was not changed."""

from __future__ import annotations

from kartoteka.errors import KartotekaError


class EditError(KartotekaError):
    """The file cannot be changed as asked, or changed meanwhile; nothing was written."""
