"""MetadataIds: the ids of definitions, and what an id stands for.

An id is worked out of the identity of what it names, so that it stays through renames and is the
same in every database of an app:

| kind | entity name | member name |
|---|---|---|
| ``entity`` | the entity | |
| ``attribute`` | the entity | the field |
| ``key`` | the entity | the alternate key |
| ``one_to_many`` | the entity that holds the lookup | ``field/target`` |
| ``many_to_many`` | | the relationship |
| ``option_set`` | | the shared choice |
| ``option_set`` | the entity | the field whose own options they are |

``definition_id(model, kind, entity, member) -> id`` and ``definition_at(model, id)`` go both ways;
``model`` is ``call.records.model``. Names are those of now.
"""

from __future__ import annotations

import uuid
from collections.abc import Iterator
from functools import cached_property
from typing import Final, NamedTuple

from kartoteka.identities import Identities
from kartoteka.registry import Registry
from kartoteka_runtime.known_ids import known_id
from kartoteka_runtime.records.compiled_model import CompiledModel

ENTITY: Final = "entity"
ATTRIBUTE: Final = "attribute"
KEY: Final = "key"
ONE_TO_MANY: Final = "one_to_many"
MANY_TO_MANY: Final = "many_to_many"
OPTION_SET: Final = "option_set"

_KEPT_AS = "metadata_ids"


class Named(NamedTuple):
    """What an id stands for; see the table above."""

    kind: str
    entity: str
    member: str


class MetadataIds:
    """The ids of the definitions of one publication."""

    def __init__(self, registry: Registry, identities: Identities) -> None:
        """Tell those of ``registry``, whose objects ``identities`` knows."""
        self._registry = registry
        self.identities = identities

    def of(self, kind: str, entity: str, member: str = "") -> str:
        """Return the id of a definition."""
        who = self.identities
        holder = who.of("entity", entity) if entity else ""
        if kind in (ATTRIBUTE, OPTION_SET) and entity:
            member = who.of_field(entity, member)
        elif kind == OPTION_SET:
            member = who.of("choice", member)
        elif kind == MANY_TO_MANY:
            member = who.of("relationship", member)
        elif kind == ONE_TO_MANY:
            field, _, target = member.partition("/")
            member = f"{who.of_field(entity, field)}/{who.of('entity', target)}"
        return known_id(f"metadata/{kind}", f"{holder}/{member}")

    def at(self, identity: str) -> Named | None:
        """Return what an id stands for, in any letter case and with or without braces."""
        try:
            return self._by_id.get(uuid.UUID(identity))
        except ValueError:
            return None

    @cached_property
    def _by_id(self) -> dict[uuid.UUID, Named]:
        return {uuid.UUID(self.of(*named)): named for named in self._all()}

    def _all(self) -> Iterator[Named]:
        for entity in self._registry.entities.values():
            yield Named(ENTITY, entity.name, "")
            for item in entity.fields:
                yield Named(ATTRIBUTE, entity.name, item.name)
                if item.options and not item.choice:
                    yield Named(OPTION_SET, entity.name, item.name)
                for target in item.targets:
                    yield Named(ONE_TO_MANY, entity.name, f"{item.name}/{target}")
            for key in entity.keys:
                yield Named(KEY, entity.name, key.name)
        for name in self._registry.relationships:
            yield Named(MANY_TO_MANY, "", name)
        for name in self._registry.choices:
            yield Named(OPTION_SET, "", name)


def metadata_ids(model: CompiledModel) -> MetadataIds:
    """Return the ids of the publication that a call works with, which are worked out once."""
    known = model.registry.kept.get(_KEPT_AS)
    if not isinstance(known, MetadataIds) or known.identities != model.identities:
        known = model.registry.kept[_KEPT_AS] = MetadataIds(model.registry, model.identities)
    return known


def definition_id(model: CompiledModel, kind: str, entity: str, member: str = "") -> str:
    """Return the MetadataId of a definition."""
    return metadata_ids(model).of(kind, entity, member)


def definition_at(model: CompiledModel, identity: str) -> Named | None:
    """Return ``(kind, entity name, member name)`` of an id; None when nothing has it."""
    return metadata_ids(model).at(identity)
