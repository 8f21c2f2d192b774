"""What a question wants to be told: which values of a row, under which names."""

from __future__ import annotations

from dataclasses import dataclass

from kartoteka.conditions.typed import FieldPath
from kartoteka.model.field import Field
from kartoteka.query.query import Aggregate, AggregateFunction, Group


@dataclass(frozen=True, slots=True)
class Shown:
    """One value of a row: ``key`` is where the row holds it, ``name`` what the answer calls it.

    ``field`` says what kind of value it is, None for a number that belongs to no field (a count, a
    part of a date).
    """

    key: str
    name: str
    field: Field | None


@dataclass(frozen=True, slots=True)
class Inside:
    """Records inside of a record: a row holds them at ``key``, the answer calls them ``name``.

    ``options`` are those that chose them, as ``(name, text)``. One record of several kinds is at
    the key of its kind; ``others`` are the kinds beside this one.
    """

    key: str
    name: str
    is_many: bool
    shown: ShownRecord
    options: tuple[tuple[str, str], ...] = ()
    others: tuple[Inside, ...] = ()

    @property
    def kinds(self) -> tuple[Inside, ...]:
        """Return every kind of record that it may be."""
        return (self, *self.others)


@dataclass(frozen=True, slots=True)
class ShownRecord:
    """What is told of a record of ``entity``: its values, and the records that are inside it."""

    entity: str
    values: tuple[Shown, ...]
    inside: tuple[Inside, ...] = ()
    has_version: bool = False  # rows hold ``versionnumber``
    says_type: bool = False  # with ``@odata.type``, where a record may be of several entities


def raw_name(field: Field) -> str:
    """Return what the Web API calls a field's value: ``_primarycontactid_value`` of a lookup."""
    return f"_{field.name}_value" if field.is_lookup else field.name


def shown_path(path: FieldPath, name: str) -> Shown:
    """Return a column of a query under a name of its own."""
    return Shown(path.key, name, path.field)


def shown_group(group: Group, name: str) -> Shown:
    """Return a group's key; parts of dates are numbers, days among them."""
    return Shown(group.alias, name, group.path.field if group.part is None else None)


def shown_aggregate(aggregate: Aggregate) -> Shown:
    """Return a figure, which looks like the field that it is worked out of, but for counts."""
    if aggregate.path is None or aggregate.function is AggregateFunction.COUNT:
        return Shown(aggregate.alias, aggregate.alias, None)
    return Shown(aggregate.alias, aggregate.alias, aggregate.path.field)
