"""One file against the JSON Schema of its kind: each mismatch becomes a diagnostic.

What is refused is taken out of the document, so that reading goes on with the rest and nobody
complains about the same mistake twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from itertools import islice
from typing import Any

from jsonschema import ValidationError

from kartoteka.diagnostics import Diagnostics
from kartoteka.loading.document_schemas import (
    EXTENSION_KEYS,
    quick_check,
    schema_of,
    validator_of,
)
from kartoteka.loading.positioned import YamlList, YamlMap
from kartoteka.loading.shape_wording import shortened, wording_of
from kartoteka.names import MAX_OPTION_NAME_LENGTH, did_you_mean

MAX_MISTAKES_PER_FILE = 100


def check_shape(document: YamlMap, kind: str, diagnostics: Diagnostics) -> None:
    """Check one document; refused keys and items are gone from it afterwards.

    A document with ``extends`` may leave out what a definition must have, and its named items may
    say ``after``, ``before`` and ``remove``.
    """
    is_extension = "extends" in document and "extends" in schema_of(kind)["properties"]
    if quick_check(kind, is_extension)(document):
        return
    found = Diagnostics()
    for error in _sorted(validator_of(kind, is_extension).iter_errors(document)):
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
    if quick_check(kind)(document):
        return
    for error in _sorted(validator_of(kind, False).iter_errors(document)):
        if error.validator == "required":
            _report(document, error, diagnostics)


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
    found: Any = error.instance
    known = _properties(error.schema)
    for key in [key for key in found if key not in known]:
        subject = f'"{shortened(key)}" is not a key of {_thing(steps)}'
        if key in EXTENSION_KEYS:
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
    found: Any = error.instance
    required: Any = error.validator_value
    for key in required:
        # jsonschema reports each missing key by itself; the message names it first.
        if key in found or key in found.damaged or not error.message.startswith(f"'{key}' "):
            continue
        found.damaged |= {key}
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
        found: Any = parent[step] if steps else parent
        key: Any = error.instance
        is_split = found.get(key, "") is None  # { en: Now, or later }
        diagnostics.add(
            found.at_key(key, _dotted(steps, key)), "shape/bad-language",
            f'"{shortened(key)}" is not {schema["x-expected"]}',
            "put a text that holds a comma in quotes" if is_split else "",
        )  # fmt: skip
        found.take_out(key)
        return
    location = parent.at(step, _dotted(steps))
    subject = f'"{step}"' if isinstance(parent, YamlMap) else f"an item of {_list_name(steps)}"
    code, message, hint = wording_of(error, schema, subject)
    diagnostics.add(location, code, message, hint)
    if code == "shape/bad-name" and len(str(error.instance)) <= MAX_OPTION_NAME_LENGTH:
        return  # it still names what it names
    if isinstance(parent, YamlMap):
        parent.take_out(step)
    else:
        parent[step] = _REFUSED


def _container(document: YamlMap, steps: list[Any]) -> tuple[YamlMap | YamlList, Any] | None:
    """Return what holds the value that ``steps`` point to, or None when it is gone."""
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
        value.is_damaged |= len(kept) < len(value.item_marks)
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


def _properties(schema: Any) -> Mapping[str, Any]:
    found: Mapping[str, Any] = schema.get("properties", {})
    return found
