"""An entity's map → Entity."""

from __future__ import annotations

from dataclasses import replace

from kartoteka.loading.expand_entities import primary_id_of
from kartoteka.loading.metadata_tree import MetadataTree
from kartoteka.loading.positioned import YamlMap
from kartoteka.loading.read_field import Surroundings, read_field
from kartoteka.loading.read_label import maps_in, read_former_names, read_label, read_names
from kartoteka.model.entity import Command, Entity, Key, Reason, State, Transition
from kartoteka.model.field import Field, Required


def read_entity(name: str, content: YamlMap, around: Surroundings, tree: MetadataTree) -> Entity:
    """Return the entity that an expanded map describes."""
    states = tuple(_state(item) for item in maps_in(content, "states") if _has(item))
    around = replace(around, states=states)
    primary_field = content.get("primary_field", "")
    bundle = tree.bundle_of.get(("entity", name), "")
    commands = tuple(
        _command(item, around, tree, bundle)
        for item in maps_in(content, "commands")
        if "name" in item
    )
    return Entity(
        name=name,
        set_name=content.get("set_name", f"{name}s"),
        label=read_label(content),
        plural_label=read_label(content, "plural_label"),
        primary_id=primary_id_of(name, content),
        primary_field=primary_field,
        ownership=content.get("ownership", "user"),
        fields=tuple(
            _always_required(
                read_field(item, around, entity=name, bundle=tree.bundle_at(item.mark, bundle)),
                item,
                primary_field,
            )
            for item in maps_in(content, "fields")
            if "name" in item
        ),  # fmt: skip
        help=read_label(content, "help"),
        primary_image=content.get("primary_image", ""),
        icon=content.get("icon", ""),
        color=content.get("color", ""),
        is_activity=content.get("activity", False),
        parent_field=content.get("parent", ""),
        features=frozenset(read_names(content, "features")),
        keys=tuple(
            Key(
                item["name"],
                read_names(item, "fields"),
                read_label(item),
                item.get("schema_name", ""),
                item.at("name"),
            )
            for item in maps_in(content, "keys")
            if "name" in item
        ),
        states=states,
        transitions=_transitions(content, commands),
        commands=commands,
        schema_name=content.get("schema_name", ""),
        bundle=bundle,
        renamed_from=read_former_names(content),
        location=content.at("name"),
    )


def _always_required(field: Field, content: YamlMap, primary_field: str) -> Field:
    """Return the primary field as required: a record without a name cannot be found again."""
    if field.name != primary_field or "required" in content:
        return field
    return replace(field, required=Required.ALWAYS)


def _has(item: YamlMap) -> bool:
    return "name" in item and "value" in item


def _state(content: YamlMap) -> State:
    return State(
        value=content["value"],
        name=content["name"],
        label=read_label(content),
        reasons=tuple(_reason(item) for item in maps_in(content, "reasons") if _has(item)),
        read_only=content.get("read_only", False),
        location=content.at("name"),
    )


def _reason(content: YamlMap) -> Reason:
    return Reason(
        value=content["value"],
        name=content["name"],
        label=read_label(content),
        color=content.get("color", ""),
        next=read_names(content, "next") if "next" in content else None,
    )


def _transitions(content: YamlMap, commands: tuple[Command, ...]) -> tuple[Transition, ...] | None:
    """Return the free changes of state: all when nothing is said and no command changes state."""
    if "transitions" in content:
        return tuple(
            Transition(item["from"], item["to"])
            for item in maps_in(content, "transitions")
            if "from" in item and "to" in item
        )
    return () if any(command.to_state for command in commands) else None


def _command(content: YamlMap, around: Surroundings, tree: MetadataTree, bundle: str) -> Command:
    return Command(
        name=content["name"],
        label=read_label(content),
        help=read_label(content, "help"),
        icon=content.get("icon", ""),
        from_states=read_names(content, "from"),
        to_state=content.get("to", ""),
        to_reason=content.get("reason", ""),
        confirm=read_label(content, "confirm"),
        parameters=tuple(
            read_field(item, around) for item in maps_in(content, "parameters") if "name" in item
        ),
        bundle=tree.bundle_at(content.mark, bundle),
        location=content.at("name"),
    )
