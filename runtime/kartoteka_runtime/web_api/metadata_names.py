"""Schema names: how the definitions of the Web API spell logical names.

| whose | its schema name | example |
|---|---|---|
| says one itself (``schema_name``) | that | ``new_Project`` |
| standard: its bundle has no prefix | the words of its name with capitals | ``PrimaryContactId`` |
| any other | the logical name | ``acme_vessel`` |

Words are those of ``schema_words.txt`` and the names of entities; what is in neither is one word.
A schema name is the logical name in other capitals, always.
"""

from __future__ import annotations

import re
from functools import lru_cache
from importlib.resources import files

from kartoteka.model.choice import Choice
from kartoteka.model.entity import Entity, Key
from kartoteka.model.field import Field
from kartoteka.model.relationship import Relationship
from kartoteka.names import PLATFORM_FIELDS
from kartoteka.registry import Registry

_RUN = re.compile("[a-z]+")
_WORD_COST, _OTHER_COST, _LETTER_COST = 10, 25, 4
_KEPT_AS = "schema_words"


class SchemaNames:
    """Tells the schema names of one registry."""

    def __init__(self, registry: Registry) -> None:
        """Spell the names of ``registry``."""
        words = files("kartoteka_runtime.web_api").joinpath("schema_words.txt").read_text("utf-8")
        self._words = frozenset(words.split())
        for name in sorted(registry.entities, key=len):
            if not self._is_made_of_words(name):
                self._words |= {name}
        self._prefixed = {bundle.name for bundle in registry.bundles if bundle.prefix}
        self._spelled = lru_cache(8192)(self._spell)

    def entity(self, entity: Entity) -> str:
        """Return the schema name of an entity."""
        return entity.schema_name or self._name(entity.name, self.is_custom(entity))

    def field(self, field: Field, entity: Entity) -> str:
        """Return the schema name of a field of ``entity``."""
        return field.schema_name or self._name(field.name, self.is_custom_field(field, entity))

    def key(self, key: Key) -> str:
        """Return the schema name of an alternate key."""
        return key.schema_name or key.name

    def relationship(self, relationship: Relationship) -> str:
        """Return the schema name of an N:N relationship."""
        return relationship.schema_name or relationship.name

    def is_custom(self, item: Entity | Relationship | Choice) -> bool:
        """Return whether something came with a bundle that puts a prefix before its names.

        What says its schema name was made over the Web API, whatever the bundle does.
        """
        return item.bundle in self._prefixed or bool(getattr(item, "schema_name", ""))

    def is_custom_field(self, field: Field, entity: Entity) -> bool:
        """Return whether a field came with such a bundle, and not from the platform."""
        is_prefixed = (field.bundle or entity.bundle) in self._prefixed or bool(field.schema_name)
        return is_prefixed and field.name not in PLATFORM_FIELDS

    def _name(self, name: str, is_custom: bool) -> str:
        return name if is_custom else self._spelled(name)

    def _spell(self, name: str) -> str:
        return _RUN.sub(lambda run: "".join(map(str.capitalize, self._split(run[0]))), name)

    def _is_made_of_words(self, name: str) -> bool:
        return all(word in self._words for run in _RUN.findall(name) for word in self._split(run))

    def _split(self, run: str) -> tuple[str, ...]:
        """Return the words that letters are made of, as few of them as can be."""
        best: list[tuple[int, tuple[str, ...]]] = [(0, ())]
        for end in range(1, len(run) + 1):
            ways = []
            for start in range(end):
                word = run[start:end]
                is_word = word in self._words
                cost = _WORD_COST if is_word else _OTHER_COST + _LETTER_COST * len(word)
                before, words = best[start]
                ways.append((before + cost, (*words, word)))
            best.append(min(ways))
        return best[-1][1]


def schema_names(registry: Registry) -> SchemaNames:
    """Return the schema names of a registry, which are worked out once."""
    known = registry.kept.get(_KEPT_AS)
    if known is None:
        known = registry.kept[_KEPT_AS] = SchemaNames(registry)
    names: SchemaNames = known
    return names
