"""The organization of an access test, built in an app: units, people, records and shares."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from kartoteka.diagnostics import Diagnostic
from kartoteka.errors import AccessDenied, KartotekaError, RecordInvalid
from kartoteka.location import Location
from kartoteka.model.access_test import (
    CANNOT_BUILD,
    EVERYBODY,
    AccessTest,
    GivenRecord,
    GivenTeam,
    GivenUser,
)
from kartoteka.model.entity import Entity
from kartoteka.model.field import Required
from kartoteka.plugin_api.contexts import Principal
from kartoteka.record_values import Reference
from kartoteka_runtime.access_tests.sample_values import SampleRecords, sample_values
from kartoteka_runtime.known_ids import ORGANIZATION, ROOT_UNIT, profile_id, role_id
from kartoteka_runtime.publishing.bootstrap import SYSTEM, add_user
from kartoteka_runtime.runtime_parts import RuntimeParts

_USER, _TEAM, _UNIT, _POSITION = "systemuser", "team", "businessunit", "position"


class NotBuilt(KartotekaError):
    """Something of the organization cannot be made; ``diagnostic`` says what and why."""

    def __init__(self, diagnostic: Diagnostic) -> None:
        """Keep the diagnostic."""
        self.diagnostic = diagnostic
        super().__init__(str(diagnostic))


class TestOrganization:
    """What an access test says, in a database of its own: references by the test's names."""

    __test__ = False  # pytest

    def __init__(self, parts: RuntimeParts, test: AccessTest) -> None:
        """Build ``test`` in the app that ``parts`` make up; nothing is made yet."""
        self.parts = parts
        self.test = test
        self.system = parts.records.acting_as(SYSTEM)
        self.registry = parts.records.model.registry
        self.made: dict[str, Reference] = {}
        self._units = {"": ROOT_UNIT}
        self._positions: dict[str, str] = {}
        self._samples: SampleRecords | None = None

    async def build(self) -> None:
        """Make everything.

        Raises:
            NotBuilt: Something cannot be made; what came before it stays.
        """
        test = self.test
        for unit in test.units:
            with self._telling("unit", unit.name, unit.location):
                above = Reference(_UNIT, self._units[unit.parent])
                values = {"name": unit.name, "parentbusinessunitid": above}
                self._units[unit.name] = await self.system.create(_UNIT, values)
                self.made[unit.name] = Reference(_UNIT, self._units[unit.name])
        for position in test.positions:
            with self._telling("position", position.name, position.location):
                values = {"name": position.name}
                if position.parent:
                    above = Reference(_POSITION, self._positions[position.parent])
                    values["parentpositionid"] = above
                self._positions[position.name] = await self.system.create(_POSITION, values)
        for user in test.users:
            with self._telling("user", user.name, user.location):
                await self._user(user)
        for user in test.users:
            with self._telling("user", user.name, user.location):
                await self._place_user(user)
        for team in test.teams:
            with self._telling("team", team.name, team.location):
                await self._team(team)
        for role in test.team_only_roles:
            with self._telling("role", role, test.location):
                await self.system.update("role", self._role(role), {"isinherited": 0})
        await self._set_hierarchy()
        for record in test.records:
            with self._telling("record", record.name, record.location):
                await self._record(record)
        for user in test.users:
            if user.is_disabled:
                with self._telling("user", user.name, user.location):
                    disabled = {"isdisabled": True}
                    await self.system.update(_USER, self.made[user.name].id, disabled)

    def principal(self, name: str) -> Principal:
        """Return a user of the test as who acts."""
        user = next(one for one in self.test.users if one.name == name)
        return Principal(
            self.made[name].id, name, business_unit_id=self._units[user.unit],
            roles=frozenset(user.roles),
        )  # fmt: skip

    async def _user(self, user: GivenUser) -> None:
        user_id = await add_user(
            self.parts.records, user_name=user.name, first_name="", last_name=user.name,
            roles=user.roles, business_unit_id=self._units[user.unit],
        )  # fmt: skip
        self.made[user.name] = Reference(_USER, user_id)
        await self._give_profiles("systemuserprofiles_association", user_id, user.profiles)

    async def _place_user(self, user: GivenUser) -> None:
        values = {}
        if user.manager:
            values["parentsystemuserid"] = self.made[user.manager]
        if user.position:
            values["positionid"] = Reference(_POSITION, self._positions[user.position])
        if values:
            await self.system.update(_USER, self.made[user.name].id, values)

    async def _team(self, team: GivenTeam) -> None:
        values: dict[str, Any] = {
            "name": team.name,
            "teamtype": 1 if team.type == "access" else 0,
            "businessunitid": Reference(_UNIT, self._units[team.unit]),
        }
        people = [name for name in team.members or [user.name for user in self.test.users]]
        if people and "administratorid" in self.registry.entities[_TEAM].field_by_name:
            values["administratorid"] = self.made[people[0]]
        team_id = await self.system.create(_TEAM, values)
        self.made[team.name] = Reference(_TEAM, team_id)
        for role in team.roles:
            await self.system.associate("teamroles_association", team_id, self._role(role))
        await self._give_profiles("teamprofiles_association", team_id, team.profiles)
        for member in team.members:
            user_id = self.made[member].id
            await self.system.associate("teammembership_association", user_id, team_id)

    async def _give_profiles(self, link: str, holder: str, profiles: Sequence[str]) -> None:
        published = self.parts.live_registry.current
        for profile in profiles:
            await self.system.associate(link, holder, profile_id(published, profile))

    async def _set_hierarchy(self) -> None:
        given = self.test.hierarchy
        if given is None:
            return
        values: dict[str, Any] = {
            "ishierarchicalsecuritymodelenabled": True,
            "usepositionhierarchy": given.by == "position",
        }
        if given.depth is not None:
            values["maxdepthforhierarchicalsecuritymodel"] = given.depth
        if given.editing_levels is not None:
            values["hierarchicalsecurityeditlevels"] = given.editing_levels
        if given.excludes:
            values["hierarchicalsecurityexcludes"] = ", ".join(given.excludes)
        with self._telling("hierarchy", given.by, given.location):
            await self.system.update("organization", ORGANIZATION, values)

    async def _record(self, record: GivenRecord) -> None:
        entity = self.registry.entities[record.entity]
        values = await self._required(entity, record)
        values[entity.primary_field] = values.get(entity.primary_field) or record.name
        for name, value in record.values.items():
            is_named = entity.field_by_name[name].is_lookup and isinstance(value, str)
            values[name] = self.made[value] if is_named else value
        if record.owner:
            values["ownerid"] = self.made[record.owner]
        record_id = await self.system.create(record.entity, values)
        self.made[record.name] = Reference(record.entity, record_id)
        for share in record.shares:
            receiver = (
                Reference("organization", ORGANIZATION)
                if share.receiver == EVERYBODY
                else self.made[share.receiver]
            )
            with self._telling("share with", share.receiver, share.location):
                await self.system.share(record.entity, record_id, receiver, share.privileges)

    async def _required(self, entity: Entity, record: GivenRecord) -> dict[str, Any]:
        """Return sample values of the fields that a record cannot do without."""
        samples, values = sample_values(entity), dict[str, Any]()
        for field in entity.fields:
            is_needed = field.required in (Required.ALWAYS, Required.ON_FORM)
            if not is_needed or field.read_only or field.name in record.values:
                continue
            if field.is_lookup and field.type != "owner":
                values[field.name] = await self._sample(field.targets[0])
            elif field.name != entity.primary_field and field.name in samples:
                values[field.name] = samples[field.name]
        return values

    async def _sample(self, entity: str) -> Reference:
        """Return a record that another cannot do without.

        It belongs to somebody who takes no part: access that it passes on is nobody's.
        """
        if self._samples is None:
            user_id = await add_user(
                self.parts.records, user_name="sample", first_name="", last_name="Sample", roles=()
            )
            owner = Principal(user_id, "sample", is_system=True)
            self._samples = SampleRecords(self.registry, self.parts.records.acting_as(owner))
        return await self._samples.create(entity)

    def _role(self, name: str) -> str:
        return role_id(self.parts.live_registry.current, name)

    @contextmanager
    def _telling(self, what: str, name: str, location: Location) -> Iterator[None]:
        """Let what goes wrong become a diagnostic about one item of the test."""
        try:
            yield
        except NotBuilt:
            raise
        except (KartotekaError, KeyError) as error:
            told = self._reason(error)
            raise NotBuilt(
                Diagnostic(
                    location,
                    CANNOT_BUILD,
                    f'the {what} "{name}" cannot be made: {told}',
                )
            ) from error

    def _reason(self, error: Exception) -> str:
        labels = self.parts.live_registry.current.labels
        match error:
            case RecordInvalid(violations=violations):
                texts = []
                for found in violations:
                    params: Mapping[str, Any] = {"field": found.field or "", **found.params}
                    texts.append(labels.message(found.code, "en", **params))
                return " ".join(texts)
            case AccessDenied():
                return labels.message(error.code, "en", **error.params)
            case KeyError():
                return f"there is no {error.args[0]}"
            case _:
                return str(error)
