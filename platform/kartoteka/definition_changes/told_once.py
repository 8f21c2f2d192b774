"""Whether a difference only follows from another one, which is told where somebody made it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from kartoteka.definition_changes.definition_change import ABSENT, DefinitionChange
from kartoteka.loading.expand_entities import (
    BASE_AMOUNT_MESSAGE,
    FILE_MESSAGES,
    ROLLUP_MESSAGES,
    STATE_MESSAGES,
    YES_NO_MESSAGES,
)
from kartoteka.loading.read_field import default_relationship
from kartoteka.model.choice import Option
from kartoteka.model.entity import Entity, reason_options, state_options
from kartoteka.model.field import Field
from kartoteka.model.field_types import (
    DEFAULT_MAX_LENGTH,
    DEFAULT_PRECISION,
    DEFAULT_SIZE_KB,
    NUMBER_LIMITS,
)
from kartoteka.registry import Registry

# What a field has by its type alone, when nobody says otherwise.
_GIVEN: Mapping[str, Mapping[str, Any]] = {
    "max_length": {"text": DEFAULT_MAX_LENGTH, "autonumber": DEFAULT_MAX_LENGTH},
    "format": {"text": "plain", "whole_number": "none"},
    "min": {name: low for name, (low, _) in NUMBER_LIMITS.items()},
    "max": {name: high for name, (_, high) in NUMBER_LIMITS.items()},
    "precision": DEFAULT_PRECISION,
    "behavior": {"date_time": "user_local"},
    "max_size_kb": DEFAULT_SIZE_KB,
}
_NOTHING: Mapping[str, Any] = {
    "max_length": None, "format": "", "min": None, "max": None, "precision": None, "behavior": "",
    "max_size_kb": None,
}  # fmt: skip


def is_told_elsewhere(change: DefinitionChange, live: Registry, wanted: Registry) -> bool:
    """Return whether a change of an entity repeats what another change of these registries says."""
    if change.kind != "entity" or len(change.path) < 2 or change.path[0] not in _FIRST_STEPS:
        return False
    before, after = live.entities[change.name], wanted.entities[change.name]
    if _is_text_of_a_message(change, live, wanted) or _is_label_of_the_id(change, before, after):
        return True
    if change.path[0] != "fields":
        return False
    old, new = before.field_by_name.get(change.path[1]), after.field_by_name.get(change.path[1])
    if old is None or new is None:
        return _follows_its_amount(old or new, before, after)
    match change.path[2:]:
        case (key, *_) if old.type != new.type and _is_as_its_type(old, new, key):
            return True
        case ("options", *_):
            return _are_options_told(old, new, before, after, live, wanted)
        case ("targets", *rest):
            return _are_targets_told(old, new, rest, live, wanted)
        case ("relationship",):
            return _is_default_relationship(old, new, change.name)
        case ("precision",):
            return _repeats_its_amount(old, new, before, after)
        case ("read_only",):  # what is calculated is read-only
            ways = (old.is_calculated, new.is_calculated)
            return ways == (old.read_only, new.read_only) and ways[0] is not ways[1]
        case ("formula" | "stored",):
            return _is_calculated_like_its_amount(old, before) and (
                _is_calculated_like_its_amount(new, after)
            )
        case _:
            return False


_FIRST_STEPS = ("fields", "states")


def _are_options_told(
    old: Field, new: Field, before: Entity, after: Entity, live: Registry, wanted: Registry
) -> bool:
    if old.choice != new.choice:  # where the options come from is the change
        return True
    return old.options == _given_options(old, before, live) and new.options == _given_options(
        new, after, wanted
    )


def _given_options(field: Field, entity: Entity, registry: Registry) -> tuple[Option, ...] | None:
    """Return the options that a field has from elsewhere; None when they are its own."""
    if field.choice:
        choice = registry.choices.get(field.choice)
        return choice.options if choice is not None else None
    match field.type:
        case "state":
            return state_options(entity.states)
        case "status":
            return reason_options(entity.states)
        case _:
            return None


def _are_targets_told(
    old: Field, new: Field, rest: Sequence[str], live: Registry, wanted: Registry
) -> bool:
    """Return whether targets differ because other entities have the feature they are chosen by."""
    if not new.target_feature or old.target_feature != new.target_feature:
        return False
    old_named, new_named = _named_targets(old, live), _named_targets(new, wanted)
    if old_named is None or new_named is None or old_named != new_named:
        return False
    return rest != ["order"] or set(old.targets) != set(new.targets)


def _named_targets(field: Field, registry: Registry) -> tuple[str, ...] | None:
    """Return the targets that are not there by feature; None when one by feature is missing."""
    featured = {
        name for name, entity in registry.entities.items()
        if field.target_feature in entity.features
    }  # fmt: skip
    if not featured.issubset(field.targets):
        return None
    return tuple(name for name in field.targets if name not in featured)


def _is_as_its_type(old: Field, new: Field, key: str) -> bool:
    """Return whether a property is, before and after, what the field's type gives by itself."""
    return all(
        key in _GIVEN
        and getattr(field, key) == _GIVEN[key].get(field.type, _NOTHING[key])
        or (key == "options" and (field.type == "yes_no" or not field.options))
        for field in (old, new)
    )


def _is_default_relationship(old: Field, new: Field, entity: str) -> bool:
    is_default = all(
        field.relationship == (default_relationship(field, entity) if field.is_lookup else "")
        for field in (old, new)
    )
    return is_default and (old.targets != new.targets or old.type != new.type)


def _amount_of(field: Field | None, entity: Entity) -> Field | None:
    """Return the money field that a field is the derived base amount of, if it is one."""
    if field is None or not field.base_of or field.name != f"{field.base_of}_base":
        return None
    return entity.field_by_name.get(field.base_of)


def _follows_its_amount(field: Field | None, before: Entity, after: Entity) -> bool:
    """Return whether a field comes or goes with the one that it belongs to, which alone is told.

    That is the base amount of an amount, when and how a rollup was worked out, a file's name.
    """
    if field is not None:
        marked = before.marks.get(field.name) or after.marks.get(field.name)
        if marked is not None:
            return (field.name in before.marks) != (field.name in after.marks)
    if field is None or not field.base_of or field.name != f"{field.base_of}_base":
        return False
    return (field.base_of in before.field_by_name) != (field.base_of in after.field_by_name)


def _repeats_its_amount(old: Field, new: Field, before: Entity, after: Entity) -> bool:
    was, becomes = _amount_of(old, before), _amount_of(new, after)
    return (
        was is not None
        and becomes is not None
        and (was.precision, becomes.precision) == (old.precision, new.precision)
    )


def _is_calculated_like_its_amount(field: Field, entity: Entity) -> bool:
    amount = _amount_of(field, entity)
    if amount is None:
        return False
    formula = f"{amount.name} divby exchangerate" if amount.formula else ""
    return (field.formula, field.stored) == (formula, amount.stored)


def _is_text_of_a_message(change: DefinitionChange, live: Registry, wanted: Registry) -> bool:
    """Return whether a label that comes from a message (yes, active, a base amount) follows it."""
    if change.path[-2] != "label":
        return False
    language = change.path[-1]
    keys: tuple[str, ...] = tuple(STATE_MESSAGES.values())
    amount = ""
    if change.path[0] == "fields":
        old = live.entities[change.name].field_by_name[change.path[1]]
        new = wanted.entities[change.name].field_by_name[change.path[1]]
        if change.path[2] == "options" and old.type == new.type == "yes_no":
            keys = tuple(YES_NO_MESSAGES.values())
        elif change.path[2] == "label" and old.base_of and old.base_of == new.base_of:
            keys, amount = (BASE_AMOUNT_MESSAGE,), f"{{field:{change.name}.{old.base_of}}}"
        elif change.path[2] == "label" and old.name in wanted.entities[change.name].marks:
            keys = (*ROLLUP_MESSAGES.values(), *FILE_MESSAGES.values())
            marked = wanted.entities[change.name].marks[old.name]
            amount = f"{{field:{change.name}.{marked}}}"
        else:
            return False
    return any(
        change.before == _text(live, key, language, amount)
        and change.after == _text(wanted, key, language, amount)
        for key in keys
    )


def _is_label_of_the_id(change: DefinitionChange, before: Entity, after: Entity) -> bool:
    """Return whether the id's label, the entity's name, comes or goes with a language of it."""
    if len(change.path) != 4 or change.path[:3] != ("fields", after.primary_id, "label"):
        return False
    given = f"{{entity:{change.name}}}"
    return (change.before, change.after) == tuple(
        given if change.path[3] in entity.label.texts else ABSENT for entity in (before, after)
    )


def _text(registry: Registry, key: str, language: str, amount: str) -> Any:
    label = registry.messages.get(key)
    text = ABSENT if label is None else label.texts.get(language, ABSENT)
    return text.replace("{field}", amount) if isinstance(text, str) and amount else text
