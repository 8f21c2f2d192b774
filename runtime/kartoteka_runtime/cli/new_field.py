"""`kartoteka new field ENTITY.NAME`: a field of a type, in the app's own files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Annotated, Any

import typer

from kartoteka.editing.customize import apply_edits, customize
from kartoteka.model.entity import Entity
from kartoteka.model.field_types import FIELD_TYPES
from kartoteka.names import did_you_mean, has_prefix, is_name
from kartoteka.registry import Registry
from kartoteka.yaml_text.source_tree import Entry, Node, node_of
from kartoteka_runtime.app_folder import load_app_folder
from kartoteka_runtime.cli.app_argument import HERE, AppArgument
from kartoteka_runtime.cli.console import answers

# Types that a person adds by hand; the others belong to the platform.
_TYPES = tuple(
    name for name in FIELD_TYPES if name not in ("party_list", "state", "status", "unique_id")
)


def new_field(
    field: Annotated[
        str, typer.Argument(metavar="ENTITY.NAME", help="The record type, and the field's name.")
    ],
    app: AppArgument = HERE,
    field_type: Annotated[
        str, typer.Option("--type", help=f"One of {', '.join(_TYPES)}.")
    ] = "text",
    target: Annotated[
        str, typer.Option(help="Of a lookup: the record type that it names.", metavar="ENTITY")
    ] = "",
) -> None:
    """Add a field to a record type: in its own file, or in one that extends another bundle's."""
    entity_name, _, name = field.partition(".")
    if not is_name(name):
        raise typer.BadParameter(f'"{field}" does not name a field: write it as ENTITY.NAME.')
    if field_type not in _TYPES:
        hint = did_you_mean(field_type, _TYPES) or f"there are {', '.join(_TYPES)}"
        raise typer.BadParameter(f'there is no field type "{field_type}"; {hint}')
    app_folder = load_app_folder(app)
    registry = app_folder.registry()
    entity = entity_of(registry, entity_name)
    own = registry.bundles[-1]
    if entity.bundle != own.name and not has_prefix(name, own.prefix):
        name = f"{own.prefix}_{name}"
    if name in entity.field_by_name:
        raise typer.BadParameter(f'"{entity_name}" has a field "{name}" already.')
    label = name.removeprefix(f"{own.prefix}_").replace("_", " ").capitalize()
    content = _content(
        name,
        field_type,
        {app_folder.base_language: label},
        _checked_target(registry, field_type, target),
    )
    edit = customize(app / "metadata", "entity", entity_name, ("fields", name), content)
    apply_edits([edit])
    answers.print(f"Added {entity_name}.{name} to {edit.path}.")
    answers.print("Put it on a form or a view, then `kartoteka check` and `kartoteka publish`.")


def entity_of(registry: Registry, name: str) -> Entity:
    """Return an entity of the app.

    Raises:
        typer.BadParameter: There is none of that name; the nearest one is named.
    """
    if name not in registry.entities:
        hint = did_you_mean(name, registry.entities)
        raise typer.BadParameter(f'there is no entity "{name}"{"; " if hint else "."}{hint}')
    return registry.entities[name]


def _checked_target(registry: Registry, field_type: str, target: str) -> str:
    if field_type != "lookup":
        if target:
            raise typer.BadParameter(f"a field of type {field_type} has no --target.")
        return ""
    if not target:
        raise typer.BadParameter("a lookup needs --target ENTITY: what its values name.")
    return entity_of(registry, target).name


def _content(name: str, field_type: str, label: dict[str, str], target: str) -> Node:
    node = node_of({"name": name, "type": field_type, "label": label})
    make = _PARTS.get(field_type)
    for key, (value, comment) in (make(target, next(iter(label))) if make else {}).items():
        node.entries.append(Entry(node_of(value), key, comment=f"# {comment}" if comment else ""))
    return node


_Parts = Mapping[str, tuple[Any, str]]


def _options(_: str, language: str) -> _Parts:
    options = [
        {"name": name, "value": value, "label": {language: name.capitalize()}}
        for value, name in enumerate(("first", "second"), start=1)
    ]
    return {"options": (options, "values are stored; conditions say names")}


_PARTS: Mapping[str, Callable[[str, str], _Parts]] = {
    "autonumber": lambda target, language: {
        "number_format": ("{SEQNUM:5}", "such as 01000; text may stand around it")
    },
    "choice": _options,
    "date_time": lambda target, language: {
        "behavior": ("user_local", "or date_only, time_zone_independent")
    },
    "decimal": lambda target, language: {"precision": (2, "decimal places")},
    "float": lambda target, language: {"precision": (2, "decimal places")},
    "lookup": lambda target, language: {
        "target": (target, ""),
        "on_delete": ("clear", "or cascade, restrict: when the record it names goes"),
    },
    "multi_choice": _options,
    "text": lambda target, language: {"max_length": (100, "characters")},
    "whole_number": lambda target, language: {"min": (0, "no negative numbers")},
    "yes_no": lambda target, language: {"default": (False, "what a new record has")},
}
