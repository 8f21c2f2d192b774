"""The words that conditions keep for themselves, and what people write in their stead."""

from __future__ import annotations

from kartoteka.conditions.syntax import Operator

OPERATORS = {operator.value: operator for operator in Operator}
BINDING = {"add": 1, "sub": 1, "mul": 2, "div": 2, "divby": 2, "mod": 2}
KEYWORDS = frozenset({*OPERATORS, *BINDING, "and", "or", "not", "in", "null", "true", "false"})
OTHER_SPELLINGS = {
    **{word: word for word in KEYWORDS},
    "is": "eq",
    "equals": "eq",
    "like": "like(field,'text%')",
    "gte": "ge",
    "lte": "le",
    "neq": "ne",
    "plus": "add",
    "minus": "sub",
    "times": "mul",
    "has": "contains(field,'option')",
}
