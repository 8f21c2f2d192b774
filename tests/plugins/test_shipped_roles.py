"""What each shipped role may do, through the record service: a table to read beside the roles."""

from __future__ import annotations

from typing import Any

import pytest

from kartoteka.errors import AccessDenied, RecordNotFound
from kartoteka.plugin_api.contexts import Principal
from kartoteka.record_values import Reference
from kartoteka_runtime.known_ids import ROOT_UNIT, role_id
from kartoteka_runtime.publishing.bootstrap import add_user

REACHED = {
    "-": set(),
    "own": {"own"},
    "unit": {"own", "unit"},
    "below": {"own", "unit", "below"},
    "all": {"own", "unit", "below", "other"},
}
ENTITIES = ("account", "contact", "lead", "opportunity", "incident", "list", "task", "annotation")
# {role: may create; then how far reading, changing and deleting reach, one row an entity}
TABLE = {
    "salesperson": """
        account      yes  all   own    own
        contact      yes  all   own    own
        lead         yes  unit  own    own
        opportunity  yes  unit  own    own
        incident     no   all   -      -
        list         yes  all   own    own
        task         yes  unit  own    own
        annotation   yes  unit  own    own
    """,
    "sales_manager": """
        account      yes  all    below  below
        contact      yes  all    below  below
        lead         yes  all    below  below
        opportunity  yes  all    below  below
        incident     no   all    -      -
        list         yes  all    below  below
        task         yes  below  below  below
        annotation   yes  below  below  below
    """,
    "customer_service_representative": """
        account      yes  all  unit  own
        contact      yes  all  unit  own
        lead         no   all  -     -
        opportunity  no   all  -     -
        incident     yes  all  unit  own
        list         no   all  -     -
        task         yes  all  unit  own
        annotation   yes  all  unit  own
    """,
    "customer_service_manager": """
        account      yes  all  below  below
        contact      yes  all  below  below
        lead         no   all  -      -
        opportunity  no   all  -      -
        incident     yes  all  below  below
        list         no   all  -      -
        task         yes  all  below  below
        annotation   yes  all  below  below
    """,
    "marketing_professional": """
        account      yes  all   unit  own
        contact      yes  all   all   own
        lead         yes  all   unit  own
        opportunity  no   all   -     -
        incident     no   all   -     -
        list         yes  all   unit  own
        task         yes  unit  own   own
        annotation   yes  unit  own   own
    """,
    "marketing_manager": """
        account      yes  all    below  below
        contact      yes  all    all    below
        lead         yes  all    below  below
        opportunity  no   all    -      -
        incident     no   all    -      -
        list         yes  all    below  below
        task         yes  below  below  below
        annotation   yes  below  below  below
    """,
    "privacy_officer": """
        account      no  all  -    -
        contact      no  all  all  all
        lead         no  all  all  all
        opportunity  no  all  -    -
        incident     no  all  -    -
        list         no  all  -    -
        task         no  all  -    all
        annotation   no  all  -    all
    """,
    "support_user": """
        account      no  all  -  -
        contact      no  all  -  -
        lead         no  all  -  -
        opportunity  no  all  -  -
        incident     no  all  -  -
        list         no  all  -  -
        task         no  all  -  -
        annotation   no  all  -  -
    """,
    "system_customizer": """
        account      yes  own  own  own
        contact      yes  own  own  own
        lead         yes  own  own  own
        opportunity  yes  own  own  own
        incident     yes  own  own  own
        list         yes  own  own  own
        task         yes  own  own  own
        annotation   yes  own  own  own
    """,
    "system_administrator": """
        account      yes  all  all  all
        contact      yes  all  all  all
        lead         yes  all  all  all
        opportunity  yes  all  all  all
        incident     yes  all  all  all
        list         yes  all  all  all
        task         yes  all  all  all
        annotation   yes  all  all  all
    """,
}
SEES_SECURITY_EVENTS = {"privacy_officer", "support_user", "system_administrator"}
MISCELLANEOUS = {
    "customize": {"system_customizer", "system_administrator"},
    "publish": {"system_customizer", "system_administrator"},
    "see_jobs": {"support_user", "system_administrator"},
}


class Staff:
    """Somebody with the role under test, and a colleague in the same unit, below, and elsewhere."""

    def __init__(self, app: Any) -> None:
        self.app = app
        self.system = app.system_records
        self.units: dict[str, str] = {}
        self.users: dict[str, str] = {}
        self.customers: dict[str, Reference] = {}

    async def hire(self, role: str) -> None:
        for name, above in (("unit", ROOT_UNIT), ("below", ""), ("other", ROOT_UNIT)):
            self.units[name] = await self.system.create(
                "businessunit",
                {
                    "name": name,
                    "parentbusinessunitid": Reference("businessunit", above or self.units["unit"]),
                },
            )
        for name, unit in (("own", "unit"), ("unit", "unit"), ("below", "below"), ("other",) * 2):
            self.users[name] = await add_user(
                self.app.parts.records, user_name=f"{name}.person", first_name=name,
                last_name="Person", roles=[role], business_unit_id=self.units[unit],
            )  # fmt: skip
        for name in self.users:  # whoever owns a customer is given a share of its cases
            made = await self.make("account", name, number=0)
            self.customers[name] = Reference("account", made)

    @property
    def records(self):
        return self.app.parts.records.acting_as(
            Principal(self.users["own"], "own", business_unit_id=self.units["unit"])
        )

    def values(self, entity: str, owner: str, number: int = 1) -> dict[str, Any]:
        name = f"{entity} {number}"
        match entity:
            case "account" | "opportunity":
                return {"name": name}
            case "contact":
                return {"lastname": name}
            case "lead":
                return {"subject": name, "lastname": name}
            case "incident":
                return {"title": name, "customerid": self.customers[owner]}
            case "list":
                return {"listname": name, "createdfromcode": 1}
        return {"subject": name}

    async def make(self, entity: str, owner: str, *, number: int = 1) -> str:
        owned = {"ownerid": Reference("systemuser", self.users[owner])}
        return str(await self.system.create(entity, self.values(entity, owner, number) | owned))

    async def reached(self, entity: str, ids: dict[str, str], action: Any) -> set[str]:
        found = set()
        for place, record_id in ids.items():
            try:
                await action(entity, record_id)
            except (AccessDenied, RecordNotFound):
                continue
            found.add(place)
        return found


@pytest.mark.parametrize("role", TABLE)
async def test_a_shipped_role_reaches_what_its_row_says(crm, role):
    staff = Staff(crm)
    await staff.hire(role)
    records = staff.records
    rows = [line.split() for line in TABLE[role].strip().splitlines()]
    assert tuple(row[0] for row in rows) == ENTITIES
    for entity, creates, read, write, delete in rows:
        ids = {place: await staff.make(entity, place) for place in staff.users}
        assert await staff.reached(entity, ids, records.read) == REACHED[read], entity
        listed = {row[f"{entity}id" if entity != "task" else "activityid"]
                  for row in await records.list(entity, limit=100)}  # fmt: skip
        assert {place for place, record_id in ids.items() if record_id in listed} == REACHED[read]

        async def change(entity: str, record_id: str) -> None:
            field = "notetext" if entity == "annotation" else "description"
            await records.update(entity, record_id, {field: "changed"})

        assert await staff.reached(entity, ids, change) == REACHED[write], entity
        try:
            await records.create(entity, staff.values(entity, "own", 2))
            created = "yes"
        except AccessDenied:
            created = "no"
        assert created == creates, entity
        assert await staff.reached(entity, ids, records.delete) == REACHED[delete], entity


@pytest.mark.parametrize("role", TABLE)
async def test_nobody_but_administrators_gives_access(crm, role):
    staff = Staff(crm)
    await staff.hire(role)
    records, system, is_administrator = staff.records, staff.system, role == "system_administrator"
    user, unit = staff.users["unit"], staff.units["other"]
    some_role = role_id(crm.parts.live_registry.current, "support_user")
    team = await system.create(
        "team", {"name": "Team", "businessunitid": Reference("businessunit", unit)}
    )

    async def may(action: Any) -> bool:
        try:
            await action
        except AccessDenied:
            return False
        return True

    moved = {"parentbusinessunitid": Reference("businessunit", unit)}
    members = ("teammembership_association", user, team)
    done = [
        await may(records.associate("systemuserroles_association", user, some_role)),
        await may(records.associate("teamroles_association", team, some_role)),
        await may(records.associate(*members)),
        await may(records.update("systemuser", user, {"lastname": "Changed"})),
        await may(records.update("team", team, {"name": "Changed"})),
        await may(records.create("businessunit", {"name": "New"})),
        await may(records.update("businessunit", staff.units["below"], moved)),
        await may(records.update("role", some_role, {"name": "Changed"})),
    ]
    assert set(done) == {is_administrator}, done
    access = await records.access()
    assert access.allows("read", "securityevent") == (role in SEES_SECURITY_EVENTS)
    for name, roles in MISCELLANEOUS.items():
        assert access.has(name) == (role in roles), name


async def test_every_shipped_role_is_in_the_table(crm):
    assert set(crm.registry.roles) == set(TABLE)


async def test_forms_name_nothing_that_their_users_may_not_choose(crm):
    """Whoever may fill in a form may fill in its lookups: at least one target of each."""
    registry, missing = crm.registry, []
    for role in registry.roles:
        access = await (await crm.records_as(role)).access()
        for form in registry.forms.values():
            if form.type not in ("main", "quick_create") or not (
                access.allows("create", form.entity)
            ):
                continue
            fields = registry.entities[form.entity].field_by_name
            controls = [c for tab in form.tabs for s in tab.sections for c in s.controls]
            for name in {c.field for c in controls if c.field} | set(form.header):
                item = fields[name]
                if not item.is_lookup or item.read_only or name == "ownerid":
                    continue
                chosen = [
                    target
                    for target in item.targets
                    if access.allows("read", target) and access.allows("append_to", target)
                ]
                if not chosen or not access.allows("append", form.entity):
                    missing.append((role, form.name, name))
    assert not missing
