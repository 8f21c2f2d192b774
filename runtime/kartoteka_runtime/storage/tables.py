"""Registry → SQLAlchemy tables: one real table an entity, one link table an N:N relationship."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.types import TypeEngine

from kartoteka.access.rights import SHARE_MASK
from kartoteka.conditions.check_condition import check_condition
from kartoteka.conditions.parser import parse
from kartoteka.conditions.syntax import Operator
from kartoteka.conditions.typed import AllOf, Compared
from kartoteka.model.entity import Entity
from kartoteka.model.field import Field
from kartoteka.model.field_types import has_column, storage_of
from kartoteka.model.relationship import Relationship
from kartoteka.model.view import View
from kartoteka.registry import Registry
from kartoteka.text_order import OWN_LETTERS
from kartoteka_runtime.storage.column_types import codec
from kartoteka_runtime.storage.on_demand import OnDemand
from kartoteka_runtime.storage.system_tables import version_name

OWNER = "ownerid"
VERSION = "versionnumber"
ENTITY_SUFFIX = "__entity"  # column beside a multi-target lookup that names the entity


@dataclass(frozen=True)
class Tables:
    """The tables of a registry on one engine.

    ``entities`` and ``links`` are keyed by logical name of entity and relationship; each table
    is described when it is first asked for. ``version_name`` is what row versions are counted
    with; see ``kartoteka_runtime.storage.system_tables.version_name``.
    """

    engine: str
    metadata: sa.MetaData
    entities: Mapping[str, sa.Table]
    links: Mapping[str, sa.Table]
    version_name: str

    def all(self) -> list[sa.Table]:
        """Return every table, described with its references to others."""
        return [*self.entities.values(), *self.links.values()]


def build_tables(registry: Registry, engine: str, *, generation: int = 0) -> Tables:
    """Return the tables that hold the records of ``registry`` on ``engine``."""
    metadata = sa.MetaData(naming_convention={"fk": "fk_%(table_name)s_%(column_0_name)s"})

    def entity_table(name: str) -> sa.Table:
        return _entity_table(registry.entities[name], registry, metadata, engine)

    def link_table(name: str) -> sa.Table:
        return _link_table(registry.relationships[name], registry, metadata, engine)

    return Tables(
        engine,
        metadata,
        OnDemand(registry.entities, entity_table),
        OnDemand(registry.relationships, link_table),
        version_name(generation),
    )


def _link_table(
    relationship: Relationship, registry: Registry, metadata: sa.MetaData, engine: str
) -> sa.Table:
    left, right = link_columns(relationship.left, relationship.right)
    table = sa.Table(
        relationship.intersect,
        metadata,
        sa.Column(left, _id_type(engine), sa.ForeignKey(_target(registry, relationship.left))),
        sa.Column(right, _id_type(engine), sa.ForeignKey(_target(registry, relationship.right))),
        sa.PrimaryKeyConstraint(left, right),
    )
    sa.Index(short_name("ix", relationship.intersect, right), table.c[right])
    return table


def link_columns(left: str, right: str) -> tuple[str, str]:
    """Return the names of a link table's two columns; a self link's second is numbered."""
    return f"{left}id", f"{right}id" if right != left else f"{right}id2"


def short_name(*parts: str) -> str:
    """Return the parts as one identifier of at most 60 characters, unlike any other's."""
    name = "_".join(parts)
    if len(name) <= 60:
        return name
    return f"{name[:50]}_{hashlib.sha256(name.encode()).hexdigest()[:9]}"


def folded(column: sa.ColumnElement[str], engine: str) -> sa.ColumnElement[str]:
    """Return a text column as it is compared, sorted and searched: without case and accents."""
    expression = sa.func.kartoteka_fold(column, type_=sa.Text())
    return sa.collate(expression, "C") if engine == "postgresql" else expression


def sortable(column: sa.ColumnElement[str], engine: str, language: str) -> sa.ColumnElement[str]:
    """Return a text column as lists of an organization with this base language sort it."""
    if language not in OWN_LETTERS:
        return folded(column, engine)
    expression = sa.Function(f"kartoteka_sort_{language}", column, type_=sa.Text())
    return sa.collate(expression, "C") if engine == "postgresql" else expression


def comparable(column: sa.ColumnElement[str], field: Field, engine: str) -> sa.ColumnElement[str]:
    """Return what conditions, orders and unique indexes look at for ``field``."""
    return folded(column, engine) if storage_of(field) == "text" else column


def field_columns(field: Field, registry: Registry, engine: str) -> list[sa.Column[object]]:
    """Return the columns that store ``field``: one, two for multi-target lookups, or none."""
    if not has_column(field):
        return []
    column_type = codec(field, engine).sql_type
    if field.is_multi_target:
        return [
            sa.Column(field.name, column_type),
            sa.Column(field.name + ENTITY_SUFFIX, sa.String(64)),
        ]
    if field.is_lookup:
        target = sa.ForeignKey(_target(registry, field.targets[0]))
        return [sa.Column(field.name, column_type, target)]
    return [sa.Column(field.name, column_type)]


def table_as_named(
    entity: Entity, registry: Registry, engine: str, *, table: str, names: Mapping[str, str]
) -> sa.Table:
    """Return an entity's table while some of it is called otherwise; it is keyed by wanted names.

    Args:
        entity: As it is wanted.
        registry: The registry it belongs to.
        engine: sqlite or postgresql.
        table: What the table is called.
        names: ``{column as wanted: what it is called}`` where that differs.
    """
    columns = [
        sa.Column(names.get(column.name, column.name), column.type, key=column.name)
        for item in entity.fields
        for column in field_columns(item, registry, engine)
    ]
    return sa.Table(table, sa.MetaData(), *columns)


def _entity_table(
    entity: Entity, registry: Registry, metadata: sa.MetaData, engine: str
) -> sa.Table:
    columns: list[sa.Column[object]] = [
        sa.Column(entity.primary_id, _id_type(engine), primary_key=True)
    ]
    for item in entity.fields:
        if item.name != entity.primary_id:
            columns += field_columns(item, registry, engine)
    table = sa.Table(entity.name, metadata, *columns)
    for spec in index_specs(entity, registry):
        index_on(spec, table, entity, engine)  # an index attaches itself to its table
    return table


@dataclass(frozen=True, slots=True)
class IndexSpec:
    """An index by what it is for: uq (unique), ix (lookups and find fields) or so (sorting).

    ``language`` is that of the order, where it has letters of its own.
    """

    prefix: str
    fields: tuple[str, ...]
    language: str = ""

    def name(self, table: str) -> str:
        """Return what the index is called on a table."""
        language = (self.language,) if self.language else ()
        return short_name(self.prefix, table, *self.fields, *language)


def index_specs(entity: Entity, registry: Registry) -> tuple[IndexSpec, ...]:
    """Return the indexes of an entity: keys, unique fields, lookups, find fields and views.

    A view's index holds the fields its filter equates, then its first sort key and the primary
    id, so that every page of it, and its count, reads the index alone. Indexes of lookups and
    find fields leave empty values out: most are, and no question needs them.
    """
    found: dict[IndexSpec, None] = {}

    def add(prefix: str, *fields: str) -> None:
        is_tailored = prefix == "so" and storage_of(entity.field_by_name[fields[-1]]) == "text"
        language = registry.base_language if is_tailored else ""
        found[IndexSpec(prefix, fields, language if language in OWN_LETTERS else "")] = None

    for key in entity.keys:
        add("uq", *key.fields)
    for item in entity.fields:
        if not has_column(item) or item.name == entity.primary_id:
            continue
        if item.unique:
            add("uq", item.name)
        elif item.is_lookup and not _is_stamp(item):
            add("ix", item.name)
    if "change_tracking" in entity.features and VERSION in entity.field_by_name:
        add("ix", VERSION)
    if _can_sort(entity, entity.primary_field):
        add("so", entity.primary_field)
    for view in registry.views_of[entity.name]:
        if view.order and _can_sort(entity, view.order[0].field):
            add("so", *_equated(view, registry), view.order[0].field)
        for name in view.find:
            if _can_sort(entity, name) and name != entity.primary_field:
                add("ix", name)
    return tuple(found)


def index_on(
    spec: IndexSpec, table: sa.Table, entity: Entity, engine: str, *, name: str = ""
) -> sa.Index:
    """Return an index of ``table``, whose columns are keyed by field names."""
    parts = [
        comparable(table.c[field], entity.field_by_name[field], engine) for field in spec.fields
    ]
    options: dict[str, Any] = {}
    if spec.prefix == "so":
        if spec.language:
            parts[-1] = sortable(table.c[spec.fields[-1]], engine, spec.language)
        if engine == "postgresql":
            parts[-1] = parts[-1].nulls_first()
        parts.append(table.c[entity.primary_id])
        if engine == "sqlite":  # whose records are, and with whom shared, is told by the index
            parts += [table.c[name] for name in (OWNER, SHARE_MASK) if name in table.c]
    elif spec.prefix == "ix":
        options[f"{engine}_where"] = parts[0].is_not(None)
    return sa.Index(name or spec.name(table.name), *parts, unique=spec.prefix == "uq", **options)


def _is_stamp(item: Field) -> bool:
    """Return whether a lookup only tells which user the platform noted; nobody lists by it."""
    return item.read_only and set(item.targets) <= {"systemuser", "team"}


def _can_sort(entity: Entity, name: str) -> bool:
    item = entity.field_by_name.get(name)
    return item is not None and has_column(item) and not item.is_lookup


def _equated(view: View, registry: Registry) -> list[str]:
    """Return the entity's own fields that a view's filter sets equal to something."""
    if not view.filter:
        return []
    condition = check_condition(parse(view.filter), registry, view.entity)
    terms = condition.terms if isinstance(condition, AllOf) else (condition,)
    return [
        term.path.field.name
        for term in terms
        if isinstance(term, Compared)
        and term.operator is Operator.EQ
        and not term.path.steps
        and has_column(term.path.field)
        and term.path.field.name != view.order[0].field
    ]


def _id_type(engine: str) -> TypeEngine[Any]:
    return sa.Uuid() if engine == "postgresql" else sa.String(36)


def _target(registry: Registry, entity: str) -> str:
    return f"{entity}.{registry.entities[entity].primary_id}"
