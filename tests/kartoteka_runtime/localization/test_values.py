"""Numbers, dates, money and durations, written and read in each shipped language."""

from __future__ import annotations

from datetime import UTC, date, datetime
from decimal import Decimal
from zoneinfo import ZoneInfo

import pytest
from babel.dates import format_date, format_datetime
from babel.numbers import format_decimal
from hypothesis import given
from hypothesis import strategies as st

from kartoteka_runtime.localization.date_shapes import date_time_writer, date_writer
from kartoteka_runtime.localization.durations import read_duration, write_duration
from kartoteka_runtime.localization.format_value import Currency, instant_writer, money_writer
from kartoteka_runtime.localization.number_shapes import (
    number_shape,
    number_writer,
    plain_number_writer,
)
from kartoteka_runtime.localization.read_number import read_number

LANGUAGES = ("en", "pl", "pt", "ro", "sl")


@pytest.mark.parametrize("language", LANGUAGES)
def test_dates_are_written_as_cldr_says(language):
    for month in range(1, 13):
        day = date(2031, month, 5)
        assert date_writer(language)(day) == format_date(day, "medium", locale=language)


@pytest.mark.parametrize("language", LANGUAGES)
def test_times_are_written_as_cldr_says(language):
    for hour in range(24):
        moment = datetime(2031, 5, 6, hour, 7)
        day = format_datetime(moment, "d", locale=language)
        written = date_time_writer(language)(moment)
        assert day.strip(".") in written
        assert ":07" in written


def test_an_instant_is_written_in_the_readers_time_zone():
    write = instant_writer("pl", ZoneInfo("Europe/Warsaw"))
    assert write(datetime(2031, 7, 1, 10, 0, tzinfo=UTC)) == "1 lip 2031, 12:00"
    assert write(datetime(2031, 1, 1, 10, 0, tzinfo=UTC)) == "1 sty 2031, 11:00"


def test_an_instant_beyond_the_calendar_is_written_as_its_end():
    first, last = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
    assert instant_writer("pl", ZoneInfo("America/New_York"))(first) == "1 sty 1, 00:00"
    assert instant_writer("pl", ZoneInfo("Europe/Warsaw"))(last) == "31 gru 9999, 23:59"


@pytest.mark.parametrize("language", ["en", "pt", "ro", "sl"])
def test_numbers_are_written_as_cldr_says(language):
    for text in ("0", "999.5", "1000", "1234567.25", "-1234.5"):
        number = Decimal(text)
        expected = format_decimal(number, "#,##0.00", locale=language)
        expected = expected.replace("-", number_shape(language).minus)
        assert number_writer(language, 2)(number) == expected


def test_polish_writes_four_digits_without_a_separator():
    write = number_writer("pl", None)
    assert write(1234) == "1234"
    assert write(12345) == "12\N{NO-BREAK SPACE}345"


@pytest.mark.parametrize("language", LANGUAGES)
@given(value=st.decimals(-(10**12), 10**12, places=3, allow_nan=False))
def test_what_is_written_is_read_back(language, value):
    assert read_number(number_writer(language, 3)(value), language) == value
    assert read_number(plain_number_writer(language, 3)(value), language) == value


@given(text=st.text(max_size=60))
def test_reading_numbers_never_fails_on_what_people_type(text):
    for language in LANGUAGES:
        found = read_number(text, language)
        assert found is None or found.is_finite()


@pytest.mark.parametrize(
    ("language", "text", "number"),
    [
        ("pl", "1 234,5", "1234.5"),
        ("pl", "1234.5", "1234.5"),
        ("pl", "1.234,5", "1234.5"),
        ("en", "1,234", "1234"),
        ("pl", "1,234", "1.234"),
        ("ro", "1.234", "1234"),
        ("sl", "−5", "-5"),
        ("en", "1,234,567.5", "1234567.5"),
    ],
)
def test_numbers_are_read_as_their_language_means_them(language, text, number):
    assert read_number(text, language) == Decimal(number)


@pytest.mark.parametrize("text", ["", "abc", "1e5", "12,34,5", "1..2", "٣", "--1", "0x10", "NaN"])
def test_other_texts_are_no_numbers(text):
    assert read_number(text, "en") is None


def test_money_carries_its_symbol_where_the_language_wants_it():
    amount = Decimal("-1234.5")
    space = "\N{NO-BREAK SPACE}"
    assert money_writer("en", Currency("EUR", "€"))(amount) == "-€1,234.50"
    assert money_writer("en", Currency("PLN", "zł"))(amount) == f"-zł{space}1,234.50"
    assert money_writer("pl", Currency("PLN", "zł"))(amount) == f"-1234,50{space}zł"
    assert money_writer("sl", Currency("EUR", "€"))(amount) == f"−1.234,50{space}€"
    assert money_writer("ro", Currency("JPY", "¥", 0))(Decimal(5000)) == f"5.000{space}¥"


@given(minutes=st.integers(0, 10**6))
def test_durations_are_read_back(minutes):
    for language in LANGUAGES:
        assert read_duration(write_duration(minutes), language) == minutes


@pytest.mark.parametrize(
    ("language", "text", "minutes"),
    [
        ("en", "90", 90),
        ("en", "1:30", 90),
        ("en", "1.5 hours", 90),
        ("pl", "1,5 h", 90),
        ("pl", "2 godziny", 120),
        ("ro", "3 zile", 4320),
        ("pt", "2 dias 30 min", 2910),
        ("sl", "1 day", 1440),
    ],
)
def test_durations_are_read_in_words(language, text, minutes):
    assert read_duration(text, language) == minutes


@given(text=st.text(max_size=40))
def test_reading_durations_never_fails_on_what_people_type(text):
    found = read_duration(text, "en")
    assert found is None or found >= 0
