"""Functions that PostgreSQL gets: the twins of ``fold`` and of ``kartoteka.conditions.values``.

None of them raises, whatever it is given: what is out of range is bounded first, because a
condition's parts are worked out in any order, and of constants before any ``CASE`` is looked at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache

import sqlalchemy as sa

from kartoteka import text_folding
from kartoteka.conditions.functions import MOST_NUMBER, MOST_PLACES
from kartoteka.conditions.values import tolower, toupper
from kartoteka.text_order import OTHER_FORMS, OWN_LETTERS

_LAST_LATIN = "\u024f"
_FIRST_IDEOGRAPH = 0x20000  # no letter from here on has two cases


@dataclass(frozen=True, slots=True)
class DatabaseFunction:
    """One function in SQL: ``arguments`` and result as they are declared, and what it selects."""

    name: str
    arguments: str
    gives: str
    expression: str

    @property
    def source(self) -> str:
        """Return the body, as the database keeps it."""
        return f" SELECT {self.expression} "

    @property
    def create(self) -> str:
        """Return the statement that creates or replaces it."""
        return (
            f"CREATE OR REPLACE FUNCTION {self.name}({self.arguments}) RETURNS {self.gives} "
            f"LANGUAGE sql IMMUTABLE PARALLEL SAFE AS $fold${self.source}$fold$"
        )


@lru_cache
def functions() -> tuple[DatabaseFunction, ...]:
    """Return every function, each after those that it uses."""
    return tuple(_functions())


def _functions() -> Iterator[DatabaseFunction]:
    yield DatabaseFunction("kartoteka_fold", "value text", "text", _by_letters(_fold()))
    for language in OWN_LETTERS:
        key = _by_letters(_sort_key(language))
        yield DatabaseFunction(f"kartoteka_sort_{language}", "value text", "text", key)
    lower, upper = _changed_case(tolower, "lower"), _changed_case(toupper, "upper")
    yield DatabaseFunction("kartoteka_lower", "value text", "text", lower)
    yield DatabaseFunction("kartoteka_upper", "value text", "text", upper)
    for name, (arguments, gives, expression) in _FUNCTIONS.items():
        yield DatabaseFunction(f"kartoteka_{name}", arguments, gives, expression)


def _literal(text: str) -> str:
    return str(sa.literal(text).compile(compile_kwargs={"literal_binds": True}))


_FIRST_SECOND, _LAST_SECOND = -62135596800, 253402300799  # of the years 1 to 9999
_MOST_SECONDS = 10**12
_MOST_MONTHS = 10**6
_MOST_CHARACTERS = 2**30

_ROUNDED = f"round(value, {MOST_PLACES})"
_EPOCH = "extract(epoch FROM clock)"
_MONTH = "(extract(year FROM {0}) * 12 + extract(month FROM {0}))"


def _between(value: str, least: int, most: int) -> str:
    """Return a number that is never out of range, nor null."""
    return f"least(greatest({value}, {least}), {most})"


def _whole(most: int, sql_type: str) -> str:
    bounded = _between("round(value)", -most, most - 1)
    return f"CASE WHEN round(value) BETWEEN {-most} AND {most - 1} THEN {bounded}::{sql_type} END"


# {name: (arguments, result, expression)}
_FUNCTIONS: Mapping[str, tuple[str, str, str]] = {
    "number": (  # a result: rounded, and empty when it is too large
        "value numeric",
        "numeric",
        f"CASE WHEN abs({_ROUNDED}) < {MOST_NUMBER} THEN {_ROUNDED} END",
    ),
    "quotient": (  # without a digit lost before it is rounded
        "dividend numeric, divisor numeric",
        "numeric",
        "kartoteka_number(sign(dividend) * sign(divisor) * 0.0000000001"
        " * div(20000000000 * abs(dividend) + abs(divisor), nullif(2 * abs(divisor), 0)))",
    ),
    "round": (
        "value numeric, places numeric",
        "numeric",
        "CASE WHEN places IS NOT NULL THEN"
        f" kartoteka_number(round(value, {_between('places', -20, MOST_PLACES)}::integer)) END",
    ),
    "short": (  # empty when it has too many characters
        "value text, most integer",
        "text",
        "CASE WHEN char_length(value) <= most THEN value END",
    ),
    "in_range": (  # empty when it is out of range
        "value anyelement, low anyelement, high anyelement",
        "anyelement",
        "CASE WHEN value BETWEEN low AND high THEN value END",
    ),
    "substring": (
        "value text, start numeric, most numeric",
        "text",
        "CASE WHEN start IS NOT NULL AND most IS NOT NULL THEN nullif(substring(value,"
        f" {_between('start', 0, _MOST_CHARACTERS)}::integer + 1,"
        f" {_between('most', 0, _MOST_CHARACTERS)}::integer), '') END",
    ),
    "within": (
        "clock timestamp",
        "timestamp",
        f"CASE WHEN {_EPOCH} BETWEEN {_FIRST_SECOND} AND {_LAST_SECOND} THEN clock END",
    ),
    "clock": (
        "instant timestamptz, zone text",
        "timestamp",
        "kartoteka_within(instant AT TIME ZONE zone)",
    ),
    "instant": (
        "clock timestamp, zone text",
        "timestamptz",
        "kartoteka_within(clock AT TIME ZONE zone AT TIME ZONE 'UTC') AT TIME ZONE 'UTC'",
    ),
    "later": (
        "clock timestamp, seconds numeric",
        "timestamp",
        f"CASE WHEN {_EPOCH} + seconds BETWEEN {_FIRST_SECOND} AND {_LAST_SECOND} THEN clock"
        " + make_interval(secs =>"
        f" {_between('seconds', -_MOST_SECONDS, _MOST_SECONDS)}::double precision) END",
    ),
    "months_later": (
        "clock timestamp, months numeric",
        "timestamp",
        f"CASE WHEN {_MONTH.format('clock')} + months BETWEEN 13 AND 120000 THEN clock"
        " + make_interval(months =>"
        f" {_between('months', -_MOST_MONTHS, _MOST_MONTHS)}::integer) END",
    ),
    "months_after": (  # how often the day and clock time of start came again until finish
        "start timestamp, finish timestamp",
        "numeric",
        f"{_MONTH.format('finish')} - {_MONTH.format('start')} - CASE WHEN"
        " extract(day FROM finish) > extract(day FROM start)"
        " OR extract(day FROM finish) = extract(day FROM start) AND finish::time >= start::time"
        " THEN 0 ELSE 1 END",
    ),
    "months_between": (
        "start timestamp, finish timestamp, unit numeric",
        "numeric",
        "CASE WHEN start <= finish THEN div(kartoteka_months_after(start, finish), unit)"
        " ELSE -div(kartoteka_months_after(finish, start), unit) END",
    ),
    "integer": ("value numeric", "integer", _whole(2**31, "integer")),
    "big_integer": ("value numeric", "bigint", _whole(2**63, "bigint")),
    "decimal": (  # as a column with so many places keeps it, the same on both engines
        "value numeric, places integer",
        "numeric",
        f"CASE WHEN round(value, places) * power(10::numeric, places) >= {-(2**63)}"
        f" AND round(value, places) * power(10::numeric, places) < {2**63}"
        " THEN round(value, places) END",
    ),
}


def _by_letters(expression: str) -> str:
    """Return what costs a tenth of ``expression`` for texts of plain letters, which have no marks.

    A function that is STRICT would not be written out where it is used, for CASE is not.
    """
    return (
        "CASE WHEN octet_length(value) = char_length(value)"
        f' THEN lower(value COLLATE "C") ELSE {expression} END'
    )


def _sort_key(language: str) -> str:
    """Return the SQL twin of ``kartoteka.text_order.sort_key``, made from the same tables."""
    expression = "normalize(lower(value), NFC)"
    if language == "ro":
        source, target = "".join(OTHER_FORMS), "".join(OTHER_FORMS.values())
        expression = f"translate({expression}, {_literal(source)}, {_literal(target)})"
    for letter, key in OWN_LETTERS[language].items():
        expression = f"replace({expression}, {_literal(letter)}, {_literal(key)})"
    return _fold(expression)  # written out: an index is built where no other function is seen


def _fold(text: str = "value") -> str:
    """Return the SQL twin of ``kartoteka.text_folding.fold``, made from the same tables."""
    singles = text_folding.FOLD_SINGLE
    source = "".join(singles)
    target = "".join(singles.values())
    expression = f"regexp_replace(normalize(lower({text}), NFD), U&'[\\0300-\\036F]', '', 'g')"
    expression = f"translate({expression}, {_literal(source)}, {_literal(target)})"
    for letter, replacement in text_folding.FOLD_MULTIPLE.items():
        expression = f"replace({expression}, {_literal(letter)}, {_literal(replacement)})"
    return expression


@lru_cache
def _letters_of_two_cases() -> tuple[str, ...]:
    return tuple(
        letter
        for letter in map(chr, range(_FIRST_IDEOGRAPH))
        if letter.lower() != letter or letter.upper() != letter
    )


def _changed_case(change: Callable[[str], str], ascii_function: str) -> str:
    """Return what changes the letters of a text as Python does, whatever the server knows.

    Texts of Latin letters, which are most, are not looked at for others.
    """
    changed = {letter: change(letter) for letter in _letters_of_two_cases()}
    changed = {letter: to for letter, to in changed.items() if to != letter}
    latin = {letter: to for letter, to in changed.items() if letter <= _LAST_LATIN}
    return (
        "CASE WHEN octet_length(value) = char_length(value)"
        f' THEN {ascii_function}(value COLLATE "C")'
        f" WHEN value ~ '[^\\u0001-\\u{ord(_LAST_LATIN):04x}]' THEN {_replaced(changed)}"
        f" ELSE {_replaced(latin)} END"
    )


def _replaced(changed: Mapping[str, str]) -> str:
    single = {letter: to for letter, to in changed.items() if len(to) == 1}
    source, target = "".join(single), "".join(single.values())
    expression = f"translate(value, {_literal(source)}, {_literal(target)})"
    for letter, to in changed.items():
        if len(to) > 1:
            expression = f"replace({expression}, {_literal(letter)}, {_literal(to)})"
    return expression
