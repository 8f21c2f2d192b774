"""Rights on secured columns add up over profiles; masks show too little rather than too much."""

from __future__ import annotations

import time
from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kartoteka.access.columns import (
    EVERY_RIGHT,
    ColumnRights,
    column_rights,
    hidden_columns,
    masked_columns,
)
from kartoteka.access.facts import GivenRole, UserFacts
from kartoteka.access.mask import MaskedNumber, UnsafePattern, check_pattern, masked
from kartoteka.model.field import Mask

LAYER = {
    "entities/contact": """
        kind: entity
        format: 1
        extends: contact
        fields:
          - { name: birthdate, secured: true }
          - { name: pay, type: money, label: { en: Pay }, secured: true, mask: { pattern: "." } }
    """,
    "security_roles/boss": """
        { kind: role, format: 1, name: boss, label: { en: Boss }, grants_all: true }
    """,
    "column_profiles/seeing": """
        kind: column_profile
        format: 1
        name: seeing
        label: { en: Seeing }
        privileges:
          - { entity: contact, columns: [{ field: pay, read: true, read_unmasked: one_record }] }
    """,
    "column_profiles/writing": """
        kind: column_profile
        format: 1
        name: writing
        label: { en: Writing }
        privileges:
          - entity: contact
            columns: [{ field: pay, update: true }, { field: birthdate, create: true }]
    """,
}


@pytest.fixture
def registry(registry_of):
    return registry_of(LAYER)


def _facts(*profiles, role=""):
    roles = (GivenRole(role, "unit"),) if role else ()
    return UserFacts("me", roles=roles, profiles=frozenset(profiles))


@pytest.mark.parametrize(
    ("facts", "field", "expected"),
    [
        (_facts(), "pay", ColumnRights()),
        (_facts(), "fullname", EVERY_RIGHT),
        (_facts("seeing"), "pay", ColumnRights(read=True, unmasked="one_record")),
        (_facts("writing"), "pay", ColumnRights(update=True)),
        (
            _facts("seeing", "writing"),
            "pay",
            ColumnRights(read=True, update=True, unmasked="one_record"),
        ),
        (_facts("seeing", "writing"), "birthdate", ColumnRights(create=True)),
        (_facts("no such profile"), "birthdate", ColumnRights()),
        (_facts(role="boss"), "pay", EVERY_RIGHT),
    ],
)
def test_profiles_add_up_and_administrators_need_none(registry, facts, field, expected):
    contact = registry.entities["contact"]
    assert column_rights(registry, facts, contact, field) == expected
    is_hidden = field in hidden_columns(registry, facts, contact)
    assert is_hidden is not expected.read
    assert (field in masked_columns(registry, facts, contact)) is (
        field == "pay" and expected.read and not expected.create
    )


@pytest.mark.parametrize(
    ("pattern", "value", "shown"),
    [
        (".(?=.{4})", "PL61109010140000", "************0000"),
        (".(?=.{4})", "123", "********"),
        (r"\d", "no digits", "********"),
        (r"(?<=.).(?=[^@]*@)", "ana@example.org", "a**@example.org"),
        (".(?=.{4})", "first\nsecond", "********cond"),
        (".(?=.{2})", 12345, "***45"),
        (".", Decimal("-12.50"), "******"),
        (".", "x" * 2000, "********"),
        (".", "", None),
        (".", None, None),
    ],
)
def test_a_mask_shows_what_its_pattern_leaves_and_nothing_where_it_does_not_fit(
    pattern, value, shown
):
    found = masked(Mask(pattern), value)
    assert found == shown
    assert isinstance(found, MaskedNumber) is isinstance(value, int | Decimal)


@pytest.mark.parametrize(
    "pattern",
    [
        "(a", "*", r"\1(a)", "(a+)+b", "(a|b)*c", "(a|aa)+", "a*a*b", "(?:a{0,200}){0,200}",
        "(?i)a", "(?P<x>a)", "(?>a*)b", "a{1,}b{1,}", "a{,}b{,}", r"(?:\D*\d){4}", "(?:a?){100}b",
    ],
)  # fmt: skip
def test_patterns_that_are_none_or_could_take_long_are_refused(pattern):
    with pytest.raises(UnsafePattern):
        check_pattern(pattern)


_PIECES = st.sampled_from(["a", ".", "[ab]", r"\w", "(?:a)", "(?=a)", "(?<=a)", "a|b", "^", "$"])
_COUNTS = st.sampled_from(["", "?", "*", "+", "{2}", "{2,}", "{0,9}", "*?", "{,5}"])


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(_PIECES, _COUNTS, st.booleans()), min_size=1, max_size=5))
def test_whatever_is_accepted_is_quick(pieces):
    pattern = ""
    for piece, count, wraps in pieces:
        pattern = f"(?:{pattern}{piece}{count})" if wraps else f"{pattern}{piece}{count}"
    try:
        check_pattern(pattern)
    except UnsafePattern:
        return
    for text in ("a" * 999 + "!", "ab" * 500, "a" * 1000):
        began = time.perf_counter()
        masked(Mask(pattern), text)
        assert time.perf_counter() - began < 2, pattern
