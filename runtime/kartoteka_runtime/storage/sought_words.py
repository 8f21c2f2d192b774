"""SoughtWords: several texts that one field is searched for, so that its text is folded once.

A filter may ask hundreds of times whether a field contains a text. Said one by one, the database
folds the same text as often, which costs far more than to look for a word in it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import orjson

from kartoteka.conditions.typed import (
    AllOf,
    AnyOf,
    FieldPath,
    TextFunction,
    TextTest,
    TypedCondition,
)
from kartoteka.text_folding import fold
from kartoteka_runtime.storage.storable_text import storable

_MOST = 50  # words at once: between two calls of a function, SQLite can be stopped
_KEPT = 64


@dataclass(frozen=True, slots=True)
class SoughtWords:
    """Whether a field contains one of several texts, or with ``is_all`` each of them."""

    path: FieldPath
    texts: tuple[str, ...]
    is_all: bool


def bundled(node: AllOf | AnyOf) -> Sequence[TypedCondition | SoughtWords]:
    """Return the terms of a condition, those together that look for texts in one field."""
    sought: dict[str, list[TextTest]] = {}
    for term in node.terms:
        if isinstance(term, TextTest) and term.function is TextFunction.CONTAINS:
            sought.setdefault(term.path.key, []).append(term)
    several = {key: terms for key, terms in sought.items() if len(terms) > 1}
    if not several:
        return node.terms
    alone = [
        term
        for term in node.terms
        if not (
            isinstance(term, TextTest)
            and term.function is TextFunction.CONTAINS
            and term.path.key in several
        )
    ]
    words = [
        SoughtWords(
            terms[0].path,
            tuple(term.text for term in terms[start : start + _MOST]),
            isinstance(node, AllOf),
        )
        for terms in several.values()
        for start in range(0, len(terms), _MOST)
    ]
    return [*alone, *words]


def words_parameter(words: SoughtWords, engine: str) -> str | list[str]:
    """Return what is sought as one parameter: a text of JSON on SQLite, patterns on PostgreSQL."""
    texts = [fold(storable(text)) for text in words.texts]
    if engine == "sqlite":
        return orjson.dumps(texts).decode()
    return [f"%{escaped(text)}%" for text in texts]


def escaped(text: str) -> str:
    """Return a text as it stands in a pattern of LIKE."""
    return text.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")


def has_any_word(folded: str, words: str) -> bool:
    """Return whether a folded text contains one of the words of a parameter of SQLite."""
    return any(word in folded for word in _words(words))


def has_every_word(folded: str, words: str) -> bool:
    """Return whether a folded text contains all of them."""
    return all(word in folded for word in _words(words))


@lru_cache(_KEPT)
def _words(parameter: str) -> list[str]:
    found: list[str] = orjson.loads(parameter)
    return found
