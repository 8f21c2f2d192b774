"""``documents``: the files that mean a registry, one an object."""

from __future__ import annotations

from collections.abc import Iterator

from kartoteka.loading.load_bundle import folder_of_kind
from kartoteka.registry import Registry
from kartoteka.registry_documents.choice_map import choice_map
from kartoteka.registry_documents.entity_map import entity_map, relationship_map
from kartoteka.registry_documents.field_map import FieldMaps
from kartoteka.registry_documents.layout_maps import area_map, form_map, view_map
from kartoteka.registry_documents.role_maps import column_profile_map, role_map
from kartoteka.registry_documents.rule_map import rule_map
from kartoteka.registry_documents.sparse_map import Map, sparse
from kartoteka.yaml_text.canonical_order import to_canonical
from kartoteka.yaml_text.format_document import source_text
from kartoteka.yaml_text.source_tree import Source, node_of


def documents(registry: Registry) -> Iterator[tuple[str, str]]:
    """Yield the path below a bundle's folder and the text of each file, in the order of paths.

    Loaded by themselves, without base and plugins, the files make a registry that means the same;
    only which bundle something came from is not kept.
    """
    found = {path: text for path, text in _Documents(registry).all()}
    yield from sorted(found.items())


class _Documents:
    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._fields = FieldMaps(registry)

    def all(self) -> Iterator[tuple[str, str]]:
        registry = self._registry
        for entity in registry.entities.values():
            yield self._file("entity", entity.name, entity_map(entity, self._fields))
        for choice in registry.choices.values():
            yield self._file("choice", choice.name, choice_map(choice))
        for relationship in registry.relationships.values():
            yield self._file("relationship", relationship.name, relationship_map(relationship))
        for form in registry.forms.values():
            yield self._file("form", form.name, form_map(form))
        for view in registry.views.values():
            yield self._file("view", view.name, view_map(view))
        for role in registry.roles.values():
            yield self._file("role", role.name, role_map(role))
        for profile in registry.column_profiles.values():
            yield self._file("column_profile", profile.name, column_profile_map(profile))
        for area in registry.areas.values():
            yield self._file("navigation", area.name, area_map(area))
        for rule in registry.rules.values():
            yield self._file("rule", rule.name, rule_map(rule))
        yield from self._messages()

    def _file(self, kind: str, name: str, content: Map) -> tuple[str, str]:
        root = node_of({"kind": kind, "format": 1, "name": name, **sparse(content)})
        # No field group is exported: nothing lies under an entity's field.
        to_canonical(root, base_language=self._registry.base_language)
        return f"{folder_of_kind(kind)}/{name}.yaml", source_text(Source(root, [], ""))

    def _messages(self) -> Iterator[tuple[str, str]]:
        by_language: dict[str, dict[str, str]] = {}
        for key, label in self._registry.messages.items():
            for language, text in label.texts.items():
                by_language.setdefault(language, {})[key] = text
        for language, texts in by_language.items():
            name = language.lower().replace("-", "_")
            content = {"language": language, "messages": dict(sorted(texts.items()))}
            yield self._file("labels", name, content)
