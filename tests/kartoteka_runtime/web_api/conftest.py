"""A small fleet for tests of queries over the Web API, at a moment that stands still."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime
from decimal import Decimal

import pytest

from kartoteka.record_values import Reference
from kartoteka_runtime.known_ids import ROOT_UNIT

NOW = datetime(2031, 5, 15, 12, 0, tzinfo=UTC)  # a Thursday

_VESSEL = """\
kind: entity
format: 1
name: vessel
label: { en: Vessel }
plural_label: { en: Vessels }
primary_field: name
ownership: user

fields:
  - { name: name, type: text, label: { en: Name }, max_length: 40 }
  - { name: code, type: text, label: { en: Code }, max_length: 40 }
  - { name: crew, type: whole_number, label: { en: Crew } }
  - { name: tons, type: decimal, label: { en: Tons }, precision: 2 }
  - { name: price, type: money, label: { en: Price }, precision: 2 }
  - { name: speed, type: float, label: { en: Speed }, precision: 3 }
  - { name: armed, type: yes_no, label: { en: Armed } }
  - name: kind
    type: choice
    label: { en: Kind }
    options:
      - { name: tug, value: 1, label: { en: Tug boat } }
      - { name: ferry, value: 2, label: { en: Ferry } }
  - name: flags
    type: multi_choice
    label: { en: Flags }
    options:
      - { name: red, value: 1, label: { en: Red } }
      - { name: blue, value: 2, label: { en: Blue } }
      - { name: green, value: 3, label: { en: Green } }
  - { name: built, type: date, label: { en: Built } }
  - { name: seen, type: date_time, label: { en: Seen } }
  - { name: opens, type: date_time, label: { en: Opens }, behavior: time_zone_independent }
  - { name: spoken, type: whole_number, label: { en: Spoken }, format: language }
  - { name: boss, type: lookup, label: { en: Boss }, target: vessel, hierarchical: true }
  - { name: unit, type: lookup, label: { en: Unit }, target: businessunit }
  - { name: payer, type: customer, label: { en: Payer } }
"""
_VOYAGE = """\
kind: entity
format: 1
name: voyage
label: { en: Voyage }
plural_label: { en: Voyages }
primary_field: name
ownership: organization

fields:
  - { name: name, type: text, label: { en: Name }, max_length: 40 }
  - { name: vessel, type: lookup, label: { en: Vessel }, target: vessel, relationship: vessel_voyages }
  - { name: miles, type: whole_number, label: { en: Miles } }
  - { name: fare, type: money, label: { en: Fare }, precision: 2 }
  - { name: leaves, type: date_time, label: { en: Leaves } }
  - { name: day, type: date, label: { en: Day } }
"""  # noqa: E501
_BERTH = """\
kind: entity
format: 1
name: berth
label: { en: Berth }
plural_label: { en: Berths }
primary_field: name
ownership: organization

fields:
  - { name: name, type: text, label: { en: Name }, max_length: 40 }
"""
_BERTHS = """\
kind: relationship
format: 1
name: vessel_berths
left: vessel
right: berth
intersect: vesselberth
"""
_VIEW = """\
kind: view
format: 1
name: vessel_big
entity: vessel
type: public
label: { en: Big vessels }
columns: [{ field: name }, { field: crew }, { field: boss/name }]
filter: crew ge 10
order: [crew desc, name]
"""
FLEET = {
    "entities/vessel.yaml": _VESSEL,
    "entities/voyage.yaml": _VOYAGE,
    "entities/berth.yaml": _BERTH,
    "relationships/vessel_berths.yaml": _BERTHS,
    "views/vessel_big.yaml": _VIEW,
}


def identity(letter: str) -> str:
    """Return the id of the record that a test calls by a letter."""
    return f"0190a000-0000-7000-8000-0000000000{ord(letter):02x}"


def at(text: str) -> datetime:
    return datetime.fromisoformat(text + "Z")


class Fleet:
    """The app with its records, and what tests ask of it."""

    def __init__(self, app, api, user_id: str) -> None:
        self.app = app
        self.api = api
        self.user_id = user_id
        self.identity = identity

    def full(self, value: object) -> object:
        """Return the id that ``#A`` stands for, any other value as it is."""
        is_id = isinstance(value, str) and value[:1] == "#"
        return identity(str(value)[1:]) if is_id else value

    async def get(self, address: str, params=None, *, prefer: str = ""):
        headers = {"Prefer": prefer} if prefer else {}
        return await self.api.get(address, params=params, headers=headers)

    async def fetch(self, xml: str, entity_set: str = "vessels", *, prefer: str = ""):
        """Ask with FetchXML, in which ``#A`` stands for the id of the vessel A."""
        xml = re.sub("#([A-Za-z])", lambda match: identity(match[1]), xml)
        return await self.get(entity_set, {"fetchXml": xml}, prefer=prefer)

    async def rows(self, xml: str, entity_set: str = "vessels", *, prefer: str = ""):
        answer = await self.fetch(xml, entity_set, prefer=prefer)
        assert answer.status_code == 200, answer.text
        return answer.json()["value"]

    async def names(self, filters: str, entity: str = "vessel") -> str:
        """Return the names that a filter finds, in order, one letter each."""
        xml = (
            f"<fetch><entity name='{entity}'><attribute name='name'/><order attribute='name'/>"
            f"{filters}</entity></fetch>"
        )
        return "".join(row["name"][0] for row in await self.rows(xml, f"{entity}s"))


@pytest.fixture
async def fleet(start_app):
    """Give five vessels (A to E), voyages (v to z) and berths (P, Q); it is NOW.

    | vessel | under | owner | voyages | berths |
    |---|---|---|---|---|
    | Alfa | - | who asks | v (10 miles), w (30) | P, Q |
    | Bravo | A | a team of who asks | x (30) | P |
    | Charlie | B | somebody below who asks | y (no miles) | - |
    | Delta | - | a team of somebody below who asks | - | - |
    | Echo | - | somebody else | - | - |
    """
    app = await start_app(metadata=FLEET)
    app.parts.records.clock = lambda: NOW
    records = app.system_records
    me = (await app.principal()).user_id
    users, teams = {}, {}
    for name in ("below", "other"):
        users[name] = await records.create(
            "systemuser",
            {
                "domainname": name,
                "firstname": name,
                "lastname": "X",
                "businessunitid": Reference("businessunit", ROOT_UNIT),
                "parentsystemuserid": Reference("systemuser", me) if name == "below" else None,
            },
        )
    for name, member in (("mine", me), ("theirs", users["below"])):
        teams[name] = await records.create(
            "team",
            {
                "name": name,
                "businessunitid": Reference("businessunit", ROOT_UNIT),
                "administratorid": Reference("systemuser", me),
            },
        )
        await records.associate("teammembership_association", member, teams[name])
    await _add_vessels(records, me, users, teams)
    await _add_voyages(records)
    async with app.api_as() as api:
        yield Fleet(app, api, me)


async def _add_vessels(records, me, users, teams) -> None:
    money = Reference("transactioncurrency", await _currency(records))
    owner = Reference("systemuser", me)
    for letter, values in (
        ("A", {
            "name": "Alfa", "code": "alfa", "crew": 5, "tons": Decimal("1.50"),
            "price": Decimal("10.25"), "speed": 1.5, "armed": True, "kind": 1, "flags": [1, 2],
            "built": date(2030, 1, 10), "seen": at("2031-05-15T11:00:00"), "spoken": 1033,
            "opens": datetime(2031, 5, 15, 8), "unit": Reference("businessunit", ROOT_UNIT),
            "transactioncurrencyid": money, "ownerid": owner,
        }),
        ("B", {
            "name": "Bravo", "crew": 10, "tons": Decimal("2.25"), "price": Decimal(20),
            "armed": False, "kind": 2, "flags": [2], "built": date(2031, 5, 14),
            "seen": at("2031-05-14T09:00:00"), "spoken": 1045, "code": "x_1%",
            "boss": Reference("vessel", identity("A")), "ownerid": Reference("team", teams["mine"]),
            "transactioncurrencyid": money,
        }),
        ("C", {
            "name": "Charlie", "boss": Reference("vessel", identity("B")), "armed": None,
            "ownerid": Reference("systemuser", users["below"]),
        }),
        ("D", {
            "name": "Delta", "crew": 20, "kind": 2, "flags": [3], "code": "Łódź", "armed": True,
            "ownerid": Reference("team", teams["theirs"]),
        }),
        ("E", {
            "name": "Echo", "crew": 10, "code": "alfalfa", "armed": False,
            "ownerid": Reference("systemuser", users["other"]),
        }),
    ):  # fmt: skip
        await records.create("vessel", {"vesselid": identity(letter), **values})


async def _currency(records) -> str:
    (found,) = await records.list("transactioncurrency", limit=1)
    return str(found["transactioncurrencyid"])


async def _add_voyages(records) -> None:
    for letter, vessel, miles, fare, leaves in (
        ("v", "A", 10, "5.50", "2031-01-31T23:30:00"),
        ("w", "A", 30, "1.25", "2031-02-01T00:30:00"),
        ("x", "B", 30, None, "2030-12-31T10:00:00"),
        ("y", "C", None, None, None),
        ("z", None, 7, None, None),
    ):
        await records.create(
            "voyage",
            {
                "voyageid": identity(letter),
                "name": letter,
                "vessel": Reference("vessel", identity(vessel)) if vessel else None,
                "miles": miles,
                "fare": None if fare is None else Decimal(fare),
                "leaves": None if leaves is None else at(leaves),
                "day": None if leaves is None else date.fromisoformat(leaves[:10]),
            },
        )
    for letter, vessels in (("P", "AB"), ("Q", "A")):
        await records.create("berth", {"berthid": identity(letter), "name": letter})
        for vessel in vessels:
            await records.associate("vessel_berths", identity(vessel), identity(letter))
