"""Texts of OData options: cut apart where nothing is open, each piece with its place."""

from __future__ import annotations

from dataclasses import dataclass

from kartoteka.query.query_error import QueryError, error_at

MOST_CHARACTERS = 131_072  # of an option that holds lists of values, as of FetchXML
_MOST_OTHERS = 32_768
_LARGEST_NUMBER, _MOST_DIGITS = 10**9, 20
_WITH_LISTS = ("$filter", "$expand")
_OPEN = {"(": ")", "[": "]"}


@dataclass(frozen=True, slots=True)
class Piece:
    """A part of an option's text.

    ``option`` is the option's name, ``whole`` its text, ``start`` where the piece begins in it, in
    characters from 0.
    """

    text: str
    option: str
    whole: str
    start: int = 0

    def error(self, message: str, hint: str = "", *, at: int = 0) -> QueryError:
        """Return an error that points at a character of the piece."""
        offset = self.start + at
        return error_at(message, part=self.option, text=self.whole, offset=offset, hint=hint)

    def cut(self, start: int, end: int | None = None) -> Piece:
        """Return what lies between two characters of the piece, without spaces around it."""
        text = self.text[start:end]
        blank = len(text) - len(text.lstrip())
        return Piece(text.strip(), self.option, self.whole, self.start + start + blank)

    def split(self, separator: str) -> list[Piece]:
        """Return the pieces between separators that stand in no quotes and no brackets.

        Raises:
            QueryError: A quote or a bracket has no end, or a bracket no beginning.
        """
        found, begin = [], 0
        closing: list[str] = []
        at = 0
        while at < len(self.text):
            sign = self.text[at]
            if sign in "'\"":
                at = self._after_quote(at)
                continue
            if sign in _OPEN:
                closing.append(_OPEN[sign])
            elif closing and sign == closing[-1]:
                closing.pop()
            elif sign in ")]":
                raise self.error(f'"{sign}" closes nothing', at=at)
            elif sign == separator and not closing:
                found.append(self.cut(begin, at))
                begin = at + 1
            at += 1
        if closing:
            raise self.error(f'"{closing[-1]}" is missing', at=len(self.text))
        found.append(self.cut(begin))
        return found

    def call(self) -> tuple[str, Piece] | None:
        """Return name and inside of ``name(inside)``, None when the piece is no call."""
        name, bracket, _ = self.text.partition("(")
        if not bracket or not self.text.endswith(")"):
            return None
        return name.strip(), self.cut(len(name) + 1, len(self.text) - 1)

    def number(self, of: str) -> int:
        """Return how many of something the piece says.

        Raises:
            QueryError: It is no whole number, or one beyond all that there can be.
        """
        text = self.text
        is_number = text.isascii() and text.isdigit() and len(text) <= _MOST_DIGITS
        if not is_number or int(text) > _LARGEST_NUMBER:
            raise self.error(f'"{text[:40]}" is no number of {of}')
        return int(text)

    def _after_quote(self, at: int) -> int:
        end = self.text.find(self.text[at], at + 1)
        if end < 0:
            raise self.error("this text has no end", at=at)
        return end + 1


def piece_of(option: str, text: str) -> Piece:
    """Return an option's text as one piece.

    Raises:
        QueryError: It is too long.
    """
    most = MOST_CHARACTERS if option in _WITH_LISTS else _MOST_OTHERS
    if len(text) > most:
        message = f"{len(text)} characters are too many; at most {most} are read"
        raise QueryError(message, part=option)
    return Piece(text, option, text).cut(0)
