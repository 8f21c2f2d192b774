"""The body of a search: what is looked for, where, and how much of it is told.

Version 1.0 takes lists where 2.0 takes texts that hold JSON; both are read alike, names in any
casing. Source: reference web-api, section 16.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import orjson

from kartoteka.names import did_you_mean
from kartoteka.query.option_text import Piece, piece_of
from kartoteka.query.query_error import QueryError
from kartoteka_runtime.validation.value_checks import shorten
from kartoteka_runtime.web_api.search.search_text import SearchText, read_search_text

MOST_TOP, MOST_DEEP = 100, 1000  # records of one page; records that pages reach
MOST_ENTITIES, MOST_FACETS, MOST_COLUMNS = 100, 10, 100
MOST_VALUES = 100  # of one facet
_LONGEST_FILTER = 10_000  # characters, which are read for each record type
_PAGE, _SUGGESTED, _FACET_VALUES = 50, 5, 10
ENTITY_NAME = "@search.entityname"

_EVERYWHERE = ("search", "entities", "filter")
_KNOWN = {
    "query": (
        *_EVERYWHERE, "top", "skip", "orderby", "facets", "returntotalrecordcount", "count",
        "searchmode", "searchtype", "options",
    ),
    "suggest": (*_EVERYWHERE, "top", "orderby", "fuzzy", "usefuzzy", "options"),
    "autocomplete": (*_EVERYWHERE, "fuzzy", "usefuzzy", "options"),
}  # fmt: skip
_TYPES = ("simple", "full", "lucene")


@dataclass(frozen=True, slots=True)
class Scope:
    """One record type to search: with the columns to tell and to look in (none: the usual ones)."""

    name: str
    part: str
    shown: tuple[str, ...] = ()
    looked_in: tuple[str, ...] = ()
    filter: Piece | None = None


@dataclass(frozen=True, slots=True)
class Facet:
    """Which values of a field are counted; ``entity`` only where one was named."""

    name: str
    part: str
    field: str
    entity: str = ""
    most: int = _FACET_VALUES


@dataclass(frozen=True, slots=True)
class SearchBody:
    """What a search asks for; no ``scopes`` mean every record type that can be searched."""

    text: SearchText
    scopes: tuple[Scope, ...]
    filter: Piece | None
    order: Piece | None
    facets: tuple[Facet, ...]
    top: int
    skip: int
    is_counted: bool


def read_search_body(body: Mapping[str, Any], verb: str) -> SearchBody:
    """Return what the body of ``query``, ``suggest`` or ``autocomplete`` asks for.

    Raises:
        QueryError: A property is unknown or wrong; the error names it.
    """
    said = _Properties.of(body, _KNOWN[verb])
    options = said.object("options")
    mode = said.one_of("searchmode", ("any", "all")) or options.one_of("searchmode", ("any", "all"))
    said.one_of("searchtype", _TYPES)
    options.one_of("querytype", _TYPES)
    for name in ("fuzzy", "usefuzzy"):
        said.yes_no(name)
    text = said.text("search")
    if text is None:
        raise QueryError("this is needed", part="search")
    needs_all = verb != "query" or mode == "all"
    top = said.number("top", 1, MOST_TOP)
    skip = said.number("skip", 0, MOST_DEEP) or 0
    if top is None:
        top = _PAGE if verb == "query" else _SUGGESTED
    if skip + top > MOST_DEEP:
        raise QueryError(f"skip and top reach {MOST_DEEP} records at most", part="skip")
    counted = [said.yes_no(name) for name in ("returntotalrecordcount", "count")]
    return SearchBody(
        read_search_text(text, part="search", needs_all=needs_all),
        _scopes(said),
        _filter("filter", said.text("filter")),
        _order(said),
        _facets(said),
        top,
        skip,
        is_counted=any(counted),
    )


def _scopes(said: _Properties) -> tuple[Scope, ...]:
    found: dict[str, Scope] = {}
    for at, item in enumerate(said.list("entities", MOST_ENTITIES)):
        part = f"entities[{at}]"
        if isinstance(item, str):
            scope = Scope(item, part)
        elif isinstance(item, dict):
            scope = _scope(item, part)
        else:
            raise QueryError("this is no record type", part=part)
        if scope.name in found:
            raise QueryError(f'"{shorten(scope.name)}" is there twice', part=part)
        found[scope.name] = scope
    return tuple(found.values())


def _scope(item: Mapping[str, Any], part: str) -> Scope:
    said = _Properties.of(item, ("name", "selectcolumns", "searchcolumns", "filter"), f"{part}.")
    name = said.text("name")
    if name is None:
        raise QueryError("this is needed", part=f"{part}.name")
    return Scope(
        name,
        part,
        said.names("selectcolumns"),
        said.names("searchcolumns"),
        _filter(f"{part}.filter", said.text("filter")),
    )


def _order(said: _Properties) -> Piece | None:
    value = said.values.get("orderby")
    if isinstance(value, str) and not value.lstrip().startswith("["):
        return _piece("orderBy", value)
    return _piece("orderBy", ",".join(said.names("orderby")))


def _facets(said: _Properties) -> tuple[Facet, ...]:
    texts = said.names("facets", MOST_FACETS)
    return tuple(_facet(text, f"facets[{at}]") for at, text in enumerate(texts))


def _facet(text: str, part: str) -> Facet:
    name, *rest = (word.strip() for word in text.split(","))
    most = _FACET_VALUES
    for word in rest:
        option, _, value = word.partition(":")
        if option == "count" and value.isascii() and value.isdigit():
            most = min(int(value[:9]), MOST_VALUES)
        elif (option, value) != ("sort", "count"):
            hint = "write the name of a field and count:10"
            raise QueryError(f'"{shorten(word)}" is not offered', part=part, hint=hint)
    if not name or most == 0:
        raise QueryError("this counts nothing", part=part)
    if name == ENTITY_NAME:
        return Facet(name, part, "", most=most)
    entity, dot, field = name.rpartition(".")
    return Facet(name, part, field, entity if dot else "", most)


def _filter(part: str, text: str | None) -> Piece | None:
    if text is not None and len(text) > _LONGEST_FILTER:
        message = f"{len(text)} characters are too many; at most {_LONGEST_FILTER} are read"
        raise QueryError(message, part=part)
    return _piece(part, text)


def _piece(part: str, text: str | None) -> Piece | None:
    return piece_of(part, text) if text is not None and text.strip() else None


@dataclass(frozen=True, slots=True)
class _Properties:
    """The properties of an object by their names in lower case; what is null is not there."""

    values: Mapping[str, Any]
    where: str = ""

    @classmethod
    def of(cls, body: Mapping[str, Any], known: tuple[str, ...], where: str = "") -> _Properties:
        values: dict[str, Any] = {}
        for name, value in body.items():
            lower = name.lower()
            if known and lower not in known:
                hint = did_you_mean(lower, known)
                raise QueryError("there is no such property", part=where + name[:60], hint=hint)
            if lower in values:
                raise QueryError("this is there twice", part=where + name[:60])
            values[lower] = value
        return cls({name: value for name, value in values.items() if value is not None}, where)

    def text(self, name: str) -> str | None:
        value: str | None = self._typed(name, str, "a text")
        return value

    def yes_no(self, name: str) -> bool | None:
        value: bool | None = self._typed(name, bool, "true or false")
        return value

    def number(self, name: str, least: int, most: int) -> int | None:
        value: int | None = self._typed(name, int, "a whole number")
        if value is not None and (value is True or value is False or not least <= value <= most):
            raise self._error(name, f"a number from {least} to {most} is needed")
        return value

    def one_of(self, name: str, known: tuple[str, ...]) -> str:
        value = (self.text(name) or "").lower()
        if value and value not in known:
            raise self._error(name, f"one of {', '.join(known)} is needed")
        return value

    def list(self, name: str, most: int = MOST_COLUMNS) -> list[Any]:
        """Return the items of a list, or of the JSON of one."""
        value = self._parsed(name)
        if value is None or value == "":
            return []
        if not isinstance(value, list):
            raise self._error(name, "a list is needed")
        if len(value) > most:
            raise self._error(name, f"at most {most} are read")
        return value

    def names(self, name: str, most: int = MOST_COLUMNS) -> tuple[str, ...]:
        found = self.list(name, most)
        if not all(isinstance(item, str) and item for item in found):
            raise self._error(name, "a list of names is needed")
        return tuple(dict.fromkeys(found))

    def object(self, name: str) -> _Properties:
        value = self._parsed(name)
        if value is None or value == "":
            return _Properties({})
        if not isinstance(value, dict):
            raise self._error(name, "an object is needed")
        return _Properties.of(value, (), f"{self.where}{name}.")

    def _parsed(self, name: str) -> Any:
        value = self.values.get(name)
        if not isinstance(value, str) or not value.strip():
            return value if not isinstance(value, str) else ""
        try:
            return orjson.loads(value)
        except orjson.JSONDecodeError as error:
            raise self._error(name, f"this is no JSON: {str(error)[:80]}") from None

    def _typed(self, name: str, kind: type, meant: str) -> Any:
        value = self.values.get(name)
        if value is not None and not isinstance(value, kind):
            raise self._error(name, f"{meant} is needed")
        return value

    def _error(self, name: str, message: str) -> QueryError:
        return QueryError(message, part=self.where + name)
