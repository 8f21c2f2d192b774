"""How a language writes dates and times: CLDR patterns compiled to functions once.

Babel interprets its pattern on every call (20 to 50 µs); a list of fifty records with two dates
would spend more on that than on everything else.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from functools import cache
from typing import Any

from babel import Locale
from babel.dates import tokenize_pattern


@cache
def date_writer(language: str) -> Callable[[date], str]:
    """Return a function that writes a date: ``22 lis 2031``."""
    return _compile(Locale.parse(language).date_formats["medium"].pattern, language)


@cache
def time_writer(language: str) -> Callable[[datetime], str]:
    """Return a function that writes the time of day to the minute: ``16:05``."""
    return _compile(Locale.parse(language).time_formats["short"].pattern, language)


@cache
def date_time_writer(language: str) -> Callable[[datetime], str]:
    """Return a function that writes date and time as they stand, whatever their zone."""
    locale = Locale.parse(language)
    pattern = (
        str(locale.datetime_formats["medium"])
        .replace("{0}", locale.time_formats["short"].pattern)
        .replace("{1}", locale.date_formats["medium"].pattern)
    )
    return _compile(pattern, language)


def _compile(pattern: str, language: str) -> Callable[[Any], str]:
    """Return a function that fills a CLDR date pattern; it was generated, so it only formats."""
    tables: dict[str, Any] = {}
    pieces = []
    for kind, token in tokenize_pattern(pattern):
        if kind == "chars":
            pieces.append(repr(str(token))[1:-1].replace("{", "{{").replace("}", "}}"))
        else:
            pieces.append(_piece(str(token[0]), int(token[1]), language, tables))
    source = "lambda v: f'" + "".join(pieces) + "'"
    writer: Callable[[Any], str] = eval(source, tables)  # noqa: S307 - built from CLDR alone
    return writer


def _piece(letter: str, width: int, language: str, tables: dict[str, Any]) -> str:
    """Return the replacement field for one field of a pattern, and add the names it looks up.

    Source: Unicode Technical Standard 35, date field symbols.
    """
    padded = f":0{width}d" if width > 1 else ""
    match letter:
        case "y":
            return "{v.year % 100:02d}" if width == 2 else "{v.year}"
        case "M" | "L" if width > 2:
            tables["months"] = _names("months", letter == "M", width, language)
            return "{months[v.month]}"
        case "M" | "L":
            return f"{{v.month{padded}}}"
        case "d":
            return f"{{v.day{padded}}}"
        case "E":
            tables["days"] = _names("days", True, max(width, 3), language)
            return "{days[v.weekday()]}"
        case "H":
            return f"{{v.hour{padded}}}"
        case "h":
            return f"{{v.hour % 12 or 12{padded}}}"
        case "m":
            return f"{{v.minute{padded}}}"
        case "s":
            return f"{{v.second{padded}}}"
        case "a":
            periods = Locale.parse(language).day_periods["format"]["wide"]
            tables["periods"] = (str(periods["am"]), str(periods["pm"]))
            return "{periods[v.hour >= 12]}"
    raise NotImplementedError(f"{language}: date field {letter!r} of CLDR is not known here")


def _names(what: str, in_text: bool, width: int, language: str) -> dict[int, str]:
    locale = Locale.parse(language)
    names = locale.months if what == "months" else locale.days
    form = names["format" if in_text else "stand-alone"]
    return dict(form["wide" if width == 4 else "abbreviated"])
