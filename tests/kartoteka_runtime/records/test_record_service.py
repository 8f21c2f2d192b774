"""The record service: what it keeps, refuses and carries along, on both engines."""

from __future__ import annotations

import pytest

from kartoteka.errors import RecordConflict, RecordInvalid, RecordNotFound
from kartoteka.record_values import Reference


def codes(refused: pytest.ExceptionInfo[RecordInvalid]) -> dict[str | None, str]:
    return {violation.field: violation.code for violation in refused.value.violations}


async def test_what_was_created_is_read_again_with_names(start_app):
    app = await start_app()
    records = await app.records_as()
    account = await records.create("account", {"name": "Alpine Ski House", "revenue": 5})
    contact = await records.create(
        "contact", {"lastname": "Łącka", "parentcustomerid": Reference("account", account)}
    )
    record = await records.read("contact", contact)
    assert record["fullname"] == "Łącka"
    assert record["parentcustomerid"] == Reference("account", account, "Alpine Ski House")


async def test_a_stale_version_is_a_conflict_and_changes_nothing(start_app):
    app = await start_app()
    records = await app.records_as()
    account = await records.create("account", {"name": "One"})
    seen = (await records.read("account", account))["versionnumber"]
    await records.update("account", account, {"name": "Two"}, version=seen)
    with pytest.raises(RecordConflict):
        await records.update("account", account, {"name": "Three"}, version=seen)
    assert (await records.read("account", account))["name"] == "Two"


async def test_every_violation_of_a_record_is_reported_at_once(start_app):
    app = await start_app()
    records = await app.records_as()
    values = {"name": "x" * 161, "industrycode": 4711, "emailaddress1": "nobody", "revenue": "ten"}
    with pytest.raises(RecordInvalid) as refused:
        await records.create("account", values)
    assert codes(refused) == {
        "name": "violation.too_long",
        "industrycode": "violation.not_an_option",
        "emailaddress1": "violation.not_an_email",
        "revenue": "violation.not_a_number",
    }


async def test_deleting_an_account_takes_its_activities_and_frees_its_contacts(start_app):
    app = await start_app()
    records = await app.records_as()
    account = await records.create("account", {"name": "Gone"})
    of_account = Reference("account", account)
    contact = await records.create("contact", {"lastname": "Stays", "parentcustomerid": of_account})
    await records.create("task", {"subject": "Goes", "regardingobjectid": of_account})
    await records.delete("account", account)
    assert await records.count("activitypointer") == 0
    assert (await records.read("contact", contact))["parentcustomerid"] is None
    with pytest.raises(RecordNotFound):
        await records.read("account", account)


async def test_a_caller_may_choose_the_id_once(start_app):
    app = await start_app()
    records = await app.records_as()
    chosen = "0190a000-0000-7000-8000-00000000000a"
    assert await records.create("account", {"accountid": chosen.upper(), "name": "A"}) == chosen
    with pytest.raises(RecordInvalid) as refused:
        await records.create("account", {"accountid": chosen, "name": "B"})
    assert codes(refused) == {"accountid": "violation.not_unique"}
    with pytest.raises(RecordInvalid) as refused:
        await records.update("account", chosen, {"accountid": chosen.replace("a", "b")})
    assert codes(refused) == {"accountid": "violation.read_only"}
