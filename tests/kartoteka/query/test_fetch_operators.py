"""Operators of FetchXML: which there are, and the text of the condition that each one means."""

from __future__ import annotations

from decimal import Decimal
from typing import Any
from uuid import UUID

from kartoteka.conditions.check_condition import check_condition
from kartoteka.conditions.parser import parse
from kartoteka.conditions.render import render
from kartoteka.conditions.syntax import Literal, LiteralKind, Path
from kartoteka.query.fetch_operators import OPERATORS, About, Takes
from kartoteka.query.operand_text import day_of

ID = "0190a000-0000-7000-8000-00000000000a"
# Source: reference platform, section 4.3
NAMES = """
eq ne neq lt le gt ge between not-between in not-in null not-null
like not-like begins-with not-begin-with ends-with not-end-with contain-values not-contain-values
eq-userid ne-userid eq-businessid ne-businessid eq-userteams eq-useroruserteams
eq-useroruserhierarchy eq-useroruserhierarchyandteams eq-userlanguage
above eq-or-above under eq-or-under not-under
on on-or-before on-or-after today yesterday tomorrow
last-week this-week next-week last-month this-month next-month last-year this-year next-year
last-seven-days next-seven-days
last-x-hours last-x-days last-x-weeks last-x-months last-x-years
next-x-hours next-x-days next-x-weeks next-x-months next-x-years
olderthan-x-minutes olderthan-x-hours olderthan-x-days olderthan-x-weeks olderthan-x-months
olderthan-x-years
last-fiscal-year this-fiscal-year next-fiscal-year
last-fiscal-period this-fiscal-period next-fiscal-period
last-x-fiscal-years last-x-fiscal-periods next-x-fiscal-years next-x-fiscal-periods
in-fiscal-year in-fiscal-period in-fiscal-period-and-year
in-or-before-fiscal-period-and-year in-or-after-fiscal-period-and-year
""".split()
FIELDS = {
    About.ANY: "crew", About.SAMENESS: "crew", About.ORDERED: "crew", About.TEXT: "name",
    About.OPTIONS: "flags", About.DATE: "seen", About.TIME: "seen", About.USER: "ownerid",
    About.OWNER: "ownerid", About.UNIT: "unit", About.HIERARCHY: "boss", About.LANGUAGE: "spoken",
}  # fmt: skip


def number(value: int) -> Literal:
    return Literal(LiteralKind.NUMBER, Decimal(value))


VALUES: dict[Takes, tuple[Any, ...]] = {
    Takes.NOTHING: (), Takes.VALUE: (number(1),), Takes.TWO: (number(1), number(2)),
    Takes.VALUES: (number(1), number(2)), Takes.TEXT: (Literal(LiteralKind.TEXT, "a'b"),),
    Takes.NUMBER: (number(7),), Takes.TWO_NUMBERS: (number(1), number(2030)),
    Takes.DAY: (day_of("2031-05-06"),), Takes.ID: (Literal(LiteralKind.GUID, UUID(ID)),),
}  # fmt: skip
TEXTS = {
    "ne": "crew ne 1",
    "between": "crew ge 1 and crew le 2",
    "not-between": "not (crew ge 1 and crew le 2)",
    "in": "crew in (1,2)",
    "not-in": "not crew in (1,2)",
    "null": "crew eq null",
    "not-null": "crew ne null",
    "not-like": "not like(name,'a''b')",
    "begins-with": "startswith(name,'a''b')",
    "not-end-with": "not endswith(name,'a''b')",
    "contain-values": "contains(flags,1) or contains(flags,2)",
    "not-contain-values": "not (contains(flags,1) or contains(flags,2))",
    "eq-userid": "ownerid eq me()",
    "ne-businessid": "unit ne mybusinessunit()",
    "eq-useroruserteams": "ownerid in meandmyteams()",
    "not-under": f"NotUnder(boss,{ID})",
    "on-or-after": "OnOrAfter(seen,2031-05-06)",
    "last-seven-days": "Last7Days(seen)",
    "next-fiscal-period": "NextFiscalPeriod(seen)",
    "olderthan-x-minutes": "OlderThanXMinutes(seen,7)",
    "in-or-before-fiscal-period-and-year": "InOrBeforeFiscalPeriodAndYear(seen,1,2030)",
}


def test_every_operator_of_the_reference_is_there():
    assert sorted(OPERATORS) == sorted(NAMES)


def test_every_operator_is_a_condition_that_parses_and_fits(registry):
    texts = {}
    for name, operator in OPERATORS.items():
        values = VALUES[operator.takes]
        if name == "eq-userlanguage":
            values = (number(1033),)
        condition = operator.build(Path((FIELDS[operator.about],)), values)
        texts[name] = render(condition).replace("in (meandmyteams())", "in meandmyteams()")
        checked = check_condition(condition, registry, "boat")
        assert checked == check_condition(parse(render(condition)), registry, "boat"), name
    assert {name: texts[name] for name in TEXTS} == TEXTS
