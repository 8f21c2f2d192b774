"""Values carried over from one definition of a field to another."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kartoteka.conversions import DoesNotConvert, conversion, family, stores_alike
from kartoteka.conversions.conversion import SENTENCES
from kartoteka.model.choice import Option
from kartoteka.model.field import Field
from kartoteka.model.field_types import FIELD_TYPES, MAX_PRECISION, NUMBER_LIMITS
from kartoteka.model.label import NO_LABEL, Label
from kartoteka.record_values import Party, Reference
from kartoteka_runtime.storage.column_types import codec
from kartoteka_runtime.validation.record_schema import field_schema
from kartoteka_runtime.validation.value_checks import compile_check

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "conversions.md"
ID = "0190b5e8-7a3c-7c1e-9f00-0123456789ab"

COLORS = (
    Option(1, "red", Label({"en": "Red", "pl": "Czerwony"})),
    Option(2, "dark_blue", Label({"en": "Dark blue", "pl": "Granatowy"})),
    Option(5, "green", Label({"en": "Green", "pl": "Zielony"})),
)
ANSWER = (
    Option(0, "false", Label({"en": "No", "pl": "Nie"})),
    Option(1, "true", Label({"en": "Yes", "pl": "Tak"})),
)


def a(type: str, **keys: Any) -> Field:
    """Return a field of a type as the files give it: with the limits of its type."""
    if type in NUMBER_LIMITS:
        keys.setdefault("min", NUMBER_LIMITS[type][0])
        keys.setdefault("max", NUMBER_LIMITS[type][1])
    for key in ("min", "max"):
        if key in keys:
            keys[key] = Decimal(keys[key])
    if type in MAX_PRECISION:
        keys.setdefault("precision", 2)
    if type in ("text", "autonumber"):
        keys.setdefault("max_length", 100)
    if type == "text":
        keys.setdefault("format", "plain")
    if type in ("choice", "multi_choice", "state", "status"):
        keys.setdefault("options", COLORS)
    if type == "yes_no":
        keys.setdefault("options", ANSWER)
    if type == "date_time":
        keys.setdefault("behavior", "user_local")
    if type in ("lookup", "customer", "owner", "regarding"):
        keys.setdefault("targets", ("account",) if type == "lookup" else ("account", "contact"))
    return Field("x", type, NO_LABEL, **keys)


WHOLE, MONEY, TEXT, FLOAT = a("whole_number"), a("money"), a("text"), a("float")
LINES = a("text", format="multi_line", max_length=2000)
CHOICE, MULTI, YES_NO, DATE = a("choice"), a("multi_choice"), a("yes_no"), a("date")
INSTANT = a("date_time")
LOCAL = a("date_time", behavior="time_zone_independent")
LOOKUP, CUSTOMER = a("lookup"), a("customer")
NOON = datetime(2031, 5, 6, 12, 0, tzinfo=UTC)
REFERENCE = Reference("account", ID, "Alpine Ski House")


# fmt: off
CONVERTS = [
    (TEXT, a("text", max_length=5), "abcde", "abcde"),
    (LINES, TEXT, "one line", "one line"),
    (TEXT, WHOLE, " 12 ", 12),
    (TEXT, WHOLE, "12.00", 12),
    (TEXT, a("big_integer"), "-9223372036854775808", -(2**63)),
    (TEXT, a("decimal"), "12.7", Decimal("12.70")),
    (TEXT, FLOAT, "0.1", 0.1),
    (TEXT, MONEY, "-0", Decimal("0.00")),
    (TEXT, YES_NO, "tak", True),
    (TEXT, YES_NO, "0", False),
    (TEXT, CHOICE, "red", 1),
    (TEXT, CHOICE, "CZERWONY ", 1),
    (TEXT, CHOICE, "dark blue", 2),
    (TEXT, CHOICE, "5", 5),
    (TEXT, MULTI, "green; Red;", (1, 5)),
    (TEXT, DATE, "2031-05-06", date(2031, 5, 6)),
    (TEXT, INSTANT, "2031-05-06", datetime(2031, 5, 6, tzinfo=UTC)),
    (TEXT, INSTANT, "2031-05-06T14:00+02:00", NOON),
    (TEXT, INSTANT, "2031-05-06 12:00:00", NOON),
    (TEXT, LOCAL, "2031-05-06T12:00", datetime(2031, 5, 6, 12)),
    (TEXT, a("unique_id"), ID.upper(), ID),
    (WHOLE, TEXT, -7, "-7"),
    (WHOLE, a("decimal"), 12, Decimal("12.00")),
    (WHOLE, YES_NO, 1, True),
    (WHOLE, CHOICE, 5, 5),
    (a("decimal"), WHOLE, Decimal("12.00"), 12),
    (a("decimal", precision=4), a("decimal"), Decimal("12.7000"), Decimal("12.70")),
    (a("decimal"), TEXT, Decimal("12.70"), "12.70"),
    (MONEY, TEXT, Decimal("12.7000"), "12.70"),
    (MONEY, FLOAT, Decimal("12.7000"), 12.7),
    (FLOAT, TEXT, 12.0, "12"),
    (FLOAT, TEXT, 1e-7, "0.0000001"),
    (FLOAT, MONEY, 12.7, Decimal("12.70")),
    (YES_NO, TEXT, True, "true"),
    (YES_NO, WHOLE, False, 0),
    (CHOICE, TEXT, 2, "dark_blue"),
    (CHOICE, TEXT, 99, "99"),
    (CHOICE, a("choice", options=()), 2, 2),
    (CHOICE, MULTI, 2, (2,)),
    (CHOICE, WHOLE, 2, 2),
    (MULTI, CHOICE, (2,), 2),
    (MULTI, TEXT, (1, 5), "red; green"),
    (DATE, INSTANT, date(2031, 5, 6), datetime(2031, 5, 6, tzinfo=UTC)),
    (INSTANT, DATE, datetime(2031, 5, 6, tzinfo=UTC), date(2031, 5, 6)),
    (INSTANT, LOCAL, NOON, datetime(2031, 5, 6, 12)),
    (INSTANT, TEXT, NOON, "2031-05-06T12:00:00Z"),
    (LOCAL, TEXT, datetime(2031, 5, 6, 12), "2031-05-06T12:00:00"),
    (LOOKUP, CUSTOMER, REFERENCE, REFERENCE),
    (CUSTOMER, LOOKUP, REFERENCE, REFERENCE),
    (LOOKUP, TEXT, REFERENCE, ID),
    (LOOKUP, a("unique_id"), REFERENCE, ID),
]
REFUSED = [
    (TEXT, a("text", max_length=5), "abcdef", "the text has 6 characters, 5 are allowed"),
    (LINES, TEXT, "two\nlines", '"two\nlines" has more than one line'),
    (TEXT, WHOLE, "12.70", "12.7 is not a whole number"),
    (TEXT, WHOLE, "1,200", '"1,200" is not a number such as -12.70'),
    (TEXT, WHOLE, "1e3", '"1e3" is not a number such as -12.70'),
    (TEXT, WHOLE, "2147483648", "2147483648 is more than 2147483647"),
    (TEXT, a("whole_number", min=0), "-1", "-1 is less than 0"),
    (TEXT, MONEY, "12.345", "12.345 has more than 2 decimal places"),
    (TEXT, FLOAT, "0.12345678901234567890",
     "0.1234567890123456789 has more digits than a floating-point number keeps"),
    (TEXT, CHOICE, "purple", '"purple" is not one of the options'),
    (TEXT, DATE, "2031-02-30", '"2031-02-30" is not a date such as 2031-05-06'),
    (TEXT, DATE, "1700-01-01", "1700-01-01 is before 1753-01-01"),
    (TEXT, INSTANT, "soon", '"soon" is not a date and time such as 2031-05-06T12:00:00'),
    (TEXT, INSTANT, "9999-12-31T23:00:00-05:00",
     '"9999-12-31T23:00:00-05:00" is not a date and time such as 2031-05-06T12:00:00'),
    (TEXT, LOCAL, "2031-05-06T12:00Z", "2031-05-06T12:00Z names a time zone"),
    (TEXT, LOOKUP, ID, "no text becomes a lookup"),
    (TEXT, a("unique_id"), "{" + ID + "}", '"{' + ID + '}" is not an id'),
    (WHOLE, YES_NO, 2, '"2" is not one of the options'),
    (a("decimal"), WHOLE, Decimal("12.70"), "12.7 is not a whole number"),
    (a("decimal"), a("decimal", precision=10), Decimal("922337204"),
     "922337204 is more than 922337203"),
    (CHOICE, a("state"), 7, '"7" is not one of the options'),
    (MULTI, CHOICE, (1, 5), "red; green are several options"),
    (INSTANT, DATE, NOON, "2031-05-06T12:00:00Z has a time of day"),
    (CUSTOMER, LOOKUP, Reference("contact", ID), 'records of "contact" can no longer be named'),
]
KINDS = [
    (TEXT, a("text", format="email"), "none"),
    (TEXT, a("text", max_length=200), "widening"),
    (TEXT, a("text", max_length=50), "checked"),
    (TEXT, LINES, "widening"),
    (LINES, TEXT, "checked"),
    (LINES, a("text", format="multi_line", max_length=4000), "none"),
    (a("autonumber"), TEXT, "none"),
    (TEXT, a("autonumber"), "none"),
    (WHOLE, a("big_integer"), "widening"),
    (a("big_integer"), WHOLE, "checked"),
    (WHOLE, a("decimal"), "widening"),
    (WHOLE, a("whole_number", max=10), "checked"),
    (a("whole_number", max=10), WHOLE, "none"),
    (WHOLE, a("text", max_length=11), "widening"),
    (WHOLE, a("text", max_length=10), "checked"),
    (a("decimal"), a("decimal", precision=4), "widening"),
    (a("decimal"), a("decimal", precision=10), "checked"),
    (a("decimal"), MONEY, "widening"),
    (MONEY, a("decimal"), "checked"),
    (a("money", precision=4), MONEY, "checked"),
    (a("decimal"), FLOAT, "widening"),
    (MONEY, FLOAT, "checked"),
    (FLOAT, a("float", precision=0), "none"),
    (CHOICE, a("choice", options=()), "none"),
    (CHOICE, WHOLE, "none"),
    (WHOLE, CHOICE, "checked"),
    (YES_NO, a("choice", options=COLORS), "checked"),
    (YES_NO, a("choice", options=ANSWER), "widening"),
    (CHOICE, a("text", max_length=9), "widening"),
    (CHOICE, a("text", max_length=8), "checked"),
    (LOOKUP, CUSTOMER, "widening"),
    (CUSTOMER, a("customer", targets=("account", "contact", "team")), "none"),
    (CUSTOMER, LOOKUP, "checked"),
    (LOOKUP, a("lookup", targets=("contact",)), "impossible"),
    (LOOKUP, TEXT, "checked"),
    (TEXT, LOOKUP, "impossible"),
    (a("party_list"), TEXT, "impossible"),
]
# fmt: on


@pytest.mark.parametrize(("before", "after", "value", "expected"), CONVERTS)
def test_a_value_converts(before, after, value, expected):
    converted = conversion(before, after).convert(value)
    assert converted == expected
    assert type(converted) is type(expected)
    assert str(converted) == str(expected)


@pytest.mark.parametrize(("before", "after", "value", "sentence"), REFUSED)
def test_a_value_that_does_not_convert_says_why(before, after, value, sentence):
    with pytest.raises(DoesNotConvert) as refused:
        conversion(before, after).convert(value)
    assert str(refused.value) == sentence
    assert refused.value.reason in SENTENCES


@pytest.mark.parametrize(("before", "after", "kind"), KINDS)
def test_a_conversion_says_what_becomes_of_all_values(before, after, kind):
    assert conversion(before, after).kind == kind


def test_yes_and_no_find_their_options_by_label_before_number():
    options = (Option(1, "nope", Label({"en": "No"})), Option(2, "yep", Label({"en": "yes"})))
    answer = a("choice", options=options)
    assert [conversion(YES_NO, answer).convert(value) for value in (False, True)] == [1, 2]
    assert [conversion(answer, YES_NO).convert(value) for value in (1, 2)] == [False, True]


def test_a_label_of_two_options_names_neither():
    twice = a("choice", options=(Option(1, "a", Label({"en": "Same"})),
                                 Option(2, "b", Label({"en": "same"}))))  # fmt: skip
    with pytest.raises(DoesNotConvert) as refused:
        conversion(TEXT, twice).convert("SAME")
    assert refused.value.reason == "ambiguous_option"


def test_parameters_of_a_reason_are_short():
    with pytest.raises(DoesNotConvert) as refused:
        conversion(LINES, WHOLE).convert("x" * 1000)
    assert len(refused.value.params["value"]) == 80


def fields_of(type: str) -> st.SearchStrategy[Field]:
    """Give fields of one type with all that its definition may vary."""
    keys: dict[str, st.SearchStrategy[Any]] = {}
    if type in NUMBER_LIMITS:
        low, high = NUMBER_LIMITS[type]
        small = st.integers(-1000, 1000).map(Decimal)
        limits = st.tuples(st.just(low) | small, st.just(high) | small).map(sorted)
        precision = st.integers(0, MAX_PRECISION[type]) if type in MAX_PRECISION else st.none()
        return st.builds(
            lambda limits, precision: a(type, min=limits[0], max=limits[1], precision=precision),
            limits, precision,
        )  # fmt: skip
    if type in ("text", "autonumber"):
        keys["max_length"] = st.integers(1, 60)
    if type == "text":
        keys["format"] = st.sampled_from(["plain", "multi_line", "ticker"])
    if type in ("choice", "multi_choice", "state", "status"):
        keys["options"] = OPTIONS
    if type in ("lookup", "customer", "owner", "regarding"):
        entities = ["account", "contact", "team"]
        keys["targets"] = st.lists(st.sampled_from(entities), min_size=1, unique=True).map(tuple)
    if type == "date_time":
        keys["behavior"] = st.sampled_from(["user_local", "date_only", "time_zone_independent"])
    return st.fixed_dictionaries(keys).map(lambda chosen: a(type, **chosen))


WORDS = st.from_regex(r"[a-z]{1,6}(_[a-z]{1,3})?", fullmatch=True) | st.sampled_from(
    ["true", "false", "red", "green"]
)
LABELS = st.sampled_from(["Yes", "Tak", "nie", "Zielony", "red", "7", ""])
OPTIONS = st.lists(
    st.builds(
        Option,
        st.integers(0, 12) | st.integers(100_000_000, 2**31 - 1),
        WORDS,
        LABELS.map(lambda text: Label({"en": text} if text else {})),
    ),
    min_size=1,
    max_size=4,
    unique_by=(lambda option: option.value, lambda option: option.name),
).map(tuple)
TEXTS = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs"]), max_size=30),
    st.text("0123456789.-+ ", max_size=12),
    st.sampled_from(["a\nb", "true", "Yes", "red; green", ";", "2031-05-06", "0001-01-01", ID]),
    st.datetimes().map(datetime.isoformat),
    st.integers().map(str),
    st.decimals(allow_nan=False, allow_infinity=False).map(lambda number: f"{number:f}"),
)


def values_of(field: Field) -> st.SearchStrategy[Any]:
    """Give values that the field takes, as its validator says, in their record form."""
    check = compile_check(field_schema(field))
    if field.type == "yes_no":
        return st.booleans()
    if field.type == "party_list":
        return st.just((Party(REFERENCE),))
    if field.is_choice:
        return st.sampled_from([option.value for option in field.options])
    if field.type == "multi_choice":
        numbers = st.sampled_from([option.value for option in field.options])
        return st.sets(numbers, min_size=1).map(lambda found: tuple(sorted(found)))
    if field.is_lookup:
        return st.sampled_from(field.targets).map(lambda entity: Reference(entity, ID, "N"))
    if field.type in NUMBER_LIMITS:
        assert field.min is not None and field.max is not None
        if field.type == "float":
            return st.floats(float(field.min), float(field.max)).map(check)
        if field.type in ("whole_number", "big_integer"):
            return st.integers(int(field.min), int(field.max))
        schema = field_schema(field)
        return st.decimals(
            Decimal(schema["minimum"]), Decimal(schema["maximum"]), places=field.precision,
        ).map(check)  # fmt: skip
    made: dict[str, Callable[[], st.SearchStrategy[Any]]] = {
        "text": lambda: TEXTS.filter(lambda text: _takes(check, text)).map(check),
        "unique_id": lambda: st.uuids().map(str),
        "file": lambda: st.uuids().map(str),
        "image": lambda: st.uuids().map(str),
        "day": lambda: st.dates(date(1753, 1, 1)),
        "instant": lambda: st.datetimes(datetime(1753, 1, 1), timezones=st.just(UTC)).map(check),
        "local time": lambda: st.datetimes(datetime(1753, 1, 1)).map(check),
    }
    return made[field.type if field.type == "unique_id" else family(field)]()


def _takes(check: Callable[[Any], Any], value: Any) -> bool:
    try:
        return check(value) is not None
    except Exception:
        return False


PAIRS = [
    (before, after)
    for before in sorted(FIELD_TYPES)
    for after in sorted(FIELD_TYPES)
    if after == "lookup" or conversion(a(before), a(after)).kind != "impossible"
]
DEFINITIONS = st.sampled_from(PAIRS).flatmap(
    lambda pair: st.tuples(fields_of(pair[0]), fields_of(pair[1]))
)
CASES = DEFINITIONS.flatmap(
    lambda pair: st.tuples(st.just(pair[0]), st.just(pair[1]), values_of(pair[0]))
)


@settings(max_examples=400, deadline=None)
@given(CASES)
def test_a_conversion_keeps_what_its_kind_promises(case):
    before, after, value = case
    carried = conversion(before, after)
    try:
        converted = carried.convert(value)
    except DoesNotConvert as refused:
        assert carried.kind in ("checked", "impossible")
        assert str(refused) == SENTENCES[refused.reason].format(**refused.params)
        return
    assert carried.kind != "impossible"
    if not (after.is_choice or after.type == "multi_choice"):
        assert compile_check(field_schema(after))(converted) == converted
    elif before.type not in ("choice", "state", "status", "multi_choice"):
        assert compile_check(field_schema(after))(converted) == converted
    if carried.kind == "widening":
        assert conversion(after, before).convert(converted) == value
    if carried.kind == "none":
        assert converted == value


@settings(max_examples=300, deadline=None)
@given(DEFINITIONS)
def test_what_is_stored_alike_has_the_same_columns(pair):
    before, after = pair
    if stores_alike(before, after) and before.type != "party_list":
        for engine in ("sqlite", "postgresql"):
            assert repr(codec(before, engine).sql_type) == repr(codec(after, engine).sql_type)
    if conversion(before, after).kind == "none":
        assert stores_alike(before, after)


@settings(max_examples=100, deadline=None)
@given(st.sampled_from(sorted(FIELD_TYPES)).flatmap(fields_of))
def test_an_unchanged_field_needs_no_conversion(field):
    assert conversion(field, field).kind == "none"
    assert stores_alike(field, field)


VARIANTS = [
    *(a("text", max_length=length) for length in (1, 100, 200)),
    *(a("text", format="multi_line", max_length=length) for length in (100, 2000)),
    a("autonumber"),
    *(a(type) for type in FIELD_TYPES if type not in ("text", "autonumber", "date_time")),
    *(a(type, min=2, max=3) for type in NUMBER_LIMITS),
    *(a(type, precision=0, max=3) for type in MAX_PRECISION),
    *(a(type, precision=MAX_PRECISION[type]) for type in MAX_PRECISION),
    *(a("date_time", behavior=b) for b in ("user_local", "date_only", "time_zone_independent")),
    a("choice", options=ANSWER),
    a("choice", options=(Option(2**31 - 1, "last", NO_LABEL),)),
    a("multi_choice", options=ANSWER),
    a("lookup", targets=("contact",)),
    a("lookup", targets=("account", "contact")),
]
ROW = re.compile(r"^\| (?P<before>[^|]+) \| (?P<after>[^|]+) \| (?P<kinds>[^|]+) \|", re.MULTILINE)


def test_the_page_lists_every_pair_of_types_with_what_can_become_of_values():
    expected: dict[tuple[str, str], set[str]] = {}
    for old in VARIANTS:
        for new in VARIANTS:
            kinds = expected.setdefault((family(old), family(new)), set())
            kinds.add(conversion(old, new).kind)
    families = {before for before, _ in expected}
    listed: dict[tuple[str, str], set[str]] = {}
    for row in ROW.finditer(PAGE.read_text(encoding="utf-8")):
        for before in row["before"].strip().split(", "):
            for after in row["after"].strip().split(", "):
                if before in families:
                    assert (before, after) not in listed, f"{before} to {after} is listed twice"
                    listed[before, after] = set(row["kinds"].strip().split(", "))
    for before in families:
        rest = listed.pop((before, "all others"))
        assert rest == {"impossible"}
        for after in families:
            listed.setdefault((before, after), rest)
    assert listed == expected


def test_the_page_names_the_types_and_reasons():
    text = PAGE.read_text(encoding="utf-8")
    assert not [name for name in (*FIELD_TYPES, *SENTENCES) if f"`{name}`" not in text]
