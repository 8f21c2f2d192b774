"""``Merge``: two records become one, with what belongs to both; who may, and what is refused."""

from __future__ import annotations

import base64

import pytest

from kartoteka.errors import RecordInvalid, Violation
from kartoteka.plugin_api.contexts import RecordHandler
from kartoteka.record_values import Reference

CRM = "Microsoft.Dynamics.CRM"
NO_ID = "00000000-0000-0000-0000-000000000000"
JUNK_ID = "11111111-1111-1111-1111-111111111111"

_DEPOT = """\
kind: entity
format: 1
name: depot
label: { en: Depot }
plural_label: { en: Depots }
primary_field: name
ownership: user
features: [merge, change_tracking]

fields:
  - { name: name, type: text, label: { en: Name }, max_length: 40 }
  - { name: code, type: text, label: { en: Code }, max_length: 40 }
  - { name: above, type: lookup, label: { en: Above }, target: depot, hierarchical: true }
  - { name: twin, type: lookup, label: { en: Twin }, target: depot }
  - { name: masterid, type: lookup, label: { en: Master }, target: depot, read_only: true }
  - { name: merged, type: yes_no, label: { en: Merged }, default: false, read_only: true }
"""
_CRATE = """\
kind: entity
format: 1
name: crate
label: { en: Crate }
plural_label: { en: Crates }
primary_field: name
ownership: user
features: [change_tracking]

fields:
  - { name: name, type: text, label: { en: Name }, max_length: 40 }
  - { name: depot, type: lookup, label: { en: Depot }, target: depot, relation: parental }
  - { name: came_from, type: lookup, label: { en: From }, target: depot, on_merge: none }
  - { name: billed_to, type: lookup, label: { en: Billed to }, target: depot, on_merge: active }
  - { name: kept_by, type: lookup, label: { en: Kept by }, target: depot, on_merge: user_owned }
"""
_GATE = """\
kind: entity
format: 1
name: gate
label: { en: Gate }
plural_label: { en: Gates }
primary_field: name
ownership: none
parent: depot

fields:
  - { name: name, type: text, label: { en: Name }, max_length: 40 }
  - { name: depot, type: lookup, label: { en: Depot }, target: depot, required: true, relation: parental }
"""  # noqa: E501 - one field a line
_ROAD = """\
kind: relationship
format: 1
name: depot_roads
left: depot
right: depot
intersect: depotroad
"""
_PIER = """\
kind: entity
format: 1
name: pier
label: { en: Pier }
plural_label: { en: Piers }
primary_field: name
ownership: organization

fields:
  - { name: name, type: text, label: { en: Name }, max_length: 40 }
"""
_PIERS = """\
kind: relationship
format: 1
name: depot_piers
left: pier
right: depot
intersect: depotpier
"""
_ALL = "create: {0}, read: {0}, write: {0}, append: {0}, append_to: {0}, share: {0}"


def role(name: str, *, own_crates: bool = False, miscellaneous: str = "[]") -> str:
    depots, crates = (_ALL.format(how) for how in ("organization", "user"))
    if not own_crates:
        crates = depots
    return (
        f"kind: role\nformat: 1\nname: {name}\nlabel: {{ en: X }}\nprivileges:\n"
        f"  - {{ entity: depot, {crates if name == 'keeper' else depots} }}\n"
        f"  - {{ entity: crate, {crates} }}\n"
        "  - { entity: pier, read: organization, append: organization, append_to: organization }\n"
        f"miscellaneous: {miscellaneous}\n"
    )


DEPOTS = {
    "entities/depot.yaml": _DEPOT,
    "entities/crate.yaml": _CRATE,
    "entities/gate.yaml": _GATE,
    "entities/pier.yaml": _PIER,
    "relationships/depot_roads.yaml": _ROAD,
    "relationships/depot_piers.yaml": _PIERS,
    "security_roles/clerk.yaml": role("clerk"),
    "security_roles/merger.yaml": role("merger", own_crates=True, miscellaneous="[merge]"),
    "security_roles/keeper.yaml": role("keeper", own_crates=True, miscellaneous="[merge]"),
}


class Depots:
    """The app, an administrator's client, and what tests ask of them."""

    def __init__(self, app, api) -> None:
        self.app = app
        self.api = api

    async def add(self, entity_set: str, **values) -> str:
        answer = await self.api.post(entity_set, json=values)
        assert answer.status_code == 204, answer.text
        return str(answer.headers["OData-EntityId"]).rpartition("(")[2][:-1]

    async def read(self, address: str, **headers):
        answer = await self.api.get(address, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def names(self, address: str) -> list[str]:
        return sorted(row["name"] for row in (await self.read(address))["value"])

    async def merge(self, target: str, gone: str, entity: str = "depot", *, api=None, **more):
        body = {
            "Target": {"@odata.type": f"{CRM}.{entity}", f"{entity}id": target},
            "Subordinate": {"@odata.type": f"#{CRM}.{entity}", f"{entity}id": gone},
            "PerformParentingChecks": False,
            **more,
        }
        return await (api or self.api).post("Merge", json=body)


@pytest.fixture
async def depots(start_app):
    app = await start_app(metadata=DEPOTS, languages=("en",))
    async with app.api_as() as api:
        yield Depots(app, api)


def content(entity: str = "depot", **values):
    return {"UpdateContent": {"@odata.type": f"{CRM}.{entity}", **values}}


def at(entity_set: str, record_id: str) -> str:
    return f"{entity_set}({record_id})"


async def test_what_belongs_to_an_account_goes_to_the_one_it_is_merged_into(depots):
    add, read = depots.add, depots.read
    goes, stays = await add("accounts", name="Alp", fax="1"), await add("accounts", name="Alpine")
    older = await add("accounts", name="Al")
    assert (await depots.merge(goes, older, "account")).status_code == 204
    to_goes = at("accounts", goes)
    person = await add(
        "contacts", lastname="Lee", **{"parentcustomerid_account@odata.bind": to_goes}
    )
    task = await add("tasks", subject="Call", **{"regardingobjectid_account@odata.bind": to_goes})
    done = await depots.api.post(f"tasks({task})/{CRM}.mark_complete", json={})
    assert done.status_code == 200, done.text
    note = await add(
        "annotations", subject="Map", filename="map.txt",
        documentbody=base64.b64encode(b"here").decode(),
        **{"objectid_account@odata.bind": to_goes},
    )  # fmt: skip
    both = (Reference("account", goes), Reference("account", stays))
    mail = await (await depots.app.records_as()).create(
        "email", {"subject": "Hi", "regardingobjectid": both[0], "to": both, "cc": both[:1]}
    )
    answer = await depots.merge(
        stays, goes, "account",
        Target={"@odata.type": f"{CRM}.account", "accountid": stays, "name": "is not looked at"},
        **content("account", accountid=NO_ID, telephone1="123"),
    )  # fmt: skip
    assert (answer.status_code, answer.content) == (204, b"")
    found = await read(f"accounts({stays})")
    assert (found["name"], found["telephone1"], found["fax"]) == ("Alpine", "123", None)
    assert (found["statecode"], found["merged"]) == (0, False)
    found = await read(f"accounts({goes})")
    assert (found["name"], found["fax"], found["telephone1"]) == ("Alp", "1", None)
    assert (found["statecode"], found["statuscode"], found["merged"]) == (1, 2, True)
    assert found["_masterid_value"] == stays
    assert (await read(f"accounts({older})"))["_masterid_value"] == goes
    assert (await read(f"contacts({person})"))["_parentcustomerid_value"] == stays
    found = await read(f"tasks({task})")
    assert (found["_regardingobjectid_value"], found["statecode"]) == (stays, 1)
    assert (await read(f"activitypointers({task})"))["_regardingobjectid_value"] == stays
    found = await read(f"annotations({note})")
    assert found["_objectid_value"] == stays
    assert base64.b64decode(found["documentbody"]) == b"here"
    parties = await read(f"activityparties?$filter=_activityid_value eq {mail}")
    assert sorted(
        (row["participationtypemask"], row["_partyid_value"])
        for row in parties["value"]
        if row["participationtypemask"] != 9
    ) == [(2, stays), (3, stays), (8, stays)]
    again = await depots.merge(stays, goes, "account")
    assert (again.status_code, "Alp" in again.json()["error"]["message"]) == (400, True)


async def test_relationships_say_which_records_follow_and_links_are_kept_once(depots):
    add, read, names = depots.add, depots.read, depots.names
    other = (await depots.app.principal("clerk")).user_id
    goes, stays, third = [await add("depots", name=name) for name in ("Goes", "Stays", "Third")]
    to_goes = at("depots", goes)
    plain = {
        f"{name}@odata.bind": to_goes for name in ("depot", "came_from", "billed_to", "kept_by")
    }
    crate = await add("crates", name="mine", **plain)
    closed = await add("crates", name="closed", **plain)
    await depots.api.patch(f"crates({closed})", json={"statecode": 1})
    theirs = await add(
        "crates", name="theirs", **plain, **{"ownerid@odata.bind": at("systemusers", other)}
    )
    gate = await add("gates", name="North", **{"depot@odata.bind": to_goes})
    await depots.api.patch(at("depots", third), json={"twin@odata.bind": to_goes})
    await depots.api.patch(at("depots", stays), json={"twin@odata.bind": to_goes})
    for name, linked in (("P", (goes, stays)), ("Q", (goes,)), ("R", (stays,))):
        pier = await add("piers", name=name)
        for depot in linked:
            await depots.app.system_records.associate("depot_piers", pier, depot)
    for left, right in ((goes, stays), (third, goes), (third, stays), (goes, goes)):
        await depots.app.system_records.associate("depot_roads", left, right)
    tracked = {"Prefer": "odata.track-changes"}
    deltas = [
        (await read(f"{entity_set}?$select=name", **tracked))["@odata.deltaLink"]
        for entity_set in ("depots", "crates")
    ]
    answer = await depots.merge(stays, goes)
    assert answer.status_code == 204, answer.text
    for record_id, expected in (
        (crate, (stays, goes, stays, stays)),
        (closed, (stays, goes, goes, stays)),
        (theirs, (stays, goes, stays, goes)),
    ):
        found = await read(f"crates({record_id})")
        fields = ("depot", "came_from", "billed_to", "kept_by")
        assert tuple(found[f"_{name}_value"] for name in fields) == expected
    assert (await read(f"gates({gate})"))["_depot_value"] == stays
    assert (await read(at("depots", third)))["_twin_value"] == stays
    assert (await read(at("depots", stays)))["_twin_value"] is None
    assert await names(f"depots({stays})/depot_piers") == ["P", "Q", "R"]
    assert await names(f"depots({goes})/depot_piers") == []
    assert await names(f"depots({third})/depot_roads") == ["Stays"]
    assert await names(f"depots({stays})/depot_roads") == []
    changed = [sorted(row["name"] for row in (await read(delta))["value"]) for delta in deltas]
    assert changed == [["Goes", "Stays", "Third"], ["closed", "mine", "theirs"]]


@pytest.mark.slow
async def test_more_records_move_than_are_looked_up_at_once(depots):
    goes, stays = [await depots.add("depots", name=name) for name in ("Goes", "Stays")]
    crates = [{"name": f"C{number}", "depot": Reference("depot", goes)} for number in range(1001)]
    await (await depots.app.records_as()).create_many("crate", crates)
    assert (await depots.merge(stays, goes)).status_code == 204
    counted = f"crates/$count?$filter=_depot_value eq {stays}"
    assert (await depots.api.get(counted)).text.lstrip("\ufeff") == "1001"


async def test_shares_follow_the_record_that_goes_on(depots):
    goes, stays = [await depots.add("depots", name=name) for name in ("Goes", "Stays")]
    crate = await depots.add("crates", name="C", **{"depot@odata.bind": at("depots", goes)})
    users = {}
    for name, depot in (("merger", stays), ("keeper", goes)):
        users[name] = Reference("systemuser", (await depots.app.principal(name)).user_id)
        await depots.app.system_records.share("depot", depot, users[name], ["read"])
    async with depots.app.api_as("merger") as merger, depots.app.api_as("keeper") as keeper:

        async def seen_by() -> list[int]:
            return [(await api.get(at("crates", crate))).status_code for api in (merger, keeper)]

        assert await seen_by() == [404, 200]
        assert (await depots.merge(stays, goes)).status_code == 204
        assert await seen_by() == [200, 404]


async def test_who_may_not_merge_or_not_change_what_would_move_changes_nothing(depots):
    goes, stays = [await depots.add("depots", name=name) for name in ("Goes", "Stays")]
    owner = (await depots.app.principal("merger")).user_id
    owned = {
        "ownerid@odata.bind": at("systemusers", owner), "depot@odata.bind": at("depots", goes)
    }  # fmt: skip
    await depots.add("crates", name="theirs", **owned)
    hidden = await depots.add("crates", name="hidden", **{"depot@odata.bind": at("depots", goes)})
    async with (
        depots.app.api_as("clerk") as clerk,
        depots.app.api_as("merger") as merger,
        depots.app.api_as("keeper") as keeper,
    ):
        for api, status in ((clerk, 403), (merger, 403), (keeper, 404)):
            answer = await depots.merge(stays, goes, api=api, **content(code="new"))
            assert answer.status_code == status, answer.text
            assert await depots.names(f"crates?$filter=_depot_value eq {goes}") == [
                "hidden", "theirs",
            ]  # fmt: skip
            found = await depots.read(at("depots", stays))
            assert (found["code"], found["merged"]) == (None, False)
        keepers = Reference("systemuser", (await depots.app.principal("keeper")).user_id)
        for depot, rights in ((stays, ["read", "write", "append", "append_to"]), (goes, ["read"])):
            await depots.app.system_records.share("depot", depot, keepers, rights)
        assert (await depots.merge(stays, goes, api=keeper)).status_code == 403
        await depots.api.delete(at("crates", hidden))
        answer = await depots.merge(stays, goes, api=merger, **content(code="new"))
        assert answer.status_code == 204, answer.text
        assert (await depots.read(at("depots", stays)))["code"] == "new"


async def test_hooks_take_part_and_one_that_refuses_undoes_everything(depots):
    seen = []

    async def before(write) -> None:
        seen.append((write.message, write.before["name"], write.subordinate["name"]))
        write.values["code"] = "from the hook"

    async def after(write) -> None:
        if write.values.get("name") == "Refused":
            raise RecordInvalid("depot", [Violation("name", "violation.required")])

    goes, stays = [await depots.add("depots", name=name) for name in ("Goes", "Stays")]
    crate = await depots.add("crates", name="C", **{"depot@odata.bind": at("depots", goes)})
    webhook = await depots.add(
        "webhooks",
        name="W",
        url="https://example.com/",
        entityname="depot",
        messages="merge, update",
    )
    depots.app.add_record_handlers(
        RecordHandler("depot", "before_merge", before), RecordHandler("depot", "after_merge", after)
    )

    async def told() -> list[tuple[object, object]]:
        rows = await depots.app.system_records.list("webhookdelivery", limit=9)
        return sorted((row["name"], row["recordid"]) for row in rows)

    answer = await depots.merge(stays, goes, **content(name="Refused"))
    assert answer.status_code == 400, answer.text
    assert (await depots.read(at("crates", crate)))["_depot_value"] == goes
    rows = (await depots.read("depots?$select=name,code,statecode,merged&$orderby=name"))["value"]
    assert [(row["name"], row["code"], row["statecode"]) for row in rows] == [
        ("Goes", None, 0), ("Stays", None, 0),
    ]  # fmt: skip
    assert webhook and await told() == []
    answer = await depots.merge(stays, goes)
    assert answer.status_code == 204, answer.text
    assert (await depots.read(at("depots", stays)))["code"] == "from the hook"
    assert seen == [("merge", "Stays", "Goes")] * 2
    assert await told() == sorted([("depot.merge", stays), ("depot.update", goes)])


async def test_records_that_belong_elsewhere_or_to_one_another_are_refused(depots):
    top = await depots.add("depots", name="Top")
    below = await depots.add("depots", name="Below", **{"above@odata.bind": at("depots", top)})
    lowest = await depots.add("depots", name="Lowest", **{"above@odata.bind": at("depots", below)})
    lone = await depots.add("depots", name="Lone")
    for target, gone, checks, reason in (
        (top, below, True, "belongs to the other"),
        (below, top, True, "belongs to the other"),
        (lone, below, True, "do not belong to the same"),
        (below, top, False, "Above"),  # it would be above itself
        (lowest, top, False, "Above"),
    ):
        answer = await depots.merge(target, gone, PerformParentingChecks=checks)
        assert answer.status_code == 400, answer.text
        assert reason in answer.json()["error"]["message"]
    # What the values say of the target counts.
    moved = content(**{"above@odata.bind": at("depots", top)})
    answer = await depots.merge(lone, below, PerformParentingChecks=True, **moved)
    assert answer.status_code == 204, answer.text
    assert (await depots.read(at("depots", lowest)))["_above_value"] == lone
    assert (await depots.read(at("depots", lone)))["_above_value"] == top


async def test_wrong_calls_are_refused_with_the_place_and_the_reason(depots):
    one, two = [await depots.add("depots", name=name) for name in ("One", "Two")]
    pier, crate = await depots.add("piers", name="P"), await depots.add("crates", name="C")
    as_pier = {"@odata.type": f"{CRM}.pier", "pierid": pier}
    for status, reason, more in (
        (400, '"Target"', {"Target": None}),
        (400, "Target, depotid", {"Target": {"@odata.type": f"{CRM}.depot", "depotid": "x"}}),
        (400, "no record type", {"Subordinate": {"@odata.type": f"{CRM}.junk", "junkid": two}}),
        (400, 'Subordinate is of "pier"', {"Subordinate": as_pier}),
        (400, 'UpdateContent is of "crate"', content("crate", name="x")),
        (400, "not the id of the Target", content(depotid=two)),
        (400, "“junk”", content(junk=1)),
        (400, "40", content(name="x" * 41)),
        (400, "Master", content(**{"masterid@odata.bind": at("depots", two)})),
        (400, "PerformParentingChecks", {"PerformParentingChecks": "x"}),
        (400, '"Junk"', {"Junk": 1}),
        (400, "itself", {"Subordinate": {"@odata.id": at("depots", one)}}),
        (404, JUNK_ID, {"Subordinate": {"@odata.type": f"{CRM}.depot", "depotid": JUNK_ID}}),
    ):
        answer = await depots.merge(one, two, **more)
        assert answer.status_code == status, (reason, answer.text)
        assert reason in answer.json()["error"]["message"]
    answer = await depots.merge(crate, crate, "crate")
    assert (answer.status_code, "Crates" in answer.text) == (400, True)
    states = (await depots.read("depots?$select=statecode"))["value"]
    assert [row["statecode"] for row in states] == [0, 0]


async def test_clients_are_told_of_it(depots):
    metadata = (await depots.api.get("$metadata")).text
    action = metadata.partition('<Action Name="Merge"')[2].partition("</Action>")[0]
    for name in ("Target", "Subordinate", "UpdateContent", "PerformParentingChecks"):
        assert f'<Parameter Name="{name}"' in action
    relationships = "EntityDefinitions(LogicalName='crate')/ManyToOneRelationships"
    found = await depots.read(f"{relationships}?$select=ReferencingAttribute,CascadeConfiguration")
    rules = {
        row["ReferencingAttribute"]: row["CascadeConfiguration"]["Merge"] for row in found["value"]
    }
    assert {rules[name] for name in ("createdby", "ownerid", "came_from")} == {"NoCascade"}
    assert (rules["depot"], rules["billed_to"]) == ("Cascade", "Active")
    asked = "sdkmessagefilters?$filter=sdkmessageid/name eq 'Merge'"
    found = {row["primaryobjecttypecode"] for row in (await depots.read(asked))["value"]}
    assert found == {"account", "contact", "depot"}
