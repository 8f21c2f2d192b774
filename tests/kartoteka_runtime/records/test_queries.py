"""Queries: expands, joins, groups and keyset pages, on both engines."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from kartoteka.conditions.check_condition import check_condition
from kartoteka.conditions.entity_collections import collections_of
from kartoteka.conditions.parser import parse
from kartoteka.conditions.typed import LookupStep, Match
from kartoteka.query.of_view import condition_of, path_of
from kartoteka.query.query import (
    Aggregate,
    AggregateFunction,
    DatePart,
    Expand,
    Group,
    Join,
    OrderKey,
    Query,
)
from kartoteka.record_values import Reference


class Books:
    """Accounts with contacts, and the queries that tests ask about them."""

    def __init__(self, app, records) -> None:
        self.app = app
        self.records = records
        self.registry = app.registry

    def path(self, text: str, entity: str = "contact"):
        return path_of(self.registry, entity, text)

    def paths(self, entity: str, *names: str):
        return tuple(self.path(name, entity) for name in names)

    def condition(self, entity: str, text: str):
        return condition_of(self.registry, entity, text)

    def collection(self, entity: str, name: str):
        return collections_of(self.registry, entity)[name]

    async def rows(self, query: Query, **options):
        return (await self.records.query(query, **options)).rows


@pytest.fixture
async def books(start_app):
    """Give three accounts: Alfa with Ann and Bo, Beta with Cy, Gamma with nobody."""
    app = await start_app()
    records = await app.records_as()
    alfa, beta, _ = [
        await records.create("account", {"name": name, "revenue": revenue})
        for name, revenue in (("Alfa", Decimal("10.5")), ("Beta", Decimal("20")), ("Gamma", None))
    ]
    for name, account, born in (
        ("Ann", alfa, "1984-02-29"),
        ("Bo", alfa, "1990-12-31"),
        ("Cy", beta, None),
        ("Di", None, None),
    ):
        values: dict[str, object] = {"firstname": name, "lastname": "X", "birthdate": born}
        if account:
            values["parentcustomerid"] = Reference("account", account)
        await records.create("contact", values)
    (ann,) = await records.list("contact", filter="firstname eq 'Ann'")
    await records.update(
        "account", alfa, {"primarycontactid": Reference("contact", ann["contactid"])}
    )
    return Books(app, records)


async def test_a_lookup_expands_to_a_record_or_to_nothing(books):
    lookup = books.path("primarycontactid", "account").field
    inner = Query("contact", books.paths("contact", "contactid", "firstname", "birthdate"))
    query = Query(
        "account",
        books.paths("account", "accountid", "name"),
        order=(OrderKey(books.path("name", "account")),),
        expands=(Expand("who", LookupStep(lookup, "contact"), inner),),
    )
    rows = await books.rows(query)
    assert [(row["name"], row["who"] and row["who"]["firstname"]) for row in rows] == [
        ("Alfa", "Ann"), ("Beta", None), ("Gamma", None)
    ]  # fmt: skip
    assert rows[0]["who"]["birthdate"] == date(1984, 2, 29)
    narrowed = replace(inner, condition=books.condition("contact", "firstname eq 'Bo'"))
    query = replace(query, expands=(Expand("who", LookupStep(lookup, "contact"), narrowed),))
    assert [row["who"] for row in await books.rows(query)] == [None, None, None]
    over = books.condition("contact", "parentcustomerid_account/name eq 'Alfa'")
    narrowed = replace(inner, condition=over)
    query = replace(query, expands=(Expand("who", LookupStep(lookup, "contact"), narrowed),))
    assert [row["who"] is not None for row in await books.rows(query)] == [True, False, False]


async def test_collections_expand_to_so_many_items_of_each_record(books):
    contacts = books.collection("account", "contact_customer_accounts")
    items = Query(
        "contact",
        books.paths("contact", "firstname"),
        order=(OrderKey(books.path("firstname"), descending=True),),
        limit=5000,
    )
    query = Query(
        "account",
        books.paths("account", "accountid", "name"),
        order=(OrderKey(books.path("name", "account")),),
        expands=(Expand("people", contacts, items),),
    )

    def people(rows):
        return [[item["firstname"] for item in row["people"]] for row in rows]

    assert people(await books.rows(query)) == [["Bo", "Ann"], ["Cy"], []]
    first = replace(query, expands=(Expand("people", contacts, replace(items, limit=1)),))
    assert people(await books.rows(first)) == [["Bo"], ["Cy"], []]
    born = replace(items, condition=books.condition("contact", "birthdate lt 1990-01-01"))
    query = replace(query, expands=(Expand("people", contacts, born),))
    assert people(await books.rows(query)) == [["Ann"], [], []]


async def test_expands_nest_and_cost_one_statement_each(books):
    contacts = books.collection("account", "contact_customer_accounts")
    customer = books.path("parentcustomerid").field
    colleagues = Expand(
        "colleagues", contacts, Query("contact", books.paths("contact", "firstname"))
    )
    account = Query("account", books.paths("account", "name"), expands=(colleagues,))
    query = Query(
        "contact",
        books.paths("contact", "contactid", "firstname"),
        order=(OrderKey(books.path("firstname")),),
        expands=(Expand("of", LookupStep(customer, "account"), account),),
    )
    with books.app.counted_statements() as statements:
        rows = await books.rows(query)
    assert [row["of"] and len(row["of"]["colleagues"]) for row in rows] == [2, 2, 1, None]
    assert len(statements) == 2


async def test_joins_give_a_row_a_match_and_keep_what_has_none_when_outer(books):
    contact, account = books.registry.entities["contact"], books.registry.entities["account"]
    via = Match(contact.field_by_name["parentcustomerid"], account.field_by_name["accountid"])
    first = replace(books.path("firstname"), variable="c")
    query = Query(
        "account",
        (*books.paths("account", "name"), first),
        order=(OrderKey(books.path("name", "account")), OrderKey(first)),
        joins=(Join("c", "contact", via),),
    )
    found = [(row["name"], row["c.firstname"]) for row in await books.rows(query)]
    assert found == [("Alfa", "Ann"), ("Alfa", "Bo"), ("Beta", "Cy")]
    only_bo = books.condition("contact", "firstname eq 'Bo'")
    assert only_bo is not None
    condition = check_condition(
        parse("c/firstname eq 'Bo'"), books.registry, "account", variables={"c": "contact"}
    )
    outer = replace(query, joins=(Join("c", "contact", via, is_outer=True, condition=condition),))
    found = [(row["name"], row["c.firstname"]) for row in await books.rows(outer)]
    assert found == [("Alfa", "Bo"), ("Beta", None), ("Gamma", None)]
    after_join = replace(outer, condition=condition)
    assert [row["name"] for row in await books.rows(after_join)] == ["Alfa"]


async def test_groups_and_figures(books):
    query = Query(
        "contact",
        groups=(Group("customer", books.path("parentcustomerid")),),
        aggregates=(
            Aggregate("n", AggregateFunction.COUNT),
            Aggregate("born", AggregateFunction.COUNT, books.path("birthdate")),
            Aggregate("first", AggregateFunction.MIN, books.path("birthdate")),
        ),
        order=(OrderKey("n", descending=True), OrderKey("customer", descending=True)),
    )
    rows = await books.rows(query)
    assert [(row["customer"] and row["customer"].name, row["n"], row["born"]) for row in rows] == [
        ("Alfa", 2, 2), ("Beta", 1, 0), (None, 1, 0)
    ]  # fmt: skip
    assert rows[0]["first"] == date(1984, 2, 29)
    revenue = books.path("revenue", "account")
    query = Query(
        "account",
        aggregates=(
            Aggregate("sum", AggregateFunction.SUM, revenue),
            Aggregate("avg", AggregateFunction.AVG, revenue),
            Aggregate("max", AggregateFunction.MAX, revenue),
        ),
    )
    (row,) = await books.rows(query)
    assert row == {"sum": Decimal("30.5"), "avg": Decimal("15.25"), "max": Decimal("20")}
    nothing = replace(query, condition=books.condition("account", "name eq 'nobody'"))
    assert await books.rows(nothing) == [{"sum": None, "avg": None, "max": None}]


async def test_sums_do_not_overflow(books):
    for _ in range(3):
        await books.records.create(
            "account", {"name": "Rich", "revenue": Decimal("90071992547409.9")}
        )
    query = Query(
        "account",
        aggregates=(Aggregate("sum", AggregateFunction.SUM, books.path("revenue", "account")),),
        condition=books.condition("account", "name eq 'rich'"),
    )
    assert await books.rows(query) == [{"sum": Decimal("270215977642229.7")}]


@pytest.mark.parametrize(
    ("part", "expected"),
    [
        (DatePart.DAY, [29, 31]), (DatePart.WEEK, [9, 53]), (DatePart.MONTH, [2, 12]),
        (DatePart.QUARTER, [1, 4]), (DatePart.YEAR, [1984, 1990]),
        (DatePart.FISCAL_PERIOD, [3, 4]), (DatePart.FISCAL_YEAR, [1983, 1990]),
    ],
)  # fmt: skip
async def test_dates_group_by_their_parts(books, part, expected):
    admin = books.app.system_records
    (organization,) = await admin.list("organization")
    calendar = {"fiscalcalendarstart": date(2031, 7, 1), "fiscalperiodtype": 2002}
    await admin.update("organization", organization["organizationid"], calendar)
    query = Query(
        "contact",
        groups=(Group("part", books.path("birthdate"), part),),
        aggregates=(Aggregate("n", AggregateFunction.COUNT),),
        condition=books.condition("contact", "birthdate ne null"),
    )
    found = {row["part"]: row["n"] for row in await books.rows(query)}
    if part is DatePart.FISCAL_PERIOD:  # July to September is the first
        expected = [3, 2]
    assert found == dict.fromkeys(expected, 1)


async def test_instants_group_by_the_clock_of_who_asks(books):
    await books.records.create(
        "task", {"subject": "x", "scheduledend": datetime(2031, 1, 1, 3, tzinfo=UTC)}
    )
    query = Query(
        "task",
        groups=(Group("year", path_of(books.registry, "task", "scheduledend"), DatePart.YEAR),),
        aggregates=(Aggregate("n", AggregateFunction.COUNT),),
    )
    assert (await books.rows(query))[0]["year"] == 2031
    in_denver = books.app.parts.records.acting_as(
        replace(await books.app.principal(), time_zone="America/Denver")
    )
    assert (await in_denver.query(query)).rows[0]["year"] == 2030


async def test_distinct_shows_each_pair_once(books):
    query = Query(
        "contact",
        books.paths("contact", "lastname"),
        order=(OrderKey(books.path("lastname")),),
        distinct=True,
    )
    page = await books.records.query(query, with_count=True)
    assert ([row["lastname"] for row in page.rows], page.count) == (["X"], 1)


@pytest.mark.parametrize("descending", [False, True])
@pytest.mark.parametrize(
    "names", [("birthdate",), ("lastname", "birthdate"), ("birthdate", "firstname"), ()]
)
async def test_pages_follow_one_another_without_gaps_whatever_is_empty(books, names, descending):
    for number in range(9):
        born = None if number % 3 == 0 else date(1984, 2, 20 + number % 4)
        await books.records.create(
            "contact", {"firstname": "ABC"[number % 3], "lastname": "Y", "birthdate": born}
        )
    query = Query(
        "contact",
        books.paths("contact", "contactid", "birthdate", "firstname"),
        order=tuple(
            OrderKey(books.path(name), descending=descending ^ (place == 1))
            for place, name in enumerate(names)
        ),
    )
    whole = [row["contactid"] for row in await books.rows(query)]
    assert len(set(whole)) == 13
    paged, after = [], ""
    while True:
        page = await books.records.query(query, after=after, limit=2)
        paged += [row["contactid"] for row in page.rows]
        after = page.next_after
        if not after:
            break
    assert paged == whole
