"""``parse_sql``: the text of one SELECT → its parts. What else SQL can say is refused by name.

Source: reference web-api, section 8.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NoReturn, TypeVar

from kartoteka.query.query import MOST_JOINS
from kartoteka.query.sql_syntax import (
    Between,
    Column,
    Compare,
    Figure,
    In,
    IsNull,
    Item,
    JoinedTable,
    Like,
    Negation,
    Select,
    Several,
    SortItem,
    Table,
    Term,
    Value,
)
from kartoteka.query.sql_tokens import Token, TokenKind, split, sql_error

FUNCTIONS = ("COUNT", "SUM", "AVG", "MIN", "MAX")
MOST_TOP = 5_000
MOST_SKIPPED = 50_000  # rows that OFFSET leaves out
_MOST_LEVELS = 30  # of brackets and NOT
_MOST_VALUES = 2_000  # of one list
_KEYWORDS = frozenset(
    "SELECT DISTINCT TOP FROM AS JOIN INNER LEFT RIGHT FULL CROSS OUTER ON WHERE AND OR NOT IN"
    " BETWEEN LIKE IS NULL GROUP BY ORDER ASC DESC OFFSET FETCH HAVING"
    " UNION EXCEPT INTERSECT WITH CASE WHEN THEN ELSE END EXISTS ANY ALL SOME OVER INTO INSERT"
    " UPDATE DELETE MERGE CREATE ALTER DROP TRUNCATE EXEC EXECUTE DECLARE SET LIMIT ESCAPE"
    " PERCENT NATURAL PIVOT UNPIVOT OPTION FOR".split()
)
_NOT_READ = {
    "HAVING": "HAVING is not read; filter what comes back",
    "UNION": "UNION is not read; send two requests",
    "EXCEPT": "EXCEPT is not read",
    "INTERSECT": "INTERSECT is not read",
    "WITH": "WITH is not read; write one SELECT",
    "CASE": "CASE is not read",
    "RIGHT": "RIGHT JOIN is not read; write LEFT JOIN from the other table",
    "FULL": "FULL JOIN is not read",
    "CROSS": "CROSS JOIN is not read",
    "NATURAL": "NATURAL JOIN is not read; write JOIN … ON",
    "EXISTS": "a SELECT inside another one is not read; write a JOIN",
    "SELECT": "a SELECT inside another one is not read; write a JOIN",
    "OVER": "functions over windows are not read",
    "INTO": "SELECT INTO is not read: nothing can be written",
    "LIMIT": "LIMIT is not read; write TOP n, or OFFSET … FETCH",
    "ESCAPE": "ESCAPE is not read; write a character in brackets, as in [%]",
    "PERCENT": "TOP … PERCENT is not read",
}
_Found = TypeVar("_Found")


def parse_sql(text: str) -> Select:
    """Return the one SELECT that a text holds.

    Raises:
        QueryError: It is none, or says something that is not read; the error says where.
    """
    return _Parser(text).select()


class _Parser:
    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = split(text)
        self._at = 0
        self._levels = 0

    def select(self) -> Select:
        if self._next.word != "SELECT":
            self._refuse(self._next, "only SELECT is read")
        self._at += 1
        is_distinct, top = bool(self._took("DISTINCT")), None
        if self._took("TOP"):
            bracket = self._took_sign("(")
            top = self._number(MOST_TOP)
            if bracket:
                self._sign(")")
            if self._next.word in ("PERCENT", "WITH"):
                self._unread(self._next)
        items = self._several(self._item)
        self._word("FROM")
        table = self._table()
        joins = []
        while (join := self._join()) is not None:
            joins.append(join)
            if len(joins) > MOST_JOINS:
                self._refuse(self._next, f"more than {MOST_JOINS} joins")
        where = self._term() if self._took("WHERE") else None
        groups: tuple[Column, ...] = ()
        if self._took("GROUP"):
            self._word("BY")
            groups = self._several(self._column)
        order: tuple[SortItem, ...] = ()
        if self._took("ORDER"):
            self._word("BY")
            order = self._several(self._sort_item)
        skipped, fetch = self._paging(top)
        self._took_sign(";")
        if self._next.kind is not TokenKind.END:
            self._unexpected("nothing more is read here")
        return Select(
            items, table, tuple(joins), where, groups, order, is_distinct, top, skipped, fetch
        )

    def _paging(self, top: int | None) -> tuple[int, int | None]:
        begin = self._next
        if not self._took("OFFSET"):
            if begin.word == "FETCH":
                self._refuse(begin, "FETCH belongs after OFFSET … ROWS")
            return 0, None
        if top is not None:
            self._refuse(begin, "OFFSET does not go with TOP")
        skipped = self._number(MOST_SKIPPED)
        self._one_of("ROW", "ROWS")
        if not self._took("FETCH"):
            return skipped, None
        self._one_of("NEXT", "FIRST")
        fetch = self._number(10**9)
        self._one_of("ROW", "ROWS")
        self._word("ONLY")
        return skipped, fetch

    def _item(self) -> Item:
        if self._next.is_sign("*"):
            self._refuse(self._next, "SELECT * is not read", "name the columns")
        what = self._column_or_figure()
        if isinstance(what, Column) and self._next.is_sign("*"):
            self._refuse(self._next, "SELECT * is not read", "name the columns")
        return Item(what, self._alias())

    def _column_or_figure(self) -> Column | Figure:
        begin = self._next
        is_function = begin.word in FUNCTIONS and self._tokens[self._at + 1].is_sign("(")
        return self._figure() if is_function else self._column()

    def _figure(self) -> Figure:
        begin = self._take()
        self._sign("(")
        column, is_distinct = None, False
        if self._next.is_sign("*") and begin.word == "COUNT":
            self._at += 1
        else:
            is_distinct = bool(self._took("DISTINCT"))
            if is_distinct and begin.word != "COUNT":
                self._refuse(begin, f"{begin.word}(DISTINCT …) is not read")
            column = self._column()
        end = self._sign(")")
        if self._next.word == "OVER":
            self._unread(self._next)
        text = self._text[begin.offset : end.offset + 1]
        return Figure(begin.word, column, begin.offset, text, is_distinct)

    def _alias(self) -> str:
        if self._took("AS"):
            return self._name().text
        is_name = self._next.kind in (TokenKind.NAME, TokenKind.QUOTED)
        return self._name().text if is_name and self._next.word not in _KEYWORDS else ""

    def _table(self) -> Table:
        if self._next.is_sign("("):
            self._refuse(self._next, "a SELECT inside another one is not read", "write a JOIN")
        name = self._name()
        if self._next.is_sign("."):
            self._refuse(self._next, "tables have no schema", "name the table alone")
        if self._next.is_sign("("):
            self._refuse(self._next, "functions are not read")
        return Table(name.text.lower(), self._alias() or name.text, name.offset)

    def _join(self) -> JoinedTable | None:
        begin = self._next
        if begin.is_sign(","):
            self._refuse(begin, "one table stands after FROM", "write JOIN … ON")
        if begin.word in ("RIGHT", "FULL", "CROSS", "NATURAL"):
            self._unread(begin)
        is_outer = bool(self._took("LEFT"))
        if is_outer:
            self._took("OUTER")
        elif not self._took("INNER") and begin.word != "JOIN":
            return None
        self._word("JOIN")
        table = self._table()
        self._word("ON")
        return JoinedTable(table, self._term(), is_outer)

    def _term(self) -> Term:
        begin = self._next.offset
        terms = [self._conjunction()]
        while self._took("OR"):
            terms.append(self._conjunction())
        return terms[0] if len(terms) == 1 else Several(tuple(terms), True, begin)

    def _conjunction(self) -> Term:
        begin = self._next.offset
        terms = [self._negation()]
        while self._took("AND"):
            terms.append(self._negation())
        return terms[0] if len(terms) == 1 else Several(tuple(terms), False, begin)

    def _negation(self) -> Term:
        begin = self._next
        self._levels += 1
        if self._levels > _MOST_LEVELS:
            self._refuse(begin, f"more than {_MOST_LEVELS} levels")
        found: Term
        if self._took("NOT"):
            found = Negation(self._negation(), begin.offset)
        elif begin.is_sign("(") and self._tokens[self._at + 1].word != "SELECT":
            self._at += 1
            found = self._term()
            self._sign(")")
        else:
            found = self._test()
        self._levels -= 1
        return found

    def _test(self) -> Term:
        left = self._operand()
        begin = self._next
        if begin.is_sign("=", "<>", "!=", "<", ">", "<=", ">="):
            self._at += 1
            operator = "<>" if begin.text == "!=" else begin.text
            return Compare(left, operator, self._operand(), begin.offset)
        if not isinstance(left, Column):
            self._refuse(begin, "a comparison is expected")
        if self._took("IS"):
            is_not = bool(self._took("NOT"))
            self._word("NULL")
            return self._maybe_not(IsNull(left, begin.offset), is_not, begin)
        is_not = bool(self._took("NOT"))
        if self._took("IN"):
            return self._maybe_not(In(left, self._values(), begin.offset), is_not, begin)
        if self._took("BETWEEN"):
            low = self._value()
            self._word("AND")
            return self._maybe_not(Between(left, low, self._value(), begin.offset), is_not, begin)
        if self._took("LIKE"):
            pattern = self._value()
            if pattern.value is None or pattern.is_number:
                raise sql_error(self._text, pattern.offset, "LIKE takes a text in single quotes")
            if self._next.word == "ESCAPE":
                self._unread(self._next)
            return self._maybe_not(Like(left, pattern, begin.offset), is_not, begin)
        self._unexpected("a comparison is expected")

    def _maybe_not(self, term: Term, is_not: bool, begin: Token) -> Term:
        return Negation(term, begin.offset) if is_not else term

    def _values(self) -> tuple[Value, ...]:
        begin = self._sign("(")
        if self._next.word == "SELECT":
            self._unread(self._next)
        values = self._several(self._value)
        if len(values) > _MOST_VALUES:
            self._refuse(begin, f"more than {_MOST_VALUES} values")
        self._sign(")")
        return values

    def _operand(self) -> Column | Value:
        begin = self._next
        is_value = begin.kind in (TokenKind.TEXT, TokenKind.NUMBER) or begin.word == "NULL"
        found = self._value() if is_value or begin.is_sign("-", "+") else self._column()
        if self._next.is_sign("+", "-", "*"):
            self._refuse(self._next, "nothing is worked out in a condition")
        return found

    def _value(self) -> Value:
        token, sign = self._next, ""
        if token.is_sign("-", "+"):
            self._at += 1
            sign = token.text.strip("+")
        found = self._next
        if found.kind is TokenKind.NUMBER:
            self._at += 1
            return Value(sign + found.text, token.offset, is_number=True)
        if not sign and token is found:
            if found.kind is TokenKind.TEXT:
                self._at += 1
                return Value(found.text, found.offset)
            if self._took("NULL"):
                return Value(None, found.offset)
        self._unexpected("a value is expected: a text in single quotes, or a number")

    def _column(self) -> Column:
        token = self._next
        name = self._name()
        if self._next.is_sign("("):
            self._refuse(token, f"the function {name.text[:40]} is not read")
        if not self._took_sign("."):
            return Column(name.text, name.offset)
        if self._next.is_sign("*"):
            self._refuse(self._next, "SELECT * is not read", "name the columns")
        column = self._name()
        if self._next.is_sign("."):
            self._refuse(self._next, "a column has one table before it")
        return Column(column.text, column.offset, name.text)

    def _sort_item(self) -> SortItem:
        begin = self._next
        what: Column | Figure | int
        if begin.kind is TokenKind.NUMBER:
            what = self._number(10_000)
        else:
            what = self._column_or_figure()
        descending = bool(self._took("DESC"))
        if not descending:
            self._took("ASC")
        return SortItem(what, descending, begin.offset)

    def _name(self) -> Token:
        token = self._next
        if token.kind is TokenKind.QUOTED:
            return self._take()
        if token.kind is not TokenKind.NAME or token.word in _KEYWORDS:
            self._unexpected("a name is expected")
        return self._take()

    def _number(self, most: int) -> int:
        token = self._next
        if token.kind is not TokenKind.NUMBER or not token.text.isdigit():
            self._unexpected("a whole number is expected")
        if len(token.text) > 10 or int(token.text) > most:
            self._refuse(token, f"{token.text[:20]} is more than {most}")
        self._at += 1
        return int(token.text)

    def _several(self, read: Callable[[], _Found]) -> tuple[_Found, ...]:
        found = [read()]
        while self._took_sign(","):
            found.append(read())
        return tuple(found)

    @property
    def _next(self) -> Token:
        return self._tokens[self._at]

    def _take(self) -> Token:
        token = self._next
        self._at += 1
        return token

    def _took(self, word: str) -> Token | None:
        return self._take() if self._next.word == word else None

    def _took_sign(self, sign: str) -> Token | None:
        return self._take() if self._next.is_sign(sign) else None

    def _word(self, word: str) -> None:
        if not self._took(word):
            self._unexpected(f"{word} is expected")

    def _one_of(self, *words: str) -> None:
        if not any(self._took(word) for word in words):
            self._unexpected(f"{' or '.join(words)} is expected")

    def _sign(self, sign: str) -> Token:
        return self._took_sign(sign) or self._unexpected(f'"{sign}" is expected')

    def _unread(self, token: Token) -> NoReturn:
        self._refuse(token, _NOT_READ.get(token.word, f"{token.word} is not read"))

    def _unexpected(self, expected: str) -> NoReturn:
        token = self._next
        if self._at and self._tokens[self._at - 1].is_sign(";"):
            self._refuse(token, "one statement is read, and this is another")
        if token.word in _NOT_READ:
            self._unread(token)
        found = f'"{token.text[:40]}"' if token.kind is not TokenKind.END else "the end"
        self._refuse(token, f"{expected}, {found} was found")

    def _refuse(self, token: Token, message: str, hint: str = "") -> NoReturn:
        raise sql_error(self._text, token.offset, message, hint)
