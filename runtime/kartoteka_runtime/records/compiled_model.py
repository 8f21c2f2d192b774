"""What the record service works with, made once from a publication and the plugins' hooks."""

from __future__ import annotations

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import ClauseElement
from sqlalchemy.engine import Dialect

from kartoteka.calculated.stored_formulas import StoredFormulas
from kartoteka.labels import LabelResolver
from kartoteka.model.entity import Entity
from kartoteka.model.field import Field
from kartoteka.model.field_types import has_column
from kartoteka.plugin_api.contexts import CommandHandler, RecordHandler
from kartoteka.registry import Registry
from kartoteka.rules.rule_set import rules_on_write
from kartoteka_runtime.known_ids import profile_id, role_id, view_id
from kartoteka_runtime.live_registry import Published
from kartoteka_runtime.records.content_fields import contents_of
from kartoteka_runtime.records.hook_table import HookTable
from kartoteka_runtime.records.rollup_changes import RollupChanges
from kartoteka_runtime.records.share_paths import POINTER, SharePaths
from kartoteka_runtime.records.state_model import StateModel
from kartoteka_runtime.records.watch import Webhook
from kartoteka_runtime.security.access import SystemAccess
from kartoteka_runtime.security.access_cache import AccessCache
from kartoteka_runtime.storage.access_facts import AccessFacts
from kartoteka_runtime.storage.by_identity import ByIdentity
from kartoteka_runtime.storage.gone_records import GoneRecords
from kartoteka_runtime.storage.on_demand import OnDemand
from kartoteka_runtime.storage.record_queries import EntityQueries, compile_text
from kartoteka_runtime.storage.shares import Shares
from kartoteka_runtime.storage.statements import statements_of
from kartoteka_runtime.storage.tables import short_name
from kartoteka_runtime.validation.record_schema import field_schema
from kartoteka_runtime.validation.validate_record import RecordValidator
from kartoteka_runtime.validation.value_checks import compile_check

__all__ = ["POINTER", "CompiledCommand", "CompiledEntity", "CompiledModel"]
# What the pipeline itself looks at before an update, where an entity has it.
_DECIDING = {"versionnumber", "statecode", "statuscode", "ownerid", "actualend", "directioncode"}


@dataclass(frozen=True)
class CompiledCommand:
    """A command with the checks of its parameters and what carries it out, if a plugin does."""

    name: str
    checks: Mapping[str, Callable[[Any], Any]]
    required: tuple[str, ...]
    defaults: Mapping[str, Any]
    handler: CommandHandler | None


class CompiledEntity:
    """One entity, ready to serve: statements, checks, defaults, hooks and states."""

    def __init__(
        self,
        entity: Entity,
        registry: Registry,
        queries: EntityQueries,
        hooks: HookTable,
    ) -> None:
        """Compile everything that can be decided before the first request."""
        self.entity = entity
        self.queries = queries
        self.validator = RecordValidator(entity)
        self.states = StateModel(entity)
        self.rules = rules_on_write(entity.name, registry)
        self.formulas = StoredFormulas(entity.name, registry)
        self.rollup_changes = RollupChanges(entity.name, registry)
        self.handlers: Mapping[str, tuple[RecordHandler, ...]] = hooks.handlers_of(entity.name)
        self.commands = {
            item.name: CompiledCommand(
                item.name,
                {field.name: compile_check(field_schema(field)) for field in item.parameters},
                tuple(field.name for field in item.parameters if field.required != "no"),
                {field.name: field.default for field in item.parameters},
                hooks.command_handlers.get((entity.name, item.name)),
            )
            for item in entity.commands
        }
        fields = entity.fields
        names = entity.field_by_name
        self.names = frozenset(names)
        self.defaults = {item.name: item.default for item in fields if item.default is not None}
        self.autonumbers = tuple(item for item in fields if item.type == "autonumber")
        self.joined = tuple(item for item in fields if item.joined_from)
        self.money = tuple(
            item.name
            for item in fields
            if item.type == "money" and not item.base_of and not item.is_calculated
        )
        self.references = {
            item.name: item for item in fields if item.is_lookup and has_column(item)
        }
        self.hierarchical = next((item.name for item in fields if item.hierarchical), "")
        self._amounts = {*self.money, "transactioncurrencyid"} & self.names
        self._always_read = _DECIDING & self.names
        self._looked_at = self.formulas.needed | self.rollup_changes.needed
        self.files = frozenset(item.name for item in entity.file_fields)
        self.contents = contents_of(entity)
        self.parties = tuple(item for item in fields if item.type == "party_list")
        self.is_owned = "ownerid" in names
        self.ownership_names = tuple(name for name in ("ownerid", "statecode") if name in names)
        self.read_only_field = frozenset(
            item.name for item in fields if item.read_only or item.type == "autonumber"
        )
        uniques = [key.fields for key in entity.keys]
        uniques += [(item.name,) for item in fields if item.unique]
        self.unique_fields = {short_name("uq", entity.name, *names): names for names in uniques}

    def read_before_update(self, supplied: Mapping[str, Any]) -> tuple[str, ...] | None:
        """Return the fields that an update of ``supplied`` has to know; None: all of them.

        Hooks may ask for any field. Without hooks it is what is written, what states, owners and
        versions are decided by, what rules, stored formulas and rollups look at, and the rest of
        whatever is joined or converted from it.
        """
        if self.handlers:
            return None
        needed = self._always_read | (supplied.keys() & self.names)
        if self.rules is not None and not self.rules.decided_by.isdisjoint(supplied):
            needed |= self.rules.decided_by
        for item in self.joined:
            if not needed.isdisjoint(item.joined_from):
                needed.update(item.joined_from)
        if not needed.isdisjoint(self._amounts):
            needed |= self._amounts
        needed |= self._looked_at
        return tuple(sorted(needed))


class KnownWebhooks:
    """The webhooks of a publication by entity, as they were at a version of access."""

    def __init__(self, *, are_offered: bool) -> None:
        """Know of none yet."""
        self.are_offered = are_offered
        self.version = -1
        self.by_entity: Mapping[str, tuple[Webhook, ...]] = {}


class CompiledModel:
    """A publication as the record service uses it; an entity is compiled on its first use."""

    def __init__(
        self, published: Published, engine: str, dialect: Dialect, hooks: HookTable
    ) -> None:
        """Prepare to compile."""
        self.number = published.number
        self.registry: Registry = published.registry
        self.labels: LabelResolver = published.labels
        self.identities = published.identities
        self.hooks = hooks
        self.dialect = dialect
        self._statements = statements_of(
            published.registry, engine, dialect, generation=published.generation
        )
        self.tables, self.queries = self._statements.tables, self._statements.queries
        self.entities = OnDemand(published.registry.entities, self._compile)
        self.asked_entities: ByIdentity[tuple[str, ...]] = ByIdentity()  # that queries are about
        self.share_paths = SharePaths(published.registry)
        self.shares = Shares(dialect)
        self.gone = GoneRecords(dialect, self.tables.version_name)
        self.fiscal: ByIdentity[bool] = ByIdentity()  # whether queries look at the calendar
        self._texts: dict[Hashable, str] = {}
        self.role_names = {role_id(published, name): name for name in published.registry.roles}
        self.view_names = {view_id(published, name): name for name in published.registry.views}
        self.access_facts = AccessFacts(
            published.registry, self.tables, dialect,
            roles=self.role_names,
            profiles={
                profile_id(published, name): name for name in published.registry.column_profiles
            },
        )  # fmt: skip
        self.accesses = AccessCache(published.registry, self.access_facts, engine)
        self.system_access = SystemAccess(published.registry)
        self.webhooks = KnownWebhooks(
            are_offered={"webhook", "webhookdelivery"} <= published.registry.entities.keys()
        )

    def _compile(self, name: str) -> CompiledEntity:
        entity = self.registry.entities[name]
        return CompiledEntity(entity, self.registry, self._statements.entities[name], self.hooks)

    def text(self, shape: Hashable, build: Callable[[], ClauseElement]) -> str:
        """Return the text of a statement, built on the first use of its shape."""
        text = self._texts.get(shape)
        if text is None:
            text = self._texts[shape] = compile_text(build(), self.dialect)
        return text

    def incoming(self, entity: str) -> tuple[tuple[Entity, Field], ...]:
        """Return the lookups of every entity that may name a record of ``entity``."""
        return self.registry.lookups_to.get(entity, ())
