"""What holds for every text and every tree of the grammar: generated, not listed."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kartoteka.conditions.check_condition import check_condition
from kartoteka.conditions.check_expression import check_expression
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

patient = settings(deadline=None, max_examples=100, suppress_health_check=[HealthCheck.too_slow])


def _literals(kind: LiteralKind, values: st.SearchStrategy) -> st.SearchStrategy[Literal]:
    return st.builds(Literal, st.just(kind), values)


_texts = _literals(LiteralKind.TEXT, st.text(st.sampled_from("aŻ' %\"[\\"), max_size=4))
_values = st.one_of(
    _texts,
    st.just(Literal(LiteralKind.NULL, None)),
    _literals(LiteralKind.NUMBER, st.sampled_from([Decimal(-2), Decimal("0.5"), Decimal(7)])),
    _literals(LiteralKind.DATE, st.just(date(2031, 5, 6))),
    _literals(LiteralKind.DATE_TIME, st.just(datetime(2031, 5, 6, 7, 8, tzinfo=UTC))),
    _literals(LiteralKind.GUID, st.just(UUID(int=5))),
)
_flags = _literals(LiteralKind.BOOLEAN, st.booleans())
_paths = st.builds(
    Path,
    st.sampled_from(
        [("name",), ("revenue",), ("createdon",), ("creditonhold",), ("parentaccountid", "name"),
         ("$it", "name"), ("industrycode",), ("ownerid",), ("nothing",)]
    ),
)  # fmt: skip
_leaves = st.one_of(_values, _paths)
_ARITHMETIC = st.sampled_from(["add", "sub", "mul", "div", "divby", "mod"])
_FUNCTIONS = ["tolower", "length", "concat", "year", "coalesce", "round", "contains", "In", "me"]


@st.composite
def expressions(draw, depth: int = 3):
    """Draw the tree of a value, whether or not its names and kinds make sense."""
    if depth == 0 or draw(st.booleans()):
        return draw(_leaves)
    inner, terms = expressions(depth - 1), conditions(depth - 1)
    match draw(st.integers(0, 4)):
        case 0:
            return Arithmetic(draw(inner), draw(_ARITHMETIC), draw(inner))
        case 1:
            term = draw(inner)
            return term if isinstance(term, Literal) else Negative(term)
        case 2:
            function = draw(st.sampled_from(_FUNCTIONS))
            return Call(function, tuple(draw(st.lists(inner, max_size=3))))
        case 3:
            branches = st.lists(st.tuples(terms, inner), min_size=1, max_size=2)
            return Cases(tuple(draw(branches)))
        case _:
            quantity = draw(st.sampled_from(list(Quantity)))
            return Quantifier(Path(("account_contacts",)), quantity, f"c{depth}", draw(terms))


@st.composite
def conditions(draw, depth: int = 4):
    """Draw the tree of a condition."""
    if depth == 0:
        return draw(st.one_of(_flags, _paths))
    inner, value = conditions(depth - 1), expressions(depth - 1)
    match draw(st.integers(0, 5)):
        case 0:
            return And(tuple(draw(st.lists(inner, min_size=2, max_size=3))))
        case 1:
            return Or(tuple(draw(st.lists(inner, min_size=2, max_size=3))))
        case 2:
            return Not(draw(inner))
        case 3:
            items = draw(st.lists(value, min_size=1, max_size=3))
            return Membership(draw(value), tuple(items))
        case _:
            return Comparison(draw(value), draw(st.sampled_from(list(Operator))), draw(value))


@patient
@given(expressions())
def test_a_value_is_rendered_as_text_that_gives_it_back(tree):
    assert parse_expression(render(tree)) == tree


@patient
@given(conditions())
def test_a_condition_is_rendered_as_text_that_gives_it_back(tree):
    assert parse(render(tree)) == tree


@patient
@given(conditions(), expressions())
def test_every_tree_is_checked_or_refused_with_a_place(registry, condition, expression):
    text = render(condition)
    try:
        check_condition(parse(text), registry, "account")
    except ConditionError as error:
        assert 0 <= error.offset <= len(text) and error.message
    text = render(expression)
    try:
        check_expression(parse_expression(text), registry, "account")
    except ConditionError as error:
        assert 0 <= error.offset <= len(text) and error.message


_WORDS = """
    ( ) , / : [ ] - = . $it/ and or not in eq gt null true 'a' "b" 'it''s 5 -2.5 1e9 2031-05-06 name
    revenue me() now() myteams() add mod divby case( contains( tolower( coalesce( In( LastXDays(
    parentaccountid/ account_contacts/any( /all( c: c/fullname
    Microsoft.Dynamics.CRM.Today( PropertyName= PropertyValue= PropertyValues=[
"""
_sentences = st.lists(st.sampled_from(_WORDS.split()), max_size=16).flatmap(
    lambda words: st.sampled_from([" ".join(words), "".join(words)])
)


@settings(patient, max_examples=300)
@given(st.one_of(st.text(max_size=60), _sentences))
def test_any_text_is_read_and_checked_or_refused_with_a_place(registry, text):
    for read, check in ((parse, check_condition), (parse_expression, check_expression)):
        try:
            tree = read(text)
            assert read(render(tree)) == tree
            check(tree, registry, "account")
        except ConditionError as error:
            assert 0 <= error.offset <= len(text)
            assert error.message
