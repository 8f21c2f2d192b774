"""Masks: how much of a secured value is shown, and which patterns are safe to look with.

Python's regular expressions may take time without end over a pattern such as ``(a+)+b``. A mask
is looked at for every value of every list, so its pattern may only go back as often as
``_MOST_TRIES`` from each character, and longer values are masked whole.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from functools import lru_cache
from typing import Any

from kartoteka.model.field import Mask

LONGEST_MASKED = 1000  # characters of a value that the pattern looks at
_UNBOUNDED = LONGEST_MASKED
_MOST_TRIES = 2 * _UNBOUNDED
_WHOLE = 8  # characters that stand for a value of which nothing is shown
_GROUPS = ("?:", "?=", "?!", "?<=", "?<!")
_COUNT = re.compile(r"\{(?=[\d,])(\d*)(?:(,)(\d*))?\}")


class MaskedText(str):
    """What is shown of a value that the reader may not see whole."""

    __slots__ = ()


class MaskedNumber(MaskedText):
    """The same of a number: a text, where a number would stand."""

    __slots__ = ()


class UnsafePattern(ValueError):
    """A pattern cannot be a mask's; the message says why, ``offset`` where."""

    def __init__(self, message: str, offset: int = 0) -> None:
        """Say what is wrong, and at which character."""
        self.message = message
        self.offset = offset
        super().__init__(message)


def masked(mask: Mask, value: Any) -> MaskedText | None:
    """Return what is shown of a value; None of an empty one.

    A value of which the pattern finds nothing is not one that it was written for: all of it is
    masked.
    """
    if value is None:
        return None
    if not isinstance(value, str):
        return MaskedNumber(_masked(mask, _number_text(value)))
    return MaskedText(_masked(mask, value)) if value else None


def _masked(mask: Mask, text: str) -> str:
    if len(text) > LONGEST_MASKED:
        return mask.character * _WHOLE
    found = _compiled(mask.pattern).sub(lambda match: mask.character * len(match[0]), text)
    return mask.character * _WHOLE if found == text else found


def check_pattern(pattern: str) -> None:
    """Make sure that a pattern can be looked with, however long the value.

    Raises:
        UnsafePattern: It is no regular expression, or could take too long.
    """
    try:
        re.compile(pattern, re.DOTALL)
    except (re.error, OverflowError, RecursionError) as error:
        offset = getattr(error, "pos", None) or 0
        said = getattr(error, "msg", None) or str(error)
        raise UnsafePattern(f"it is no regular expression: {said}", offset) from None
    tries = _Pattern(pattern).tries()
    if tries > _MOST_TRIES:
        raise UnsafePattern("it could take too long: it repeats without limit in several places")


@lru_cache(maxsize=256)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(pattern, re.DOTALL)


def _number_text(value: Any) -> str:
    return format(value, "f") if isinstance(value, Decimal) else str(value)


class _Pattern:
    """Works out in how many ways a pattern may be tried at one character of a text."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._at = 0

    def tries(self) -> int:
        return self._alternatives()

    def _alternatives(self) -> int:
        found = self._sequence()
        while self._peek() == "|":
            self._at += 1
            found += self._sequence()
        return found

    def _sequence(self) -> int:
        found = 1
        while self._peek() not in ("", "|", ")"):
            found = min(found * self._repeated(), 2 * _MOST_TRIES)
        return found

    def _repeated(self) -> int:
        start = self._at
        tries = self._atom()
        low, high = self._count()
        if high is None:
            if tries > 1:
                raise UnsafePattern(
                    "it repeats without limit what can be read in several ways", start
                )
            return _UNBOUNDED
        if tries == 1:
            return high - low + 1
        if high > 20:
            raise UnsafePattern("it repeats too often what can be read in several ways", start)
        ways: int = (high - low + 1) * tries**high
        return min(ways, 2 * _MOST_TRIES)

    def _count(self) -> tuple[int, int | None]:
        """Read a quantifier; a second one, such as the ``?`` of ``*?``, changes nothing."""
        sign = self._peek()
        found: tuple[int, int | None] = (1, 1)
        match = _COUNT.match(self._text, self._at)
        if sign and sign in "*+?":
            self._at += 1
            found = (0, 1) if sign == "?" else (0, None)
        elif match is not None:
            self._at = match.end()
            low = int(match[1] or 0)
            found = low, (low if match[2] is None else int(match[3]) if match[3] else None)
        else:
            return found
        if self._peek() in ("?", "+"):
            self._at += 1
        return found

    def _atom(self) -> int:
        reading: dict[str, Callable[[], int]] = {
            "(": self._group, "[": self._class, "\\": self._escape,
        }  # fmt: skip
        if read := reading.get(self._peek()):
            return read()
        self._at += 1
        return 1

    def _group(self) -> int:
        start = self._at
        self._at += 1
        if self._peek() == "?":
            kind = next((item for item in _GROUPS if self._text.startswith(item, self._at)), "")
            if not kind:
                raise UnsafePattern("it has a kind of group that masks do not know", start)
            self._at += len(kind)
        tries = self._alternatives()
        self._at += 1  # the bracket that closes it
        return tries

    def _class(self) -> int:
        self._at += 1
        if self._peek() == "^":
            self._at += 1
        if self._peek() == "]":
            self._at += 1
        while self._peek() not in ("", "]"):
            self._at += 2 if self._peek() == "\\" else 1
        self._at += 1
        return 1

    def _escape(self) -> int:
        if self._text[self._at + 1 : self._at + 2].isdigit():
            raise UnsafePattern("it refers back to a group, which masks cannot", self._at)
        self._at += 2
        return 1

    def _peek(self) -> str:
        return self._text[self._at : self._at + 1]
