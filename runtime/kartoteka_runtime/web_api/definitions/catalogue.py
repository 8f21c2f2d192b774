"""Catalogue: all definitions of one publication, each built when it is first asked for."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property, partial
from typing import Any

from kartoteka.model.entity import Entity
from kartoteka.model.field import Field
from kartoteka_runtime.records.compiled_model import CompiledModel
from kartoteka_runtime.web_api.definitions.attributes import attribute, attribute_order
from kartoteka_runtime.web_api.definitions.definition import (
    Collection,
    Definition,
    LabelWriter,
    Related,
)
from kartoteka_runtime.web_api.definitions.entities import entity_definition, key_definition
from kartoteka_runtime.web_api.definitions.kept_answers import KeptAnswers
from kartoteka_runtime.web_api.definitions.option_sets import own_option_set, shared_option_set
from kartoteka_runtime.web_api.definitions.relationships import many_to_many, one_to_many
from kartoteka_runtime.web_api.metadata_ids import metadata_ids
from kartoteka_runtime.web_api.metadata_names import schema_names

ENTITIES = "EntityDefinitions"
RELATIONSHIPS = "RelationshipDefinitions"
OPTION_SETS = "GlobalOptionSetDefinitions"

_KEPT_AS = "definitions"
_Items = tuple[str, tuple[Definition, ...]]  # and the type that all of them are of


class Catalogue:
    """The definitions of one publication.

    What belongs to an entity (attributes, keys, relationships) is built for that entity alone.
    """

    def __init__(self, model: CompiledModel) -> None:
        """Define what ``model`` is made of."""
        self._registry = model.registry
        self._labels = model.labels
        self._ids = metadata_ids(model)
        self._names = schema_names(model.registry)
        self._writers: dict[str, LabelWriter] = {}
        self._parts: dict[tuple[str, str], Collection] = {}
        self.number = model.number
        self.answers = KeptAnswers()

    def writer(self, language: str) -> LabelWriter:
        """Return what writes labels for readers of a language."""
        found = self._writers.get(language)
        if found is None:
            found = self._writers[language] = LabelWriter(self._registry, self._labels, language)
        return found

    def sets(self) -> dict[str, Collection]:
        """Return the collections that an address may begin with."""
        return {
            ENTITIES: self.entities,
            RELATIONSHIPS: self.relationships,
            OPTION_SETS: self.option_sets,
        }

    @cached_property
    def entities(self) -> Collection:
        """Return all entities."""
        items = tuple(self._entity(entity) for entity in self._registry.entities.values())
        return Collection(ENTITIES, "EntityMetadata", items, ("LogicalName", "SchemaName"))

    @cached_property
    def relationships(self) -> Collection:
        """Return all relationships."""
        items = (*self._one_to_many, *self._many_to_many)
        return Collection(RELATIONSHIPS, "RelationshipMetadataBase", items, ("SchemaName",))

    @cached_property
    def option_sets(self) -> Collection:
        """Return the shared option sets."""
        items = tuple(
            shared_option_set(choice, self._ids, is_custom=self._names.is_custom(choice))
            for choice in self._registry.choices.values()
        )
        return Collection(OPTION_SETS, "OptionSetMetadataBase", items, ("Name",))

    @cached_property
    def _one_to_many(self) -> tuple[Definition, ...]:
        return tuple(one_to_many(self._registry, self._ids, self._names))

    @cached_property
    def _many_to_many(self) -> tuple[Definition, ...]:
        return tuple(many_to_many(self._registry, self._ids, self._names))

    def _entity(self, entity: Entity) -> Definition:
        related: dict[str, Callable[[], Related]] = {
            name: partial(self._part, name, entity, build)
            for name, build in (
                ("Attributes", self._attributes),
                ("Keys", self._keys),
                ("OneToManyRelationships", self._children),
                ("ManyToOneRelationships", self._parents),
                ("ManyToManyRelationships", self._links),
            )
        }
        return entity_definition(entity, self._ids, self._names, related)

    def _part(
        self,
        name: str,
        entity: Entity,
        build: Callable[[Entity], _Items],
    ) -> Collection:
        found = self._parts.get((name, entity.name))
        if found is None:
            base, items = build(entity)
            context = f"{ENTITIES}('{entity.name}')/{name}"
            found = self._parts[name, entity.name] = Collection(context, base, items)
        return found

    def _attributes(self, entity: Entity) -> _Items:
        return "AttributeMetadata", tuple(
            attribute(
                field,
                entity,
                number,
                self._ids,
                self._names,
                option_set=partial(self._option_set, field, entity),
                shared=partial(self._shared, field),
            )
            for number, field in enumerate(attribute_order(entity), 1)
        )

    def _keys(self, entity: Entity) -> _Items:
        return "EntityKeyMetadata", tuple(
            key_definition(key, entity, self._ids, self._names) for key in entity.keys
        )

    def _children(self, entity: Entity) -> _Items:
        found = _having(self._one_to_many, entity, "ReferencedEntity")
        return "OneToManyRelationshipMetadata", found

    def _parents(self, entity: Entity) -> _Items:
        found = _having(self._one_to_many, entity, "ReferencingEntity")
        return "OneToManyRelationshipMetadata", found

    def _links(self, entity: Entity) -> _Items:
        names = ("Entity1LogicalName", "Entity2LogicalName")
        return "ManyToManyRelationshipMetadata", _having(self._many_to_many, entity, *names)

    def _option_set(self, field: Field, entity: Entity) -> Definition:
        shared = self._shared(field)
        if shared is not None:
            return shared
        is_custom = self._names.is_custom_field(field, entity)
        return own_option_set(field, entity, self._ids, is_custom=is_custom)

    def _shared(self, field: Field) -> Definition | None:
        return self.option_sets.by_key.get(("Name", field.choice)) if field.choice else None


def _having(items: tuple[Definition, ...], entity: Entity, *names: str) -> tuple[Definition, ...]:
    return tuple(item for item in items if entity.name in [item.properties[name] for name in names])


def catalogue_of(model: CompiledModel) -> Catalogue:
    """Return the definitions of the publication that a call works with."""
    kept: dict[str, Any] = model.registry.kept
    found = kept.get(_KEPT_AS)
    if not isinstance(found, Catalogue) or found.number != model.number:
        found = kept[_KEPT_AS] = Catalogue(model)
    return found
