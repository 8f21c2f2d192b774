"""The functions and arithmetic operators of the language: what they take and give.

Every back end knows each row by its name: Python (``values``), SQL on PostgreSQL, and the
interpreter in the browser; SQLite runs the Python ones. What they compute is the same everywhere:

- **Numbers** are exact decimals. A result is rounded to ``MOST_PLACES`` places, halves away from
  zero; one of ``MOST_NUMBER`` or more (without its sign) is empty, so is a division by zero. Floats
  count as the shortest decimal that reads back as the same float. ``div`` of two whole numbers is
  whole, rounded towards zero; ``divby`` never is. ``mod`` has the sign of its first argument.
  ``round`` to places below 0 rounds to tens, hundreds and so on, at least to 10**20.
- **Texts**: lengths and places count characters (code points) from 0. ``indexof`` looks in folded
  texts and gives -1 when nothing is found. ``substring`` with a place or length below 0 takes 0.
  ``tolower`` of a sigma is the same wherever it stands in a word.
  ``trim`` takes spaces, tabs, line ends and no-break spaces away. ``concat`` leaves empty arguments
  out. A result that is the empty text is empty.
- **Dates**: parts of an instant are read on the clock of the asker's time zone, all others as they
  stand. ``addmonths`` and ``addyears`` end at the last day of a shorter month; on instants, days
  to years move the calendar date in the asker's zone. ``diffin…(from,to)`` counts whole units
  between, towards zero, negative when ``to`` is earlier; days, weeks, months and years between
  instants are counted on the asker's calendar. A month is whole when its day and clock time come
  again: from 31 January to 28 February there is none. What leaves the years 1 to 9999 is empty.
  Clock times that a change of clocks skips or repeats are read as ``zones`` says.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType

from kartoteka.conditions.typed import ValueKind

MOST_PLACES = 10
MOST_NUMBER = 10**20
TRIMMED = " \t\n\r\u00a0"

NUMBERS = frozenset({ValueKind.WHOLE, ValueKind.DECIMAL, ValueKind.FLOAT})
TEXTS = frozenset({ValueKind.TEXT})
DAYS = frozenset({ValueKind.DATE, ValueKind.INSTANT, ValueKind.LOCAL_TIME})
TIMES = frozenset({ValueKind.INSTANT, ValueKind.LOCAL_TIME})
WHOLE = frozenset({ValueKind.WHOLE})


@dataclass(frozen=True, slots=True)
class Function:
    """One function.

    ``takes`` are the kinds of each argument, of which the first ``least`` must be there;
    ``repeats``: the last may come again any number of times. ``gives`` is None for the kind of the
    first argument (of the arithmetic operators and ``coalesce``: the common kind of all of them).
    """

    name: str
    takes: tuple[frozenset[ValueKind], ...]
    gives: ValueKind | None
    least: int
    repeats: bool = False


def _function(
    name: str,
    takes: tuple[frozenset[ValueKind], ...],
    gives: ValueKind | None,
    *,
    least: int | None = None,
    repeats: bool = False,
) -> Function:
    return Function(name, takes, gives, len(takes) if least is None else least, repeats)


_ANY = frozenset(ValueKind) - {ValueKind.OPTIONS}

# fmt: off
FUNCTIONS: Mapping[str, Function] = MappingProxyType({row.name: row for row in (
    *(_function(name, (NUMBERS, NUMBERS), None) for name in ("add", "sub", "mul", "div", "mod")),
    _function("divby", (NUMBERS, NUMBERS), ValueKind.DECIMAL),
    _function("neg", (NUMBERS,), None),
    _function("round", (NUMBERS, WHOLE), ValueKind.DECIMAL, least=1),
    _function("floor", (NUMBERS,), ValueKind.DECIMAL),
    _function("ceiling", (NUMBERS,), ValueKind.DECIMAL),
    _function("length", (TEXTS,), ValueKind.WHOLE),
    _function("indexof", (TEXTS, TEXTS), ValueKind.WHOLE),
    _function("substring", (TEXTS, WHOLE, WHOLE), ValueKind.TEXT, least=2),
    _function("tolower", (TEXTS,), ValueKind.TEXT),
    _function("toupper", (TEXTS,), ValueKind.TEXT),
    _function("trim", (TEXTS,), ValueKind.TEXT),
    _function("concat", (TEXTS, TEXTS), ValueKind.TEXT, repeats=True),
    *(_function(name, (DAYS,), ValueKind.WHOLE) for name in ("year", "month", "day")),
    *(_function(name, (TIMES,), ValueKind.WHOLE) for name in ("hour", "minute", "second")),
    _function("date", (DAYS,), ValueKind.DATE),
    *(_function(name, (TIMES, WHOLE), None) for name in ("addminutes", "addhours")),
    *(_function(name, (DAYS, WHOLE), None)
      for name in ("adddays", "addweeks", "addmonths", "addyears")),
    *(_function(name, (TIMES, TIMES), ValueKind.WHOLE)
      for name in ("diffinminutes", "diffinhours")),
    *(_function(name, (DAYS, DAYS), ValueKind.WHOLE)
      for name in ("diffindays", "diffinweeks", "diffinmonths", "diffinyears")),
    _function("coalesce", (_ANY, _ANY), None, repeats=True),
)})
# fmt: on
