"""An app with records is carried over three later versions of the bundle below it, and back."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping

import pytest
from tests.kartoteka.test_upgrade import (
    FLEET_1_0,
    HARBOUR,
    harbour_without_flag,
    replaced,
    version_1_1,
    version_1_2,
    version_2_0,
)

from kartoteka.assembly import assemble, load_bundles
from kartoteka.base_metadata import base_folder
from kartoteka.record_values import Reference
from kartoteka.registry import Registry
from kartoteka_runtime.known_ids import ROOT_UNIT
from kartoteka_runtime.live_registry import LiveRegistry
from kartoteka_runtime.publishing.bootstrap import SYSTEM, add_user, bootstrap
from kartoteka_runtime.publishing.publish import plan, publish, refresh
from kartoteka_runtime.publishing.purge import retired_items
from kartoteka_runtime.publishing.rollback import rollback
from kartoteka_runtime.records.hook_table import HookTable
from kartoteka_runtime.records.record_service import RecordService
from kartoteka_runtime.storage.open_database import database_for


@pytest.fixture
def laid(tmp_path) -> Callable[[Mapping[str, str], Mapping[str, str]], Registry]:
    """Give a function that lays an app over a version of the fleet bundle."""
    number = iter(range(100))

    def lay(fleet: Mapping[str, str], app: Mapping[str, str]) -> Registry:
        root = tmp_path / str(next(number))
        folders = [base_folder()]
        for bundle, files in (("fleet", fleet), ("harbour", app)):
            for name, text in files.items():
                path = root / bundle / f"{name}.yaml"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(textwrap.dedent(text).lstrip(), "utf-8")
            folders.append(root / bundle)
        return assemble(load_bundles(folders, shown_from=root), command_handlers=None, panels=None)

    return lay


def harbour_2_0() -> dict[str, str]:
    """Return the app, mended for version 2.0."""
    app = replaced(harbour_without_flag(), "entities/ship", ("name: length", "name: loa"))
    app = replaced(app, "views/ships", ("field: length", "field: loa"))
    return replaced(
        app,
        "forms/ship_main",
        ("- { field: master, before: length }", ""),
        ("field: length", "field: loa"),
    )


async def test_records_and_the_apps_changes_survive_three_upgrades(laid, empty_database):
    database = database_for(empty_database)
    await database.open()
    live = LiveRegistry()
    service = RecordService(database, live, HookTable())

    async def publish_versions(fleet: Mapping[str, str], app: Mapping[str, str]) -> list[str]:
        wanted = laid(fleet, app)
        shown = await plan(database, wanted)
        result = await publish(database, wanted, shown=shown, consents=shown.consents)
        await refresh(database, live)
        return [*(change.words for change in result.changes), *result.plan.notes]

    await publish_versions(FLEET_1_0, HARBOUR)
    currency = {"code": "EUR", "symbol": "€", "name": "Euro", "precision": 2}
    await bootstrap(service, organization="Harbour", currency=currency)
    user = await add_user(
        service, user_name="ann", first_name="Ann", last_name="B", roles=["sailor"]
    )
    records = service.acting_as(SYSTEM)
    owned = {"ownerid": Reference("systemuser", user)}
    unit = Reference("businessunit", ROOT_UNIT)
    contact = await records.create("contact", {"lastname": "Lem", **owned})
    ship = await records.create(
        "ship",
        {
            "name": "Mewa", "length": 42, "flag": "PL", "berth": "7", "hull": 70, "power": 300,
            "master": Reference("contact", contact), **owned,
        },
    )  # fmt: skip

    told = await publish_versions(version_1_1(), HARBOUR)
    assert "new field ship.tonnage: decimal with 2 places" in told
    assert 'ship.label.en: fleet changed "Ship" to "Boat"; harbour keeps "Vessel"' in told
    assert live.current.registry.entities["ship"].label.texts["en"] == "Vessel"

    told = await publish_versions(version_1_2(), harbour_without_flag())
    assert "field ship.flag is retired; its values are kept" in told

    told = await publish_versions(version_2_0(), harbour_2_0())
    assert "field ship.length is renamed to ship.loa; its values stay" in told
    assert "field ship.master is retired; its values are kept" in told
    record = await service.acting_as(SYSTEM).read("ship", ship)
    assert (record["loa"], record["berth"], record["hull"]) == (42, "7", 70)
    assert record["power"] == 300
    assert unit.is_same(record["owningbusinessunit"])  # type: ignore[arg-type]
    assert {item.name: item.values for item in await retired_items(database)} == {
        "ship.flag": 1, "ship.master": 1
    }  # fmt: skip
    known = service.live_registry.current.registry.roles["sailor"]
    assert {item.entity for item in known.privileges} == {"ship", "contact"}

    await rollback(database, to=1)
    await refresh(database, live)
    record = await service.acting_as(SYSTEM).read("ship", ship)
    assert (record["length"], record["flag"], record["berth"]) == (42, "PL", "7")
    assert record["master"] == Reference("contact", contact, "Lem")
    await database.close()
