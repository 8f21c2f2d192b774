"""Statements: the tables of a registry and the SQL about them, made once for all databases.

Organizations that have published the same share one registry, and with it what is worked out here.
"""

from __future__ import annotations

from sqlalchemy.engine import Dialect

from kartoteka.registry import Registry
from kartoteka_runtime.storage.on_demand import OnDemand
from kartoteka_runtime.storage.record_queries import EntityQueries
from kartoteka_runtime.storage.run_query import Queries
from kartoteka_runtime.storage.tables import build_tables

_KEPT_AS = "statements"


class Statements:
    """What one registry needs on one engine: ``tables``, single records by entity, ``queries``."""

    def __init__(self, registry: Registry, engine: str, dialect: Dialect, generation: int) -> None:
        """Prepare; each table and statement is made when it is first asked for."""

        def of_entity(name: str) -> EntityQueries:
            return EntityQueries(registry.entities[name], registry, self.tables, dialect)

        self.tables = build_tables(registry, engine, generation=generation)
        self.entities = OnDemand(registry.entities, of_entity)
        self.queries = Queries(registry, self.tables, dialect, self.entities)


def statements_of(
    registry: Registry, engine: str, dialect: Dialect, *, generation: int
) -> Statements:
    """Return the statements for databases of an engine that are of a generation."""
    kept: dict[tuple[str, int], Statements] = registry.kept.setdefault(_KEPT_AS, {})
    found = kept.get((engine, generation))
    if found is None:
        found = kept[engine, generation] = Statements(registry, engine, dialect, generation)
    return found
