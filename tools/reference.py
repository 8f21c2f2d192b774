"""Writes the tables in docs/reference: what the JSON Schemas say of keys, and what roles grant.

`python -m tools.reference` from the root of the repository. A table stands between two comments,
`<!-- keys: form/tab -->` and `<!-- end of keys -->`, or `<!-- role: salesperson -->` and
`<!-- end of role -->`; the words around it are written by hand.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT / "platform"))

from kartoteka.assembly import assemble  # noqa: E402
from kartoteka.labels import LabelResolver  # noqa: E402
from kartoteka.loading.document_schemas import (  # noqa: E402
    EXTENSION_KEYS,
    KINDS,
    schema_of,
)
from kartoteka.loading.load_bundle import load_bundle  # noqa: E402
from kartoteka.model.field_types import COMMON_KEYS, FIELD_TYPES  # noqa: E402
from kartoteka.model.role import PRIVILEGES, Role  # noqa: E402
from kartoteka.registry import Registry  # noqa: E402

REFERENCE = ROOT / "docs" / "reference"
_TABLE = re.compile(r"(<!-- keys: ([\w/ ]+) -->\n).*?(<!-- end of keys -->)", re.DOTALL)
_ROLE = re.compile(r"(<!-- role: (\w+) -->\n).*?(<!-- end of role -->)", re.DOTALL)
_PLUGINS = ("sales", "service", "marketing")  # whose records shipped roles are about too
_REACH = {
    "none": "–", "user": "own", "business_unit": "unit", "parent_child": "below",
    "organization": "all",
}  # fmt: skip
_HEAD = ("kind", "format", "name", "extends", "renamed_from", "only_with", "customizable")
_NOUNS = {
    "choice": "a choice", "condition": "a condition", "entity": "an entity", "field": "a field",
    "field@entity": "a field", "field_path": "a field, also over lookups", "form": "a form",
    "navigation": "an area", "option": "a value", "panel": "a panel", "reason": "a status reason",
    "relationship": "a relationship", "role": "a role", "rule": "a rule", "state": "a state",
    "view": "a view", "option of field": "a value", "formula": "a formula",
    "collection": "a collection",
    "condition_of_items": "a condition", "field_of_items": "a field",
    "bundle": "a bundle", "field_group": "a field group", "item": "a name",
}  # fmt: skip
_DEFINITIONS = {
    "fields": "a field or a list of fields", "parts": "a name or a list of names",
    "color": '`"#7a4f01"`', "customizable": "true, false or a list of keys", "icon": "an icon",
    "label": "label", "name": "a name", "option_name": "a name", "relationship_name": "a name",
    "schema_name": "the name with capitals",
    "renamed_from": "a name or a list of names", "text": "text",
    "feature": "a [feature](metadata.md#entity)",
}  # fmt: skip
_TYPES = {
    "boolean": "true, false", "integer": "whole number", "number": "number", "object": "map",
    "string": "text",
}  # fmt: skip


def pages() -> dict[Path, str]:
    """Return ``{page: its text}`` of every page with such tables, the tables made anew."""
    found = {}
    for path in sorted(REFERENCE.glob("*.md")):
        text = path.read_text(encoding="utf-8")
        made = _TABLE.sub(lambda match: match[1] + _table(match[2]) + match[3], text)
        if _ROLE.search(text):
            made = _with_roles(made, shipped_registry())
        if _TABLE.search(text) or _ROLE.search(text):
            found[path] = made
    return found


def _with_roles(text: str, registry: Registry) -> str:
    return _ROLE.sub(lambda match: match[1] + _role(registry, match[2]) + match[3], text)


def shipped_registry() -> Registry:
    """Return what the base bundle and the shipped plugins define together."""
    plugins = (ROOT / "plugins" / f"kartoteka_{name}" / "metadata" for name in _PLUGINS)
    bundles = [load_bundle(folder) for folder in (ROOT / "metadata", *plugins)]
    return assemble(bundles, command_handlers=None, panels=None)


def _role(registry: Registry, name: str) -> str:
    """Return what a role grants, and what it is for."""
    role, labels = registry.roles[name], LabelResolver(registry)
    lines = [labels.text(role.help, "en"), ""]
    if role.grants_all:
        return "\n".join([*lines, "Everything, everywhere.", ""])
    lines += [f"| records | {' | '.join(verb.replace('_', ' ') for verb in PRIVILEGES)} |"]
    lines += ["|---" * (len(PRIVILEGES) + 1) + "|", *_granted(registry, labels, role), ""]
    tasks = ", ".join(f"`{task}`" for task in role.miscellaneous)
    return "\n".join([*lines, f"Further privileges: {tasks or 'none'}.", ""])


def _granted(registry: Registry, labels: LabelResolver, role: Role) -> Iterator[str]:
    by_label = {labels.entities(one.entity, "en"): one for one in role.privileges}
    for label, granted in sorted(by_label.items()):
        levels = (_REACH[granted.levels.get(verb, "none")] for verb in PRIVILEGES)
        yield f"| {label} | {' | '.join(levels)} |"


def tables() -> dict[str, dict[str, Any]]:
    """Return ``{name: properties}`` of every map that metadata may hold."""
    head = schema_of("entity")["properties"]
    found = {"document": {key: head[key] for key in _HEAD}, "extension item": EXTENSION_KEYS}
    for kind in KINDS:
        for name, properties in _maps(schema_of(kind), kind, schema_of(kind)["$defs"]):
            found[name] = properties
        found[kind] = {
            key: value
            for key, value in found[kind].items()
            if key not in _HEAD or (kind, key) == ("bundle", "customizable")
        }
    field = found.pop("entity/field")
    found["field"] = {key: field[key] for key in field if key in COMMON_KEYS}
    found["field/of a type"] = {key: field[key] for key in field if key not in COMMON_KEYS}
    return found


def _maps(schema: Any, name: str, known: Mapping[str, Any]) -> Iterator[tuple[str, dict[str, Any]]]:
    """Yield name and properties of a map and of every map inside it, each once."""
    schema = _resolved(schema, known)
    if "properties" in schema:
        yield name, schema["properties"]
    for key, inner in schema.get("properties", {}).items():
        part = _resolved(inner, known)
        for holder in ("items", "additionalProperties"):
            if isinstance(part.get(holder), Mapping):
                inside = _resolved(part[holder], known)
                singular = part.get("x-names") or _singular(key)
                if "properties" in inside:
                    shared = {"field": "entity/field", "option": "option"}
                    if singular == "parameter" or (singular == "field" and name != "entity"):
                        continue  # the keys of fields stand once
                    yield from _maps(
                        inside, shared.get(singular, f"{name.partition('/')[0]}/{singular}"), known
                    )
        if "properties" in part:
            yield from _maps(part, f"{name}/{key}", known)


def _singular(key: str) -> str:
    return key.removesuffix("ies") + "y" if key.endswith("ies") else key.removesuffix("s")


def _table(name: str) -> str:
    properties = tables()[name]
    has_default = any(_default(schema) for schema in properties.values())
    heads = ["key", "value", *(["default"] if has_default else []), "meaning"]
    if name == "field/of a type":
        heads.insert(1, "types")
    rows = [heads, ["---"] * len(heads)]
    for key, schema in properties.items():
        row = [f"`{key}`", _value(schema)]
        row += [_default(schema)] if has_default else []
        if name == "field/of a type":
            row.insert(1, _types_with(key))
        rows.append([*row, schema["description"].replace("|", "\\|")])
    lines = (f"| {' | '.join(row)} |" if row[0] != "---" else f"|{'|'.join(row)}|" for row in rows)
    return "\n".join(line.replace("|  |", "| |") for line in lines) + "\n"


def _types_with(key: str) -> str:
    types = [name for name, field_type in FIELD_TYPES.items() if key in field_type.keys]
    return "lookups" if "lookup" in types else ", ".join(f"`{name}`" for name in types)


def _value(schema: Mapping[str, Any]) -> str:
    """Return what may stand behind a key, in a few words."""
    if "x-refers-to" in schema:
        return _NOUNS[schema["x-refers-to"]]
    if "$ref" in schema:
        name = schema["$ref"].rsplit("/", 1)[1]
        return _DEFINITIONS.get(name, "map by name")
    if "enum" in schema:
        return ", ".join(f"`{_plain(value)}`" for value in schema["enum"])
    if "const" in schema:
        return f"`{_plain(schema['const'])}`"
    expected = str(schema.get("x-expected", ""))
    if schema.get("type") == "object" and "additionalProperties" in schema:
        return expected.removeprefix("a ") or "map"
    if expected:
        return expected.removeprefix("a ").removeprefix("an ")
    return _TYPES[schema["type"]]


def _default(schema: Mapping[str, Any]) -> str:
    value = schema.get("default")
    if value is None or value in ("", []):
        return ""
    return "a blank" if value == " " else f"`{_plain(value)}`"


def _plain(value: Any) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)


def _resolved(schema: Mapping[str, Any], known: Mapping[str, Any]) -> Mapping[str, Any]:
    while "$ref" in schema:
        definition = known[schema["$ref"].rsplit("/", 1)[1]]
        schema = {**definition, **{key: schema[key] for key in schema if key != "$ref"}}
    return schema


def main() -> None:
    """Write the pages whose tables are not what the schemas and roles say."""
    for path, text in pages().items():
        if path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
            print(path.relative_to(ROOT))


if __name__ == "__main__":
    main()
