"""``$filter``: the condition language, with parameter aliases (``@name``) put in their places."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping

from kartoteka.conditions.check_condition import check_condition
from kartoteka.conditions.condition_error import ConditionError
from kartoteka.conditions.parser import parse
from kartoteka.conditions.syntax import Condition
from kartoteka.conditions.tokens import TokenKind, split
from kartoteka.conditions.typed import AllOf, TypedCondition
from kartoteka.query.option_text import MOST_CHARACTERS, Piece
from kartoteka.query.query_error import QueryError
from kartoteka.registry import Registry

Aliases = Mapping[str, str]
"""``{alias with its @: text of its value}``."""

_ALIAS_OR_TEXT = re.compile(r"'(?:[^']|'')*'|(?P<alias>@[A-Za-z_][A-Za-z0-9_]*)")
_AFTER_IN = re.compile(r"\sin\s+\Z")
_QUOTED = re.compile(r"""'(?:[^']|'')*'|"(?:[^"\\]|\\.)*\"""")
_VALUES = frozenset(
    {TokenKind.TEXT, TokenKind.NUMBER, TokenKind.DATE, TokenKind.DATE_TIME, TokenKind.GUID}
)
_WORDS = ("null", "true", "false")
_IN_LISTS = _VALUES | {
    TokenKind.OPEN_LIST,
    TokenKind.CLOSE_LIST,
    TokenKind.OPEN,
    TokenKind.CLOSE,
    TokenKind.COMMA,
    TokenKind.QUOTED,
}


_MOST_VALUES = 5_000  # of one list


def read_filter(piece: Piece, registry: Registry, entity: str, aliases: Aliases) -> TypedCondition:
    """Return a filter in checked form.

    Raises:
        QueryError: It does not parse, names what does not exist, or an alias that has no value.
    """
    text, places = _with_values(piece, aliases)
    try:
        return check_condition(_parsed(text), registry, entity)
    except ConditionError as error:
        at = _place_of(error.offset, places)
        raise piece.error(error.message, error.hint, at=at) from None


def aliases_in(text: str, aliases: Aliases) -> Aliases:
    """Return the aliases that a text names, with their values."""
    named = {match["alias"] for match in _ALIAS_OR_TEXT.finditer(text)}
    return {name: value for name, value in aliases.items() if name in named}


def names_in(piece: Piece, aliases: Aliases) -> set[str]:
    """Return the names in a filter; none where it does not parse, as ``read_filter`` tells."""
    text, _ = _with_values(piece, aliases)
    try:
        tokens = split(text, most=MOST_CHARACTERS)
    except ConditionError:
        return set()
    return {token.text for token in tokens if token.kind is TokenKind.NAME}


def both(first: TypedCondition | None, second: TypedCondition | None) -> TypedCondition | None:
    """Return the condition that two conditions hold, of which either may be none."""
    if first is None or second is None:
        return first or second
    return AllOf((first, second))


def _parsed(text: str) -> Condition:
    return parse(text, most_characters=MOST_CHARACTERS, most_values=_MOST_VALUES)


def _with_values(piece: Piece, aliases: Aliases) -> tuple[str, list[tuple[int, int, bool]]]:
    """Return the text with values instead of aliases, and where its parts come from.

    The parts are ``(begin in the result, begin in the piece, is a value)``.
    """
    result, end = "", 0
    places = [(0, 0, False)]
    for match in _ALIAS_OR_TEXT.finditer(piece.text):
        name = match["alias"]
        if name is None:
            continue
        if name not in aliases:
            raise piece.error(f"{name} has no value", f"add &{name}=…", at=match.start())
        result += piece.text[end : match.start()]
        places.append((len(result), match.start(), True))
        value = _checked(name, aliases[name])
        result += _in_parentheses(value) if _AFTER_IN.search(result) else value
        end = match.end()
        places.append((len(result), end, False))
        if len(result) > MOST_CHARACTERS:
            raise piece.error("the values of aliases are too long", at=match.start())
    return result + piece.text[end:], places


def _checked(name: str, text: str) -> str:
    """Return an alias's value, which must be one value or a list of values."""
    try:
        tokens = split(text.strip(), most=MOST_CHARACTERS)[:-1]
    except ConditionError as error:
        raise QueryError(error.message, part=name, line=1, column=error.offset + 1) from None
    is_one = len(tokens) == 1 and (tokens[0].kind in _VALUES or tokens[0].text in _WORDS)
    is_list = bool(tokens) and tokens[0].kind in (TokenKind.OPEN_LIST, TokenKind.OPEN)
    if is_one or (is_list and all(token.kind in _IN_LISTS for token in tokens)):
        return text.strip()
    raise QueryError("an alias stands for one value or for a list of values", part=name)


def _in_parentheses(text: str) -> str:
    """Return a list of JSON as ``in`` takes it; other values as they are."""
    if not text.startswith("["):
        return text
    return _QUOTED.sub(_single_quoted, f"({text[1:-1]})")


def _single_quoted(match: re.Match[str]) -> str:
    text = match[0]
    if text[0] == "'":
        return text
    try:
        found = json.loads(text, strict=False)
    except ValueError:
        return text  # whoever reads the list tells what is wrong
    doubled = found.replace("'", "''")
    return f"'{doubled}'"


def _place_of(offset: int, places: list[tuple[int, int, bool]]) -> int:
    begin, source, is_value = max(place for place in places if place[0] <= offset)
    return source if is_value else source + offset - begin
