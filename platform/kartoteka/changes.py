"""Changes: what turns the live definitions into the wanted ones, as data that others carry out."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, replace

from kartoteka.conversions import conversion, lost_targets, stores_alike
from kartoteka.identities import Identities, Retired
from kartoteka.model.entity import Entity
from kartoteka.model.field import Field
from kartoteka.model.field_types import has_column
from kartoteka.model.relationship import Relationship
from kartoteka.registry import Registry


@dataclass(frozen=True, slots=True)
class FieldChange:
    """One field, before and after.

    ``before`` None: new, or taken back from ``retired``. ``after`` None: to be retired. Both, and
    ``retired``: what people wrote comes back to a field that was calculated meanwhile.
    ``original`` holds the values from before an earlier conversion that may return: of the very
    type that is wanted again, or at least of one that converts to it.
    """

    before: Field | None
    after: Field | None
    retired: Retired | None = None
    original: Retired | None = None

    @property
    def is_set_aside(self) -> bool:
        """Return whether the values that are there stay, and the field gets others beside them.

        So nothing is lost when a field that people filled in becomes calculated.
        """
        before, after = self.before, self.after
        if before is None or not has_column(before):
            return False
        if after is None or self.retired is not None or not has_column(after):
            return True
        return after.is_calculated and (not before.is_calculated or not stores_alike(before, after))

    @property
    def stored_as(self) -> Field | None:
        """Return the definition by which the values that are there were stored."""
        if self.retired is not None and isinstance(self.retired.definition, Field):
            return self.retired.definition
        return self.before


@dataclass(frozen=True, slots=True)
class EntityChange:
    """One entity, before and after, and every field of the two.

    ``before`` None: new, or taken back from ``retired``. ``after`` None: to be retired.
    """

    before: Entity | None
    after: Entity | None
    fields: tuple[FieldChange, ...] = ()
    retired: Retired | None = None

    @property
    def stored_as(self) -> Entity | None:
        """Return the definition by which the records that are there were stored."""
        if self.retired is not None and isinstance(self.retired.definition, Entity):
            return self.retired.definition
        return self.before


@dataclass(frozen=True, slots=True)
class RelationshipChange:
    """One N:N relationship, before and after; see ``EntityChange``."""

    before: Relationship | None
    after: Relationship | None
    retired: Retired | None = None

    @property
    def stored_as(self) -> Relationship | None:
        """Return the definition by which the links that are there were stored."""
        if self.retired is not None and isinstance(self.retired.definition, Relationship):
            return self.retired.definition
        return self.before


@dataclass(frozen=True, slots=True)
class Changes:
    """Every entity and relationship that is not the same before and after.

    ``entity_names`` are what ``entity_renames`` found.
    """

    entities: tuple[EntityChange, ...] = ()
    relationships: tuple[RelationshipChange, ...] = ()
    entity_names: Mapping[str, str] = dataclasses.field(default_factory=dict)


Definition = Entity | Field | Relationship


def with_renamed_targets(field: Field, renames: Mapping[str, str]) -> Field:
    """Return a field that calls what it names what that is called now."""
    if renames.keys().isdisjoint(field.targets):
        return field
    return replace(field, targets=tuple(renames.get(name, name) for name in field.targets))


def with_renamed_ends(definition: Definition, renames: Mapping[str, str]) -> Definition:
    """Return a definition that calls other entities what they are called now.

    Args:
        definition: What is stored; its own names stay, tables and columns are called so.
        renames: ``{old name of an entity: new name}``.
    """
    match definition:
        case Field():
            return with_renamed_targets(definition, renames)
        case Relationship():
            left, right = definition.left, definition.right
            return replace(
                definition, left=renames.get(left, left), right=renames.get(right, right)
            )
        case Entity():
            fields = tuple(with_renamed_targets(item, renames) for item in definition.fields)
            return replace(definition, fields=fields)


def retired_with_renamed_ends(item: Retired, renames: Mapping[str, str]) -> Retired:
    """Return an entry of the catalogue that calls other entities what they are called now."""
    return replace(
        item,
        definition=with_renamed_ends(item.definition, renames),
        became=tuple(with_renamed_targets(step, renames) for step in item.became),
    )


def entity_renames(
    live: Registry,
    live_identities: Identities,
    wanted: Registry,
    wanted_identities: Identities,
    retired: Collection[Retired],
) -> dict[str, str]:
    """Return ``{old name: new name}`` of the entities that are called something else.

    So stored values and definitions name entities. A retired one whose name another has taken is
    named by its identity behind a ``~``, until it comes back.
    """
    gone = [(item.identity, item.name) for item in _by_age(retired) if item.kind == "entity"]
    is_renamed = live_identities.differing or wanted_identities.differing
    if not is_renamed and all(identity == name for identity, name in gone):
        return {}
    now = {live_identities.of("entity", name): name for name in live.entities}
    then = {wanted_identities.of("entity", name): name for name in wanted.entities}
    named_now = _names_with_retired(now, gone)
    named_then = _names_with_retired(then, [*gone, *now.items()])
    return {old: named_then[who] for who, old in named_now.items() if named_then[who] != old}


def _names_with_retired(
    names: Mapping[str, str], gone: Collection[tuple[str, str]]
) -> dict[str, str]:
    """Return ``{identity: name}``, also of what is gone (given oldest first)."""
    found, taken = dict(names), set(names.values())
    for identity, name in reversed(list(gone)):
        if identity not in found:
            found[identity] = f"~{identity}" if name in taken else name
            taken.add(name)
    return found


def diff(
    live: Registry,
    wanted: Registry,
    *,
    live_identities: Identities,
    wanted_identities: Identities,
    retired: Collection[Retired] = (),
) -> Changes:
    """Return what has to happen to entities, fields and relationships, matched by identity.

    Args:
        live: What the database holds now (an empty registry before the first publish).
        wanted: What it shall hold; already checked.
        live_identities: Who the live objects are.
        wanted_identities: Who the wanted objects are; see ``kartoteka.identities.identify``.
        retired: What is kept of earlier publications.
    """
    renames = entity_renames(live, live_identities, wanted, wanted_identities, retired)
    if renames:
        retired = [retired_with_renamed_ends(item, renames) for item in retired]
    entities = tuple(
        _entity_changes(live, wanted, live_identities, wanted_identities, retired, renames)
    )
    relationships = tuple(
        _relationship_changes(live, wanted, live_identities, wanted_identities, retired, renames)
    )
    return Changes(entities, relationships, renames)


def _entity_changes(
    live: Registry,
    wanted: Registry,
    live_ids: Identities,
    wanted_ids: Identities,
    retired: Collection[Retired],
    renames: Mapping[str, str],
) -> Iterator[EntityChange]:
    live_by_identity = {live_ids.of("entity", name): item for name, item in live.entities.items()}
    kept = _newest(retired, "entity")
    kept_fields: dict[str, list[Retired]] = {}
    for item in retired:
        if item.kind == "field":
            kept_fields.setdefault(item.entity, []).append(item)
    staying: set[str] = set()
    for name, after in wanted.entities.items():
        identity = wanted_ids.of("entity", name)
        staying.add(identity)
        before = live_by_identity.get(identity)
        if before == after and (before is None or with_renamed_ends(before, renames) == before):
            continue
        taken_back = kept.get(identity) if before is None else None
        base, names = before, renames
        if taken_back is not None and isinstance(taken_back.definition, Entity):
            base, names = taken_back.definition, {}  # renamed with the rest of the catalogue
        fields = _field_changes(
            base,
            after,
            {} if base is None else {
                _key_before(base, item, live_ids, taken_back): with_renamed_targets(item, names)
                for item in base.fields
            },
            {_key(after, item, wanted_ids): item for item in after.fields},
            kept_fields.get(identity, []),
        )  # fmt: skip
        yield EntityChange(before, after, tuple(fields), taken_back)
    for identity, before in live_by_identity.items():
        if identity not in staying:
            yield EntityChange(before, None)


def _key(entity: Entity, field: Field, identities: Identities) -> str:
    """Return what pairs a field before and after; a record's id is that under any name."""
    return "" if field.name == entity.primary_id else identities.of_field(entity.name, field.name)


def _key_before(
    entity: Entity, field: Field, identities: Identities, taken_back: Retired | None
) -> str:
    if taken_back is None or field.name == entity.primary_id:
        return _key(entity, field, identities)
    return taken_back.identities.get(field.name, field.name)


def _field_changes(
    base: Entity | None,
    after: Entity,
    before_by_identity: Mapping[str, Field],
    after_by_identity: Mapping[str, Field],
    retired: Collection[Retired],
) -> Iterator[FieldChange]:
    kept: dict[str, list[Retired]] = {}
    originals: dict[str, list[Retired]] = {}
    for item in _by_age(retired):
        (originals if item.is_original else kept).setdefault(item.identity, []).append(item)
    for identity, field in after_by_identity.items():
        before = before_by_identity.get(identity)
        taken_back = _taken_back(kept.get(identity, []), before, field)
        found = FieldChange(before, field, taken_back)
        stored = found.stored_as
        if stored is not None:
            if not field.is_calculated and not stored.is_calculated:
                found = replace(
                    found, original=_original(originals.get(identity, []), stored, field)
                )
        yield found
    for identity, field in before_by_identity.items():
        if identity not in after_by_identity:
            yield FieldChange(field, None)


def _taken_back(kept: Collection[Retired], before: Field | None, wanted: Field) -> Retired | None:
    """Return the retired values that come back in a field.

    What people wrote comes back when the field is theirs again, what was calculated when it is
    calculated and stored again.
    """
    if not has_column(wanted):
        return None
    if before is not None and (has_column(before) and not before.is_calculated):
        return None
    if before is not None and before.is_calculated and wanted.is_calculated and has_column(before):
        return None
    alike = [
        item
        for item in kept
        if isinstance(item.definition, Field)
        and item.definition.is_calculated is wanted.is_calculated
    ]
    return alike[-1] if alike else None


def _original(originals: Collection[Retired], stored: Field, wanted: Field) -> Retired | None:
    """Return the values from before that may return: those of the wanted type, else the last.

    Where nothing is stored otherwise, only what a lookup could not name meanwhile returns.
    """
    is_alike = stores_alike(stored, wanted)
    is_same = is_alike and stored.type == wanted.type
    regained = set(lost_targets(wanted, stored))
    if is_same and not regained:
        return None
    possible = [(item, item.definition) for item in originals if isinstance(item.definition, Field)]
    for item, was in reversed(possible):
        if was.type == wanted.type and not (is_same and regained.isdisjoint(was.targets)):
            return item
    for item, was in reversed(possible):
        if not is_alike and conversion(was, wanted).kind != "impossible":
            return item
    return None


def _relationship_changes(
    live: Registry,
    wanted: Registry,
    live_ids: Identities,
    wanted_ids: Identities,
    retired: Collection[Retired],
    renames: Mapping[str, str],
) -> Iterator[RelationshipChange]:
    live_by_identity = {
        live_ids.of("relationship", name): item for name, item in live.relationships.items()
    }
    kept = _newest(retired, "relationship")
    staying: set[str] = set()
    for name, after in wanted.relationships.items():
        identity = wanted_ids.of("relationship", name)
        staying.add(identity)
        before = live_by_identity.get(identity)
        if before != after or with_renamed_ends(before, renames) != before:
            taken_back = kept.get(identity) if before is None else None
            yield RelationshipChange(before, after, taken_back)
    for identity, before in live_by_identity.items():
        if identity not in staying:
            yield RelationshipChange(before, None)


def _newest(retired: Collection[Retired], kind: str) -> dict[str, Retired]:
    return {item.identity: item for item in _by_age(retired) if item.kind == kind}


def _by_age(retired: Collection[Retired]) -> list[Retired]:
    return sorted(retired, key=lambda item: item.publication)
