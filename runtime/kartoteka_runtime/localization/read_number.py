"""Numbers as people type them, in their language's form or in the plain one."""

from __future__ import annotations

import re
from decimal import Decimal

from kartoteka_runtime.localization.number_shapes import number_shape

_SPACES = dict.fromkeys(map(ord, " \t\N{NO-BREAK SPACE}\N{NARROW NO-BREAK SPACE}\N{THIN SPACE}'’"))
_MINUS = dict.fromkeys(map(ord, "\N{MINUS SIGN}\N{EN DASH}\N{HYPHEN}"), "-")
_PLAIN = re.compile(r"[+-]?\d+(?:\.\d*)?|[+-]?\.\d+")
_GROUPED = re.compile(r"[+-]?\d{1,3}(?:,\d{3})+(?:\.\d*)?")
_LONGEST = 40


def read_number(text: str, language: str) -> Decimal | None:
    """Return the number that a text names, or None when it names none.

    The language's own separators win; where a text cannot mean anything else, the other usual
    ones are taken too: Polish ``1 234,5``, ``1234.5`` and ``1.234,5`` are the same number.
    """
    typed = text.translate(_SPACES).translate(_MINUS)
    if not typed or len(typed) > _LONGEST or not typed.isascii():
        return None
    plain = _with_point(typed, language)
    if _PLAIN.fullmatch(plain):
        return Decimal(plain)
    if _GROUPED.fullmatch(plain):
        return Decimal(plain.replace(",", ""))
    return None


def _with_point(typed: str, language: str) -> str:
    """Return the text with ``.`` before decimals and ``,`` between groups."""
    if _decimal_mark(typed, language) == ",":
        return typed.translate({ord(","): ".", ord("."): ","})
    return typed


def _decimal_mark(typed: str, language: str) -> str:
    """Return which of ``.`` and ``,`` stands before the decimals."""
    points, commas = typed.count("."), typed.count(",")
    if points and commas:
        return "." if typed.rindex(".") > typed.rindex(",") else ","
    shape = number_shape(language)
    if points + commas != 1:
        # Several of one kind can only separate groups.
        return "," if points else "."
    mark = "." if points else ","
    looks_grouped = re.fullmatch(r"[+-]?\d{1,3}[.,]\d{3}", typed) is not None
    is_group = mark == shape.group and looks_grouped
    return {".": ",", ",": "."}[mark] if is_group else mark
