"""Every path to records asks the same decision: levels, teams, parents, lookups, 404 and 403."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest

from kartoteka.errors import AccessDenied, KartotekaError, RecordInvalid, RecordNotFound
from kartoteka.plugin_api.contexts import Principal
from kartoteka.record_values import Reference
from kartoteka_runtime.known_ids import ROOT_UNIT
from kartoteka_runtime.publishing.bootstrap import add_user
from kartoteka_runtime.records.acting_records import ActingRecords
from kartoteka_runtime.testing.running_app import RunningApp

_VERBS = ("create", "read", "write", "delete", "append", "append_to", "assign", "share")


def _role(name: str, **levels: str) -> str:
    granted = ", ".join(f"{verb}: {level}" for verb, level in levels.items())
    return (
        f"kind: role\nformat: 1\nname: {name}\nlabel: {{ en: {name} }}\nprivileges:\n"
        f"  - {{ entity: dossier, {granted} }}\n"
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
  - { name: remark, type: text, label: { en: Remark } }
  - name: above
    type: lookup
    label: { en: Above }
    target: dossier
    relationship: dossier_above
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
    **{
        f"security_roles/of_{level}.yaml": _role(f"of_{level}", **dict.fromkeys(_VERBS, level))
        for level in ("user", "business_unit", "parent_child", "organization")
    },
    "security_roles/reader.yaml": _role("reader", read="organization"),
    "security_roles/writer.yaml": _role("writer", read="organization", write="organization"),
    "security_roles/nothing.yaml": _role("nothing", read="none"),
}
Start = Callable[..., Awaitable[RunningApp]]


class Office:
    """Three units, one below the other, with a user in each who owns one dossier."""

    def __init__(self, app: RunningApp) -> None:
        self.app = app
        self.system = app.system_records
        self.units = {"root": ROOT_UNIT}
        self.users: dict[str, Principal] = {}
        self.dossiers: dict[str, str] = {}

    async def build(self) -> None:
        for name, above in (("north", "root"), ("arctic", "north"), ("south", "root")):
            self.units[name] = await self.system.create(
                "businessunit",
                {
                    "name": name,
                    "parentbusinessunitid": Reference("businessunit", self.units[above]),
                },
            )
        for unit in ("north", "arctic", "south"):
            await self.add(f"{unit} owner", unit, "of_user")
            await self.own(unit, f"{unit} owner")

    async def add(self, name: str, unit: str, *roles: str) -> Principal:
        user_id = await add_user(
            self.app.parts.records, user_name=name, first_name=name, last_name=name, roles=roles,
            business_unit_id=self.units[unit],
        )  # fmt: skip
        self.users[name] = Principal(user_id, name, business_unit_id=self.units[unit])
        return self.users[name]

    async def own(self, name: str, owner: str) -> None:
        reference = Reference("systemuser", self.users[owner].user_id)
        self.dossiers[name] = await self.system.create(
            "dossier", {"name": name, "ownerid": reference, "remark": f"of {name}"}
        )

    def records_of(self, user: str) -> ActingRecords:
        return self.app.parts.records.acting_as(self.users[user])


@pytest.fixture
async def office(start_app: Start) -> Office:
    found = Office(await start_app(metadata=METADATA))
    await found.build()
    return found


async def _seen(records: ActingRecords) -> set[str]:
    """Return the names of the dossiers that someone sees, the same whichever way they look."""
    listed = await records.list("dossier", fields=("name",))
    names = {str(row["name"]) for row in listed}
    assert await records.count("dossier") == len(names)
    assert {found.name for found in await records.find("dossier", "", 10)} == names
    for row in listed:
        assert (await records.read("dossier", str(row["dossierid"])))["name"] in names
    return names


@pytest.mark.parametrize(
    ("role", "seen"),
    [
        ("of_user", set()),
        ("of_business_unit", {"north"}),
        ("of_parent_child", {"north", "arctic"}),
        ("of_organization", {"north", "arctic", "south"}),
    ],
)
async def test_a_level_reaches_as_far_as_it_says(office: Office, role: str, seen: set[str]):
    await office.add("somebody", "north", role)
    records = office.records_of("somebody")
    assert await _seen(records) == seen
    await office.own("mine", "somebody")
    assert await _seen(records) == {*seen, "mine"}
    for name, record_id in office.dossiers.items():
        if name in {*seen, "mine"}:
            await records.update("dossier", record_id, {"remark": "changed"})
        else:
            with pytest.raises(RecordNotFound):
                await records.update("dossier", record_id, {"remark": "changed"})
            with pytest.raises(RecordNotFound):
                await records.delete("dossier", record_id)


async def test_what_may_be_read_but_not_changed_says_so(office: Office):
    await office.add("somebody", "south", "reader")
    records = office.records_of("somebody")
    assert await _seen(records) == {"north", "arctic", "south"}
    for attempt in (
        records.update("dossier", office.dossiers["north"], {"remark": "x"}),
        records.delete("dossier", office.dossiers["north"]),
        records.create("dossier", {"name": "x"}),
    ):
        with pytest.raises(AccessDenied):
            await attempt


async def test_without_a_privilege_a_question_is_refused_and_not_empty(office: Office):
    await office.add("somebody", "north", "nothing")
    records = office.records_of("somebody")
    for attempt in (
        records.list("dossier"),
        records.count("dossier"),
        records.read("dossier", office.dossiers["north"]),
    ):
        with pytest.raises(AccessDenied):
            await attempt


async def test_an_owner_team_lends_its_reach_from_its_own_unit(office: Office):
    somebody = await office.add("somebody", "south", "nothing")
    team = await office.system.create(
        "team",
        {
            "name": "northerners",
            "businessunitid": Reference("businessunit", office.units["north"]),
            "administratorid": Reference("systemuser", somebody.user_id),
        },
    )
    role = (await office.system.list("role", filter="name eq 'of_business_unit'"))[0]["roleid"]
    await office.system.associate("teamroles_association", team, str(role))
    records = office.records_of("somebody")
    with pytest.raises(AccessDenied):
        await records.list("dossier")
    await office.system.associate("teammembership_association", somebody.user_id, team)
    assert await _seen(records) == {"north"}
    await office.system.disassociate("teammembership_association", somebody.user_id, team)
    with pytest.raises(AccessDenied):
        await records.list("dossier")


async def test_a_child_follows_its_parent(office: Office):
    await office.add("somebody", "north", "of_business_unit")
    records = office.records_of("somebody")
    pages = {
        name: await office.system.create(
            "page", {"name": f"page of {name}", "dossierid": Reference("dossier", record_id)}
        )
        for name, record_id in office.dossiers.items()
    }
    assert {row["name"] for row in await records.list("page")} == {"page of north"}
    await records.update("page", pages["north"], {"name": "changed"})
    await records.create(
        "page", {"name": "new", "dossierid": Reference("dossier", office.dossiers["north"])}
    )
    with pytest.raises(RecordNotFound):
        await records.read("page", pages["south"])
    with pytest.raises(KartotekaError):
        await records.create(
            "page", {"name": "new", "dossierid": Reference("dossier", office.dossiers["south"])}
        )


async def test_a_lookup_leads_to_nothing_that_may_not_be_read(office: Office):
    await office.add("somebody", "north", "of_business_unit")
    await office.system.update(
        "dossier",
        office.dossiers["north"],
        {"above": Reference("dossier", office.dossiers["south"])},
    )
    records = office.records_of("somebody")
    assert await records.list("dossier", filter="above/remark eq 'of south'") == []
    assert await records.list("dossier", filter="above/remark eq null") != []
    assert await records.list("dossier", filter="dossier_above/any(d: d/name ne '')") == []
    hidden = await records.list("dossier", fields=("above",))
    assert [row["above"].name for row in hidden] == ["south"]  # the name that the lookup shows
    with pytest.raises(RecordInvalid):  # to set it, one has to see it
        await records.create(
            "dossier", {"name": "x", "above": Reference("dossier", office.dossiers["arctic"])}
        )
