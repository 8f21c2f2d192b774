"""Location: where in a bundle's files something was said."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Location:
    """A place in a metadata file.

    ``file`` is relative to the folder the person works in where that is possible; ``line`` and
    ``column`` count from 1; ``path`` is the dotted path in the document (``fields.name.label``).
    """

    file: str
    line: int = 1
    column: int = 1
    path: str = ""

    def __str__(self) -> str:
        """Return ``file:line:column``, which editors and terminals turn into a link."""
        return f"{self.file}:{self.line}:{self.column}"


NOWHERE = Location("<built in>")
