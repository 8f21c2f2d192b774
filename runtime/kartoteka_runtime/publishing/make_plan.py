"""Makes the plan: reads the world and what is stored, changes nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from kartoteka.changes import RelationshipChange, diff
from kartoteka.definition_changes import (
    ABSENT,
    DefinitionChange,
    definition_changes,
    sentence,
)
from kartoteka.identities import SECTIONS, Identities, identify
from kartoteka.model.relationship import Relationship
from kartoteka.overrides import overrides, upgrade_notes
from kartoteka.registry import Registry
from kartoteka.registry_codec import fingerprint
from kartoteka_runtime.publishing.plan import Plan, PlannedChange
from kartoteka_runtime.publishing.plan_entities import EntityPlanner
from kartoteka_runtime.publishing.plan_indexes import planned_indexes
from kartoteka_runtime.publishing.stored_counts import StoredCounts
from kartoteka_runtime.publishing.work import Work, work_for
from kartoteka_runtime.publishing.world import World
from kartoteka_runtime.storage.database import Connection, Database
from kartoteka_runtime.storage.schema import Drift, schema_fingerprint

# Properties of a field that do not follow from its type; the others go without saying with it.
_OWN_PROPERTIES = frozenset(
    "label help required unique default read_only audited searchable".split()
)


async def make_plan(
    connection: Connection,
    database: Database,
    world: World,
    wanted: Registry,
    *,
    app: str = "",
    identities: Identities | None = None,
) -> tuple[Plan, Work]:
    """Return the plan and the work behind it.

    Args:
        connection: Reads only.
        database: Which engine it is.
        world: What there is.
        wanted: What shall be; already checked.
        app: The name of the app that publishes; "" when nobody asks whose database it is.
        identities: Who the wanted objects are, when that is known already (a rollback).
    """
    live = world.live.registry
    is_return = identities is not None
    if identities is None:
        identities = identify(wanted, live, world.live.identities, world.retired)
    changes = diff(
        live,
        wanted,
        live_identities=world.live.identities,
        wanted_identities=identities,
        retired=world.retired,
    )
    counts = StoredCounts(connection, database)
    planner = EntityPlanner(
        counts, database.engine, world, identities, changes.entity_names, is_return=is_return
    )
    for change in changes.entities:
        await planner.entity(change)
    work = work_for(
        world, wanted, identities, changes, losing=planner.losing, unreturned=planner.unreturned
    )
    tables = {table.after.name: table.live_table for table in work.tables if table.after}
    for name, fields in work.recalculated.items():
        await planner.recalculated(wanted.entities[name], fields, tables.get(name, name))
    found = [
        *planner.found,
        *(
            _relationship(item, changes.entity_names)
            for item in changes.relationships
            if _is_told(item, changes.entity_names)
        ),
    ]
    for table in work.tables:
        async for index in planned_indexes(table, live, wanted, counts, database):
            found.append(index)
    if world.live.number:  # at first everything is new, which nobody wants to read form by form
        renames = dict(_renames(live, world.live.identities, wanted, identities))
        found += [
            PlannedChange("definition", _definition_params(item), entity=item.entity)
            for item in definition_changes(live, wanted, renames)
            if not _goes_without_saying(item, planner)
        ]
    if world.owner and app and world.owner != app:
        params = {"owner": world.owner, "name": app}
        found.append(PlannedChange("app", params, consent=f"app {app}"))
    found += [_drift(item) for item in world.drift if not item.is_harmless]
    notes = upgrade_notes(world.live.overrides, overrides(wanted)) if world.live.number else ()
    plan = Plan(
        world.live.number,
        world.live.fingerprint,
        fingerprint(wanted),
        schema_fingerprint(world.schema),
        tuple(found),
        world.drift,
        tuple(note.sentence for note in notes),
    )
    return plan, work


def _definition_params(item: DefinitionChange) -> dict[str, Any]:
    """Return the English sentence, and what a sentence in another language is made of."""
    values = {"before": item.before, "after": item.after}
    return {
        "sentence": sentence(item),
        "kind": item.kind,
        "name": item.name,
        "path": list(item.path),
        **{key: value for key, value in values.items() if value is not ABSENT},
    }


def _is_told(change: RelationshipChange, entity_names: Mapping[str, str]) -> bool:
    """Return whether a relationship comes, goes, or is called or ends otherwise."""
    before, after = change.before, change.after
    if before is None or after is None or before.name != after.name:
        return True
    return not _joins_the_same(change, after, entity_names)


def _relationship(change: RelationshipChange, entity_names: Mapping[str, str]) -> PlannedChange:
    before, after = change.before, change.after
    if after is None:
        assert before is not None
        return PlannedChange("relationship/retire", {"name": before.name}, retires=True)
    stored, blocked = change.stored_as, ""
    if stored is not None and not _joins_the_same(change, after, entity_names):
        blocked = "a relationship stays between the same two record types; define another one"
    if change.retired is not None:
        return PlannedChange("relationship/restore", {"name": after.name}, blocked=blocked)
    if before is None:
        return PlannedChange("relationship/add", {"name": after.name}, bundle=after.bundle)
    if before.name == after.name:
        said = f"relationship {after.name} is to join other record types"
        return PlannedChange("definition", {"sentence": said}, blocked=blocked)
    return PlannedChange(
        "relationship/rename",
        {"old": before.name, "name": after.name},
        lock="brief",
        blocked=blocked,
    )


def _joins_the_same(
    change: RelationshipChange, after: Relationship, entity_names: Mapping[str, str]
) -> bool:
    """Return whether the ends are who they were, whatever they are called."""
    stored = change.stored_as
    if stored is None:
        return True
    names = entity_names if change.retired is None else {}  # what is retired is renamed already
    ends = (stored.left, stored.right)
    return tuple(names.get(end, end) for end in ends) == (after.left, after.right)


def _drift(drift: Drift) -> PlannedChange:
    blocked = "give the column back the type it had" if drift.what == "other-type" else ""
    return PlannedChange(
        "drift", {"sentence": str(drift)}, entity=drift.table, consent="drift", blocked=blocked
    )


def _goes_without_saying(change: DefinitionChange, planner: EntityPlanner) -> bool:
    """Return whether another change tells it already."""
    if change.kind in ("entity", "relationship") and not change.path:
        return True
    if change.kind == "entity" and len(change.path) >= 2 and change.path[0] == "fields":
        here = (change.name, change.path[1])
        if len(change.path) == 2:
            return here in planner.told
        return here in planner.retyped and change.path[2] not in _OWN_PROPERTIES
    return False


def _renames(
    live: Registry, live_ids: Identities, wanted: Registry, wanted_ids: Identities
) -> Iterator[tuple[tuple[str, str], str]]:
    """Yield ``(kind, old name), new name``; fields as ``("field", "new entity.old name")``."""
    if not (live_ids.differing or wanted_ids.differing):
        return
    for kind, section in SECTIONS.items():
        by_identity = {live_ids.of(kind, name): name for name in getattr(live, section)}
        for name in getattr(wanted, section):
            old = by_identity.get(wanted_ids.of(kind, name), name)
            if old != name:
                yield (kind, old), name
            if kind == "entity" and old in live.entities:
                fields = {
                    live_ids.of_field(old, item): item for item in live.entities[old].field_by_name
                }
                for item in wanted.entities[name].field_by_name:
                    was = fields.get(wanted_ids.of_field(name, item), item)
                    if was != item:
                        yield ("field", f"{name}.{was}"), item
