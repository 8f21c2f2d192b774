"""Rules about lookups and N:N relationships: targets, cascades, names, hierarchies."""

from __future__ import annotations

from collections.abc import Iterator

from kartoteka.checks.scope import Scope
from kartoteka.diagnostics import Diagnostic
from kartoteka.loading.positioned import YamlMap
from kartoteka.loading.read_field import target_feature_of
from kartoteka.loading.read_label import maps_in
from kartoteka.model.entity import Entity
from kartoteka.model.field import Field, Required


def check_lookups(scope: Scope, name: str) -> Iterator[Diagnostic]:
    """Yield what is wrong between an entity and those that its lookups name."""
    entity = scope.registry.entities[name]
    content = scope.content("entity", name)
    for item in maps_in(content, "fields"):
        field = entity.field_by_name.get(item.get("name", ""))
        if field is not None and field.is_lookup:
            yield from _check_targets(scope, field, item)
            yield from _check_deletion(field, item)
    for command in maps_in(content, "commands"):
        known = entity.command_by_name.get(command.get("name", ""))
        parameters = {found.name: found for found in known.parameters} if known else {}
        for item in maps_in(command, "parameters"):
            parameter = parameters.get(item.get("name", ""))
            if parameter is not None and parameter.is_lookup:
                yield from _check_targets(scope, parameter, item)
    yield from _check_parents(scope, entity)
    yield from _check_hierarchies(scope, entity)


def check_link(scope: Scope, name: str) -> Iterator[Diagnostic]:
    """Yield what is wrong with an N:N relationship."""
    relationship = scope.registry.relationships.get(name)
    if relationship is None:
        return  # it lacks a side or its link table
    for side, entity in (("left", relationship.left), ("right", relationship.right)):
        place = scope.where("relationship", name, side)
        yield from scope.unknown("entity", entity, place, "relationship/unknown-entity")
    if relationship.intersect in scope.registry.entities:
        yield Diagnostic(
            scope.where("relationship", name, "intersect"), "relationship/duplicate-intersect",
            f'"{relationship.intersect}" is an entity; links need a name of their own',
        )  # fmt: skip


def check_relationship_names(scope: Scope) -> Iterator[Diagnostic]:
    """Yield names of relationships and link tables that two of them bear."""
    names: dict[str, str] = {}
    for entity in scope.registry.entities.values():
        for field in entity.fields:
            if field.is_lookup:
                yield from _check_name(scope, entity, field, names)
    tables: dict[str, str] = {}
    for name, relationship in scope.registry.relationships.items():
        if name in names:
            yield Diagnostic(
                relationship.location, "relationship/duplicate-name",
                f'the relationship name "{name}" is already that of {names[name]}',
            )  # fmt: skip
        other = tables.setdefault(relationship.intersect, name)
        if other != name:
            yield Diagnostic(
                scope.where("relationship", name, "intersect"), "relationship/duplicate-intersect",
                f'"{relationship.intersect}" already links the records of "{other}"',
            )  # fmt: skip


def _check_targets(scope: Scope, field: Field, item: YamlMap) -> Iterator[Diagnostic]:
    if "target" in item and "targets" in item and _said_together(item):
        yield Diagnostic(
            item.at_key("target"), "field/two-targets",
            f'"{field.name}" has both target and targets', "write all of them under targets",
        )  # fmt: skip
        return
    named: list[str] = []
    if "target" in item:
        named.append(item["target"])
        place = item.at("target")
        yield from scope.unknown("entity", item["target"], place, "field/unknown-entity")
    for target, mark in item["targets"].marked() if "targets" in item else ():
        if target in named:
            yield Diagnostic(
                mark.location(), "field/repeated-target", f'"{target}" is already a target'
            )
        named.append(target)
        yield from scope.unknown("entity", target, mark.location(), "field/unknown-entity")
    if not named and not field.targets and not item.damaged & {"target", "targets"}:
        feature = target_feature_of(item, field.type)
        if not feature:
            yield Diagnostic(
                item.mark.location(), "field/no-target",
                f'the lookup "{field.name}" does not say which entity it names',
                "add target: and the name of an entity",
            )  # fmt: skip
        else:
            yield Diagnostic(
                item.at("target_feature" if "target_feature" in item else "type"),
                "field/no-target",
                f'"{field.name}" names records of entities with the feature {feature}; '
                "there are none",
                f"add {feature} to the features of one",
            )  # fmt: skip


def _said_together(item: YamlMap) -> bool:
    """Return whether one file has both; what an extension adds is another matter."""
    return item.key_marks["target"].file == item.key_marks["targets"].file


def _check_deletion(field: Field, item: YamlMap) -> Iterator[Diagnostic]:
    if field.required is Required.ALWAYS and item.get("on_delete") == "clear":
        yield Diagnostic(
            item.at("on_delete"), "field/required-but-cleared",
            f'"{field.name}" is required, so it cannot be cleared',
            "write on_delete: restrict or cascade",
        )  # fmt: skip


def _check_name(
    scope: Scope, entity: Entity, field: Field, names: dict[str, str]
) -> Iterator[Diagnostic]:
    path = f"{entity.name}.{field.name}"
    other = names.setdefault(field.relationship, path)
    if other != path:
        items = maps_in(scope.content("entity", entity.name), "fields")
        item = next(item for item in items if item.get("name") == field.name)
        yield Diagnostic(
            item.at("relationship"), "relationship/duplicate-name",
            f'the relationship name "{field.relationship}" is already that of {other}',
        )  # fmt: skip


def is_parental(field: Field) -> bool:
    """Return whether owners and shares of a record follow the one that a lookup names.

    Source: reference platform, section 2.2, which counts a cascading delete too; a record that
    goes with whichever of two others goes first (a connection) is no contradiction, though.
    """
    cascade = field.cascade
    reach = (cascade.assign, cascade.share, cascade.unshare, cascade.reparent)
    return any(value != "none" for value in reach)


def _check_parents(scope: Scope, entity: Entity) -> Iterator[Diagnostic]:
    parents = [field for field in entity.fields if field.is_lookup and is_parental(field)]
    for extra in parents[1:]:
        yield Diagnostic(
            scope.where("entity", entity.name, "fields", extra.name),
            "relationship/second-parent",
            f'"{entity.name}" already follows its parent over "{parents[0].name}"; '
            f'"{extra.name}" cannot be parental too',
            "leave out relation: parental and the on_… keys that are not none",
        )


def _check_hierarchies(scope: Scope, entity: Entity) -> Iterator[Diagnostic]:
    found = [field for field in entity.fields if field.hierarchical]
    for field in found:
        if field.is_lookup and field.targets and field.targets != (entity.name,):
            yield Diagnostic(
                scope.where("entity", entity.name, "fields", field.name, "hierarchical"),
                "relationship/hierarchy",
                f'a hierarchy is made of one entity; "{field.name}" must have '
                f"target: {entity.name}",
            )
    for extra in found[1:]:
        yield Diagnostic(
            scope.where("entity", entity.name, "fields", extra.name, "hierarchical"),
            "relationship/hierarchy",
            f'"{found[0].name}" is the hierarchy of "{entity.name}"; there can be only one',
        )
