"""Carries work out: what takes long while everybody works, then everything else at once."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import replace

import sqlalchemy as sa

from kartoteka.changes import retired_with_renamed_ends
from kartoteka.errors import PublishFailed
from kartoteka.identities import Retired
from kartoteka_runtime.publishing import history
from kartoteka_runtime.publishing.catalogue import add_retired, forget_retired
from kartoteka_runtime.publishing.history import Publication
from kartoteka_runtime.publishing.inheritances import inheritances
from kartoteka_runtime.publishing.plan import Plan
from kartoteka_runtime.publishing.work import LinkChange, Work
from kartoteka_runtime.publishing.world import write_fact
from kartoteka_runtime.records.recalculation import recalculation
from kartoteka_runtime.records.reinheritance import reinheritance
from kartoteka_runtime.storage.autonumbers import create_sequences, rename_counters
from kartoteka_runtime.storage.database import Database, PublishingConnection, UniqueViolation
from kartoteka_runtime.storage.ddl import create_indexes, create_tables, rename_columns
from kartoteka_runtime.storage.entity_names import clear_dangling, names_another, rename_in_cells
from kartoteka_runtime.storage.job_outbox import JobOutbox
from kartoteka_runtime.storage.postgresql_references import sync_references, validate_references
from kartoteka_runtime.storage.reshape_postgresql import (
    PostgresqlReshape,
    Progress,
    clear_unfinished,
)
from kartoteka_runtime.storage.reshape_sqlite import reshape_table
from kartoteka_runtime.storage.schema import encode_schema, read_schema
from kartoteka_runtime.storage.system_tables import version_name
from kartoteka_runtime.storage.table_changes import TableChange
from kartoteka_runtime.storage.tables import build_tables, link_columns


class Application:
    """One publish on its way into the database."""

    def __init__(
        self,
        connection: PublishingConnection,
        database: Database,
        work: Work,
        progress: Progress,
    ) -> None:
        """Hold what is needed; nothing happens yet."""
        self._connection = connection
        self._database = database
        self._engine = database.engine
        self._dialect = database.dialect
        self._quote = database.dialect.identifier_preparer.quote
        self._work = work
        self._schema = work.world.schema
        self._tables = build_tables(work.wanted, database.engine)
        self._progress = progress
        self._reshapes = (
            [
                PostgresqlReshape(
                    table,
                    live=work.world.live.registry,
                    wanted=work.wanted,
                    now=self._schema[table.live_table],
                    dialect=self._dialect,
                    progress=progress,
                )
                for table in work.tables
                if table.after is not None and table.live_table
            ]
            if self._engine == "postgresql"
            else []
        )

    async def prepare(self) -> None:
        """Do what takes long and what the live registry does not see (PostgreSQL only)."""
        if self._engine != "postgresql":
            return
        touched = {table.live_table for table in self._work.tables if table.live_table}
        await clear_unfinished(self._connection, self._schema, touched, self._dialect)
        for reshape in self._reshapes:
            await reshape.prepare(self._connection)

    async def swap(
        self, plan: Plan, *, consents: Collection[str], made: Publication, app: str
    ) -> None:
        """Do the rest; stands in a transaction, after which the wanted registry is live."""
        connection, work = self._connection, self._work
        for reshape in self._reshapes:
            await reshape.swap(connection)
        await self._rename_tables()
        await self._strip_retired()  # first: the names of its indexes may be wanted by others
        for reshape in self._reshapes:
            await reshape.name_indexes(connection)
        changed = await self._reshape_on_sqlite()
        for link in work.links:
            changed += await self._link(link)
        changed += await self._create_tables()
        for table in changed:
            await self._index(table)
        await self._rename_in_cells()
        await self._check_narrowed()
        await self._sync_references()
        await rename_counters(connection, self._engine, self._counter_names())
        await create_sequences(connection, work.wanted, self._engine)
        await self._update_catalogue()
        await self._enqueue_jobs()
        made = await self._next_generation(made)
        await history.store(
            connection,
            self._database,
            made,
            consents=consents,
            changes=[change.words for change in plan.changes],
        )
        if app:
            await write_fact(connection, self._database, "app", app)
        left = await read_schema(connection, self._engine)
        await write_fact(connection, self._database, "schema", encode_schema(left))

    async def finish(self) -> None:
        """Let new references hold for old rows too (PostgreSQL only)."""
        if self._engine == "postgresql":
            await validate_references(self._connection)

    # --- tables ----------------------------------------------------------------------------------

    async def _rename_tables(self) -> None:
        renames = dict(self._work.moved_tables or {})
        for table in self._work.tables:
            if table.after is not None and table.live_table:
                renames[table.live_table] = table.table
        for link in self._work.links:
            if link.change.after is not None and link.live_table:
                renames[link.live_table] = link.change.after.intersect
        pending = {old: new for old, new in renames.items() if old != new}
        staged = {new: f"{new}__moving" for new in pending.values() if new in pending}
        for old, new in pending.items():
            await self._rename_table(old, staged.get(new, new))
        for new, first in staged.items():
            await self._rename_table(first, new)

    async def _rename_table(self, old: str, new: str) -> None:
        await self._connection.execute(
            f"ALTER TABLE {self._quote(old)} RENAME TO {self._quote(new)}", {}
        )

    async def _reshape_on_sqlite(self) -> list[sa.Table]:
        """Return the tables whose indexes are still to be built."""
        if self._engine != "sqlite":
            return []
        changed = []
        for change in self._work.tables:
            if change.after is None or not change.live_table:
                continue
            self._describe_targets(change.after.name)
            table = self._tables.entities[change.after.name]
            is_renamed = change.live_table != change.table
            self._progress(f"changing {change.table}", 0, 0)
            await reshape_table(
                self._connection,
                replace(change, live_table=change.table),
                table,
                self._schema[change.live_table],
                self._dialect,
                drop_indexes=is_renamed,
            )
            changed.append(table)
        return changed

    async def _index(self, table: sa.Table) -> None:
        try:
            await create_indexes(self._connection, table, self._dialect)
        except UniqueViolation as error:
            fields = error.index.removeprefix(f"uq_{table.name}_")
            raise PublishFailed(
                f"{table.name}: {fields} cannot be unique, some records have the same values"
            ) from error

    async def _create_tables(self) -> list[sa.Table]:
        new = [
            self._tables.entities[change.after.name]
            for change in self._work.tables
            if change.after is not None and not change.live_table
        ]
        for change in self._work.tables:
            if change.after is not None and not change.live_table:
                self._describe_targets(change.after.name)
        for link in self._work.links:
            if link.change.after is not None and not link.live_table:
                self._describe_ends(link)
                new.append(self._tables.links[link.change.after.name])
        await create_tables(self._connection, new, self._dialect, self._engine)
        return new

    async def _link(self, link: LinkChange) -> list[sa.Table]:
        """Let a link table that is there have the names and references that are wanted."""
        after = link.change.after
        if after is None or not link.live_table:
            return []
        self._describe_ends(link)
        table = self._tables.links[after.name]
        now = self._schema[link.live_table]
        if self._engine == "sqlite":
            change = TableChange(None, None, after.intersect, link.renames)
            await reshape_table(
                self._connection, change, table, now, self._dialect, drop_indexes=True
            )
        else:
            for index in now.indexes:
                await self._connection.execute(f"DROP INDEX {self._quote(index)}", {})
            await rename_columns(self._connection, after.intersect, link.renames, self._quote)
        if link.change.retired is not None:
            for column, end in zip(
                link_columns(after.left, after.right), (after.left, after.right), strict=True
            ):
                await clear_dangling(
                    self._connection, table, column, self._tables.entities[end],
                    self._quote, whole_row=True,
                )  # fmt: skip
        return [table]

    async def _strip_retired(self) -> None:
        """Take indexes and references off what is kept but no longer used."""
        gone: list[tuple[str, tuple[str, ...]]] = [
            (table.live_table, (table.before.primary_id,))
            for table in self._work.tables
            if table.after is None and table.live_table and table.before is not None
        ]
        gone += [
            (link.live_table, link_columns(link.change.before.left, link.change.before.right))
            for link in self._work.links
            if link.change.after is None and link.change.before is not None and link.live_table
        ]
        for name, key in gone:
            now = self._schema[name]
            place = (self._work.moved_tables or {}).get(name, name)
            if self._engine == "sqlite":
                change = TableChange(None, None, place, {})
                await reshape_table(
                    self._connection, change, None, now, self._dialect, primary_key=key
                )
                continue
            for index in now.indexes:
                await self._connection.execute(f"DROP INDEX IF EXISTS {self._quote(index)}", {})
            await sync_references(self._connection, place, None, self._dialect)

    async def _check_narrowed(self) -> None:
        """Return when lookups that may name fewer entities name none of the others.

        Raises:
            PublishFailed: Such a value was written since the plan was made.
        """
        for change in self._work.tables:
            for field in change.narrowed:
                assert change.after is not None
                table = self._tables.entities[change.after.name]
                if await names_another(
                    self._connection, table, field.name, field.targets, self._quote
                ):
                    raise PublishFailed(
                        f"{change.after.name}.{field.name}: a value that it can no longer hold "
                        "was written a moment ago; publish again"
                    )

    async def _sync_references(self) -> None:
        """Null what names records that are gone, then let references be as they should."""
        for change in self._work.tables:
            if change.after is None:
                continue
            self._describe_targets(change.after.name)
            table = self._tables.entities[change.after.name]
            for field in (*change.taken_back, *(item.field for item in change.converted)):
                for target in field.targets if field.is_lookup else ():
                    await clear_dangling(
                        self._connection, table, field.name, self._tables.entities[target],
                        self._quote, entity=target if field.is_multi_target else "",
                    )  # fmt: skip
            if self._engine == "postgresql":
                await sync_references(self._connection, table.name, table, self._dialect)
        if self._engine == "postgresql":
            for link in self._work.links:
                if link.change.after is not None:
                    table = self._tables.links[link.change.after.name]
                    await sync_references(self._connection, table.name, table, self._dialect)

    def _describe_targets(self, entity: str) -> None:
        """Describe the tables that an entity's references name; without them no SQL is made."""
        for field in self._work.wanted.entities[entity].fields:
            if field.is_lookup and not field.is_multi_target:
                self._tables.entities[field.targets[0]]

    def _describe_ends(self, link: LinkChange) -> None:
        assert link.change.after is not None
        for end in (link.change.after.left, link.change.after.right):
            self._tables.entities[end]

    # --- what else knows names -------------------------------------------------------------------

    async def _rename_in_cells(self) -> None:
        renames = self._work.changes.entity_names
        if renames:
            now = await read_schema(self._connection, self._engine)
            await rename_in_cells(self._connection, now, renames, self._quote)

    def _counter_names(self) -> dict[str, str]:
        """Return ``{entity.field before: after}`` of autonumbers whose names change."""
        return {
            f"{stored.name}.{item.stored_as.name}": f"{change.after.name}.{item.after.name}"
            for change in self._work.changes.entities
            if change.after is not None and (stored := change.stored_as) is not None
            for item in change.fields
            if item.after is not None
            and item.stored_as is not None
            and item.after.type == item.stored_as.type == "autonumber"
            and (stored.name, item.stored_as.name) != (change.after.name, item.after.name)
        }

    async def _update_catalogue(self) -> None:
        work, moves = self._work, dict(self._work.moved_tables or {})
        for table in work.tables:
            if table.after is not None and table.live_table:
                moves.setdefault(table.live_table, table.table)
        gone = [item for table in work.tables for item in table.forgotten]
        gone += [item for link in work.links for item in link.forgotten]
        column_moves = [pair for table in work.tables for pair in table.moved]
        gone += [old for old, _ in column_moves]
        handled = {item.key for item in gone}
        renames = work.changes.entity_names
        elsewhere = {
            item.key: self._as_called_now(item, moves, renames)
            for item in work.world.retired
            if item.key not in handled
        }
        named_anew = [
            item for item in work.world.retired
            if item.key in elsewhere and elsewhere[item.key] != item
        ]  # fmt: skip
        retired = [item for table in work.tables for item in table.retired]
        gone_now = [item for item in retired if item.kind == "entity"]
        gone_now += [item for link in work.links for item in link.retired]
        # Entries of columns come with the names that tables and entities are about to have.
        columns = [item for item in retired if item.kind == "field"]
        columns += [moved for _, moved in column_moves]
        await forget_retired(self._connection, self._database, [*gone, *named_anew])
        await add_retired(
            self._connection,
            self._database,
            [
                *(self._as_called_now(item, moves, renames) for item in gone_now),
                *columns,
                *(elsewhere[item.key] for item in named_anew),
            ],
        )

    def _as_called_now(
        self, item: Retired, moves: Mapping[str, str], renames: Mapping[str, str]
    ) -> Retired:
        """Return an entry of the catalogue with the names that tables and entities get."""
        named = retired_with_renamed_ends(item, renames)
        return replace(named, table=moves.get(item.table, item.table))

    async def _enqueue_jobs(self) -> None:
        """Have calculated fields and inherited access worked out for records that are there."""
        outbox = JobOutbox(self._dialect)
        for entity, fields in self._work.recalculated.items():
            job = recalculation(entity, fields, publication=self._work.number)
            await outbox.enqueue(self._connection, job)
        for entity in inheritances(self._work.tables, self._work.wanted):
            job = reinheritance(entity, publication=self._work.number)
            await outbox.enqueue(self._connection, job)

    async def _next_generation(self, made: Publication) -> Publication:
        if not self._work.stores_otherwise:
            return made
        old, new = version_name(made.generation), version_name(made.generation + 1)
        kind = "TABLE" if self._engine == "sqlite" else "SEQUENCE"
        await self._connection.execute(f"ALTER {kind} {old} RENAME TO {new}", {})
        return replace(made, generation=made.generation + 1)
