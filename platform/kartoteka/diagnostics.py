"""Diagnostic: one mistake in metadata, with its place and the way out."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from kartoteka.location import Location


@dataclass(frozen=True, slots=True)
class Diagnostic:
    """What was found, what was expected, where, and how to go on.

    ``code`` is a stable slug such as ``form/unknown-field``; every one is described in
    ``docs/reference/diagnostics.md``.
    """

    location: Location
    code: str
    message: str
    hint: str = ""

    def __str__(self) -> str:
        """Return ``file:line:column  code  message; hint``."""
        text = f"{self.location}  {self.code}  {self.message}"
        return f"{text}; {self.hint}" if self.hint else text


class Diagnostics:
    """Collects diagnostics; iterates in file, line and column order, each once."""

    def __init__(self) -> None:
        """Start empty."""
        self._found: list[Diagnostic] = []

    def add(self, location: Location, code: str, message: str, hint: str = "") -> None:
        """Note one mistake."""
        self._found.append(Diagnostic(location, code, message, hint))

    def extend(self, diagnostics: Iterable[Diagnostic]) -> None:
        """Note all that a check found."""
        self._found.extend(diagnostics)

    def __iter__(self) -> Iterator[Diagnostic]:
        """Yield each mistake once, sorted by place."""
        return iter(sorted(dict.fromkeys(self._found), key=_place_and_text))

    def __len__(self) -> int:
        """Return how many there are."""
        return len(dict.fromkeys(self._found))


def _place_and_text(diagnostic: Diagnostic) -> tuple[str, int, int, str, str]:
    place = diagnostic.location
    return place.file, place.line, place.column, diagnostic.code, diagnostic.message
