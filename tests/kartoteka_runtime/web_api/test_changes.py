"""Change tracking over the Web API, on both engines: what is told once, and to whom."""

from __future__ import annotations

import asyncio
import re
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qsl, urlsplit

import pytest

from kartoteka.record_values import Reference
from kartoteka_runtime.jobs.housekeeping import FORGET_JOBS
from kartoteka_runtime.web_api.change_tokens import ChangeToken

TRACK = "odata.track-changes"
_SHIP = """\
kind: entity
format: 1
name: ship
label: { en: Ship }
plural_label: { en: Ships }
primary_field: name
ownership: user
features: [change_tracking]
fields:
  - { name: name, type: text, label: { en: Name }, max_length: 40 }
  - { name: crew, type: whole_number, label: { en: Crew } }
  - { name: tug, type: lookup, label: { en: Tug }, target: ship, relationship: ship_tugs }
"""
_CRATE = """\
kind: entity
format: 1
name: crate
label: { en: Crate }
plural_label: { en: Crates }
primary_field: name
ownership: user
features: [change_tracking]
fields:
  - { name: name, type: text, label: { en: Name }, max_length: 40 }
  - { name: ship, type: lookup, label: { en: Ship }, target: ship, relation: parental }
"""
_PIER = """\
kind: entity
format: 1
name: pier
label: { en: Pier }
plural_label: { en: Piers }
primary_field: name
ownership: organization
fields:
  - { name: name, type: text, label: { en: Name }, max_length: 40 }
"""
_ROLE = """\
kind: role
format: 1
extends: salesperson
privileges:
  - entity: ship
    read: user
"""
HARBOR = {
    "entities/ship.yaml": _SHIP,
    "entities/crate.yaml": _CRATE,
    "entities/pier.yaml": _PIER,
    "security_roles/salesperson.yaml": _ROLE,
}


@pytest.fixture
async def harbor(start_app):
    """Give an app with ships whose changes are tracked, and an administrator's client."""
    app = await start_app(metadata=HARBOR)
    async with app.api_as() as api:
        yield app, api


async def read(api, address, params=None, *, prefer=""):
    answer = await api.get(address, params=params, headers={"Prefer": prefer} if prefer else {})
    assert answer.status_code == 200, answer.text
    return answer.json()


async def begun(api, address="ships?$select=name"):
    """Return the link to what changes after now."""
    return (await read(api, address, prefer=TRACK))["@odata.deltaLink"]


def named(page):
    """Return the names of the records that a page tells, and the ids of those that are gone."""
    rows = page["value"]
    changed = [row["name"] for row in rows if "reason" not in row]
    return changed, [row["id"] for row in rows if "reason" in row]


async def add(app, name, entity="ship", **values):
    owner = Reference("systemuser", (await app.principal()).user_id)
    return await app.system_records.create(entity, {"name": name, "ownerid": owner, **values})


async def test_a_tracked_list_ends_with_a_link_to_what_changes_later(harbor):
    app, api = harbor
    ids = [await add(app, name) for name in ("Alfa", "Bravo", "Charlie")]
    headers = {"Prefer": f"{TRACK},odata.maxpagesize=2"}
    answer = await api.get("ships?$select=name", headers=headers)
    assert answer.headers["Preference-Applied"] == f"{TRACK},odata.maxpagesize=2"
    page = answer.json()
    assert "@odata.deltaLink" not in page and len(page["value"]) == 2
    await app.system_records.update("ship", ids[0], {"name": "Alfa 2"})  # while one reads on
    last = await read(api, page["@odata.nextLink"], prefer=headers["Prefer"])
    assert [row["name"] for row in last["value"]] == ["Charlie"]
    link = last["@odata.deltaLink"]
    assert re.fullmatch(
        r"http://\S+/api/data/v9\.2/ships\?\$select=name&\$deltatoken=[A-Za-z0-9_-]+", link
    )
    page = await read(api, link)
    assert named(page) == (["Alfa 2"], [])
    assert set(page["value"][0]) == {"@odata.etag", "name", "shipid"}
    assert page["@odata.context"].endswith("$metadata#ships(shipid,name)/$delta")


async def test_changes_and_deletions_are_told_once(harbor):
    app, api = harbor
    records = app.system_records
    ids = {name: await add(app, name) for name in ("Alfa", "Bravo", "Charlie")}
    link = await begun(api)
    page = await read(api, link)
    assert page["value"] == [] and "@odata.deltaLink" in page
    await records.update("ship", ids["Alfa"], {"crew": 4})
    await records.delete("ship", ids["Bravo"])
    await add(app, "Delta")
    page = await read(api, link)
    assert named(page) == (["Alfa", "Delta"], [ids["Bravo"]])
    gone = page["value"][-1]
    assert gone == {
        "@odata.context": "http://test/api/data/v9.2/$metadata#ships/$deletedEntity".replace(
            "http://test", link.split("/api/")[0]
        ),
        "id": ids["Bravo"],
        "reason": "deleted",
    }
    assert (await read(api, page["@odata.deltaLink"]))["value"] == []
    token = dict(parse_qsl(urlsplit(link).query))["$deltatoken"]
    alone = await read(api, "ships", {"$deltatoken": token})  # as clients build links themselves
    assert named(alone) == named(page) and "crew" not in alone["value"][0]
    count = await api.get("ships/$count", params={"$deltatoken": token})
    assert (count.status_code, count.text) == (200, "3")
    answer = await api.get(link, headers={"Prefer": "odata.maxpagesize=1"})
    told, pages = named(answer.json()), 1
    while next_link := answer.json().get("@odata.nextLink"):
        answer = await api.get(next_link, headers={"Prefer": "odata.maxpagesize=1"})
        page = named(answer.json())
        told, pages = (told[0] + page[0], told[1] + page[1]), pages + 1
    assert told == (["Alfa", "Delta"], [ids["Bravo"]]) and pages == 3
    assert (await read(api, answer.json()["@odata.deltaLink"]))["value"] == []


async def test_cascades_are_changes_too(harbor):
    app, api = harbor
    records = app.system_records
    ship = await add(app, "Alfa")
    towed = await add(app, "Bravo", tug=Reference("ship", ship))
    crate = await add(app, "c", "crate", ship=Reference("ship", ship))
    ships, crates = await begun(api), await begun(api, "crates")
    await records.delete("ship", ship)
    assert named(await read(api, ships)) == (["Bravo"], [ship])  # Bravo's lookup was emptied
    assert named(await read(api, crates)) == ([], [crate])
    assert towed
    await add(app, "Alfa again", shipid=ship)
    assert named(await read(api, ships)) == (["Bravo", "Alfa again"], [])


async def test_activities_are_told_under_their_own_name_and_as_activities(harbor):
    app, api = harbor
    records = app.system_records
    owner = Reference("systemuser", (await app.principal()).user_id)
    task = await records.create("task", {"subject": "Paint", "ownerid": owner})
    links = [await begun(api, f"{name}?$select=subject") for name in ("tasks", "activitypointers")]
    await records.update("task", task, {"subject": "Paint it"})
    for link in links:
        rows = (await read(api, link))["value"]
        assert [row["subject"] for row in rows] == ["Paint it"]
    await records.delete("task", task)
    for link in links:
        assert [row["id"] for row in (await read(api, link))["value"]] == [task]


async def test_what_commits_late_is_not_missed(harbor, engine):
    app, api = harbor
    link = await begun(api)
    written, may_end = asyncio.Event(), asyncio.Event()
    owner = Reference("systemuser", (await app.principal()).user_id)

    async def write_slowly() -> None:
        async with app.system_records.transaction() as records:
            await records.create("ship", {"name": "Late", "ownerid": owner})
            written.set()
            await may_end.wait()

    task = asyncio.create_task(write_slowly())
    await written.wait()
    names = []
    if engine == "postgresql":  # SQLite has one writer at a time
        await add(app, "Early")
        names = ["Early"]
    page = await read(api, link)
    assert named(page) == (names, [])
    fresh = await begun(api)
    may_end.set()
    await task
    for later in (page["@odata.deltaLink"], fresh):
        assert "Late" in named(await read(api, later))[0]
    page = await read(api, page["@odata.deltaLink"])
    assert (await read(api, page["@odata.deltaLink"]))["value"] == []


async def test_nobody_is_told_of_what_they_may_not_read(harbor):
    app, _ = harbor
    records = app.system_records
    seller = Reference("systemuser", (await app.principal("salesperson")).user_id)
    boss = Reference("systemuser", (await app.principal()).user_id)
    own = [await add(app, f"Own {n}", ownerid=seller) for n in range(3)]
    other = await add(app, "Other", ownerid=boss)
    shared = await add(app, "Shared", ownerid=boss)
    await records.share("ship", shared, seller, ["read"])
    async with app.api_as("salesperson") as api:
        link = await begun(api)
        await records.update("ship", other, {"crew": 1})
        await records.update("ship", own[0], {"crew": 1})
        assert named(await read(api, link)) == (["Own 0"], [])
        await records.delete("ship", other)
        await records.delete("ship", own[1])
        await records.delete("ship", shared)
        await records.update("ship", own[2], {"ownerid": boss})  # no longer to be read
        page = await read(api, link)
        assert named(page) == (["Own 0"], [own[1], shared, own[2]])
        await records.update("ship", own[2], {"ownerid": seller})
        assert named(await read(api, page["@odata.deltaLink"])) == (["Own 2"], [])
        answer = await api.get("crates", headers={"Prefer": TRACK})
        assert answer.status_code == 403


async def test_tokens_and_options_that_do_not_fit_are_refused(harbor):
    app, api = harbor
    ship = await add(app, "Alfa")
    token = dict(parse_qsl(urlsplit(await begun(api)).query))["$deltatoken"]
    now = int(datetime.now(UTC).timestamp())
    old = ChangeToken("ship", 1, now - int(timedelta(days=91).total_seconds()), "").write()
    ahead = ChangeToken("ship", 10**12, now, "").write()
    for address, prefer, status, said in (
        ("ships?$filter=name eq 'x'", TRACK, 400, "$filter"),
        ("ships?$orderby=name", TRACK, 400, "$orderby"),
        ("ships?$expand=tug", TRACK, 400, "$expand"),
        ("ships?$top=1", TRACK, 400, "$top"),
        ("ships?$apply=aggregate($count as n)", TRACK, 400, "$apply"),
        (f"ships?$filter=name eq 'x'&$deltatoken={token}", "", 400, "$filter"),
        ("piers", TRACK, 400, "not tracked"),
        (f"crates?$deltatoken={token}", "", 400, "token"),
        ("ships?$deltatoken=", "", 400, "token"),
        ("ships?$deltatoken=abc", "", 400, "token"),
        (f"ships?$deltatoken={token}&$skiptoken=t.x", "", 400, "token"),
        (f"ships?$deltatoken={ahead}", "", 400, "another database"),
        (f"ships?$deltatoken={old}", "", 410, "90 days"),
        (f"ships/$count?$deltatoken={old}", "", 410, "90 days"),
        (f"ships({ship})?$deltatoken={token}", "", 400, "$deltatoken"),
        (f"ships({ship})/ship_tugs?$deltatoken={token}", "", 400, "entity set"),
    ):
        answer = await api.get(address, headers={"Prefer": prefer} if prefer else {})
        assert answer.status_code == status, (address, answer.text)
        assert said in answer.json()["error"]["message"], answer.text


async def test_deletions_are_forgotten_when_no_token_asks_for_them(harbor):
    app, api = harbor
    link = await begun(api)
    day = datetime.now(UTC).replace(microsecond=0)
    for days, name in ((93, "Long gone"), (91, "Gone")):
        app.parts.records.clock = lambda days=days: day - timedelta(days=days)
        await app.system_records.delete("ship", await add(app, name))
    app.parts.records.clock = lambda: day
    assert len(named(await read(api, link))[1]) == 2
    await app.system_records.enqueue(FORGET_JOBS.name, {})
    await app.run_jobs()
    assert len(named(await read(api, link))[1]) == 1
