"""``resolve_path``: the names of a path → the lookups and the field that they mean."""

from __future__ import annotations

from kartoteka.conditions.condition_error import ConditionError
from kartoteka.conditions.syntax import MAX_LOOKUP_STEPS, Path
from kartoteka.conditions.typed import FieldPath, LookupStep, kind_of
from kartoteka.model.entity import Entity
from kartoteka.model.field import Field
from kartoteka.names import did_you_mean
from kartoteka.registry import Registry


def resolve_path(path: Path, registry: Registry, entity_name: str) -> FieldPath:
    """Return what a path of an entity means.

    A last step that asks for the id of the record that a lookup with one target names
    (``primarycontactid/contactid``) is the lookup itself.

    Raises:
        ConditionError: A step is not a field, not a lookup, or points to several entities.
    """
    if len(path.steps) > MAX_LOOKUP_STEPS + 1:
        raise ConditionError(f"a path goes over at most {MAX_LOOKUP_STEPS} lookups", path.offset)
    holder = entity = _entity(registry, entity_name, path.offset)
    steps: list[LookupStep] = []
    offset = path.offset
    for name in path.steps[:-1]:
        step = _lookup_step(entity, name, offset)
        steps.append(step)
        holder, entity = entity, _entity(registry, step.target, offset)
        offset += len(name) + 1
    last = path.steps[-1]
    if steps and last == entity.primary_id and not steps[-1].field.is_multi_target:
        return _of(steps[:-1], steps[-1].field, holder.name, path.offset)
    return _of(steps, _field(entity, last, offset), entity.name, offset)


def _of(steps: list[LookupStep], field: Field, entity: str, offset: int) -> FieldPath:
    kind = kind_of(field)
    if kind is None:
        raise ConditionError(f'conditions cannot ask for "{field.name}" ({field.type})', offset)
    return FieldPath(tuple(steps), entity, field, kind)


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
    """Return the step of ``parentcustomerid_account``: one target of a lookup with several."""
    forms = {
        f"{field.name}_{target}": LookupStep(field, target)
        for field in entity.fields
        if field.is_lookup
        for target in field.targets
    }
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
