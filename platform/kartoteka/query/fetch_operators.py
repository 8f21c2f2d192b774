"""OPERATORS: every operator of FetchXML, one row each: what it takes and the condition it means.

Each builds a condition as its text would parse (``last-x-days`` is ``LastXDays(createdon,7)``), so
that names, values and meaning are checked where those of every other condition are. Source:
reference platform, section 4.3, and web-api, section 7.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType

from kartoteka.conditions.syntax import (
    And,
    Call,
    Comparison,
    Condition,
    Literal,
    LiteralKind,
    Membership,
    Not,
    Operand,
    Operator,
    Or,
    Path,
)

NULL = Literal(LiteralKind.NULL, None)
Values = tuple[Operand, ...]
Build = Callable[[Path, Values], Condition]


class Takes(Enum):
    """What the values of an operator are."""

    NOTHING = "nothing"
    VALUE = "value"  # one, of the field's kind
    TWO = "two values"  # of the field's kind
    VALUES = "values"  # one or more, of the field's kind
    TEXT = "text"
    NUMBER = "number"  # whole
    TWO_NUMBERS = "two numbers"
    DAY = "day"
    ID = "id"


class About(Enum):
    """Which fields an operator is about."""

    ANY = "any"
    ORDERED = "ordered"  # numbers, dates, texts
    SAMENESS = "sameness"  # all that can be equal
    TEXT = "text"
    OPTIONS = "options"  # several options
    DATE = "date"
    TIME = "time"  # a date with a time
    USER = "user"
    OWNER = "owner"  # a user or a team
    UNIT = "business unit"
    HIERARCHY = "hierarchy"
    LANGUAGE = "language"


@dataclass(frozen=True, slots=True)
class FetchOperator:
    """One operator; ``compares`` when it may stand between two fields (``valueof``)."""

    name: str
    about: About
    takes: Takes
    build: Build
    compares: bool = False


def _compared(operator: Operator) -> Build:
    return lambda path, values: Comparison(path, operator, values[0])


def _call(function: str) -> Build:
    return lambda path, values: Call(function, (path, *values))


def _not(build: Build) -> Build:
    return lambda path, values: Not(build(path, values))


def _each(function: str) -> Build:
    def build(path: Path, values: Values) -> Condition:
        tests = tuple(Call(function, (path, value)) for value in values)
        return tests[0] if len(tests) == 1 else Or(tests)

    return build


def _between(path: Path, values: Values) -> Condition:
    low, high = values
    return And((Comparison(path, Operator.GE, low), Comparison(path, Operator.LE, high)))


def _is(operator: Operator, function: str) -> Build:
    return lambda path, values: Comparison(path, operator, Call(function))


def _in_set(function: str) -> Build:
    return lambda path, values: Membership(path, (Call(function),))


def _rolling() -> list[FetchOperator]:
    rows = []
    for unit in ("Hours", "Days", "Weeks", "Months", "Years"):
        about = About.TIME if unit == "Hours" else About.DATE
        for word in ("Last", "Next"):
            name = f"{word}-x-{unit}".lower()
            rows.append(FetchOperator(name, about, Takes.NUMBER, _call(f"{word}X{unit}")))
    for unit in ("Minutes", "Hours", "Days", "Weeks", "Months", "Years"):
        about = About.TIME if unit in ("Minutes", "Hours") else About.DATE
        build = _call(f"OlderThanX{unit}")
        rows.append(FetchOperator(f"olderthan-x-{unit.lower()}", about, Takes.NUMBER, build))
    return rows


def _calendar() -> list[FetchOperator]:
    rows = []
    for word in ("Last", "This", "Next"):
        for unit in ("Week", "Month", "Year", "FiscalYear", "FiscalPeriod"):
            ending = unit.replace("Fiscal", "Fiscal-").lower()
            name = f"{word.lower()}-{ending}"
            rows.append(FetchOperator(name, About.DATE, Takes.NOTHING, _call(word + unit)))
    for word in ("Last", "Next"):
        for unit in ("Years", "Periods"):
            name = f"{word}-x-fiscal-{unit}".lower()
            build = _call(f"{word}XFiscal{unit}")
            rows.append(FetchOperator(name, About.DATE, Takes.NUMBER, build))
    return rows


_EQ, _NE = _compared(Operator.EQ), _compared(Operator.NE)
_FISCAL_PERIOD = "fiscal-period-and-year"

# fmt: off
OPERATORS: Mapping[str, FetchOperator] = MappingProxyType({row.name: row for row in (
    FetchOperator("eq", About.SAMENESS, Takes.VALUE, _EQ, compares=True),
    FetchOperator("ne", About.SAMENESS, Takes.VALUE, _NE, compares=True),
    FetchOperator("neq", About.SAMENESS, Takes.VALUE, _NE, compares=True),
    FetchOperator("gt", About.ORDERED, Takes.VALUE, _compared(Operator.GT), compares=True),
    FetchOperator("ge", About.ORDERED, Takes.VALUE, _compared(Operator.GE), compares=True),
    FetchOperator("lt", About.ORDERED, Takes.VALUE, _compared(Operator.LT), compares=True),
    FetchOperator("le", About.ORDERED, Takes.VALUE, _compared(Operator.LE), compares=True),
    FetchOperator("between", About.ORDERED, Takes.TWO, _between),
    FetchOperator("not-between", About.ORDERED, Takes.TWO, _not(_between)),
    FetchOperator("in", About.SAMENESS, Takes.VALUES, Membership),
    FetchOperator("not-in", About.SAMENESS, Takes.VALUES, _not(Membership)),
    FetchOperator("null", About.ANY, Takes.NOTHING,
                  lambda path, values: Comparison(path, Operator.EQ, NULL)),
    FetchOperator("not-null", About.ANY, Takes.NOTHING,
                  lambda path, values: Comparison(path, Operator.NE, NULL)),
    FetchOperator("like", About.TEXT, Takes.TEXT, _call("like")),
    FetchOperator("not-like", About.TEXT, Takes.TEXT, _not(_call("like"))),
    FetchOperator("begins-with", About.TEXT, Takes.TEXT, _call("startswith")),
    FetchOperator("not-begin-with", About.TEXT, Takes.TEXT, _not(_call("startswith"))),
    FetchOperator("ends-with", About.TEXT, Takes.TEXT, _call("endswith")),
    FetchOperator("not-end-with", About.TEXT, Takes.TEXT, _not(_call("endswith"))),
    FetchOperator("contain-values", About.OPTIONS, Takes.VALUES, _each("contains")),
    FetchOperator("not-contain-values", About.OPTIONS, Takes.VALUES, _not(_each("contains"))),
    FetchOperator("eq-userid", About.USER, Takes.NOTHING, _is(Operator.EQ, "me")),
    FetchOperator("ne-userid", About.USER, Takes.NOTHING, _is(Operator.NE, "me")),
    FetchOperator("eq-businessid", About.UNIT, Takes.NOTHING, _is(Operator.EQ, "mybusinessunit")),
    FetchOperator("ne-businessid", About.UNIT, Takes.NOTHING, _is(Operator.NE, "mybusinessunit")),
    FetchOperator("eq-userteams", About.OWNER, Takes.NOTHING, _in_set("myteams")),
    FetchOperator("eq-useroruserteams", About.OWNER, Takes.NOTHING, _in_set("meandmyteams")),
    FetchOperator("eq-useroruserhierarchy", About.OWNER, Takes.NOTHING, _in_set("meandmypeople")),
    FetchOperator("eq-useroruserhierarchyandteams", About.OWNER, Takes.NOTHING,
                  _in_set("memypeopleandteams")),
    FetchOperator("eq-userlanguage", About.LANGUAGE, Takes.NOTHING, _EQ),
    FetchOperator("above", About.HIERARCHY, Takes.ID, _call("Above")),
    FetchOperator("eq-or-above", About.HIERARCHY, Takes.ID, _call("AboveOrEqual")),
    FetchOperator("under", About.HIERARCHY, Takes.ID, _call("Under")),
    FetchOperator("eq-or-under", About.HIERARCHY, Takes.ID, _call("UnderOrEqual")),
    FetchOperator("not-under", About.HIERARCHY, Takes.ID, _call("NotUnder")),
    FetchOperator("on", About.DATE, Takes.DAY, _call("On")),
    FetchOperator("on-or-before", About.DATE, Takes.DAY, _call("OnOrBefore")),
    FetchOperator("on-or-after", About.DATE, Takes.DAY, _call("OnOrAfter")),
    FetchOperator("today", About.DATE, Takes.NOTHING, _call("Today")),
    FetchOperator("yesterday", About.DATE, Takes.NOTHING, _call("Yesterday")),
    FetchOperator("tomorrow", About.DATE, Takes.NOTHING, _call("Tomorrow")),
    FetchOperator("last-seven-days", About.DATE, Takes.NOTHING, _call("Last7Days")),
    FetchOperator("next-seven-days", About.DATE, Takes.NOTHING, _call("Next7Days")),
    *_calendar(),
    *_rolling(),
    FetchOperator("in-fiscal-year", About.DATE, Takes.NUMBER, _call("InFiscalYear")),
    FetchOperator("in-fiscal-period", About.DATE, Takes.NUMBER, _call("InFiscalPeriod")),
    FetchOperator(f"in-{_FISCAL_PERIOD}", About.DATE, Takes.TWO_NUMBERS,
                  _call("InFiscalPeriodAndYear")),
    FetchOperator(f"in-or-before-{_FISCAL_PERIOD}", About.DATE, Takes.TWO_NUMBERS,
                  _call("InOrBeforeFiscalPeriodAndYear")),
    FetchOperator(f"in-or-after-{_FISCAL_PERIOD}", About.DATE, Takes.TWO_NUMBERS,
                  _call("InOrAfterFiscalPeriodAndYear")),
)})
# fmt: on
