"""Which definition an address names, by its id or its name."""

from __future__ import annotations

from kartoteka.conditions.entity_collections import collections_of
from kartoteka.conditions.typed import Match
from kartoteka_runtime.web_api.altering.ground import Ground
from kartoteka_runtime.web_api.altering.refusals import bad, missing
from kartoteka_runtime.web_api.metadata_ids import (
    ATTRIBUTE,
    ENTITY,
    KEY,
    MANY_TO_MANY,
    ONE_TO_MANY,
    OPTION_SET,
    Named,
)
from kartoteka_runtime.web_api.resource_path import Segment, read_arguments

_NOUNS = {
    ENTITY: "table", ATTRIBUTE: "column", KEY: "key", ONE_TO_MANY: "relationship",
    MANY_TO_MANY: "relationship", OPTION_SET: "global option set",
}  # fmt: skip
_ID = "MetadataId"


def named_at(segment: Segment, names: str, ground: Ground) -> tuple[str, str]:
    """Return ``(id, "")`` or ``("", name)`` of what stands between the parentheses.

    ``names`` is the property by which it may be named: ``LogicalName``, ``SchemaName``, ``Name``.

    Raises:
        CallRefused: Something else stands there.
    """
    arguments = read_arguments(segment.arguments or "")
    if len(arguments) != 1:
        raise bad(f"{segment.name} needs an id, or {names}='…'.")
    name, literal = arguments[0]
    if name in ("", _ID) and not literal.startswith("'"):
        return literal, ""
    if name == names and len(literal) > 1 and literal[0] == literal[-1] == "'":
        return "", literal[1:-1].replace("''", "'").lower()
    raise bad(f"{segment.name} takes an id, or {names}='…'.")


def entity_at(segment: Segment, ground: Ground) -> str:
    """Return the table that a segment names.

    Raises:
        CallRefused: There is none.
    """
    identity, name = named_at(segment, "LogicalName", ground)
    if identity:
        return _by_id(identity, (ENTITY,), ground).entity
    return ground.entity(name).name


def member_at(segment: Segment, kind: str, entity: str, ground: Ground) -> str:
    """Return the column or key of a table that a segment names.

    Raises:
        CallRefused: There is none.
    """
    identity, name = named_at(segment, "LogicalName", ground)
    if identity:
        found = _by_id(identity, (kind,), ground)
        if found.entity != entity:
            raise missing(f"{_NOUNS[kind]} of {entity}", identity)
        return found.member
    known = ground.entity(entity)
    members = known.field_by_name if kind == ATTRIBUTE else {key.name for key in known.keys}
    if name not in members:
        raise missing(f"{_NOUNS[kind]} of {entity}", name)
    return name


def relationship_at(segment: Segment, ground: Ground) -> Named:
    """Return the relationship that a segment names.

    Raises:
        CallRefused: There is none.
    """
    identity, name = named_at(segment, "SchemaName", ground)
    if identity:
        return _by_id(identity, (ONE_TO_MANY, MANY_TO_MANY), ground)
    if name in ground.registry.relationships:
        return Named(MANY_TO_MANY, "", name)
    for target in ground.registry.entities:
        for told, collection in collections_of(ground.registry, target).items():
            if told.lower() == name and isinstance(collection.via, Match):
                field = collection.via.item_field.name
                return Named(ONE_TO_MANY, collection.entity, f"{field}/{target}")
    raise missing("relationship", name)


def choice_at(segment: Segment, ground: Ground) -> str:
    """Return the global option set that a segment names.

    Raises:
        CallRefused: There is none.
    """
    identity, name = named_at(segment, "Name", ground)
    if identity:
        found = _by_id(identity, (OPTION_SET,), ground)
        if not found.entity:
            return found.member
    elif name in ground.registry.choices:
        return name
    raise missing("global option set", identity or name)


def _by_id(identity: str, kinds: tuple[str, ...], ground: Ground) -> Named:
    found = ground.at(identity)
    if found is None or found.kind not in kinds:
        raise missing(f"{_NOUNS[kinds[0]]} with the id", identity[:80])
    return found
