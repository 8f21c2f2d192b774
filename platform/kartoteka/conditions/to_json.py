"""``to_json``, ``expression_to_json``: nested lists that the interpreter in the browser reads.

| list | holds when |
|---|---|
| ``["true"]``, ``["false"]`` | always, never |
| ``["and", c, …]``, ``["or", c, …]``, ``["not", c]`` | as they say |
| ``["null", path]`` | the field is empty |
| ``["eq", path, kind, value]`` and ``ne gt ge lt le`` | as ``typed.Compared`` says |
| ``["in", path, kind, [value, …]]`` | the field equals one |
| ``["contains", path, text]``, ``startswith``, ``endswith`` | the text is found |
| ``["has", path, number]`` | the multi-choice holds the option |
| ``["like", path, [part, …]]`` | the folded text is made of the parts |
| ``["period", path, key]`` | it lies in the period that the asker's ``periods`` have there |
| ``["my", path, name]`` | the id is in one of ``AskedSetName`` |
| ``["under", path, entity, itself, value]``, ``["above", …]`` | as ``typed.InHierarchy`` says |
| ``["related", operator, kind, e, e]`` | as ``typed.Related`` says |
| ``["textrelated", function, e, e]`` | the second text is found in the first |
| ``["any", collection, variable, c]`` | an item makes c true; without c: there is an item |

| list | gives |
|---|---|
| ``["field", kind, path]`` | what the field holds |
| ``["value", kind, value]`` | the value, null when empty |
| ``["me", "id"]``, ``["mybusinessunit", "id"]``, ``["now", kind]`` | what the request knows |
| ``["call", kind, name, e, …]`` | what a row of ``FUNCTIONS`` computes |
| ``["case", kind, [[c, e], …], e]`` | the value of the first that holds, else the last |

Texts of conditions are folded already, those of expressions are not. Numbers of kind whole and
decimal are text, so that no digit is lost; dates and times are ISO 8601; ``["me"]`` in a value's
place is the id of the user who asks, ``["now"]`` the time. Parts of a pattern are a character, 1
for any one, 0 for any number of them, and ``[outside, [first, last], …]`` for one of some, or of
all others.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from decimal import Decimal
from typing import Any

from kartoteka.conditions.asker import Asker
from kartoteka.conditions.like_pattern import (
    AnyCharacter,
    AnyText,
    OneCharacter,
    PatternPart,
    pattern_parts,
)
from kartoteka.conditions.periods import intervals
from kartoteka.conditions.typed import (
    AllOf,
    AnyOf,
    Applied,
    Asked,
    Case,
    Compared,
    Constant,
    Expression,
    FieldPath,
    Fixed,
    HasOption,
    InAskedSet,
    InHierarchy,
    InPeriod,
    IsEmpty,
    Like,
    Negated,
    OneOf,
    Quantified,
    Related,
    TextRelated,
    TextTest,
    TypedCondition,
    Value,
    ValueKind,
)
from kartoteka.conditions.walk import parts_of
from kartoteka.text_folding import fold

Json = list[Any]


def to_json(condition: TypedCondition) -> Json:
    """Return a condition as nested lists of JSON values."""
    match condition:
        case Fixed(holds):
            return ["true" if holds else "false"]
        case AllOf(terms):
            return ["and", *(to_json(term) for term in terms)]
        case AnyOf(terms):
            return ["or", *(to_json(term) for term in terms)]
        case Negated(term):
            return ["not", to_json(term)]
        case IsEmpty(path):
            return ["null", path.key]
        case Compared(path, operator, value):
            return [operator.value, path.key, path.kind.value, _value_of(path, value)]
        case OneOf(path, values):
            return ["in", path.key, path.kind.value, [_value_of(path, value) for value in values]]
        case TextTest(path, function, text):
            return [function.value, path.key, fold(text)]
        case HasOption(path, option):
            return ["has", path.key, option]
        case Like(path, pattern):
            return ["like", path.key, [_part(part) for part in pattern_parts(pattern)]]
        case InPeriod(path):
            return ["period", path.key, _period_key(condition)]
        case InAskedSet(path, name):
            return ["my", path.key, name.value]
        case InHierarchy(path, entity, _, is_under, includes_itself, asked):
            where, value = "under" if is_under else "above", _value_of(path, asked)
            return [where, path.key, entity, includes_itself, value]
        case Related(left, operator, right):
            sides = expression_to_json(left), expression_to_json(right)
            return ["related", operator.value, left.kind.value, *sides]
        case TextRelated(function, subject, sought):
            texts = expression_to_json(subject), expression_to_json(sought)
            return ["textrelated", function.value, *texts]
        case Quantified(collection, variable, inner):
            asked_of_items = [] if inner is None else [to_json(inner)]
            return ["any", collection.key, variable, *asked_of_items]


def expression_to_json(expression: Expression) -> Json:
    """Return an expression as nested lists of JSON values; the second item is its kind."""
    kind = expression.kind.value
    match expression:
        case FieldPath():
            return ["field", kind, expression.key]
        case Constant(value):
            return ["value", kind, None if value is None else _value(expression.kind, value)]
        case Asked(name):
            return [name.value, kind]
        case Applied(function, arguments):
            return ["call", kind, function, *(expression_to_json(one) for one in arguments)]
        case Case(branches, otherwise):
            cases = [[to_json(when), expression_to_json(value)] for when, value in branches]
            return ["case", kind, cases, expression_to_json(otherwise)]


def asker_to_json(asker: Asker, nodes: Iterable[TypedCondition | Expression]) -> dict[str, Any]:
    """Return what the interpreter needs to know of who asks, to evaluate these.

    Periods are those that the nodes name, worked out now: ``[[first, end], …]`` by key.
    """
    named = [part for node in nodes for part in parts_of(node) if isinstance(part, InPeriod)]
    return {
        "user": asker.user_id,
        "unit": asker.business_unit_id,
        "zone": asker.time_zone,
        "now": _value(ValueKind.INSTANT, asker.now),
        "teams": sorted(asker.team_ids),
        "people": sorted(asker.people_ids),
        "peopleTeams": sorted(asker.people_team_ids),
        "parents": {entity: dict(above) for entity, above in asker.parents.items()},
        "periods": {_period_key(period): _intervals(period, asker) for period in named},
    }


def _intervals(period: InPeriod, asker: Asker) -> Json:
    kind = period.path.kind
    return [
        [None if bound is None else _value(kind, bound) for bound in pair]
        for pair in intervals(period.name, period.arguments, asker, kind)
    ]


def _period_key(period: InPeriod) -> str:
    arguments = ",".join(str(argument) for argument in period.arguments)
    return f"{period.path.kind.value}|{period.name}|{arguments}"


def _part(part: PatternPart) -> Any:
    match part:
        case AnyText():
            return 0
        case AnyCharacter():
            return 1
        case OneCharacter(ranges, is_outside):
            return [is_outside, *(list(pair) for pair in ranges)]
        case str():
            return part


def _value_of(path: FieldPath, value: Value) -> Any:
    """Return a value that a field is compared with, texts folded."""
    if isinstance(value, str) and path.kind is ValueKind.TEXT:
        return fold(value)
    return _value(path.kind, value)


def _value(kind: ValueKind, value: Value) -> Any:
    match value:
        case Asked(name):
            return [name.value]
        case str() | bool() | float():
            return value
        case int():
            return str(value) if kind is ValueKind.WHOLE else value
        case Decimal():
            return format(value, "f")
        case datetime():
            return value.isoformat().replace("+00:00", "Z")
        case date():
            return value.isoformat()
        case tuple():
            return list(value)
