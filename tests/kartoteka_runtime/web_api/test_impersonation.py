"""Calls on behalf of another user: allowed what both may, told to auditors under both names."""

from __future__ import annotations

import re

import pytest

from kartoteka.record_values import Reference
from kartoteka_runtime.known_ids import role_id
from kartoteka_runtime.publishing.bootstrap import add_user

_PEBBLE = """\
kind: entity
format: 1
name: pebble
label: { en: Pebble }
plural_label: { en: Pebbles }
primary_field: name
ownership: user

fields:
  - { name: name, type: text, label: { en: Name }, max_length: 40 }
  - { name: weight, type: whole_number, label: { en: Weight }, secured: true }
"""
_GATEWAY = """\
kind: role
format: 1
name: gateway
label: { en: Gateway }
privileges:
  - { entity: pebble, create: organization, read: user, write: organization }
miscellaneous: [act_on_behalf]
"""
_WORKER = """\
kind: role
format: 1
name: worker
label: { en: Worker }
privileges:
  - { entity: pebble, create: user, read: user, write: user, delete: user }
"""
_KEEPER = """\
kind: role
format: 1
name: keeper
label: { en: Keeper }
privileges:
  - { entity: systemuser, read: organization, write: organization, append: organization, append_to: organization }
  - { entity: role, read: organization, write: organization, append: organization, append_to: organization }
miscellaneous: [act_on_behalf]
"""  # noqa: E501
_SWEEPER = """\
kind: role
format: 1
name: sweeper
label: { en: Sweeper }
privileges:
  - { entity: pebble, read: organization, delete: organization }
miscellaneous: [act_on_behalf, bulk_delete]
"""
METADATA = {
    "entities/pebble.yaml": _PEBBLE,
    "security_roles/gateway.yaml": _GATEWAY,
    "security_roles/keeper.yaml": _KEEPER,
    "security_roles/sweeper.yaml": _SWEEPER,
    "security_roles/worker.yaml": _WORKER,
}
NOBODY = "00000000-0000-4000-8000-000000000000"
DIRECTORY_ID = "7d4b1f2c-0000-4000-8000-00000000000a"


@pytest.fixture
async def app(start_app):
    return await start_app(metadata=METADATA)


async def user_of(app, role: str) -> str:
    return str((await app.principal(role)).user_id)


async def owner(app) -> Reference:
    return Reference("systemuser", await user_of(app, "worker"))


async def test_a_call_acts_as_the_user_that_it_names(app):
    gateway, worker = await user_of(app, "gateway"), await user_of(app, "worker")
    async with app.api_as("gateway") as api, app.api_as("worker") as workers:
        mine = {"MSCRMCallerID": worker}
        made = await api.post("pebbles", json={"name": "one"}, headers=mine)
        assert made.status_code == 204, made.text
        await api.post("pebbles", json={"name": "of the gateway"})
        seen = (await api.get("pebbles", headers=mine)).json()["value"]
        assert [row["name"] for row in seen] == ["one"]  # as far as the worker reaches
        (row,) = (await workers.get("pebbles")).json()["value"]
        assert row["_createdby_value"] == row["_ownerid_value"] == worker
        assert row["_createdonbehalfby_value"] == gateway
        braces = {"MSCRMCallerID": f"{{{worker.upper()}}}"}
        assert len((await api.get("pebbles", headers=braces)).json()["value"]) == 1


async def test_nothing_is_allowed_that_the_caller_may_not(app):
    worker = await user_of(app, "worker")
    administrator = await user_of(app, "system_administrator")
    async with app.api_as("gateway") as api, app.api_as("worker") as workers:
        made = await workers.post("pebbles", json={"name": "one"})
        address = made.headers["odata-entityid"]
        assert (await api.delete(address, headers={"MSCRMCallerID": worker})).status_code == 403
        above = {"MSCRMCallerID": administrator}
        assert (await api.delete(address, headers=above)).status_code == 403
        assert (await api.get("systemusers", headers=above)).status_code == 403
        await app.system_records.update("pebble", address[-37:-1], {"weight": 7})
        (row,) = (await api.get("pebbles", headers=above)).json()["value"]
        assert row["weight"] is None  # a column that the gateway may not see
        assert (await workers.delete(address)).status_code == 204


async def test_nobody_gets_more_by_acting_for_an_administrator(app):
    keeper = await user_of(app, "keeper")
    above = {"MSCRMCallerID": await user_of(app, "system_administrator")}
    published = app.parts.live_registry.current
    links = f"systemusers({keeper})/systemuserroles_association/$ref"
    async with app.api_as("keeper") as api, app.api_as() as administrator:

        async def give(client, role: str, **more) -> int:
            body = {"@odata.id": f"roles({role_id(published, role)})"}
            return int((await client.post(links, json=body, **more)).status_code)

        for role in ("system_administrator", "worker"):
            assert await give(api, role, headers=above) == 400, role
        assert await give(administrator, "worker") == 204
        assert await give(api, "system_administrator", headers=above) == 400


async def test_an_administrator_is_acted_for_as_far_as_the_caller_may_too(app):
    above = {"MSCRMCallerID": await user_of(app, "system_administrator")}
    criteria = {"Conditions": [{"AttributeName": "name", "Operator": "NotNull"}]}
    body = {"QuerySet": [{"EntityName": "pebble", "Criteria": criteria}], "JobName": "Sweep"}
    await app.system_records.create("pebble", {"name": "x", "ownerid": await owner(app)})
    async with app.api_as("gateway") as api:
        assert (await api.post("BulkDelete", json=body, headers=above)).status_code == 403
    async with app.api_as("sweeper") as api:
        answer = await api.post("BulkDelete", json=body, headers=above)
        assert answer.status_code == 200, answer.text
    await app.run_jobs()
    assert await app.system_records.count("pebble") == 0


async def test_who_may_not_act_for_others_is_refused_and_auditors_hear_of_it(app):
    worker, gateway = await user_of(app, "worker"), await user_of(app, "gateway")
    async with app.api_as("worker") as api:
        answer = await api.get("pebbles", headers={"MSCRMCallerID": gateway})
        assert answer.status_code == 403 and answer.json()["error"]["code"] == "0x8004a110"
        assert (await api.get("pebbles", headers={"MSCRMCallerID": worker})).status_code == 200
    async with app.api_as("gateway") as api:
        nothing = await api.get("systemusers", headers={"MSCRMCallerID": worker})
        assert nothing.status_code == 403
    events = await app.system_records.list(
        "securityevent", filter="kind eq 'access_refused'", order=["occurredon"]
    )
    told = {str(event["userid"].id): str(event["detail"]) for event in events}
    assert re.search(rf"^acting_as: .+ \({worker}\)$", told[gateway], re.M)
    assert "acting_as" not in told[worker] and "act_on_behalf" in told[worker]


async def test_users_who_cannot_be_acted_for(app):
    system = app.system_records
    gone = await add_user(
        app.parts.records, user_name="gone", first_name="G", last_name="One", roles=["worker"]
    )
    none = await add_user(
        app.parts.records, user_name="none", first_name="N", last_name="One", roles=[]
    )
    await system.update("systemuser", gone, {"isdisabled": True})
    worker = await user_of(app, "worker")
    await system.update("systemuser", worker, {"azureactivedirectoryobjectid": DIRECTORY_ID})
    async with app.api_as("gateway") as api:

        async def ask(**headers: str) -> tuple[int, str]:
            answer = await api.get("pebbles", headers=headers)
            return answer.status_code, answer.json().get("error", {}).get("code", "")

        assert await ask(MSCRMCallerID=NOBODY) == (403, "0x80072560")
        assert await ask(MSCRMCallerID=gone) == (403, "0x80040225")
        assert await ask(MSCRMCallerID=none) == (403, "0x80042f09")
        assert (await ask(MSCRMCallerID="admin"))[0] == 400
        assert (await ask(CallerObjectId="' or 1 eq 1"))[0] == 400
        assert await ask(CallerObjectId=NOBODY) == (403, "0x80072560")
        assert await ask(CallerObjectId=DIRECTORY_ID) == (200, "")


async def test_in_a_batch_it_holds_for_all_or_for_one(app):
    worker = await user_of(app, "worker")
    requests = [
        {"id": "1", "method": "POST", "url": "pebbles", "body": {"name": "one"}},
        {"id": "2", "method": "POST", "url": "pebbles", "body": {"name": "two"},
         "headers": {"MSCRMCallerID": NOBODY}},
        {"id": "3", "method": "POST", "url": "pebbles", "body": {"name": "three"},
         "atomicityGroup": "g"},
        {"id": "4", "method": "POST", "url": "pebbles", "body": {"name": "four"},
         "atomicityGroup": "g", "headers": {"MSCRMCallerID": await user_of(app, "gateway")}},
    ]  # fmt: skip
    async with app.api_as("gateway") as api, app.api_as("worker") as workers:
        answer = await api.post(
            "$batch",
            json={"requests": requests},
            headers={"MSCRMCallerID": worker, "Prefer": "odata.continue-on-error"},
        )
        assert [one["status"] for one in answer.json()["responses"]] == [204, 403, 400, 424]
        names = [row["name"] for row in (await workers.get("pebbles")).json()["value"]]
    assert names == ["one"]  # a change set acts as one user, or not at all


async def test_a_token_that_is_narrowed_acts_for_nobody(app):
    worker, gateway = await user_of(app, "worker"), await user_of(app, "gateway")
    tokens = app.parts.sessions.tokens
    token, _ = await tokens.create(gateway, "narrow", scopes=["read"])
    async with app.api_as("gateway") as api:
        narrow = {"Authorization": f"Bearer {token}", "MSCRMCallerID": worker}
        assert (await api.get("pebbles", headers=narrow)).status_code == 403
