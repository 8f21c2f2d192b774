"""Identities: what makes an object the same one under another name, publish after publish.

An object's identity is by default the logical name under which it was first published; it stays
when the object is renamed, so that a rename is a rename and never a removal and an addition.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from kartoteka.model.entity import Entity
from kartoteka.model.field import Field
from kartoteka.model.relationship import Relationship
from kartoteka.registry import Registry

# Document kinds whose objects have an identity, and where the registry keeps them.
SECTIONS: Mapping[str, str] = {
    "entity": "entities",
    "choice": "choices",
    "relationship": "relationships",
    "form": "forms",
    "view": "views",
    "role": "roles",
    "column_profile": "column_profiles",
    "navigation": "areas",
    "rule": "rules",
}


@dataclass(frozen=True, slots=True)
class Identities:
    """Who is who in one publication.

    ``differing`` holds, by path (``entity/account``, ``entity/account/fields/name``), the
    identities that are not the object's present name. A field's identity is unique in its entity.
    """

    differing: Mapping[str, str] = field(default_factory=dict)

    def of(self, kind: str, name: str) -> str:
        """Return the identity of an object."""
        return self.differing.get(f"{kind}/{name}", name)

    def of_field(self, entity: str, name: str) -> str:
        """Return the identity of a field of the entity that is now called ``entity``."""
        return self.differing.get(f"entity/{entity}/fields/{name}", name)


@dataclass(frozen=True, slots=True)
class Retired:
    """Something that is gone from the metadata and whose data is kept.

    Attributes:
        kind: entity, field or relationship.
        entity: Identity of the field's entity; "" for the other kinds.
        identity: Its own identity.
        name: What it was called last.
        publication: The number of the publication that retired it.
        table: The table that holds the data.
        columns: The columns of a field, as they are called now.
        definition: What it was.
        is_original: A field that lives on with another type; these are the values from before
            they were converted.
        became: Of an original: what the field has been since, one conversion after the other.
        identities: Of an entity: ``{name: identity}`` of its fields, where that is not the name.
    """

    kind: str
    entity: str
    identity: str
    name: str
    publication: int
    table: str
    columns: tuple[str, ...]
    definition: Entity | Field | Relationship
    is_original: bool = False
    became: tuple[Field, ...] = ()
    identities: Mapping[str, str] = field(default_factory=dict)

    @property
    def key(self) -> tuple[str, str, str, int, bool]:
        """Return what tells this entry of the catalogue from every other."""
        return self.kind, self.entity, self.identity, self.publication, self.is_original


def identify(
    wanted: Registry, live: Registry, known: Identities, retired: Collection[Retired]
) -> Identities:
    """Return who the objects of ``wanted`` are.

    An object keeps the identity of the live one of its name, else of the one that it says it was
    renamed from, else of a retired one of that name or renamed from; otherwise it is a new one.

    Args:
        wanted: What the files say.
        live: What is published now, and who its objects are (``known``).
        known: See ``live``.
        retired: What was taken out of the files at some time; the newest of a name counts.
    """
    found: dict[str, str] = {}
    for kind, section in SECTIONS.items():
        now: Mapping[str, object] = getattr(wanted, section)
        before: Mapping[str, object] = getattr(live, section)
        gone = {
            item.name: item.identity
            for item in sorted(retired, key=lambda item: item.publication)
            if item.kind == kind
        }
        names = {
            name: (known.of(kind, name) if name in before else None, _olds(item))
            for name, item in now.items()
        }
        present = {name: known.of(kind, name) for name in before}
        for name, identity in _claim(names, present, gone).items():
            if identity != name:
                found[f"{kind}/{name}"] = identity
    _identify_fields(wanted, live, known, retired, found)
    return Identities(found)


def _identify_fields(
    wanted: Registry,
    live: Registry,
    known: Identities,
    retired: Collection[Retired],
    found: dict[str, str],
) -> None:
    live_by_identity = {known.of("entity", name): name for name in live.entities}
    by_entity: dict[str, list[Retired]] = {}
    for kept in retired:
        if kept.kind == "field" and not kept.is_original:
            by_entity.setdefault(kept.entity, []).append(kept)
    retired_entities = {
        kept.identity: kept
        for kept in sorted(retired, key=lambda kept: kept.publication)
        if kept.kind == "entity"
    }
    differing = {path.rsplit("/fields/", 1)[0] for path in known.differing if "/fields/" in path}
    for name, entity in wanted.entities.items():
        identity = found.get(f"entity/{name}", name)
        old_name = live_by_identity.get(identity, "")
        taken_back = None if old_name else retired_entities.get(identity)
        before = live.entities[old_name] if old_name else _definition(taken_back)
        gone = {kept.name: kept.identity for kept in by_entity.get(identity, ())}
        is_plain = (
            f"entity/{old_name}" not in differing and not gone
            and (taken_back is None or not taken_back.identities)
        )  # fmt: skip
        if before is entity and is_plain:
            continue
        fields_before = before.field_by_name if before is not None else {}
        if is_plain and fields_before.keys() >= entity.field_by_name.keys():
            continue
        if taken_back is None:
            present = {item: known.of_field(old_name, item) for item in fields_before}
        else:
            present = {item: taken_back.identities.get(item, item) for item in fields_before}
        names = {item.name: (present.get(item.name), item.renamed_from) for item in entity.fields}
        for item_name, item_identity in _claim(names, present, gone).items():
            if item_identity != item_name:
                found[f"entity/{name}/fields/{item_name}"] = item_identity


def _definition(kept: Retired | None) -> Entity | None:
    return kept.definition if kept is not None and isinstance(kept.definition, Entity) else None


def _claim(
    wanted: Mapping[str, tuple[str | None, tuple[str, ...]]],
    present: Mapping[str, str],
    gone: Mapping[str, str],
) -> dict[str, str]:
    """Return ``{name: identity}`` of the wanted names.

    Args:
        wanted: ``{name: (identity of the live object of that name or None, names from before)}``.
        present: ``{name: identity}`` of what is live.
        gone: ``{name: identity}`` of what is retired.
    """
    claimed = {name: known for name, (known, _) in wanted.items() if known is not None}
    taken = set(claimed.values())

    def take(name: str, candidates: Iterable[str | None]) -> None:
        for identity in candidates:
            if identity is not None and identity not in taken:
                claimed[name] = identity
                taken.add(identity)
                return

    new = {name: olds for name, (known, olds) in wanted.items() if known is None}
    for name, olds in new.items():
        take(name, (present.get(old) for old in reversed(olds) if old not in wanted))
    for name, olds in new.items():
        if name not in claimed:
            take(name, (gone.get(old) for old in (name, *reversed(olds))))
    taken |= {*present.values(), *gone.values()}
    for name in new:
        if name not in claimed:
            claimed[name] = identity = _unused(name, taken)
            taken.add(identity)
    return claimed


def _unused(name: str, taken: Collection[str]) -> str:
    if name not in taken:
        return name
    number = 2
    while f"{name}~{number}" in taken:
        number += 1
    return f"{name}~{number}"


def _olds(item: object) -> tuple[str, ...]:
    olds: tuple[str, ...] = getattr(item, "renamed_from", ())
    return olds
