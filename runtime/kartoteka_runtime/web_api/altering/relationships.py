"""A relationship in JSON → the lookup, or the N:N relationship, that metadata has of it."""

from __future__ import annotations

import re
from collections.abc import Iterator

from kartoteka.conditions.entity_collections import collections_of
from kartoteka.conditions.typed import Match
from kartoteka.editing.customize import Customization
from kartoteka.model.entity import Entity
from kartoteka.model.field import Field
from kartoteka.model.merging import rule_on_merge
from kartoteka.names import is_name
from kartoteka.registry import Registry
from kartoteka_runtime.validation.value_checks import shorten
from kartoteka_runtime.web_api.altering.column_types import Says
from kartoteka_runtime.web_api.altering.ground import Ground
from kartoteka_runtime.web_api.altering.json_parts import (
    Body,
    at_most,
    check_id,
    flag_of,
    part_of,
    parts_of,
    schema_name_of,
    text_of,
    type_of,
)
from kartoteka_runtime.web_api.altering.known_properties import RELATIONSHIP, check_known
from kartoteka_runtime.web_api.altering.label_texts import new_texts, read_texts
from kartoteka_runtime.web_api.altering.read_column import new_column
from kartoteka_runtime.web_api.altering.refusals import bad, taken
from kartoteka_runtime.web_api.metadata_ids import MANY_TO_MANY, ONE_TO_MANY, Named

_NAME = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,119}\Z")
_MOST_TARGETS = 50
_DELETE = {
    "": "clear", "nocascade": "clear", "removelink": "clear", "cascade": "cascade",
    "restrict": "restrict",
}  # fmt: skip
_REACH = {
    "": "none", "nocascade": "none", "removelink": "none", "cascade": "all", "active": "active",
    "userowned": "user_owned",
}  # fmt: skip
_ACTIONS = {
    "Assign": "on_assign", "Share": "on_share", "Unshare": "on_unshare",
    "Reparent": "on_reparent", "Merge": "on_merge",
}  # fmt: skip


def new_relationship(body: Body, ground: Ground) -> tuple[Named, Iterator[Customization]]:
    """Return what is made, and what makes it.

    Raises:
        CallRefused: Its name is taken, it names no tables, or a property cannot be.
    """
    check_known(body, RELATIONSHIP)
    said = type_of(body) or text_of(body, "RelationshipType")
    is_linked = said.startswith("ManyToMany") or "Entity1LogicalName" in body
    if not is_linked and said and not said.startswith("OneToMany"):
        raise bad(f"A relationship cannot be of the type {shorten(said)}.")
    return _linked(body, ground) if is_linked else _lookup(body, ground)


def new_polymorphic(body: Body, ground: Ground) -> tuple[str, str, list[str], Customization]:
    """Return table, column and targets of a lookup that names several tables, and what makes it.

    Each target brings a relationship; what these are called follows from the column.

    Raises:
        CallRefused: The relationships are of different tables, or differ in their cascades.
    """
    name = "OneToManyRelationships"
    parts = at_most(parts_of(body, name), _MOST_TARGETS, name)
    lookup = part_of(body, "Lookup")
    if not parts or lookup is None:
        raise bad("A polymorphic lookup needs OneToManyRelationships and its Lookup.")
    holder = ground.target(text_of(parts[0], "ReferencingEntity"), "ReferencingEntity")
    targets: list[str] = []
    for part in parts:
        check_known(part, RELATIONSHIP)
        if text_of(part, "ReferencingEntity").lower() != holder.name:
            raise bad(f"Each of the relationships needs the ReferencingEntity {holder.name}.")
        owner = ground.target(text_of(part, "ReferencedEntity"), "ReferencedEntity")
        if owner.name in targets:
            raise bad(f"Two of the relationships have the ReferencedEntity {owner.name}.")
        if _cascade(part) != _cascade(parts[0]):
            raise bad("The relationships of one lookup have the same CascadeConfiguration.")
        targets.append(owner.name)
    wanted = {**lookup, "@odata.type": "LookupAttributeMetadata", "Targets": targets}
    name, made, _ = new_column(wanted, ground)
    if name in holder.field_by_name:
        raise taken(f"a column of {holder.name}", name)
    made |= _cascade(parts[0])
    change = Customization("entity", holder.name, ("fields", name), made)
    return holder.name, name, targets, change


def relationship_changes(named: Named, body: Body, ground: Ground) -> Iterator[Customization]:
    """Yield what makes a relationship the wanted one: what happens to records that hold a lookup.

    Raises:
        CallRefused: Something else would have to change.
    """
    check_known(body, RELATIONSHIP)
    check_id(body, ground.ids.of(*named))
    if named.kind == MANY_TO_MANY:
        relationship = ground.registry.relationships[named.member]
        _check_same(body, "SchemaName", relationship.name)
        _check_same(body, "Entity1LogicalName", relationship.left)
        _check_same(body, "Entity2LogicalName", relationship.right)
        _check_same(body, "IntersectEntityName", relationship.intersect)
        return
    entity = ground.entity(named.entity)
    name, _, target = named.member.partition("/")
    field = ground.field(entity, name)
    _check_same(body, "SchemaName", *told_names(ground.registry, entity.name, field.name, target))
    _check_same(body, "ReferencingEntity", entity.name)
    _check_same(body, "ReferencedEntity", target)
    _check_same(body, "ReferencingAttribute", field.name)
    said = part_of(body, "CascadeConfiguration")
    present = field.cascade
    for place, key in {"Delete": "on_delete", **_ACTIONS}.items():
        if said is None or not text_of(said, place):
            continue
        value = _one_of(_DELETE if place == "Delete" else _REACH, text_of(said, place), place)
        told = getattr(present, key.removeprefix("on_"))
        if place == "Merge":  # as the definition tells it, which depends on the table too
            told = rule_on_merge(ground.registry.entities[target], entity, field)
        if value != told:
            yield Customization("entity", entity.name, ("fields", field.name, key), value)
    hierarchical = flag_of(body, "IsHierarchical")
    if hierarchical is not None and hierarchical != field.hierarchical:
        path = ("fields", field.name, "hierarchical")
        yield Customization("entity", entity.name, path, hierarchical)


def told_names(registry: Registry, holder: str, field: str, target: str) -> list[str]:
    """Return what the relationship that a lookup makes with one target is called."""
    return [
        name
        for name, collection in collections_of(registry, target).items()
        if isinstance(collection.via, Match)
        and (collection.entity, collection.via.item_field.name) == (holder, field)
    ]


def _check_same(body: Body, name: str, *present: str) -> None:
    said = text_of(body, name)
    if said and said.lower() not in {one.lower() for one in present}:
        raise bad(f'{name} cannot change: it is "{present[0]}", not "{shorten(said)}".')


def _lookup(body: Body, ground: Ground) -> tuple[Named, Iterator[Customization]]:
    schema_name = text_of(body, "SchemaName")
    if not _NAME.match(schema_name):
        raise bad(f'"{shorten(schema_name)}" cannot be the SchemaName of a relationship.')
    _check_free(schema_name, ground)
    owner = ground.target(text_of(body, "ReferencedEntity"), "ReferencedEntity")
    holder = ground.target(text_of(body, "ReferencingEntity"), "ReferencingEntity")
    attribute = text_of(body, "ReferencedAttribute").lower()
    if attribute and attribute != owner.primary_id:
        raise bad(f'ReferencedAttribute is always the id: "{owner.primary_id}".')
    lookup = part_of(body, "Lookup")
    if lookup is None:
        raise bad("A 1:N relationship needs its Lookup: the column that it creates.")
    wanted = {**lookup, "@odata.type": "LookupAttributeMetadata", "Targets": [owner.name]}
    name, made, _ = new_column(wanted, ground)
    if name in holder.field_by_name:
        return _one_more(holder, holder.field_by_name[name], owner, ground)
    navigation = text_of(body, "ReferencingEntityNavigationPropertyName")
    if navigation and navigation.lower() != name:
        raise bad("ReferencingEntityNavigationPropertyName is always the SchemaName of the Lookup: "
                  f'"{made["schema_name"]}".')  # fmt: skip
    made["relationship"] = schema_name
    if flag_of(body, "IsHierarchical"):
        made["hierarchical"] = True
    made |= _cascade(body)
    place = ("fields", name)
    return (
        Named(ONE_TO_MANY, holder.name, f"{name}/{owner.name}"),
        iter([Customization("entity", holder.name, place, made)]),
    )


def _one_more(
    holder: Entity, field: Field, owner: Entity, ground: Ground
) -> tuple[Named, Iterator[Customization]]:
    """Return what lets a lookup that names several tables name one more."""
    is_open = field.type == "lookup" and field.is_multi_target and not field.target_feature
    if not is_open or owner.name in field.targets:
        raise taken(f"a column of {holder.name}", field.name)
    path = ("fields", field.name, "targets")
    is_own = ground.is_own(ground.bundle_of(field, holder))
    targets = [*field.targets, owner.name] if is_own else [owner.name]
    return (
        Named(ONE_TO_MANY, holder.name, f"{field.name}/{owner.name}"),
        iter([Customization("entity", holder.name, path, targets)]),
    )


def _cascade(body: Body) -> Says:
    said = part_of(body, "CascadeConfiguration") or {}
    found: Says = {}
    delete = _one_of(_DELETE, text_of(said, "Delete"), "Delete")
    if delete != "clear":
        found["on_delete"] = delete
    for place, key in _ACTIONS.items():
        reach = _one_of(_REACH, text_of(said, place), place)
        # What Dataverse always says of Merge and Reparent of a plain lookup goes without saying.
        if reach != "none":
            found[key] = reach
    return found


def _linked(body: Body, ground: Ground) -> tuple[Named, Iterator[Customization]]:
    name, schema_name = schema_name_of(body, "an N:N relationship")
    _check_free(schema_name, ground)
    left = ground.target(text_of(body, "Entity1LogicalName"), "Entity1LogicalName")
    right = ground.target(text_of(body, "Entity2LogicalName"), "Entity2LogicalName")
    intersect = text_of(body, "IntersectEntityName").lower() or name
    if not is_name(intersect):
        raise bad(f'"{shorten(intersect)}" cannot be an IntersectEntityName.')
    links = {item.intersect for item in ground.registry.relationships.values()}
    if intersect in links or intersect in ground.registry.entities:
        raise taken("a table", intersect)
    for place in ("Entity1NavigationPropertyName", "Entity2NavigationPropertyName"):
        said = text_of(body, place)
        if said and said.lower() != name:
            raise bad(f'{place} is always the SchemaName: "{schema_name}".')
    made: Says = {
        "schema_name": schema_name,
        "left": left.name,
        "right": right.name,
        "intersect": intersect,
    }
    for key, place in (
        ("left_label", "Entity1AssociatedMenuConfiguration"),
        ("right_label", "Entity2AssociatedMenuConfiguration"),
    ):
        menu = part_of(body, place)
        if menu is not None and text_of(menu, "Behavior") == "UseLabel":
            if texts := new_texts(read_texts(menu, "Label", ground), ground):
                made[key] = texts
    return (
        Named(MANY_TO_MANY, "", name),
        iter([Customization("relationship", name, (), made)]),
    )


def _check_free(schema_name: str, ground: Ground) -> None:
    wanted = schema_name.lower()
    registry = ground.registry
    lookups = (
        field.relationship
        for entity in registry.entities.values()
        for field in entity.fields
        if field.is_lookup
    )
    for name in (*lookups, *registry.relationships):
        if name.lower() == wanted:
            raise taken("a relationship", schema_name)


def _one_of(known: dict[str, str], said: str, name: str) -> str:
    found = known.get(said.lower())
    if found is None:
        raise bad(f"CascadeConfiguration.{name} cannot be {shorten(said)}.")
    return found
