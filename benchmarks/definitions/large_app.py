"""Writes an app with many entities of its own: fields of every common type, forms, views, labels.

The same size always makes the same files, so that two versions of Kartoteka can be compared.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

_LABELLED_TOGETHER = 50  # entities whose Polish texts stand in one file
_GRANTED_TOGETHER = 200  # entities that one role grants something on
_OPTIONS = ("draft", "tried", "proven", "stopped")


@dataclass(frozen=True, slots=True)
class LargeApp:
    """An app folder and what was written into it."""

    folder: Path
    entities: int
    fields: int

    @property
    def names(self) -> tuple[str, ...]:
        """Return the logical names of its own entities."""
        return tuple(_entity_name(number) for number in range(self.entities))

    def entity_file(self, number: int) -> Path:
        """Return the file that defines an entity."""
        return self.folder / "metadata" / "entities" / f"{_entity_name(number)}.yaml"

    def form_file(self, number: int) -> Path:
        """Return the file of an entity's main form."""
        return self.folder / "metadata" / "forms" / f"{_entity_name(number)}_main.yaml"

    def labels_file(self, number: int) -> Path:
        """Return the file with the Polish texts of an entity and some of its neighbours."""
        group = number // _LABELLED_TOGETHER
        return self.folder / "metadata" / "labels" / f"pl_{group:03}.yaml"


def write_large_app(folder: Path, *, entities: int, fields: int) -> LargeApp:
    """Return the app, written anew into ``folder`` unless it is there in this size already."""
    app = LargeApp(folder, entities, fields)
    facts = folder / "size.json"
    size = json.dumps({"entities": entities, "fields": fields})
    if facts.is_file() and facts.read_text("utf-8") == size:
        return app
    shutil.rmtree(folder, ignore_errors=True)
    for name, text in _files(app):
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, "utf-8")
    facts.write_text(size, "utf-8")
    return app


def _files(app: LargeApp) -> Iterator[tuple[str, str]]:
    yield "kartoteka.yaml", "name: large\nlabel: Large\nplugins: []\nlanguages: [en, pl]\n"
    for number, name in enumerate(app.names):
        yield f"metadata/entities/{name}.yaml", _entity(app, number)
        yield f"metadata/forms/{name}_main.yaml", _form(app, name)
        yield from _views(app, number)
    for group in range(0, app.entities, _LABELLED_TOGETHER):
        document = f"pl_{group // _LABELLED_TOGETHER:03}"
        yield f"metadata/labels/{document}.yaml", _labels(app, document, group)
    for group in range(0, app.entities, _GRANTED_TOGETHER):
        role = f"keeper_{group // _GRANTED_TOGETHER:03}"
        yield f"metadata/security_roles/{role}.yaml", _role(app, role, group)
        area = f"area_{group // _GRANTED_TOGETHER:03}"
        yield f"metadata/navigation/{area}.yaml", _area(app, area, group)


def _entity_name(number: int) -> str:
    return f"kind_{number:04}"


def _fields(app: LargeApp) -> list[tuple[str, str]]:
    """Return name and type of an entity's own fields; the first is its name."""
    repeated = (
        "text", "whole_number", "choice", "money", "date", "yes_no", "decimal", "multi_line",
        "date_time", "shared_choice", "text", "email",
    )  # fmt: skip
    own = [("name", "text"), ("parent", "lookup"), ("holder", "contact_lookup")]
    rest = range(app.fields - len(own))
    return own + [
        (f"{repeated[index % len(repeated)]}_{index:02}", repeated[index % len(repeated)])
        for index in rest
    ]


def _entity(app: LargeApp, number: int) -> str:
    name = _entity_name(number)
    lines = [
        "# yaml-language-server: $schema=../../.kartoteka/schemas/entity.schema.json",
        "kind: entity",
        "format: 1",
        f"name: {name}",
        f"label: {{ en: Kind {number} }}",
        f"plural_label: {{ en: Kinds {number} }}",
        "primary_field: name",
        "features: [notes, audit]",
        "",
        "fields:",
    ]
    for field, kind in _fields(app):
        lines += [f"  - name: {field}", *_field_lines(app, number, field, kind)]
    return "\n".join(lines) + "\n"


def _field_lines(app: LargeApp, number: int, field: str, kind: str) -> list[str]:
    label = f"    label: {{ en: {_title(field)} of kind {number} }}"
    match kind:
        case "lookup":
            target = _entity_name((number * 7 + 3) % app.entities)
            return ["    type: lookup", label, f"    target: {target}"]
        case "contact_lookup":
            return ["    type: lookup", label, "    target: contact"]
        case "whole_number":
            return ["    type: whole_number", label, "    min: 0", "    max: 100000"]
        case "choice":
            options = [
                f"      - {{ name: {option}, value: {value}, label: {{ en: {option.title()} }} }}"
                for value, option in enumerate(_OPTIONS, 1)
            ]
            return ["    type: choice", label, "    options:", *options]
        case "shared_choice":
            return ["    type: choice", label, "    choice: industry"]
        case "decimal":
            return ["    type: decimal", label, "    precision: 3"]
        case "multi_line":
            return ["    type: text", label, "    max_length: 2000", "    format: multi_line"]
        case "email":
            return ["    type: text", label, "    format: email"]
        case "yes_no":
            return ["    type: yes_no", label, "    default: false"]
        case "text":
            return ["    type: text", label, "    max_length: 200"]
        case _:
            return [f"    type: {kind}", label]


def _form(app: LargeApp, name: str) -> str:
    fields = _fields(app)
    lines = [
        "kind: form", "format: 1", f"name: {name}_main", f"entity: {name}", "type: main",
        "label: { en: Main }", "header: [ownerid, statuscode]", "tabs:",
        "  - name: summary", "    label: { en: Summary }", "    columns: 2", "    sections:",
    ]  # fmt: skip
    for start in range(0, len(fields), 10):
        lines += [
            f"      - name: part_{start:02}",
            f"        label: {{ en: Part {start} }}",
            "        controls:",
        ]
        for field, kind in fields[start : start + 10]:
            is_long = kind == "multi_line"
            lines.append(f"          - {{ field: {field}, rows: 4 }}" if is_long
                         else f"          - {field}")  # fmt: skip
    return "\n".join(lines) + "\n"


def _views(app: LargeApp, number: int) -> Iterator[tuple[str, str]]:
    """Yield the files of an entity's views: a list, quick find, and for some a lookup view."""
    name = _entity_name(number)
    named = {kind: field for field, kind in reversed(_fields(app))}
    shown = [field for field in (named.get(k) for k in ("whole_number", "choice", "date")) if field]
    wanted = [(f"active_{name}", "public"), (f"{name}_quick_find", "quick_find")]
    if number % 2:
        wanted.append((f"{name}_lookup", "lookup"))
    for view, kind in wanted:
        lines = [
            "kind: view", "format: 1", f"name: {view}", f"entity: {name}", f"type: {kind}",
            f"label: {{ en: Active kinds {number} }}",
        ]  # fmt: skip
        if kind == "public":
            number_field = named.get("whole_number", "versionnumber")
            lines += [
                "default: true",
                f"filter: \"statecode eq 'active' and {number_field} gt 10\"",
            ]
        lines += [f"order: [{', '.join(['name', *shown[:1]])}]", "columns:"]
        columns = ["name", "parent", "holder/fullname", *shown, "createdon", "ownerid"]
        lines += [f"  - {column}" for column in columns]
        if kind == "quick_find":
            lines.append("find: [name]")
        yield f"metadata/views/{view}.yaml", "\n".join(lines) + "\n"


def _labels(app: LargeApp, document: str, first: int) -> str:
    lines = ["kind: labels", "format: 1", f"name: {document}", "language: pl", "entities:"]
    numbers = range(first, min(first + _LABELLED_TOGETHER, app.entities))
    for number in numbers:
        lines += [
            f"  {_entity_name(number)}:",
            f"    label: Rodzaj {number}",
            f"    plural_label: Rodzaje {number}",
            "    fields:",
        ]
        lines += [f"      {field}: {_title(field)} rodzaju {number}" for field, _ in _fields(app)]
    lines.append("views:")
    lines += [f"  active_{_entity_name(number)}: Aktywne rodzaje {number}" for number in numbers]
    return "\n".join(lines) + "\n"


def _role(app: LargeApp, role: str, first: int) -> str:
    lines = ["kind: role", "format: 1", f"name: {role}", f"label: {{ en: Keeper {first} }}"]
    lines.append("privileges:")
    for number in range(first, min(first + _GRANTED_TOGETHER, app.entities)):
        levels = "create: user, read: organization, write: user, delete: user, append: user"
        lines.append(f"  - {{ entity: {_entity_name(number)}, {levels} }}")
    return "\n".join(lines) + "\n"


def _area(app: LargeApp, area: str, first: int) -> str:
    lines = ["kind: navigation", "format: 1", f"name: {area}", f"label: {{ en: Area {first} }}"]
    lines.append("groups:")
    for start in range(first, min(first + _GRANTED_TOGETHER, app.entities), 20):
        lines += [f"  - name: group_{start:04}", f"    label: {{ en: Group {start} }}"]
        lines.append("    entries:")
        lines += [
            f"      - {{ name: {name}, entity: {name}, view: active_{name} }}"
            for name in app.names[start : start + 20]
        ]
    return "\n".join(lines) + "\n"


def _title(field: str) -> str:
    return field.replace("_", " ").capitalize()
