"""What conditions answer for one record."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from kartoteka.conditions.asker import Asker
from kartoteka.conditions.check_condition import check_condition
from kartoteka.conditions.check_expression import check_expression
from kartoteka.conditions.compile_closure import compile_closure, compile_value
from kartoteka.conditions.parser import parse, parse_expression
from kartoteka.conditions.typed import AllOf, Applied, Constant, Expression, Negated, ValueKind
from kartoteka.record_values import Reference

ID = "0190a000-0000-7000-8000-00000000000a"
RECORD = {
    "name": "Łódź Straße",
    "numberofemployees": 5,
    "revenue": Decimal("12.50"),
    "channels": (1, 2),
    "industrycode": 1,
    "customerid": Reference("contact", ID, "Anna"),
    "ownerid": Reference("systemuser", "0190a000-0000-7000-8000-00000000000d"),
    "parentaccountid": Reference("account", ID),
    "parentaccountid/name": "Tatry",
    "founded": None,
}


@pytest.fixture
def holds(registry, someone):
    """Return a function that tells whether a condition holds for a record of account."""

    def holds_for(text: str, record=RECORD) -> bool:
        typed = check_condition(parse(text), registry, "account")
        return compile_closure(typed)(record, someone)

    return holds_for


@pytest.mark.parametrize(
    "text",
    [
        "name eq 'lodz strasse'",
        "contains(name,'ÓDZ')",
        "startswith(name,'łó') and endswith(name,'SSE')",
        "contains(name,'')",
        "name gt 'lo' and name lt 'lp'",
        "numberofemployees in (1,5)",
        "revenue eq 12.5",
        "channels eq '2,1'",
        "contains(channels,'shipping')",
        f"customerid eq {ID}",
        "ownerid eq me()",
        "ownerid in (me())",
        "parentaccountid/name eq 'TATRY'",
        "founded eq null",
        "founded ne 2031-05-06",
        "not (founded gt 2031-05-06)",
        "founded in (2031-05-06,null)",
        "primarycontactid eq null and primarycontactid/fullname eq null",
        f"primarycontactid ne {ID}",
        "not contains(primarycontactid/fullname,'a')",
    ],
)
def test_holds(holds, text):
    assert holds(text) is True
    assert holds(f"not ({text})") is False


ABOVE, TOP = "0190a000-0000-7000-8000-00000000000b", "0190a000-0000-7000-8000-00000000000c"
TEAM, OTHER = "0190a000-0000-7000-8000-0000000000e1", "0190a000-0000-7000-8000-0000000000e2"
ASKER = Asker(
    user_id="0190a000-0000-7000-8000-00000000000d",
    business_unit_id="0190a000-0000-7000-8000-0000000000b1",
    time_zone="Europe/Warsaw",
    now=datetime(2031, 5, 14, 22, 30, tzinfo=UTC),  # half past midnight in Warsaw
    team_ids=frozenset({TEAM}),
    people_ids=frozenset({ABOVE}),
    people_team_ids=frozenset({OTHER}),
    parents={"account": {ID: ABOVE, ABOVE: TOP, TOP: ABOVE}},
)
WIDE_RECORD = {
    **RECORD,
    "accountid": ID,
    "latitude": 0.1,
    "founded": date(2031, 5, 15),
    "createdon": datetime(2031, 5, 14, 22, 15, tzinfo=UTC),
    "opens": datetime(2031, 5, 14, 22, 15),
    "owningbusinessunit": Reference("businessunit", ASKER.business_unit_id),
    "account_contacts": [
        {"fullname": "Łucja", "birthdate": None, "revenue": Decimal(5)},
        {"fullname": "Bo", "birthdate": date(1990, 12, 31), "revenue": None},
    ],
    "account_lists": [],
}


@pytest.mark.parametrize(
    "text",
    [
        "numberofemployees div 2 eq 2",
        "numberofemployees divby 2 eq 2.5",
        "latitude add 0.2 eq 0.3",
        "revenue mul 2 gt numberofemployees",
        "numberofemployees divby (numberofemployees sub 5) eq null",
        "length(name) eq 11 and indexof(name,'STR') eq 5",
        "concat(name,'!') ne name",
        "toupper(parentaccountid/name) eq 'tatry'",
        "contains(concat(name,parentaccountid/name),'ssetat')",
        "year(createdon) eq 2031 and day(createdon) eq 15 and hour(createdon) eq 0",
        "day(opens) eq 14 and hour(opens) eq 22",
        "date(createdon) eq founded",
        "diffinminutes(createdon,now()) eq 15",
        "Today(createdon) and Today(founded) and not Today(opens)",
        "LastXHours(createdon,1) and not LastXHours(opens,1)",
        "account_contacts/any()",
        "not account_lists/any()",
        "account_contacts/any(c:c/fullname eq 'lucja')",
        "account_contacts/all(c:c/birthdate eq null or c/birthdate lt 2000-01-01)",
        "account_contacts/any(c:c/revenue eq numberofemployees)",
        "account_lists/all(t:t/name eq 'x')",
        "like(name,'%STR_SSE')",
        "case(numberofemployees gt 100: 'big', true: 'small') eq 'SMALL'",
    ],
)
def test_expressions_periods_and_collections(asked, text):
    assert asked(text) is True
    assert asked(f"not ({text})") is False


@pytest.fixture
def asked(registry):
    """Return a function that asks a record with more in it, as somebody with teams and people."""

    def ask(text: str, **values) -> bool:
        holds = compile_closure(check_condition(parse(text), registry, "account"))
        return holds({**WIDE_RECORD, **values}, ASKER)

    return ask


@pytest.mark.parametrize(
    ("test", "owners"),
    [
        ("EqualUserTeams", [TEAM]),
        ("EqualUserOrUserTeams", [TEAM, ASKER.user_id]),
        ("EqualUserOrUserHierarchy", [ABOVE, ASKER.user_id]),
        ("EqualUserOrUserHierarchyAndTeams", [ABOVE, ASKER.user_id, TEAM, OTHER]),
    ],
)
def test_sets_that_the_asker_has(asked, test, owners):
    for owner in (TEAM, OTHER, ABOVE, TOP, ASKER.user_id):
        found = asked(f"{test}(ownerid)", ownerid=Reference("systemuser", owner))
        assert found is (owner in owners), owner
    assert not asked(f"{test}(ownerid)", ownerid=None)


@pytest.mark.parametrize(
    ("test", "found"),
    [
        ("Under(accountid,'{above}')", True),
        ("Under(accountid,'{top}')", True),
        ("Under(accountid,'{id}')", False),
        ("UnderOrEqual(accountid,'{id}')", True),
        ("Above(accountid,'{above}')", False),
        ("AboveOrEqual(accountid,'{id}')", True),
        ("Under(parentaccountid,'{above}')", True),
        ("NotUnder(accountid,'{other}')", True),
    ],
)
def test_hierarchies_end_where_they_go_in_a_circle(asked, test, found):
    text = test.format(id=ID, above=ABOVE, top=TOP, other=OTHER)
    assert asked(text) is found


def test_a_record_in_a_circle_is_not_below_itself(asked):
    assert not asked(f"Under(accountid,'{TOP}')", accountid=TOP)
    assert asked(f"Under(accountid,'{TOP}')", accountid=ABOVE)


def test_conditions_may_be_deep_and_long(registry):
    leaf = check_condition(parse("numberofemployees eq 5"), registry, "account")
    deep = leaf
    for _ in range(150):
        deep = Negated(AllOf((deep, leaf)))
    assert compile_closure(deep)(RECORD, ASKER) is True
    assert compile_closure(AllOf((leaf,) * 5000))(RECORD, ASKER) is True
    value: Expression = Constant(1, ValueKind.WHOLE)
    for _ in range(150):
        value = Applied("add", (value, Constant(1, ValueKind.WHOLE)), ValueKind.WHOLE)
    assert compile_value(value)({}, ASKER) == 151


def test_values_are_of_the_kind_of_their_expression(registry):
    def value(text: str):
        expression = check_expression(parse_expression(text), registry, "account")
        return compile_value(expression)(WIDE_RECORD, ASKER)

    assert repr(value("latitude")) == "0.1"
    assert repr(value("floor(numberofemployees)")) == "Decimal('5')"
    assert repr(value("numberofemployees add 1")) == "6"
    assert value("parentaccountid") == ID
    assert value("addmonths(createdon,1)") == datetime(2031, 6, 14, 22, 15, tzinfo=UTC)
    assert value("primarycontactid/fullname") is None


def test_a_missing_key_is_an_empty_field(holds):
    assert holds("name eq null and numberofemployees ne 5 and not (revenue lt 1)", {})
