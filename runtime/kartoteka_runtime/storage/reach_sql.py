"""Reach → SQL: the one place where access becomes a condition of a statement.

Sets of ids are parameters, so that one text serves everybody whose reaches have the same shape.
Source: reference platform, section 6.9.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import orjson
import sqlalchemy as sa
from sqlalchemy.sql.operators import custom_op

from kartoteka.access.reach import (
    MANY,
    Asked,
    Everything,
    ParentReach,
    Reach,
    Reaches,
    RecordReach,
    listed_size,
)
from kartoteka.access.rights import SHARE_MASK, share_mask
from kartoteka.registry import Registry
from kartoteka_runtime.storage.id_array import IdArray
from kartoteka_runtime.storage.system_tables import share
from kartoteka_runtime.storage.tables import ENTITY_SUFFIX, Tables, link_columns

Column = sa.ColumnElement[Any]
Test = sa.ColumnElement[bool]


class ReachSql:
    """Narrows the tables of one statement to what somebody may reach; None may reach everything.

    ``asked`` holds the (entity, privilege) pairs that the statement has looked at, whatever the
    answer was: they belong to the statement's shape.
    """

    def __init__(
        self,
        reaches: Reaches | None,
        registry: Registry,
        tables: Tables,
    ) -> None:
        """Begin a statement for whoever has ``reaches``."""
        self._reaches = reaches
        self._registry = registry
        self._tables = tables
        self._asked: dict[tuple[str, str], None] = {}

    @property
    def asked(self) -> Asked:
        """Return what the statement has looked at."""
        return tuple(self._asked)

    def condition(self, entity: str, table: sa.FromClause, privilege: str = "read") -> Test | None:
        """Return what records of ``table`` must meet, or None when all of them are within reach.

        Nothing is within reach of a privilege that no role gives.
        """
        if self._reaches is None:
            return None
        if entity not in self._registry.entities:
            return self._of_link(entity, table, privilege)
        self._asked[(entity, privilege)] = None
        reach = self._reaches.reach(entity, privilege)
        if reach is None:
            return sa.false()
        return self._within(reach, entity, table, prefix_of(entity, privilege))

    def _within(self, reach: Reach, entity: str, table: sa.FromClause, prefix: str) -> Test | None:
        match reach:
            case Everything():
                return None
            case RecordReach():
                return self._of_record(reach, entity, table, prefix)
            case ParentReach():
                return self._of_parent(reach, table, prefix)

    def _of_link(self, name: str, table: sa.FromClause, privilege: str) -> Test | None:
        """Return what the rows of a link table must meet: both records that they link."""
        relationship = next(
            item for item in self._registry.relationships.values() if item.intersect == name
        )
        sides = (relationship.left, relationship.right)
        tests: list[Test] = []
        for entity, column in zip(sides, link_columns(*sides), strict=True):
            side = self._tables.entities[entity].alias()
            within = self.condition(entity, side, privilege)
            if within is not None:
                primary_id = side.c[self._registry.entities[entity].primary_id]
                one: sa.Select[Any] = sa.select(sa.literal_column("1")).where(
                    primary_id == table.c[column], within
                )
                tests.append(one.correlate_except(side).exists())
        return sa.and_(*tests) if tests else None

    def _of_record(
        self, reach: RecordReach, entity: str, table: sa.FromClause, prefix: str
    ) -> Test:
        tests = []
        if reach.unit_ids:
            column = table.c[reach.unit_field]
            tests.append(self._is_one_of(column, f"{prefix}units", len(reach.unit_ids)))
        if reach.owner_ids:
            column = table.c["ownerid"]
            tests.append(self._is_one_of(column, f"{prefix}owners", len(reach.owner_ids)))
        if reach.sharee_ids:
            tests.append(self._is_shared(reach, entity, table, prefix))
        return sa.or_(*tests) if tests else sa.false()

    def _is_shared(
        self, reach: RecordReach, entity: str, table: sa.FromClause, prefix: str
    ) -> Test:
        """Return whether a record is shared with one of the principals.

        The mask of the record says that it is not, nearly always; else its shares are looked at.
        """
        shared, primary_id = share.alias(), self._registry.entities[entity].primary_id
        rights = shared.c.rights.op("&", return_type=sa.Integer())(
            sa.literal_column(str(reach.right), sa.Integer())
        )
        is_of_entity = shared.c.entity == sa.literal_column(f"'{entity}'")
        has_right = rights != sa.literal_column("0", sa.Integer())
        name, count = f"{prefix}sharees", len(reach.sharee_ids)
        # One search for the shares of a record, of which there are few, not one a principal.
        principal = sa.UnaryExpression(
            shared.c.principal_id, operator=custom_op("+"), type_=shared.c.principal_id.type
        )
        sharees = self._is_one_of(
            principal if self._tables.engine == "sqlite" else shared.c.principal_id, name, count
        )
        one: sa.Select[Any] = sa.select(sa.literal_column("1")).where(
            is_of_entity, shared.c.record_id == table.c[primary_id], sharees, has_right
        )
        if self._tables.engine == "postgresql":  # which would rather read every share first
            one = one.offset(sa.literal_column("0", sa.Integer()))
        is_shared: Test = one.correlate_except(shared).exists()
        if SHARE_MASK not in table.c:
            return is_shared
        bits = sa.bindparam(f"{prefix}bits", type_=sa.BigInteger())
        common = table.c[SHARE_MASK].op("&", return_type=sa.BigInteger())(bits)
        return sa.and_(common != sa.literal_column("0", sa.Integer()), is_shared)

    def _of_parent(self, reach: ParentReach, table: sa.FromClause, prefix: str) -> Test:
        tests = []
        for name, parent_reach in reach.targets.items():
            parent = self._tables.entities[name].alias()
            primary_id = parent.c[self._registry.entities[name].primary_id]
            found: sa.Select[Any] = sa.select(sa.literal_column("1")).where(
                primary_id == table.c[reach.parent_field]
            )
            within = self._within(parent_reach, name, parent, f"{prefix}{name}_")
            if within is not None:
                found = found.where(within)
            test: Test = found.correlate_except(parent).exists()
            if reach.parent_field + ENTITY_SUFFIX in table.c:
                kind = table.c[reach.parent_field + ENTITY_SUFFIX]
                test = sa.and_(kind == sa.literal_column(f"'{name}'"), test)
            tests.append(test)
        return sa.or_(*tests)

    def _is_one_of(self, column: Column, name: str, count: int) -> Test:
        """Return whether a column is in a set of ids; one id is compared as such, for indexes.

        SQLite gets a few ids one by one: taking a list apart costs it as much as ten records.
        """
        if count == 1:
            return column == sa.bindparam(name, type_=column.type)
        if self._tables.engine == "postgresql":
            return column == sa.func.any(sa.bindparam(name, type_=sa.ARRAY(sa.Uuid())))
        size = listed_size(count)
        if size != MANY:
            places = (sa.bindparam(f"{name}{at}", type_=column.type) for at in range(size))
            return sa.or_(*(column == place for place in places))
        values = sa.func.json_each(sa.bindparam(name, type_=sa.Text())).table_valued("value")
        return column.in_(sa.select(values.c.value))


def prefix_of(entity: str, privilege: str) -> str:
    """Return how the parameters of a reach begin."""
    return f"{entity}_{privilege}_"


def parameters_of_reach(reach: Reach | None, prefix: str, engine: str) -> dict[str, Any]:
    """Return the parameters of a reach, under the names that ``ReachSql`` gives them."""
    match reach:
        case RecordReach():
            sets = (
                ("units", reach.unit_ids), ("owners", reach.owner_ids),
                ("sharees", reach.sharee_ids),
            )  # fmt: skip
            found: dict[str, Any] = {f"{prefix}bits": share_mask(reach.sharee_ids)}
            for name, ids in sets:
                found |= _bound(f"{prefix}{name}", sorted(ids), engine)
            return found
        case ParentReach():
            return dict(_of_parents(reach, prefix, engine))
    return {}


def _of_parents(reach: ParentReach, prefix: str, engine: str) -> Iterator[tuple[str, Any]]:
    for name, parent_reach in reach.targets.items():
        inside: Mapping[str, Any] = parameters_of_reach(parent_reach, f"{prefix}{name}_", engine)
        yield from inside.items()


def _bound(name: str, ids: Sequence[str], engine: str) -> dict[str, Any]:
    """Return the parameters of a set of ids; places that are left over repeat the last one."""
    if len(ids) < 2:
        return {name: ids[0]} if ids else {}
    if engine == "postgresql":
        return {name: IdArray(("{" + ",".join(ids) + "}").encode())}
    size = listed_size(len(ids))
    if size == MANY:
        return {name: orjson.dumps(ids).decode()}
    return {f"{name}{at}": ids[min(at, len(ids) - 1)] for at in range(size)}
