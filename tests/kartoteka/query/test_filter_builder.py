"""Groups of rows → conditions and back, and the operators that a field is offered."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kartoteka.conditions.check_condition import check_condition
from kartoteka.conditions.parser import parse
from kartoteka.conditions.render import render
from kartoteka.conditions.syntax import Condition
from kartoteka.query.builder_operators import BUILDER_OPERATORS, operators_for
from kartoteka.query.fetch_operators import Takes
from kartoteka.query.filter_builder import read_groups
from kartoteka.query.filter_rows import groups_of
from kartoteka.query.of_view import path_of
from kartoteka.query.query_error import QueryError

ID = "0190a000-0000-7000-8000-00000000000a"
VALUES = {
    "name": "a'b", "code": "x", "crew": 5, "tons": 2.25, "price": 10, "armed": True, "color": 1,
    "flags": "red", "built": "2031-05-06", "seen": "2031-05-06T10:00:00Z",
    "opens": "2031-05-06T10:00:00", "spoken": 1033, "boss": ID, "unit": ID, "payer": ID,
    "ownerid": ID, "statecode": "active", "boatid": ID, "versionnumber": 7, "speed": 1.5,
}  # fmt: skip
SINGLE = {Takes.NUMBER: 7, Takes.DAY: "2031-05-06", Takes.ID: ID, Takes.TEXT: "a%"}


def read(data: Any, registry) -> Condition:
    """Return what groups mean, which is not nothing."""
    condition = read_groups(data, registry, "boat")
    assert condition is not None
    return condition


def row_of(field: str, operator: str) -> dict[str, object]:
    """Return a row with values that suit its operator."""
    takes = BUILDER_OPERATORS[operator].takes
    row: dict[str, object] = {"field": field, "operator": operator}
    value = VALUES[field.rpartition("/")[2]]
    if takes in (Takes.TWO, Takes.VALUES):
        row["values"] = [value, value] if takes is Takes.TWO else [value]
    elif takes is Takes.TWO_NUMBERS:
        row["values"] = [1, 2030]
    elif takes is not Takes.NOTHING:
        row["value"] = SINGLE.get(takes, value)
    return row


def test_every_operator_of_every_field_makes_a_condition_and_comes_back(registry):
    count = 0
    for field in (*VALUES, "boss/crew", "boss/boss/seen"):
        for operator in operators_for(path_of(registry, "boat", field), registry):
            row = row_of(field, operator)
            condition = read({"all": [row]}, registry)
            check_condition(condition, registry, "boat")
            assert parse(render(condition)) == condition, row
            assert groups_of(condition, registry, "boat") == {"all": [row]}
            count += 1
    assert count > 300


def test_fields_are_offered_the_operators_of_their_kind(registry):
    def offered(field: str) -> set[str]:
        return set(operators_for(path_of(registry, "boat", field), registry))

    assert offered("color") == {"eq", "ne", "in", "not-in", "null", "not-null"}
    assert offered("speed") == {
        "gt", "ge", "lt", "le", "between", "not-between", "null", "not-null"
    }  # fmt: skip
    assert {"contains", "not-contains", "like", "begins-with"} <= offered("name")
    assert {"contain-values", "not-contain-values"} <= offered("flags")
    assert {"under", "above", "eq-or-under"} <= offered("boss") & offered("boatid")
    assert "under" not in offered("payer") | offered("unit")
    assert {"eq-userid", "eq-userteams"} <= offered("ownerid")
    assert "eq-businessid" in offered("unit")
    assert ("last-x-hours" in offered("seen"), "last-x-hours" in offered("built")) == (True, False)
    assert {"neq", "eq-userlanguage"}.isdisjoint(offered("spoken"))


GROUPS = {
    "all": [
        {"field": "name", "operator": "contains", "value": "ski"},
        {
            "any": [
                {"field": "seen", "operator": "last-x-days", "value": 7},
                {"none": [
                    {"field": "boss/name", "operator": "null"},
                    {"field": "crew", "operator": "between", "values": [1, 5]},
                ]},
            ]
        },
    ]
}  # fmt: skip


def test_groups_come_back_as_they_were(registry):
    condition = read(GROUPS, registry)
    assert render(condition) == (
        "contains(name,'ski') and (LastXDays(seen,7) or not (boss/name eq null or "
        "crew ge 1 and crew le 5))"
    )
    assert groups_of(condition, registry, "boat") == GROUPS
    assert json.loads(json.dumps(GROUPS)) == GROUPS
    nothing: list[Any] = [{"all": []}, {"any": [{"all": []}]}]
    for empty in nothing:
        assert read_groups(empty, registry, "boat") is None
    alone = {"field": "crew", "operator": "eq", "value": 1}
    assert groups_of(read(alone, registry), registry, "boat") == {"all": [alone]}


def test_what_rows_cannot_say_has_no_groups(registry):
    for text in ("crew add 1 eq 2", "boat_trips/any(t:t/miles gt 1)", "crew eq spoken", "armed"):
        assert groups_of(parse(text), registry, "boat") is None
    assert groups_of(parse("not armed eq true"), registry, "boat") == {
        "none": [{"field": "armed", "operator": "eq", "value": True}]
    }


REFUSED: list[tuple[Any, str]] = [
    (None, ""), ([], ""), ("x", ""), ({}, "field"), ({"all": {}}, "a group is"),
    ({"all": [], "any": []}, "a group is"), ({"all": [5]}, "all/0"),
    ({"all": [{"field": "crew"}]}, '"operator"'), ({"field": "nme", "operator": "eq"}, "name"),
    ({"field": "crew", "operator": "like", "value": "x"}, "no operator"),
    ({"field": "crew", "operator": "eq"}, "takes 1 values, 0 given"),
    ({"field": "crew", "operator": "eq", "values": [1, 2]}, "2 given"),
    ({"field": "crew", "operator": "null", "value": 1}, "1 given"),
    ({"field": "crew", "operator": "in", "values": []}, "needs values"),
    ({"field": "crew", "operator": "in", "values": [1] * 501}, "at most 500"),
    ({"field": "crew", "operator": "eq", "value": {"a": 1}}, "a value is"),
    ({"field": "crew", "operator": "eq", "value": 1, "x": 1}, '"x"'),
    ({"any": [{"all": [{"field": "crew", "operator": 5}]}]}, "any/0/all/0"),
    ({"all": [{"field": "crew", "operator": "null"}] * 501}, "500 rows"),
]  # fmt: skip


def test_other_shapes_are_refused_with_the_place(registry):
    for data, said in REFUSED:
        with pytest.raises(QueryError) as refused:
            read_groups(data, registry, "boat")
        assert (data, said in str(refused.value)) == (data, True), str(refused.value)
    deep: dict[str, object] = {"field": "crew", "operator": "null"}
    for _ in range(30):
        deep = {"all": [deep]}
    with pytest.raises(QueryError, match="inside one another"):
        read_groups(deep, registry, "boat")
