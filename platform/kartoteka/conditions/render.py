"""``render``: the tree of ``syntax`` → text that parses to the same tree."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from kartoteka.conditions.syntax import (
    And,
    Arithmetic,
    Call,
    Cases,
    Comparison,
    Condition,
    Literal,
    Membership,
    Negative,
    Not,
    Operand,
    Or,
    Path,
    Quantifier,
)

_LOOSE = ("add", "sub")  # what binds less closely than the other arithmetic


def render(condition: Condition) -> str:
    """Return a condition or a value as text, with no more parentheses than it needs."""
    match condition:
        case And(terms):
            return " and ".join(_inside(term, And, Or) for term in terms)
        case Or(terms):
            return " or ".join(_inside(term, Or) for term in terms)
        case Not(term):
            return f"not {_inside(term, And, Or)}"
        case Comparison(left, operator, right):
            return f"{render(left)} {operator.value} {render(right)}"
        case Membership(left, items):
            return f"{render(left)} in {_items(items)}"
        case Call(function, arguments):
            return f"{function}({_listed(arguments)})"
        case Arithmetic(left, operator, right):
            return f"{_factor(left, operator)} {operator} {_factor(right, operator, last=True)}"
        case Negative(term):
            return f"-({render(term)})" if isinstance(term, _SIGNED) else f"-{render(term)}"
        case Cases(branches):
            return f"case({','.join(f'{render(c)}:{render(value)}' for c, value in branches)})"
        case Quantifier(collection, quantity, variable, term):
            inside = "" if term is None else f"{variable}:{render(term)}"
            return f"{collection}/{quantity.value}({inside})"
        case Path():
            return str(condition)
        case Literal():
            return render_literal(condition)


def render_literal(literal: Literal) -> str:
    """Return a literal as conditions write it."""
    match literal.value:
        case None:
            return "null"
        case bool(value):
            return "true" if value else "false"
        case str(text):
            return "'" + text.replace("'", "''") + "'"
        case datetime() as moment:
            return moment.isoformat().replace("+00:00", "Z")
        case other:
            return str(other)


_SIGNED = (Literal, Arithmetic, Negative)


def _inside(term: Condition, *parenthesized: type[And] | type[Or]) -> str:
    text = render(term)
    return f"({text})" if isinstance(term, parenthesized) else text


def _listed(items: Sequence[Condition]) -> str:
    return ",".join(render(item) for item in items)


def _items(items: tuple[Operand, ...]) -> str:
    """Return what stands behind ``in``: a list, or a set such as ``myteams()``."""
    is_call = len(items) == 1 and isinstance(items[0], Call)
    return _listed(items) if is_call else f"({_listed(items)})"


def _factor(node: Operand, operator: str, *, last: bool = False) -> str:
    """Return one side of an operator, in parentheses when it binds less closely than that."""
    text = render(node)
    if not isinstance(node, Arithmetic):
        return text
    is_loose = node.operator in _LOOSE
    is_same = is_loose == (operator in _LOOSE)
    return f"({text})" if (last if is_same else is_loose) else text
