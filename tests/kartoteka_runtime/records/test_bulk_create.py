"""Many records created at once are what creating them one after the other would have made."""

from __future__ import annotations

from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kartoteka.errors import AccessDenied, KartotekaError, RecordInvalid
from kartoteka.plugin_api.contexts import RecordHandler
from kartoteka.record_values import Reference

NOW = datetime(2031, 5, 15, 12, 0, tzinfo=UTC)
_HARBOUR = """\
kind: entity
format: 1
name: harbour
label: { en: Harbour }
plural_label: { en: Harbours }
primary_field: name
ownership: user
fields:
  - { name: name, type: text, label: { en: Name } }
  - { name: boats, type: whole_number, label: { en: Boats },
      rollup: { over: harbour_boat_harbour, function: count } }
"""
_BOAT = """\
kind: entity
format: 1
name: boat
label: { en: Boat }
plural_label: { en: Boats }
primary_field: name
ownership: user
fields:
  - { name: name, type: text, label: { en: Name }, required: true, max_length: 12 }
  - { name: sign, type: text, label: { en: Sign }, unique: true }
  - { name: number, type: autonumber, label: { en: Number }, number_format: "B-{SEQNUM:4}" }
  - { name: masts, type: whole_number, label: { en: Masts }, max: 9, default: 1 }
  - { name: price, type: money, label: { en: Price }, precision: 2 }
  - { name: full, type: text, label: { en: Full }, joined_from: [name, sign] }
  - { name: tall, type: yes_no, label: { en: Tall }, stored: true, formula: "masts ge 3" }
  - { name: above, type: lookup, target: boat, label: { en: Above }, hierarchical: true }
  - { name: harbour, type: lookup, target: harbour, label: { en: Harbour },
      on_assign: all, on_reparent: all, on_share: all, on_unshare: all }
states:
  - { name: afloat, value: 0, label: { en: Afloat },
      reasons: [{ name: new, value: 1, label: { en: New } }] }
  - { name: sunk, value: 1, label: { en: Sunk }, read_only: true,
      reasons: [{ name: lost, value: 2, label: { en: Lost } }] }
transitions: []
"""
_RULE = """\
kind: rule
format: 1
name: boat_masts
label: { en: Masts }
entity: boat
branches:
  - name: bare
    when: masts eq 0
    then: [{ error: masts, message: { en: A boat has masts } }]
  - name: dear
    when: price gt 11
    then: [{ set: masts, formula: masts add 1 }]
"""
_ROLE = """\
kind: role
format: 1
name: boatman
label: { en: Boatman }
privileges:
  - { entity: boat, create: user, read: user, write: user, append: user, append_to: user }
  - { entity: harbour, read: organization, append_to: user }
  - { entity: systemuser, read: organization }
  - { entity: transactioncurrency, read: organization, append_to: organization }
"""
METADATA = {
    "entities/harbour.yaml": _HARBOUR,
    "entities/boat.yaml": _BOAT,
    "rules/boat_masts.yaml": _RULE,
    "security_roles/boatman.yaml": _ROLE,
}
_IDS = [f"0190a000-0000-7000-8000-0000000000{number:02x}" for number in range(12)]
_OWN, _OTHERS, _NONE = "own", "others", "none"


@pytest.fixture
async def app(start_app):
    """Give boats, with a harbour of the boatman's and one of somebody else's."""
    app = await start_app(metadata=METADATA)
    app.parts.records.clock = lambda: NOW
    return app


class _Undone(Exception):
    """Rolls a transaction back."""


def places(boats, harbours):
    """Return the values of boats as records take them."""
    return [
        {
            name: harbours[value] if name == "harbour" else Reference("boat", _IDS[value])
            if name == "above" else _IDS[value] if name == "boatid" else value
            for name, value in boat.items()
        }
        for boat in boats
    ]  # fmt: skip


def ranked(rows, name):
    """Replace numbers that no rollback takes back by their order."""
    order = {value: rank for rank, value in enumerate(sorted({row[name] for row in rows}))}
    return [{**row, name: order[row[name]]} for row in rows]


async def outcome(records, system, create, boats):
    """Return what a way to create leaves behind, or how it refuses; nothing is kept of it."""
    found: object = None
    with suppress(_Undone):
        async with records.transaction() as inside:
            try:
                ids = await create(inside, boats)
            except KartotekaError as error:
                details = getattr(error, "violations", getattr(error, "params", None))
                found = type(error), error.place, str(details)
            else:
                everything = inside.as_system()
                rows = [await everything.read("boat", record_id) for record_id in ids]
                rows = ranked(ranked(rows, "versionnumber"), "number")
                for row in rows:
                    row["boatid"] = ids.index(row["boatid"])
                shares = [
                    sorted(map(str, await everything.shares_of("boat", record_id)))
                    for record_id in ids
                ]
                operation = everything.open_operation
                jobs = await operation.connection.fetch_all(
                    "SELECT job, key FROM kartoteka_job WHERE state = 'waiting'", {}
                )
                found = rows, shares, sorted(set(map(str, jobs)))
            raise _Undone
    return found


async def one_by_one(records, boats):
    ids = []
    for place, boat in enumerate(boats):
        try:
            ids.append(await records.create("boat", boat))
        except KartotekaError as error:
            error.place = place
            raise
    return ids


async def at_once(records, boats):
    return await records.create_many("boat", boats)


@st.composite
def _fleets(draw):
    """Draw boats that name one another, most of them right, and at most two that are not."""
    boats: list[dict[str, Any]] = []
    for place in range(draw(st.integers(2, 8))):
        boat = draw(st.fixed_dictionaries(
            {"name": st.sampled_from(["Ann", "Bo", "Cy"])},
            optional={
                "masts": st.integers(1, 4),
                "price": st.sampled_from([10, 12.5]),
                "harbour": st.sampled_from([_OWN, _OTHERS]),
                "statecode": st.just(0),
            },
        ))  # fmt: skip
        if draw(st.booleans()):
            boat["boatid"] = place
            boat["sign"] = f"S{place}"
        named = [known["boatid"] for known in boats if "boatid" in known]
        if named and draw(st.booleans()):
            boat["above"] = draw(st.sampled_from(named))
        boats.append(boat)
    for flaw in draw(st.lists(st.sampled_from(_FLAWS), max_size=2)):
        boats.insert(draw(st.integers(0, len(boats))), {"name": "Ann"} | flaw)
    return boats


_FLAWS = (
    {"name": "Much too long a name"},
    {"name": None},
    {"masts": 12},
    {"masts": 0},
    {"junk": 1},
    {"statecode": 1},
    {"harbour": _NONE},
    {"above": 11},
    {"above": 7},
    {"boatid": 0},
    {"sign": "S0"},
    {"sign": "S1", "above": 1},
    {"number": "B-1"},
    {"boatid": 10, "above": 10},
)


@pytest.mark.parametrize("role", ["system_administrator", "boatman"])
async def test_many_at_once_are_what_one_after_the_other_would_be(app, role):
    system, records = app.system_records, await app.records_as(role)
    user = Reference("systemuser", (await app.principal(role)).user_id)
    other = Reference("systemuser", (await app.principal("salesperson")).user_id)
    harbours = {_NONE: Reference("harbour", _IDS[0])}
    for name, owner in ((_OWN, user), (_OTHERS, other)):
        values = {"name": name, "ownerid": owner}
        harbours[name] = Reference("harbour", await system.create("harbour", values))
    outcomes = set()

    async def agree(boats) -> None:
        said = places(boats, harbours)
        expected = await outcome(records, system, one_by_one, said)
        assert await outcome(records, system, at_once, said) == expected
        outcomes.add(expected[0] if isinstance(expected[0], type) else "stored")

    twice = [{"name": "Ann", "sign": "S0"}] * 2
    chosen = [
        [{"name": "Ann", "harbour": _OTHERS}],
        [*twice, {"name": "Ann", "harbour": _NONE}],
        [*twice, {"junk": 1}],
    ]
    for boats in [*chosen, *_examples()]:
        await agree(boats)
    assert outcomes >= {"stored", RecordInvalid}
    assert (AccessDenied in outcomes) == (role == "boatman")


def _examples():
    """Return lists of boats that hypothesis makes up, the same in every run.

    They are not made up inside of the test, which is a coroutine with fixtures for each.
    """
    found = []

    @settings(
        max_examples=50, database=None, derandomize=True, deadline=None,
        suppress_health_check=list(HealthCheck),
    )  # fmt: skip
    @given(_fleets())
    def keep(boats):
        found.append(boats)

    keep()
    return found


async def test_a_refused_one_is_named_by_its_place_and_nothing_is_kept(app):
    records = await app.records_as()
    boats = [{"name": "Ann", "sign": f"S{number}"} for number in range(1200)]
    boats[1100] = {"name": "Bo", "sign": "S7"}
    with pytest.raises(RecordInvalid) as refused:
        await records.create_many("boat", boats)
    assert refused.value.place == 1100
    assert [violation.field for violation in refused.value.violations] == ["sign"]
    assert await records.count("boat") == 0
    del boats[1100]
    ids = await records.create_many("boat", boats)
    assert (len(set(ids)), await records.count("boat")) == (1199, 1199)
    first, second = [await records.read("boat", record_id) for record_id in ids[700:702]]
    assert (first["sign"], second["sign"]) == ("S700", "S701")
    assert int(second["number"][2:]) == int(first["number"][2:]) + 1


async def test_hooks_see_each_record_after_those_before_it(app):
    seen = []

    async def count(write) -> None:
        seen.append(await write.system_records.count("boat"))

    app.add_record_handlers(RecordHandler("boat", "before_create", count))
    records = await app.records_as()
    await records.create_many("boat", [{"name": "Ann"}] * 3)
    assert seen == [0, 1, 2]
