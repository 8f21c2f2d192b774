"""The checked form of a condition: what every back end (SQL, closure, JSON) is made from.

All names are resolved to definitions of the registry and all literals to the Python values that
``kartoteka.record_values`` lists. Every node is either true or false for every record, never
unknown; a back end whose own logic has three values (SQL) must turn "unknown" into false at each
leaf below a ``Negated``. The rules, node by node, are in the docstrings here; ``path`` stands for
the value found there, empty when the field or any lookup on the way is empty.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum

from kartoteka.conditions.syntax import Operator
from kartoteka.model.field import Field
from kartoteka.model.field_types import FIELD_TYPES


class ValueKind(StrEnum):
    """What kind of value a path gives, and with it how values are compared.

    | kind | Python value | compared |
    |---|---|---|
    | text | ``str`` | as ``fold`` gives it; order is that of code points |
    | whole, decimal, float | ``int``, ``Decimal``, ``float`` | as numbers |
    | yes_no | ``bool`` | equal or not |
    | option | ``int`` | as numbers |
    | options | ``tuple[int, ...]``, ascending | equal or not, as sets |
    | date, local_time | ``date``, ``datetime`` without a zone | as calendar values |
    | instant | ``datetime`` in UTC, whole seconds | as instants |
    | id | ``str``, lower case with hyphens | equal or not; for a lookup the id of its reference |
    """

    TEXT = "text"
    WHOLE = "whole"
    DECIMAL = "decimal"
    FLOAT = "float"
    YES_NO = "yes_no"
    OPTION = "option"
    OPTIONS = "options"
    DATE = "date"
    INSTANT = "instant"
    LOCAL_TIME = "local_time"
    ID = "id"


_KIND_OF_STORAGE: Mapping[str, ValueKind] = {
    "text": ValueKind.TEXT,
    "integer": ValueKind.WHOLE,
    "big_integer": ValueKind.WHOLE,
    "decimal": ValueKind.DECIMAL,
    "float": ValueKind.FLOAT,
    "boolean": ValueKind.YES_NO,
    "options": ValueKind.OPTIONS,
    "date": ValueKind.DATE,
    "instant": ValueKind.INSTANT,
    "id": ValueKind.ID,
    "reference": ValueKind.ID,
}
_KIND_OF_BEHAVIOR: Mapping[str, ValueKind] = {
    "date_only": ValueKind.DATE,
    "time_zone_independent": ValueKind.LOCAL_TIME,
}


def kind_of(field: Field) -> ValueKind | None:
    """Return the kind of a field's value, or None when conditions cannot ask for it."""
    if field.is_choice:
        return ValueKind.OPTION
    if field.behavior in _KIND_OF_BEHAVIOR:
        return _KIND_OF_BEHAVIOR[field.behavior]
    field_type = FIELD_TYPES.get(field.type)
    return None if field_type is None else _KIND_OF_STORAGE.get(field_type.storage)


@dataclass(frozen=True, slots=True)
class LookupStep:
    """One step of a path: the lookup followed, and the entity it reaches.

    For a lookup with several targets only records of ``target`` are followed; a value that names
    a record of another entity is not followed, as if it were empty.
    """

    field: Field
    target: str

    @property
    def key(self) -> str:
        """Return the step as it is written: ``parentaccountid``, ``parentcustomerid_account``."""
        if self.field.is_multi_target:
            return f"{self.field.name}_{self.target}"
        return self.field.name


@dataclass(frozen=True, slots=True)
class FieldPath:
    """A field of the entity (no steps), or of an entity that lookups reach.

    ``entity`` is the logical name of the entity that has ``field``.
    """

    steps: tuple[LookupStep, ...]
    entity: str
    field: Field
    kind: ValueKind

    @property
    def key(self) -> str:
        """Return the path as one text, the key of its value in records read with it."""
        return "/".join([*(step.key for step in self.steps), self.field.name])


@dataclass(frozen=True, slots=True)
class Me:
    """The id of the user who asks, known at request time only (kind ``id``)."""


Value = str | int | Decimal | float | bool | date | datetime | tuple[int, ...] | Me


@dataclass(frozen=True, slots=True)
class Fixed:
    """Holds for every record, or for none."""

    holds: bool


@dataclass(frozen=True, slots=True)
class IsEmpty:
    """``path eq null``; ``path ne null`` is its ``Negated``."""

    path: FieldPath


@dataclass(frozen=True, slots=True)
class Compared:
    """A field and a value, which is never null.

    Empty fields: ``ne`` is true, every other operator is false. ``value`` has the type of
    ``path.kind``; text is not folded yet. A decimal may have more places than the field, and lies
    within ±922337203685477; a whole number fits 64 bits.
    """

    path: FieldPath
    operator: Operator
    value: Value


@dataclass(frozen=True, slots=True)
class OneOf:
    """The field equals one of the values (one or more, none null); false for empty fields."""

    path: FieldPath
    values: tuple[Value, ...]


class TextFunction(StrEnum):
    """Where in the field a text is looked for."""

    CONTAINS = "contains"
    STARTSWITH = "startswith"
    ENDSWITH = "endswith"


@dataclass(frozen=True, slots=True)
class TextTest:
    """The text is found in the field, both folded; false for empty fields.

    The empty text is found in every field that is not empty.
    """

    path: FieldPath
    function: TextFunction
    text: str


@dataclass(frozen=True, slots=True)
class HasOption:
    """A multi-choice holds the option, perhaps among others; false for empty fields."""

    path: FieldPath
    option: int


@dataclass(frozen=True, slots=True)
class Negated:
    """True exactly when ``term`` is false."""

    term: TypedCondition


@dataclass(frozen=True, slots=True)
class AllOf:
    """Every term holds; there are two or more."""

    terms: tuple[TypedCondition, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one term holds; there are two or more."""

    terms: tuple[TypedCondition, ...]


FieldTest = IsEmpty | Compared | OneOf | TextTest | HasOption
TypedCondition = Fixed | FieldTest | Negated | AllOf | AnyOf
