"""FetchXML → queries: names, links, paging, and what is refused with its place."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kartoteka.conditions.typed import AllOf, Negated, Quantified
from kartoteka.query.fetch_xml import FetchQuery, read_fetch
from kartoteka.query.link_entities import link_entity
from kartoteka.query.query_error import QueryError
from kartoteka.query.xml_elements import MAX_CHARACTERS, MAX_DEPTH, MAX_ELEMENTS


@pytest.fixture(scope="module")
def fetch(registry):
    """Return a function that reads the inside of an ``entity`` element about boats."""

    def read(inside: str = "", **attributes: str) -> FetchQuery:
        said = "".join(f" {name.replace('_', '-')}='{text}'" for name, text in attributes.items())
        text = f"<fetch{said}><entity name='boat'>{inside}</entity></fetch>"
        return read_fetch(text, registry, language=1033)

    return read


TRIPS = "<link-entity name='trip' from='boat' to='boatid'{}>{}</link-entity>"


def test_rows_tell_what_the_attributes_name(fetch):
    asked = fetch(
        "<attribute name='name'/><attribute name='boss'/><attribute name='crew' alias='men'/>"
        + TRIPS.format(" alias='t'", "<attribute name='miles'/><attribute name='boat' alias='b'/>")
    )
    assert [(value.name, value.key) for value in asked.shown.values] == [
        ("name", "name"), ("_boss_value", "boss"), ("men", "crew"), ("t.miles", "t.miles"),
        ("b", "t.boat"), ("boatid", "boatid"),
    ]  # fmt: skip
    assert [path.key for path in asked.query.columns] == [
        "name", "boss", "crew", "t.miles", "t.boat", "boatid", "versionnumber"
    ]  # fmt: skip
    same = fetch("<attribute name='boatid' alias='boatid'/><attribute name='boss' alias='b'/>")
    assert [value.name for value in same.shown.values] == ["boatid", "b"]
    everything = fetch()
    assert "crewlist" not in [value.name for value in everything.shown.values]
    assert len(everything.shown.values) == 20
    assert len(fetch("<all-attributes/>").shown.values) == 20


def test_links_are_called_by_their_alias_or_by_a_name_that_is_free(fetch):
    inside = (
        TRIPS.format("", "") + TRIPS.format(" alias='name'", "") + TRIPS.format(" alias='x'", "")
    )
    joins = fetch(inside).query.joins
    assert [(join.alias, join.parent, join.is_outer) for join in joins] == [
        ("trip1", "", False), ("name_", "", False), ("x", "", False)
    ]  # fmt: skip
    shown = fetch(TRIPS.format(" alias='name'", "<attribute name='name'/>")).shown.values
    assert [(value.name, value.key) for value in shown] == [
        ("name.name", "name_.name"), ("boatid", "boatid")
    ]  # fmt: skip


def test_links_that_filter_are_conditions(fetch):
    for link_type in ("any", "exists", "in", "not all"):
        query = fetch(TRIPS.format(f" link-type='{link_type}'", "")).query
        assert isinstance(query.condition, Quantified)
        assert query.joins == ()
    assert isinstance(fetch(TRIPS.format(" link-type='not any'", "")).query.condition, Negated)
    match fetch(TRIPS.format(" link-type='all'", "")).query.condition:
        case AllOf((Quantified(term=None), Negated(Quantified()))):
            pass
        case other:
            raise AssertionError(other)


def test_link_entities_have_the_columns_of_their_tables(registry):
    from kartoteka_runtime.storage.tables import link_columns

    relationship = registry.relationships["boat_berths"]
    names = [field.name for field in link_entity(relationship).fields]
    assert names == list(link_columns(relationship.left, relationship.right))


def test_pages_are_asked_for_by_count_page_and_cookie_or_by_top(fetch):
    asked = fetch(count="2", page="3", returntotalrecordcount="true")
    assert (asked.page_size, asked.page, asked.top, asked.wants_total) == (2, 3, 0, True)
    assert (fetch(top="7").top, fetch(top="7", page="1").page) == (7, 1)
    cookie = '&lt;cookie page="2"&gt;&lt;after token="abc" /&gt;&lt;/cookie&gt;'
    asked = fetch(page="3", paging_cookie=cookie)
    assert (asked.cookie.page, asked.cookie.token) == (2, "abc")
    assert fetch(page="1", paging_cookie=cookie).cookie is None
    assert fetch(aggregate="true", aggregatelimit="99999", inside=COUNT).aggregate_limit == 50_000
    assert fetch(aggregate="true", aggregatelimit="9", inside=COUNT).aggregate_limit == 9


COUNT = "<attribute name='crew' aggregate='count' alias='n'/>"


def cond(rest: str) -> str:
    return f"<filter><condition {rest}/></filter>"


# inside of the entity, attributes of <fetch>, the place of what is wrong, words of the message
REFUSED = [
    ("<attribute name='nme'/>", {}, "1:28", 'did you mean "name"?'),
    ("<attribute/>", {}, "1:28", 'needs the attribute "name"'),
    ("<attribute name='crewlist'/>", {}, "1:28", "party_list"),
    ("<attribute name='name'/>\n<attribute name='name'/>", {}, "2:1", "two columns"),
    ("<attribute name='name' alias='a b'/>", {}, "1:28", "no alias"),
    ("<attribute name='crew'/><attribute name='name' alias='boatid'/>", {}, "1:52", "another"),
    (TRIPS.format("", "<attribute name='miles' alias='boatid'/>"), {}, "1:77", "another column"),
    ("<attribute name='name' alias='crew'/><all-attributes/>", {}, "1:28", "another column"),
    ("<attribute name='name' alias='_boss_value'/><attribute name='boss'/>", {}, "", "two columns"),
    ("<attribute name='name' agregate='sum'/>", {}, "1:28", 'did you mean "aggregate"?'),
    ("<attribute name='crew' aggregate='sum' alias='s'/>", {}, "1:28", 'aggregate="true"'),
    ("<attribute name='crew' rowaggregate='CountChildren' alias='s'/>", {}, "1:28", "rowaggregate"),
    ("<attribute name='boatid' rowaggregate='Sum' alias='s'/>", {}, "1:28", "CountChildren"),
    ("<attribut name='name'/>", {}, "1:28", 'did you mean "attribute"?'),
    ("text", {}, "1:8", "holds text"),
    (cond("attribute='nme' operator='eq' value='1'"), {}, "1:36", "nme"),
    (cond("attribute='crew' operator='equals' value='1'"), {}, "1:36", "not an operator"),
    (cond("attribute='crew' value='1'"), {}, "1:36", 'needs the attribute "operator"'),
    (cond("attribute='crew' operator='eq'"), {}, "1:36", "eq takes one value, 0 given"),
    (cond("attribute='crew' operator='null' value='1'"), {}, "1:36", "takes no value"),
    (cond("attribute='crew' operator='between' value='1'"), {}, "1:36", "takes two values"),
    (cond("attribute='crew' operator='eq' value='x'"), {}, "1:36", "write a number"),
    (cond("attribute='color' operator='eq' value='9'"), {}, "1:36", "no option 9"),
    (cond("attribute='armed' operator='eq' value='maybe'"), {}, "1:36", "true or false"),
    (cond("attribute='seen' operator='eq' value='2031-13-01'"), {}, "1:36", "date-time"),
    (cond("attribute='seen' operator='on' value='x'"), {}, "1:36", "no date"),
    (cond("attribute='seen' operator='last-x-days' value='x'"), {}, "1:36", "whole numbers"),
    (cond("attribute='seen' operator='last-x-days' value='1.5'"), {}, "1:36", "LastXDays"),
    (cond("attribute='built' operator='last-x-hours' value='1'"), {}, "1:36", "built"),
    (cond("attribute='crew' operator='today'"), {}, "1:36", "crew"),
    (cond("attribute='crew' operator='eq-userid'"), {}, "1:36", "never names one"),
    (cond("attribute='crew' operator='like' value='1%'"), {}, "1:36", "needs a text"),
    (cond("attribute='unit' operator='under' value='x'"), {}, "1:36", "unit"),
    (cond("attribute='boss' operator='gt' value='x'"), {}, "1:36", "no order"),
    (cond("attribute='name' operator='eq' valueof='nme'"), {}, "1:36", "nme"),
    (cond("attribute='name' operator='eq' valueof='crew'"), {}, "1:36", ""),
    (cond("attribute='name' operator='like' valueof='code'"), {}, "1:36", "does not compare"),
    (cond("attribute='name' operator='eq' valueof='t.name'"), {}, "1:36", 'no link is called "t"'),
    (cond("entityname='t' attribute='name' operator='null'"), {}, "1:36", "no link"),
    ("<filter type='xor'/>", {}, "1:28", "no type of filter"),
    ("<filter><link-entity name='trip' from='boat' to='boatid'/></filter>", {}, "1:36",
     "does not belong into a filter"),
    (TRIPS.format(" link-type='left'", ""), {}, "1:28", "not a link type"),
    (TRIPS.format(" link-type='any'", "<attribute name='name'/>"), {}, "1:93", "gives no columns"),
    (TRIPS.format(" alias='a-b'", ""), {}, "1:28", "no alias"),
    (TRIPS.format(" alias='a'", "") * 2, {}, "1:101", "two links"),
    (TRIPS.format("", "") * 16, {}, "", "at most 15 links"),
    ("<filter>" + "<condition attribute='crew' operator='null'/>" * 501 + "</filter>", {}, "",
     "at most 500"),
    ("<link-entity name='trip' from='miles' to='boatid'/>", {}, "1:28", "cannot link"),
    ("<link-entity name='trip' from='boat'/>", {}, "1:28", '"to"'),
    ("<link-entity name='trp' from='boat' to='boatid'/>", {}, "1:28", 'did you mean "trip"?'),
    ("<order/>", {}, "1:28", '"attribute"'),
    ("<order attribute='name' descending='yes'/>", {}, "1:28", "neither true nor false"),
    ("<attribute name='name'/><order attribute='crew'/>", {"distinct": "true"}, "",
     "does not show"),
    (COUNT + "<order attribute='crew'/>", {"aggregate": "true"}, "", "no attribute has the alias"),
    ("", {"aggregate": "true"}, "", "names its attributes"),
    ("<attribute name='crew' aggregate='count'/>", {"aggregate": "true"}, "", "needs an alias"),
    ("<attribute name='name' aggregate='sum' alias='s'/>", {"aggregate": "true"}, "", "number"),
    ("<attribute name='name' aggregate='median' alias='s'/>", {"aggregate": "true"}, "", "median"),
    ("<attribute name='name' groupby='true' dategrouping='day' alias='s'/>", {"aggregate": "true"},
     "", "no date"),
    ("<attribute name='seen' groupby='true' dategrouping='hour' alias='s'/>", {"aggregate": "true"},
     "", "not a part"),
    ("<attribute name='flags' groupby='true' alias='s'/>", {"aggregate": "true"}, "", "several"),
    ("", {"top": "0"}, "1:1", "top"), ("", {"top": "5001"}, "1:1", "top"),
    ("", {"page": "x"}, "1:1", "page"), ("", {"count": "-1"}, "1:1", "count"),
    ("", {"top": "1", "count": "1"}, "1:1", "does not go"), ("", {"tpo": "1"}, "1:1", '"top"?'),
]  # fmt: skip


def test_what_does_not_fit_is_refused_at_its_place(fetch):
    for inside, attributes, place, said in REFUSED:
        with pytest.raises(QueryError) as refused:
            fetch(inside, **attributes)
        error = refused.value
        assert (inside, said in str(error)) == (inside, True), str(error)
        assert str(error).startswith("fetchXml ")
        if place and not attributes or place == "1:1":
            assert (inside, f"{error.line}:{error.column}") == (inside, place)


BOMB = "".join(f"<!ENTITY l{n} '{f'&l{n - 1};' * 10 if n else 'ha'}'>" for n in range(10))
HOSTILE = {
    "": "no element found",
    " ": "no element found",
    "x": "syntax error",
    "<fetch>": "no element found",
    "<fetch></entity>": "mismatched tag",
    "<fetch/><fetch/>": "junk after document element",
    "<fetch>&nosuch;</fetch>": "undefined entity",
    "<fetch>\x00</fetch>": "not well-formed",
    "<fetch a='1' a='1'/>": "duplicate attribute",
    "<fetch\ud800/>": "no character",
    f"<!DOCTYPE fetch [{BOMB}]><fetch>&l9;</fetch>": "may not be declared",
    "<!DOCTYPE fetch SYSTEM 'file:///etc/passwd'><fetch/>": "may not be declared",
    "<!DOCTYPE f [<!ENTITY x SYSTEM 'http://127.0.0.1/'>]><fetch>&x;</fetch>": "may not be",
    "<!DOCTYPE f [<!ENTITY % x SYSTEM 'http://127.0.0.1/'> %x;]><fetch/>": "may not be",
    "<fetch>" * (MAX_DEPTH + 1): "inside one another",
    "<fetch>" + "<a/>" * (MAX_ELEMENTS + 1) + "</fetch>": "elements",
    "<fetch " + " ".join(f"a{n}='1'" for n in range(41)) + "/>": "attributes",
    "<fetch>" + "x" * 1_000_000 + "</fetch>": "too long",
    "<fetch a='" + "&lt;" * (MAX_CHARACTERS // 4) + "'/>": "too long",
    "<?xml version='1.0' encoding='utf-16'?><fetch/>": "holds one <entity>",
    "<entity name='boat'/>": "<fetch> is expected",
    "<fetch><entity name='boat'/><entity name='boat'/></fetch>": "holds one <entity>",
    "<fetch xmlns:x='y' x:top='1'><entity name='boat'/></fetch>": "no attribute",
}


def test_hostile_texts_are_refused_with_a_place_and_quickly(registry):
    for text, said in HOSTILE.items():
        with pytest.raises(QueryError) as refused:
            read_fetch(text, registry)
        error = refused.value
        assert (text[:60], said in str(error)) == (text[:60], True), str(error)
        assert re.match(r"fetchXml \d+:\d+: ", str(error)), str(error)


def test_filters_and_links_that_filter_may_lie_inside_one_another_to_a_depth(fetch):
    def filters(depth: int) -> str:
        inside = "<condition attribute='crew' operator='null'/>"
        return "<filter>" * depth + inside + "</filter>" * depth

    def links(depth: int, link_type: str) -> str:
        begin = "<link-entity name='boat' from='boss' to='boatid' link-type='{}'>"
        return begin.format(link_type) * depth + "</link-entity>" * depth

    assert fetch(filters(30)).query.condition is not None
    with pytest.raises(QueryError, match="1:268: more than 30 filters"):
        fetch(filters(31))
    for link_type in ("any", "matchfirstrowusingcrossapply"):
        fetch(links(5, link_type))
        with pytest.raises(QueryError, match="more than 5 links that filter"):
            fetch(links(6, link_type))
    assert len(fetch(links(15, "inner")).query.joins) == 15


WHOLE = (
    "<fetch count='5' page='2' distinct='false'><entity name='boat'><attribute name='name'/>"
    "<order attribute='crew' descending='true'/><filter type='or'><condition attribute='seen' "
    "operator='last-x-days' value='7'/><condition attribute='crew' operator='in'><value>1</value>"
    "<value>2</value></condition></filter><link-entity name='trip' from='boat' to='boatid' "
    "alias='t' link-type='outer'><attribute name='miles'/></link-entity></entity></fetch>"
)
PIECES = [
    "<",
    ">",
    "'",
    "&",
    "/",
    "-1",
    "true",
    "x",
    "<filter>",
    "</filter>",
    "name",
    "é",
    "\x00",
    " ",
]


@settings(max_examples=200, deadline=None)
@given(
    st.lists(
        st.tuples(st.integers(0, len(WHOLE)), st.integers(0, 9), st.sampled_from(PIECES)),
        max_size=4,
    )
)
def test_damaged_texts_are_read_or_refused(registry, changes):
    text = WHOLE
    for at, length, piece in changes:
        text = text[:at] + piece + text[at + length :]
    try:
        read_fetch(text, registry)
    except QueryError as error:
        assert error.line >= 1 or error.part
