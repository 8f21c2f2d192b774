"""Users walk through the whole app: nothing breaks, and nothing shows what they may not read."""

from __future__ import annotations

import sys
from datetime import date
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))  # what these tests share lies beside them

from crawler import Crawler, never_visited  # type: ignore[import-not-found]  # noqa: E402

from kartoteka.errors import KartotekaError  # noqa: E402
from kartoteka.record_values import Reference  # noqa: E402
from kartoteka_demo import plugin  # noqa: E402
from kartoteka_runtime.cli.sample_data import SampleDataLoading  # noqa: E402
from kartoteka_runtime.known_ids import ROOT_UNIT  # noqa: E402
from kartoteka_runtime.publishing.bootstrap import add_user  # noqa: E402
from kartoteka_runtime.testing.running_app import RunningApp  # noqa: E402
from kartoteka_runtime.testing.sample_values import SampleRecords  # noqa: E402


async def _small_sample(app: RunningApp) -> tuple[str, str]:
    """Make a user below and one beside, who owns a record of each kind; return both."""
    system = app.system_records
    north = await system.create("businessunit", {"name": "North"})
    south = await system.create("businessunit", {"name": "South"})
    users = []
    for name, unit in (("walker", north), ("owner", south)):
        users.append(
            await add_user(
                app.parts.records, user_name=name, first_name=name, last_name="Crawler",
                roles=("salesperson",), business_unit_id=unit,
            )
        )  # fmt: skip
    assert ROOT_UNIT not in (north, south)
    administrator = await app.records_as()
    made_of: set[str] = set()
    for owner in users:
        samples = SampleRecords(app.registry, administrator)
        for entity in app.registry.entities.values():
            if entity.ownership != "user" or entity.name == "activitypointer":
                continue
            try:
                made = await samples.create(entity.name)
                await system.update(
                    entity.name, made.id, {"ownerid": Reference("systemuser", owner)}
                )
            except KartotekaError:
                continue  # what needs more than a sample gives is not there to be seen
            made_of.add(entity.name)
    assert len(made_of) > 10, made_of  # else there is nothing that could be shown
    return users[0], users[1]


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_one_user_meets_nothing_that_is_not_theirs(start_app, monkeypatch):
    app = await start_app(plugins=["sales"], languages=("en",))
    walker, _ = await _small_sample(app)
    crawler = Crawler(app, walker, each=1, most=250)
    await crawler.crawl(monkeypatch)
    print(f"\n{crawler}")
    assert len(await crawler.hidden()) > 5
    assert not crawler.wrong, "\n".join(crawler.wrong[:20])
    assert not (missed := never_visited(app, crawler.visited)), missed


class _Loading(SampleDataLoading):
    """Gives nobody a password: hashing sixteen of them takes as long as all the rest."""

    async def give_password(self, user_id):
        """Leave it out."""


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_every_user_of_the_demo_meets_nothing_that_is_not_theirs(start_app, monkeypatch):
    app = await start_app(plugins=["demo"], languages=("en", "pl", "pt", "ro", "sl"))
    loading = _Loading(app.parts, date(2031, 11, 20), lambda *told: None)
    await plugin.sample_data().load(loading)
    users = await app.system_records.list("systemuser", fields=("domainname",))
    visited: set[tuple[str, str]] = set()
    wrong: list[str] = []
    for user in users:
        crawler = Crawler(app, str(user["systemuserid"]), each=2, most=400)
        await crawler.crawl(monkeypatch)
        visited |= crawler.visited
        wrong += [f"{user['domainname']}: {line}" for line in crawler.wrong]
        print(f"{user['domainname']}: {crawler}")
    assert not wrong, "\n".join(wrong[:40])
    assert not (missed := never_visited(app, visited)), missed
