"""Explanations are a second way to the same decision: they say what records really answer."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence

import pytest

from kartoteka.access.explain import RecordFacts
from kartoteka.errors import AccessDenied, RecordNotFound
from kartoteka.model.role import PRIVILEGES
from kartoteka.plugin_api.contexts import Principal
from kartoteka.record_values import Reference
from kartoteka_runtime.known_ids import ORGANIZATION, ROOT_UNIT, role_id
from kartoteka_runtime.publishing.bootstrap import add_user
from kartoteka_runtime.records.access_sentences import AccessSentences
from kartoteka_runtime.records.acting_records import ActingRecords
from kartoteka_runtime.records.explain_access import AccessExplainer, RecordExplanation
from kartoteka_runtime.testing.running_app import RunningApp

LEVELS = ("none", "user", "business_unit", "parent_child", "organization")
SHARED = tuple(name for name in PRIVILEGES if name != "create")


def _role(name: str, entity: str = "dossier", **levels: str) -> str:
    granted = ", ".join(f"{verb}: {level}" for verb, level in levels.items())
    return (
        f"kind: role\nformat: 1\nname: {name}\nlabel: {{ en: {name} }}\nprivileges:\n"
        f"  - {{ entity: {entity}, {granted} }}\n"
    )


METADATA = {
    "entities/dossier.yaml": """\
kind: entity
format: 1
name: dossier
label: { en: Dossier }
plural_label: { en: Dossiers }
primary_field: name
fields:
  - { name: name, type: text, label: { en: Name }, required: true }
  - name: salary
    type: text
    label: { en: Salary }
    secured: true
""",
    "entities/page.yaml": """\
kind: entity
format: 1
name: page
label: { en: Page }
plural_label: { en: Pages }
primary_field: name
ownership: none
parent: dossierid
fields:
  - { name: name, type: text, label: { en: Name }, required: true }
  - name: dossierid
    type: lookup
    label: { en: Dossier }
    target: dossier
    relation: parental
    relationship: dossier_pages
""",
    "entities/stamp.yaml": """\
kind: entity
format: 1
name: stamp
label: { en: Stamp }
plural_label: { en: Stamps }
primary_field: name
ownership: organization
fields:
  - { name: name, type: text, label: { en: Name }, required: true }
""",
    "column_profiles/payroll.yaml": """\
kind: column_profile
format: 1
name: payroll
label: { en: Payroll }
privileges:
  - entity: dossier
    columns:
      - { field: salary, read: true }
""",
    **{
        f"security_roles/of_{level}.yaml": _role(f"of_{level}", **dict.fromkeys(PRIVILEGES, level))
        for level in LEVELS
    },
    "security_roles/stamper.yaml": _role("stamper", "stamp", read="organization"),
    "security_roles/reader.yaml": _role("reader", read="user"),
}
Start = Callable[..., Awaitable[RunningApp]]


class Office:
    """Units one below the other and beside it, each with somebody who owns records."""

    def __init__(self, app: RunningApp) -> None:
        self.app = app
        self.system = app.system_records
        self.explainer = AccessExplainer(app.parts.records, app.parts.app_folder.registry)
        self.units = {"root": ROOT_UNIT}
        self.users: dict[str, Principal] = {}
        self.teams: dict[str, str] = {}
        self.records: dict[str, Reference] = {}

    async def build(self) -> None:
        for name, above in (("north", "root"), ("arctic", "north"), ("south", "root")):
            self.units[name] = await self.system.create(
                "businessunit",
                {
                    "name": name,
                    "parentbusinessunitid": Reference("businessunit", self.units[above]),
                },
            )

    async def user(self, name: str, unit: str, *roles: str) -> Principal:
        user_id = await add_user(
            self.app.parts.records, user_name=name, first_name="", last_name=name, roles=roles,
            business_unit_id=self.units[unit],
        )  # fmt: skip
        self.users[name] = Principal(user_id, name, business_unit_id=self.units[unit])
        return self.users[name]

    async def team(self, name: str, unit: str, *members: str, roles: Sequence[str] = ()) -> None:
        self.teams[name] = team = await self.system.create(
            "team",
            {
                "name": name,
                "businessunitid": Reference("businessunit", self.units[unit]),
                "administratorid": Reference("systemuser", next(iter(self.users.values())).user_id),
            },
        )
        for member in members:
            await self.system.associate(
                "teammembership_association", self.users[member].user_id, team
            )
        for role in roles:
            await self.system.associate("teamroles_association", team, self.role(role))

    def role(self, name: str) -> str:
        return role_id(self.app.parts.live_registry.current, name)

    def owner(self, name: str) -> Reference:
        if name in self.teams:
            return Reference("team", self.teams[name])
        return Reference("systemuser", self.users[name].user_id)

    async def dossier(self, name: str, owner: str) -> Reference:
        record_id = await self.system.create(
            "dossier", {"name": name, "ownerid": self.owner(owner)}
        )
        self.records[name] = Reference("dossier", record_id, name)
        return self.records[name]

    def acting(self, user: str) -> ActingRecords:
        return self.app.parts.records.acting_as(self.users[user])

    async def why(self, user: str, record: Reference) -> RecordExplanation:
        return await self.explainer.explain(
            self.system, self.users[user].user_id, record.entity, record.id
        )

    async def told(self, user: str, record: str, privilege: str) -> str:
        found = await self.why(user, self.records[record])
        published = self.app.parts.live_registry.current
        words = AccessSentences(
            published.registry, published.labels, "en", found.names, found.user.id
        )
        answer = found.answers[privilege]
        return words.of(answer, answer.cause)

    async def differences(self, user: str) -> list[str]:
        """Return where an explanation says something else than the record service does."""
        found, acting, listed = [], self.acting(user), dict[str, set[str]]()
        for record in self.records.values():
            entity, record_id = record.entity, record.id
            if entity not in listed:
                try:
                    primary = self.app.registry.entities[entity].primary_id
                    rows = await acting.list(entity, fields=(primary,))
                    listed[entity] = {str(row[primary]) for row in rows}
                    assert await acting.count(entity) == len(rows)
                except AccessDenied:
                    listed[entity] = set()
            said = (await self.why(user, record)).answers
            yes = {name for name in SHARED if said[name].is_allowed}
            if said["read"].is_allowed != (record_id in listed[entity]):
                found.append(f"{user} list {record.name}: {said['read']}")
            try:
                await acting.read(entity, record_id)
                may_read = True
            except (AccessDenied, RecordNotFound):
                may_read = False
            if said["read"].is_allowed != may_read:
                found.append(f"{user} read {record.name}: {said['read']}")
            if may_read:
                real = await acting.allowed(entity, record_id, SHARED)
                found += [f"{user} {name} {record.name}: {said[name]}" for name in yes ^ set(real)]
        return found


@pytest.fixture
async def office(start_app: Start) -> Office:
    found = Office(await start_app(metadata=METADATA))
    await found.build()
    return found


async def test_explanations_say_what_records_answer(office: Office):
    """5 levels x own, team, unit, child unit, other unit x shared x inheritance of team roles."""
    people = []
    for level in LEVELS:
        await office.user(f"direct {level}", "north", f"of_{level}")
        people.append(f"direct {level}")
    for level in LEVELS:
        member = f"member {level}"
        await office.user(member, "south", "stamper")
        await office.team(f"lending {level}", "north", member, roles=[f"of_{level}"])
        people.append(member)
    for unit in ("north", "arctic", "south"):
        await office.user(f"{unit} owner", unit, "of_user")
    await office.team("common", "south", *people)
    owners = [
        *people, *office.teams, *(f"{unit} owner" for unit in ("north", "arctic", "south"))
    ]  # fmt: skip
    for owner in owners:
        await office.dossier(f"of {owner}", owner)
    lent = [("systemuserroles_association", office.users["direct none"].user_id)]
    lent += [("systemuserroles_association", office.users["member none"].user_id)]
    lent += [("teamroles_association", office.teams["common"])]
    for link, whom in lent:  # who may see nothing is given nothing; it may be taken away later
        await office.system.associate(link, whom, office.role("of_user"))
    for owner in ("arctic owner", "south owner"):
        for index, receiver in enumerate((*map(office.owner, people), office.owner("common"))):
            record = await office.dossier(f"of {owner}, shared {index}", owner)
            rights = SHARED if index % 2 else ("read", "append_to", "delete")
            await office.system.share("dossier", record.id, receiver, rights)
    for link, whom in lent:
        await office.system.disassociate(link, whom, office.role("of_user"))
    everybody = await office.dossier("shared with everybody", "arctic owner")
    await office.system.share(
        "dossier", everybody.id, Reference("organization", ORGANIZATION), ("read", "write")
    )
    for name in ("of north owner", "of south owner", "shared with everybody"):
        parent = Reference("dossier", office.records[name].id)
        page_id = await office.system.create("page", {"name": name, "dossierid": parent})
        office.records[f"page {name}"] = Reference("page", page_id, f"page {name}")
    stamp = await office.system.create("stamp", {"name": "seal"})
    office.records["seal"] = Reference("stamp", stamp, "seal")

    differences = [await office.differences(user) for user in people]
    assert differences == [[]] * len(people)
    for level in LEVELS:  # and with roles that count for what the team owns alone
        await office.system.update("role", office.role(f"of_{level}"), {"isinherited": 0})
    differences = [await office.differences(user) for user in people]
    assert differences == [[]] * len(people)


async def test_managers_and_positions_are_explained(office: Office):
    for name, unit in (("chief", "north"), ("head", "north"), ("clerk", "arctic")):
        await office.user(name, unit, "of_user")
    await office.user("stranger", "south", "of_user")
    for below, above in (("head", "chief"), ("clerk", "head"), ("stranger", "head")):
        await office.system.update(
            "systemuser", office.users[below].user_id, {"parentsystemuserid": office.owner(above)}
        )
    await office.team("clerks", "south", "clerk")
    for owner in ("head", "clerk", "stranger", "clerks"):
        await office.dossier(f"of {owner}", owner)
    shared = await office.dossier("shared with the clerk", "stranger")
    await office.system.share("dossier", shared.id, office.owner("clerk"), ("read",))
    people = ("chief", "head", "clerk")
    settings = {
        "ishierarchicalsecuritymodelenabled": True,
        "maxdepthforhierarchicalsecuritymodel": 3,
    }
    await office.system.update("organization", ORGANIZATION, settings)
    assert [await office.differences(user) for user in people] == [[], [], []]
    assert await office.told("chief", "of head", "write") == (
        "chief is the manager of head (level 1), whose record it is; of_user gives it."
    )
    assert "(level 2), with whom the record is shared" in await office.told(
        "chief", "shared with the clerk", "read"
    )
    assert "at the level" in await office.told("chief", "of clerk", "write")  # read only, so deep
    assert "at the level" in await office.told("head", "of stranger", "read")  # another unit

    above = ""
    for name in people:
        values = {"name": name, "parentpositionid": Reference("position", above) if above else None}
        above = await office.system.create("position", values)
        await office.system.update(
            "systemuser", office.users[name].user_id, {"positionid": Reference("position", above)}
        )
    await office.system.update("organization", ORGANIZATION, {"usepositionhierarchy": True})
    assert [await office.differences(user) for user in people] == [[], [], []]
    assert "has a position above clerk (level 2)" in await office.told("chief", "of clerk", "read")


async def test_causes_name_roles_with_their_place_and_people_by_name(office: Office):
    somebody = await office.user("somebody", "north", "reader")
    await office.user("nobody", "north")
    for name, unit in (("close", "arctic"), ("far", "south")):
        await office.user(name, unit, "of_user")
        await office.dossier(f"of {name}", name)
    found = await office.why("somebody", office.records["of far"])
    assert await office.told("somebody", "of far", "read") == (
        "reader gives it at the level “own records” only; the record belongs to far in south."
    )
    grant = found.answers["read"].cause.grant
    assert grant is not None
    place = grant.location
    assert (place.file.endswith("metadata/security_roles/reader.yaml"), place.line) == (True, 6)
    assert await office.told("somebody", "of far", "write") == "No role gives it; there is reader."
    assert await office.told("nobody", "of far", "read") == "nobody has no role."
    record = office.records["of far"]
    await office.acting("far").share("dossier", record.id, office.owner("somebody"), ("read",))
    assert await office.told("somebody", "of far", "read") == (
        "far shared the record with somebody; reader gives it."
    )
    await office.team("lending", "north", "somebody", roles=["of_parent_child"])
    assert await office.told("somebody", "of close", "delete") == (
        "of_parent_child (through lending) gives it in north and below; the record is in arctic."
    )
    assert await office.told("close", "of close", "assign") == (
        "close owns the record; of_user gives it."
    )
    assert not found.columns[0].read
    await office.system.update("systemuser", somebody.user_id, {"isdisabled": True})
    assert await office.told("somebody", "of close", "read") == "somebody is disabled."


async def test_only_administrators_auditors_and_the_user_are_told(office: Office):
    somebody = await office.user("somebody", "north", "of_user")
    other = await office.user("other", "north", "of_user")
    mine, theirs = await office.dossier("mine", "somebody"), await office.dossier("theirs", "other")
    acting, explain = office.acting("somebody"), office.explainer.explain
    assert (await explain(acting, somebody.user_id, "dossier", mine.id)).answers["read"].is_allowed
    with pytest.raises(RecordNotFound):  # of others' records one learns nothing, not even why
        await explain(acting, somebody.user_id, "dossier", theirs.id)
    with pytest.raises(AccessDenied):
        await explain(acting, other.user_id, "dossier", mine.id)
    administrator = await office.app.records_as()
    found = await explain(administrator, somebody.user_id, "dossier", theirs.id)
    assert isinstance(found.record, RecordFacts)
    assert not found.answers["read"].is_allowed
    for wrong in (("x", "dossier", mine.id), (somebody.user_id, "dossiers", mine.id)):
        with pytest.raises(RecordNotFound):
            await explain(administrator, *wrong)
    with pytest.raises(RecordNotFound):
        await explain(administrator, somebody.user_id, "dossier", "no id")
