"""The catalogue of what is retired: gone from the metadata, its data kept until it is purged."""

from __future__ import annotations

import uuid
from collections.abc import Collection

import orjson
import sqlalchemy as sa

from kartoteka.identities import Retired
from kartoteka.model.entity import Entity
from kartoteka.model.field import Field
from kartoteka.model.label import NO_LABEL
from kartoteka.model.relationship import Relationship
from kartoteka.registry import Registry
from kartoteka.registry_codec import decode_registry, encode_registry
from kartoteka_runtime.storage.database import Connection, Database
from kartoteka_runtime.storage.record_queries import compile_text
from kartoteka_runtime.storage.system_tables import retired


async def load_retired(connection: Connection, database: Database) -> tuple[Retired, ...]:
    """Return everything in the catalogue, what was retired first first."""
    statement = sa.select(
        retired.c.kind, retired.c.entity, retired.c.identity, retired.c.name,
        retired.c.publication, retired.c.table_name, retired.c.columns, retired.c.definition,
        retired.c.is_original, retired.c.became, retired.c.identities,
    ).order_by(retired.c.publication, retired.c.entity, retired.c.identity)  # fmt: skip
    rows = await connection.fetch_all(compile_text(statement, database.dialect), {})
    return tuple(
        Retired(
            kind,
            entity,
            identity,
            name,
            number,
            table,
            tuple(orjson.loads(columns)),
            _decoded(kind, definition),
            bool(is_original),
            _decoded_fields(became),
            orjson.loads(identities or "{}"),
        )
        for (
            kind,
            entity,
            identity,
            name,
            number,
            table,
            columns,
            definition,
            is_original,
            became,
            identities,
        ) in rows  # fmt: skip
    )


async def add_retired(
    connection: Connection, database: Database, items: Collection[Retired]
) -> None:
    """Put what is retired now into the catalogue."""
    sql = compile_text(sa.insert(retired), database.dialect)
    for item in items:
        await connection.execute(
            sql,
            {
                "id": str(uuid.uuid4()),
                "kind": item.kind,
                "entity": item.entity,
                "identity": item.identity,
                "name": item.name,
                "publication": item.publication,
                "table_name": item.table,
                "columns": orjson.dumps(item.columns).decode(),
                "definition": _encoded(item.definition),
                "is_original": int(item.is_original),
                "became": _encoded_fields(item.became) if item.became else None,
                "identities": orjson.dumps(dict(item.identities)).decode(),
            },
        )


async def forget_retired(
    connection: Connection, database: Database, items: Collection[Retired]
) -> None:
    """Take out of the catalogue what is live again or gone for good."""
    columns = retired.c
    statement = sa.delete(retired).where(
        columns.kind == sa.bindparam("kind_"),
        columns.entity == sa.bindparam("entity_"),
        columns.identity == sa.bindparam("identity_"),
        columns.publication == sa.bindparam("publication_"),
        columns.is_original == sa.bindparam("is_original_"),
    )
    sql = compile_text(statement, database.dialect)
    for item in items:
        await connection.execute(
            sql,
            {
                "kind_": item.kind,
                "entity_": item.entity,
                "identity_": item.identity,
                "publication_": item.publication,
                "is_original_": int(item.is_original),
            },
        )


def _encoded(definition: Entity | Field | Relationship) -> str:
    """Return a definition as JSON: that of a registry which holds nothing else."""
    match definition:
        case Entity():
            alone = Registry(entities={definition.name: definition})
        case Relationship():
            alone = Registry(relationships={definition.name: definition})
        case Field():
            return _encoded_fields((definition,))
    return orjson.dumps(encode_registry(alone)).decode()


def _encoded_fields(definitions: tuple[Field, ...]) -> str:
    holder = Entity("field", "", NO_LABEL, NO_LABEL, "", "", "none", definitions)
    return orjson.dumps(encode_registry(Registry(entities={"field": holder}))).decode()


def _decoded_fields(text: str | None) -> tuple[Field, ...]:
    if not text:
        return ()
    return next(iter(decode_registry(orjson.loads(text)).entities.values())).fields


def _decoded(kind: str, text: str) -> Entity | Field | Relationship:
    alone = decode_registry(orjson.loads(text))
    if kind == "relationship":
        return next(iter(alone.relationships.values()))
    entity = next(iter(alone.entities.values()))
    return entity.fields[0] if kind == "field" else entity
