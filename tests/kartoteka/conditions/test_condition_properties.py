"""What holds for every condition and every record: generated, not listed."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal

import orjson
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kartoteka.conditions.check_condition import check_condition
from kartoteka.conditions.compile_closure import compile_closure
from kartoteka.conditions.condition_error import ConditionError
from kartoteka.conditions.parser import parse
from kartoteka.conditions.render import render
from kartoteka.conditions.syntax import (
    And,
    Call,
    Comparison,
    Condition,
    Literal,
    LiteralKind,
    Membership,
    Not,
    Operator,
    Or,
    Path,
)
from kartoteka.conditions.to_json import to_json
from kartoteka.record_values import Reference

ACCOUNT_ID = "0190a000-0000-7000-8000-00000000000a"
CONTACT_ID = "0190a000-0000-7000-8000-00000000000c"
USER_ID = "0190a000-0000-7000-8000-00000000000d"


_texts = st.text(st.sampled_from("aAbłŁżŻßéÉ %_'ΣςıİĲœ\u0301\U0001f600\\"), min_size=0, max_size=5)
_numbers = st.decimals(-1000, 1000, places=2)
_whole = st.integers(-5, 5)
_dates = st.dates(date(2030, 1, 1), date(2030, 1, 9))
_instants = st.builds(
    datetime,
    st.just(2030),
    st.just(1),
    st.integers(1, 3),
    st.integers(0, 23),
    tzinfo=st.just(UTC),
)
_ids = st.sampled_from([ACCOUNT_ID, CONTACT_ID, USER_ID])
_OPERATORS = st.sampled_from(list(Operator))
_SAMENESS = st.sampled_from([Operator.EQ, Operator.NE])


def literal(value: object) -> Literal:
    """Return the literal that stands for a value (ids as text)."""
    match value:
        case None:
            return Literal(LiteralKind.NULL, None)
        case bool():
            return Literal(LiteralKind.BOOLEAN, value)
        case int() | Decimal():
            return Literal(LiteralKind.NUMBER, Decimal(value))
        case str():
            return Literal(LiteralKind.TEXT, value)
        case datetime():
            return Literal(LiteralKind.DATE_TIME, value)
        case date():
            return Literal(LiteralKind.DATE, value)
    raise TypeError(value)


_VALUES = {
    "name": _texts,
    "parentaccountid/name": _texts,
    "numberofemployees": st.one_of(_whole, _numbers),
    "revenue": _numbers,
    "latitude": _numbers,
    "founded": _dates,
    "birthday": _dates,
    "createdon": _instants,
    "opens": _instants.map(lambda moment: moment.replace(tzinfo=None)),
    "creditonhold": st.booleans(),
    "industrycode": st.sampled_from(["retail", "shipping", 1, 2]),
    "statecode": st.sampled_from(["active", "inactive", 0, 1]),
    "channels": st.sampled_from(["retail", "shipping", "shipping,retail", 1]),
    "customerid": _ids,
    "parentaccountid": _ids,
}
_UNORDERED = ("creditonhold", "channels", "customerid", "parentaccountid")


def _path(name: str) -> Path:
    return Path(tuple(name.split("/")))


def _comparison_of(name: str) -> st.SearchStrategy[Comparison]:
    values = st.one_of(st.none(), _VALUES[name])
    operators = _SAMENESS if name in _UNORDERED else _OPERATORS
    return st.builds(Comparison, st.just(_path(name)), operators, values.map(literal))


def _membership_of(name: str) -> st.SearchStrategy[Membership]:
    items = st.lists(st.one_of(st.none(), _VALUES[name]).map(literal), min_size=1, max_size=4)
    return st.builds(Membership, st.just(_path(name)), items.map(tuple))


_text_tests = st.builds(
    lambda function, path, text: Call(function, (_path(path), literal(text))),
    st.sampled_from(["contains", "startswith", "endswith"]),
    st.sampled_from(["name", "parentaccountid/name"]),
    _texts,
)
_leaves = st.one_of(
    st.sampled_from(sorted(_VALUES)).flatmap(_comparison_of),
    st.sampled_from(sorted(_VALUES)).flatmap(_membership_of),
    _text_tests,
    st.just(Call("contains", (_path("channels"), literal("retail")))),
    st.just(Comparison(_path("ownerid"), Operator.EQ, Call("me"))),
    st.just(Path(("creditonhold",))),
    st.booleans().map(literal),
)


def _nested(inner):
    terms = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return st.one_of(st.builds(And, terms), st.builds(Or, terms), st.builds(Not, inner))


conditions = st.recursive(_leaves, _nested, max_leaves=8)
"""Conditions on account that the check accepts."""


def _reference(entity: str, *ids: str) -> st.SearchStrategy[Reference]:
    return st.builds(Reference, st.just(entity), st.sampled_from(ids))


_stored_texts = _texts.map(lambda text: text or None)
_FIELD_VALUES = {
    "name": _stored_texts,
    "parentaccountid/name": _stored_texts,
    "numberofemployees": _whole,
    "revenue": _numbers,
    "latitude": st.floats(-1000, 1000),
    "founded": _dates,
    "birthday": _dates,
    "createdon": _instants,
    "opens": _VALUES["opens"],
    "creditonhold": st.booleans(),
    "industrycode": st.sampled_from([1, 2]),
    "statecode": st.sampled_from([0, 1]),
    "channels": st.sampled_from([(1,), (2,), (1, 2)]),
    "customerid": _reference("contact", CONTACT_ID),
    "parentaccountid": _reference("account", ACCOUNT_ID),
    "ownerid": _reference("systemuser", USER_ID, CONTACT_ID),
}

records = st.fixed_dictionaries(
    {}, optional={name: st.one_of(st.none(), values) for name, values in _FIELD_VALUES.items()}
)
"""Records of account, any field of which may be empty or missing."""


patient = settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])


class _Answers:
    """Tells of each condition whether it holds for one record."""

    def __init__(self, registry, record, principal) -> None:
        self._registry = registry
        self._record = record
        self._principal = principal

    def __call__(self, condition: Condition) -> bool:
        typed = check_condition(condition, self._registry, "account")
        return compile_closure(typed)(self._record, self._principal)


@patient
@given(conditions)
def test_what_is_rendered_parses_to_the_same_tree(condition):
    assert parse(render(condition)) == condition


@patient
@given(conditions, records)
def test_every_condition_is_true_or_false_for_every_record(registry, someone, condition, record):
    assert _Answers(registry, record, someone)(condition) in (True, False)


@patient
@given(conditions, conditions, records)
def test_de_morgan(registry, someone, left, right, record):
    holds = _Answers(registry, record, someone)
    assert holds(Not(And((left, right)))) == holds(Or((Not(left), Not(right))))
    assert holds(Not(Or((left, right)))) == holds(And((Not(left), Not(right))))
    assert holds(Not(Not(left))) == holds(left)


@patient
@given(_leaves, records)
def test_in_is_a_chain_of_eq(registry, someone, leaf, record):
    if isinstance(leaf, Membership):
        chain = Or(
            tuple(Comparison(leaf.left, Operator.EQ, item) for item in (*leaf.items, leaf.items[0]))
        )
        holds = _Answers(registry, record, someone)
        assert holds(leaf) == holds(chain)


@patient
@given(_leaves, records)
def test_ne_is_not_eq(registry, someone, leaf, record):
    if isinstance(leaf, Comparison) and leaf.operator in (Operator.EQ, Operator.NE):
        holds = _Answers(registry, record, someone)
        opposite = Operator.NE if leaf.operator is Operator.EQ else Operator.EQ
        assert holds(Comparison(leaf.left, opposite, leaf.right)) == (not holds(leaf))


@patient
@given(conditions)
def test_every_condition_becomes_json(registry, condition):
    typed = check_condition(condition, registry, "account")
    assert orjson.loads(orjson.dumps(to_json(typed))) == to_json(typed)


_WORDS = """
    ( ) , / and or not in eq gt null true 'a' 'it''s 5 -2.5 1e9 2031-05-06 name me contains x/y
"""
_sentences = st.lists(st.sampled_from(_WORDS.split()), max_size=14).map(" ".join)


@settings(patient, max_examples=300)
@given(st.one_of(st.text(max_size=60), _sentences))
def test_any_text_parses_or_is_refused_with_a_place(text):
    try:
        parse(text)
    except ConditionError as error:
        assert 0 <= error.offset <= len(text)
        assert error.message
