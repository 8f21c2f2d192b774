"""Conditions about other records (collections, people, hierarchies), and what indexes answer."""

from __future__ import annotations

import pytest

from kartoteka.conditions.asker import Asker
from kartoteka.conditions.check_condition import check_condition
from kartoteka.conditions.parser import parse
from kartoteka.conditions.typed import MOST_LEVELS
from kartoteka.query.of_view import path_of
from kartoteka.query.query import Query
from kartoteka.record_values import Reference
from kartoteka_runtime.storage.compile_query import QueryCompiler
from kartoteka_runtime.storage.condition_parameters import asker_parameters, parameters_of

CRATE = """\
kind: entity
format: 1
name: crate
label: { en: Crate }
plural_label: { en: Crates }
primary_field: name
ownership: user

fields:
  - { name: name, type: text, label: { en: Name }, max_length: 100 }
  - { name: weight, type: whole_number, label: { en: Weight } }
  - { name: seen, type: date_time, label: { en: Seen } }
  - name: inside
    type: lookup
    label: { en: Inside }
    target: crate
    hierarchical: true
    relationship: crate_contents
"""
NEWEST = """\
kind: view
format: 1
name: crate_newest
label: { en: Newest crates }
entity: crate
type: public
columns: [name, seen]
order: [seen desc]
"""
STAMP = """\
kind: entity
format: 1
name: stamp
label: { en: Stamp }
plural_label: { en: Stamps }
primary_field: name
ownership: user

fields:
  - { name: name, type: text, label: { en: Name }, max_length: 100 }
"""
PAIRS = """\
kind: relationship
format: 1
name: crate_stamps
left: crate
right: stamp
intersect: crate_stamp
"""
METADATA = {
    "entities/crate.yaml": CRATE,
    "entities/stamp.yaml": STAMP,
    "views/crate_newest.yaml": NEWEST,
    "relationships/crate_stamps.yaml": PAIRS,
}


class Crates:
    """Crates by name, and which of them conditions find."""

    def __init__(self, app, records) -> None:
        self.app = app
        self.records = records
        self.ids: dict[str, str] = {}

    async def add(self, name: str, *, inside: str = "", **values: object) -> str:
        values["inside"] = Reference("crate", self.ids[inside]) if inside else None
        self.ids[name] = await self.records.create("crate", {"name": name, **values})
        return self.ids[name]

    async def stamped(self, name: str, *crates: str) -> None:
        stamp = await self.records.create("stamp", {"name": name})
        for crate in crates:
            await self.records.associate("crate_stamps", self.ids[crate], stamp)

    async def put(self, name: str, inside: str) -> None:
        """Put a crate into another, past the service, which refuses circles."""
        is_sqlite = self.app.parts.database.engine == "sqlite"
        sql = (
            "UPDATE crate SET inside = :inside WHERE crateid = :crate"
            if is_sqlite
            else "UPDATE crate SET inside = %(inside)s::uuid WHERE crateid = %(crate)s::uuid"
        )
        async with self.app.parts.database.writing() as connection:
            values = {"inside": self.ids[inside], "crate": self.ids[name]}
            await connection.execute(sql, values)

    async def found(self, text: str, asker: Asker | None = None) -> set[str]:
        for name in sorted(self.ids, key=len, reverse=True):
            text = text.replace(f"<{name}>", self.ids[name])
        registry = self.app.registry
        condition = check_condition(parse(text), registry, "crate")
        query = Query("crate", (path_of(registry, "crate", "name"),), condition, limit=1000)
        queries = self.app.parts.records.model.queries
        async with self.app.parts.database.reading() as connection:
            rows, _, _ = await queries.page(connection, query, asker or Asker())
        return {row["name"] for row in rows}


@pytest.fixture
async def crates(start_app):
    app = await start_app(metadata=METADATA)
    return Crates(app, await app.records_as())


async def test_items_of_collections(crates):
    await crates.add("ship", weight=100)
    await crates.add("box", inside="ship", weight=5)
    await crates.add("bag", inside="ship", weight=50)
    await crates.add("nut", inside="box", weight=1)
    await crates.stamped("Fragile", "box", "nut")
    await crates.stamped("Heavy", "ship")
    for text, names in {
        "crate_contents/any()": {"ship", "box"},
        "not crate_contents/any()": {"bag", "nut"},
        "crate_contents/any(c: c/weight gt 10)": {"ship"},
        "crate_contents/any(c: c/weight lt weight)": {"ship", "box"},
        "crate_contents/any(c: c/weight gt weight)": set(),
        "crate_contents/all(c: c/weight lt 10)": {"box", "bag", "nut"},
        "crate_contents/any(c: c/crate_contents/any(d: d/weight lt c/weight and d/weight lt weight))": {"ship"},  # noqa: E501
        "crate_contents/any(c: c/inside/name eq 'SHIP')": {"ship"},
        "inside/crate_contents/any(c: c/name eq 'bag')": {"box", "bag"},
        "crate_stamps/any(s: s/name eq 'fragile')": {"box", "nut"},
        "not crate_stamps/any(s: startswith(s/name,'f') or startswith(s/name,'h'))": {"bag"},
        "crate_contents/any(c: c/crate_stamps/any(s: s/name eq 'fragile'))": {"ship", "box"},
        "inside eq null and crate_contents/any(c: startswith(c/name,'x') or c/name eq 'bag')":
            {"ship"},
    }.items():  # fmt: skip
        assert await crates.found(text) == names, text


async def test_hierarchies(crates):
    for name, inside in (("a", ""), ("b", "a"), ("c", "b"), ("d", "b"), ("other", "")):
        await crates.add(name, inside=inside)
    for text, names in {
        "Under(crateid,<b>)": {"c", "d"},
        "UnderOrEqual(crateid,<b>)": {"b", "c", "d"},
        "NotUnder(crateid,<b>)": {"a", "b", "other"},
        "Above(crateid,<c>)": {"a", "b"},
        "AboveOrEqual(crateid,<c>)": {"a", "b", "c"},
        "UnderOrEqual(inside,<b>)": {"c", "d"},
        "Under(inside,<a>)": {"c", "d"},
        "not UnderOrEqual(inside,<a>)": {"a", "other"},
        "Under(crateid,01234567-89ab-cdef-0123-456789abcdef)": set(),
    }.items():
        assert await crates.found(text) == names, text


async def test_hierarchies_that_go_in_a_circle_end(crates):
    for name, inside in (("a", ""), ("b", "a"), ("c", "b")):
        await crates.add(name, inside=inside)
    await crates.put("a", inside="c")
    assert await crates.found("Under(crateid,<b>)") == {"a", "c"}
    assert await crates.found("UnderOrEqual(crateid,<b>)") == {"a", "b", "c"}
    assert await crates.found("Above(crateid,<b>)") == {"a", "c"}


async def test_hierarchies_are_followed_so_many_levels(crates):
    names = [f"n{number}" for number in range(MOST_LEVELS + 2)]
    for name in names:
        await crates.add(name)
    for above, name in zip(names, names[1:], strict=False):
        await crates.put(name, inside=above)
    last = names[-1]
    assert await crates.found("Under(crateid,<n0>)") == set(names[1:-1])
    assert await crates.found(f"Above(crateid,<{last}>)") == set(names[1:-1])


async def test_people_and_teams_of_who_asks(crates):
    app, records = crates.app, crates.records
    me = (await app.principal()).user_id
    unit = (await records.read("systemuser", me))["businessunitid"]
    people: dict[str, str] = {"me": me}
    for name, manager in (("report", "me"), ("deep", "report"), ("stranger", "")):
        above = Reference("systemuser", people[manager]) if manager else None
        values = {"firstname": name, "lastname": "x", "domainname": name, "businessunitid": unit}
        people[name] = await records.create("systemuser", {**values, "parentsystemuserid": above})
    owners = {name: Reference("systemuser", one) for name, one in people.items()}
    for name in people:
        values = {"name": name, "businessunitid": unit, "administratorid": owners["me"]}
        team = await records.create("team", values)
        await records.associate("teammembership_association", people[name], team)
        owners[f"team of {name}"] = Reference("team", team)
    crates.records = app.system_records  # which may give records to whom no role lets read them
    for name, owner in owners.items():
        await crates.add(name, ownerid=owner)
    asker = Asker(user_id=me, business_unit_id=unit.id)
    below = {"me", "report", "deep"}
    for text, names in {
        "ownerid in myteams()": {"team of me"},
        "ownerid in meandmyteams()": {"me", "team of me"},
        "ownerid in meandmypeople()": below,
        "ownerid in memypeopleandteams()": below | {f"team of {name}" for name in below},
        "not (ownerid in meandmyteams())": owners.keys() - {"me", "team of me"},
        "ownerid eq me()": {"me"},
        "ownerid in (me(),null)": {"me"},
        "ownerid ne me()": owners.keys() - {"me"},
        "owningbusinessunit eq mybusinessunit()": set(owners),
        "Under(ownerid_systemuser/systemuserid,me())": {"report", "deep"},
    }.items():
        assert await crates.found(text, asker) == names, text
        nobody = await crates.found(text)
        assert nobody == (set(owners) if " ne " in text or text.startswith("not") else set()), text


ID = "01234567-89ab-cdef-0123-456789abcdef"


INDEXES = {
    "name eq 'Łódź'": {"so_crate_name"},
    "startswith(name,'ł')": {"so_crate_name"},
    "LastXDays(seen,3)": {"so_crate_seen"},
    "OnOrAfter(seen,2031-01-01)": {"so_crate_seen"},
    "seen gt now()": {"so_crate_seen"},
    "ownerid in meandmyteams()": {"ix_crate_ownerid"},
    "ownerid in memypeopleandteams()": {"ix_crate_ownerid", "systemuser_parentsystemuserid"},
    f"Under(crateid,{ID})": {"ix_crate_inside"},
    f"UnderOrEqual(inside,{ID})": {"ix_crate_inside"},
    f"crateid eq {ID} and crate_contents/any(c: c/weight gt weight)": {"ix_crate_inside"},
}


async def test_indexes_answer_what_they_can(start_app):
    app = await start_app(metadata=METADATA)
    model, engine = app.parts.records.model, app.parts.database.engine
    compiler = QueryCompiler(model.registry, model.tables, model.dialect, {})
    explain = "EXPLAIN QUERY PLAN " if engine == "sqlite" else "EXPLAIN "
    wrong = []
    async with app.parts.database.writing() as connection:
        if engine == "postgresql":  # which likes to read tables as small as these whole
            await connection.execute("SET LOCAL enable_seqscan = off", {})
        for text, indexes in INDEXES.items():
            condition = check_condition(parse(text), model.registry, "crate")
            params = asker_parameters(Asker(), engine) | {"limit_": 10}
            params |= parameters_of(condition, engine, Asker())
            sql = compiler.count(Query("crate", (), condition))
            rows = await connection.fetch_all(explain + sql, params)
            plan = "\n".join(str(row[-1]) for row in rows)
            if not all(name in plan for name in indexes):
                wrong.append(f"{text}\n{plan}")
    assert wrong == [], "\n\n".join(wrong)
