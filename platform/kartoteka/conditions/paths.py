"""``resolve_path``: the names of a path → the lookups and the field that they mean.

``resolve_collection`` does the same for the path before ``/any(…)``.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from kartoteka.conditions.condition_error import ConditionError
from kartoteka.conditions.entity_collections import collections_of
from kartoteka.conditions.syntax import MAX_LOOKUP_STEPS, THE_RECORD, Path
from kartoteka.conditions.typed import Collection, FieldPath, LookupStep, kind_of
from kartoteka.model.entity import Entity
from kartoteka.model.field import Field
from kartoteka.names import did_you_mean
from kartoteka.registry import Registry

Variables = Mapping[str, str]
"""``{variable or alias: entity}`` of what paths may begin with."""

NO_VARIABLES: Variables = MappingProxyType({})


def resolve_path(
    path: Path, registry: Registry, entity_name: str, variables: Variables = NO_VARIABLES
) -> FieldPath:
    """Return what a path of an entity means.

    A last step that asks for the id of the record that a lookup with one target names
    (``primarycontactid/contactid``) is the lookup itself.

    Raises:
        ConditionError: A step is not a field, not a lookup, or points to several entities.
    """
    variable, names, entity_name, offset = _beginning(path, entity_name, variables)
    if not names:
        raise ConditionError(
            f'"{path}" is a record of "{entity_name}", not a field',
            path.offset,
            f"name a field of it, as in {path}/…",
        )
    steps, holder, entity, last_offset = _followed(path, names[:-1], registry, entity_name, offset)
    last = names[-1]
    if steps and last == entity.primary_id and not steps[-1].field.is_multi_target:
        return _of(steps[:-1], steps[-1].field, holder.name, variable, path.offset)
    return _of(steps, _field(entity, last, last_offset), entity.name, variable, last_offset)


def resolve_collection(
    path: Path, registry: Registry, entity_name: str, variables: Variables = NO_VARIABLES
) -> Collection:
    """Return the collection that the last step of a path names.

    Raises:
        ConditionError: A step is not a lookup, or the last one not a relationship of its entity.
    """
    variable, names, entity_name, offset = _beginning(path, entity_name, variables)
    if not names:
        raise ConditionError(
            f'"{path}" is one record of "{entity_name}"', path.offset, f"write {path}/…/any(…)"
        )
    steps, _, entity, offset = _followed(path, names[:-1], registry, entity_name, offset)
    known = collections_of(registry, entity.name)
    found = known.get(names[-1])
    if found is None:
        raise _no_collection(names[-1], entity, known, offset)
    return replace(found, variable=variable, steps=steps) if variable or steps else found


def _no_collection(
    name: str, entity: Entity, known: Mapping[str, Collection], offset: int
) -> ConditionError:
    hint = did_you_mean(name, known)
    if not hint and (field := entity.field_by_name.get(name)) is not None:
        hint = f"it is a {field.type} field"
    return ConditionError(
        f'"{name}" is not a collection of "{entity.name}"; any and all ask for records that '
        "belong to it",
        offset,
        hint,
    )


def _beginning(
    path: Path, entity_name: str, variables: Variables
) -> tuple[str, tuple[str, ...], str, int]:
    """Return the variable that a path begins at, the steps after it, their entity and place."""
    names, offset = path.steps, path.offset
    first = names[0]
    if first in variables:
        variable, entity_name = first, variables[first]
    elif first == THE_RECORD:
        variable = ""
    else:
        variable, first = "", ""
    if first:
        names, offset = names[1:], offset + len(first) + 1
    if len(names) > MAX_LOOKUP_STEPS + 1:
        raise ConditionError(f"a path goes over at most {MAX_LOOKUP_STEPS} lookups", path.offset)
    return variable, names, entity_name, offset


def _followed(
    path: Path, names: tuple[str, ...], registry: Registry, entity_name: str, offset: int
) -> tuple[tuple[LookupStep, ...], Entity, Entity, int]:
    """Return lookups, the entity that holds the last of them, the one it reaches, the place."""
    holder = entity = _entity(registry, entity_name, path.offset)
    if not names:
        return (), holder, entity, offset
    steps: list[LookupStep] = []
    for name in names:
        step = _lookup_step(entity, name, offset)
        steps.append(step)
        holder, entity = entity, _entity(registry, step.target, offset)
        offset += len(name) + 1
    return tuple(steps), holder, entity, offset


def _of(
    steps: tuple[LookupStep, ...], field: Field, entity: str, variable: str, offset: int
) -> FieldPath:
    kind = kind_of(field)
    if kind is None:
        raise ConditionError(f'conditions cannot ask for "{field.name}" ({field.type})', offset)
    return FieldPath(steps, entity, field, kind, variable)


def _entity(registry: Registry, name: str, offset: int) -> Entity:
    entity = registry.entities.get(name)
    if entity is None:
        hint = did_you_mean(name, registry.entities)
        raise ConditionError(f'"{name}" is not an entity', offset, hint)
    return entity


def _field(entity: Entity, name: str, offset: int) -> Field:
    field = entity.field_by_name.get(name) or entity.field_by_name.get(_without_raw_form(name))
    if field is not None and (field.name == name or field.is_lookup):
        return field
    raise ConditionError(
        f'"{name}" is not a field of "{entity.name}"',
        offset,
        did_you_mean(name, entity.field_by_name),
    )


def _without_raw_form(name: str) -> str:
    """Return ``primarycontactid`` for ``_primarycontactid_value``, else the empty text."""
    return name[1:-6] if name.startswith("_") and name.endswith("_value") else ""


def _lookup_step(entity: Entity, name: str, offset: int) -> LookupStep:
    field = entity.field_by_name.get(name)
    if field is None:
        return _targeted_step(entity, name, offset)
    if not field.is_lookup:
        raise ConditionError(
            f'"{name}" of "{entity.name}" is no lookup (it is {field.type})',
            offset,
            "only lookups reach fields of another entity",
        )
    if len(field.targets) == 1:
        return LookupStep(field, field.targets[0])
    forms = [f"{name}_{target}" for target in field.targets]
    raise ConditionError(
        f'"{name}" points to several entities', offset, f"write {_alternatives(forms)}"
    )


def _targeted_step(entity: Entity, name: str, offset: int) -> LookupStep:
    """Return the step of ``parentcustomerid_account``: one target of a lookup with several.

    A lookup that keeps a schema name is called by that as well (``new_AccountId``).
    """
    forms = {
        f"{called}_{target}": LookupStep(field, target)
        for field in entity.fields
        if field.is_lookup
        for called in (field.name, field.schema_name)
        if called
        for target in field.targets
    }
    for field in entity.fields:
        if field.schema_name and len(field.targets) == 1:
            forms[field.schema_name] = LookupStep(field, field.targets[0])
    if name in forms:
        return forms[name]
    lookups = [field.name for field in entity.fields if field.is_lookup]
    raise ConditionError(
        f'"{name}" is not a lookup of "{entity.name}"',
        offset,
        did_you_mean(name, lookups) or did_you_mean(name, forms),
    )


def _alternatives(names: list[str]) -> str:
    shown = names[:4]
    return " or ".join(shown) + (" …" if len(names) > 4 else "")
