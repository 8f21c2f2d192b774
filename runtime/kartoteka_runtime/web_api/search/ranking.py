"""Which records a search finds, and in which order: the best first.

A record's score is the first of these that holds; ``text`` is all that is sought, ``name`` the
primary name, ``field`` any other short field that is looked in:

| score | |
|---|---|
| 7 | the name is the text |
| 6 | a field is the text |
| 5 | the name begins with the text |
| 4 | a field begins with the text |
| 3 | the name holds every word |
| 2 | every word is somewhere in the record |
| 1 | some of the words are |

Within a score record types come in the order in which they were named, then records by name. So the
order depends on no page, and a page needs only the first records of each type. Statements for one
type: one when what it finds fits the page, else one more for each score, until there are enough.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date
from functools import cmp_to_key
from heapq import merge
from itertools import islice
from typing import Any

from kartoteka.conditions.syntax import Operator
from kartoteka.conditions.typed import (
    AllOf,
    AnyOf,
    Compared,
    FieldPath,
    Fixed,
    Negated,
    TextFunction,
    TextTest,
    TypedCondition,
)
from kartoteka.query.query import OrderKey, Query
from kartoteka.record_values import Reference
from kartoteka.text_folding import fold
from kartoteka_runtime.records.acting_records import ActingRecords
from kartoteka_runtime.web_api.search.patience import let_others
from kartoteka_runtime.web_api.search.search_text import SearchText
from kartoteka_runtime.web_api.search.searched import Searched

IS_NAME, IS_FIELD, BEGINS_NAME, BEGINS_FIELD, IN_NAME, EVERYWHERE, SOMEWHERE = range(7, 0, -1)


@dataclass(frozen=True, slots=True)
class Hit:
    """A record that was found; ``keys`` are its values in the order that was asked for."""

    searched: Searched
    record_id: str
    score: int
    keys: tuple[Any, ...]


@dataclass(frozen=True, slots=True)
class Found:
    """The best records of one type, as many as were needed; ``count`` only where it was wanted."""

    searched: Searched
    hits: tuple[Hit, ...]
    count: int


async def find_hits(
    records: ActingRecords,
    searched: Searched,
    text: SearchText,
    *,
    need: int,
    with_count: bool,
) -> Found:
    """Return the first ``need`` records of one type in their order, and how many there are."""
    condition = search_condition(searched, text)
    if isinstance(condition, Fixed) and not condition.holds:
        return Found(searched, (), 0)
    query = _query(searched, condition)
    page = await records.query(query, limit=need, with_count=with_count)
    levels = _levels(searched, text) if searched.is_ranked else ()
    lowest = SOMEWHERE if text.wanted and len(text.sought) > 1 else EVERYWHERE
    if not text.sought:
        lowest = SOMEWHERE
    if not levels or (not page.has_more and not (searched.long and lowest == SOMEWHERE)):
        score_of = _scorer(searched, text, lowest) if text.sought else lambda _: lowest
        hits = [_hit(searched, row, score_of(row)) for row in page.rows]
        if searched.is_ranked:
            hits.sort(key=lambda hit: -hit.score)
        return Found(searched, tuple(hits), page.count)
    best: dict[str, Hit] = {}
    rest = _rest(searched, text)
    for score, level in levels:  # each of them means that what is sought is there
        if len(best) >= need:
            break
        await let_others()
        narrowed = replace(query, condition=_all((level, *rest)))
        for row in (await records.query(narrowed, limit=need)).rows:
            best.setdefault(row[searched.identity.key], _hit(searched, row, score))
    for row in page.rows if len(best) < need else ():
        best.setdefault(row[searched.identity.key], _hit(searched, row, lowest))
    return Found(searched, tuple(best.values())[:need], page.count)


def ordered_hits(found: Sequence[Found], *, skip: int, top: int) -> list[Hit]:
    """Return one page of what was found in several record types."""
    in_order = merge(*(one.hits for one in found), key=cmp_to_key(_compared))
    return list(islice(in_order, skip, skip + top))


def search_condition(searched: Searched, text: SearchText) -> TypedCondition | None:
    """Return which records of a type a search finds; None for all of them."""
    terms = [_any(_tests(searched.paths, TextFunction.CONTAINS, word)) for word in text.needed]
    if text.wanted and not text.needed:
        tests = (_tests(searched.paths, TextFunction.CONTAINS, word) for word in text.wanted)
        terms.append(_any([test for some in tests for test in some]))
    terms += _rest(searched, text)
    if any(isinstance(term, Fixed) and not term.holds for term in terms):
        return Fixed(False)
    return _all(terms) if terms else None


def _rest(searched: Searched, text: SearchText) -> list[TypedCondition]:
    """Return what has to hold beside that what is sought is there."""
    terms: list[TypedCondition] = [
        Negated(_any(_tests(searched.paths, TextFunction.CONTAINS, word))) for word in text.left_out
    ]
    return [*terms, searched.condition] if searched.condition is not None else terms


def _levels(searched: Searched, text: SearchText) -> list[tuple[int, TypedCondition]]:
    """Return what makes the scores above the lowest one, the best first."""
    if not text.sought:
        return []
    whole, name, fields = text.whole, searched.name, searched.short
    found: list[tuple[int, TypedCondition]] = []
    if name is not None:
        found.append((IS_NAME, Compared(name, Operator.EQ, whole)))
    if fields:
        found.append((IS_FIELD, _any([Compared(p, Operator.EQ, whole) for p in fields])))
    if name is not None:
        found.append((BEGINS_NAME, TextTest(name, TextFunction.STARTSWITH, whole)))
    if fields:
        found.append((BEGINS_FIELD, _any(_tests(fields, TextFunction.STARTSWITH, whole))))
    if name is not None:
        words = [TextTest(name, TextFunction.CONTAINS, word) for word in text.sought]
        found.append((IN_NAME, _all(words)))
    if text.wanted and len(text.sought) > 1:
        every = [_any(_tests(searched.paths, TextFunction.CONTAINS, w)) for w in text.sought]
        found.append((EVERYWHERE, _all(every)))
    return found


def _scorer(searched: Searched, text: SearchText, lowest: int) -> Callable[[dict[str, Any]], int]:
    """Return the function that scores a record as the conditions of ``_levels`` do."""
    whole, words = fold(text.whole), [fold(word) for word in text.sought]
    fields = [path.key for path in searched.short]

    def score(row: dict[str, Any]) -> int:
        name = fold(row[searched.name.key] or "") if searched.name is not None else ""
        others = [fold(row[key] or "") for key in fields]
        if name == whole:
            return IS_NAME
        if whole in others:
            return IS_FIELD
        if name.startswith(whole):
            return BEGINS_NAME
        if any(other.startswith(whole) for other in others):
            return BEGINS_FIELD
        if all(word in name for word in words):
            return IN_NAME
        texts = (name, *others)
        if lowest == SOMEWHERE and all(any(word in text for text in texts) for word in words):
            return EVERYWHERE
        return lowest

    return score


def _query(searched: Searched, condition: TypedCondition | None) -> Query:
    order = [OrderKey(key.path, key.descending) for key in searched.order if key.path is not None]
    if searched.name is not None and all(key.path != searched.name for key in order):
        order.append(OrderKey(searched.name))
    paths = [searched.identity, *((searched.name,) if searched.name is not None else ())]
    paths += [key.path for key in searched.order if key.path is not None]
    paths += searched.short
    columns = tuple({path.key: path for path in paths}.values())
    return Query(searched.entity.name, columns, condition, tuple(order), with_labels=False)


def _hit(searched: Searched, row: dict[str, Any], score: int) -> Hit:
    keys = tuple(None if key.path is None else row[key.path.key] for key in searched.order)
    return Hit(searched, row[searched.identity.key], score, keys)


def _tests(paths: Sequence[FieldPath], function: TextFunction, text: str) -> list[TypedCondition]:
    return [TextTest(path, function, text) for path in paths]


def _any(tests: Sequence[TypedCondition]) -> TypedCondition:
    if not tests:
        return Fixed(False)
    return tests[0] if len(tests) == 1 else AnyOf(tuple(tests))


def _all(tests: Iterable[TypedCondition | None]) -> TypedCondition:
    terms = [term for term in tests if term is not None]
    return terms[0] if len(terms) == 1 else AllOf(tuple(terms))


def _compared(one: Hit, other: Hit) -> int:
    """Return whether a hit of one type comes before (-1) or after (1) one of another type."""
    if one.searched.is_ranked and one.score != other.score:
        return -1 if one.score > other.score else 1
    for key, left, right in zip(one.searched.order, one.keys, other.keys, strict=True):
        first, second = _comparable(left), _comparable(right)
        if first != second:
            return (-1 if first < second else 1) * (-1 if key.descending else 1)
    return 0


def _comparable(value: Any) -> tuple[int, Any]:
    """Return a value as others of any kind can be compared with it; what is empty comes first."""
    match value:
        case None:
            return 0, 0
        case Reference():
            return 3, value.id
        case str():
            return 3, fold(value)
        case date():
            return 2, value.isoformat()
        case _:
            return 1, value
