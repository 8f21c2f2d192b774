"""DevMark: what pages carry when a dev server serves them; see ``kartoteka_runtime.dev``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DevMark:
    """Where the files and what is live stood when a page was made.

    ``start`` tells one start of the server from another, ``number`` is the publication of the page
    and ``step`` counts what happened in the files.
    """

    start: str
    number: int
    step: int
    needs_attention: bool
    was_posted: bool = False  # the page answers a form, and must not be asked for that way again


DevMarker = Callable[[int], DevMark]  # is given the number of the publication that a page shows
