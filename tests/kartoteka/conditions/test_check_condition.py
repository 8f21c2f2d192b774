"""What conditions mean for the registry: names, options, values, and what does not fit."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from kartoteka.conditions.check_condition import check_condition
from kartoteka.conditions.condition_error import ConditionError
from kartoteka.conditions.parser import parse
from kartoteka.conditions.to_json import to_json
from kartoteka.conditions.typed import Compared, FieldPath, TypedCondition

ID = "0190a000-0000-7000-8000-00000000000a"


@pytest.fixture
def check(registry):
    """Return a function that checks a condition on account."""

    def check_text(text: str, entity: str = "account") -> TypedCondition:
        return check_condition(parse(text), registry, entity)

    return check_text


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("name eq 'Ła'", ["eq", "name", "text", "la"]),
        ("'a' eq name", ["eq", "name", "text", "a"]),
        ("5 lt numberofemployees", ["gt", "numberofemployees", "whole", "5"]),
        ("name eq ''", ["null", "name"]),
        ("name ne null", ["not", ["null", "name"]]),
        ("name gt null", ["false"]),
        (
            "name in ('a','',null,'A','b')",
            ["or", ["in", "name", "text", ["a", "a", "b"]], ["null", "name"]],
        ),
        ("revenue ge 12.50", ["ge", "revenue", "decimal", "12.50"]),
        ("numberofemployees gt 10.5", ["gt", "numberofemployees", "whole", "10"]),
        ("numberofemployees le 10.5", ["le", "numberofemployees", "whole", "10"]),
        ("numberofemployees lt -0.5", ["le", "numberofemployees", "whole", "-1"]),
        ("numberofemployees eq 10.5", ["false"]),
        ("numberofemployees ne 10.5", ["true"]),
        ("numberofemployees in (10.5,11)", ["in", "numberofemployees", "whole", ["11"]]),
        ("numberofemployees in (10.5)", ["false"]),
        ("latitude lt 1.5", ["lt", "latitude", "float", 1.5]),
        ("creditonhold", ["eq", "creditonhold", "yes_no", True]),
        ("not creditonhold", ["not", ["eq", "creditonhold", "yes_no", True]]),
        ("industrycode eq 'shipping'", ["eq", "industrycode", "option", 2]),
        ("industrycode eq 2", ["eq", "industrycode", "option", 2]),
        ("industrycode eq '2'", ["eq", "industrycode", "option", 2]),
        ("statecode eq 'inactive'", ["eq", "statecode", "option", 1]),
        ("statuscode in ('inactive',1)", ["in", "statuscode", "option", [2, 1]]),
        ("channels eq 'shipping, retail'", ["eq", "channels", "options", [1, 2]]),
        ("channels eq 'retail'", ["eq", "channels", "options", [1]]),
        ("contains(channels,'retail')", ["has", "channels", 1]),
        ("founded eq 2031-05-06", ["eq", "founded", "date", "2031-05-06"]),
        ("birthday eq '2031-05-06'", ["eq", "birthday", "date", "2031-05-06"]),
        ("createdon ge 2031-05-06", ["ge", "createdon", "instant", "2031-05-06T00:00:00Z"]),
        (
            "createdon ge 2031-05-06T10:00:00+02:00",
            ["ge", "createdon", "instant", "2031-05-06T08:00:00Z"],
        ),
        (
            "createdon ge 2031-05-06T10:00:00.5Z",
            ["gt", "createdon", "instant", "2031-05-06T10:00:00Z"],
        ),
        ("opens lt 2031-05-06T10:00:00", ["lt", "opens", "local_time", "2031-05-06T10:00:00"]),
        ("opens lt 2031-05-06T10:00:00Z", ["lt", "opens", "local_time", "2031-05-06T10:00:00"]),
        (f"parentaccountid eq '{ID.upper()}'", ["eq", "parentaccountid", "id", ID]),
        (f"_customerid_value eq {ID}", ["eq", "customerid", "id", ID]),
        (f"parentaccountid/accountid eq {ID}", ["eq", "parentaccountid", "id", ID]),
        (f"accountid in ({ID})", ["in", "accountid", "id", [ID]]),
        ("ownerid eq me()", ["eq", "ownerid", "id", ["me"]]),
        (
            "parentaccountid/primarycontactid/fullname eq 'x'",
            ["eq", "parentaccountid/primarycontactid/fullname", "text", "x"],
        ),
        ("customerid_account/name eq 'x'", ["eq", "customerid_account/name", "text", "x"]),
        ("contains(name,'Ż') eq false", ["not", ["contains", "name", "z"]]),
        ("true or false", ["or", ["true"], ["false"]]),
    ],
)
def test_meaning(check, text, expected):
    assert to_json(check(text)) == expected


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("numberofemployees eq 5.0", 5),
        ("revenue eq 5", Decimal(5)),
        ("founded eq 2031-05-06", date(2031, 5, 6)),
        ("createdon eq 2031-05-06T00:00:00Z", datetime(2031, 5, 6, tzinfo=UTC)),
        ("name eq 'Ła'", "Ła"),
    ],
)
def test_values_are_those_of_records(check, text, value):
    typed = check(text)
    assert isinstance(typed, Compared)
    assert (type(typed.value), typed.value) == (type(value), value)


def test_a_path_tells_every_lookup_on_the_way(check):
    typed = check("parentaccountid/customerid_contact/fullname eq 'x'")
    assert isinstance(typed, Compared) and isinstance(typed.path, FieldPath)
    assert [(s.field.name, s.target) for s in typed.path.steps] == [
        ("parentaccountid", "account"),
        ("customerid", "contact"),
    ]
    assert (typed.path.entity, typed.path.field.name) == ("contact", "fullname")


@pytest.mark.parametrize(
    ("text", "offset", "message"),
    [
        ("nmae eq 'x'", 0, '"nmae" is not a field of "account"; did you mean "name"?'),
        (
            "name eq 'x' and parentaccountid/nam eq 'y'",
            32,
            '"nam" is not a field of "account"; did you mean "name"?',
        ),
        (
            "primarycontactid/accuontid/name eq 'x'",
            17,
            '"accuontid" is not a lookup of "contact"; did you mean "accountid"?',
        ),
        (
            "name/x eq 1",
            0,
            '"name" of "account" is no lookup (it is text); only lookups reach fields of another '
            "entity",
        ),
        (
            "customerid/name eq 'x'",
            0,
            '"customerid" points to several entities; write customerid_account or '
            "customerid_contact",
        ),
        ("_name_value eq 'x'", 0, '"_name_value" is not a field of "account"'),
        (
            "industrycode eq 'retial'",
            16,
            '"industrycode" has no option retial; did you mean "retail"?',
        ),
        (
            "industrycode eq 7",
            16,
            "\"industrycode\" has no option 7; its options are 'retail', 'shipping'",
        ),
        ("statecode eq 'activ'", 13, '"statecode" has no option activ; did you mean "active"?'),
        (
            "channels eq 'retail,x'",
            12,
            "\"channels\" has no option x; its options are 'retail', 'shipping'",
        ),
        (
            "industrycode eq true",
            16,
            "\"industrycode\" (choice) is compared with its options; its options are 'retail', "
            "'shipping'",
        ),
        (
            "name eq 5",
            8,
            '"name" (text) cannot be compared with a number; write a text in single quotes',
        ),
        (
            "numberofemployees eq '5'",
            21,
            "\"numberofemployees\" (whole_number) cannot be compared with the text '5'; write a "
            "number",
        ),
        ("numberofemployees eq 99999999999999999999", 21, "this number is out of range"),
        ("revenue gt -1e30", 11, "this number is out of range; at most 922337203685477"),
        ("latitude gt 1e400", 12, "this number is out of range"),
        (
            "creditonhold eq 1",
            16,
            '"creditonhold" (yes_no) cannot be compared with a number; write true or false',
        ),
        (
            "founded eq 2031-05-06T10:00:00Z",
            11,
            '"founded" (date) cannot be compared with a date-time; write a date such as 2031-05-06',
        ),
        (
            "createdon eq 2031-05-06T10:00:00",
            13,
            '"createdon" (date_time) cannot be compared with a date-time; '
            "write a date-time such as 2031-05-06T10:00:00Z",
        ),
        ("createdon gt 0001-01-01T00:00:00+10:00", 13, "this date-time is out of range"),
        (
            "opens eq 2031-05-06T10:00:00+02:00",
            9,
            '"opens" (date_time) cannot be compared with a date-time; write a date-time without a '
            "zone such as 2031-05-06T10:00:00",
        ),
        (
            "parentaccountid eq 'Contoso'",
            19,
            "\"parentaccountid\" (lookup) cannot be compared with the text 'Contoso'; "
            "write an id such as 00000000-0000-0000-0000-000000000001, "
            "or compare a field of the record, as in parentaccountid/…",
        ),
        (
            "parentaccountid eq me()",
            19,
            'me() is a user, "parentaccountid" (lookup) never names one',
        ),
        ("ownerid gt me()", 0, '"ownerid" (owner) has no order for "gt"; use eq, ne or in'),
        ("me()", 0, "me() alone is no condition; write ownerid eq me()"),
        ("ownerid eq me(1)", 11, "me() takes nothing in its parentheses"),
        ("ownerid eq mee()", 11, '"mee" is not a function; did you mean "me"?'),
        ("CONTAINS(name,'x')", 0, '"CONTAINS" is not a function; did you mean "contains"?'),
        (
            "contains(name)",
            0,
            "contains takes a field and a text, 1 given; write contains(name,'text')",
        ),
        ("contains(name,null)", 14, "contains looks for a text; write it in single quotes"),
        ("contains(revenue,'1')", 0, 'contains needs a text, "revenue" is money'),
        (
            "startswith(parentaccountid,'x')",
            0,
            'startswith needs a text, "parentaccountid" is lookup; name a text of the record it '
            "names, as in parentaccountid/…",
        ),
        ("name", 0, '"name" (text) alone is no condition; compare it with a value'),
        (
            "name eq Contoso",
            8,
            '"Contoso" is not a field of "account"; texts stand in single quotes',
        ),
        ("name eq nmae", 8, '"nmae" is not a field of "account"; did you mean "name"?'),
        ("parties eq null", 0, 'conditions cannot ask for "parties" (party_list)'),
    ],
)
def test_what_does_not_fit_is_refused_with_a_place(check, text, offset, message):
    with pytest.raises(ConditionError) as caught:
        check(text)
    assert (caught.value.offset, str(caught.value)) == (offset, message)


def test_an_unknown_entity_is_refused(check):
    with pytest.raises(ConditionError, match='"acount" is not an entity; did you mean "account"?'):
        check("name eq 'x'", "acount")
