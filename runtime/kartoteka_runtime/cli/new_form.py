"""`kartoteka new form ENTITY`: a form that lays out the record type's own fields."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from kartoteka.editing.customize import FileEdit, apply_edits
from kartoteka.model.entity import Entity
from kartoteka.model.field import Field, Required
from kartoteka.names import MAX_NAME_LENGTH, has_prefix
from kartoteka.registry import Registry
from kartoteka.yaml_text.schema_line import schema_line
from kartoteka.yaml_text.source_tree import Entry, Node, node_of
from kartoteka.yaml_text.write_text import document_text
from kartoteka_runtime.app_folder import load_app_folder
from kartoteka_runtime.cli.app_argument import HERE, AppArgument
from kartoteka_runtime.cli.console import answers
from kartoteka_runtime.cli.new_field import entity_of

_TYPES = ("main", "quick_create", "quick_view")
_MOST_ON_QUICK_FORM = 8
_HEADER = ("statuscode", "ownerid")
_PLATFORM = ("createdby", "createdon", "modifiedby", "modifiedon")


def new_form(
    entity: Annotated[str, typer.Argument(metavar="ENTITY", help="The record type.")],
    app: AppArgument = HERE,
    form_type: Annotated[str, typer.Option("--type", help=f"One of {', '.join(_TYPES)}.")] = "main",
) -> None:
    """Write a form of a record type, with its own fields in tabs and sections, to arrange."""
    if form_type not in _TYPES:
        raise typer.BadParameter(f'"{form_type}" is no type of form; use {", ".join(_TYPES)}.')
    app_folder = load_app_folder(app)
    registry = app_folder.registry()
    found = entity_of(registry, entity)
    if form_type == "quick_create" and "quick_create" not in found.features:
        raise typer.BadParameter(
            f'"{entity}" is not created quickly: add quick_create to its features first.'
        )
    name = _free_name(registry, found, form_type)
    folder = app / "metadata"
    file = folder / "forms" / f"{name}.yaml"
    language = app_folder.base_language
    head = [line for line in [schema_line("form", file, folder).rstrip("\n")] if line]
    apply_edits(
        [FileEdit(file, None, document_text(_form(name, found, form_type, language), head))]
    )
    answers.print(f"Made {file}.")
    answers.print("Arrange it, then `kartoteka check` and `kartoteka publish`.")


def _free_name(registry: Registry, entity: Entity, form_type: str) -> str:
    prefix = registry.bundles[-1].prefix
    begin = entity.name if has_prefix(entity.name, prefix) else f"{prefix}_{entity.name}"
    first = f"{begin}_{form_type}"[:MAX_NAME_LENGTH].rstrip("_")
    name, number = first, 2
    while name in registry.forms:
        name, number = f"{first[: MAX_NAME_LENGTH - 3]}_{number}", number + 1
    return name


def _form(name: str, entity: Entity, form_type: str, language: str) -> Node:
    root = node_of({
        "kind": "form",
        "format": 1,
        "name": name,
        "label": {language: f"{{entity:{entity.name}}}"},
        "entity": entity.name,
        "type": form_type,
    })  # fmt: skip
    fields = [field.name for field in _own_fields(entity)]
    if form_type != "main":
        wanted = [
            field.name for field in _own_fields(entity)
            if not field.read_only and field.required in (Required.ALWAYS, Required.ON_FORM)
        ]  # fmt: skip
        shown = list(dict.fromkeys([*wanted, *fields]))[:_MOST_ON_QUICK_FORM]
        _add(root, "tabs", [_tab("general", "General", language, [_section("general", shown)])], "")
        return root
    header = [known for known in _HEADER if known in entity.field_by_name]
    if header:
        _add(root, "header", header, "always in sight, up to four")
    long = [f.name for f in _own_fields(entity) if f.format == "multi_line"]
    short = [name for name in fields if name not in long]
    sections = [_section("general", short, columns=2)]
    if long:
        sections.append(_section("texts", [{"field": item, "rows": 6} for item in long]))
    tabs = [_tab("general", "General", language, sections)]
    record = [known for known in ("ownerid", *_PLATFORM) if known in entity.field_by_name]
    if record:
        about = [_section("record", record, columns=2)]
        tabs.append(_tab("administration", "Administration", language, about))
    _add(root, "tabs", tabs, "tabs hold sections, sections hold controls")
    return root


def _add(node: Node, key: str, value: Any, comment: str) -> None:
    node.entries.append(Entry(node_of(value), key, comment=f"# {comment}" if comment else ""))


def _tab(name: str, text: str, language: str, sections: list[Any]) -> dict[str, Any]:
    return {"name": name, "label": {language: text}, "sections": sections}


def _section(name: str, controls: list[Any], columns: int = 1) -> dict[str, Any]:
    return {"name": name, **({"columns": columns} if columns > 1 else {}), "controls": controls}


def _own_fields(entity: Entity) -> list[Field]:
    """Return the fields a person fills in, the primary one first."""
    hidden = {*_HEADER, *_PLATFORM, *entity.marks, entity.primary_id, "statecode"}
    found = [
        field for field in entity.fields
        if (field.bundle == entity.bundle or field.bundle not in ("", "base"))
        and field.type not in ("unique_id", "state", "status")
        and field.name not in hidden and not field.base_of and field.searchable
    ]  # fmt: skip
    return sorted(found, key=lambda field: field.name != entity.primary_field)
