"""Acme fleet does what every plugin must, and what its README says."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest
from kartoteka import RecordInvalid, Reference
from kartoteka_runtime.testing.plugin_suite import PluginSuite

from acme_fleet import plugin


class TestAcmeFleet(PluginSuite):
    """Loads, checks, publishes, opens every form and view, and takes the plugin out again."""

    plugin = plugin
    languages = ("en", "pl")


@pytest.fixture
async def records(start_app):
    """Give the record service of an app with this plugin, as an administrator uses it."""
    app = await start_app(plugins=["acme_fleet"])
    return await app.records_as()


async def fleet_size(records, account):
    return (await records.read("account", account.id))["acme_fleet_size"]


async def test_an_account_knows_how_many_vehicles_are_in_use(records):
    alpine = Reference("account", await records.create("account", {"name": "Alpine"}))
    other = Reference("account", await records.create("account", {"name": "Other"}))
    first = await records.create("acme_vehicle", {"plate": "KR 1", "accountid": alpine})
    second = await records.create("acme_vehicle", {"plate": "KR 2", "accountid": alpine})
    assert await fleet_size(records, alpine) == 2

    await records.update("acme_vehicle", first, {"accountid": other})
    assert await fleet_size(records, alpine) == 1
    assert await fleet_size(records, other) == 1

    await records.execute("acme_vehicle", second, "sell", {})
    await records.delete("acme_vehicle", first)
    assert await fleet_size(records, alpine) == 0
    assert await fleet_size(records, other) == 0


async def test_booking_a_service_makes_a_task_and_sends_the_vehicle_to_the_workshop(records):
    vehicle = await records.create("acme_vehicle", {"plate": "KR 1"})
    asked = {"work": "New brakes", "ready_by": date(2031, 5, 6)}
    result = await records.execute("acme_vehicle", vehicle, "book_service", asked)

    (task,) = [await records.read(made.entity, made.id) for made in result.created]
    assert task["subject"] == "New brakes"
    assert task["regardingobjectid"].id == vehicle
    assert task["scheduledend"].date() == date(2031, 5, 6)
    assert (await records.read("acme_vehicle", vehicle))["statuscode"] == 2


async def test_owners_are_reminded_once_of_inspections_that_are_due_soon(start_app):
    app = await start_app(plugins=["acme_fleet"])
    records = await app.records_as()
    today = datetime.now(UTC).date()
    due = {
        plate: await records.create(
            "acme_vehicle", {"plate": plate, "next_inspection": today + timedelta(days=days)}
        )
        for plate, days in (("KR 1", 10), ("KR 2", -3), ("KR 3", 30), ("KR 4", 5))
    }
    await records.create("acme_vehicle", {"plate": "KR 5"})
    await records.execute("acme_vehicle", due["KR 4"], "sell", {})

    for _ in range(2):
        await app.system_records.enqueue("acme_fleet_remind", {})
        await app.run_jobs()

    tasks = await records.list("task", order=("subject",))
    assert [task["subject"] for task in tasks] == ["Inspection of KR 1", "Inspection of KR 2"]
    assert tasks[0]["regardingobjectid"].id == due["KR 1"]
    assert tasks[0]["scheduledend"].date() == today + timedelta(days=10)
    assert tasks[0]["ownerid"].id == (await app.principal()).user_id


def test_the_reminder_is_enqueued_every_morning():
    (schedule,) = plugin.schedules()
    (handler,) = plugin.job_handlers()
    assert (schedule.job, schedule.cron) == (handler.name, "0 5 * * *")


async def test_a_sold_vehicle_is_not_booked_any_more(records):
    vehicle = await records.create("acme_vehicle", {"plate": "KR 1"})
    await records.execute("acme_vehicle", vehicle, "sell", {})
    with pytest.raises(RecordInvalid):
        await records.execute(
            "acme_vehicle", vehicle, "book_service", {"work": "-", "ready_by": date(2031, 5, 6)}
        )


async def test_other_systems_ask_which_vehicles_have_to_be_inspected(start_app):
    app = await start_app(plugins=["acme_fleet"])
    records = await app.records_as()
    alpine = await records.create("account", {"name": "Alpine"})
    for plate, day, account in (("KR 2", 9, None), ("KR 1", 6, alpine), ("KR 3", 20, alpine)):
        values = {"plate": plate, "next_inspection": date(2031, 5, day)}
        if account:
            values["accountid"] = Reference("account", account)
        await records.create("acme_vehicle", values)
    async with app.api_as() as api:
        answer = await api.get("acme_DueInspections(Until=2031-05-10)")
        found = [(item["Plate"], item["Due"]) for item in answer.json()["Vehicles"]]
        assert found == [("KR 1", "2031-05-06"), ("KR 2", "2031-05-09")]
        query = {"@p1": f'{{"@odata.id":"accounts({alpine})"}}'}
        address = "acme_DueInspections(Until=2031-05-30,Account=@p1)"
        answer = await api.get(address, params=query)
        assert [item["Plate"] for item in answer.json()["Vehicles"]] == ["KR 1", "KR 3"]
        assert (await api.get("acme_DueInspections(Until='soon')")).status_code == 400
