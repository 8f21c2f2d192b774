"""Acme fleet does what every plugin must, and what its README says."""

from __future__ import annotations

from datetime import date

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


async def test_a_sold_vehicle_is_not_booked_any_more(records):
    vehicle = await records.create("acme_vehicle", {"plate": "KR 1"})
    await records.execute("acme_vehicle", vehicle, "sell", {})
    with pytest.raises(RecordInvalid):
        await records.execute(
            "acme_vehicle", vehicle, "book_service", {"work": "-", "ready_by": date(2031, 5, 6)}
        )
