"""Many records in one request, all of them or none; and a job that deletes what a query finds."""

from __future__ import annotations

import pytest

CRM = "Microsoft.Dynamics.CRM"
JUNK_ID = "11111111-1111-1111-1111-111111111111"


def targets(*items, entity="vessel", kind=f"{CRM}."):
    return {"Targets": [{"@odata.type": kind + entity, **item} for item in items]}


async def send(fleet, name, body, entity_set="vessels"):
    return await fleet.api.post(f"{entity_set}/{CRM}.{name}", json=body)


async def names(fleet, entity_set="vessels"):
    found = (await fleet.get(f"{entity_set}?$select=name&$orderby=name")).json()["value"]
    return [row["name"] for row in found]


async def test_create_multiple_returns_the_ids_in_request_order(fleet):
    boss = f"/vessels({fleet.identity('A')})"
    body = targets(
        {"name": "Zulu", "boss@odata.bind": boss, "crew": 3},
        {"name": "Yoke", "flags": "1,2", "vesselid": JUNK_ID},
        {"name": "Xray", "boss@odata.bind": f"vessels({JUNK_ID})"},
        kind=f"#{CRM}.",
    )
    answer = await send(fleet, "CreateMultiple", body)
    assert answer.status_code == 200, answer.text
    assert answer.json()["@odata.context"].endswith(f"#{CRM}.CreateMultipleResponse")
    ids = answer.json()["Ids"]
    rows = [(await fleet.get(f"vessels({record_id})")).json() for record_id in ids]
    assert [row["name"] for row in rows] == ["Zulu", "Yoke", "Xray"]
    assert (ids[1], rows[2]["_boss_value"]) == (JUNK_ID, JUNK_ID)
    assert (rows[0]["_boss_value"], rows[1]["flags"]) == (fleet.identity("A"), "1,2")


async def test_records_inside_of_targets_are_created_with_them(fleet):
    body = targets({"name": "Zulu", "vessel_voyages": [{"name": "q"}]}, {"name": "Yoke"})
    answer = await send(fleet, "CreateMultiple", body)
    assert answer.status_code == 200, answer.text
    voyages = await fleet.get(f"vessels({answer.json()['Ids'][0]})/vessel_voyages")
    assert [row["name"] for row in voyages.json()["value"]] == ["q"]


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({}, '"Targets"'),
        ({"Targets": {}}, '"Targets"'),
        ({"Targets": [], "Junk": 1}, '"Junk"'),
        (targets({"name": "Ok"}, {"name": "Ok", "junk": 1}), "Targets[1]"),
        (targets({"name": "Ok"}, {"name": "x" * 41}), "Targets[1]"),
        (targets({"name": "Ok"}, {"name": "Ok", "crew": "many"}), "Targets[1]"),
        (targets({"name": "Ok"}, {"name": "No", "boss@odata.bind": f"vessels({JUNK_ID})"}),
         "Targets[1]"),
        (targets({"name": "Ok"}, entity="voyage"), f'"{CRM}.vessel"'),
        ({"Targets": [{"name": "Ok"}]}, "@odata.type"),
        ({"Targets": [1]}, "Targets[0]"),
    ],
)  # fmt: skip
async def test_nothing_is_created_when_one_target_is_refused(fleet, body, reason):
    before = await names(fleet)
    answer = await send(fleet, "CreateMultiple", body)
    assert answer.status_code == 400, answer.text
    assert reason in answer.json()["error"]["message"]
    assert await names(fleet) == before


async def test_update_multiple_changes_all_or_none(fleet):
    first, second = fleet.identity("A"), fleet.identity("B")
    body = targets({"vesselid": first, "crew": 1}, {"vesselid": second, "crew": 2})
    answer = await send(fleet, "UpdateMultiple", body)
    assert (answer.status_code, answer.content) == (204, b""), answer.text
    crews = (await fleet.get("vessels?$select=crew&$orderby=name&$top=2")).json()["value"]
    assert [row["crew"] for row in crews] == [1, 2]
    body = targets({"vesselid": first, "crew": 7}, {"vesselid": JUNK_ID, "crew": 7})
    answer = await send(fleet, "UpdateMultiple", body)
    assert answer.status_code == 404
    assert answer.json()["error"]["message"].startswith("Targets[1]: ")
    answer = await send(fleet, "UpdateMultiple", targets({"crew": 7}))
    assert (answer.status_code, "vesselid" in answer.text) == (400, True)
    assert (await fleet.get(f"vessels({first})?$select=crew")).json()["crew"] == 1


async def test_upsert_multiple_takes_ids_and_keys(fleet):
    known = fleet.identity("A")
    body = targets(
        {"@odata.id": f"vessels({known})", "crew": 9},
        {"@odata.id": f"vessels({JUNK_ID})", "name": "New", "crew": 9},
        {"vesselid": fleet.identity("B"), "crew": 9},
    )
    answer = await send(fleet, "UpsertMultiple", body)
    assert answer.status_code == 204, answer.text
    rows = (await fleet.get("vessels?$filter=crew eq 9&$select=name&$orderby=name")).json()
    assert [row["name"] for row in rows["value"]] == ["Alfa", "Bravo", "New"]
    body = targets({"@odata.id": "voyages(1)", "crew": 9})
    assert (await send(fleet, "UpsertMultiple", body)).status_code == 400


async def test_delete_multiple_deletes_all_or_none(fleet):
    before = await names(fleet)
    body = targets({"vesselid": fleet.identity("D")}, {"vesselid": JUNK_ID})
    assert (await send(fleet, "DeleteMultiple", body)).status_code == 404
    assert await names(fleet) == before
    body = targets({"vesselid": fleet.identity("D")}, {"vesselid": fleet.identity("E")})
    answer = await send(fleet, "DeleteMultiple", body)
    assert answer.status_code == 204, answer.text
    assert await names(fleet) == ["Alfa", "Bravo", "Charlie"]


def query(condition, **more):
    criteria = {"FilterOperator": "And", "Conditions": [condition], **more}
    return {
        "QuerySet": [{"EntityName": "vessel", "Criteria": criteria}],
        "JobName": "Old ones",
        "SendEmailNotification": False,
        "ToRecipients": [],
        "CCRecipients": [],
        "RecurrencePattern": "",
        "StartDateTime": "2026-01-01T00:00:00Z",
    }


@pytest.mark.parametrize(
    "condition",
    [
        {"AttributeName": "vesselid", "Operator": "In", "Values": [
            {"Value": "#D", "Type": "System.Guid"}, {"Value": "#E", "Type": "System.Guid"},
        ]},
        {"AttributeName": "name", "Operator": "In", "Values": ["Delta", "Echo"]},
        {"AttributeName": "name", "Operator": "GreaterThan", "Values": [{"Value": "Cz"}]},
    ],
)  # fmt: skip
async def test_bulk_delete_is_a_job_that_deletes_what_was_asked_for(fleet, condition):
    values = [
        {**value, "Value": fleet.full(value["Value"])} if isinstance(value, dict) else value
        for value in condition["Values"]
    ]
    answer = await fleet.api.post("BulkDelete", json=query({**condition, "Values": values}))
    assert answer.status_code == 200, answer.text
    job = answer.json()["JobId"]
    assert len(await names(fleet)) == 5
    waiting = (await fleet.get(f"asyncoperations({job})")).json()
    assert (waiting["statecode"], waiting["operationtype"]) == (0, 13)
    await fleet.app.run_jobs()
    assert await names(fleet) == ["Alfa", "Bravo", "Charlie"]
    done = (await fleet.get(f"asyncoperations({job})")).json()
    assert (done["statecode"], done["statuscode"], done["progress"]) == (3, 30, 2)


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"QuerySet": []},
        query({"AttributeName": "junk", "Operator": "Equal", "Values": [1]}),
        query({"AttributeName": "name", "Operator": "Junk", "Values": ["x"]}),
        query({"AttributeName": "<x", "Operator": "Equal", "Values": ["x"]}),
        query({"AttributeName": "crew", "Operator": "Equal", "Values": ["many"]}),
        {**query({"AttributeName": "name", "Operator": "Null"}), "RecurrencePattern": "FREQ=DAILY"},
        {"QuerySet": [{"EntityName": "junk"}]},
    ],
)
async def test_bulk_delete_refuses_what_it_cannot_read(fleet, body):
    answer = await fleet.api.post("BulkDelete", json=body)
    assert answer.status_code == 400, answer.text
    assert answer.json()["error"]["message"]
    await fleet.app.run_jobs()
    assert len(await names(fleet)) == 5


async def test_bulk_delete_needs_its_privilege_and_its_job_is_read_by_who_began_it(fleet):
    body = query({"AttributeName": "name", "Operator": "Equal", "Values": ["Alfa"]})
    async with fleet.app.api_as("salesperson") as api:
        assert (await api.post("BulkDelete", json=body)).status_code == 403
        job = (await fleet.api.post("BulkDelete", json=body)).json()["JobId"]
        assert (await api.get(f"asyncoperations({job})")).status_code == 404
    assert (await fleet.get(f"asyncoperations({JUNK_ID})")).status_code == 404
