"""``parse``: the text of a condition → the tree of ``syntax``."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from uuid import UUID

from kartoteka.conditions.condition_error import ConditionError
from kartoteka.conditions.syntax import (
    MAX_LOOKUP_STEPS,
    And,
    Call,
    Comparison,
    Condition,
    Literal,
    LiteralKind,
    Membership,
    Not,
    Operand,
    Operator,
    Or,
    Path,
)
from kartoteka.conditions.tokens import Token, TokenKind, split

MAX_DEPTH = 50
MAX_ITEMS = 500
MAX_DIGITS = 60
MAX_EXPONENT = 400

_OPERATORS = {operator.value: operator for operator in Operator}
_WORDS = frozenset({*_OPERATORS, "and", "or", "not", "in", "null", "true", "false"})
_OTHER_SPELLINGS = {
    **{word: word for word in _WORDS},
    "is": "eq",
    "equals": "eq",
    "like": "contains(field,'text')",
    "gte": "ge",
    "lte": "le",
    "neq": "ne",
}
_WORD_LITERALS = {
    "null": (LiteralKind.NULL, None),
    "true": (LiteralKind.BOOLEAN, True),
    "false": (LiteralKind.BOOLEAN, False),
}


def parse(text: str) -> Condition:
    """Return the tree of a condition's text.

    Raises:
        ConditionError: The text is not a condition; the offset says where it stops being one.
    """
    return _Parser(split(text)).condition()


class _Parser:
    """Reads tokens from left to right, one method a rule of the grammar."""

    def __init__(self, tokens: tuple[Token, ...]) -> None:
        self._tokens = tokens
        self._next = 0
        self._depth = 0

    def condition(self) -> Condition:
        if self._is_at(TokenKind.END):
            raise ConditionError("the condition is empty", 0)
        found = self._or()
        self._must_be_condition(found)
        if not self._is_at(TokenKind.END):
            raise self._unexpected('"and", "or" or the end')
        return found

    def _or(self) -> Condition:
        return self._chain("or", self._and, Or)

    def _and(self) -> Condition:
        return self._chain("and", self._not, And)

    def _chain(
        self, word: str, rule: Callable[[], Condition], node: type[And] | type[Or]
    ) -> Condition:
        offset = self._here.offset
        terms = [rule()]
        while self._accept_word(word):
            self._must_be_condition(terms[-1])
            terms.append(rule())
        if len(terms) == 1:
            return terms[0]
        self._must_be_condition(terms[-1])
        return node(tuple(terms), offset)

    def _not(self) -> Condition:
        offset = self._here.offset
        if not self._accept_word("not"):
            return self._comparison()
        self._go_deeper(offset)
        term = self._not()
        self._must_be_condition(term)
        self._depth -= 1
        return Not(term, offset)

    def _comparison(self) -> Condition:
        left = self._primary()
        word = self._here
        if word.kind is not TokenKind.NAME or word.text in ("and", "or"):
            return left
        self._next += 1
        operand = self._as_operand(left)
        if word.text in _OPERATORS:
            right = self._as_operand(self._primary())
            return Comparison(operand, _OPERATORS[word.text], right, operand.offset)
        if word.text == "in":
            return Membership(operand, self._items(), operand.offset)
        self._next -= 1
        raise self._unexpected('an operator such as "eq"')

    def _primary(self) -> Condition:
        token = self._here
        match token.kind:
            case TokenKind.OPEN:
                return self._parenthesized()
            case TokenKind.NAME if token.text not in _WORDS:
                return self._call() if self._after.kind is TokenKind.OPEN else self._path()
            case TokenKind.NAME if token.text in _WORD_LITERALS:
                self._next += 1
                kind, value = _WORD_LITERALS[token.text]
                return Literal(kind, value, token.offset)
            case kind if kind in _READ_LITERAL:
                self._next += 1
                return _READ_LITERAL[kind](token)
        raise self._unexpected("a field, a value or a parenthesis")

    def _parenthesized(self) -> Condition:
        self._go_deeper(self._here.offset)
        self._next += 1
        found = self._or()
        self._expect(TokenKind.CLOSE)
        self._depth -= 1
        return found

    def _call(self) -> Call:
        name = self._here
        self._go_deeper(name.offset)
        self._next += 2
        arguments: list[Condition] = []
        while not self._is_at(TokenKind.CLOSE):
            if arguments:
                self._expect(TokenKind.COMMA)
            self._limit_items(len(arguments))
            arguments.append(self._or())
        self._next += 1
        self._depth -= 1
        return Call(name.text, tuple(arguments), name.offset)

    def _path(self) -> Path:
        first = self._here
        steps = [first.text]
        self._next += 1
        while self._is_at(TokenKind.SLASH):
            self._next += 1
            if not self._is_at(TokenKind.NAME) or self._here.text in _WORDS:
                raise self._unexpected("the name of a field")
            if len(steps) > MAX_LOOKUP_STEPS:
                raise ConditionError(
                    f"a path goes over at most {MAX_LOOKUP_STEPS} lookups", first.offset
                )
            steps.append(self._here.text)
            self._next += 1
        return Path(tuple(steps), first.offset)

    def _items(self) -> tuple[Operand, ...]:
        self._expect(TokenKind.OPEN)
        if self._is_at(TokenKind.CLOSE):
            raise ConditionError('the list after "in" is empty', self._here.offset)
        items = [self._as_operand(self._primary())]
        while self._is_at(TokenKind.COMMA):
            self._limit_items(len(items))
            self._next += 1
            items.append(self._as_operand(self._primary()))
        self._expect(TokenKind.CLOSE)
        return tuple(items)

    @property
    def _here(self) -> Token:
        return self._tokens[self._next]

    @property
    def _after(self) -> Token:
        return self._tokens[min(self._next + 1, len(self._tokens) - 1)]

    def _is_at(self, kind: TokenKind) -> bool:
        return self._here.kind is kind

    def _accept_word(self, word: str) -> bool:
        if self._is_at(TokenKind.NAME) and self._here.text == word:
            self._next += 1
            return True
        return False

    def _expect(self, kind: TokenKind) -> None:
        if not self._is_at(kind):
            raise self._unexpected(f'"{kind.value}"')
        self._next += 1

    def _go_deeper(self, offset: int) -> None:
        self._depth += 1
        if self._depth > MAX_DEPTH:
            raise ConditionError(f"more than {MAX_DEPTH} levels of nesting", offset)

    def _limit_items(self, count: int) -> None:
        if count >= MAX_ITEMS:
            raise ConditionError(f"more than {MAX_ITEMS} items in one list", self._here.offset)

    def _as_operand(self, node: Condition) -> Operand:
        if isinstance(node, Operand):
            return node
        raise ConditionError("a whole condition cannot be compared", node.offset)

    def _must_be_condition(self, node: Condition) -> None:
        """Refuse a value that stands where something true or false must stand."""
        if isinstance(node, Literal) and node.kind is not LiteralKind.BOOLEAN:
            raise ConditionError(
                "a value alone is no condition", node.offset, "compare a field with it"
            )

    def _unexpected(self, wanted: str) -> ConditionError:
        found = self._here
        advice = _OTHER_SPELLINGS.get(found.text.lower()) if found.text not in _WORDS else None
        hint = f"write {advice}" if advice else ""
        return ConditionError(f"expected {wanted}, found {found}", found.offset, hint)


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


_READ_LITERAL: dict[TokenKind, Callable[[Token], Literal]] = {
    TokenKind.TEXT: _read_text,
    TokenKind.NUMBER: _read_number,
    TokenKind.DATE: _read_date,
    TokenKind.DATE_TIME: _read_date_time,
    TokenKind.GUID: _read_guid,
}
