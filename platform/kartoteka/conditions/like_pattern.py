"""Patterns of ``like``: read once, and matched in a time that grows with the text alone.

``%`` stands for any number of characters, ``_`` for one, ``[a-z]`` and ``[abc]`` for one of them,
``[^…]`` for one that is none of them; in brackets ``%`` and ``_`` are themselves. A ``[`` that is
never closed is itself. Ranges are those of code points; one that ends before it begins is empty.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from itertools import groupby

from kartoteka.text_folding import fold


@dataclass(frozen=True, slots=True)
class AnyText:
    """Any number of characters, also none."""


@dataclass(frozen=True, slots=True)
class AnyCharacter:
    """One character, whichever."""


@dataclass(frozen=True, slots=True)
class OneCharacter:
    """One character of ``ranges`` (first and last of each), or with ``is_outside`` none of them."""

    ranges: tuple[tuple[str, str], ...]
    is_outside: bool = False


PatternPart = str | AnyText | AnyCharacter | OneCharacter


@lru_cache(maxsize=1024)
def pattern_parts(pattern: str) -> tuple[PatternPart, ...]:
    """Return the parts of a pattern, folded: characters stand for themselves.

    Two ``AnyText`` never follow one another.
    """
    found: list[PatternPart] = []
    rest = fold(pattern)
    while rest:
        part, length = _first_part(rest)
        if not (part == AnyText() and found and found[-1] == part):
            found.append(part)
        rest = rest[length:]
    return tuple(found)


def _first_part(text: str) -> tuple[PatternPart, int]:
    match text[0]:
        case "%":
            return AnyText(), 1
        case "_":
            return AnyCharacter(), 1
        case "[" if (end := text.find("]")) > 0:
            inside = text[1:end]
            is_outside = inside.startswith("^")
            return OneCharacter(_ranges(inside[is_outside:]), is_outside), end + 1
    return text[0], 1


def _ranges(text: str) -> tuple[tuple[str, str], ...]:
    found: list[tuple[str, str]] = []
    while text:
        length = 3 if len(text) > 2 and text[1] == "-" else 1
        if text[0] <= text[length - 1]:
            found.append((text[0], text[length - 1]))
        text = text[length:]
    return tuple(found)


@lru_cache(maxsize=1024)
def like_expression(pattern: str) -> re.Pattern[str]:
    """Return an expression whose ``fullmatch`` of a folded text tells whether the pattern fits.

    What stands between two ``%`` is looked for once, from left to right, and never again: the
    expression does not go back (``(?>…)``).
    """
    source = ""
    pieces = [list(piece) for _, piece in groupby(pattern_parts(pattern), _is_any_text)]
    for number, piece in enumerate(pieces):
        if _is_any_text(piece[0]):
            is_last = number >= len(pieces) - 2
            source += ".*" if is_last else ".*?"
        else:
            text = "".join(_source(part) for part in piece)
            is_atomic = 0 < number < len(pieces) - 1
            source = _with_atom(source, text) if is_atomic else source + text
    return re.compile(source, re.DOTALL)


def _is_any_text(part: PatternPart) -> bool:
    return part == AnyText()


def _with_atom(source: str, text: str) -> str:
    """Return the source with its last ``.*?`` and what follows, as one that never goes back."""
    return f"{source.removesuffix('.*?')}(?>.*?{text})"


def _source(part: PatternPart) -> str:
    match part:
        case AnyCharacter():
            return "."
        case OneCharacter((), is_outside):
            return "." if is_outside else "(?!)"
        case OneCharacter(ranges, is_outside):
            inside = "".join(f"{re.escape(low)}-{re.escape(high)}" for low, high in ranges)
            return f"[{'^' if is_outside else ''}{inside}]"
        case str():
            return re.escape(part)
    raise TypeError(part)
