"""What goes with a definition that is deleted: what only makes sense with it, and stored values."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kartoteka.editing.customize import REMOVED, Customization
from kartoteka.model.entity import Entity
from kartoteka.model.field import Field
from kartoteka_runtime.web_api.altering.ground import Ground
from kartoteka_runtime.web_api.altering.primary_images import KEY as PRIMARY_IMAGE
from kartoteka_runtime.web_api.altering.refusals import bad, missing


@dataclass(frozen=True, slots=True)
class Removal:
    """Changes of files, and what they take with them.

    ``loses`` names what loses its stored values, ``empties`` the fields that lose some of them.
    """

    changes: tuple[Customization, ...]
    loses: tuple[str, ...] = ()
    empties: tuple[str, ...] = ()


def column_removal(entity: Entity, field: Field, ground: Ground) -> Removal:
    """Return what takes a column away.

    Raises:
        CallRefused: It is not the app's own, or the table cannot be without it.
    """
    called = f"{entity.name}.{field.name}"
    if field.name in (entity.primary_id, entity.primary_field):
        raise bad(f"{called} cannot be deleted: {entity.name} cannot be without it.")
    source = field.base_of or entity.marks.get(field.name, "")
    if source and source in entity.field_by_name:
        raise bad(f"{called} cannot be deleted by itself: it goes with {source}.")
    _check_own(called, ground.bundle_of(field, entity), ground)
    changes = [Customization("entity", entity.name, ("fields", field.name), REMOVED)]
    if field.name == entity.primary_image:
        changes.append(Customization("entity", entity.name, (PRIMARY_IMAGE,), REMOVED))
    return Removal(tuple(changes), tuple(_stored_with(entity, field)))


def target_removal(entity: Entity, field: Field, target: str, ground: Ground) -> Removal:
    """Return what takes a 1:N relationship away: its column, or one of several targets of it.

    Raises:
        CallRefused: It is not the app's own, or the table cannot be without it.
    """
    if not field.is_multi_target or field.type != "lookup":
        return column_removal(entity, field, ground)
    called = f"{entity.name}.{field.name}"
    if field.target_feature:
        raise bad(f"{called} names every table of its kind.")
    _check_own(called, ground.bundle_of(field, entity), ground)
    left = [one for one in field.targets if one != target]
    path = ("fields", field.name, "targets")
    return Removal((Customization("entity", entity.name, path, left),), empties=(called,))


def key_removal(entity: Entity, name: str, ground: Ground) -> Removal:
    """Return what takes an alternate key away.

    Raises:
        CallRefused: It is not the app's own.
    """
    path = f"entity/{entity.name}/keys/{name}/name"
    layers = ground.registry.sources.get(path, ())
    bundle = layers[0].bundle if layers else entity.bundle
    _check_own(f"the key {name} of {entity.name}", bundle, ground)
    return Removal((Customization("entity", entity.name, ("keys", name), REMOVED),))


def choice_removal(name: str, ground: Ground) -> Removal:
    """Return what takes a global option set away; columns that use it keep it where it is.

    Raises:
        CallRefused: It is not the app's own, or a column uses it.
    """
    choice = ground.registry.choices[name]
    _check_own(f"the global option set {name}", choice.bundle, ground)
    users = [
        f"{entity.name}.{field.name}"
        for entity in ground.registry.entities.values()
        for field in entity.fields
        if field.choice == name
    ]
    if users:
        raise bad(f"The global option set {name} cannot be deleted: {', '.join(users[:5])} has it.")
    return Removal((Customization("choice", name, (), REMOVED),))


def link_removal(name: str, ground: Ground) -> Removal:
    """Return what takes an N:N relationship away, with its links.

    Raises:
        CallRefused: It is not the app's own.
    """
    relationship = ground.registry.relationships.get(name)
    if relationship is None:
        raise missing("relationship", name)
    _check_own(f"the relationship {name}", relationship.bundle, ground)
    return Removal((Customization("relationship", name, (), REMOVED),), (name,))


def table_removal(entity: Entity, ground: Ground) -> Removal:
    """Return what takes a table away: its relationships, forms, views, rules and privileges too.

    Raises:
        CallRefused: It is not the app's own.
    """
    _check_own(entity.name, entity.bundle, ground)
    changes = [Customization("entity", entity.name, (), REMOVED)]
    loses, empties = [entity.name], []
    for name, relationship in ground.registry.relationships.items():
        if entity.name in (relationship.left, relationship.right):
            removal = link_removal(name, ground)
            changes += removal.changes
            loses += removal.loses
    for other, field in ground.registry.lookups_to.get(entity.name, ()):
        if other.name == entity.name:
            continue
        if field.target_feature and field.targets != (entity.name,):
            empties.append(f"{other.name}.{field.name}")  # nobody lists the table there
            continue
        if not ground.is_own(ground.bundle_of(field, other)):
            continue
        if field.targets == (entity.name,):
            changes.append(Customization("entity", other.name, ("fields", field.name), REMOVED))
            loses += _stored_with(other, field)
        else:
            left = [target for target in field.targets if target != entity.name]
            path = ("fields", field.name, "targets")
            changes.append(Customization("entity", other.name, path, left))
            empties.append(f"{other.name}.{field.name}")
    changes += _about(entity, ground)
    return Removal(tuple(changes), tuple(loses), tuple(empties))


def _about(entity: Entity, ground: Ground) -> Iterator[Customization]:
    """Yield the removal of what is about an entity and nothing else."""
    registry = ground.registry
    for form in registry.forms_of.get(entity.name, ()):
        yield Customization("form", form.name, (), REMOVED)
    for view in registry.views_of.get(entity.name, ()):
        yield Customization("view", view.name, (), REMOVED)
    for rule in registry.rules.values():
        if rule.entity == entity.name:
            yield Customization("rule", rule.name, (), REMOVED)
    for role in registry.roles.values():
        if any(one.entity == entity.name for one in role.privileges):
            yield Customization("role", role.name, ("privileges", entity.name), REMOVED)
    for profile in registry.column_profiles.values():
        if any(one.entity == entity.name for one in profile.privileges):
            place = ("privileges", entity.name)
            yield Customization("column_profile", profile.name, place, REMOVED)
    for area in registry.areas.values():
        for group in area.groups:
            for entry in group.entries:
                if entry.entity == entity.name:
                    path = ("groups", group.name, "entries", entry.name)
                    yield Customization("navigation", area.name, path, REMOVED)


def _stored_with(entity: Entity, field: Field) -> Iterator[str]:
    """Yield a field and those that the platform keeps beside it."""
    yield f"{entity.name}.{field.name}"
    for item in entity.fields:
        if field.name in (item.base_of, entity.marks.get(item.name)):
            yield f"{entity.name}.{item.name}"


def _check_own(called: str, bundle: str, ground: Ground) -> None:
    if not ground.is_own(bundle):
        raise bad(f'{called} comes with the bundle "{bundle}" and cannot be deleted here.')
