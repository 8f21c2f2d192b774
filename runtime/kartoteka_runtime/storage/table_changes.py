"""Table changes: what happens to the columns of one entity's table, worked out before any SQL."""

from __future__ import annotations

import dataclasses
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from kartoteka.changes import EntityChange, FieldChange
from kartoteka.conversions import Conversion, conversion, lost_targets, stores_alike
from kartoteka.identities import Retired
from kartoteka.model.entity import Entity
from kartoteka.model.field import Field
from kartoteka.model.field_types import has_column
from kartoteka_runtime.storage.schema import Schema
from kartoteka_runtime.storage.stored_values import column_names
from kartoteka_runtime.storage.tables import ENTITY_SUFFIX, short_name


@dataclass(frozen=True, slots=True)
class Converted:
    """A field whose values are stored otherwise from now on.

    ``columns`` hold the values now; they are dropped afterwards unless ``kept_as`` names what they
    are called from then on. ``original`` holds what the values were before they were last
    converted: what converts to the present value is what the value was; ``keeps_original`` while
    some of it has no place in the field. ``entity_names`` are new names of entities by those that
    cells still hold.
    """

    field: Field
    stored: Field
    columns: tuple[str, ...]
    conversion: Conversion
    kept_as: tuple[str, ...] = ()
    original: Retired | None = None
    keeps_original: bool = False
    entity_names: Mapping[str, str] = dataclasses.field(default_factory=dict)

    @property
    def dropped(self) -> tuple[str, ...]:
        """Return the columns that go when the values are converted."""
        columns = () if self.kept_as else self.columns
        if self.original is not None and not self.keeps_original:
            columns += self.original.columns
        return columns


@dataclass(frozen=True, slots=True)
class TableChange:
    """How one table becomes what an entity wants of it.

    Attributes:
        before: The entity as its records are stored; None: there are none yet.
        after: The entity as it is wanted; None: it is retired, its table is left alone.
        live_table: What the table is called now; "" when it has to be created.
        renames: ``{column now: column then}`` of what stays as it is but for its name.
        added: New fields; their columns begin empty.
        converted: Fields whose values are stored otherwise.
        narrowed: Lookups that no longer name some entities, and hold nothing that does.
        taken_back: Columns that come back from retirement; what they name may be gone.
        retired: What the catalogue gets.
        forgotten: What leaves the catalogue, because it is live again or went into other values.
        moved: What stays in the catalogue, with the names that its columns or table get.
    """

    before: Entity | None
    after: Entity | None
    live_table: str
    renames: Mapping[str, str]
    added: tuple[Field, ...] = ()
    converted: tuple[Converted, ...] = ()
    narrowed: tuple[Field, ...] = ()
    taken_back: tuple[Field, ...] = ()
    retired: tuple[Retired, ...] = ()
    forgotten: tuple[Retired, ...] = ()
    moved: tuple[tuple[Retired, Retired], ...] = ()

    @property
    def table(self) -> str:
        """Return what the table is called afterwards."""
        return self.after.name if self.after is not None else self.live_table


def aside(name: str, publication: int) -> str:
    """Return what a column or table is called whose name somebody else needs."""
    if name.endswith(ENTITY_SUFFIX):  # by which entity_names finds such columns
        return aside(name.removesuffix(ENTITY_SUFFIX), publication)[:55] + ENTITY_SUFFIX
    return short_name(name, f"_r{publication}")


def table_change(
    change: EntityChange,
    *,
    identity: str,
    number: int,
    schema: Schema,
    kept: Collection[Retired],
    losing: Collection[str],
    field_identity: Mapping[str, str],
    unreturned: Collection[str] = (),
    entity_names: Mapping[str, str] | None = None,
) -> TableChange:
    """Return what one changed entity means for its table.

    Args:
        change: The entity before and after.
        identity: The entity's identity.
        number: The publication that is being made.
        schema: What the database holds.
        kept: What is in the catalogue of this entity's fields.
        losing: Names of wanted fields some of whose values do not convert.
        field_identity: ``{name: identity}`` of the fields before the change.
        unreturned: Names of wanted fields to which some values from before do not return.
        entity_names: ``{old name: new name}`` of entities.
    """
    stored = change.stored_as
    live_table = _live_table(change, schema)
    if change.after is None:
        assert stored is not None
        gone = Retired(
            "entity", "", identity, stored.name, number, live_table, (), stored,
            identities={name: who for name, who in field_identity.items() if who != name},
        )  # fmt: skip
        return TableChange(stored, None, live_table, {}, retired=(gone,))
    if not live_table:
        forgotten = (change.retired,) if change.retired is not None else ()
        return TableChange(None, change.after, "", {}, forgotten=forgotten)
    return _Columns(
        change, identity, number, schema, kept, losing, field_identity, unreturned,
        entity_names or {},
    ).change()  # fmt: skip


def _live_table(change: EntityChange, schema: Schema) -> str:
    """Return the table that holds the entity's records now, or "" when there is none."""
    if change.retired is not None:
        return change.retired.table if change.retired.table in schema else ""
    stored = change.before
    return stored.name if stored is not None and stored.name in schema else ""


class _Columns:
    """Works out the columns of a table that is there."""

    def __init__(
        self,
        change: EntityChange,
        identity: str,
        number: int,
        schema: Schema,
        kept: Collection[Retired],
        losing: Collection[str],
        field_identity: Mapping[str, str],
        unreturned: Collection[str],
        entity_names: Mapping[str, str],
    ) -> None:
        assert change.after is not None
        self._change = change
        self._after = change.after
        self._identity = identity
        self._number = number
        self._live_table = _live_table(change, schema)
        self._present = schema[self._live_table].columns.keys()
        self._kept = kept
        self._losing = losing
        self._field_identity = field_identity
        self._unreturned = unreturned
        self._entity_names = entity_names
        self._became: dict[str, Field] = {}  # identity → what the field is converted to
        self._renames: dict[str, str] = {}
        self._added: list[Field] = []
        self._converted: list[Converted] = []
        self._narrowed: list[Field] = []
        self._taken_back: list[Field] = []
        self._retired: list[Retired] = []
        self._forgotten: list[Retired] = []
        self._moved: list[tuple[Retired, Retired]] = []
        if change.retired is not None:
            self._forgotten.append(change.retired)

    def change(self) -> TableChange:
        for item in self._change.fields:
            if item.after is not None and has_column(item.after):
                self._wanted(item, item.after)
        self._move_what_is_in_the_way()
        for item in self._change.fields:
            if item.is_set_aside and item.before is not None:
                self._retire(item.before)
        return TableChange(
            self._change.stored_as,
            self._after,
            self._live_table,
            self._renames,
            tuple(self._added),
            tuple(self._converted),
            tuple(self._narrowed),
            tuple(self._taken_back),
            tuple(self._retired),
            tuple(self._forgotten),
            tuple(self._moved),
        )

    def _wanted(self, item: FieldChange, field: Field) -> None:
        stored = None if item.is_set_aside and item.retired is None else item.stored_as
        columns = () if stored is None else column_names(stored)
        if item.retired is not None:
            columns = item.retired.columns
            self._forgotten.append(item.retired)
        if stored is None or not columns or not set(columns) <= self._present:
            self._added.append(field)
            return
        if item.retired is not None or self._change.retired is not None:
            self._taken_back.append(field)
        original = item.original
        if original is not None and not set(original.columns) <= self._present:
            original = None
        is_lost = field.name in self._losing
        if stores_alike(stored, field) and original is None and not is_lost:
            if lost_targets(stored, field):
                self._narrowed.append(field)
            self._renames.update(zip(columns, column_names(field), strict=True))
            return
        found = conversion(stored, field)
        is_exact = found.kind == "widening" or stored.type == field.type
        keeps = is_lost or not is_exact
        kept_as = tuple(aside(column, self._number) for column in columns) if keeps else ()
        identity = self._field_identity.get(stored.name, stored.name)
        if item.retired is not None:
            identity = item.retired.identity
        self._became[identity] = field
        if keeps:
            self._retired.append(
                Retired(
                    "field", self._identity, identity, field.name, self._number,
                    self._after.name, kept_as, stored, is_original=True, became=(field,),
                )
            )  # fmt: skip
        keeps_original = field.name in self._unreturned or (
            original is not None and original.definition.type != field.type  # type: ignore[union-attr]
        )
        if original is not None and not keeps_original:
            self._forgotten.append(original)
        self._converted.append(
            Converted(
                field, stored, columns, found, kept_as, original, keeps_original,
                self._entity_names,
            )
        )  # fmt: skip

    def _move_what_is_in_the_way(self) -> None:
        """Give other names to columns that stay but whose names are wanted by other fields."""
        wanted = {
            name for item in self._after.fields if has_column(item) for name in column_names(item)
        }
        used = {
            *self._renames,
            *(column for item in self._converted for column in item.columns),
            *(column for item in self._converted for column in item.dropped),
        }
        for column in self._present:
            if column in wanted and column not in used:
                self._renames[column] = aside(column, self._number)
        forgotten = {item.key for item in self._forgotten}
        for kept in self._kept:
            if kept.key in forgotten:
                continue
            columns = tuple(self._renames.get(column, column) for column in kept.columns)
            moved = replace(kept, columns=columns, table=self._after.name)
            if kept.is_original and kept.identity in self._became:
                became = self._became[kept.identity]
                moved = replace(moved, became=(*kept.became, became))
            if moved != kept:
                self._moved.append((kept, moved))

    def _retire(self, field: Field) -> None:
        columns = tuple(self._renames.get(name, name) for name in column_names(field))
        if not set(column_names(field)) <= self._present:
            return
        identity = self._field_identity.get(field.name, field.name)
        self._retired.append(
            Retired(
                "field", self._identity, identity, field.name, self._number, self._after.name,
                columns, field,
            )
        )  # fmt: skip
