"""Functions that every SQLite connection gets; the indexes need the first of them.

None of them raises: where a value cannot be worked out, it is empty.
"""

from __future__ import annotations

import sqlite3
from bisect import bisect_right
from collections.abc import Callable
from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from functools import lru_cache, partial
from typing import Any

from kartoteka.conditions.asker import Asker
from kartoteka.conditions.compile_closure import compile_closure, compile_value
from kartoteka.conditions.like_pattern import like_expression
from kartoteka.conditions.typed import Expression, Related, TextRelated
from kartoteka.model.field import Field
from kartoteka.model.field_types import decimal_scale, storage_of
from kartoteka.text_folding import fold
from kartoteka.text_order import OWN_LETTERS, sort_key
from kartoteka_runtime.storage.column_types import codec, decode_options
from kartoteka_runtime.storage.condition_parameters import NOBODY
from kartoteka_runtime.storage.sought_words import has_any_word, has_every_word
from kartoteka_runtime.storage.sqlite_leaf import cells_of, packed

_KEPT = 4096
_MOST = {"integer": 2**31, "big_integer": 2**63, "decimal": 2**63}
_ANY_NUMBER_OF_ARGUMENTS = -1

Evaluate = Callable[[tuple[Any, ...], Asker], Any]


def define_functions(raw: sqlite3.Connection) -> None:
    """Make the functions known to a connection."""
    for name, arguments, function in (
        ("kartoteka_fold", 1, _fold),
        ("kartoteka_has_any", 2, partial(_has_words, has_any_word)),
        ("kartoteka_has_all", 2, partial(_has_words, has_every_word)),
        ("kartoteka_like", 2, _like),
        ("kartoteka_short", 2, _short),
        ("kartoteka_in_range", 3, _in_range),
        ("kartoteka_sort_options", 1, _sort_options),
        ("kartoteka_lies_in", 2, _lies_in),
        ("kartoteka_packed", _ANY_NUMBER_OF_ARGUMENTS, packed),
        ("kartoteka_holds", _ANY_NUMBER_OF_ARGUMENTS, _holds),
        ("kartoteka_value", _ANY_NUMBER_OF_ARGUMENTS, _value),
    ):
        raw.create_function(name, arguments, function, deterministic=True)
    for language in OWN_LETTERS:
        key = partial(_sort_key, language=language)
        raw.create_function(f"kartoteka_sort_{language}", 1, key, deterministic=True)


def _fold(text: str | None) -> str | None:
    if text is None or text.isascii():
        return text and text.lower()
    return _folded(text)


@lru_cache(maxsize=16)  # a statement asks for the same text once for each word that it looks for
def _folded(text: str) -> str:
    return fold(text)


def _sort_key(text: str | None, *, language: str) -> str | None:
    return None if text is None else sort_key(text, language)


def _like(text: str | None, pattern: str) -> bool:
    return text is not None and like_expression(pattern).fullmatch(fold(text)) is not None


def _has_words(has: Callable[[str, str], bool], text: str | None, words: str) -> bool | None:
    folded = _fold(text)
    return None if folded is None else has(folded, words)


def _short(text: str | None, most: int) -> str | None:
    """Return a text, empty when it has too many characters."""
    return text if text is not None and len(text) <= most else None


def _in_range(value: Any, low: Any, high: Any) -> Any:
    """Return a value, empty when it is out of range."""
    return value if value is not None and low <= value <= high else None


def _sort_options(cell: str | None) -> str | None:
    """Return a multi-choice as a text that sorts as PostgreSQL sorts its whole numbers."""
    if cell is None:
        return None
    return ",".join(f"{option + 2**31:010}" for option in decode_options(cell))


def _lies_in(cell: str | None, intervals: str) -> bool:
    """Return whether a date or time lies in one of several ascending intervals."""
    if cell is None:
        return False
    bounds = _bounds(intervals)
    return bisect_right(bounds, cell) % 2 == 1


@lru_cache(64)
def _bounds(intervals: str) -> list[str]:
    return intervals.split(" ")


def _holds(leaf: str, zone: str, now: str, user: str, unit: str, *cells: Any) -> int:
    """Return whether a leaf of a condition holds; see ``sqlite_leaf``."""
    return 1 if _evaluation(leaf)(cells, _asker(zone, now, user, unit)) else 0


def _value(leaf: str, zone: str, now: str, user: str, unit: str, *cells: Any) -> Any:
    """Return the value of an expression as a field's column would hold it."""
    return _evaluation(leaf)(cells, _asker(zone, now, user, unit))


@lru_cache(64)
def _asker(zone: str, now: str, user: str, unit: str) -> Asker:
    return Asker(_id(user), _id(unit), zone, datetime.fromisoformat(now))


def _id(parameter: str) -> str:
    return "" if parameter == NOBODY else parameter


@lru_cache(_KEPT)
def _evaluation(leaf: str) -> Evaluate:
    """Return what a leaf's text says as a function of the cells and who asks."""
    cells = cells_of(leaf)
    record_of = cells.record
    if isinstance(cells.node, Related | TextRelated):
        holds = compile_closure(cells.node)
        return lambda given, asker: holds(record_of(given), asker)
    assert cells.target is not None and isinstance(cells.node, Expression)
    compute, encode = compile_value(cells.node), _encoder(cells.target)

    def stored(given: tuple[Any, ...], asker: Asker) -> Any:
        value = compute(record_of(given), asker)
        return None if value is None else encode(value)

    return stored


def _encoder(target: Field) -> Callable[[Any], Any]:
    """Return what gives a value the form of a field's column; what has no place there is empty."""
    storage = storage_of(target)
    if storage not in _MOST:
        return codec(target, "sqlite").encode or (lambda value: value)
    most = _MOST[storage]
    scale = decimal_scale(target) if storage == "decimal" else 0

    def encode(value: int | Decimal) -> int | None:
        scaled = int(Decimal(value).scaleb(scale).to_integral_value(ROUND_HALF_UP))
        return scaled if -most <= scaled < most else None

    return encode
