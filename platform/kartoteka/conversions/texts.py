"""Text → text, and the limits that every value must keep that becomes a text.

The formats email, url, phone and ticker are not looked at: they are asked of what people write
from now on, not of what is there.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from kartoteka.conversions.conversion import Conversion, DoesNotConvert, Kind, unchanged
from kartoteka.conversions.stored_form import stores_alike
from kartoteka.model.field import Field
from kartoteka.model.field_types import MAX_LENGTH_MULTI_LINE

_LINE_BREAK = re.compile("[\r\n\x85\u2028\u2029]")

Fits = Callable[[str], str]
ID_LENGTH = 36


def text_to_text(before: Field, after: Field) -> Conversion:
    """Return the conversion that keeps a text if it is short enough and has no line too many."""
    keeps_lines = _is_multi_line(after) or not _is_multi_line(before)
    if keeps_lines and longest(after) >= longest(before):
        kind: Kind = "none" if stores_alike(before, after) else "widening"
        return Conversion(kind, fitting(after))
    return Conversion("checked", fitting(after))


def fitting(after: Field) -> Fits:
    """Return the function that gives back a text that ``after`` takes and refuses others."""
    most = longest(after)
    multi_line = _is_multi_line(after)

    def fit(text: str) -> str:
        if not multi_line and _LINE_BREAK.search(text):
            raise DoesNotConvert("line_break", value=text)
        if len(text) > most:
            raise DoesNotConvert("too_long", length=len(text), max=most)
        return text

    return fit


def written(after: Field, write: Callable[[Any], str], width: int) -> Conversion:
    """Return the conversion of values into texts that ``write`` makes.

    Args:
        after: The text field.
        write: Value → text, from which the opposite conversion makes the same value.
        width: Characters of the longest text.
    """
    fit = fitting(after)
    kind: Kind = "widening" if width <= longest(after) else "checked"
    return Conversion(kind, lambda value: fit(write(value)))


def ids_as_text(before: Field, after: Field) -> Conversion:
    """Return the conversion of ids (UUIDs in lower case) into texts."""
    return written(after, unchanged, ID_LENGTH)


def longest(field: Field) -> int:
    """Return how many characters a text field takes."""
    return field.max_length or MAX_LENGTH_MULTI_LINE


def _is_multi_line(field: Field) -> bool:
    return field.format == "multi_line"
