"""``render``: the tree of ``syntax`` → text that parses to the same tree."""

from __future__ import annotations

from datetime import datetime

from kartoteka.conditions.syntax import (
    And,
    Call,
    Comparison,
    Condition,
    Literal,
    Membership,
    Not,
    Or,
    Path,
)


def render(condition: Condition) -> str:
    """Return a condition as text, with no more parentheses than it needs."""
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
            return f"{render(left)} in ({','.join(render(item) for item in items)})"
        case Call(function, arguments):
            return f"{function}({','.join(render(argument) for argument in arguments)})"
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


def _inside(term: Condition, *parenthesized: type[And] | type[Or]) -> str:
    text = render(term)
    return f"({text})" if isinstance(term, parenthesized) else text
