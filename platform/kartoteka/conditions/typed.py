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
from kartoteka.model.relationship import Relationship


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

    ``entity`` is the logical name of the entity that has ``field``. ``variable`` says where the
    path begins: empty for the record that is asked for, else the variable of a ``Quantified``
    around it, or the alias of a join of the query.
    """

    steps: tuple[LookupStep, ...]
    entity: str
    field: Field
    kind: ValueKind
    variable: str = ""

    @property
    def key(self) -> str:
        """Return the path as one text, the key of its value in records read with it."""
        path = "/".join([*(step.key for step in self.steps), self.field.name])
        return f"{self.variable}.{path}" if self.variable else path


class AskedName(StrEnum):
    """What only a request knows."""

    ME = "me"  # the id of the user who asks
    MY_BUSINESS_UNIT = "mybusinessunit"  # the id of that user's business unit
    NOW = "now"  # the instant of the question


@dataclass(frozen=True, slots=True)
class Asked:
    """A value that is known at request time only (``kartoteka.conditions.asker.Asker``)."""

    name: AskedName
    kind: ValueKind = ValueKind.ID


Value = str | int | Decimal | float | bool | date | datetime | tuple[int, ...] | Asked


@dataclass(frozen=True, slots=True)
class Constant:
    """A value written out; None is the empty value of its kind."""

    value: str | int | Decimal | float | bool | date | datetime | None
    kind: ValueKind


@dataclass(frozen=True, slots=True)
class Applied:
    """A function or arithmetic operator of ``kartoteka.conditions.functions`` and its arguments.

    Empty when an argument is empty (but for ``coalesce`` and ``concat``), when a number is
    divided by zero, and when a result lies outside of what the functions' module says.
    """

    function: str
    arguments: tuple[Expression, ...]
    kind: ValueKind


@dataclass(frozen=True, slots=True)
class Case:
    """The value of the first branch whose condition holds, else ``otherwise``."""

    branches: tuple[tuple[TypedCondition, Expression], ...]
    otherwise: Expression
    kind: ValueKind


Expression = FieldPath | Constant | Asked | Applied | Case


@dataclass(frozen=True, slots=True)
class Fixed:
    """Holds for every record, or for none."""

    holds: bool


@dataclass(frozen=True, slots=True)
class IsEmpty:
    """``path eq null``; ``path ne null`` is its ``Negated``. Of an expression: see Related."""

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
class Related:
    """Two expressions and how they compare; what ``Compared`` and ``IsEmpty`` cannot say.

    Both are of kinds that compare with one another: two numbers, or the same kind. Texts are
    folded first, numbers compare exactly whatever their kinds. ``eq`` also holds when both are
    empty and ``ne`` is its opposite; ``gt ge lt le`` are false when one is empty.
    """

    left: Expression
    operator: Operator
    right: Expression


@dataclass(frozen=True, slots=True)
class TextRelated:
    """One text is found in another, both folded expressions; false when one is empty."""

    function: TextFunction
    subject: Expression
    sought: Expression


@dataclass(frozen=True, slots=True)
class Like:
    """A text field matches a pattern as a whole, both folded; false for empty fields.

    ``%`` stands for any number of characters, ``_`` for one, ``[a-z]`` and ``[abc]`` for one of
    them, ``[^…]`` for one that is none of them. Source: reference web-api, section 7.
    """

    path: FieldPath
    pattern: str


@dataclass(frozen=True, slots=True)
class InPeriod:
    """A date or time lies in a period, counted from when and where one asks; false when empty.

    ``name`` is a key of ``kartoteka.conditions.periods.PERIODS`` (``LastXDays``), ``arguments``
    are its numbers or its date.
    """

    path: FieldPath
    name: str
    arguments: tuple[int | date, ...] = ()


class AskedSetName(StrEnum):
    """Sets of ids that only a request knows."""

    MY_TEAMS = "myteams"  # teams of the user who asks
    ME_AND_MY_TEAMS = "meandmyteams"
    ME_AND_MY_PEOPLE = "meandmypeople"  # the user and everybody below in the users' hierarchy
    ME_MY_PEOPLE_AND_TEAMS = "memypeopleandteams"  # these, and the teams of all of them


@dataclass(frozen=True, slots=True)
class InAskedSet:
    """A lookup names one of a set of users or teams; false for empty fields."""

    path: FieldPath
    name: AskedSetName


@dataclass(frozen=True, slots=True)
class InHierarchy:
    """The record that ``path`` names lies above or below another one of the same entity.

    ``path`` is a lookup to ``entity`` or its primary id; ``parent`` is the hierarchical lookup of
    ``entity``. At most ``MOST_LEVELS`` steps are taken; where they go in a circle, the record is
    still neither above nor below itself. False for empty fields.
    """

    path: FieldPath
    entity: str
    parent: Field
    is_under: bool  # else above
    includes_itself: bool
    value: str | Asked


MOST_LEVELS = 100  # Source: reference platform, section 2.4


@dataclass(frozen=True, slots=True)
class Match:
    """Items belong to an owner when ``item_field`` and ``owner_field`` hold the same id.

    A lookup with several targets must name the other side's entity too.
    """

    item_field: Field
    owner_field: Field


@dataclass(frozen=True, slots=True)
class Linked:
    """Items belong to an owner when an N:N relationship links them."""

    relationship: Relationship
    owner_is_left: bool


@dataclass(frozen=True, slots=True)
class Collection:
    """The records that belong to one: children of a relationship, or what an N:N one links.

    ``variable`` and ``steps`` reach the owner, a record of ``owner``; items are of ``entity``.
    """

    name: str
    owner: str
    entity: str
    via: Match | Linked
    variable: str = ""
    steps: tuple[LookupStep, ...] = ()

    @property
    def key(self) -> str:
        """Return the key under which records hold the items, a list of records."""
        path = "/".join([*(step.key for step in self.steps), self.name])
        return f"{self.variable}.{path}" if self.variable else path


@dataclass(frozen=True, slots=True)
class Quantified:
    """``collection/any(variable: term)``: at least one item makes ``term`` true (None: any item).

    ``all(v: t)`` is ``not any(v: not t)``. Paths of ``term`` that begin at an item carry its
    ``variable``, which no other quantifier around it has.
    """

    collection: Collection
    variable: str
    term: TypedCondition | None


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


FieldTest = IsEmpty | Compared | OneOf | TextTest | HasOption | Like | InPeriod | InAskedSet
TypedCondition = (
    Fixed | FieldTest | InHierarchy | Related | TextRelated | Quantified | Negated | AllOf | AnyOf
)
