"""``READ_LITERAL``: tokens of values → literals."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from uuid import UUID

from kartoteka.conditions.condition_error import ConditionError
from kartoteka.conditions.syntax import Literal, LiteralKind
from kartoteka.conditions.tokens import Token, TokenKind

MAX_DIGITS = 60
MAX_EXPONENT = 400


def _read_text(token: Token) -> Literal:
    return Literal(LiteralKind.TEXT, token.text[1:-1].replace("''", "'"), token.offset)


def _read_number(token: Token) -> Literal:
    try:
        number: Decimal | None = Decimal(token.text)
    except InvalidOperation:
        number = None
    if (
        number is None
        or len(number.as_tuple().digits) > MAX_DIGITS
        or abs(number.adjusted()) > MAX_EXPONENT
    ):
        raise ConditionError("this number is too long", token.offset)
    return Literal(LiteralKind.NUMBER, number, token.offset)


def _read_date(token: Token) -> Literal:
    try:
        return Literal(LiteralKind.DATE, date.fromisoformat(token.text), token.offset)
    except ValueError:
        raise ConditionError(f"{token.text} is no day of the calendar", token.offset) from None


def _read_date_time(token: Token) -> Literal:
    try:
        return Literal(LiteralKind.DATE_TIME, datetime.fromisoformat(token.text), token.offset)
    except ValueError:
        raise ConditionError(f"{token.text} is no moment of the calendar", token.offset) from None


def _read_guid(token: Token) -> Literal:
    return Literal(LiteralKind.GUID, UUID(token.text), token.offset)


READ_LITERAL: Mapping[TokenKind, Callable[[Token], Literal]] = MappingProxyType(
    {
        TokenKind.TEXT: _read_text,
        TokenKind.NUMBER: _read_number,
        TokenKind.DATE: _read_date,
        TokenKind.DATE_TIME: _read_date_time,
        TokenKind.GUID: _read_guid,
    }
)
