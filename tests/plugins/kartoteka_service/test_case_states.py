"""Resolve, cancel and reactivate a case."""

from __future__ import annotations

import re

import pytest

from kartoteka import RecordInvalid, Reference


@pytest.fixture
async def case(records):
    """Give an active case of a new account."""
    account = Reference("account", await records.create("account", {"name": "Alpine"}))
    case_id = await records.create("incident", {"title": "Binding broke", "customerid": account})
    return Reference("incident", case_id)


async def task_of(records, case, minutes=None, *, is_done=False):
    task_id = await records.create(
        "task",
        {"subject": "Work", "regardingobjectid": case, "actualdurationminutes": minutes},
    )
    if is_done:
        await records.set_state("task", task_id, state="completed")
    return task_id


async def test_a_new_case_has_a_number_a_priority_and_its_customer(records, case):
    record = await records.read("incident", case.id)
    assert re.fullmatch(r"CAS-\d{5,}-[A-Z0-9]{6}", record["ticketnumber"])
    assert record["prioritycode"] == 2
    assert (record["statecode"], record["statuscode"]) == (0, 1)
    assert record["accountid"] == record["customerid"].id
    assert record["contactid"] is None


async def test_a_case_needs_a_customer(records):
    with pytest.raises(RecordInvalid) as refused:
        await records.create("incident", {"title": "Nobody's"})
    assert [v.field for v in refused.value.violations] == ["customerid"]


async def test_resolve_cancels_open_activities_and_files_the_time_spent(records, case):
    open_task = await task_of(records, case, 500)
    await task_of(records, case, 30, is_done=True)
    await task_of(records, case, 15, is_done=True)
    phonecall = await records.create("phonecall", {"subject": "Ring", "regardingobjectid": case})
    result = await records.execute(
        "incident",
        case.id,
        "resolve",
        {"resolutiontype": 1000, "subject": "Explained", "remarks": "By phone."},
    )
    assert result.message == "service.case_resolved"
    record = await records.read("incident", case.id)
    assert (record["statecode"], record["statuscode"]) == (1, 1000)
    assert (await records.read("task", open_task))["statecode"] == 2
    assert (await records.read("phonecall", phonecall))["statecode"] == 2
    (resolution,) = await records.list("incidentresolution", filter=f"incidentid eq {case.id}")
    assert resolution["subject"] == "Explained"
    assert resolution["description"] == "By phone."
    assert resolution["timespent"] == 45
    assert resolution["billabletime"] == 45
    assert (resolution["statecode"], resolution["statuscode"]) == (1, 2)


async def test_billable_time_may_differ_from_the_time_spent(records, case):
    await task_of(records, case, 30, is_done=True)
    asked = {"subject": "Replaced", "billabletime": 0}
    await records.execute("incident", case.id, "resolve", asked)
    (resolution,) = await records.list("incidentresolution")
    assert (resolution["timespent"], resolution["billabletime"]) == (30, 0)
    assert (await records.read("incident", case.id))["statuscode"] == 5


async def test_resolve_needs_a_resolution(records, case):
    with pytest.raises(RecordInvalid) as refused:
        await records.execute("incident", case.id, "resolve", {"resolutiontype": 5})
    assert [v.field for v in refused.value.violations] == ["subject"]


async def test_cancel_waits_until_nothing_is_open(records, case):
    task_id = await task_of(records, case)
    with pytest.raises(RecordInvalid) as refused:
        await records.execute("incident", case.id, "cancel", {})
    assert [v.code for v in refused.value.violations] == ["service.open_activities"]
    assert (await records.read("incident", case.id))["statecode"] == 0
    await records.set_state("task", task_id, state="completed")
    await records.execute("incident", case.id, "cancel", {})
    record = await records.read("incident", case.id)
    assert (record["statecode"], record["statuscode"]) == (2, 6)


@pytest.mark.parametrize("command", ["resolve", "cancel"])
async def test_reactivate_makes_a_closed_case_active_again(records, case, command):
    asked = {"subject": "Done"} if command == "resolve" else {}
    await records.execute("incident", case.id, command, asked)
    with pytest.raises(RecordInvalid):
        await records.update("incident", case.id, {"title": "Other"})
    await records.execute("incident", case.id, "reactivate", {})
    record = await records.read("incident", case.id)
    assert (record["statecode"], record["statuscode"]) == (0, 1)


async def test_a_status_reason_changes_freely_within_its_state_only(records, case):
    for reason in (2, 3, 4, 1):
        await records.update("incident", case.id, {"statuscode": reason})
    for values in ({"statuscode": 5}, {"statecode": 1}, {"statecode": 2}, {"statuscode": 2000}):
        with pytest.raises(RecordInvalid):
            await records.update("incident", case.id, values)
