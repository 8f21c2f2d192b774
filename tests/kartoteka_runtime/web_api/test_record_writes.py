"""Writing single records: conditions, keys, upserts, representations; reference web-api, 4."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

ROOT = "http://testserver/api/data/v9.2/"
JUNK = "11111111-1111-1111-1111-111111111111"
ALWAYS, NEVER = {"If-Match": "*"}, {"If-None-Match": "*"}
CRANE = """\
kind: entity
format: 1
name: crane
label: { en: Crane }
plural_label: { en: Cranes }
primary_field: name
ownership: user

keys:
  - { name: by_code, fields: [code], label: { en: Code } }
  - { name: by_place, fields: [number, keeper], label: { en: Place } }

fields:
  - { name: name, type: text, label: { en: Name }, max_length: 40 }
  - { name: code, type: text, label: { en: Code }, max_length: 20 }
  - { name: number, type: whole_number, label: { en: Number } }
  - { name: load, type: whole_number, label: { en: Load } }
  - { name: keeper, type: lookup, label: { en: Keeper }, target: contact }
"""


@pytest.fixture
async def app(start_app):
    """Give an app with cranes, beside what every app has."""
    return await start_app(metadata={"entities/crane.yaml": CRANE})


@pytest.fixture
async def api(app):
    """Give an administrator's client."""
    async with app.api_as() as client:
        yield client


async def cranes(api) -> list[tuple[str, int | None]]:
    rows = (await api.get("cranes?$select=name,load&$orderby=createdon")).json()["value"]
    return [(row["name"], row["load"]) for row in rows]


async def test_a_given_id_is_taken_once(api):
    given = "AAAAAAAA-1111-4111-8111-11111111111A"
    address = f"{ROOT}cranes({given.lower()})"
    created = await api.post("cranes", json={"craneid": given, "name": "A", "code": "a"})
    assert (created.status_code, created.headers["OData-EntityId"]) == (204, address)
    assert created.headers["Location"] == address
    for body in ({"craneid": given, "name": "B"}, {"name": "B", "code": "A"}):
        taken = await api.post("cranes", json=body)
        assert (taken.status_code, bool(taken.json()["error"]["message"])) == (412, True)
    assert await cranes(api) == [("A", None)]


async def test_a_patch_changes_creates_or_refuses_as_its_conditions_say(api):
    address = f"cranes({JUNK})"
    for headers in (ALWAYS, {"If-Match": 'W/"5"'}):
        assert (await api.patch(address, json={"name": "A"}, headers=headers)).status_code == 404
    assert await cranes(api) == []

    created = await api.patch(address, json={"name": "A", "load": 1}, headers=NEVER)
    assert (created.status_code, created.headers["OData-EntityId"]) == (204, ROOT + address)
    for body in ({"name": "B"}, {"load": 2}):  # the second would do for a change only
        refused = await api.patch(address, json=body, headers=NEVER)
        assert (refused.status_code, await cranes(api)) == (412, [("A", 1)])

    for headers, load in ((ALWAYS, 2), ({}, 3), ({"If-None-Match": "null"}, 4)):
        changed = await api.patch(address, json={"load": load}, headers=headers)
        assert (changed.status_code, changed.content) == (204, b"")
        assert changed.headers["OData-EntityId"] == ROOT + address
        assert await cranes(api) == [("A", load)]
    tag = (await api.get(address)).headers["ETag"]
    for wrong in ('W/"1"', f'W/"{"9" * 60}"'):
        for answer in (
            await api.patch(address, json={"load": 9}, headers={"If-Match": wrong}),
            await api.delete(address, headers={"If-Match": wrong}),
        ):
            assert (answer.status_code, answer.json()["error"]["code"]) == (412, "0x80060882")
    assert (
        await api.patch(address, json={"load": 5}, headers={"If-Match": tag})
    ).status_code == 204
    assert (
        await api.patch(address, json={"load": 6}, headers={"If-Match": tag})
    ).status_code == 412
    for headers in ({"If-None-Match": tag}, {"If-Match": "junk"}, {**ALWAYS, **NEVER}):
        assert (await api.patch(address, json={"load": 7}, headers=headers)).status_code == 400
    assert await cranes(api) == [("A", 5)]
    other = await api.patch(address, json={"craneid": JUNK.replace("1", "2")})
    assert other.status_code == 400
    assert (await api.delete(address, headers={"If-None-Match": "null"})).status_code == 204
    assert (await api.delete(address)).status_code == 404
    wrong_id = await api.patch(address, json={"name": "A", "craneid": JUNK.replace("1", "2")})
    assert (wrong_id.status_code, await cranes(api)) == (400, [])


async def test_an_upsert_by_alternate_key_fills_the_key_from_the_address(api):
    wants = {"Prefer": "return=representation"}
    address = "cranes(code='A''1')"
    assert (await api.patch(address, json={"load": 1}, headers=ALWAYS)).status_code == 404
    created = await api.patch(address, json={"name": "A", "load": 1}, headers=wants)
    assert (created.status_code, created.json()["code"]) == (201, "A'1")
    assert created.headers["Preference-Applied"] == "return=representation"
    crane = created.json()["craneid"]
    assert created.headers["OData-EntityId"] == f"{ROOT}cranes({crane})"

    changed = await api.patch(
        f"{address}?$select=load", json={"load": 2, "code": "x"}, headers=wants
    )
    assert changed.status_code == 200
    assert {name for name in changed.json() if "@" not in name} == {"craneid", "load"}
    again = await api.patch(address, json={"load": 3})
    assert (again.status_code, again.headers["OData-EntityId"][-37:-1]) == (204, crane)
    assert await cranes(api) == [("A", 3)]
    for body in ({"name": "B"}, {"load": 4}):
        assert (await api.patch(address, json=body, headers=NEVER)).status_code == 412

    ann = (await api.post("contacts", json={"lastname": "Ann"})).headers["OData-EntityId"][-37:-1]
    place = f"cranes(number=5,_keeper_value={ann})"
    for load in (7, 8):
        put = await api.patch(place, json={"name": "C", "load": load})
        assert put.status_code == 204
    read = (await api.get(place)).json()
    assert (read["number"], read["_keeper_value"], read["load"]) == (5, ann, 8)
    assert (await api.delete(place, headers=ALWAYS)).status_code == 204
    assert await cranes(api) == [("A", 3)]


@pytest.mark.parametrize("address", [f"cranes({JUNK})", "cranes(code='x')"])
async def test_of_two_who_put_the_same_record_one_creates_and_the_other_changes_it(api, address):
    wants = {"Prefer": "return=representation"}
    for _ in range(4):
        answers = await asyncio.gather(
            *(
                api.patch(address, json={"name": "A", "load": load}, headers=wants)
                for load in range(6)
            )
        )
        assert sorted(answer.status_code for answer in answers) == [200] * 5 + [201]
        assert len(await cranes(api)) == 1
        assert (await api.delete(address)).status_code == 204


async def test_a_written_record_is_returned_when_that_is_preferred(api):
    wants = {"Prefer": 'return=representation,odata.include-annotations="*"'}
    ann = (await api.post("contacts", json={"lastname": "Ann"})).headers["OData-EntityId"]
    body = {"name": "A", "keeper@odata.bind": ann}
    query = "?$select=name&$expand=keeper($select=lastname)"
    created = await api.post(f"cranes{query}", json=body, headers=wants)
    assert (created.status_code, created.json()["keeper"]["lastname"]) == (201, "Ann")
    applied = created.headers["Preference-Applied"]
    assert applied == 'return=representation,odata.include-annotations="*"'
    assert created.headers["OData-EntityId"] == created.headers["Location"]
    record = created.json()
    changed = await api.patch(
        f"cranes({record['craneid']}){query}", json={"name": "B"}, headers=wants
    )
    assert (changed.status_code, changed.json()["name"]) == (200, "B")
    assert changed.json()["keeper"]["@odata.etag"] == record["keeper"]["@odata.etag"]
    assert changed.headers["ETag"] != created.headers["ETag"]
    for method, address in (("POST", "cranes"), ("PATCH", f"cranes({record['craneid']})")):
        wrong = await api.request(method, f"{address}?$select=nosuch", json={"name": "C"})
        assert (wrong.status_code, "nosuch" in wrong.text) == (400, True)
    assert await cranes(api) == [("B", None)]


async def test_a_reader_who_has_the_version_gets_304(api):
    created = await api.post("cranes", json={"name": "A"})
    address = created.headers["OData-EntityId"]
    tag = (await api.get(address)).headers["ETag"]
    for query in ("", "?$select=name"):
        for known in (tag, f'W/"1", {tag}'):
            same = await api.get(address + query, headers={"If-None-Match": known})
            assert (same.status_code, same.content, same.headers["ETag"]) == (304, b"", tag)
    notes = {"If-None-Match": tag, "Prefer": 'odata.include-annotations="*"'}
    for query, headers in (
        ("", {"If-None-Match": "null"}), ("", {"If-None-Match": 'W/"1"'}), ("", notes),
        ("?$expand=keeper", {"If-None-Match": tag}),
    ):  # fmt: skip
        assert (await api.get(address + query, headers=headers)).status_code == 200
    await api.patch(address, json={"load": 1})
    assert (await api.get(address, headers={"If-None-Match": tag})).json()["load"] == 1
    head = await api.head(address)
    assert (head.status_code, head.headers["ETag"] != tag) == (200, True)


async def test_who_acts_for_somebody_else_is_told_in_the_record(app):
    agent = await app.principal()
    user = await app.principal("salesperson")
    records = app.parts.records
    acting = records.acting_as(replace(user, is_system=True, on_behalf_of=agent))
    crane = await acting.create("crane", {"name": "A"})
    found = await acting.read("crane", crane)
    assert (found["createdby"].id, found["createdonbehalfby"].id) == (user.user_id, agent.user_id)
    assert found["modifiedonbehalfby"].id == agent.user_id
    await records.acting_as(replace(user, is_system=True)).update("crane", crane, {"load": 1})
    found = await acting.read("crane", crane)
    assert (found["createdonbehalfby"].id, found["modifiedonbehalfby"]) == (agent.user_id, None)
