"""ColumnAccess: the secured columns that one principal sees, and what is refused because of them.

A column that is hidden takes no part in a statement at all, one with a mask is masked once it is
read. Neither may decide which records are found, in which order, or what they sum up to: that
would tell its values (decisions/0035).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from kartoteka.access.columns import (
    EVERY_RIGHT,
    NO_LIMITS,
    ColumnLimits,
    ColumnRights,
    both_limits,
    both_rights,
    column_limits,
    column_rights,
    mask_of,
    secured_entities,
)
from kartoteka.access.facts import UserFacts
from kartoteka.access.mask import MaskedNumber, MaskedText, masked
from kartoteka.conditions.typed import FieldPath, Linked, Match, Quantified, TypedCondition
from kartoteka.conditions.walk import parts_of
from kartoteka.errors import RecordInvalid, Violation
from kartoteka.model.entity import Entity
from kartoteka.model.field import Mask
from kartoteka.query.query import Query
from kartoteka.registry import Registry

# What a request for values without masks lifts: of one record, or of a list.
ONE_RECORD = frozenset({"one_record", "all_records"})
SEVERAL_RECORDS = frozenset({"all_records"})
MASKED = frozenset[str]()

Limits = Mapping[str, ColumnLimits]  # by entity; those without limits are not there


@dataclass(frozen=True, slots=True)
class RowLimits:
    """What to do with the rows of a query once they are read; ``inside`` by the key of expands."""

    hidden: tuple[str, ...] = ()
    masks: tuple[tuple[str, Mask], ...] = ()
    inside: tuple[tuple[str, RowLimits], ...] = ()

    def __bool__(self) -> bool:
        """Return whether there is anything to do."""
        return bool(self.hidden or self.masks or self.inside)

    def mask_keys(self) -> frozenset[str]:
        """Return the keys of all values that are masked, those inside of others with their way."""
        inner = (f"{key}/{name}" for key, limits in self.inside for name in limits.mask_keys())
        return frozenset({*(key for key, _ in self.masks), *inner})

    def apply(self, rows: Iterable[dict[str, Any]]) -> None:
        """Empty what is hidden and mask what has a mask, in place."""
        for row in rows:
            for key in self.hidden:
                row[key] = None
            for key, mask in self.masks:
                row[key] = masked(mask, row[key])
            for key, limits in self.inside:
                found = row[key]
                if found is not None:
                    limits.apply(found if isinstance(found, list) else (found,))


NO_ROW_LIMITS = RowLimits()


class ColumnAccess:
    """The secured columns of one principal, against one publication."""

    def __init__(
        self,
        registry: Registry,
        facts: UserFacts,
        *,
        is_free: bool = False,
        caller: ColumnAccess | None = None,
    ) -> None:
        """Decide by ``facts``; ``is_free`` are the platform and administrators.

        Who calls on behalf of the principal (``caller``) sees and changes no more than they may.
        """
        self._caller = caller
        self._registry = registry
        self._facts = facts
        self._secured = () if is_free else secured_entities(registry)
        self._limits: dict[frozenset[str], Limits] = {}
        self._rights: dict[tuple[str, str], ColumnRights] = {}

    @property
    def is_free(self) -> bool:
        """Return whether nothing is kept from the principal, so that nobody need look."""
        return not self._secured

    def limits(self, entity: str, unmasking: frozenset[str] = MASKED) -> ColumnLimits:
        """Return what the principal sees of an entity's columns."""
        if not self._secured:
            return NO_LIMITS
        return self._all(unmasking).get(entity, NO_LIMITS)

    def rights(self, entity: str, field: str) -> ColumnRights:
        """Return what the principal may do with a column."""
        if not self._secured:
            return EVERY_RIGHT
        known = self._rights.get((entity, field))
        if known is None:
            definition = self._registry.entities[entity]
            known = column_rights(self._registry, self._facts, definition, field)
            if self._caller is not None:
                known = both_rights(known, self._caller.rights(entity, field))
            self._rights[entity, field] = known
        return known

    def query(self, query: Query, unmasking: frozenset[str] = MASKED) -> tuple[Query, RowLimits]:
        """Return a query without hidden columns, and what to do with its rows.

        Raises:
            RecordInvalid: It is filtered, ordered, grouped, summed up or joined by a column that
                the principal may not read, or sees masked; or such a column makes rows distinct.
        """
        if not self._secured or not self._all(MASKED):
            return query, NO_ROW_LIMITS
        return _limited(query, self._all(MASKED), self._all(unmasking))

    def record(
        self, entity: str, record: dict[str, Any], unmasking: frozenset[str] = MASKED
    ) -> dict[str, Any]:
        """Return a record of which hidden fields are empty and others masked; changed in place."""
        limits = self.limits(entity, unmasking)
        for name in limits.hidden:
            if name in record:
                record[name] = None
        for name, mask in limits.masked.items():
            if name in record:
                record[name] = masked(mask, record[name])
        return record

    def unmasked(self, entity: str, unmasking: frozenset[str]) -> frozenset[str]:
        """Return the columns whose masks a request lifts."""
        return frozenset(self.limits(entity).masked) - frozenset(
            self.limits(entity, unmasking).masked
        )

    def refused_new(self, entity: str, supplied: Iterable[str]) -> list[Violation]:
        """Return a violation for each column that the principal may not give a new record."""
        return self._refused(entity, supplied, lambda rights, _: rights.create, "create")

    def refused_changes(self, entity: str, supplied: Iterable[str]) -> list[Violation]:
        """Return a violation for each column that the principal may not change.

        One with a mask is changed only by who may see it without. Source: reference platform, 6.8.
        """

        def may(rights: ColumnRights, name: str) -> bool:
            has_mask = mask_of(self._registry.entities[entity], name) is not None
            return rights.update and (not has_mask or rights.unmasked != "none")

        return self._refused(entity, supplied, may, "update")

    def without_masks(
        self, entity: str, supplied: Mapping[str, Any], stored: Mapping[str, Any]
    ) -> Mapping[str, Any]:
        """Return what was supplied without what a mask leaves of stored values.

        Whoever sends back a record as it was read changes nothing.
        """
        limits = self.limits(entity)
        if not limits.masked:
            return supplied
        sent_back = {
            name
            for name, mask in limits.masked.items()
            if name in supplied and name in stored and supplied[name] == masked(mask, stored[name])
        }
        return {name: value for name, value in supplied.items() if name not in sent_back}

    def may_create(self, entity: str, field: str) -> bool:
        """Return whether the principal may give a new record a value there."""
        return not self.refused_new(entity, (field,))

    def may_update(self, entity: str, field: str) -> bool:
        """Return whether the principal may change the value there."""
        return not self.refused_changes(entity, (field,))

    def _refused(
        self,
        entity: str,
        supplied: Iterable[str],
        may: Callable[[ColumnRights, str], bool],
        verb: str,
    ) -> list[Violation]:
        if not self._secured:
            return []
        secured = self._registry.entities[entity].secured_fields
        return [
            Violation(name, f"violation.secured_{verb}")
            for name in supplied
            if name in secured and not may(self.rights(entity, name), name)
        ]

    def _all(self, unmasking: frozenset[str]) -> Limits:
        known = self._limits.get(unmasking)
        if known is None:
            known = {
                entity.name: found
                for entity in self._secured
                if (found := self._limits_of(entity, unmasking))
            }
            self._limits[unmasking] = known
        return known

    def _limits_of(self, entity: Entity, unmasking: frozenset[str]) -> ColumnLimits:
        found = column_limits(self._registry, self._facts, entity, unmasking=unmasking)
        if self._caller is None:
            return found
        return both_limits(found, self._caller.limits(entity.name, unmasking))


def without_masked_numbers(rows: Sequence[Any]) -> None:
    """Empty numbers that are masked, for readers who can do with numbers only; in place."""
    for row in rows:
        for key, value in row.items():
            if isinstance(value, MaskedNumber):
                row[key] = None
            elif isinstance(value, dict):
                without_masked_numbers((value,))
            elif isinstance(value, list) and value and isinstance(value[0], dict):
                without_masked_numbers(value)


def is_masked(value: object) -> bool:
    """Return whether a value of a record is what a mask leaves of it."""
    return isinstance(value, MaskedText)


def _limited(query: Query, limits: Limits, shown: Limits) -> tuple[Query, RowLimits]:
    for path in _deciding_paths(query):
        _refuse(path.entity, path.field.name, limits, query)
    for entity, field in _tying_fields(query):
        _refuse(entity, field, limits, query)
    hidden: list[str] = []
    masks: list[tuple[str, Mask]] = []
    kept: list[FieldPath] = []
    for path in query.columns:
        found = shown.get(path.entity, NO_LIMITS)
        if path.field.name in found.hidden:
            hidden.append(path.key)
            continue
        if mask := found.masked.get(path.field.name):
            masks.append((path.key, mask))
        kept.append(path)
    if query.distinct:
        for path in query.columns:
            _refuse(path.entity, path.field.name, limits, query)
    expands, inside = [], []
    for expand in query.expands:
        inner, row_limits = _limited(expand.query, limits, shown)
        expands.append(replace(expand, query=inner) if inner is not expand.query else expand)
        if row_limits:
            inside.append((expand.key, row_limits))
    if hidden or inside:
        query = replace(query, columns=tuple(kept), expands=tuple(expands))
    return query, RowLimits(tuple(hidden), tuple(masks), tuple(inside))


def _deciding_paths(query: Query) -> Iterator[FieldPath]:
    """Yield what decides which rows there are, in which order, and what they sum up to."""
    yield from _paths(query.condition)
    for join in query.joins:
        yield from _paths(join.condition)
    for key in query.order:
        if isinstance(key.path, FieldPath):
            yield key.path
    yield from (group.path for group in query.groups)
    yield from (item.path for item in query.aggregates if item.path is not None)


def _tying_fields(query: Query) -> Iterator[tuple[str, str]]:
    """Yield the fields, with their entities, that tie records to others by equal values."""
    entities = {"": query.entity} | {join.alias: join.entity for join in query.joins}
    conditions = [query.condition]
    for join in query.joins:
        yield from _sides(join.via, join.entity, entities[join.parent])
        conditions.append(join.condition)
    for condition in conditions:
        for part in parts_of(condition) if condition is not None else ():
            if isinstance(part, Quantified):
                collection = part.collection
                yield from _sides(collection.via, collection.entity, collection.owner)


def _sides(via: Match | Linked, item_entity: str, owner_entity: str) -> Iterator[tuple[str, str]]:
    if isinstance(via, Match):
        yield item_entity, via.item_field.name
        yield owner_entity, via.owner_field.name


def _paths(condition: TypedCondition | None) -> Iterator[FieldPath]:
    if condition is None:
        return
    for part in parts_of(condition):
        if isinstance(part, FieldPath):
            yield part


def _refuse(entity: str, field: str, limits: Limits, query: Query) -> None:
    found = limits.get(entity)
    if found is not None and (field in found.hidden or field in found.masked):
        params = {"field": field, "entity": entity}
        raise RecordInvalid(query.entity, [Violation(None, "violation.secured_column", params)])
