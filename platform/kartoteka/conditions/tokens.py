"""The words of a condition's text: names, literals, brackets and commas, each with its place."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from enum import StrEnum
from typing import NamedTuple

from kartoteka.conditions.condition_error import ConditionError

MAX_CHARACTERS = 10_000
MAX_NAME = 500  # characters, in a longer text
MAX_WORDS = 3_000  # of a longer text, without the values of its lists
NAMESPACE = "Microsoft.Dynamics.CRM."


class TokenKind(StrEnum):
    """What a token is; punctuation is its own kind."""

    DATE_TIME = "date_time"
    DATE = "date"
    GUID = "guid"
    NUMBER = "number"
    NAME = "name"
    TEXT = "text"
    QUOTED = "quoted"  # a text in double quotes
    OPEN = "("
    CLOSE = ")"
    COMMA = ","
    SLASH = "/"
    COLON = ":"
    MINUS = "-"
    EQUALS = "="
    OPEN_LIST = "["
    CLOSE_LIST = "]"
    END = "end"


class Token(NamedTuple):
    """One word; ``text`` is as written, quotes and the namespace of a function included."""

    kind: TokenKind
    text: str
    offset: int

    def __str__(self) -> str:
        """Return how a message shows it."""
        if self.kind is TokenKind.END:
            return "the end"
        shown = self.text if len(self.text) <= 40 else self.text[:40] + "…"
        return shown if self.kind is TokenKind.TEXT else f'"{shown}"'


_PATTERN = re.compile(
    r"""
    [ \t\r\n\u00a0]*
    (?:
      (?P<date_time>\d{4}-\d\d-\d\dT\d\d:\d\d(?::\d\d(?:\.\d+)?)?(?:Z|[+-]\d\d:\d\d)?(?![\w.]))
    | (?P<guid>[0-9A-Fa-f]{8}(?:-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}(?![\w.-]))
    | (?P<date>\d{4}-\d\d-\d\d(?![\w.-]))
    | (?P<number>[+-]?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?(?![\w.-]))
    | (?P<name>(?:Microsoft\.Dynamics\.CRM\.)?[A-Za-z_][A-Za-z0-9_]*|\$it\b)
    | (?P<text>'(?:[^']|'')*')
    | (?P<punctuation>[(),/:\[\]]|-(?=[\s(\w$-])(?!\d)|=(?!=))
    | (?P<quoted>"(?:[^"\\]|\\.)*")
    | (?P<end>\Z)
    )
    """,
    re.VERBOSE | re.ASCII,
)
_SPACE = re.compile("[ \t\r\n\u00a0]*")
_FOREIGN: tuple[tuple[str, str], ...] = (
    ("<>", 'write "ne"'),
    ("!=", 'write "ne"'),
    ("<=", 'write "le"'),
    (">=", 'write "ge"'),
    ("==", 'write "eq"'),
    ("&&", 'write "and"'),
    ("||", 'write "or"'),
    ("=", 'write "eq"'),
    ("<", 'write "lt"'),
    (">", 'write "gt"'),
    ("!", 'write "not"'),
    ('"', "texts stand in single quotes"),
    ("“", "texts stand in single quotes"),
    ("‘", "texts stand in straight single quotes"),
    ("’", "texts stand in straight single quotes"),
    ("[", "lists stand in parentheses"),
    ("]", "lists stand in parentheses"),
    (".", 'write "/" between the steps of a path'),
    ("+", 'write "add"'),
    ("*", 'write "mul"'),
    ("%", 'write "mod"'),
    ("-", 'write "sub"'),
)
_BAD_CHARACTERS = re.compile("[\u0000-\u0008\u000b\u000c\u000e-\u001f\u007f\ud800-\udfff]")
_KINDS: Mapping[str, TokenKind] = {kind.value: kind for kind in TokenKind}
_PUNCTUATION = "punctuation"
_LISTED = frozenset(
    {
        TokenKind.TEXT, TokenKind.QUOTED, TokenKind.NUMBER, TokenKind.GUID, TokenKind.DATE,
        TokenKind.DATE_TIME, TokenKind.COMMA,
    }
)  # fmt: skip


def split(text: str, *, most: int = MAX_CHARACTERS) -> tuple[Token, ...]:
    """Return the tokens of a condition of at most so many characters, the last one of kind END.

    Raises:
        ConditionError: The text is too long or holds something that is no token.
    """
    if len(text) > most:
        raise ConditionError(
            f"a condition of {len(text)} characters is too long; at most {most} are read", most
        )
    if bad := _BAD_CHARACTERS.search(text):
        raise ConditionError(
            f"the character U+{ord(bad.group()):04X} cannot stand in a condition", bad.start()
        )
    tokens: list[Token] = []
    offset, kind = 0, TokenKind.COMMA
    while kind is not TokenKind.END:
        match = _PATTERN.match(text, offset)
        if match is None:
            raise _no_token(text, _SPACE.match(text, offset).end())  # type: ignore[union-attr]
        group: str = match.lastgroup  # type: ignore[assignment]
        word = match[group]
        kind = _KINDS[word if group == _PUNCTUATION else group]
        offset = match.end()
        tokens.append(Token(kind, word, offset - len(word)))
    if len(text) > MAX_CHARACTERS:
        _limit_words(tokens)
        _limit_names(tokens)
    return tuple(tokens)


def _limit_words(tokens: Sequence[Token]) -> None:
    """Refuse a text that is long by what it says, not by the values that it lists."""
    words = [token for token in tokens if token.kind not in _LISTED]
    if len(words) > MAX_WORDS:
        raise ConditionError(f"a condition has at most {MAX_WORDS} words", words[MAX_WORDS].offset)


def _limit_names(tokens: Sequence[Token]) -> None:
    for token in tokens:
        if token.kind is TokenKind.NAME and len(token.text) > MAX_NAME:
            raise ConditionError(f"{token} is too long for a name", token.offset)


def foreign(text: str, offset: int) -> ConditionError | None:
    """Return the error for a sign of another language that stands at a place, if one does."""
    for sign, advice in _FOREIGN:
        if text.startswith(sign, offset):
            return ConditionError(f"{sign} is not part of a condition", offset, advice)
    return None


def _no_token(text: str, offset: int) -> ConditionError:
    """Return the error for a place where no token begins."""
    rest = text[offset:]
    if rest.startswith("'"):
        return ConditionError(
            "this text has no end", offset, "close it with '; a quote inside a text is written ''"
        )
    if rest[0].isdigit() or rest[0] in "+-":
        word = re.match(r"[^\s(),/']+", rest)
        if word and len(word.group()) > 1:
            return ConditionError(f"{word.group()[:40]} is no number, date or id", offset)
    return foreign(text, offset) or ConditionError(
        f'"{rest[0]}" is not part of a condition', offset
    )
