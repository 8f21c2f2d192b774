"""The ``Prefer`` header: what a client would like, as far as it is known here.

Source: reference web-api, section 6.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

_PART = re.compile(r'\s*((?:[^,"]|"[^"]*")+)\s*(?:,|\Z)')
_WHOLE = re.compile(r"[0-9]{1,9}")
_LONGEST = 4_000  # characters that are looked at
_ANNOTATIONS = "odata.include-annotations"


@dataclass(frozen=True, slots=True)
class Preferences:
    """What a request prefers.

    ``page_size`` is how many records a page shall have, 0 without a wish. ``annotations`` are
    names, ``*``, names that end in ``.*``, and those with ``-`` before them that are unwanted.
    """

    page_size: int = 0
    annotations: tuple[str, ...] = ()
    wants_record: bool = False  # that was written
    tracks_changes: bool = False  # a list is to end with a link to what changes later

    def wants(self, annotation: str) -> bool:
        """Return whether an annotation such as ``OData.Community.Display.V1.FormattedValue``."""
        if any(_fits(name[1:], annotation) for name in self.annotations if name[:1] == "-"):
            return False
        return any(_fits(name, annotation) for name in self.annotations)

    def applied(self, page_size: int = 0, *, tracked: bool = False) -> str:
        """Return what ``Preference-Applied`` says.

        ``page_size`` is the one that was used; ``tracked`` tells that changes are tracked.
        """
        parts = ["odata.track-changes"] if tracked else []
        if self.page_size and page_size:
            parts.append(f"odata.maxpagesize={page_size}")
        if self.annotations:
            parts.append(f'{_ANNOTATIONS}="{",".join(self.annotations)}"')
        return ",".join(parts)


def read_preferences(header: str) -> Preferences:
    """Return what a ``Prefer`` header asks for; what is not understood is left out.

    The list of annotations may stand without its quotes, as some clients send it.
    """
    page_size, wants_record, tracks_changes = 0, False, False
    annotations: list[str] = []
    is_listing = False
    for match in _PART.finditer(header[:_LONGEST]):
        name, equals, value = match[1].strip().partition("=")
        name, value = name.strip().lower(), value.strip().strip('"')
        if name == _ANNOTATIONS:
            annotations += [part.strip() for part in value.split(",")]
            is_listing = '"' not in match[1]
            continue
        if (
            is_listing
            and not equals
            and (("." in name and not name.startswith("odata.")) or name in ("*", "odata.*"))
        ):
            annotations.append(match[1].strip())
            continue
        is_listing = False
        if name == "odata.maxpagesize" and _WHOLE.fullmatch(value):
            page_size = max(1, int(value))
        elif name == "return" and value.lower() == "representation":
            wants_record = True
        elif name == "odata.track-changes":
            tracks_changes = True
    known = tuple(dict.fromkeys(part for part in annotations if _is_name(part)))
    return Preferences(page_size, known, wants_record, tracks_changes)


def _is_name(text: str) -> bool:
    return bool(re.fullmatch(r"-?[A-Za-z0-9_.]*\*?", text)) and text not in ("", "-")


def _fits(pattern: str, name: str) -> bool:
    if pattern == "*":
        return True
    if pattern.endswith(".*"):
        return name.lower().startswith(pattern[:-1].lower())
    return pattern.lower() == name.lower()
