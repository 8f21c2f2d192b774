"""The states of a lead: put aside, taken up again, closed, deleted."""

from __future__ import annotations

import pytest

from kartoteka import RecordInvalid, RecordNotFound, Reference

LEAD = {"subject": "Skis", "lastname": "Kovač", "description": "Keep me."}


@pytest.mark.parametrize("reason", [4, 5, 6, 7])
async def test_disqualify_closes_with_the_chosen_reason(records, reason):
    lead_id = await records.create("lead", LEAD)
    await records.execute("lead", lead_id, "disqualify", {"reason": reason})
    lead = await records.read("lead", lead_id)
    assert (lead["statecode"], lead["statuscode"]) == (2, reason)
    assert lead["description"] == "Keep me."


async def test_disqualify_refuses_the_reasons_of_other_states(records):
    lead_id = await records.create("lead", LEAD)
    with pytest.raises(RecordInvalid):
        await records.execute("lead", lead_id, "disqualify", {"reason": 3})


async def test_a_lead_that_led_to_an_opportunity_is_not_disqualified(records):
    lead_id = await records.create("lead", LEAD)
    await records.create(
        "opportunity", {"name": "Deal", "originatingleadid": Reference("lead", lead_id)}
    )
    with pytest.raises(RecordInvalid) as refused:
        await records.execute("lead", lead_id, "disqualify", {"reason": 4})
    assert [v.code for v in refused.value.violations] == ["sales.lead_has_opportunity"]
    assert (await records.read("lead", lead_id))["statecode"] == 0


async def test_reactivate_brings_everything_back_and_counts(records):
    lead_id = await records.create("lead", {**LEAD, "statuscode": 2})
    task_id = await records.create(
        "task", {"subject": "Call", "regardingobjectid": Reference("lead", lead_id)}
    )
    for times in (1, 2):
        await records.execute("lead", lead_id, "disqualify", {"reason": 6})
        await records.execute("lead", lead_id, "reactivate", {})
        lead = await records.read("lead", lead_id)
        assert (lead["statecode"], lead["statuscode"]) == (0, 1)
        assert lead["timesreactivated"] == times
        assert lead["description"] == "Keep me."
    task = await records.read("task", task_id)
    assert task["regardingobjectid"].id == lead_id
    assert task["statecode"] == 0


async def test_a_qualified_lead_can_be_taken_up_again(records):
    lead_id = await records.create("lead", LEAD)
    await records.execute("lead", lead_id, "qualify", {})
    before = await records.read("lead", lead_id)
    await records.execute("lead", lead_id, "reactivate", {})
    lead = await records.read("lead", lead_id)
    assert lead["statuscode"] == 1
    assert lead["qualifyingopportunityid"] == before["qualifyingopportunityid"]


@pytest.mark.parametrize("command", ["qualify", "disqualify"])
async def test_a_closed_lead_is_read_only_and_not_closed_again(records, command):
    lead_id = await records.create("lead", LEAD)
    await records.execute("lead", lead_id, "disqualify", {"reason": 4})
    with pytest.raises(RecordInvalid):
        await records.update("lead", lead_id, {"subject": "Other"})
    with pytest.raises(RecordInvalid):
        await records.execute("lead", lead_id, command, {})


async def test_no_plain_update_changes_the_state(records):
    lead_id = await records.create("lead", LEAD)
    for values in ({"statecode": 1}, {"statecode": 2}, {"statuscode": 4}):
        with pytest.raises(RecordInvalid):
            await records.update("lead", lead_id, values)
    await records.update("lead", lead_id, {"statuscode": 2})
    assert (await records.read("lead", lead_id))["statuscode"] == 2


async def test_deleting_a_lead_takes_its_activities_and_notes_along(records):
    lead_id = await records.create("lead", LEAD)
    regarding = Reference("lead", lead_id)
    task_id = await records.create("task", {"subject": "Call", "regardingobjectid": regarding})
    note_id = await records.create("annotation", {"subject": "Note", "objectid": regarding})
    opportunity_id = await records.create(
        "opportunity", {"name": "Deal", "originatingleadid": regarding}
    )
    await records.delete("lead", lead_id)
    for entity, record_id in (("lead", lead_id), ("task", task_id), ("annotation", note_id)):
        with pytest.raises(RecordNotFound):
            await records.read(entity, record_id)
    assert (await records.read("opportunity", opportunity_id))["originatingleadid"] is None
