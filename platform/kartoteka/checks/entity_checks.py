"""Rules about entities as a whole: names, the primary field, groups, keys, children."""

from __future__ import annotations

from collections.abc import Iterator

from kartoteka.checks.scope import Scope
from kartoteka.diagnostics import Diagnostic
from kartoteka.loading.read_label import maps_in
from kartoteka.model.entity import Entity, Key
from kartoteka.model.field import Field
from kartoteka.model.field_types import FIELD_TYPES
from kartoteka.names import RESERVED_ENTITY_PREFIXES

# Source: reference platform, section 1.11.
MAX_KEYS = 10
MAX_KEY_FIELDS = 16
MAX_KEY_SIZE = 900
_OTHER_KEY_PART_SIZE = 16

_TEXT_TYPES = ("text", "autonumber")


def check_entity(scope: Scope, name: str) -> Iterator[Diagnostic]:
    """Yield what is wrong with an entity, apart from its fields and states."""
    entity = scope.registry.entities[name]
    yield from _check_name(entity)
    yield from _check_primary_field(scope, entity)
    yield from _check_primary_image(scope, entity)
    yield from _check_primary_id(scope, entity)
    yield from _check_groups(scope, entity)
    yield from _check_kind(scope, entity)
    yield from _check_parent(scope, entity)
    yield from _check_keys(scope, entity)


def check_set_names(scope: Scope) -> Iterator[Diagnostic]:
    """Yield set names that two entities have."""
    set_names: dict[str, str] = {}
    for entity in scope.registry.entities.values():
        other = set_names.setdefault(entity.set_name, entity.name)
        if other != entity.name:
            yield Diagnostic(
                scope.where("entity", entity.name, "set_name"), "entity/duplicate-set-name",
                f'the set name "{entity.set_name}" is already that of "{other}"',
                "give one of them another set_name",
            )  # fmt: skip


def _check_name(entity: Entity) -> Iterator[Diagnostic]:
    reserved = next((p for p in RESERVED_ENTITY_PREFIXES if entity.name.startswith(p)), "")
    if reserved:
        yield Diagnostic(
            entity.location, "entity/reserved-name",
            f'an entity cannot be called "{entity.name}": "{reserved}" begins the names of '
            "tables that are not metadata",
        )  # fmt: skip


def _check_primary_field(scope: Scope, entity: Entity) -> Iterator[Diagnostic]:
    content = scope.content("entity", entity.name)
    place = scope.where("entity", entity.name, "primary_field")
    if not entity.primary_field:
        if entity.ownership != "none" and "primary_field" not in content.damaged:
            texts = [field.name for field in entity.fields if field.type in _TEXT_TYPES]
            hint = f"add primary_field: {texts[0]}" if texts else "add a field of type text"
            yield Diagnostic(
                entity.location, "entity/no-primary-field",
                f'"{entity.name}" does not say which field is the name of its records', hint,
            )  # fmt: skip
        return
    field = entity.field_by_name.get(entity.primary_field)
    if field is None:
        yield from scope.unknown_field(entity, entity.primary_field, place, "entity/unknown-field")
    elif field.type not in _TEXT_TYPES and field.name not in scope.doubtful_fields(entity.name):
        yield Diagnostic(
            place, "entity/primary-field-not-text",
            f'the primary field "{field.name}" is a {field.type} field; '
            "it must be text or autonumber",
        )  # fmt: skip


def _check_primary_image(scope: Scope, entity: Entity) -> Iterator[Diagnostic]:
    if not entity.primary_image:
        return
    place = scope.where("entity", entity.name, "primary_image")
    field = entity.field_by_name.get(entity.primary_image)
    if field is None:
        yield from scope.unknown_field(entity, entity.primary_image, place, "entity/unknown-field")
    elif field.type != "image" and field.name not in scope.doubtful_fields(entity.name):
        yield Diagnostic(
            place, "entity/primary-image-not-image",
            f'primary_image must name an image; "{field.name}" is a {field.type} field',
        )  # fmt: skip


def _check_primary_id(scope: Scope, entity: Entity) -> Iterator[Diagnostic]:
    field = entity.field_by_name.get(entity.primary_id)
    if field is not None and field.type != "unique_id":
        if field.name not in scope.doubtful_fields(entity.name):
            yield Diagnostic(
                scope.where("entity", entity.name, "fields", field.name, "type"),
                "entity/primary-id-not-id",
                f'"{field.name}" holds the id of the record and must be a unique_id field, '
                f"not {field.type}",
                "give the field another name, or the entity another primary_id",
            )


def _check_groups(scope: Scope, entity: Entity) -> Iterator[Diagnostic]:
    for name in scope.content("entity", entity.name).get("includes") or ():
        place = scope.where("entity", entity.name, "includes", name)
        yield from scope.unknown("field_group", name, place, "entity/unknown-field-group")


def _check_kind(scope: Scope, entity: Entity) -> Iterator[Diagnostic]:
    if entity.is_activity and entity.ownership != "user":
        yield Diagnostic(
            scope.where("entity", entity.name, "ownership"), "entity/activity-ownership",
            f"an activity belongs to somebody; its ownership must be user, not {entity.ownership}",
        )  # fmt: skip


def _check_parent(scope: Scope, entity: Entity) -> Iterator[Diagnostic]:
    if not entity.parent_field:
        return
    place = scope.where("entity", entity.name, "parent")
    field = entity.field_by_name.get(entity.parent_field)
    if field is None:
        yield from scope.unknown_field(entity, entity.parent_field, place, "entity/unknown-field")
    elif not field.is_lookup and field.name not in scope.doubtful_fields(entity.name):
        yield Diagnostic(
            place, "entity/parent-not-lookup",
            f'parent must name a lookup; "{field.name}" is a {field.type} field',
        )  # fmt: skip
    elif _is_own_ancestor(scope, entity):
        yield Diagnostic(
            place, "entity/parent-circle",
            f'the parents of "{entity.name}" come back to it; one of them needs an owner',
        )  # fmt: skip
    if entity.ownership != "none":
        yield Diagnostic(
            place, "entity/parent-and-owner",
            "a child follows the access of its parent and has no owner of its own",
            "write ownership: none, or leave parent out",
        )  # fmt: skip


def _is_own_ancestor(scope: Scope, entity: Entity) -> bool:
    waiting, seen = [entity.name], set[str]()
    while waiting:
        child = scope.entity(waiting.pop())
        lookup = child.field_by_name.get(child.parent_field) if child else None
        for parent in lookup.targets if lookup else ():
            if parent == entity.name:
                return True
            if parent not in seen:
                seen.add(parent)
                waiting.append(parent)
    return False


def _check_keys(scope: Scope, entity: Entity) -> Iterator[Diagnostic]:
    if len(entity.keys) > MAX_KEYS:
        yield Diagnostic(
            scope.where("entity", entity.name, "keys"), "entity/too-many-keys",
            f'"{entity.name}" has {len(entity.keys)} keys; at most {MAX_KEYS} are possible',
        )  # fmt: skip
    for key in entity.keys:
        yield from _check_key(scope, entity, key)


def _check_key(scope: Scope, entity: Entity, key: Key) -> Iterator[Diagnostic]:
    place = scope.where("entity", entity.name, "keys", key.name, "fields")
    if not key.fields and "fields" not in _key_content(scope, entity, key):
        return
    if not key.fields:
        yield Diagnostic(place, "entity/empty-key", f'the key "{key.name}" names no field')
    if len(key.fields) > MAX_KEY_FIELDS:
        yield Diagnostic(
            place, "entity/key-too-large",
            f'the key "{key.name}" has {len(key.fields)} fields; '
            f"at most {MAX_KEY_FIELDS} are possible",
        )  # fmt: skip
    fields: list[Field] = []
    for name in key.fields:
        own_place = scope.where("entity", entity.name, "keys", key.name, "fields", name)
        field = entity.field_by_name.get(name)
        if field is None:
            yield from scope.unknown_field(entity, name, own_place, "entity/unknown-field")
        elif not can_be_key(field):
            yield Diagnostic(
                own_place, "entity/field-not-for-key",
                f'"{name}" is a {_spoken(field)} field, which cannot be part of a key',
            )  # fmt: skip
        else:
            fields.append(field)
    if len(set(key.fields)) < len(key.fields):
        yield Diagnostic(place, "entity/key-repeats-field", f'"{key.name}" names a field twice')
    size = sum(_key_part_size(field) for field in fields)
    if size > MAX_KEY_SIZE:
        longest = max(fields, key=_key_part_size)
        yield Diagnostic(
            place, "entity/key-too-large",
            f'the key "{key.name}" may become {size} bytes long; at most {MAX_KEY_SIZE} '
            "are possible",
            f'lower max_length of "{longest.name}"',
        )  # fmt: skip


def can_be_key(field: Field) -> bool:
    """Return whether a field may be unique or part of a key."""
    return FIELD_TYPES[field.type].can_be_key and field.format != "multi_line"


def _key_part_size(field: Field) -> int:
    return field.max_length or _OTHER_KEY_PART_SIZE


def _spoken(field: Field) -> str:
    return f"{field.format} {field.type}" if field.format == "multi_line" else field.type


def _key_content(scope: Scope, entity: Entity, key: Key) -> frozenset[str]:
    items = maps_in(scope.content("entity", entity.name), "keys")
    return next((frozenset(item) for item in items if item.get("name") == key.name), frozenset())
