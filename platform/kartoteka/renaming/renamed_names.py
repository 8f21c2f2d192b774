"""What a rename changes: the object itself, and what the platform names after it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kartoteka.errors import KartotekaError
from kartoteka.model.bundle import BundleInfo
from kartoteka.model.entity import Entity
from kartoteka.model.field import Field
from kartoteka.names import (
    MAX_NAME_LENGTH,
    did_you_mean,
    has_prefix,
    is_name,
    is_option_name,
)
from kartoteka.references.mentions import option_owner
from kartoteka.references.reference import ObjectName
from kartoteka.registry import Registry
from kartoteka.renaming.renamed_collections import renamed_collections

# What stands before the colon of ``form:account_main``, and the document kind it means.
KINDS: Mapping[str, str] = {
    "area": "navigation",
    "choice": "choice",
    "column_profile": "column_profile",
    "entity": "entity",
    "form": "form",
    "navigation": "navigation",
    "relationship": "relationship",
    "role": "role",
    "rule": "rule",
    "view": "view",
}
_SECTIONS = {
    "choice": "choices", "column_profile": "column_profiles", "entity": "entities",
    "form": "forms", "navigation": "areas", "relationship": "relationships", "role": "roles",
    "rule": "rules", "view": "views",
}  # fmt: skip
NUMBERED = frozenset({"option", "reason", "state"})  # stored as a number, whatever they are called


class CannotRename(KartotekaError):
    """What was asked for is no rename; the message says why, and what can be done instead."""


def read_object_name(text: str, registry: Registry) -> ObjectName:
    """Return what ``account``, ``account.name``, ``account.kind.sold`` or ``form:main`` names.

    Raises:
        CannotRename: There is no such object.
    """
    prefix, colon, name = text.rpartition(":")
    if colon and prefix not in KINDS:
        raise CannotRename(
            f'"{prefix}" is no kind of object that has a name; write one of {", ".join(KINDS)}'
        )
    kind = KINDS[prefix or "entity"]
    name, *parts = name.split(".")
    objects: Mapping[str, Any] = getattr(registry, _SECTIONS[kind])
    if name not in objects:
        raise _unknown(f"{kind} named", name, objects)
    if not parts:
        return ObjectName(kind, name)
    if kind == "choice" and len(parts) == 1:
        names = [option.name for option in objects[name].options]
        return _option(parts[0], f"choice:{name}", names)
    if kind != "entity" or len(parts) > 2:
        raise CannotRename(f'"{text}" is no name; write entity.field or entity.field.option')
    entity: Entity = objects[name]
    field = entity.field_by_name.get(parts[0])
    if field is None:
        raise _unknown(f'field of "{name}" named', parts[0], entity.field_by_name)
    if len(parts) == 1:
        return ObjectName("field", field.name, name)
    return _option_of_field(entity, field, parts[1])


def _option_of_field(entity: Entity, field: Field, name: str) -> ObjectName:
    names = [option.name for option in field.options]
    if field.type in ("state", "status"):
        found = _option(name, entity.name, names)
        return found._replace(kind="state" if field.type == "state" else "reason")
    if field.choice:
        raise CannotRename(
            f'"{field.name}" takes its options from a choice; rename choice:{field.choice}.{name}'
        )
    return _option(name, option_owner(entity.name, field), names)


def _option(name: str, of: str, known: list[str]) -> ObjectName:
    if name not in known:
        raise _unknown(f'option of "{of}" named', name, known)
    return ObjectName("option", name, of)


def _unknown(what: str, name: str, known: Any) -> CannotRename:
    hint = did_you_mean(name, known)
    return CannotRename(f'there is no {what} "{name}"' + (f"; {hint}" if hint else ""))


def check_new_name(target: ObjectName, new: str, registry: Registry, bundle: BundleInfo) -> None:
    """Make sure that an object may be called so.

    Args:
        target: What is renamed.
        new: Its new name, without the entity or kind before it.
        registry: What there is.
        bundle: The one that defines the object.

    Raises:
        CannotRename: It is no name, somebody has it, or it lacks the prefix.
    """
    if new == target.name:
        raise CannotRename(f'"{new}" is its name already')
    if not is_name(new) and not (target.kind in NUMBERED and is_option_name(new)):
        raise CannotRename(
            f'"{new}" is no name: use lower-case letters, digits and single underscores, a letter '
            f"first, at most {MAX_NAME_LENGTH} in all"
        )
    is_own = target.kind == "field" and registry.entities[target.of].bundle == bundle.name
    if target.kind not in NUMBERED and not is_own and not has_prefix(new, bundle.prefix):
        raise CannotRename(
            f'"{new}" must begin with "{bundle.prefix}_", the prefix of its bundle; '
            f'call it "{bundle.prefix}_{new}"'
        )
    if target.kind in _SECTIONS and new in getattr(registry, _SECTIONS[target.kind]):
        raise CannotRename(f'"{new}" is the name of another {target.kind}')
    if target.kind == "field" and new in registry.entities[target.of].field_by_name:
        raise CannotRename(f'"{target.of}" has a field "{new}" already')


def renamed_names(target: ObjectName, new: str, registry: Registry) -> dict[ObjectName, str]:
    """Return ``{name: new name}`` of an object and of what is named after it.

    A field that comes from a field group gets its new name in every entity that has it from there.
    """
    found = {target: new}
    if target.kind == "entity":
        entity = registry.entities[target.name]
        if entity.primary_id == f"{entity.name}id":
            found[ObjectName("field", entity.primary_id, entity.name)] = f"{new}id"
    elif target.kind == "field":
        place = registry.entities[target.of].field_by_name[target.name].location
        for entity in registry.entities.values():
            field = entity.field_by_name.get(target.name)
            if field is None or field.location != place:
                continue
            found[target._replace(of=entity.name)] = new
            base = entity.field_by_name.get(f"{target.name}_base")
            if base is not None and base.base_of == target.name:
                found[ObjectName("field", base.name, entity.name)] = f"{new}_base"
            for mark, marked in entity.marks.items():
                if marked == target.name:
                    name = f"{new}{mark.removeprefix(marked)}"
                    found[ObjectName("field", mark, entity.name)] = name
    found.update(renamed_collections(found, registry))
    return found
