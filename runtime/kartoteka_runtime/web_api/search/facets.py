"""How often the values of fields occur among what a search finds."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import Any

from kartoteka.conditions.typed import (
    FieldPath,
    Fixed,
    OneOf,
    TypedCondition,
    ValueKind,
    kind_of,
)
from kartoteka.model.entity import Entity
from kartoteka.query.query import Aggregate, AggregateFunction, Group, OrderKey, Query
from kartoteka.query.query_error import QueryError
from kartoteka.record_values import Reference
from kartoteka.text_folding import fold
from kartoteka_runtime.records.acting_records import ActingRecords
from kartoteka_runtime.records.reading import MOST_INPUT, MOST_RECORDS, TooManyRecords
from kartoteka_runtime.security.access import Access
from kartoteka_runtime.validation.value_checks import shorten
from kartoteka_runtime.web_api.formatted_values import Reader, formatted_value
from kartoteka_runtime.web_api.search.patience import let_others
from kartoteka_runtime.web_api.search.ranking import Found, search_condition
from kartoteka_runtime.web_api.search.search_body import ENTITY_NAME, MOST_VALUES, Facet
from kartoteka_runtime.web_api.search.search_text import SearchText
from kartoteka_runtime.web_api.search.searched import Searched, is_kept_from

_VALUE, _COUNT = "value", "count"


class Facets:
    """Counts the values of fields of what a search found."""

    def __init__(
        self,
        records: ActingRecords,
        found: Sequence[Found],
        text: SearchText,
    ) -> None:
        """Count in the record types of ``found``, which has their counts where they are told."""
        self._records = records
        self._found = found
        self._text = text
        self._conditions: dict[str, TypedCondition | None] = {}

    async def told(
        self, facets: Sequence[Facet], access: Access, reader: Reader
    ) -> dict[str, list[dict[str, Any]]]:
        """Return the values of each facet by its name, those that occur most often first.

        Of each record type the most frequent ``MOST_VALUES`` are counted, of at most as many
        records as any other question looks at.

        Raises:
            QueryError: No record type that is searched has the field.
            TooManyRecords: The search finds too many records to count their values.
        """
        fields = [facet for facet in facets if facet.name != ENTITY_NAME]
        paths = {facet.name: self._paths(facet, access) for facet in fields}
        if len(fields) > 1:
            await self._find_once(
                {searched.entity.name for some in paths.values() for searched, _ in some}
            )
        return {
            facet.name: await self._values(facet, paths[facet.name], reader)
            if facet.name in paths
            else self._record_types(facet)
            for facet in facets
        }

    def _record_types(self, facet: Facet) -> list[dict[str, Any]]:
        counts = [(one.searched.entity.name, one.count) for one in self._found if one.count]
        counts.sort(key=lambda pair: -pair[1])
        return [_told(name, None, count) for name, count in counts[: facet.most]]

    def _paths(self, facet: Facet, access: Access) -> list[tuple[Searched, FieldPath]]:
        paths = [(one.searched, path) for one in self._found if (path := _path(facet, one, access))]
        if not paths and self._found:
            said = shorten(facet.field)
            message = f'no record type that is searched has a field "{said}" to count'
            raise QueryError(message, part=facet.part)
        return paths

    async def _find_once(self, entities: Collection[str]) -> None:
        """Look through the texts once, not twice for each facet.

        Raises:
            TooManyRecords: More are found than groups may be made of.
        """
        for one in self._found:
            name, condition = one.searched.entity.name, search_condition(one.searched, self._text)
            if name in entities and condition is not None:
                ids = await self._ids(one.searched, condition)
                found = OneOf(one.searched.identity, ids) if ids else Fixed(False)
                self._conditions[name] = found

    async def _ids(self, searched: Searched, condition: TypedCondition) -> tuple[str, ...]:
        query = Query(searched.entity.name, (searched.identity,), condition, with_labels=False)
        ids: list[str] = []
        after = ""
        while True:  # each page goes on where the one before ended
            await let_others()
            page = await self._records.query(query, after=after, limit=MOST_RECORDS)
            ids += [row[searched.identity.key] for row in page.rows]
            after = page.next_after
            if len(ids) > MOST_INPUT:
                raise TooManyRecords(MOST_INPUT)
            if not page.has_more:
                return tuple(ids)

    async def _values(
        self, facet: Facet, paths: Sequence[tuple[Searched, FieldPath]], reader: Reader
    ) -> list[dict[str, Any]]:
        totals: dict[Any, dict[str, Any]] = {}
        for searched, path in paths:
            name = searched.entity.name
            known = name in self._conditions
            condition = self._conditions[name] if known else search_condition(searched, self._text)
            if isinstance(condition, Fixed) and not condition.holds:
                continue
            await let_others()
            write = _writer(path, searched.entity, reader)
            query = _query(searched, path, condition)
            for row in (await self._records.query(query, limit=MOST_VALUES)).rows:
                value, optional = write(row[_VALUE])
                if value is None:
                    continue
                key = fold(value) if isinstance(value, str) else (type(value) is bool, value)
                total = totals.setdefault(key, _told(value, optional, 0))
                total["count"] += row[_COUNT]
        ordered = sorted(totals.values(), key=lambda one: (-one["count"], str(one["value"])))
        return ordered[: facet.most]


def _path(facet: Facet, found: Found, access: Access) -> FieldPath | None:
    entity = found.searched.entity
    field = entity.field_by_name.get(facet.field)
    if field is None or (facet.entity and facet.entity != entity.name):
        return None
    kind = kind_of(field)
    if kind is None or kind is ValueKind.OPTIONS or field.type == "image":
        return None
    path = FieldPath((), entity.name, field, kind)
    return None if is_kept_from(access, path) else path


def _query(searched: Searched, path: FieldPath, condition: TypedCondition | None) -> Query:
    return Query(
        searched.entity.name,
        condition=condition,
        order=(OrderKey(_COUNT, descending=True),),
        groups=(Group(_VALUE, path),),
        aggregates=(Aggregate(_COUNT, AggregateFunction.COUNT),),
    )


def _writer(
    path: FieldPath, entity: Entity, reader: Reader
) -> Callable[[Any], tuple[Any, str | None]]:
    """Return what makes a value and the text that people know it by."""
    field = path.field
    write = formatted_value(field, entity, reader) if field.is_choice else None

    def written(value: Any) -> tuple[Any, str | None]:
        if isinstance(value, Reference):
            return value.id, value.name
        return value, write(value) if write is not None and value is not None else None

    return written


def _told(value: Any, optional: str | None, count: int) -> dict[str, Any]:
    return {"type": "Value", "value": value, "optionalvalue": optional, "count": count}
