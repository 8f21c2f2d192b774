"""The words of a SQL text, each with its place."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from kartoteka.query.query_error import QueryError, error_at

PART = "sql"
MOST_CHARACTERS = 32_768
MOST_TOKENS = 5_000


class TokenKind(StrEnum):
    """What a token is."""

    NAME = "name"
    QUOTED = "quoted name"
    TEXT = "text"
    NUMBER = "number"
    SIGN = "sign"
    END = "end"


@dataclass(frozen=True, slots=True)
class Token:
    """One word; ``text`` of names and texts is without their quotes."""

    kind: TokenKind
    text: str
    offset: int

    @property
    def word(self) -> str:
        """Return an unquoted name in capitals, to be held against keywords; else nothing."""
        return self.text.upper() if self.kind is TokenKind.NAME else ""

    def is_sign(self, *signs: str) -> bool:
        """Return whether it is one of these signs."""
        return self.kind is TokenKind.SIGN and self.text in signs


_WORDS = re.compile(
    r"""(?P<space>\s+)
    |(?P<comment>--|/\*)
    |[Nn]?'(?P<text>(?:[^']|'')*)'
    |\[(?P<bracketed>[^\]]{1,200})\]
    |"(?P<quoted>[^"]{1,200})"
    |(?P<number>\d{1,40}(?:\.\d{1,40})?)(?![\w.])
    |(?P<name>[A-Za-z_][A-Za-z0-9_]*)
    |(?P<sign><>|!=|<=|>=|[=<>(),.*;+-])""",
    re.VERBOSE | re.ASCII,
)


def sql_error(text: str, offset: int, message: str, hint: str = "") -> QueryError:
    """Return an error that points at a character of a SQL text."""
    return error_at(message, part=PART, text=text, offset=offset, hint=hint)


def split(text: str) -> list[Token]:
    """Return the tokens of a text, the end of it last.

    Raises:
        QueryError: A character begins no token, or there are too many.
    """
    if len(text) > MOST_CHARACTERS:
        raise QueryError(f"more than {MOST_CHARACTERS} characters", part=PART)
    found = list(_tokens(text))
    if len(found) > MOST_TOKENS:
        raise sql_error(text, found[MOST_TOKENS].offset, f"more than {MOST_TOKENS} words")
    return found


def _tokens(text: str) -> Iterator[Token]:
    at = 0
    while at < len(text):
        match = _WORDS.match(text, at)
        if match is None:
            what = "this text has no end" if text[at] == "'" else f'"{text[at]}" begins nothing'
            raise sql_error(text, at, what)
        if match["comment"]:
            raise sql_error(text, at, "comments are not read")
        for name, kind in _KINDS.items():
            if (word := match[name]) is not None:
                said = word.replace("''", "'") if kind is TokenKind.TEXT else word
                yield Token(kind, said, at)
        at = match.end()
    yield Token(TokenKind.END, "", len(text))


_KINDS = {
    "text": TokenKind.TEXT,
    "bracketed": TokenKind.QUOTED,
    "quoted": TokenKind.QUOTED,
    "number": TokenKind.NUMBER,
    "name": TokenKind.NAME,
    "sign": TokenKind.SIGN,
}
