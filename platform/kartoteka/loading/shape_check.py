"""One file against the JSON Schema of its kind: each mismatch becomes a diagnostic.

What is refused is taken out of the document, so that reading goes on with the rest and nobody
complains about the same mistake twice.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources
from itertools import islice
from typing import Any

import fastjsonschema
from jsonschema import Draft202012Validator, ValidationError

from kartoteka.diagnostics import Diagnostics
from kartoteka.loading.positioned import YamlList, YamlMap
from kartoteka.names import did_you_mean

KINDS = (
    "bundle", "choice", "entity", "field_group", "form", "labels", "navigation", "relationship",
    "role", "view",
)  # fmt: skip

MAX_MISTAKES_PER_FILE = 100

_EXTENSION_KEYS = {
    "after": {"type": "string", "description": "the name of a neighbour"},
    "before": {"type": "string", "description": "the name of a neighbour"},
    "remove": {"const": True, "description": "true"},
}
_TYPE_NAMES = {
    "array": "a list", "boolean": "true or false", "integer": "a whole number",
    "number": "a number", "object": "a map", "string": "a text",
}  # fmt: skip


def check_shape(document: YamlMap, kind: str, diagnostics: Diagnostics) -> None:
    """Check one document; refused keys and items are gone from it afterwards.

    A document with ``extends`` may leave out what a definition must have, and its named items may
    say ``after``, ``before`` and ``remove``.
    """
    is_extension = "extends" in document
    if _quick_check(kind, is_extension)(document):
        return
    found = Diagnostics()
    for error in _sorted(_validator(kind, is_extension).iter_errors(document)):
        _report(document, error, found)
    diagnostics.extend(islice(found, MAX_MISTAKES_PER_FILE))
    if len(found) > MAX_MISTAKES_PER_FILE:
        diagnostics.add(
            document.mark.location(), "shape/too-many",
            f"the file has {len(found)} mistakes; the first {MAX_MISTAKES_PER_FILE} are shown",
        )  # fmt: skip
    _drop_refused_items(document)


def check_complete(document: YamlMap, kind: str, diagnostics: Diagnostics) -> None:
    """Report what a definition lacks once all extensions have been merged into it."""
    if _quick_check(kind, False)(document):
        return
    for error in _sorted(_validator(kind, False).iter_errors(document)):
        if error.validator == "required":
            _report(document, error, diagnostics)
_OTHER_BOOLEANS = {
    "yes": "write true", "on": "write true", "no": "write false", "off": "write false",
}  # fmt: skip


class _RefusedItem:
    """Stands in a list for an item that was refused, until all errors are reported."""


_REFUSED = _RefusedItem()


def _report(document: YamlMap, error: ValidationError, diagnostics: Diagnostics) -> None:
    steps = list(error.absolute_path)
    place = _container(document, steps)
    if place is None:
        return  # inside something that was refused already
    match error.validator:
        case "additionalProperties":
            _report_unknown_keys(error, steps, diagnostics)
        case "required":
            _report_missing(error, steps, diagnostics)
        case "propertyNames":
            pass  # its own errors follow, each at its key
        case _:
            _report_value(place, error, steps, diagnostics)


def _report_unknown_keys(
    error: ValidationError, steps: list[Any], diagnostics: Diagnostics
) -> None:
    found = error.instance
    known = _properties(error.schema)
    for key in [key for key in found if key not in known]:
        subject = f'"{_short(key)}" is not a key of {_thing(steps)}'
        if key in _EXTENSION_KEYS:
            hint = "only items of a document with extends have it"
        elif key == "name" and not steps and "extends" in found:
            subject += " with extends"
            hint = "name defines something new, extends adds to what is there"
        else:
            hint = did_you_mean(key, known) or f"known here: {', '.join(sorted(known))}"
        diagnostics.add(
            found.at_key(key, _dotted(steps, key)), "shape/unknown-key", subject, hint
        )  # fmt: skip
        found.take_out(key)


def _report_missing(error: ValidationError, steps: list[Any], diagnostics: Diagnostics) -> None:
    found = error.instance
    required = error.validator_value
    for key in required:
        # jsonschema reports each missing key by itself; the message names it first.
        if key in found or key in found.damaged or not error.message.startswith(f"'{key}' "):
            continue
        found.damaged.add(key)
        diagnostics.add(
            found.mark.location(_dotted(steps)), "shape/missing-key",
            f'{_thing(steps)} needs "{key}"',
        )  # fmt: skip


def _report_value(
    place: tuple[YamlMap | YamlList, Any],
    error: ValidationError,
    steps: list[Any],
    diagnostics: Diagnostics,
) -> None:
    parent, step = place
    schema = error.schema if isinstance(error.schema, Mapping) else {}
    if error.validator == "pattern" and "propertyNames" in error.absolute_schema_path:
        found = parent[step] if steps else parent
        key = error.instance
        is_split = found.get(key, "") is None  # { en: Now, or later }
        diagnostics.add(
            found.at_key(key, _dotted(steps, key)), "shape/bad-language",
            f'"{_short(key)}" is not {schema["description"]}',
            "put a text that holds a comma in quotes" if is_split else "",
        )  # fmt: skip
        found.take_out(key)
        return
    location = parent.at(step, _dotted(steps))
    subject = f'"{step}"' if isinstance(parent, YamlMap) else f"an item of {_list_name(steps)}"
    code, message, hint = _wording(error, schema, subject)
    diagnostics.add(location, code, message, hint)
    if code == "shape/bad-name":
        return  # it still names what it names
    if isinstance(parent, YamlMap):
        parent.take_out(step)
    else:
        parent[step] = _REFUSED


def _wording(
    error: ValidationError, schema: Mapping[str, Any], subject: str
) -> tuple[str, str, str]:
    value = error.instance
    expected = schema.get("description", "")
    match error.validator:
        case "type":
            names = error.validator_value
            if not expected:
                expected = _TYPE_NAMES[names if isinstance(names, str) else names[0]]
            return "shape/wrong-type", f"{subject} must be {expected}, not {_shown(value)}", (
                _type_hint(value, expected)
            )
        case "enum" | "const":
            allowed = error.validator_value if error.validator == "enum" else [
                error.validator_value
            ]
            texts = [_plain(item) for item in allowed]
            listed = expected or f"one of {', '.join(texts)}"
            return "shape/bad-value", f"{subject} must be {listed}, not {_shown(value)}", (
                did_you_mean(value, texts) if isinstance(value, str) else ""
            )
        case "minItems" | "minProperties" | "minLength":
            return "shape/empty", f"{subject} must not be empty", ""
        case "pattern" | "maxLength" if expected.startswith("a name "):
            return "shape/bad-name", f"{_shown(value)} is not {expected}", ""
        case "minimum" | "maximum":
            return "shape/bad-value", f"{subject} must be {expected}, not {_shown(value)}", ""
        case "maxLength":
            limit = error.validator_value
            return "shape/bad-value", f"{subject} has more than {limit} characters", ""
        case _:
            return "shape/bad-value", f"{subject} must be {expected}, not {_shown(value)}", ""


def _type_hint(value: Any, expected: str) -> str:
    if value is None:
        return "nothing stands after the colon"
    if expected.startswith("a map of texts by language") and isinstance(value, str):
        return f"write {{ en: {_short(value)} }}"
    if not isinstance(value, (str, dict, list)) and ("text" in expected or "quotes" in expected):
        return f'write "{_plain(value)}" in quotes'
    if expected == "true or false" and isinstance(value, str):
        return _OTHER_BOOLEANS.get(value.lower(), "")
    if expected.startswith("a list") and isinstance(value, str):
        return f"write [{_short(value)}]"
    if expected.startswith(("a name", "the name")) and isinstance(value, list):
        return "only one can stand here"
    return ""


def _container(document: YamlMap, steps: list[Any]) -> tuple[YamlMap | YamlList, Any] | None:
    """Return what holds the value that ``steps`` lead to, or None when it is gone."""
    if not steps:
        return document, ""
    found: Any = document
    for step in steps[:-1]:
        found = _step(found, step)
    if not isinstance(found, (YamlMap, YamlList)) or _step(found, steps[-1]) is _REFUSED:
        return None
    return found, steps[-1]


def _step(found: Any, step: Any) -> Any:
    if isinstance(found, YamlMap):
        return found.get(step, _REFUSED)
    if isinstance(found, YamlList) and isinstance(step, int) and step < len(found):
        return found[step]
    return _REFUSED


def _drop_refused_items(value: Any) -> None:
    if isinstance(value, YamlMap):
        for item in value.values():
            _drop_refused_items(item)
    elif isinstance(value, YamlList):
        kept = [(item, mark) for item, mark in value.marked() if item is not _REFUSED]
        value[:] = [item for item, _ in kept]
        value.item_marks = [mark for _, mark in kept]
        for item in value:
            _drop_refused_items(item)


def _sorted(errors: Iterator[ValidationError]) -> list[ValidationError]:
    """Return errors so that what holds others comes first."""
    return sorted(errors, key=lambda e: (len(e.absolute_path), [str(s) for s in e.absolute_path]))


_THINGS = {
    "": "the document", "columns": "a column", "commands": "a command", "controls": "a control",
    "entries": "an entry", "fields": "a field", "groups": "a group", "keys": "a key",
    "options": "an option", "parameters": "a parameter", "privileges": "a privilege",
    "reasons": "a reason", "sections": "a section", "states": "a state", "tabs": "a tab",
    "transitions": "a transition",
}  # fmt: skip


def _thing(steps: list[Any]) -> str:
    """Return what the map at ``steps`` is, in words."""
    if not steps:
        return "the document"
    if isinstance(steps[-1], int):
        return _THINGS.get(_list_key(steps), f'an item of "{_list_key(steps)}"')
    return f'"{steps[-1]}"'


def _list_key(steps: list[Any]) -> str:
    return next((step for step in reversed(steps) if isinstance(step, str)), "")


def _list_name(steps: list[Any]) -> str:
    return f'"{_list_key(steps)}"'


def _dotted(steps: list[Any], *more: str) -> str:
    return ".".join(str(step) for step in (*steps, *more))


def _shown(value: Any) -> str:
    match value:
        case None:
            return "nothing"
        case dict():
            return "a map"
        case list():
            return "a list"
        case str():
            return f'"{_short(value)}"'
        case _:
            return _plain(value)


def _plain(value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return str(value)


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:59] + "…"


def _properties(schema: Any) -> Mapping[str, Any]:
    found: Mapping[str, Any] = schema.get("properties", {})
    return found


@cache
def schema_of(kind: str, is_extension: bool = False) -> dict[str, Any]:
    """Return the JSON Schema of a document kind with everything it refers to inside."""
    folder = resources.files("kartoteka") / "schemas"
    shared = json.loads((folder / "shared.schema.json").read_text("utf-8"))
    text = (folder / f"{kind}.schema.json").read_text("utf-8")
    schema: dict[str, Any] = json.loads(text.replace('"shared.schema.json#/', '"#/'))
    schema["$defs"] = {**shared["$defs"], **schema.get("$defs", {})}
    return _relaxed(schema) if is_extension else schema


def _relaxed(schema: dict[str, Any]) -> dict[str, Any]:
    """Return the schema of an extension: nothing is required, named items may be placed."""
    relaxed: dict[str, Any] = _without_required(schema)
    definitions = relaxed["$defs"]
    for item in _items_of(relaxed, definitions):
        item["properties"] = {**item["properties"], **_EXTENSION_KEYS}
    relaxed["required"] = ["kind", "format", "extends"]
    del relaxed["properties"]["name"]
    return relaxed


def _without_required(schema: Any) -> Any:
    if isinstance(schema, dict):
        return {
            key: _without_required(value)
            for key, value in schema.items()
            if key not in ("if", "else") and not (key == "required" and isinstance(value, list))
        }
    if isinstance(schema, list):
        return [_without_required(item) for item in schema]
    return schema


def _items_of(schema: Any, definitions: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the schemas of all maps that stand in lists, each once."""
    found: dict[int, dict[str, Any]] = {}

    def look(part: Any) -> None:
        if isinstance(part, dict):
            items = part.get("items")
            if isinstance(items, dict):
                if "$ref" in items:
                    items = definitions[items["$ref"].rsplit("/", 1)[1]]
                if "properties" in items:
                    found[id(items)] = items
            for value in part.values():
                look(value)
        elif isinstance(part, list):
            for value in part:
                look(value)

    look(schema)
    return list(found.values())


@cache
def _validator(kind: str, is_extension: bool) -> Draft202012Validator:
    return Draft202012Validator(schema_of(kind, is_extension))


@cache
def _quick_check(kind: str, is_extension: bool) -> Any:
    """Return a compiled check that only says whether a document is right."""
    schema = {**schema_of(kind, is_extension), "$schema": "http://json-schema.org/draft-07/schema"}
    compiled = fastjsonschema.compile(schema, use_default=False)

    def is_right(document: YamlMap) -> bool:
        try:
            compiled(document)
        except fastjsonschema.JsonSchemaValueException:
            return False
        return True

    return is_right
