"""Probes: records of every kind of value, with parents, children and pairs, to ask about."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from decimal import Decimal
from random import Random
from typing import Any

from kartoteka.conditions.asker import Asker, FiscalCalendar
from kartoteka.conditions.entity_collections import collections_of
from kartoteka.conditions.typed import Collection, FieldPath, LookupStep, ValueKind
from kartoteka.query.of_view import path_of
from kartoteka.query.query import Expand, Query
from kartoteka.record_values import Reference
from kartoteka.registry import Registry

_OWN = """\
  - { name: name, type: text, label: { en: Name }, max_length: 100 }
  - { name: story, type: text, label: { en: Story }, format: multi_line, max_length: 200 }
  - { name: wheels, type: whole_number, label: { en: Wheels } }
  - { name: meters, type: big_integer, label: { en: Meters } }
  - { name: weight, type: decimal, label: { en: Weight }, precision: 3 }
  - { name: share, type: decimal, label: { en: Share }, precision: 7 }
  - { name: angle, type: float, label: { en: Angle }, precision: 5 }
  - { name: leased, type: yes_no, label: { en: Leased } }
  - name: fuel
    type: choice
    label: { en: Fuel }
    options:
      - { name: diesel, value: 1, label: { en: Diesel } }
      - { name: petrol, value: 2, label: { en: Petrol } }
  - name: colors
    type: multi_choice
    label: { en: Colors }
    options:
      - { name: red, value: 1, label: { en: Red } }
      - { name: blue, value: 2, label: { en: Blue } }
      - { name: green, value: 12, label: { en: Green } }
  - { name: built, type: date, label: { en: Built } }
  - { name: seen, type: date_time, label: { en: Seen } }
  - { name: opens, type: date_time, label: { en: Opens }, behavior: time_zone_independent }
  - { name: due, type: date_time, label: { en: Due }, behavior: date_only }
  - { name: code, type: unique_id, label: { en: Code } }
"""


def _entity(name: str, lookups: str) -> str:
    return (
        f"kind: entity\nformat: 1\nname: {name}\nlabel: {{ en: {name.title()} }}\n"
        f"plural_label: {{ en: {name.title()}s }}\nprimary_field: name\nownership: user\n"
        f"states: []\nfields:\n{_OWN}{lookups}"
    )


METADATA = {
    "entities/probe.yaml": _entity(
        "probe",
        "  - { name: parent, type: lookup, label: { en: Parent }, target: probe,"
        " hierarchical: true, relationship: probe_children }\n"
        "  - { name: buyer, type: customer, label: { en: Buyer } }\n",
    ),
    "entities/part.yaml": _entity(
        "part",
        "  - { name: probe, type: lookup, label: { en: Probe }, target: probe,"
        " relationship: probe_parts }\n",
    ),
    "relationships/probe_part_pairs.yaml": (
        "kind: relationship\nformat: 1\nname: probe_part_pairs\n"
        "left: probe\nright: part\nintersect: probe_part\n"
    ),
}

TEXTS = (
    "a", "A", "á", "ab", "Łódź", "lodz", "Straße", "STRASSE", "50%", "5_0", "\\", "[a]", "Σίσυφος",
    "zażółć gęślą", "ZAZOLC", "İstanbul", "œuvre", "z", " \u00a0x\t", "a\nb", "e\u0301",
    "\U0001f600b", "\uff5e", "'", "ΑΣ", "ǅ",
)  # fmt: skip
_WHOLE = (-(2**31), -7, -1, 0, 1, 2, 3, 18, 365, 2**31 - 1)
_BIG = (-(2**63), -(10**12), -1, 0, 1, 5, 10**12, 2**63 - 1)
_WEIGHTS = tuple(map(Decimal, ("-1.5", "0", "0.001", "2.125", "18", "99999999999.999", "-0.005")))
_SHARES = tuple(map(Decimal, ("-1.5", "0", "0.0000001", "0.3333333", "2.125", "-99999999999.5")))
_ANGLES = (-1.5, 0.0, 0.1, 0.3, 2.25, 1e-5, 33.33333, -99999999999.0, 123456.78901)
_INSTANTS = tuple(
    datetime.fromisoformat(text)
    for text in (
        "1753-01-01T00:00:00Z", "1899-12-31T23:30:00Z", "2028-02-29T23:59:59Z",
        "2031-01-31T10:30:00Z", "2031-03-09T07:30:00Z", "2031-03-30T00:59:59Z",
        "2031-03-30T01:00:00Z", "2031-03-31T12:00:00Z", "2031-04-05T15:15:00Z",
        "2031-10-26T00:30:00Z", "2031-10-26T01:30:00Z", "2031-11-02T05:30:00Z",
        "2031-12-31T23:00:00Z", "2032-01-01T00:00:00Z", "9999-12-31T23:59:59Z",
    )
)  # fmt: skip
_DATES = tuple(
    date.fromisoformat(text)
    for text in (
        "1753-01-01", "1999-12-31", "2028-02-29", "2031-01-31", "2031-03-09", "2031-03-30",
        "2031-03-31", "2031-10-26", "2032-01-01", "9999-12-31",
    )
)  # fmt: skip
_LOCAL_TIMES = tuple(
    datetime.fromisoformat(text)
    for text in (
        "1753-01-01T00:00:00", "2028-02-29T12:00:00", "2031-03-30T02:30:00", "2031-03-31T00:00:00",
        "2031-10-26T02:30:00", "2031-12-31T23:59:59", "9999-12-31T23:59:59",
    )
)  # fmt: skip
ZONES = (
    "UTC", "Europe/Warsaw", "America/New_York", "Asia/Kolkata", "Australia/Lord_Howe",
    "America/St_Johns", "Pacific/Kiritimati", "Pacific/Niue",
)  # fmt: skip
CODES = tuple(f"0190a000-0000-7000-8000-00000000000{digit}" for digit in "abc")

CONSTANTS: Mapping[ValueKind, tuple[Any, ...]] = {
    ValueKind.TEXT: TEXTS,
    ValueKind.WHOLE: (*_WHOLE, *_BIG),
    ValueKind.DECIMAL: (
        *_WEIGHTS, *_SHARES, Decimal("0.1"), Decimal("2.1254"), Decimal("0.0000000001"),
        Decimal("-0.5"), Decimal("7777777777777777777.7777777777"),
    ),
    ValueKind.FLOAT: _ANGLES,
    ValueKind.YES_NO: (True, False),
    ValueKind.OPTION: (1, 2, 3),
    ValueKind.OPTIONS: ((1,), (2,), (1, 2), (1, 2, 12)),
    ValueKind.DATE: (*_DATES, date(1, 1, 1), date(2031, 3, 1)),
    ValueKind.INSTANT: (*_INSTANTS, datetime(2031, 3, 1, tzinfo=UTC)),
    ValueKind.LOCAL_TIME: (*_LOCAL_TIMES, datetime(2031, 3, 1)),
    ValueKind.ID: CODES,
}  # fmt: skip
"""Values of each kind that conditions name; records have most of them."""

_OF_FIELDS: Mapping[str, tuple[Any, ...]] = {
    "name": tuple(text for text in TEXTS if text.isprintable()),
    "story": TEXTS,
    "wheels": _WHOLE,
    "meters": _BIG,
    "weight": _WEIGHTS,
    "share": _SHARES,
    "angle": _ANGLES,
    "leased": (True, False),
    "fuel": (1, 2),
    "colors": ((1,), (2,), (1, 12), (1, 2, 12)),
    "built": _DATES,
    "seen": _INSTANTS,
    "opens": _LOCAL_TIMES,
    "due": _DATES,
    "code": CODES,
}
_NOWS = ("2031-03-30T00:59:59Z", "2031-03-31T12:00:00Z", "2031-10-26T01:30:00Z",
         "2032-01-01T00:00:00Z", "2028-02-29T23:59:59Z")  # fmt: skip
_CALENDARS = (
    FiscalCalendar(), FiscalCalendar(4, 1, "quarterly"), FiscalCalendar(7, 6, "four_weeks"),
    FiscalCalendar(2, 29, "semiannually"),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Owned:
    """A collection that records have, and what can be asked of its items."""

    collection: Collection
    paths: tuple[FieldPath, ...]
    collections: tuple[Owned, ...] = ()


@dataclass(frozen=True, slots=True)
class Probes:
    """Stored probes as closures read them, and who may ask what about them."""

    registry: Registry
    records: tuple[dict[str, Any], ...]
    paths: tuple[FieldPath, ...]
    collections: tuple[Owned, ...]
    asker: Asker
    ids: tuple[str, ...]  # of users, teams, probes and customers

    def askers(self) -> list[Asker]:
        """Return the same user at other times, in other zones, with other fiscal years."""
        return [
            replace(
                self.asker,
                time_zone=zone,
                now=datetime.fromisoformat(now),
                fiscal=_CALENDARS[(number + place) % len(_CALENDARS)],
            )
            for number, zone in enumerate(ZONES)
            for place, now in enumerate(_NOWS)
        ]


async def stored_probes(app: Any, *, count: int = 40) -> Probes:
    """Store probes in an app and return them as they are read back."""
    records = await app.records_as()
    system = app.system_records  # owners have no roles, and only the platform may choose them
    registry: Registry = app.registry
    random = Random(4)
    asker, owners = await _people(app)
    accounts = [await records.create("account", {"name": name}) for name in ("Łuk", "Beta")]
    buyers = [Reference("account", one) for one in accounts]
    buyers.append(Reference("contact", await records.create("contact", {"lastname": "Łuk"})))
    probes: list[str] = []
    parts: list[str] = []
    for number in range(count):
        values = _values(random, owners)
        if probes and number % 4:
            values["parent"] = Reference("probe", random.choice(probes[-6:]))
        values["buyer"] = random.choice([None, *buyers])
        probes.append(await system.create("probe", values))
    for _ in range(count):
        values = _values(random, owners)
        values["probe"] = random.choice([None, *(Reference("probe", one) for one in probes[:9])])
        parts.append(await system.create("part", values))
    pairs = {(random.choice(probes[:12]), random.choice(parts)) for _ in range(count)}
    for probe, part in sorted(pairs):
        await records.associate("probe_part_pairs", probe, part)
    read = _Reading(registry)
    rows = await _read(app, read.query, asker)
    ids = (*asker.people_ids, asker.user_id, *(one.id for one in owners + buyers), *probes[:8])
    return Probes(
        registry,
        tuple(_with_parents(rows)),
        read.paths,
        read.collections,
        replace(asker, parents={"probe": _parents(rows)}),
        tuple(sorted(set(ids))),
    )


def _values(random: Random, owners: list[Reference]) -> dict[str, Any]:
    values = {
        name: random.choice(found) if random.random() < 0.8 else None
        for name, found in _OF_FIELDS.items()
    }
    name = values["name"] or "nameless"
    return {**values, "name": name, "ownerid": random.choice(owners)}


async def _people(app: Any) -> tuple[Asker, list[Reference]]:
    """Return who asks, with somebody below and teams, and all who may own records."""
    records = await app.records_as()
    me = (await app.principal()).user_id
    user = await records.read("systemuser", me)
    unit = user["businessunitid"]
    people: list[str] = []
    for number, above in enumerate((me, 0, None)):
        manager = people[above] if isinstance(above, int) else above
        values = {
            "firstname": "Below", "lastname": str(number), "domainname": f"below{number}",
            "businessunitid": unit,
            "parentsystemuserid": Reference("systemuser", manager) if manager else None,
        }  # fmt: skip
        people.append(await records.create("systemuser", values))
    teams = []
    for member in (me, people[1], people[2]):
        administrator = Reference("systemuser", me)
        values = {"name": "T", "businessunitid": unit, "administratorid": administrator}
        team = await records.create("team", values)
        await records.associate("teammembership_association", *_sides(app.registry, team, member))
        teams.append(team)
    asker = Asker(
        user_id=me,
        business_unit_id=unit.id,
        team_ids=frozenset(await _teams(app, [me])),
        people_ids=frozenset(people[:2]),
        people_team_ids=frozenset(await _teams(app, people[:2])),
    )
    owners = [Reference("systemuser", one) for one in (me, *people)]
    return asker, owners + [Reference("team", one) for one in teams]


def _sides(registry: Registry, team: str, user: str) -> tuple[str, str]:
    is_left = registry.relationships["teammembership_association"].left == "team"
    return (team, user) if is_left else (user, team)


async def _teams(app: Any, users: list[str]) -> list[str]:
    collection = collections_of(app.registry, "systemuser")["teammembership_association"]
    key = (path_of(app.registry, "team", "teamid"),)
    query = Query(
        "systemuser",
        (path_of(app.registry, "systemuser", "systemuserid"),),
        expands=(Expand("teams", collection, Query("team", key)),),
        limit=100,
    )
    rows = await _read(app, query, Asker())
    return [team["teamid"] for row in rows if row["systemuserid"] in users for team in row["teams"]]


async def _read(app: Any, query: Query, asker: Asker) -> list[dict[str, Any]]:
    async with app.parts.database.reading() as connection:
        found, _, _ = await app.parts.records.model.queries.page(connection, query, asker)
        return list(found)


class _Reading:
    """The query that reads probes with everything that conditions ask of them."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        of_probe, of_part = collections_of(registry, "probe"), collections_of(registry, "part")
        own = [*_OF_FIELDS, "ownerid"]
        above = [f"parent/{name}" for name in own]
        self.paths = self._paths(
            "probe", "probeid", "parent", "buyer", *own, *above, "parent/parent/name",
            "parent/parent/seen", "buyer_account/name", "buyer_contact/lastname", "parent/parent",
        )  # fmt: skip
        over = ("probe/name", "probe/wheels", "probe/seen", "probe/parent")
        of_parts = self._paths("part", "partid", "probe", *own, *over)
        of_children = self._paths("probe", "probeid", "parent", *own)
        parts, children = of_probe["probe_parts"], of_probe["probe_children"]
        pairs, probes = of_probe["probe_part_pairs"], of_part["probe_part_pairs"]
        paired = Owned(probes, of_children)
        inner = Owned(parts, of_parts)
        step = LookupStep(registry.entities["probe"].field_by_name["parent"], "probe")
        self.collections = (
            Owned(parts, of_parts, (paired,)),
            Owned(children, of_children, (inner,)),
            Owned(pairs, of_parts),
            Owned(replace(parts, steps=(step,)), of_parts),
        )
        expands = tuple(self._expand(owned) for owned in self.collections[:3])
        self.query = Query("probe", self.paths, expands=expands, limit=1000, with_labels=False)

    def _paths(self, entity: str, *names: str) -> tuple[FieldPath, ...]:
        return tuple(path_of(self._registry, entity, name) for name in names)

    def _expand(self, owned: Owned) -> Expand:
        inner = tuple(self._expand(item) for item in owned.collections)
        query = Query(
            owned.collection.entity, owned.paths, expands=inner, limit=1000, with_labels=False
        )
        return Expand(owned.collection.key, owned.collection, query)


def _parents(rows: list[dict[str, Any]]) -> dict[str, str]:
    return {row["probeid"]: row["parent"].id for row in rows if row["parent"] is not None}


def _with_parents(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return the records with the parts of their parents."""
    by_id = {row["probeid"]: row for row in rows}
    for row in rows:
        above = by_id[row["parent"].id] if row["parent"] is not None else None
        row["parent/probe_parts"] = above["probe_parts"] if above else []
    return rows
