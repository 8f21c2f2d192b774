"""The whole merged tree → a Registry, whether or not the checks will find it right."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import TypeVar

from kartoteka.loading.extensions import MetadataTree
from kartoteka.loading.positioned import YamlMap
from kartoteka.loading.read_entity import read_entity
from kartoteka.loading.read_field import Surroundings
from kartoteka.loading.read_form import read_form
from kartoteka.loading.read_label import read_names
from kartoteka.loading.read_navigation import read_area
from kartoteka.loading.read_relationship import read_choice, read_relationship
from kartoteka.loading.read_role import read_role
from kartoteka.loading.read_view import read_view
from kartoteka.loading.sources import Sources
from kartoteka.model.bundle import BundleInfo
from kartoteka.model.label import Label
from kartoteka.registry import Registry

_T = TypeVar("_T")


def read_registry(
    tree: MetadataTree,
    messages: YamlMap,
    bundles: tuple[BundleInfo, ...],
    *,
    languages: tuple[str, ...],
    base_language: str,
) -> Registry:
    """Return what an expanded tree means.

    Objects that lack what they cannot be without (a form without its entity) are left out; the
    shape check has reported them.
    """
    bundle_of = tree.bundle_of
    choices = {
        name: read_choice(name, content, bundle=bundle_of["choice", name])
        for name, content in tree.of_kind("choice").items()
    }
    around = Surroundings(
        choices=choices,
        entities=frozenset(tree.of_kind("entity")),
        with_feature=_with_feature(tree),
    )
    entities = {
        name: read_entity(name, content, around, tree)
        for name, content in tree.of_kind("entity").items()
    }
    relationships = {
        name: read_relationship(name, content, bundle=bundle_of["relationship", name])
        for name, content in tree.of_kind("relationship").items()
    }
    forms = {
        name: read_form(name, content, bundle=bundle_of["form", name])
        for name, content in tree.of_kind("form").items()
    }
    views = {
        name: read_view(name, content, bundle=bundle_of["view", name])
        for name, content in tree.of_kind("view").items()
    }
    roles = {
        name: read_role(name, content, bundle=bundle_of["role", name])
        for name, content in tree.of_kind("role").items()
    }
    areas = {
        name: read_area(name, content, bundle=bundle_of["navigation", name])
        for name, content in tree.of_kind("navigation").items()
    }
    return Registry(
        bundles=bundles,
        entities=MappingProxyType(entities),
        choices=MappingProxyType(choices),
        relationships=_present(relationships),
        forms=_present(forms),
        views=_present(views),
        roles=MappingProxyType(roles),
        areas=MappingProxyType(
            dict(sorted(areas.items(), key=lambda item: (item[1].order, item[0])))
        ),
        messages=MappingProxyType(
            {key: Label(dict(texts)) for key, texts in sorted(messages.items())}
        ),
        languages=languages,
        base_language=base_language,
        sources=Sources(tree, messages),
    )


def _present(found: Mapping[str, _T | None]) -> Mapping[str, _T]:
    return MappingProxyType({name: item for name, item in found.items() if item is not None})


def _with_feature(tree: MetadataTree) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for name, content in tree.of_kind("entity").items():
        for feature in read_names(content, "features"):
            found.setdefault(feature, []).append(name)
    return {feature: tuple(names) for feature, names in found.items()}
