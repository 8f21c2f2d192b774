"""What the grammar accepts, and what it says about what it does not."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, date, datetime, timedelta, timezone
from decimal import Decimal
from uuid import UUID

import pytest

from kartoteka.conditions.condition_error import ConditionError
from kartoteka.conditions.parser import parse, parse_expression
from kartoteka.conditions.render import render
from kartoteka.conditions.syntax import (
    And,
    Arithmetic,
    Call,
    Cases,
    Comparison,
    Literal,
    LiteralKind,
    Membership,
    Negative,
    Not,
    Operator,
    Or,
    Path,
    Quantifier,
    Quantity,
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


_A, _B, _C = (Path((name,)) for name in "abc")
_ONE = Literal(LiteralKind.NUMBER, Decimal(1))


@pytest.mark.parametrize(
    ("text", "tree"),
    [
        ("a add b mul c", Arithmetic(_A, "add", Arithmetic(_B, "mul", _C))),
        ("(a add b) mul c", Arithmetic(Arithmetic(_A, "add", _B), "mul", _C)),
        ("a sub b add c", Arithmetic(Arithmetic(_A, "sub", _B), "add", _C)),
        ("a div b divby c", Arithmetic(Arithmetic(_A, "div", _B), "divby", _C)),
        ("a mod 1", Arithmetic(_A, "mod", _ONE)),
        ("-a mul b", Arithmetic(Negative(_A), "mul", _B)),
        ("-(a mul b)", Negative(Arithmetic(_A, "mul", _B))),
        ("-(1)", Literal(LiteralKind.NUMBER, Decimal(-1))),
        ("a add 1 gt -b", Comparison(Arithmetic(_A, "add", _ONE), Operator.GT, Negative(_B))),
        (
            "case(a eq 1:b,true:'x')",
            Cases(
                (
                    (Comparison(_A, Operator.EQ, _ONE), _B),
                    (Literal(LiteralKind.BOOLEAN, True), Literal(LiteralKind.TEXT, "x")),
                )
            ),
        ),
        ("case(a:2031-05-06)", Cases(((_A, Literal(LiteralKind.DATE, date(2031, 5, 6))),))),
        ("a/any()", Quantifier(_A, Quantity.ANY)),
        (
            "a/b/all(x:x/c eq $it/a)",
            Quantifier(
                Path(("a", "b")),
                Quantity.ALL,
                "x",
                Comparison(Path(("x", "c")), Operator.EQ, Path(("$it", "a"))),
            ),
        ),
        (
            "a/any(x:x/b/any(y:y/c))",
            Quantifier(
                _A,
                Quantity.ANY,
                "x",
                Quantifier(Path(("x", "b")), Quantity.ANY, "y", Path(("y", "c"))),
            ),
        ),
        ("a in myteams()", Membership(_A, (Call("myteams"),))),
        ("LastXDays(a,1)", Call("LastXDays", (_A, _ONE))),
        ("Microsoft.Dynamics.CRM.Today(PropertyName='a')", Call("Today", (_A,))),
        (
            "Microsoft.Dynamics.CRM.LastXDays(PropertyName='a/b',PropertyValue=1)",
            Call("LastXDays", (Path(("a", "b")), _ONE)),
        ),
        (
            'In( PropertyName = "a" , PropertyValues = [ \'x\', "it\'s \\u0142", 1 ] )',
            Call(
                "In",
                (
                    _A,
                    Literal(LiteralKind.TEXT, "x"),
                    Literal(LiteralKind.TEXT, "it's ł"),
                    _ONE,
                ),
            ),
        ),
        ("Between(a,[1,1])", Call("Between", (_A, _ONE, _ONE))),
        ("F(PropertyName='a',PropertyValue1=1,PropertyValue2=1)", Call("F", (_A, _ONE, _ONE))),
    ],
)
def test_values_collections_and_query_functions(text, tree):
    assert parse_expression(text) == tree
    assert parse_expression(render(tree)) == tree


def test_a_place_is_told_for_every_part():
    text = "Microsoft.Dynamics.CRM.In(PropertyName='a/b',PropertyValues=[\"x\"])"
    call = parse(text)
    assert isinstance(call, Call)
    assert [text[node.offset :][:3] for node in (call, *call.arguments)] == ["Mic", "a/b", '"x"']


def test_an_expression_may_be_a_value_but_not_two():
    assert parse_expression("'x'") == Literal(LiteralKind.TEXT, "x")
    with pytest.raises(ConditionError, match="a value alone is no condition"):
        parse_expression("'x' and a")


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
        "a sub (b sub c) lt (a add b) mul -c",
        "-(a add b) gt -(-c)",
        "case(a or b:c,true:null) eq case(a:1)",
        "a/b/any(x:x/c eq 1 and not x/d/all(y:y/a in (1,2)))",
        "a in myteams() or In(a,'x',3)",
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
            'expected an operator such as "eq", found "like"; write like(field,\'text%\')',
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
        ("a + b eq 1", 2, '+ is not part of a condition; write "add"'),
        ("a - b eq 1", 2, '- is not part of a condition; write "sub"'),
        ("a * b eq 1", 2, '* is not part of a condition; write "mul"'),
        ("a % b eq 1", 2, '% is not part of a condition; write "mod"'),
        ("a add eq 1", 6, 'expected a field, a value or a parenthesis, found "eq"'),
        ("(a eq 1) add 2 eq 3", 1, "a whole condition cannot be compared"),
        ("-(a eq 1) eq 2", 2, "a whole condition cannot be compared"),
        ("a eq -'x'", 5, '- is not part of a condition; write "sub"'),
        ("a eq [1]", 5, "[ is not part of a condition; lists stand in parentheses"),
        ("In(a,[1,b])", 8, "only values written out can stand here"),
        ("in(a,[1])", 0, 'expected a field, a value or a parenthesis, found "in"'),
        ("f(a,[1])", 4, "[ is not part of a condition; lists stand in parentheses"),
        ('In(a,["\\x"])', 6, "this text cannot be read"),
        (
            "F(PropertyNam='a')",
            2,
            'expected PropertyName, found "PropertyNam"; did you mean "PropertyName"?',
        ),
        ("Today(PropertyValue=1)", 0, "PropertyName is missing; add PropertyName='…'"),
        ("Today(PropertyName='a b')", 19, "'a b' is not the name of a field"),
        ("Today(PropertyName=1)", 19, 'expected the name of a field, found "1"'),
        ("case()", 5, 'expected a field, a value or a parenthesis, found ")"'),
        ("case(a eq 1)", 11, 'expected ":", found ")"'),
        ("case('x':1)", 5, "a value alone is no condition; compare a field with it"),
        ("a/all()", 6, "expected a variable and a colon, as in any(x:x/name eq 'a'), found \")\""),
        ("a/any(x)", 7, 'expected ":", found ")"'),
        ("a/any(x:'y')", 8, "a value alone is no condition; compare a field with it"),
        (
            "a/any($it:b)",
            6,
            "expected a variable and a colon, as in any(x:x/name eq 'a'), found \"$it\"",
        ),
        ("a/any(x:x/b/any(x:x/c))", 16, 'the variable "x" is taken'),
        ("a/any(x:x/b/c/d/e/f eq 1)", 8, "a path goes over at most 3 lookups"),
        ("x/b/c/d/e eq 1", 0, "a path goes over at most 3 lookups"),
        ("a eq $root", 5, '"$" is not part of a condition'),
        ("a in f", 5, 'expected "(", found "f"'),
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
        ("In(a,[" + "1," * 500 + "1])", "more than 500 items in one list"),
        ("case(" + "a:1," * 500 + "a:1)", "more than 500 items in one list"),
        ("-" * 2000 + "a eq 1", "more than 50 levels of nesting"),
        ("case(a:" * 900 + "1", "more than 50 levels of nesting"),
        ("a/any(x:" * 900, 'the variable "x" is taken'),
        ("a" + " add 1" * 1000 + " eq 1", "more than 50 levels of nesting"),
        ("a eq 1" + " mul 1" * 1000, "more than 50 levels of nesting"),
        (
            "(" * 30 + "a" + (" add 1" * 40 + ")") * 30 + " eq 1",
            "more than 50 levels of nesting",
        ),
        (
            "(" * 30 + "a" + " and b or c)" * 30,
            "more than 50 levels of nesting",
        ),
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
    parse("a" + " add 1" * 49 + " eq 1")
    parse("not " * 50 + "a")


def test_the_deepest_text_is_read_far_down_the_stack():
    """Limits are low enough for whoever calls from deep inside of a server."""
    texts = (
        "(" * 50 + "a" + ")" * 50,
        "case(" * 25 + "a:1" + ":a)" * 24 + ")",
        "-(" * 25 + "a add b" + ")" * 25 + " eq 1",
        "".join(f"a/any(x{n}:" for n in range(50)) + "b eq 1" + ")" * 50,
        "not (" * 25 + "a eq 1" + ")" * 25,
    )

    def read(depth: int) -> None:
        if depth:
            read(depth - 1)
            return
        for text in texts:
            with suppress(ConditionError):
                render(parse(text))

    read(300)
