"""What the grammar accepts, and what it says about what it does not."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import pytest

from kartoteka.conditions.condition_error import ConditionError
from kartoteka.conditions.parser import parse
from kartoteka.conditions.render import render
from kartoteka.conditions.syntax import (
    And,
    Call,
    Comparison,
    Literal,
    LiteralKind,
    Membership,
    Not,
    Operator,
    Or,
    Path,
)


@pytest.mark.parametrize(
    ("text", "kind", "value"),
    [
        ("null", LiteralKind.NULL, None),
        ("true", LiteralKind.BOOLEAN, True),
        ("-12", LiteralKind.NUMBER, Decimal(-12)),
        ("12.50", LiteralKind.NUMBER, Decimal("12.5")),
        ("1e3", LiteralKind.NUMBER, Decimal(1000)),
        ("'O''Hara'", LiteralKind.TEXT, "O'Hara"),
        ("''", LiteralKind.TEXT, ""),
        ("2031-05-06", LiteralKind.DATE, date(2031, 5, 6)),
        (
            "2031-05-06T10:00:00Z",
            LiteralKind.DATE_TIME,
            datetime(2031, 5, 6, 10, tzinfo=UTC),
        ),
        (
            "2031-05-06T10:00:00.250+02:00",
            LiteralKind.DATE_TIME,
            datetime(2031, 5, 6, 10, 0, 0, 250_000, timezone(timedelta(hours=2))),
        ),
        ("2031-05-06T10:00", LiteralKind.DATE_TIME, datetime(2031, 5, 6, 10)),
        (
            "0190A000-0000-7000-8000-00000000000a",
            LiteralKind.GUID,
            UUID("0190a000-0000-7000-8000-00000000000a"),
        ),
    ],
)
def test_literals(text, kind, value):
    expected = Comparison(Path(("x",)), Operator.EQ, Literal(kind, value))
    assert parse(f"x eq {text}") == expected


def test_and_binds_closer_than_or_and_not_reaches_over_one_comparison():
    a, b, c = (Comparison(Path((n,)), Operator.EQ, Literal(LiteralKind.NULL, None)) for n in "abc")
    assert parse("a eq null or b eq null and not c eq null") == Or((a, And((b, Not(c)))))
    assert parse("(a eq null or b eq null) and c eq null") == And((Or((a, b)), c))


def test_calls_paths_and_lists():
    assert parse("contains( parentaccountid/name , 'ski' )") == Call(
        "contains", (Path(("parentaccountid", "name")), Literal(LiteralKind.TEXT, "ski"))
    )
    assert parse("ownerid in (me(),null)") == Membership(
        Path(("ownerid",)), (Call("me"), Literal(LiteralKind.NULL, None))
    )


def test_line_breaks_are_spaces():
    assert parse("a eq 1\n  and b eq 2\n") == parse("a eq 1 and b eq 2")


@pytest.mark.parametrize(
    "text",
    [
        "not (a eq 1 and b eq 2)",
        "not not a",
        "(a or b) and not contains(c,'it''s')",
        "a in (1,2.5,'x',null,true)",
        "a/b/c/d ge 2031-05-06T10:00:00Z",
    ],
)
def test_rendered_text_is_canonical(text):
    assert render(parse(text)) == text


@pytest.mark.parametrize(
    ("text", "offset", "message"),
    [
        ("", 0, "the condition is empty"),
        ("'x'", 0, "a value alone is no condition; compare a field with it"),
        ("name eq", 7, "expected a field, a value or a parenthesis, found the end"),
        (
            "name eq 'x",
            8,
            "this text has no end; close it with '; a quote inside a text is written ''",
        ),
        ("name = 'x'", 5, '= is not part of a condition; write "eq"'),
        ("a <> 1", 2, '<> is not part of a condition; write "ne"'),
        ('name eq "x"', 8, '" is not part of a condition; texts stand in single quotes'),
        ("a EQ 1", 2, 'expected an operator such as "eq", found "EQ"; write eq'),
        ("a is null", 2, 'expected an operator such as "eq", found "is"; write eq'),
        ("a eq 1 AND b eq 2", 7, 'expected "and", "or" or the end, found "AND"; write and'),
        ("a eq 1 b eq 2", 7, 'expected "and", "or" or the end, found "b"'),
        (
            "a like 'x'",
            2,
            'expected an operator such as "eq", found "like"; write contains(field,\'text\')',
        ),
        ("(a eq 1", 7, 'expected ")", found the end'),
        ("a eq 1)", 6, 'expected "and", "or" or the end, found ")"'),
        ("a in ()", 6, 'the list after "in" is empty'),
        ("a in 1", 5, 'expected "(", found "1"'),
        ("(a eq 1) eq 2", 1, "a whole condition cannot be compared"),
        ("a eq 2031-02-30", 5, "2031-02-30 is no day of the calendar"),
        ("a eq 2031-02-03T25:00:00Z", 5, "2031-02-03T25:00:00Z is no moment of the calendar"),
        ("a eq 12abc", 5, "12abc is no number, date or id"),
        ("a.b eq 1", 1, '. is not part of a condition; write "/" between the steps of a path'),
        ("a/b/c/d/e eq 1", 0, "a path goes over at most 3 lookups"),
        ("a/ eq", 3, 'expected the name of a field, found "eq"'),
        ("a eq 'b\0c'", 7, "the character U+0000 cannot stand in a condition"),
        ("and eq 1", 0, 'expected a field, a value or a parenthesis, found "and"'),
        ("a eq 1 and 'x'", 11, "a value alone is no condition; compare a field with it"),
    ],
)
def test_mistakes_have_a_place_and_a_way_out(text, offset, message):
    with pytest.raises(ConditionError) as caught:
        parse(text)
    assert (caught.value.offset, str(caught.value)) == (offset, message)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("(" * 51 + "a" + ")" * 51, "more than 50 levels of nesting"),
        ("not " * 2000 + "a", "more than 50 levels of nesting"),
        ("f(" * 3000 + "a" + ")" * 3000, "more than 50 levels of nesting"),
        ("a in (" + "1," * 500 + "1)", "more than 500 items in one list"),
        ("f(" + "1," * 500 + "1)", "more than 500 items in one list"),
        (
            "a eq '" + "x" * 10_000 + "'",
            "a condition of 10007 characters is too long; at most 10000 are read",
        ),
        ("a eq " + "9" * 5000, "this number is too long"),
        ("a eq 1e99999999999999999999", "this number is too long"),
    ],
)
def test_limits(text, message):
    with pytest.raises(ConditionError) as caught:
        parse(text)
    assert str(caught.value) == message


def test_what_stays_within_the_limits_is_read():
    parse("(" * 50 + "a" + ")" * 50)
    parse("a in (" + ",".join(["1"] * 500) + ")")
    parse(" or ".join(["a eq 1"] * 900))
