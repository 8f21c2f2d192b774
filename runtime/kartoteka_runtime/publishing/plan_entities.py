"""What a publish does to entities and fields, told change by change with what is stored."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kartoteka.changes import EntityChange, FieldChange
from kartoteka.conversions import DoesNotConvert, conversion, lost_targets, stores_alike
from kartoteka.identities import Identities
from kartoteka.model.entity import Entity
from kartoteka.model.field import Field, Required
from kartoteka.model.field_types import has_column, storage_of
from kartoteka_runtime.publishing.plan import PlannedChange
from kartoteka_runtime.publishing.plan_words import (
    kind_of,
    lost,
    missing,
    unfitting,
    without_label,
)
from kartoteka_runtime.publishing.stored_counts import StoredCounts, StoredField, Unfit
from kartoteka_runtime.publishing.world import World
from kartoteka_runtime.storage.cell_converter import CellConverter
from kartoteka_runtime.storage.stored_values import column_names
from kartoteka_runtime.storage.table_changes import Converted

# About how many rows a second each engine converts; what a plan says of time rests on it.
_CONVERTED_A_SECOND = {"sqlite": 150_000, "postgresql": 15_000}
_PURGED = "what it held was purged; it comes back empty"


@dataclass(slots=True)
class _Stored:
    """What a field's values are stored as now, and how many there are."""

    place: StoredField
    values: int


class EntityPlanner:
    """Collects what happens to entities and fields.

    Attributes:
        found: The changes.
        losing: ``(entity, field)`` as wanted, some of whose values do not convert.
        unreturned: The same, to which some values from before do not return.
        retyped: ``(entity, field)`` whose type changes.
        told: ``(entity, field)`` whose coming or going is told.
    """

    def __init__(
        self,
        counts: StoredCounts,
        engine: str,
        world: World,
        identities: Identities,
        entity_names: Mapping[str, str],
        *,
        is_return: bool,
    ) -> None:
        """Read what is stored through ``counts``; ``is_return``: what was purged is missed."""
        self.found: list[PlannedChange] = []
        self.losing: set[tuple[str, str]] = set()
        self.unreturned: set[tuple[str, str]] = set()
        self.retyped: set[tuple[str, str]] = set()
        self.told: set[tuple[str, str]] = set()
        self._counts = counts
        self._engine = engine
        self._world = world
        self._identities = identities
        self._entity_names = entity_names
        self._purged = world.purged if is_return else frozenset()

    def _add(self, code: str, params: Mapping[str, object], **facts: Any) -> None:
        self.found.append(PlannedChange(code, params, **facts))

    async def entity(self, change: EntityChange) -> None:
        """Tell what happens to one entity and its fields."""
        before, after = change.before, change.after
        if after is None:
            assert before is not None
            rows = await self._records(before.name)
            self._add(
                "entity/retire",
                {"name": before.name},
                entity=before.name,
                rows=rows,
                retires=True,
                rewrites=self._engine == "sqlite" and rows > 0,
                seconds=self._seconds(rows),
                lock=self._lock(rows),
            )
            return
        if change.retired is not None:
            rows = await self._records(change.retired.table)
            warning = "" if change.retired.table in self._world.schema else "its table is gone"
            self._add(
                "entity/restore",
                {"name": after.name},
                entity=after.name,
                rows=rows,
                warning=warning,
                bundle=after.bundle,
                seconds=self._seconds(rows),
            )
        elif before is None:
            warning = _PURGED if self._is_purged("entity", "", after.name) else ""
            self._add(
                "entity/add",
                {"name": after.name},
                entity=after.name,
                bundle=after.bundle,
                warning=warning,
            )
            return
        elif before.name != after.name:
            rows = await self._records(before.name)
            self._add(
                "entity/rename",
                {"old": before.name, "name": after.name},
                rows=rows,
                entity=after.name,
                lock="brief",
                bundle=after.bundle,
            )
        stored = change.stored_as
        assert stored is not None
        if stored.is_activity != after.is_activity:
            self._add(
                "definition",
                {"sentence": f"{after.name}: activity changes"},
                entity=after.name,
                blocked="an entity stays an activity, or none; "
                "define another one and move its records",
            )
        table = change.retired.table if change.retired is not None else stored.name
        for item in change.fields:
            await self._field(item, stored, after, table)

    async def _field(self, item: FieldChange, entity: Entity, after: Entity, table: str) -> None:
        wanted = item.after
        if wanted is None:
            assert item.before is not None
            name = f"{after.name}.{item.before.name}"
            self.told.add((after.name, item.before.name))
            stored = await self._stored(item.before, column_names(item.before), entity, table)
            rows = stored.values if stored is not None else 0
            self._add("field/retire", {"name": name}, entity=after.name, rows=rows, retires=True)
            return
        name = f"{after.name}.{wanted.name}"
        was = item.stored_as
        if was is None:
            self.told.add((after.name, wanted.name))
            is_purged = self._is_purged("field", after.name, wanted.name)
            self._add(
                "field/add",
                {"name": name, "type": kind_of(wanted)},
                entity=after.name,
                bundle=wanted.bundle,
                warning=_PURGED if is_purged else "",
            )
            await self._missing(wanted, None, after, table)
            return
        columns = item.retired.columns if item.retired is not None else column_names(was)
        if item.retired is not None:
            self.told.add((after.name, wanted.name))
            stored = await self._stored(was, columns, entity, table)
            self._add(
                "field/restore",
                {"name": name},
                entity=after.name,
                bundle=wanted.bundle,
                rows=stored.values if stored is not None else 0,
            )
        elif was.name != wanted.name and wanted.name != after.primary_id:
            self._add(
                "field/rename",
                {"old": f"{after.name}.{was.name}", "name": name},
                entity=after.name,
                lock="brief",
                bundle=wanted.bundle,
            )
        if was == wanted or not columns:
            if _is_parties(was) != _is_parties(wanted):
                self._blocked(name, was, wanted, after)
            return
        if item.is_set_aside and item.retired is None:
            await self._set_aside(was, wanted, columns, entity, after, table)
            return
        stored = await self._stored(was, columns, entity, table)
        if stored is not None:
            await self._converted(item, was, wanted, after, stored)
            await self._missing(wanted, stored, after, table)
            await self._options(was, wanted, after, stored)

    async def _set_aside(
        self,
        was: Field,
        wanted: Field,
        columns: tuple[str, ...],
        entity: Entity,
        after: Entity,
        table: str,
    ) -> None:
        """Tell of a field that is calculated from now on and keeps what it held until now."""
        if was.is_calculated:
            return  # what changes is told property by property
        stored = await self._stored(was, columns, entity, table)
        rows = stored.values if stored is not None else 0
        name = f"{after.name}.{wanted.name}"
        self._add(
            "field/calculate",
            {"name": name},
            entity=after.name,
            rows=rows,
            retires=rows > 0,
            bundle=wanted.bundle,
        )

    async def recalculated(self, entity: Entity, fields: tuple[str, ...], table: str) -> None:
        """Tell which fields are worked out for how many records."""
        rows = await self._records(table)
        for name in fields if rows else ():
            self._add("field/recalculate", {"name": f"{entity.name}.{name}"},
                      entity=entity.name, rows=rows)  # fmt: skip

    async def _converted(
        self, item: FieldChange, was: Field, wanted: Field, after: Entity, stored: _Stored
    ) -> None:
        found = conversion(was, wanted)
        if not has_column(wanted):
            self._blocked(f"{after.name}.{wanted.name}", was, wanted, after)
            return
        name = f"{after.name}.{wanted.name}"
        alike = stores_alike(was, wanted) and item.original is None
        if alike and found.kind == "none":
            return
        unfit, gone = Unfit(), lost_targets(was, wanted)
        if gone or not alike:
            unfit = await self._refused(item, wanted, after, stored)
        elif stored.values:
            unfit = await self._counts.unfit(stored.place, found.convert)
        narrows = alike and bool(gone)
        if narrows and not unfit.count:
            return  # nothing is stored otherwise
        if alike and not narrows:
            if unfit.count:
                self._add(
                    "definition",
                    {"sentence": f"field {name}: what it takes is narrowed"},
                    entity=after.name,
                    rows=stored.values,
                    unconverted=unfit.count,
                    samples=unfit.samples,
                    warning=unfitting(unfit.count),
                )
            return
        self.retyped.add((after.name, wanted.name))
        if unfit.count:
            self.losing.add((after.name, wanted.name))
        facts = {
            "entity": after.name,
            "rows": stored.values,
            "rewrites": stored.values > 0 and not self._is_cheap(was, wanted),
            "lock": self._lock(stored.values),
            "seconds": self._seconds(stored.values),
            "bundle": wanted.bundle,
        }
        original = None if item.original is None else item.original.definition
        returns = isinstance(original, Field) and original.type == wanted.type
        code = "field/return" if returns else "field/narrow" if narrows else "field/convert"
        said = {"name": name, "before": kind_of(was), "after": kind_of(wanted)}
        if narrows:
            said = {"name": name, "gone": ", ".join(gone)}
        warning = ""
        if unfit.count:
            warning = lost(name, unfit.count, stored.values)
        self._add(
            code,
            said,
            unconverted=unfit.count,
            samples=unfit.samples,
            warning=warning,
            consent=name if unfit.count else "",
            **facts,
        )

    async def _refused(
        self, item: FieldChange, wanted: Field, after: Entity, stored: _Stored
    ) -> Unfit:
        """Return the values that would be lost; note whether some from before cannot return."""
        place = stored.place
        present = self._world.schema[place.table].columns.keys()
        original = item.original
        if original is not None and not set(original.columns) <= present:
            original = None
        converter = CellConverter(
            Converted(
                wanted, place.field, place.columns, conversion(place.field, wanted),
                original=original, entity_names=self._entity_names,
            ),
            self._engine,
        )  # fmt: skip
        columns = () if original is None else original.columns
        unfit = await self._counts.convert(place, columns, converter)
        if converter.unreturned:
            self.unreturned.add((after.name, wanted.name))
        return unfit

    def _is_cheap(self, was: Field, wanted: Field) -> bool:
        """Return whether values stay as they lie: SQLite knows no length of texts."""
        return self._engine == "sqlite" and storage_of(was) == storage_of(wanted) == "text"

    async def _missing(
        self, wanted: Field, stored: _Stored | None, after: Entity, table: str
    ) -> None:
        """Tell how many records lack a value that every one must have from now on."""
        was = None if stored is None else stored.place.field.required
        if wanted.required is not Required.ALWAYS or was is Required.ALWAYS or wanted.read_only:
            return
        if stored is not None:
            empty = await self._counts.empty(stored.place)
        else:
            empty = await self._records(table)
        if empty:
            self._add(
                "definition",
                {"sentence": f"field {after.name}.{wanted.name} has to be filled in"},
                entity=after.name,
                rows=empty,
                warning=missing(empty),
            )

    async def _options(self, was: Field, wanted: Field, after: Entity, stored: _Stored) -> None:
        """Tell how many records hold options that are gone."""
        if was.type != wanted.type or wanted.type != "choice":
            return
        known = {option.value for option in wanted.options}
        gone = [option for option in was.options if option.value not in known]
        if not gone:
            return

        def convert(value: int) -> int:
            if value not in known:
                raise DoesNotConvert("not_an_option", value=str(value))
            return value

        unfit = await self._counts.unfit(stored.place, convert)
        if unfit.count:
            names = ", ".join(option.name for option in gone)
            self._add(
                "definition",
                {"sentence": f"field {after.name}.{wanted.name}: option {names} is removed"},
                entity=after.name,
                unconverted=unfit.count,
                samples=unfit.samples,
                warning=without_label(unfit.count),
            )

    def _blocked(self, name: str, was: Field, wanted: Field, after: Entity) -> None:
        self.retyped.add((after.name, wanted.name))
        self._add(
            "field/convert",
            {"name": name, "before": kind_of(was), "after": kind_of(wanted)},
            entity=after.name,
            blocked="parties are records of their own; give the new field another name",
        )

    async def _stored(
        self, field: Field, columns: tuple[str, ...], entity: Entity, table: str
    ) -> _Stored | None:
        present = self._world.schema.get(table)
        if present is None or not columns or not set(columns) <= present.columns.keys():
            return None
        place = StoredField(table, entity.primary_id, columns, field)
        return _Stored(place, await self._counts.values(place))

    async def _records(self, table: str) -> int:
        return await self._counts.records(table) if table in self._world.schema else 0

    def _is_purged(self, kind: str, entity: str, name: str) -> bool:
        """Return whether a rollback asks for something that was destroyed."""
        identities = self._identities
        if kind == "entity":
            return (kind, "", identities.of(kind, name)) in self._purged
        owner = identities.of("entity", entity)
        return (kind, owner, identities.of_field(entity, name)) in self._purged

    def _lock(self, rows: int) -> str:
        if not rows:
            return "none"
        return "brief" if self._engine == "postgresql" else "table"

    def _seconds(self, rows: int) -> float:
        return round(rows / _CONVERTED_A_SECOND[self._engine], 1)


def _is_parties(field: Field) -> bool:
    return storage_of(field) == "parties"
