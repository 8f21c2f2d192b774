"""Whether a document surely has the shape of its JSON Schema: one function, made of small ones.

It only says yes or "perhaps not"; ``jsonschema`` then tells what is wrong. A generated check
(fastjsonschema) took six times as long, because it asks for each key that a map could have; this
one asks about the keys that are there. Values are those that ``yaml_tree`` makes.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from decimal import Decimal
from typing import Any

from kartoteka.loading.positioned import YamlList, YamlMap

Check = Callable[[Any], bool]

_TYPES: Mapping[str, tuple[type, ...]] = {
    "array": (YamlList,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, Decimal),
    "object": (YamlMap,),
    "string": (str,),
}
_SAYS_NOTHING = frozenset({"$defs", "$schema", "default", "description", "title"})
_OF_STRINGS = frozenset({"maxLength", "minLength", "pattern"})
_OF_NUMBERS = frozenset({"maximum", "minimum"})
_OF_LISTS = frozenset({"items", "minItems"})
_OF_MAPS = frozenset({
    "additionalProperties", "minProperties", "properties", "propertyNames", "required",
})  # fmt: skip
_OF_ANY = frozenset({"$ref", "const", "else", "enum", "if", "type"})
_KNOWN = _SAYS_NOTHING | _OF_STRINGS | _OF_NUMBERS | _OF_LISTS | _OF_MAPS | _OF_ANY


def compile_shape(schema: Mapping[str, Any]) -> Check:
    """Return a function that returns true for documents which the schema surely allows.

    Raises:
        ValueError: The schema has a keyword that is not understood here.
    """
    return _Compiler(schema["$defs"]).compiled(schema)


class _Compiler:
    """Compiles one schema with its definitions, each of them once."""

    def __init__(self, definitions: Mapping[str, Any]) -> None:
        self._definitions = definitions
        self._compiled: dict[str, Check] = {}

    def compiled(self, schema: Mapping[str, Any]) -> Check:
        unknown = {key for key in schema if key not in _KNOWN and not key.startswith("x-")}
        if unknown:
            raise ValueError(f"keywords of a JSON Schema that are not understood: {unknown}")
        checks = []
        if "$ref" in schema:
            checks.append(self._referred(schema["$ref"].rsplit("/", 1)[1]))
        if "enum" in schema or "const" in schema:
            checks.append(_one_of(schema.get("enum", [schema.get("const")])))
        if "if" in schema:
            checks.append(self._if_else(schema))
        if not schema.keys() <= {"$ref", "const", "enum"} | _SAYS_NOTHING:
            checks.append(self._by_type(schema))
        return _all(checks)

    def _referred(self, name: str) -> Check:
        if name not in self._compiled:
            self._compiled[name] = lambda value: self._compiled[name](value)  # it may hold itself
            self._compiled[name] = self.compiled(self._definitions[name])
        return self._compiled[name]

    def _if_else(self, schema: Mapping[str, Any]) -> Check:
        holds, otherwise = self.compiled(schema["if"]), self.compiled(schema["else"])
        return lambda value: holds(value) or otherwise(value)

    def _by_type(self, schema: Mapping[str, Any]) -> Check:
        """Return what looks at a value's type first, then at what the schema says of that type."""
        named = schema.get("type", list(_TYPES))
        checks: dict[type, Check] = {}
        for name in [named] if isinstance(named, str) else named:
            for kind in _TYPES[name]:
                checks[kind] = self._of_type(kind, schema)
        refuse = _never
        return lambda value: checks.get(type(value), refuse)(value)

    def _of_type(self, kind: type, schema: Mapping[str, Any]) -> Check:
        if kind is str:
            return _string(schema)
        if kind in (int, Decimal):
            return _number(schema)
        if kind is YamlList:
            return self._list(schema)
        return self._map(schema) if kind is YamlMap else _always

    def _list(self, schema: Mapping[str, Any]) -> Check:
        least = schema.get("minItems", 0)
        item = self.compiled(schema["items"]) if "items" in schema else _always
        return lambda value: len(value) >= least and all(map(item, value))

    def _map(self, schema: Mapping[str, Any]) -> Check:
        properties = {
            key: self.compiled(inner) for key, inner in schema.get("properties", {}).items()
        }
        said = schema.get("additionalProperties", True)
        other = self.compiled(said) if isinstance(said, Mapping) else _always if said else _never
        name = self.compiled(schema["propertyNames"]) if "propertyNames" in schema else None
        required, least = frozenset(schema.get("required", ())), schema.get("minProperties", 0)

        def check(value: YamlMap) -> bool:
            if len(value) < least or not required <= value.keys():
                return False
            if name is not None and not all(map(name, value)):
                return False
            for key, item in value.items():
                if not properties.get(key, other)(item):
                    return False
            return True

        return check


def _always(_: Any) -> bool:
    return True


def _never(_: Any) -> bool:
    return False


def _all(checks: list[Check]) -> Check:
    match checks:
        case []:
            return _always
        case [only]:
            return only
        case _:
            return lambda value: all(check(value) for check in checks)


def _one_of(allowed: list[Any]) -> Check:
    exactly = {(type(item), item) for item in allowed}  # 1 is not true
    plain = frozenset(type(item) for item in allowed)
    return lambda value: type(value) in plain and (type(value), value) in exactly


def _string(schema: Mapping[str, Any]) -> Check:
    low, high = schema.get("minLength", 0), schema.get("maxLength")
    found = re.compile(schema["pattern"]).search if "pattern" in schema else None
    if found is None and high is None and not low:
        return _always
    if found is None:
        return lambda value: low <= len(value) and (high is None or len(value) <= high)
    return lambda value: (
        low <= len(value) and (high is None or len(value) <= high) and found(value) is not None
    )


def _number(schema: Mapping[str, Any]) -> Check:
    low, high = schema.get("minimum"), schema.get("maximum")
    return lambda value: (low is None or low <= value) and (high is None or value <= high)
