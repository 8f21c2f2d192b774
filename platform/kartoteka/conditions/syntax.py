"""The parsed text of a condition, before anyone asked whether its names and types exist.

Offsets are characters from 0 in the text that was parsed; they take no part in equality, so that
two texts which say the same give equal trees.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date, datetime
from decimal import Decimal
from enum import StrEnum
from uuid import UUID

MAX_LOOKUP_STEPS = 3
THE_RECORD = "$it"  # the variable of the record that the whole condition is about


class Operator(StrEnum):
    """How two operands are compared."""

    EQ = "eq"
    NE = "ne"
    GT = "gt"
    GE = "ge"
    LT = "lt"
    LE = "le"


class LiteralKind(StrEnum):
    """What a literal looks like; which fields it suits is decided by the check."""

    NULL = "null"
    BOOLEAN = "boolean"
    NUMBER = "number"
    TEXT = "text"
    DATE = "date"
    DATE_TIME = "date_time"
    GUID = "guid"


LiteralValue = None | bool | Decimal | str | date | datetime | UUID


@dataclass(frozen=True, slots=True)
class Literal:
    """A value written out.

    ``value`` is None, ``bool``, ``Decimal``, ``str``, ``date``, ``datetime`` (with a zone exactly
    when the text had one) or ``UUID``, by kind.
    """

    kind: LiteralKind
    value: LiteralValue
    offset: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Path:
    """A field (``name``), or a field over lookups (``parentaccountid/name``).

    The first step may be a variable: ``$it`` or that of a ``Quantifier`` around the path.
    """

    steps: tuple[str, ...]
    offset: int = field(default=0, compare=False)

    def __str__(self) -> str:
        """Return the path as it is written."""
        return "/".join(self.steps)


@dataclass(frozen=True, slots=True)
class Call:
    """A function with its arguments, ``contains(name,'ski')`` or ``me()``; any name parses."""

    function: str
    arguments: tuple[Condition, ...] = ()
    offset: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two operands and the operator between them."""

    left: Operand
    operator: Operator
    right: Operand
    offset: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Membership:
    """``left in (item, …)`` with one item or more; ``left in myteams()`` has that call as item."""

    left: Operand
    items: tuple[Operand, ...]
    offset: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite of a condition."""

    term: Condition
    offset: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class And:
    """Two or more conditions that must all hold."""

    terms: tuple[Condition, ...]
    offset: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Or:
    """Two or more conditions of which one must hold."""

    terms: tuple[Condition, ...]
    offset: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Arithmetic:
    """Two values and the word between them: add, sub, mul, div, divby or mod."""

    left: Operand
    operator: str
    right: Operand
    offset: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Negative:
    """A minus sign and a value that is no number written out."""

    term: Operand
    offset: int = field(default=0, compare=False)


@dataclass(frozen=True, slots=True)
class Cases:
    """``case(condition:value, …)`` with one branch or more."""

    branches: tuple[tuple[Condition, Condition], ...]
    offset: int = field(default=0, compare=False)


class Quantity(StrEnum):
    """Of how many items of a collection something is said."""

    ANY = "any"
    ALL = "all"


@dataclass(frozen=True, slots=True)
class Quantifier:
    """``collection/any(variable:term)`` or ``…/all(…)``; ``any()`` has neither variable nor term.

    ``collection`` is a path whose last step names a relationship.
    """

    collection: Path
    quantity: Quantity
    variable: str = ""
    term: Condition | None = None
    offset: int = field(default=0, compare=False)


Operand = Literal | Path | Call | Arithmetic | Negative | Cases | Quantifier
Condition = And | Or | Not | Comparison | Membership | Operand
