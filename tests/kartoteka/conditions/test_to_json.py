"""What the browser's interpreter is handed."""

from __future__ import annotations

from datetime import UTC, datetime

import orjson
import pytest

from kartoteka.conditions.asker import Asker
from kartoteka.conditions.check_condition import check_condition
from kartoteka.conditions.parser import parse
from kartoteka.conditions.to_json import asker_to_json, to_json

ID = "0190a000-0000-7000-8000-00000000000a"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("like(name,'Ż_[a-c]%')", ["like", "name", ["z", 1, [False, ["a", "c"]], 0]]),
        ("LastXDays(createdon,7)", ["period", "createdon", "instant|LastXDays|7"]),
        ("On(founded,2031-05-06)", ["period", "founded", "date|On|2031-05-06"]),
        ("EqualUserTeams(ownerid)", ["my", "ownerid", "myteams"]),
        (
            f"UnderOrEqual(parentaccountid,'{ID}')",
            ["under", "parentaccountid", "account", True, ID],
        ),
        (
            "revenue gt numberofemployees",
            ["related", "gt", "decimal", ["field", "decimal", "revenue"],
             ["field", "whole", "numberofemployees"]],
        ),
        (
            "createdon gt addhours(now(),-1)",
            ["related", "gt", "instant", ["field", "instant", "createdon"],
             ["call", "instant", "addhours", ["now", "instant"], ["value", "whole", "-1"]]],
        ),
        (
            "contains(name,parentaccountid/name)",
            ["textrelated", "contains", ["field", "text", "name"],
             ["field", "text", "parentaccountid/name"]],
        ),
        ("account_lists/any()", ["any", "account_lists", "any"]),
        (
            "account_contacts/any(c:c/fullname eq 'Ł')",
            ["any", "account_contacts", "c", ["eq", "c.fullname", "text", "l"]],
        ),
    ],
)  # fmt: skip
def test_conditions_as_lists(registry, text, expected):
    said = to_json(check_condition(parse(text), registry, "account"))
    if text.endswith("any()"):
        said[2] = "any"  # its variable is named by the parser, and nobody asks for it
    assert said == expected


def test_who_asks_brings_the_periods_that_are_asked_for(registry):
    condition = check_condition(
        parse("Today(createdon) or OnOrAfter(founded,2031-05-06)"), registry, "account"
    )
    asker = Asker(
        user_id=ID,
        time_zone="Europe/Warsaw",
        now=datetime(2031, 5, 14, 22, 30, tzinfo=UTC),
        team_ids=frozenset({ID}),
        parents={"account": {ID: ID}},
    )
    told = asker_to_json(asker, [condition])
    assert told == {
        "user": ID,
        "unit": "",
        "zone": "Europe/Warsaw",
        "now": "2031-05-14T22:30:00Z",
        "teams": [ID],
        "people": [],
        "peopleTeams": [],
        "parents": {"account": {ID: ID}},
        "periods": {
            "instant|Today|": [["2031-05-14T22:00:00Z", "2031-05-15T22:00:00Z"]],
            "date|OnOrAfter|2031-05-06": [["2031-05-06", None]],
        },
    }
    assert orjson.loads(orjson.dumps(told)) == told
