"""What always holds of business units, users, teams and roles."""

from __future__ import annotations

import pytest

from kartoteka.errors import RecordInvalid
from kartoteka.query.query import LinkedTo
from kartoteka.record_values import Reference
from kartoteka_runtime.known_ids import ORGANIZATION, ROOT_UNIT, role_id
from kartoteka_runtime.publishing.bootstrap import add_user

USER_ROLES, MEMBERS, TEAM_ROLES = (
    "systemuserroles_association", "teammembership_association", "teamroles_association",
)  # fmt: skip


@pytest.fixture
async def app(start_app):
    """Give an app with the base bundle alone."""
    return await start_app(languages=("en",))


@pytest.fixture
async def records(app):
    """Give the records of an administrator."""
    return await app.records_as()


async def user(app, name: str, *roles: str, unit: str = ROOT_UNIT) -> str:
    return await add_user(
        app.parts.records, user_name=name, first_name=name, last_name="X", roles=list(roles),
        business_unit_id=unit,
    )  # fmt: skip


async def unit(records, name, above=ROOT_UNIT):
    values = {"name": name, "parentbusinessunitid": Reference("businessunit", above)}
    return await records.create("businessunit", values)


async def members(app, unit_id: str) -> set[str]:
    """Return the members of a unit's own team."""
    found = await app.system_records.list(
        "team", filter=f"isdefault eq true and businessunitid eq {unit_id}", fields=("teamid",)
    )
    assert len(found) == 1
    linked = LinkedTo(MEMBERS, str(found[0]["teamid"]))
    rows = await app.system_records.list("systemuser", linked_to=linked, fields=("systemuserid",))
    return {str(row["systemuserid"]) for row in rows}


async def team(records, app, name, unit_id=ROOT_UNIT, kind=0):
    return await records.create(
        "team",
        {"name": name, "businessunitid": Reference("businessunit", unit_id), "teamtype": kind,
         "administratorid": Reference("systemuser", (await app.principal()).user_id)},
    )  # fmt: skip


def role(app, name: str) -> str:
    return role_id(app.parts.live_registry.current, name)


async def test_the_tree_of_units_keeps_its_root_and_goes_in_no_circle(records):
    sales = await unit(records, "Sales")
    north = await unit(records, "North", sales)
    root = Reference("businessunit", ROOT_UNIT)
    for values in (
        {"isdisabled": True},
        {"parentbusinessunitid": Reference("businessunit", north)},
    ):
        with pytest.raises(RecordInvalid, match="root_unit"):
            await records.update("businessunit", ROOT_UNIT, values)
    with pytest.raises(RecordInvalid, match="root_unit"):
        await records.delete("businessunit", ROOT_UNIT)
    with pytest.raises(RecordInvalid, match="one_root"):
        await records.update("businessunit", sales, {"parentbusinessunitid": None})
    with pytest.raises(RecordInvalid, match="cycle"):
        await records.update(
            "businessunit", sales, {"parentbusinessunitid": Reference("businessunit", north)}
        )
    lost = await records.create("businessunit", {"name": "Lost"})
    assert (await records.read("businessunit", lost))["parentbusinessunitid"].is_same(root)
    await records.delete("businessunit", lost)  # its team goes along


async def test_a_units_own_team_has_exactly_its_users(app, records):
    sales = await unit(records, "Sales")
    ann = await user(app, "ann", "salesperson", unit=sales)
    assert await members(app, sales) == {ann}
    assert ann not in await members(app, ROOT_UNIT)
    await app.system_records.update(
        "systemuser", ann, {"businessunitid": Reference("businessunit", ROOT_UNIT)}
    )
    assert await members(app, sales) == set()
    assert ann in await members(app, ROOT_UNIT)
    await records.update("businessunit", sales, {"name": "Trade"})
    found = (
        await records.list("team", filter=f"businessunitid eq {sales}", fields=("name", "teamid"))
    )[0]
    assert found["name"] == "Trade"
    own = str(found["teamid"])
    with pytest.raises(RecordInvalid, match="default_team"):
        await records.associate(MEMBERS, ann, own)
    with pytest.raises(RecordInvalid, match="default_team"):
        await records.update("team", own, {"name": "Mine"})
    with pytest.raises(RecordInvalid, match="default_team"):
        await records.delete("team", own)


async def test_a_moved_user_takes_records_along_and_leaves_roles(app, records):
    sales = await unit(records, "Sales")
    ann = await user(app, "ann", "salesperson")
    owner = Reference("systemuser", ann)
    account = await records.create("account", {"name": "A", "ownerid": owner})
    task = await records.create("task", {"subject": "T", "ownerid": owner})
    there = {"businessunitid": Reference("businessunit", sales)}
    with pytest.raises(RecordInvalid, match="roles_left_behind"):
        await records.update("systemuser", ann, there)
    await records.execute(
        "systemuser", ann, "move_to_unit",
        {**there, "roleid": Reference("role", role(app, "sales_manager"))},
    )  # fmt: skip
    for entity, record_id in (("account", account), ("task", task), ("activitypointer", task)):
        found = await app.system_records.read(entity, record_id)
        assert found["owningbusinessunit"].id == sales
    roles = await records.list("role", linked_to=LinkedTo(USER_ROLES, ann))
    assert [str(item["roleid"]) for item in roles] == [role(app, "sales_manager")]
    await records.update(
        "organization", ORGANIZATION, {"donotremoverolesonchangebusinessunit": True}
    )
    await records.update(
        "systemuser", ann, {"businessunitid": Reference("businessunit", ROOT_UNIT)}
    )
    assert await records.count("role", linked_to=LinkedTo(USER_ROLES, ann)) == 1


async def test_somebody_always_administers(app, records):
    me = (await app.principal()).user_id
    administrator = role(app, "system_administrator")
    last = pytest.raises(RecordInvalid, match="last_administrator")
    with last:
        await records.update("systemuser", me, {"isdisabled": True})
    with pytest.raises(RecordInvalid, match="last_administrator"):
        await records.disassociate(USER_ROLES, me, administrator)
    with pytest.raises(RecordInvalid, match="last_administrator"):
        await app.system_records.delete("systemuser", me)
    ann = await user(app, "ann", "salesperson")
    group = await team(records, app, "Administrators")
    await records.associate(TEAM_ROLES, group, administrator)
    await records.associate(MEMBERS, ann, group)
    await app.system_records.disassociate(USER_ROLES, me, administrator)
    system = app.system_records
    with pytest.raises(RecordInvalid, match="last_administrator"):
        await system.disassociate(MEMBERS, ann, group)
    with pytest.raises(RecordInvalid, match="last_administrator"):
        await system.disassociate(TEAM_ROLES, group, administrator)
    with pytest.raises(RecordInvalid, match="last_administrator"):
        await system.delete("team", group)
    with pytest.raises(RecordInvalid, match="last_administrator"):
        await system.update("systemuser", ann, {"isdisabled": True})


async def test_whoever_owns_records_hands_them_over_first(app, records):
    ann, bob = await user(app, "ann", "salesperson"), await user(app, "bob", "salesperson")
    for number in range(3):
        await records.create(
            "account", {"name": f"{number}", "ownerid": Reference("systemuser", ann)}
        )
    with pytest.raises(RecordInvalid) as refused:
        await records.delete("systemuser", ann)
    [violation] = refused.value.violations
    assert (violation.code, violation.params["count"], violation.params["entities"]) == (
        "violation.owns_records", 3, ("account",),
    )  # fmt: skip
    result = await records.execute(
        "systemuser", ann, "reassign_all", {"to": Reference("systemuser", bob)}
    )
    assert result.params["count"] == 3
    await records.delete("systemuser", ann)


async def test_teams_that_only_receive_have_no_roles_and_never_own(app, records):
    group, receiving = await team(records, app, "G"), await team(records, app, "R", kind=1)
    with pytest.raises(RecordInvalid, match="access_team_has_no_roles"):
        await records.associate(TEAM_ROLES, receiving, role(app, "salesperson"))
    with pytest.raises(RecordInvalid, match="access_team_stays"):
        await records.update("team", receiving, {"teamtype": 0})
    await records.associate(TEAM_ROLES, group, role(app, "salesperson"))
    with pytest.raises(RecordInvalid, match="team_has_roles"):
        await records.update("team", group, {"teamtype": 1})
    account = await records.create("account", {"name": "A", "ownerid": Reference("team", group)})
    await records.disassociate(TEAM_ROLES, group, role(app, "salesperson"))
    for refused in ({"teamtype": 1},):
        with pytest.raises(RecordInvalid, match="team_owns_records"):
            await records.update("team", group, refused)
    with pytest.raises(RecordInvalid, match="team_owns_records"):
        await records.delete("team", group)
    sales = await unit(records, "Sales")
    await records.update("team", group, {"businessunitid": Reference("businessunit", sales)})
    assert (await records.read("account", account))["owningbusinessunit"].id == sales
    await records.delete("account", account)
    await records.update("team", group, {"teamtype": 1})


async def test_managers_and_positions_go_in_no_circle(app, records):
    ann, bob = await user(app, "ann"), await user(app, "bob")
    await records.update("systemuser", ann, {"parentsystemuserid": Reference("systemuser", bob)})
    with pytest.raises(RecordInvalid, match="cycle"):
        await records.update(
            "systemuser", bob, {"parentsystemuserid": Reference("systemuser", ann)}
        )
    head = await records.create("position", {"name": "Head"})
    hand = await records.create(
        "position", {"name": "Hand", "parentpositionid": Reference("position", head)}
    )
    with pytest.raises(RecordInvalid, match="cycle"):
        await records.update("position", head, {"parentpositionid": Reference("position", hand)})
