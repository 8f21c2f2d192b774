"""OData options → queries: what they mean, and what is refused with its place."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kartoteka.conditions.check_condition import check_condition
from kartoteka.conditions.parser import parse
from kartoteka.query.odata import ODataQuery, read_options
from kartoteka.query.query import MOST_ITEMS_EXPANDED
from kartoteka.query.query_error import QueryError


@pytest.fixture(scope="module")
def read(registry):
    """Return a function that reads options about boats, written as in an address."""

    def read_text(text: str) -> ODataQuery:
        options = dict(part.split("=", 1) for part in text.split("&") if part)
        return read_options(options, registry, registry.entities["boat"])

    return read_text


def test_a_selection_has_the_id_and_the_version_beside_it(read):
    asked = read("$select=name,_boss_value,name")
    assert [value.name for value in asked.shown.values] == ["boatid", "name", "_boss_value"]
    assert [path.key for path in asked.query.columns] == ["boatid", "name", "boss", "versionnumber"]
    assert asked.shown.has_version
    assert len(read("").shown.values) == 20
    assert (read("$top=3").top, read("$count=true").with_count, read("$skiptoken=x").token) == (
        3, True, "x"
    )  # fmt: skip


def test_aliases_stand_for_values_wherever_they_are(read, registry):
    asked = read("$filter=name eq @p1 and contains(code,'@p1') and crew in (@a,@b)"
                 "&@p1='O''Hara'&@a=1&@b=-2")  # fmt: skip
    text = "name eq 'O''Hara' and contains(code,'@p1') and crew in (1,-2)"
    assert asked.query.condition == check_condition(parse(text), registry, "boat")
    asked = read("$expand=boat_trips($filter=miles gt @m)&@m=5")
    (expand,) = asked.query.expands
    assert expand.query.condition == check_condition(parse("miles gt 5"), registry, "trip")


def test_expands_have_options_of_their_own(read):
    asked = read(
        "$expand=boss($select=name;$expand=ownerid_team($select=name)),"
        "boat_trips($select=miles;$filter=name ne 'a;b,)(''c';$orderby=miles desc,name;$top=2)"
    )
    boss, trips = asked.query.expands
    assert [path.key for path in boss.query.columns] == ["boatid", "name", "versionnumber"]
    assert [inner.key for inner in boss.query.expands] == ["ownerid_team()"]
    assert (boss.query.limit, trips.query.limit) == (MOST_ITEMS_EXPANDED, 2)
    assert [(key.path.key, key.descending) for key in trips.query.order] == [
        ("miles", True), ("name", False)
    ]  # fmt: skip
    assert [(inside.name, inside.is_many) for inside in asked.shown.inside] == [
        ("boss", False), ("boat_trips", True)
    ]  # fmt: skip


def test_groups_and_figures_are_called_as_clients_expect(read):
    asked = read("$apply=filter(crew gt 1)/groupby((boss/name,payer),aggregate(price with "
                 "sum as s))"
                 "&$orderby=s desc,boss/name")  # fmt: skip
    assert [(value.name, value.key) for value in asked.shown.values] == [
        ("boat_name", "boat_name"), ("_payer_value", "payer"), ("s", "s")
    ]  # fmt: skip
    assert [(key.path, key.descending) for key in asked.query.order] == [
        ("s", True), ("boat_name", False)
    ]  # fmt: skip
    assert asked.query.is_aggregate


# options, place in the option, words of the message
REFUSED = [
    ("$skip=1", "", "$skip is not supported"), ("$fliter=crew eq 1", "", 'did you mean "$filter"?'),
    ("$SELECT=name", "", "$SELECT"), ("$format=json", "", "$format"),
    ("$select=nme", "$select 1:1", 'did you mean "name"?'),
    ("$select=name, nme", "$select 1:7", "nme"), ("$select=crewlist", "$select 1:1", "party_list"),
    ("$select=_name_value", "$select 1:1", "not a field"), ("$select=boss/name", "$select 1:1", ""),
    ("$filter=  crew eq", "$filter 1:10", ""), ("$filter=name eq @x", "$filter 1:9", "@x has no"),
    ("$filter=nme eq @x or crew eq 'y'&@x='long enough'", "$filter 1:1", "nme"),
    ("$filter=name eq @x and crew eq 'y'&@x='long enough'", "$filter 1:24", "crew"),
    ("$filter=crew eq @x&@x='y'", "$filter 1:9", "crew"),
    ("$filter=crew eq @x&@x=1 or true", "@x", "one value"), ("$filter=crew eq @x&@x=(", "", ""),
    ("$filter=crew eq @x&@x=%", "@x 1:1", ""), ("$filter=crew eq @x&@x=", "@x", "one value"),
    ("$orderby=name ascending", "$orderby 1:6", "asc or desc"),
    ("$orderby=a/b", "$orderby 1:1", ""),
    ("$orderby=" + ",".join(["name"] * 21), "$orderby 1:1", "at most 20"),
    ("$top=1.5", "$top 1:1", "1.5"), ("$top=9999999999", "$top 1:1", ""), ("$top=", "$top 1:1", ""),
    ("$count=1", "$count 1:1", "neither"),
    ("$expand=bos", "$expand 1:1", 'did you mean "boss"?'),
    ("$expand=payer", "$expand 1:1", "payer_boat or payer_team"),
    ("$expand=name", "$expand 1:1", ""),
    ("$expand=boss($filter=crew eq 1)", "$expand 1:6", "$select, $expand"),
    ("$expand=boat_trips($skip=1)", "$expand 1:12", "$skip"),
    ("$expand=boat_trips($top=0)", "$expand 1:17", "from 1"),
    ("$expand=boat_trips($top=1;$top=2)", "$expand 1:19", "twice"),
    ("$expand=boat_trips($filter=mils eq 1)", "$expand 1:20", 'did you mean "miles"?'),
    ("$expand=boat_trips($orderby=nme)", "$expand 1:21", "nme"),
    ("$expand=boss)", "$expand 1:5", "closes nothing"), ("$expand=boss(", "$expand 1:6", "missing"),
    ("$expand=boat_trips($filter=name eq 'x)", "$expand 1:28", "no end"),
    ("$expand=" + "boss($expand=" * 10 + "boss" + ")" * 10, "$expand 1:", "inside one another"),
    ("$expand=" + ",".join(f"boss_boat($expand=boss{n})" for n in range(3)), "", "boss0"),
    ("$expand=boss($expand=" + ",".join(["boat_trips"] * 2) + ")", "$expand 1:25", "twice"),
    ("$apply=", "$apply 1:1", "empty"), ("$apply=group((name))", "$apply 1:1", "groupby"),
    ("$apply=groupby((name))/filter(crew eq 1)", "$apply 1:24", "crew"),
    ("$apply=groupby((name))/groupby((crew))", "$apply 1:17", "not grouped again"),
    ("$apply=groupby((name),sum(crew))", "$apply 1:16", "aggregate"),
    ("$apply=groupby(name)", "$apply 1:9", "parentheses"),
    ("$apply=groupby((nme))", "$apply 1:10", ""),
    ("$apply=aggregate(crew with sum)", "$apply 1:11", "no aggregate"),
    ("$apply=aggregate(crew with total as t)", "$apply 1:21", "total"),
    ("$apply=aggregate(name with max as t)", "$apply 1:11", "number or a date"),
    ("$apply=groupby((name),aggregate($count as name))", "$apply 1:26", "twice"),
    ("$apply=groupby((name))&$expand=boss", "$expand", "$apply"),
    ("$apply=groupby((name))&$orderby=crew", "$orderby 1:1", "gives nothing called"),
]  # fmt: skip


def test_what_is_wrong_is_refused_at_its_place(read):
    for text, place, said in REFUSED:
        with pytest.raises(QueryError) as refused:
            read(text)
        message = str(refused.value)
        assert (text, said in message) == (text, True), message
        assert (text, message.startswith(place)) == (text, True), message


TEXTS = {
    "$filter": "crew eq 1 and boat_trips/any(t:t/miles gt @m)",
    "$expand": "boss($select=name;$expand=boss),boat_trips($filter=miles gt 1;$top=2)",
    "$apply": "filter(crew gt 1)/groupby((boss/name),aggregate(crew with sum as s,$count as n))",
    "$orderby": "name desc,boss/name",
    "$select": "name,_boss_value",
}
PIECES = [
    "(",
    ")",
    ",",
    ";",
    "'",
    "/",
    "=",
    "@",
    "$",
    "any",
    "null",
    "1",
    " ",
    "é",
    "\x00",
    "[",
    ":",
]
CHANGES = st.lists(
    st.tuples(st.integers(0, 80), st.integers(0, 6), st.sampled_from(PIECES)), max_size=4
)


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(sorted(TEXTS)), CHANGES)
def test_damaged_options_are_read_or_refused(registry, option, changes):
    text = TEXTS[option]
    for at, length, piece in changes:
        text = text[:at] + piece + text[at + length :]
    try:
        read_options({option: text, "@m": "5"}, registry, registry.entities["boat"])
    except QueryError as error:
        assert error.part
