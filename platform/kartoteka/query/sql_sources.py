"""Tables and joins of a SELECT → the entities that a query goes over, and what columns mean."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from kartoteka.conditions.typed import FieldPath, Match, ValueKind, kind_of
from kartoteka.model.entity import Entity
from kartoteka.model.field import Field
from kartoteka.model.field_types import has_column
from kartoteka.names import did_you_mean
from kartoteka.query.query_error import QueryError
from kartoteka.query.sql_syntax import Column, Compare, JoinedTable, Select, Several, Table, Term
from kartoteka.query.sql_tokens import sql_error
from kartoteka.registry import Registry

UNKNOWN_COLUMN = "0x80041103"


@dataclass(frozen=True, slots=True)
class SqlSource:
    """A table of the statement.

    ``variable`` is what paths that begin here carry (empty for the first table). Of a joined one
    ``via`` says what ties it to the table with the variable ``parent``, and ``rest`` what else its
    ON asks for.
    """

    table: Table
    entity: Entity
    variable: str = ""
    joined: JoinedTable | None = None
    via: Match | None = None
    parent: str = ""
    rest: tuple[Term, ...] = ()


@dataclass(slots=True)
class SqlSources:
    """Every table of a statement, in the order in which they are written."""

    text: str
    registry: Registry
    found: list[SqlSource] = field(default_factory=list)

    @property
    def root(self) -> SqlSource:
        """Return the table that is asked for."""
        return self.found[0]

    def variables(self) -> Mapping[str, str]:
        """Return ``{variable: entity}`` of every join."""
        return {item.variable: item.entity.name for item in self.found if item.variable}

    def error(self, offset: int, message: str, hint: str = "") -> QueryError:
        """Return an error that points at a character of the statement."""
        return sql_error(self.text, offset, message, hint)

    def path(self, column: Column) -> FieldPath:
        """Return what a column means.

        Raises:
            QueryError: No table has it, or more than one.
        """
        if column.source:
            source = self._named(column)
            return self._of(source, self._field(source, column), column)
        found = [(one, item) for one in self.found if (item := _field_of(one.entity, column.name))]
        if not found:
            names = [name for one in self.found for name in one.entity.field_by_name]
            tables = " or ".join(f'"{one.entity.name}"' for one in self.found[:3])
            raise self._unknown(column, f'"{column.name[:60]}" is no column of {tables}', names)
        if len(found) > 1:
            hint = f"write {found[0][0].table.alias}.{column.name}"
            message = f'more than one table has the column "{column.name}"'
            raise self.error(column.offset, message, hint)
        return self._of(*found[0], column)

    def _named(self, column: Column) -> SqlSource:
        for source in self.found:
            if source.table.alias.lower() == column.source.lower():
                return source
        aliases = [source.table.alias for source in self.found]
        message = f'no table is called "{column.source[:60]}"'
        raise self.error(column.offset, message, did_you_mean(column.source, aliases))

    def _field(self, source: SqlSource, column: Column) -> Field:
        item = _field_of(source.entity, column.name)
        if item is None:
            message = f'"{column.name[:60]}" is no column of "{source.entity.name}"'
            raise self._unknown(column, message, list(source.entity.field_by_name))
        return item

    def _of(self, source: SqlSource, item: Field, column: Column) -> FieldPath:
        kind = kind_of(item)
        if kind is None:
            message = f'queries cannot ask for "{item.name}" ({item.type})'
            raise self.error(column.offset, message)
        return FieldPath((), source.entity.name, item, kind, source.variable)

    def _unknown(self, column: Column, message: str, names: list[str]) -> QueryError:
        error = self.error(column.offset, message, did_you_mean(column.name.lower(), names))
        error.code = UNKNOWN_COLUMN
        return error


def read_sources(text: str, select: Select, registry: Registry) -> SqlSources:
    """Return the tables of a statement, tied together as its joins say.

    Raises:
        QueryError: A table or column is not there, or ON ties nothing.
    """
    sources = SqlSources(text, registry)
    sources.found.append(SqlSource(select.table, _entity(select.table, sources)))
    for joined in select.joins:
        _add(joined, sources)
    return sources


def _add(joined: JoinedTable, sources: SqlSources) -> None:
    table = joined.table
    if any(one.table.alias.lower() == table.alias.lower() for one in sources.found):
        message = f'two tables are called "{table.alias}"'
        raise sources.error(table.offset, message, "give one of them an alias")
    entity = _entity(table, sources)
    bare = SqlSource(table, entity, _variable(sources, entity), joined)
    before = tuple(sources.found)
    sources.found.append(bare)  # ON names its columns
    terms = _terms(joined.on)
    for at, term in enumerate(terms):
        tie = _tie(term, bare, sources)
        if tie is not None:
            parent, via = tie
            rest = (*terms[:at], *terms[at + 1 :])
            sources.found = [
                *before, SqlSource(table, entity, bare.variable, joined, via, parent, rest)
            ]  # fmt: skip
            return
    message = f'ON does not tie "{table.alias}" to a table before it'
    raise sources.error(joined.on.offset, message, "write a column of each with = between them")


def _tie(term: Term, bare: SqlSource, sources: SqlSources) -> tuple[str, Match] | None:
    """Return the table that an equality ties a new one to, and by which columns."""
    if not isinstance(term, Compare) or term.operator != "=":
        return None
    if not isinstance(term.left, Column) or not isinstance(term.right, Column):
        return None
    sides = [sources.path(term.left), sources.path(term.right)]
    own = [side for side in sides if side.variable == bare.variable]
    others = [side for side in sides if side.variable != bare.variable]
    if len(own) != 1:
        return None
    item, owner = own[0], others[0]
    if item.kind is not owner.kind or item.kind is ValueKind.OPTIONS:
        message = (
            f'"{item.field.name}" ({item.field.type}) and "{owner.field.name}" '
            f"({owner.field.type}) do not hold values of one kind"
        )
        raise sources.error(term.offset, message)
    for side in (item, owner):
        if not has_column(side.field):
            message = f'"{side.field.name}" is calculated and cannot tie tables'
            raise sources.error(term.offset, message)
    return owner.variable, Match(item.field, owner.field)


def _terms(term: Term) -> tuple[Term, ...]:
    """Return what all must hold for a condition to hold."""
    return term.terms if isinstance(term, Several) and not term.is_or else (term,)


def _field_of(entity: Entity, name: str) -> Field | None:
    name = name.lower()
    found = entity.field_by_name.get(name)
    if found is None and name.startswith("_") and name.endswith("_value"):
        found = entity.field_by_name.get(name[1:-6])
        found = found if found is not None and found.is_lookup else None
    return found


def _entity(table: Table, sources: SqlSources) -> Entity:
    entity = sources.registry.entities.get(table.name)
    if entity is None:
        hint = did_you_mean(table.name, sources.registry.entities)
        raise sources.error(table.offset, f'"{table.name[:60]}" is no table', hint)
    return entity


def _variable(sources: SqlSources, entity: Entity) -> str:
    """Return a variable for a join that no field is called, so that paths mean one thing."""
    name = f"j{len(sources.found)}"
    entities = [entity, *(source.entity for source in sources.found)]
    while any(name in item.field_by_name for item in entities):
        name += "_"
    return name
