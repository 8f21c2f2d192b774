"""Publishing: additive changes reach the tables, nothing is lost, failures change nothing."""

from __future__ import annotations

import asyncio

import pytest

from kartoteka.assembly import assemble, load_bundles
from kartoteka.base_metadata import base_folder
from kartoteka.errors import PublishFailed
from kartoteka.record_values import Reference
from kartoteka_runtime.live_registry import LiveRegistry
from kartoteka_runtime.publishing.bootstrap import SYSTEM, bootstrap
from kartoteka_runtime.publishing.publish import publish, refresh
from kartoteka_runtime.records.hook_table import HookTable
from kartoteka_runtime.records.record_service import RecordService
from kartoteka_runtime.storage.open_database import database_for

ENTITY = """\
kind: entity
format: 1
name: boat
label: {{ en: Boat }}
plural_label: {{ en: Boats }}
primary_field: name
ownership: none
fields:
  - {{ name: name, type: text, label: {{ en: Name }}, required: true, max_length: {length} }}
"""
MASTS = "  - { name: masts, type: whole_number, label: { en: Masts } }\n"
HARBOUR = "  - { name: harbour, type: lookup, label: { en: Harbour }, target: boat }\n"


def registry(tmp_path, text: str, name: str = "boat"):
    """Return the registry of the base bundle with one more entity."""
    folder = tmp_path / "metadata"
    (folder / "entities").mkdir(parents=True, exist_ok=True)
    (folder / "bundle.yaml").write_text(
        "kind: bundle\nformat: 1\nname: harbour\nlabel: { en: Harbour }\nrequires: [base]\n"
    )
    (folder / "entities" / f"{name}.yaml").write_text(text)
    return assemble(load_bundles([base_folder(), folder]), command_handlers=None, panels=None)


def said(result) -> list[str]:
    """Return what a publish changed, in words."""
    return [change.words for change in result.changes]


@pytest.fixture
async def database(empty_database):
    """Give an open, empty database."""
    opened = database_for(empty_database)
    await opened.open()
    yield opened
    await opened.close()


async def service(database) -> RecordService:
    """Return the record service on what is published."""
    live = LiveRegistry()
    await refresh(database, live)
    return RecordService(database, live, HookTable())


async def test_what_is_published_is_what_was_assembled(database, tmp_path):
    wanted = registry(tmp_path, ENTITY.format(length=40))
    result = await publish(database, wanted)
    assert result.number == 1
    assert "new record type boat" in said(result)
    live = LiveRegistry()
    assert await refresh(database, live)
    assert live.current.registry == wanted
    assert not await refresh(database, live)


async def test_publishing_the_same_again_changes_nothing(database, tmp_path):
    wanted = registry(tmp_path, ENTITY.format(length=40))
    await publish(database, wanted)
    again = await publish(database, wanted)
    assert (again.number, again.changes) == (1, ())


async def test_new_fields_join_stored_records(database, tmp_path):
    await publish(database, registry(tmp_path, ENTITY.format(length=40)))
    records = (await service(database)).acting_as(SYSTEM)
    old = await records.create("boat", {"name": "Old"})
    result = await publish(database, registry(tmp_path, ENTITY.format(length=60) + MASTS + HARBOUR))
    assert "new field boat.masts: whole number" in said(result)
    records = (await service(database)).acting_as(SYSTEM)
    new = await records.create(
        "boat", {"name": "N" * 60, "masts": 3, "harbour": Reference("boat", old)}
    )
    assert (await records.read("boat", old))["masts"] is None
    assert (await records.read("boat", new))["harbour"] == Reference("boat", old, "Old")


async def test_a_field_that_comes_back_still_has_its_values(database, tmp_path):
    with_masts = registry(tmp_path, ENTITY.format(length=40) + MASTS)
    without = registry(tmp_path, ENTITY.format(length=40))
    await publish(database, with_masts)
    boat = (
        await (await service(database)).acting_as(SYSTEM).create("boat", {"name": "B", "masts": 2})
    )
    result = await publish(database, without)
    assert "field boat.masts is retired; its values are kept" in said(result)
    assert "masts" not in await (await service(database)).acting_as(SYSTEM).read("boat", boat)
    await publish(database, with_masts)
    assert (await (await service(database)).acting_as(SYSTEM).read("boat", boat))["masts"] == 2


async def test_a_label_is_a_change_of_the_definition_alone(database, tmp_path):
    await publish(database, registry(tmp_path, ENTITY.format(length=40)))
    renamed = ENTITY.format(length=40).replace("Boat }", "Ship }")
    result = await publish(database, registry(tmp_path, renamed))
    assert said(result) == ['entity boat: label (en) changes from "Boat" to "Ship"']


async def test_two_publishers_at_once_take_turns(database, empty_database, tmp_path):
    first = registry(tmp_path, ENTITY.format(length=40))
    second = registry(tmp_path, ENTITY.format(length=40) + MASTS)
    other = database_for(empty_database)
    results = await asyncio.gather(publish(database, first), publish(other, second))
    await other.close()
    assert sorted(result.number for result in results) == [1, 2]


async def test_two_who_make_the_first_records_at_once_make_them_once(
    database, empty_database, tmp_path
):
    await publish(database, registry(tmp_path, ENTITY.format(length=40)))
    other = database_for(empty_database)
    services = [await service(database), await service(other)]
    currency = {"code": "EUR", "symbol": "€", "name": "Euro", "precision": 2}
    await asyncio.gather(
        *(bootstrap(found, organization="Both", currency=currency) for found in services)
    )
    await other.close()
    assert await services[0].acting_as(SYSTEM).count("organization") == 1


async def test_nothing_published_is_said_so(database):
    with pytest.raises(PublishFailed, match="kartoteka publish"):
        await refresh(database, LiveRegistry())


async def test_a_database_of_an_earlier_version_is_brought_up_to_date_by_a_publish(
    database, tmp_path
):
    wanted = registry(tmp_path, ENTITY.format(length=40))
    await publish(database, wanted)
    async with database.publishing() as connection:
        await connection.execute("ALTER TABLE kartoteka_publication DROP COLUMN generation", {})
    with pytest.raises(PublishFailed, match="earlier version"):
        await refresh(database, LiveRegistry())
    await publish(database, wanted)
    assert await refresh(database, LiveRegistry())
