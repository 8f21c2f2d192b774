"""``parse``: the text of a condition → the tree of ``syntax``."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from decimal import Decimal

from kartoteka.conditions.condition_error import ConditionError
from kartoteka.conditions.keywords import BINDING, KEYWORDS, OPERATORS
from kartoteka.conditions.read_literal import READ_LITERAL
from kartoteka.conditions.syntax import (
    MAX_LOOKUP_STEPS,
    THE_RECORD,
    And,
    Arithmetic,
    Call,
    Cases,
    Comparison,
    Condition,
    Literal,
    LiteralKind,
    Membership,
    Negative,
    Not,
    Operand,
    Or,
    Path,
    Quantifier,
    Quantity,
)
from kartoteka.conditions.token_reader import MAX_ITEMS, TokenReader
from kartoteka.conditions.tokens import MAX_CHARACTERS, NAMESPACE, TokenKind
from kartoteka.names import did_you_mean

_WORD_LITERALS = {
    "null": (LiteralKind.NULL, None),
    "true": (LiteralKind.BOOLEAN, True),
    "false": (LiteralKind.BOOLEAN, False),
}
_QUANTITIES = {quantity.value: quantity for quantity in Quantity}
_NAMED = ("PropertyName", "PropertyValue", "PropertyValues", "PropertyValue1", "PropertyValue2")


def parse(
    text: str, *, most_characters: int = MAX_CHARACTERS, most_values: int = MAX_ITEMS
) -> Condition:
    """Return the tree of a condition's text.

    ``most_values`` is how many values, written out, one list has.

    Raises:
        ConditionError: The text is not a condition; the offset says where it stops being one.
    """
    return _Parser(text, most_characters, most_values).condition()


def parse_expression(text: str) -> Condition:
    """Return the tree of a value's text: a formula, or a condition for a value of yes or no.

    Raises:
        ConditionError: The text is neither; the offset says where it stops being one.
    """
    return _Parser(text).expression()


class _Parser(TokenReader):
    """Reads tokens from left to right, one method a rule of the grammar."""

    def __init__(
        self, text: str, most_characters: int = MAX_CHARACTERS, most_values: int = MAX_ITEMS
    ) -> None:
        super().__init__(text, most_characters)
        self._most_values = most_values
        self._variables: tuple[str, ...] = (THE_RECORD,)

    def condition(self) -> Condition:
        found = self.expression()
        self._must_be_condition(found)
        return found

    def expression(self) -> Condition:
        if self.is_at(TokenKind.END):
            raise ConditionError("the condition is empty", 0)
        found = self._or()
        if not self.is_at(TokenKind.END):
            self._must_be_condition(found)
            raise self.unexpected('"and", "or" or the end')
        return found

    def _or(self) -> Condition:
        first = self._and()
        if not self.is_word("or"):
            return first
        return Or(self._terms("or", first, self._and), first.offset)

    def _and(self) -> Condition:
        first = self._not()
        if not self.is_word("and"):
            return first
        return And(self._terms("and", first, self._not), first.offset)

    def _terms(
        self, word: str, first: Condition, rule: Callable[[], Condition]
    ) -> tuple[Condition, ...]:
        self._must_be_condition(first)
        terms, height = [first], self.height
        while self.is_word(word):
            self.advance()
            term = rule()
            self._must_be_condition(term)
            terms.append(term)
            height = max(height, self.height)
        self.rise(height, first.offset)
        return tuple(terms)

    def _not(self) -> Condition:
        if not self.is_word("not"):
            return self._comparison()
        offset = self.here.offset
        self.go_deeper(offset)
        self.advance()
        term = self._not()
        self._must_be_condition(term)
        self.depth -= 1
        self.rise(self.height, offset)
        return Not(term, offset)

    def _comparison(self) -> Condition:
        left = self._operand()
        word = self.here
        if word.kind is not TokenKind.NAME or word.text in ("and", "or"):
            return left
        operator = OPERATORS.get(word.text)
        if operator is not None:
            operand, height = self._as_operand(left), self.height
            self.advance()
            right = self._as_operand(self._operand())
            self.rise(max(height, self.height), operand.offset)
            return Comparison(operand, operator, right, operand.offset)
        operand = self._as_operand(left)
        if word.text == "in":
            self.advance()
            most = self._most_values if isinstance(operand, Path) else MAX_ITEMS
            return Membership(operand, self._items(most), operand.offset)
        raise self.unexpected('an operator such as "eq"')

    def _operand(self, binding: int = 1) -> Condition:
        """Return a value, with the arithmetic that binds at least so closely."""
        left = self._primary()
        while True:
            word = self.here
            if word.kind is not TokenKind.NAME or BINDING.get(word.text, 0) < binding:
                return left
            operand, height = self._as_operand(left), self.height
            self.advance()
            right = self._as_operand(self._operand(BINDING[word.text] + 1))
            self.rise(max(height, self.height), word.offset)
            left = Arithmetic(operand, word.text, right, operand.offset)

    def _primary(self) -> Condition:
        token = self.here
        kind = token.kind
        self.height = 0
        if kind is TokenKind.NAME:
            if token.text not in KEYWORDS:
                is_call = self.after.kind is TokenKind.OPEN
                return self._call() if is_call else self._path()
            if token.text in _WORD_LITERALS:
                self.advance()
                return Literal(*_WORD_LITERALS[token.text], token.offset)
        elif kind in READ_LITERAL:
            self.advance()
            return READ_LITERAL[kind](token)
        elif kind is TokenKind.OPEN:
            return self._parenthesized()
        elif kind is TokenKind.MINUS:
            return self._negative()
        raise self.unexpected("a field, a value or a parenthesis")

    def _negative(self) -> Condition:
        offset = self.here.offset
        self.go_deeper(offset)
        self.advance()
        term = self._as_operand(self._primary())
        self.depth -= 1
        if isinstance(term, Literal) and isinstance(term.value, Decimal):
            return Literal(LiteralKind.NUMBER, -term.value, offset)
        self.rise(self.height, offset)
        return Negative(term, offset)

    def _parenthesized(self) -> Condition:
        self.go_deeper(self.here.offset)
        self.advance()
        found = self._or()
        self.expect(TokenKind.CLOSE)
        self.depth -= 1
        return found

    def _call(self) -> Call | Cases:
        name = self.here
        self.go_deeper(name.offset)
        self.advance()
        self.advance()
        if name.text == "case":
            return self._cases(name.offset)
        function = name.text.removeprefix(NAMESPACE)
        if self.here.kind is TokenKind.NAME and self.after.kind is TokenKind.EQUALS:
            arguments = self._named_arguments(name.offset)
        else:
            arguments = self._arguments(with_lists=function[:1].isupper())
        self.depth -= 1
        return Call(function, arguments, name.offset)

    def _arguments(self, *, with_lists: bool) -> tuple[Condition, ...]:
        arguments: list[Condition] = []
        height = 0
        while self.here.kind is not TokenKind.CLOSE:
            if arguments:
                self.expect(TokenKind.COMMA)
            self.limit_items(len(arguments), self._most_values if with_lists else MAX_ITEMS)
            if with_lists and self.here.kind is TokenKind.OPEN_LIST:
                arguments += self._list()
            elif with_lists and self.here.kind is TokenKind.QUOTED:
                arguments.append(self._listed())
            else:
                arguments.append(self._or())
                height = max(height, self.height)
        self.advance()
        self.rise(height, self.here.offset)
        return tuple(arguments)

    def _named_arguments(self, offset: int) -> tuple[Condition, ...]:
        """Return the path and the values of ``(PropertyName='a',PropertyValues=['x'])``."""
        path: Path | None = None
        values: list[Condition] = []
        while True:
            name = self.here
            if name.kind is not TokenKind.NAME or name.text not in _NAMED:
                hint = did_you_mean(name.text, _NAMED)
                raise ConditionError(f"expected PropertyName, found {name}", name.offset, hint)
            self.advance()
            self.expect(TokenKind.EQUALS)
            if name.text == "PropertyName":
                path = self._property_name()
            elif self.here.kind is TokenKind.OPEN_LIST:
                values += self._list()
            else:
                values.append(self._listed())
            if self.here.kind is not TokenKind.COMMA:
                break
            self.advance()
        self.expect(TokenKind.CLOSE)
        if path is None:
            raise ConditionError("PropertyName is missing", offset, "add PropertyName='…'")
        self.rise(0, offset)
        return (path, *values)

    def _property_name(self) -> Path:
        """Return the path that stands in quotes, or without."""
        token = self.here
        if token.kind is TokenKind.NAME:
            found = self._path()
            if isinstance(found, Path):
                return found
        elif token.kind in (TokenKind.TEXT, TokenKind.QUOTED):
            self.advance()
            steps = tuple(token.text[1:-1].split("/"))
            if all(step.isidentifier() and step.isascii() for step in steps):
                return Path(steps, token.offset + 1)
            raise ConditionError(f"{token} is not the name of a field", token.offset)
        raise ConditionError(f"expected the name of a field, found {token}", token.offset)

    def _list(self) -> list[Condition]:
        """Return the values of ``['a',"b",3]``."""
        self.expect(TokenKind.OPEN_LIST)
        items: list[Condition] = []
        while self.here.kind is not TokenKind.CLOSE_LIST:
            if items:
                self.expect(TokenKind.COMMA)
            self.limit_items(len(items), self._most_values)
            items.append(self._listed())
        self.advance()
        return items

    def _listed(self) -> Condition:
        token = self.here
        if token.kind is not TokenKind.QUOTED:
            value = self._primary()
            if isinstance(value, Literal):
                return value
            raise ConditionError("only values written out can stand here", value.offset)
        self.advance()
        try:
            return Literal(LiteralKind.TEXT, json.loads(token.text, strict=False), token.offset)
        except ValueError:
            raise ConditionError("this text cannot be read", token.offset) from None

    def _cases(self, offset: int) -> Cases:
        branches: list[tuple[Condition, Condition]] = []
        height = 0
        while self.here.kind is not TokenKind.CLOSE or not branches:
            if branches:
                self.expect(TokenKind.COMMA)
            self.limit_items(len(branches))
            condition = self._or()
            self._must_be_condition(condition)
            height = max(height, self.height)
            self.expect(TokenKind.COLON)
            branches.append((condition, self._or()))
            height = max(height, self.height)
        self.advance()
        self.depth -= 1
        self.rise(height, offset)
        return Cases(tuple(branches), offset)

    def _path(self) -> Path | Quantifier:
        first = self.here
        steps = [first.text]
        most = MAX_LOOKUP_STEPS + (first.text in self._variables)
        self.advance()
        while self.here.kind is TokenKind.SLASH:
            self.advance()
            name = self.here
            if name.kind is not TokenKind.NAME or name.text in KEYWORDS:
                raise self.unexpected("the name of a field")
            if name.text in _QUANTITIES and self.after.kind is TokenKind.OPEN:
                return self._quantifier(Path(tuple(steps), first.offset))
            if len(steps) > most:
                raise ConditionError(
                    f"a path goes over at most {MAX_LOOKUP_STEPS} lookups", first.offset
                )
            steps.append(name.text)
            self.advance()
        return Path(tuple(steps), first.offset)

    def _quantifier(self, collection: Path) -> Quantifier:
        word, quantity = self.here, _QUANTITIES[self.here.text]
        self.go_deeper(word.offset)
        self.advance()
        self.advance()
        variable, term = "", None
        if self.here.kind is not TokenKind.CLOSE or quantity is Quantity.ALL:
            variable = self._variable()
            outside = self._variables
            self._variables = (*outside, variable)
            term = self._or()
            self._must_be_condition(term)
            self._variables = outside
        self.expect(TokenKind.CLOSE)
        self.depth -= 1
        self.rise(self.height, word.offset)
        return Quantifier(collection, quantity, variable, term, collection.offset)

    def _variable(self) -> str:
        """Return the ``c`` of ``any(c:c/name eq 'x')``."""
        name = self.here
        if name.kind is not TokenKind.NAME or name.text in KEYWORDS or "$" in name.text:
            raise self.unexpected("a variable and a colon, as in any(x:x/name eq 'a')")
        self.advance()
        self.expect(TokenKind.COLON)
        if name.text in self._variables:
            raise ConditionError(f'the variable "{name.text}" is taken', name.offset)
        return name.text

    def _items(self, most: int) -> tuple[Operand, ...]:
        if self.here.kind is TokenKind.NAME and self.after.kind is TokenKind.OPEN:
            return (self._as_operand(self._primary()),)
        return tuple(self._listed_items(most))

    def _listed_items(self, most: int) -> Iterator[Operand]:
        """Yield the items of a list: at most so many values, and fewer of everything else."""
        offset, height, others = self.here.offset, 0, 0
        self.expect(TokenKind.OPEN)
        if self.here.kind is TokenKind.CLOSE:
            raise ConditionError('the list after "in" is empty', self.here.offset)
        for count in range(1, most + 2):
            item = self._as_operand(self._operand())
            others += not isinstance(item, Literal)
            height = max(height, self.height)
            yield item
            if self.here.kind is not TokenKind.COMMA:
                break
            self.limit_items(count, most)
            self.limit_items(others)
            self.advance()
        self.expect(TokenKind.CLOSE)
        self.rise(height, offset)

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
