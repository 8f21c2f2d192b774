"""The sample data: how much there is, how it hangs together, and that it is always the same."""

from datetime import date
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from kartoteka_demo import plugin
from kartoteka_demo.activities import COUNTS
from kartoteka_demo.colleagues import COLLEAGUES, ROOT_UNIT
from kartoteka_demo.countries.all_countries import COUNTRIES
from kartoteka_demo.countries.country import POSITIONS, TRADES
from kartoteka_demo.draws import Draws
from kartoteka_demo.loading import PLANNED_WRITES
from kartoteka_runtime.cli.sample_data import SampleDataLoading
from kartoteka_runtime.testing.plugin_suite import PluginSuite

TODAY = date(2031, 11, 20)


class TestDemo(PluginSuite):
    """What every plugin promises, for the sample data."""

    plugin = plugin
    languages = ("en", "pl", "pt", "ro", "sl")


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_the_sample_data_has_what_its_readme_promises(start_app):
    app = await start_app(plugins=["demo"])
    said = await _load(app)

    async def count(entity: str, filter: str = "") -> int:
        return int(await app.system_records.count(entity, filter=filter))

    assert await count("businessunit") == 7
    assert await count("systemuser") == len(COLLEAGUES) == 16
    assert await count("account") == 200
    assert await count("contact") == 600
    assert await count("lead") == 150
    assert await count("opportunity") == 200
    assert await count("incident") == 150
    assert {kind: await count(kind) for kind in COUNTS} == COUNTS
    assert sum(COUNTS.values()) == 1000
    assert await count("list") == 6

    for entity, states in {
        "lead": ("open", "qualified", "disqualified"),
        "opportunity": ("open", "won", "lost"),
        "incident": ("active", "resolved", "canceled"),
        "account": ("active", "inactive"),
    }.items():
        for state in states:
            assert await count(entity, f"statecode eq '{state}'") > 0, f"no {state} {entity}"
    assert await count("account", "primarycontactid eq null and originatingleadid eq null") == 0
    assert await count("task", f"scheduledend lt {TODAY} and statecode eq 'open'") > 0

    assert await _levels_of_the_group(app) == {1, 2, 3, 4}

    assert said[-1] == (PLANNED_WRITES, PLANNED_WRITES, "done")


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_two_loads_of_one_day_give_the_same_records(start_app):
    seen = []
    for _ in range(2):
        app = await start_app(plugins=["demo"])
        await _load(app)
        contacts = await app.system_records.list(
            "contact",
            fields=["fullname", "emailaddress1", "jobtitle", "createdon", "ownerid"],
            filter="originatingleadid eq null",
            order=["contactid"],
        )
        cases = await app.system_records.list(
            "incident", fields=["title", "customerid", "statuscode"], order=["incidentid"]
        )
        seen.append((contacts, cases))
    assert seen[0] == seen[1]


def test_every_country_can_name_each_trade_and_position():
    for country in COUNTRIES.values():
        assert country.company_names.keys() == set(TRADES), country.name
        assert country.positions.keys() == set(POSITIONS), country.name
        assert all("{}" in pattern for pattern in country.company_names.values())
        assert all("{}" in street for street in country.streets)


def test_colleagues_come_after_their_managers():
    known: set[str] = set()
    for person in COLLEAGUES:
        assert not person.manager or person.manager in known, person.user_name
        known.add(person.user_name)


def test_ids_are_uuids_of_version_7_that_never_change():
    drawn = [Draws(TODAY).record_id("account") for _ in range(2)]
    assert drawn[0] == drawn[1]
    draws = Draws(TODAY)
    ids = [draws.record_id("account") for _ in range(100)]
    assert all(UUID(found).version == 7 for found in ids)
    assert ids == sorted(set(ids))


def test_days_are_working_days():
    draws = Draws(TODAY)
    assert all(draws.day(-300, 300).weekday() < 5 for _ in range(500))


class _Loading(SampleDataLoading):
    """Gives nobody a password: hashing sixteen of them takes as long as all the rest."""

    async def let_sign_in(self, user_id, *, roles, language="", time_zone="") -> None:
        assert language in self.registry.languages
        ZoneInfo(time_zone)
        await super().let_sign_in(user_id, roles=roles, language=language, time_zone=time_zone)

    async def give_password(self, user_id) -> None:
        """Leave it out."""


async def _load(app) -> list[tuple[int, int, str]]:
    """Load the sample data and return what it told of its progress."""
    said: list[tuple[int, int, str]] = []
    loading = _Loading(app.parts, TODAY, lambda *told: said.append(told))
    await plugin.sample_data().load(loading)
    return said


async def _levels_of_the_group(app) -> set[int]:
    """Return on which levels of the hierarchy the group's own accounts and customers stand."""
    rows = await app.system_records.list("account", fields=["name", "parentaccountid"], limit=500)
    parents = {row["accountid"]: row["parentaccountid"] for row in rows}
    top = next(row["accountid"] for row in rows if row["name"] == ROOT_UNIT)

    def path(account: str) -> list[str]:
        above = parents[account]
        return [*path(above.id), account] if above else [account]

    return {len(path(account)) for account in parents if path(account)[0] == top}
