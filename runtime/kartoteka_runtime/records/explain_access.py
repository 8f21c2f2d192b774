"""Why somebody may, or may not, do something: what the database knows of it, with names for people.

Facts are read for the platform itself, whoever asks, so that the answer covers records that the
user may not read. The decision is ``kartoteka.access.explain``, not the one that statements carry
(decisions/0039).
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

from kartoteka.access.explain import (
    Answer,
    Cause,
    ColumnAnswer,
    RecordFacts,
    RoleGrant,
    ShareFact,
    explain_columns,
    explain_entity,
    explain_record,
)
from kartoteka.access.facts import UserFacts
from kartoteka.access.reach import unit_field_of
from kartoteka.errors import AccessDenied, KartotekaError, RecordNotFound
from kartoteka.model.entity import Entity
from kartoteka.plugin_api.contexts import Principal
from kartoteka.record_values import Reference
from kartoteka.registry import Registry
from kartoteka_runtime.records.acting_records import ActingRecords
from kartoteka_runtime.records.record_service import RecordService
from kartoteka_runtime.storage.database import BadParameter
from kartoteka_runtime.storage.shares import Share

USER, TEAM, UNIT, ORGANIZATION = "systemuser", "team", "businessunit", "organization"
AUDIT = "audit"  # the privilege of those who look into what others may do
_SYSTEM = Principal(user_id="", name="system", is_system=True)
_MOST_PARENTS = 20


@dataclass(frozen=True, slots=True)
class RecordExplanation:
    """Why a user may do what with one record; ``names`` has what is named in it, by id."""

    user: Reference
    record: RecordFacts
    answers: Mapping[str, Answer]
    columns: tuple[ColumnAnswer, ...]
    facts: UserFacts
    names: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class EntityExplanation:
    """What the roles of a user give on an entity, by privilege."""

    user: Reference
    entity: str
    grants: Mapping[str, tuple[RoleGrant, ...]]
    columns: tuple[ColumnAnswer, ...]
    facts: UserFacts
    names: Mapping[str, str]


class AccessExplainer:
    """Explains decisions over records of the live publication."""

    def __init__(self, records: RecordService, files: Callable[[], Registry] | None = None) -> None:
        """``files`` reads what the app's files say: where in them each role stands."""
        self._records = records
        self._files = files
        self._placed: tuple[int, Registry] | None = None

    async def explain(
        self, asker: ActingRecords, user_id: str, entity: str, record_id: str
    ) -> RecordExplanation:
        """Return what a user may do with a record, and why.

        Administrators and auditors may ask for everybody, whether they may read the record or not;
        others for themselves, of what they may read.

        Raises:
            AccessDenied: It is not for who asks.
            RecordNotFound: There is no such user, entity or record.
        """
        if not await self._may_ask(asker, user_id):
            await asker.read_fields(entity, record_id)
        registry = await self._registry()
        if entity not in registry.entities:
            raise RecordNotFound(entity, record_id)
        facts = await self._facts(user_id)
        system = self._records.acting_as(_SYSTEM)
        record = await self._record(registry, system, Reference(entity, record_id))
        answers = explain_record(
            registry, facts, record, by_position=await self._by_position(system, facts)
        )
        columns = explain_columns(registry, facts, registry.entities[entity])
        named = [cause for answer in answers.values() for cause in answer.causes]
        names = await _names(system, facts, _ids_of(named), _references_of(record, named))
        return RecordExplanation(
            Reference(USER, user_id, names.get(user_id, "")), record, answers, columns, facts, names
        )

    async def explain_entity(
        self, asker: ActingRecords, user_id: str, entity: str
    ) -> EntityExplanation:
        """Return what the roles of a user give on an entity.

        Raises:
            AccessDenied: It is not for who asks.
            RecordNotFound: There is no such user or entity.
        """
        await self._may_ask(asker, user_id)
        registry = await self._registry()
        if entity not in registry.entities:
            raise RecordNotFound(entity, "")
        facts = await self._facts(user_id)
        found = explain_entity(registry, facts, registry.entities[entity])
        system = self._records.acting_as(_SYSTEM)
        causes = [Cause("", grant) for grants in found.values() for grant in grants]
        names = await _names(system, facts, _ids_of(causes), ())
        columns = explain_columns(registry, facts, registry.entities[entity])
        user = Reference(USER, user_id, names.get(user_id, ""))
        return EntityExplanation(user, entity, found, columns, facts, names)

    async def _may_ask(self, asker: ActingRecords, user_id: str) -> bool:
        """Return whether one may ask for everybody; otherwise one asks for oneself.

        Raises:
            AccessDenied: One asks for another, and may not.
        """
        access = await asker.access()
        if access.is_administrator or access.has(AUDIT):
            return True
        if not user_id or access.facts.user_id != user_id:
            raise AccessDenied("error.forbidden")
        return False

    async def _facts(self, user_id: str) -> UserFacts:
        facts = None
        if user_id and USER in self._records.model.registry.entities:
            try:
                async with self._records.database.reading() as connection:
                    facts = await self._records.model.access_facts.load(connection, user_id)
            except BadParameter:  # not the form of an id
                facts = None
        if facts is None:
            raise RecordNotFound(USER, user_id)
        return facts

    async def _record(
        self, registry: Registry, system: ActingRecords, wanted: Reference, *, depth: int = 0
    ) -> RecordFacts:
        """Return what decides over a record, up to the parent that decides."""
        entity = registry.entities[wanted.entity]
        stored = await system.read_fields(entity.name, wanted.id, with_labels=True)
        name = stored.get(entity.primary_field)
        known = Reference(entity.name, wanted.id, "" if name is None else str(name))
        if entity.parent_field:
            above = stored.get(entity.parent_field)
            parent = None
            if isinstance(above, Reference) and depth < _MOST_PARENTS:
                try:
                    parent = await self._record(registry, system, above, depth=depth + 1)
                except RecordNotFound:
                    parent = None
            return RecordFacts(known, parent=parent)
        owner = stored.get("ownerid")
        unit = stored.get(unit_field_of(entity))
        return RecordFacts(
            known,
            owner if isinstance(owner, Reference) else None,
            unit.id if isinstance(unit, Reference) else str(unit or ""),
            await self._shares(entity, wanted.id, stored),
        )

    async def _shares(
        self, entity: Entity, record_id: str, stored: Mapping[str, Any]
    ) -> tuple[ShareFact, ...]:
        model, above = self._records.model, list[tuple[Reference, tuple[Share, ...]]]()
        if entity.ownership != "user":
            return ()
        async with self._records.database.reading() as connection:
            shares = await model.shares.of_record(connection, entity.name, record_id)
            if any(share.inherited_rights for share in shares):
                for item in model.share_paths.up(entity.name):
                    parent = stored.get(item.name)
                    if isinstance(parent, Reference):
                        found = await model.shares.of_record(connection, parent.entity, parent.id)
                        above.append((parent, found))
        system = self._records.acting_as(_SYSTEM)
        owners = {
            parent: (await system.read_fields(parent.entity, parent.id)).get("ownerid")
            for parent, _ in above
        }
        facts = [
            ShareFact(
                Reference(share.principal_type, share.principal_id),
                share.explicit_rights,
                share.inherited_rights,
                share.shared_by or "",
                tuple(
                    parent
                    for parent, theirs in above
                    if share.inherited_rights
                    and (
                        any(
                            other.principal_id == share.principal_id
                            and other.rights & share.inherited_rights
                            for other in theirs
                        )
                        or getattr(owners[parent], "id", "") == share.principal_id
                    )
                ),
            )
            for share in shares
        ]
        return tuple(sorted(facts, key=lambda fact: fact.principal))

    async def _by_position(self, system: ActingRecords, facts: UserFacts) -> bool:
        entity = self._records.model.registry.entities.get(ORGANIZATION)
        name = "usepositionhierarchy"
        if not facts.people or entity is None or name not in entity.field_by_name:
            return False
        found = await system.list(ORGANIZATION, fields=(name,), limit=1)
        return bool(found and found[0][name])

    async def _registry(self) -> Registry:
        """Return the live registry, its roles and profiles with their places in files.

        One that the files say differently by now has none, and neither have all of them when the
        files cannot be read.
        """
        model = self._records.model
        if self._placed is None or self._placed[0] != model.number:
            registry = model.registry
            if self._files is not None:
                try:
                    said = await asyncio.to_thread(self._files)
                except KartotekaError:
                    said = registry
                registry = replace(
                    registry,
                    roles=_placed(registry.roles, said.roles),
                    column_profiles=_placed(registry.column_profiles, said.column_profiles),
                )
            self._placed = (model.number, registry)
        return self._placed[1]


def _placed(live: Mapping[str, Any], said: Mapping[str, Any]) -> dict[str, Any]:
    return {
        name: said[name] if name in said and said[name] == item else item
        for name, item in live.items()
    }


def _ids_of(causes: Iterable[Cause]) -> Iterator[tuple[str, str]]:
    """Yield entity and id of the teams, units and people that causes name."""
    for cause in causes:
        for grant in (cause.grant, *cause.roles):
            if grant is not None:
                yield TEAM, grant.team_id
                yield UNIT, grant.unit_id
        yield UNIT, cause.unit_id
        if cause.share is not None:
            yield USER, cause.share.shared_by


def _references_of(record: RecordFacts, causes: Iterable[Cause]) -> Iterator[Reference]:
    """Yield what else is named: owners, those with shares, records above."""
    at: RecordFacts | None = record
    while at is not None:
        yield at.reference
        if at.owner is not None:
            yield at.owner
        at = at.parent
    for cause in causes:
        if cause.below is not None:
            yield cause.below
        if cause.share is not None:
            yield cause.share.principal
            yield from cause.share.inherited_from


async def _names(
    system: ActingRecords,
    facts: UserFacts,
    ids: Iterable[tuple[str, str]],
    references: Iterable[Reference],
) -> dict[str, str]:
    """Return names by id; what is gone has none."""
    wanted: dict[tuple[str, str], str] = {(USER, facts.user_id): "", (UNIT, facts.unit_id): ""}
    for entity, record_id in ids:
        wanted.setdefault((entity, record_id), "")
    for reference in references:
        wanted[(reference.entity, reference.id)] = reference.name
    names: dict[str, str] = {}
    for (entity, record_id), known in wanted.items():
        if not record_id or record_id in names or entity not in system.model.registry.entities:
            continue
        primary = system.model.registry.entities[entity].primary_field
        try:
            name = known or (await system.read_fields(entity, record_id)).get(primary)
        except RecordNotFound:
            name = None
        names[record_id] = "" if name is None else str(name)
    return names
