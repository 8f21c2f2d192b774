"""Random changes of definitions over filled tables: no value is lost, nothing is left crooked."""

from __future__ import annotations

import asyncio
import copy
import re
import sys
import uuid
from collections.abc import Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import psycopg
import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from kartoteka.errors import PublishFailed, RecordInvalid
from kartoteka.identities import Retired
from kartoteka.model.field import Field
from kartoteka.model.field_types import decimal_scale
from kartoteka.record_values import Reference
from kartoteka.registry import Registry
from kartoteka_runtime.live_registry import LiveRegistry
from kartoteka_runtime.publishing.bootstrap import SYSTEM
from kartoteka_runtime.publishing.catalogue import load_retired
from kartoteka_runtime.publishing.make_plan import make_plan
from kartoteka_runtime.publishing.publish import PlanRefused, plan, publish, refresh
from kartoteka_runtime.publishing.purge import purge, retired_items
from kartoteka_runtime.publishing.rollback import plan_rollback, rollback
from kartoteka_runtime.publishing.world import read_world
from kartoteka_runtime.records.hook_table import HookTable
from kartoteka_runtime.records.record_service import RecordService
from kartoteka_runtime.storage.database import SchemaMoved
from kartoteka_runtime.storage.open_database import database_for
from kartoteka_runtime.storage.schema import TableSchema, read_schema
from kartoteka_runtime.storage.stored_values import cell_reader

sys.path.insert(0, str(Path(__file__).parent))
from definition_model import (  # type: ignore[import-not-found]  # noqa: E402
    EntitySketch,
    FieldSketch,
    LinkSketch,
    Model,
    Sketch,
)

_ENTITIES = ("boat", "ship", "trip")
_FIELDS = ("size", "width", "depth", "a")
_OPTIONS = [
    {"name": name, "value": value, "label": {"en": name.title()}}
    for value, name in ((1, "one"), (2, "two"), (3, "three"))
]
_SPECS: tuple[dict[str, Any], ...] = (
    {"type": "text", "max_length": 4},
    {"type": "text", "max_length": 20},
    {"type": "text", "max_length": 400},
    {"type": "text", "format": "multi_line", "max_length": 400},
    {"type": "whole_number"},
    {"type": "whole_number", "min": 0, "max": 9},
    {"type": "big_integer"},
    {"type": "decimal", "precision": 0},
    {"type": "decimal", "precision": 2},
    {"type": "decimal", "precision": 4},
    {"type": "float"},
    {"type": "yes_no"},
    {"type": "choice", "options": _OPTIONS},
    {"type": "choice", "options": _OPTIONS[:2]},
    {"type": "multi_choice", "options": _OPTIONS},
    {"type": "date"},
    {"type": "date_time"},
    {"type": "date_time", "behavior": "time_zone_independent"},
    {"type": "date_time", "behavior": "date_only"},
    {"type": "unique_id"},
)
_SORTED = frozenset("text whole_number decimal date choice yes_no big_integer".split())
_NOON = datetime(2031, 5, 6, 12)
_VALUES: dict[str, tuple[Any, ...]] = {
    "text": ("12", "012", "1.5", "-3", "twelve", "true", "one", "Two", "one; two", "2031-05-06",
             "2031-05-06T12:00:00", "2031-05-06T12:00:00Z", "Ż'\"%s \\", "x" * 30),
    "whole_number": (0, 1, 2, 3, 12, -5, 40_000),
    "big_integer": (0, 1, 2, 2**40),
    "decimal": tuple(map(Decimal, ("0", "1", "2", "1.5", "12.75", "1.2345", "-3"))),
    "float": (0.5, 1.0, 12.75, -3.0),
    "yes_no": (True, False),
    "choice": (1, 2, 3),
    "multi_choice": ((1,), (1, 2), (2, 3), (1, 2, 3)),
    "date": (date(2031, 5, 6), date(1999, 1, 1)),
    "instant": (_NOON.replace(tzinfo=UTC), datetime(2031, 5, 6, tzinfo=UTC)),
    "local_time": (_NOON, datetime(2031, 5, 6)),
    "unique_id": ("0198c5b0-0000-7000-8000-000000000001", "0198c5b0-0000-7000-8000-000000000002"),
}  # fmt: skip


def _values(field: Field) -> list[Any]:
    """Return values that a field takes."""
    kind = field.type
    if kind == "date_time":
        kind = {"date_only": "date", "time_zone_independent": "local_time"}.get(
            field.behavior, "instant"
        )
    found: list[Any] = list(_VALUES[kind])
    if kind == "text":
        found = [value for value in found if len(value) <= (field.max_length or 400)]
    if kind == "decimal":
        found = [value for value in found if round(value, decimal_scale(field)) == value]
    if kind == "whole_number":
        found = [
            value for value in found
            if (field.min is None or value >= field.min)
            and (field.max is None or value <= field.max)
        ]  # fmt: skip
    if field.options and kind != "yes_no":
        known = {option.value for option in field.options}
        found = [value for value in found
                 if known.issuperset(value if isinstance(value, tuple) else (value,))]  # fmt: skip
    return found


class Story:
    """One random story: the database, the model of it, and what happens to both."""

    def __init__(self, draw: Callable[[Any], Any], folder: Path, main: Any, scratch: Any) -> None:
        self.draw = draw
        self.folder = folder
        self.main = main
        self.scratch = scratch
        self.model = Model()
        self.identities: dict[int, str] = {}
        self.last_number = 0
        self.service: RecordService | None = None

    def choose(self, items: Any) -> Any:
        possible = list(items)
        return possible[self.draw(st.integers(0, len(possible) - 1))]

    def chance(self, one_in: int) -> bool:
        return bool(self.draw(st.integers(0, one_in - 1)) == 0)

    def next_number(self) -> int:
        self.last_number += 1
        return self.last_number

    # --- what happens to the files ----------------------------------------------------------------

    def first(self) -> Sketch:
        sketch = Sketch()
        for name in _ENTITIES[:2]:
            self.add_entity(sketch, name)
        for _ in range(3):
            self.add_field(sketch)
        return sketch

    def edit(self, sketch: Sketch) -> None:
        edits = (
            self.add_field, self.add_field, self.remove_field, self.rename_field, self.change_field,
            self.change_field, self.change_field, self.change_targets, self.change_unique,
            self.add_any_entity, self.remove_entity, self.rename_entity, self.change_view,
            self.change_key, self.add_link, self.remove_link, self.rename_link,
        )  # fmt: skip
        self.choose(edits)(sketch)

    def free(self, names: Any, here: Any, live: Any) -> list[str]:
        """Return names that nothing has now nor had when it was published last."""
        taken = {item.name for item in here} | {item.name for item in live}
        return [name for name in names if name not in taken]

    def add_entity(self, sketch: Sketch, name: str) -> None:
        number = next(
            (found for old, found in reversed(self.model.gone.get(("entity", 0), []))
             if old == name and found not in self.model.dead), None,
        )  # fmt: skip
        if number is None:
            fields = [FieldSketch(self.next_number(), "name", {"type": "text", "max_length": 40})]
            sketch.entities.append(EntitySketch(self.next_number(), name, fields))
            return
        for earlier, _ in sorted(self.model.published.items(), reverse=True):
            past = self.model.published[earlier][0]
            for entity in past.entities:
                if entity.number == number and entity.name == name:
                    back = copy.deepcopy(entity)
                    back.olds = []
                    here = {item.number for item in sketch.entities}
                    for item in list(back.fields):
                        item.targets = [one for one in item.targets if one in here]
                        if "lookup" in item.spec["type"] and not item.targets:
                            self.drop(back, item)
                    sketch.entities.append(back)
                    return

    def add_any_entity(self, sketch: Sketch) -> None:
        names = self.free(_ENTITIES, sketch.entities, self.model.live.entities)
        if names:
            self.add_entity(sketch, self.choose(names))

    def remove_entity(self, sketch: Sketch) -> None:
        if len(sketch.entities) < 2:
            return
        gone = self.choose(sketch.entities)
        sketch.entities.remove(gone)
        sketch.links = [item for item in sketch.links if gone.number not in (item.left, item.right)]
        for entity in sketch.entities:
            for item in list(entity.fields):
                if gone.number in item.targets:
                    item.targets.remove(gone.number)
                    if not item.targets:
                        self.drop(entity, item)

    def rename_entity(self, sketch: Sketch) -> None:
        names = self.free(_ENTITIES, sketch.entities, self.model.live.entities)
        published = {item.number for item in self.model.live.entities}
        old = [item for item in sketch.entities if item.number in published]
        if names and old:
            entity = self.choose(old)
            disown(entity.name, sketch.entities)
            entity.olds = [*entity.olds, entity.name]
            entity.name = self.choose(names)

    def live_fields(self, entity: EntitySketch) -> list[FieldSketch]:
        return [
            item for found in self.model.live.entities if found.number == entity.number
            for item in found.fields
        ]  # fmt: skip

    def add_field(self, sketch: Sketch) -> None:
        entity = self.choose(sketch.entities)
        names = self.free(_FIELDS, entity.fields, self.live_fields(entity))
        if not names:
            return
        name = self.choose(names)
        number = next(
            (found for old, found in reversed(self.model.gone.get(("field", entity.number), []))
             if old == name and found not in self.model.dead), None,
        )  # fmt: skip
        item = FieldSketch(number or self.next_number(), name, {"type": "text"})
        entity.fields.append(item)
        if self.chance(3):
            item.spec = {"type": "lookup"}
            item.targets = [self.choose(sketch.entities).number]
        else:
            item.spec = dict(self.choose(_SPECS))

    def drop(self, entity: EntitySketch, item: FieldSketch) -> None:
        entity.fields.remove(item)
        self.unlist(entity, item)

    def unlist(self, entity: EntitySketch, item: FieldSketch) -> None:
        entity.order = 0 if entity.order == item.number else entity.order
        entity.find = [number for number in entity.find if number != item.number]
        entity.key = [] if item.number in entity.key else entity.key

    def other_field(self, sketch: Sketch) -> tuple[EntitySketch, FieldSketch] | None:
        found = [(entity, item) for entity in sketch.entities for item in entity.fields[1:]]
        return self.choose(found) if found else None

    def remove_field(self, sketch: Sketch) -> None:
        if found := self.other_field(sketch):
            self.drop(*found)

    def rename_field(self, sketch: Sketch) -> None:
        entity = self.choose(sketch.entities)
        live = self.live_fields(entity)
        published = {item.number for item in live}
        names = self.free((*_FIELDS, "name", "title"), entity.fields, live)
        old = [item for item in entity.fields if item.number in published]
        if names and old:
            item = self.choose(old)
            disown(item.name, entity.fields)
            item.olds = [*item.olds, item.name]
            item.name = self.choose(names)

    def change_field(self, sketch: Sketch) -> None:
        if found := self.other_field(sketch):
            entity, item = found
            item.targets = []
            item.spec = dict(self.choose(_SPECS))
            self.unlist(entity, item)

    def change_targets(self, sketch: Sketch) -> None:
        found = [(entity, item) for entity in sketch.entities for item in entity.fields
                 if item.targets]  # fmt: skip
        if not found:
            return
        entity, item = self.choose(found)
        numbers = [other.number for other in sketch.entities]
        item.targets = [number for number in numbers if self.chance(2)] or numbers[:1]
        self.unlist(entity, item)

    def change_unique(self, sketch: Sketch) -> None:
        if found := self.other_field(sketch):
            item = found[1]
            if item.spec["type"] in ("text", "whole_number", "decimal", "date"):
                if item.spec.pop("unique", None) is None and "format" not in item.spec:
                    item.spec["unique"] = True

    def change_view(self, sketch: Sketch) -> None:
        entity = self.choose(sketch.entities)
        sortable = [item.number for item in entity.fields if item.spec["type"] in _SORTED]
        texts = [item.number for item in entity.fields if item.spec["type"] == "text"]
        entity.order = self.choose([0, *sortable])
        entity.find = [number for number in texts if self.chance(3)]

    def change_key(self, sketch: Sketch) -> None:
        entity = self.choose(sketch.entities)
        usable = [item.number for item in entity.fields[1:]
                  if item.spec["type"] in ("text", "whole_number", "decimal", "date")
                  and "format" not in item.spec]  # fmt: skip
        entity.key = (
            [] if entity.key or not usable else [self.choose(usable), entity.fields[0].number]
        )

    def add_link(self, sketch: Sketch) -> None:
        names = self.free(("crew", "fleet"), sketch.links, self.model.live.links)
        if not names:
            return
        name = self.choose(names)
        here = {item.number for item in sketch.entities}
        gone = [
            (old, number) for old, number in self.model.gone.get(("link", 0), []) if old == name
        ]
        if gone:
            number = gone[-1][1]
            past = next(
                item for _, (sketched, _) in sorted(self.model.published.items(), reverse=True)
                for item in sketched.links if item.number == number
            )  # fmt: skip
            if {past.left, past.right} <= here and number not in self.model.dead:
                sketch.links.append(copy.deepcopy(past))
                sketch.links[-1].name, sketch.links[-1].olds = name, []
            return
        left, right = self.choose(sketch.entities).number, self.choose(sketch.entities).number
        sketch.links.append(LinkSketch(self.next_number(), name, left, right))

    def remove_link(self, sketch: Sketch) -> None:
        if sketch.links:
            sketch.links.remove(self.choose(sketch.links))

    def rename_link(self, sketch: Sketch) -> None:
        published = {item.number for item in self.model.live.links}
        old = [item for item in sketch.links if item.number in published]
        names = self.free(("crew", "fleet", "sailors"), sketch.links, self.model.live.links)
        if old and names:
            link = self.choose(old)
            disown(link.name, sketch.links)
            link.olds = [*link.olds, link.name]
            link.name = self.choose(names)

    # --- what happens to records ------------------------------------------------------------------

    def acting(self) -> Any:
        assert self.service is not None
        return self.service.acting_as(SYSTEM)

    def value(self, entity: EntitySketch, item: FieldSketch) -> Any:
        """Return a value for a field as the model has it."""
        if self.chance(5):
            return None
        if item.targets:
            found = [
                Reference(f"#{target}", record)
                for target in item.targets
                for record in sorted(self.model.records.get(target, ()))
            ]
            return self.choose(found) if found else None
        values = _values(self.model.stored[item.number])
        return self.choose(values) if values else None

    def named(self, value: Any) -> Any:
        """Return a value of the model as the record service has it."""
        if isinstance(value, Reference):
            entity = self.model.live.entity(int(value.entity[1:]))
            return Reference(entity.name, value.id)
        return value

    async def write(self) -> None:
        entity = self.choose(self.model.live.entities)
        records = self.model.records[entity.number]
        record = self.choose(sorted(records)) if records and not self.chance(3) else ""
        if record and self.chance(5):
            await self.acting().delete(entity.name, record)
            self.model.delete(entity.number, record)
            return
        fields = entity.fields
        if record:
            fields = [item for item in fields if self.chance(2)] or fields[:1]
        values = [(item, self.value(entity, item)) for item in fields]
        values = [
            (item, value or "a name" if item is entity.fields[0] else value)
            for item, value in values
        ]
        said = {item.name: self.named(value) for item, value in values}
        try:
            if record:
                await self.acting().update(entity.name, record, said)
            else:
                record = await self.acting().create(entity.name, said)
                records.add(record)
        except RecordInvalid as refused:
            note(f"refused: {refused}")
            return
        for item, value in values:
            self.model.write(item.number, record, value)

    async def link(self) -> None:
        if not self.model.live.links:
            return
        link = self.choose(self.model.live.links)
        left, right = (sorted(self.model.records[end]) for end in (link.left, link.right))
        if left and right:
            pair = (self.choose(left), self.choose(right))
            if pair not in self.model.pairs[link.number]:
                await self.acting().associate(link.name, *pair)
                self.model.pairs[link.number].add(pair)

    # --- publishing -------------------------------------------------------------------------------

    async def publish(self, wanted: Sketch) -> None:
        registry = wanted.registry(self.folder)
        made = await plan(self.main, registry)
        note(f"publish: {[change.words for change in made.changes]} {made.consents}")
        expected = self.model.losses(wanted, registry)
        if made.blocked:
            await self.refused(registry, made.consents)
            return
        assert set(made.consents) == expected, (made.consents, expected)
        if expected:
            await self.refused(registry, ())
        try:
            result = await publish(self.main, registry, consents=made.consents)
        except PublishFailed as refused:
            assert "cannot be unique" in str(refused)
            return
        if result.number == self.model.number:
            assert made.is_empty
            return
        self.model.publish(wanted, registry)
        await self.check(registry)

    async def refused(self, registry: Registry, consents: Any) -> None:
        before = await self.everything()
        with pytest.raises(PlanRefused):
            await publish(self.main, registry, consents=consents)
        assert await self.everything() == before

    async def roll_back(self) -> None:
        possible = [
            number for number, (sketch, _) in self.model.published.items()
            if number < self.model.number
            and self.model.published[number][1] != self.model.published[self.model.number][1]
            and self.model.dead.isdisjoint(
                {entity.number for entity in sketch.entities}
                | {item.number for entity in sketch.entities for item in entity.fields}
                | {item.number for item in sketch.links}
            )
        ]  # fmt: skip
        if not possible:
            return
        number = self.choose(possible)
        sketch, registry = self.model.published[number]
        stands_for = self.stands_for[number]
        if stands_for == self.model.standing_for:
            return
        made, _ = await plan_rollback(self.main, to=number)
        note(f"rollback to {number}: {[change.words for change in made.changes]} {made.consents}")
        if made.blocked:
            with pytest.raises(PlanRefused):
                await rollback(self.main, to=number, consents=made.consents)
            return
        expected = self.model.losses(sketch, registry)
        assert set(made.consents) == expected, (made.consents, expected)
        try:
            await rollback(self.main, to=number, consents=made.consents)
        except PublishFailed as refused:
            assert "cannot be unique" in str(refused)
            return
        left, touched = (
            self.model.left_as.get(stands_for),
            self.model.touched.get(stands_for, set()),
        )
        touched = set(touched)
        self.model.publish(sketch, registry, stands_for=stands_for)
        await self.check(registry)
        if left is not None:
            self.check_returned(sketch, left, touched)

    def check_returned(self, sketch: Sketch, left: Any, touched: set[tuple[int, str]]) -> None:
        """Look whether every value that nobody has written since is what it was."""
        for entity in sketch.entities:
            for item in entity.fields:
                for record, value in left.get(item.number, {}).items():
                    if (item.number, record) in touched or record not in self.model.records[
                        entity.number
                    ]:
                        continue
                    now = self.model.values[item.number].get(record)
                    is_dangling = isinstance(value, Reference) and now is None
                    assert value is None or now == value or is_dangling, (entity, item, record)

    async def purge(self) -> None:
        items = await retired_items(self.main)
        if not items:
            return
        name = self.choose(sorted({item.name for item in items}))
        by_identity = {identity: number for number, identity in self.identities.items()
                       if number not in self.model.dead}  # fmt: skip
        for purged in await purge(self.main, name):
            item = purged.item
            note(f"purged {purged}")
            owner = item.entity if item.kind == "field" else item.kind
            number = by_identity[f"{owner}/{item.identity}"]
            if item.is_original:
                self.model.purge_original(number, item.publication)
            else:
                self.model.purge_field(number)
            if item.kind == "entity":
                past = next(sketch.entity(number) for sketch, _ in reversed(
                    list(self.model.published.values()))
                    if any(entity.number == number for entity in sketch.entities))  # fmt: skip
                for field in past.fields:
                    self.model.purge_field(field.number)

    # --- what has to hold -------------------------------------------------------------------------

    async def check(self, registry: Registry) -> None:
        live = LiveRegistry()
        await refresh(self.main, live)
        assert live.current.registry == registry
        self.service = RecordService(self.main, live, HookTable())
        self.stands_for[self.model.number] = self.model.standing_for
        self.check_identities(live)
        await self.check_values()
        await self.check_links()
        await self.check_schema(registry)
        again = await plan(self.main, registry)
        assert again.is_empty and not again.drift
        async with self.main.reading() as connection:
            world = await read_world(connection, self.main)
            again, work = await make_plan(
                connection, self.main, world, registry, identities=world.live.identities
            )
        assert not again.changes and not work.tables and not work.links
        await self.check_kept(world.retired)

    stands_for: dict[int, int]

    def check_identities(self, live: LiveRegistry) -> None:
        found = live.current.identities
        for entity in self.model.live.entities:
            who = found.of("entity", entity.name)
            self.same_identity(entity.number, f"entity/{who}")
            for item in entity.fields:
                self.same_identity(item.number, f"{who}/{found.of_field(entity.name, item.name)}")
        for link in self.model.live.links:
            self.same_identity(link.number, f"relationship/{found.of('relationship', link.name)}")

    def same_identity(self, number: int, identity: str) -> None:
        assert self.identities.setdefault(number, identity) == identity

    async def check_values(self) -> None:
        names = {f"#{item.number}": item.name for item in self.model.live.entities}
        for entity in self.model.live.entities:
            fields = [f"{entity.name}id", *(item.name for item in entity.fields)]
            try:
                rows = await self.acting().list(entity.name, fields=fields)
            except SchemaMoved:  # a prepared statement of before; a request would run again, too
                rows = await self.acting().list(entity.name, fields=fields)
            assert {row[f"{entity.name}id"] for row in rows} == self.model.records[entity.number]
            for row in rows:
                for item in entity.fields:
                    expected = self.model.values[item.number].get(row[f"{entity.name}id"])
                    assert _plain(row[item.name]) == _plain(expected, names), (
                        entity.name, item.name, row[item.name], expected,
                    )  # fmt: skip

    async def check_links(self) -> None:
        schema = await self.schema(self.main)
        for link in self.model.live.links:
            columns = [name for name in schema[f"{link.name}_pairs"].columns]
            ends = [self.model.live.entity(end).name + "id" for end in (link.left, link.right)]
            if link.left == link.right:
                ends[1] += "2"
            assert sorted(columns) == sorted(ends)
            async with self.main.reading() as connection:
                rows = await connection.fetch_all(
                    f"SELECT {', '.join(ends)} FROM {link.name}_pairs", {}
                )
            assert {(str(a), str(b)) for a, b in rows} == self.model.pairs[link.number]

    async def check_kept(self, retired: tuple[Retired, ...]) -> None:
        """Look whether what is retired still lies where the catalogue says."""
        schema = await self.schema(self.main)
        by_identity = {identity: number for number, identity in self.identities.items()
                       if number not in self.model.dead}  # fmt: skip
        kept: set[tuple[int, int]] = set()
        for item in retired:
            owner = item.entity if item.kind == "field" else item.kind
            number = by_identity[f"{owner}/{item.identity}"]
            kept.add((number, item.publication if item.is_original else 0))
            if item.kind != "field":
                assert item.table in schema
                if item.kind == "entity":
                    rows = await self.rows(item.table, f"{item.definition.name}id", [])
                    assert {record for record, *_ in rows} == self.model.records[number]
                continue
            assert isinstance(item.definition, Field)
            expected = self.model.values[number]
            if item.is_original:
                expected = next(one.values for one in self.model.originals[number]
                                if one.publication == item.publication)  # fmt: skip
            read = cell_reader(item.definition, self.main.engine)
            primary = next(
                name for name in schema[item.table].columns
                if name in {f"{entity}id" for entity in _ENTITIES}
            )  # fmt: skip
            for record, *cells in await self.rows(item.table, primary, item.columns):
                found, was = _plain(read(cells)), _plain(expected.get(record))
                if isinstance(was, tuple) and was and str(was[0]).startswith("#"):
                    found, was = found and found[1], was[1]
                assert found == was, (item, record)
        for (kind, owner), items in self.model.gone.items():
            for _, number in items:
                if number not in self.model.dead and owner not in self.model.dead:
                    entity_gone = kind == "field" and owner in {
                        one for _, one in self.model.gone.get(("entity", 0), [])
                    }
                    assert (number, 0) in kept or entity_gone, (kind, number)

    async def rows(self, table: str, primary: str, columns: Any) -> Any:
        names = ", ".join(f'"{name}"' for name in (primary, *columns))
        async with self.main.reading() as connection:
            return await connection.fetch_all(f'SELECT {names} FROM "{table}"', {})

    async def check_schema(self, registry: Registry) -> None:
        await empty(self.scratch)
        await publish(self.scratch, registry)
        wanted, found = await self.schema(self.scratch), await self.schema(self.main)
        async with self.main.reading() as connection:
            retired = await load_retired(connection, self.main)
        tables = {item.table for item in retired if item.kind != "field"}
        columns = {(item.table, name) for item in retired for name in item.columns}
        assert found.keys() == wanted.keys() | tables
        for name, table in found.items():
            now = {key: kind for key, kind in table.columns.items() if (name, key) not in columns}
            if name not in wanted:
                assert not table.indexes and not table.references, (name, table)
                continue
            expected = wanted[name]
            assert now == expected.columns, (name, now, expected.columns)
            indexes, wanted_indexes = _squeezed(table.indexes), _squeezed(expected.indexes)
            assert indexes == wanted_indexes, (name, indexes, wanted_indexes)
            assert table.references == expected.references, (name, table, expected)
        if self.main.engine == "postgresql":
            async with self.main.reading() as connection:
                left = await connection.fetch_one(
                    "SELECT (SELECT count(*) FROM pg_constraint WHERE NOT convalidated), "
                    "(SELECT count(*) FROM pg_trigger WHERE NOT tgisinternal)", {},
                )  # fmt: skip
            assert left == (0, 0)

    async def schema(self, database: Any) -> dict[str, TableSchema]:
        async with database.reading() as connection:
            return await read_schema(connection, database.engine)

    async def everything(self) -> Any:
        """Return every table with every row."""
        schema = await self.schema(self.main)
        system = ["kartoteka_publication", "kartoteka_retired", "kartoteka_fact"]
        fresh = uuid.uuid4()  # in a statement, so that none prepared before is taken
        async with self.main.reading() as connection:
            return schema, {
                name: sorted(
                    repr(row)
                    for row in await connection.fetch_all(f'SELECT * FROM "{name}" -- {fresh}', {})
                )
                for name in (*schema, *system)
            }

    async def tell(self, chapters: int) -> None:
        """Let everything happen, chapter by chapter."""
        self.stands_for = {}
        await self.publish(self.first())
        for _ in range(chapters):
            for _ in range(self.draw(st.integers(1, 4))):
                await self.write()
            await self.link()
            what = self.draw(st.integers(0, 9))
            if what < 7:
                sketch = copy.deepcopy(self.model.live)
                for _ in range(self.draw(st.integers(1, 3))):
                    self.edit(sketch)
                await self.publish(sketch)
            elif what < 9:
                await self.roll_back()
            else:
                await self.purge()


def disown(name: str, items: Any) -> None:
    """Let nothing say any more that it was called so: now something else is renamed from it."""
    for item in items:
        item.olds = [old for old in item.olds if old != name]


def _plain(value: Any, names: dict[str, str] | None = None) -> Any:
    if isinstance(value, Reference):
        return (names or {}).get(value.entity, value.entity), value.id
    return value


def _squeezed(indexes: dict[str, str]) -> dict[str, str]:
    return {name: re.sub(r"[\s\"]+", " ", said) for name, said in indexes.items()}


async def empty(database: Any) -> None:
    """Take everything out of a database."""
    if database.engine == "sqlite":
        await database.close()
        for suffix in ("", "-wal", "-shm"):
            Path(f"{database.path}{suffix}").unlink(missing_ok=True)
        await database.open()
        return
    async with database.publishing() as connection:
        await connection.execute("DROP SCHEMA public CASCADE", {})
        await connection.execute("CREATE SCHEMA public", {})


async def _tell(draw: Callable[[Any], Any], addresses: tuple[str, str], chapters: int) -> None:
    main, scratch = (database_for(address) for address in addresses)
    try:
        await main.open()
        await scratch.open()
        await empty(main)
        with TemporaryDirectory() as folder:
            await Story(draw, Path(folder) / "metadata", main, scratch).tell(chapters)
    finally:
        await main.close()
        await scratch.close()


@pytest.fixture
def two_databases(empty_database, engine, tmp_path, request):
    """Give the addresses of a database and of one to compare it with."""
    if engine == "sqlite":
        yield empty_database, f"sqlite:///{tmp_path / 'scratch.db'}"
        return
    server, name = request.getfixturevalue("postgresql_server"), f"t_{uuid.uuid4().hex}"
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute(f'CREATE DATABASE "{name}"'.encode())
        yield empty_database, server.replace("/postgres?", f"/{name}?")
        connection.execute(f'DROP DATABASE "{name}" WITH (FORCE)'.encode())


_PATIENT = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large,
                           HealthCheck.function_scoped_fixture],
)  # fmt: skip


@settings(_PATIENT, max_examples=12, derandomize=True)
@given(data=st.data())
def test_no_value_is_lost_whatever_changes(two_databases, data):
    asyncio.run(_tell(data.draw, two_databases, 6))


@pytest.mark.slow
@settings(_PATIENT, max_examples=150)
@given(data=st.data())
def test_no_value_is_lost_in_long_stories(two_databases, data):
    asyncio.run(_tell(data.draw, two_databases, 12))
