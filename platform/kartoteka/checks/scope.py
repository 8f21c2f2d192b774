"""Scope: what every check looks at, and the questions that many of them ask."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from kartoteka.diagnostics import Diagnostic
from kartoteka.loading.metadata_tree import MetadataTree
from kartoteka.loading.positioned import YamlList, YamlMap
from kartoteka.loading.read_label import maps_in
from kartoteka.loading.sources import place_of
from kartoteka.location import Location
from kartoteka.model.entity import Entity
from kartoteka.model.field_types import FIELD_TYPES
from kartoteka.names import did_you_mean
from kartoteka.registry import Registry
from kartoteka.remembered_steps import Steps


@dataclass(frozen=True)
class Scope:
    """A registry that may still be wrong, and the tree that knows where everything was said."""

    registry: Registry
    tree: MetadataTree
    command_handlers: frozenset[tuple[str, str]] | None = frozenset()
    panels: frozenset[str] | None = frozenset()

    @cached_property
    def prefixes(self) -> Mapping[str, tuple[str, ...]]:
        """Return ``{bundle: prefixes}``, the usual one first; none where names need none."""
        return {
            bundle.name: (bundle.prefix, *bundle.more_prefixes) if bundle.prefix else ()
            for bundle in self.registry.bundles
        }

    def watched(self, steps: Steps) -> Scope:
        """Return a scope through which every look at an object is one of ``steps``."""
        registry, tree = self.registry, self.tree
        objects: dict[str, Any] = {
            kind: steps.watched(f"{kind} as written", tree.of_kind(kind)) for kind in tree.objects
        }
        mappings = (
            "entities", "choices", "relationships", "forms", "views", "roles", "column_profiles",
            "areas", "rules", "access_tests",
        )  # fmt: skip
        definitions: dict[str, Any] = {
            name: steps.watched(name, getattr(registry, name)) for name in mappings
        }
        return replace(
            self,
            registry=replace(registry, **definitions),
            tree=replace(tree, objects=objects),
        )

    def where(self, kind: str, name: str, *path: str) -> Location:
        """Return where a property stands (``where("entity", "account", "fields", "name")``)."""
        return place_of(self.tree, kind, name, *path)

    def content(self, kind: str, name: str) -> YamlMap:
        """Return the merged document of an object."""
        return self.tree.of_kind(kind)[name]

    def is_unreadable(self, kind: str, name: str) -> bool:
        """Return whether the object is there, but in a file that could not be read."""
        return not {(kind, name), ("", name)}.isdisjoint(self.tree.unreadable)

    def entity(self, name: str) -> Entity | None:
        """Return an entity, None when there is none of that name."""
        return self.registry.entities.get(name)

    def doubtful_fields(self, entity: str) -> frozenset[str]:
        """Return the fields of which something was refused: what depends on them is not judged."""
        return frozenset(
            str(item["name"])
            for item in maps_in(self.content("entity", entity), "fields")
            if "name" in item and self.is_doubtful(item)
        )

    def is_doubtful(self, field: YamlMap) -> bool:
        """Return whether something of a field was refused, or its type does not exist."""
        return (
            bool(field.damaged)
            or field.get("type") not in FIELD_TYPES
            or any(option.damaged for option in maps_in(field, "options"))
            or ("choice" in field and field["choice"] not in self.registry.choices)
        )

    def mentions_doubtful_field(self, entity: str, text: str) -> bool:
        """Return whether a text names a doubtful field of an entity, or one in a lost file."""
        doubtful = self.doubtful_fields(entity) & set(re.findall(r"\w+", text))
        return bool(doubtful) or self.is_unreadable("entity", entity)

    def unknown(self, kind: str, name: str, location: Location, code: str) -> Iterator[Diagnostic]:
        """Yield a diagnostic when there is no object of a kind with that name."""
        known = self.tree.of_kind(kind)
        if name not in known and not self.is_unreadable(kind, name):
            yield Diagnostic(
                location, code, f'there is no {kind.replace("_", " ")} "{name}"',
                did_you_mean(name, known),
            )  # fmt: skip

    def unknown_field(
        self, entity: Entity, name: str, location: Location, code: str, *, subject: str = ""
    ) -> Iterator[Diagnostic]:
        """Yield a diagnostic when the entity has no such field, as far as it could be read."""
        if name not in entity.field_by_name and not self._has_unknown_fields(entity.name):
            yield Diagnostic(
                location, code, f'{subject}"{name}" is not a field of "{entity.name}"',
                did_you_mean(name, entity.field_by_name),
            )  # fmt: skip

    def _has_unknown_fields(self, entity: str) -> bool:
        """Return whether fields were refused so that nobody knows their names."""
        content = self.content("entity", entity)
        fields = content.get("fields")
        groups = content.get("includes") or ()
        return (
            self.is_unreadable("entity", entity)
            or "fields" in content.damaged
            or (isinstance(fields, YamlList) and fields.is_damaged)
            or any(self.is_unreadable("field_group", name) for name in groups)
        )
