"""Logical-name rules, bundle prefixes, reserved words, and the nearest valid name."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from rapidfuzz import process
from rapidfuzz.distance import DamerauLevenshtein, JaroWinkler

MAX_NAME_LENGTH = 50
MAX_OPTION_NAME_LENGTH = 100

_NAME = re.compile(r"[a-z][a-z0-9]*(_[a-z0-9]+)*\Z")
_OPTION_NAME = re.compile(r"[a-z0-9]+(_[a-z0-9]+)*\Z")

# Words of the condition language: a field of that name could not be told from them.
CONDITION_WORDS = frozenset(
    "and or not in has eq ne gt ge lt le add sub mul div divby mod null true false me any all "
    "contains startswith endswith".split()
)

# Fields that the platform fills itself, with the only type they may have.
PLATFORM_FIELDS = {
    "createdby": "lookup",
    "createdon": "date_time",
    "exchangerate": "decimal",
    "modifiedby": "lookup",
    "modifiedon": "date_time",
    "ownerid": "owner",
    "owningbusinessunit": "lookup",
    "owningteam": "lookup",
    "owninguser": "lookup",
    "statecode": "state",
    "statuscode": "status",
    "transactioncurrencyid": "lookup",
    "versionnumber": "big_integer",
}

# What the engines and the platform name their own tables with.
RESERVED_ENTITY_PREFIXES = ("kartoteka_", "pg_", "sqlite_")


def is_name(text: str) -> bool:
    """Return whether ``text`` is a logical name: snake_case, a letter first, at most 50 long."""
    return len(text) <= MAX_NAME_LENGTH and _NAME.match(text) is not None


def is_option_name(text: str) -> bool:
    """Return whether options, states and reasons may be called so: as names, also digits first."""
    return len(text) <= MAX_OPTION_NAME_LENGTH and _OPTION_NAME.match(text) is not None


def has_prefix(name: str, prefix: str) -> bool:
    """Return whether a name begins as its bundle asks; an empty prefix asks nothing."""
    return not prefix or name.startswith(prefix + "_")


def nearest(name: str, candidates: Iterable[str]) -> str:
    """Return the candidate that ``name`` most likely means, or "" when none is near."""
    choices = sorted(set(candidates))
    if found := next((choice for choice in choices if choice.endswith(f"_{name}")), ""):
        return found  # the prefix of the bundle was left out
    by_edits = process.extractOne(
        name, choices, scorer=DamerauLevenshtein.distance, score_cutoff=max(1, len(name) // 3)
    )
    if by_edits is not None:
        return str(by_edits[0])
    by_likeness = process.extractOne(
        name, choices, scorer=JaroWinkler.similarity, score_cutoff=0.88
    )
    return str(by_likeness[0]) if by_likeness is not None else ""


def did_you_mean(name: str, candidates: Iterable[str]) -> str:
    """Return the hint ``did you mean "x"?``, or "" when no candidate is near.

    When the candidates are a mapping by name, and one of them was called ``name`` before, the hint
    says so instead.
    """
    if isinstance(candidates, Mapping):
        for candidate, item in candidates.items():
            if name in _former_names(item):
                return f'it was renamed to "{candidate}"'
    near = nearest(name, candidates)
    return f'did you mean "{near}"?' if near else ""


def _former_names(item: Any) -> tuple[str, ...]:
    """Return the names under which something was published before: a definition, or its YAML."""
    if isinstance(item, list):
        return tuple(name for each in item for name in _former_names(each))
    is_map = isinstance(item, Mapping)
    former = item.get("renamed_from", ()) if is_map else getattr(item, "renamed_from", ())
    return (former,) if isinstance(former, str) else tuple(former)


def plural_of(word: str) -> str:
    """Return a first guess at an English plural, of a label or a name: ``new_boxes``."""
    if re.search(r"(s|x|z|ch|sh)\Z", word):
        return word + "es"
    if re.search(r"[^aeiou_]y\Z", word):
        return word[:-1] + "ies"
    return word + "s"
