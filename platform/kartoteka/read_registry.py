"""The whole merged tree → a Registry, whether or not the checks will find it right."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType
from typing import Protocol, TypeVar

from kartoteka.loading.metadata_tree import MetadataTree
from kartoteka.loading.positioned import YamlMap
from kartoteka.loading.read_access_test import read_access_test
from kartoteka.loading.read_column_profile import read_column_profile
from kartoteka.loading.read_entity import read_entity
from kartoteka.loading.read_field import Surroundings
from kartoteka.loading.read_form import read_form
from kartoteka.loading.read_label import read_names
from kartoteka.loading.read_navigation import read_area
from kartoteka.loading.read_relationship import read_choice, read_relationship
from kartoteka.loading.read_role import read_role
from kartoteka.loading.read_rule import read_rule
from kartoteka.loading.read_view import read_view
from kartoteka.loading.sources import Sources
from kartoteka.model.bundle import BundleInfo
from kartoteka.model.entity import Entity
from kartoteka.model.label import Label
from kartoteka.registry import Registry
from kartoteka.remembered_steps import FORGETFUL, Steps

_T = TypeVar("_T")
_Read = TypeVar("_Read", covariant=True)


class _Reader(Protocol[_Read]):
    def __call__(self, name: str, content: YamlMap, *, bundle: str) -> _Read: ...


def read_registry(
    tree: MetadataTree,
    messages: YamlMap,
    bundles: tuple[BundleInfo, ...],
    *,
    languages: tuple[str, ...],
    base_language: str,
    steps: Steps = FORGETFUL,
) -> Registry:
    """Return what an expanded tree means.

    Objects that lack what they cannot be without (a form without its entity) are left out; the
    shape check has reported them. Each object is read in a step of its own.
    """

    def read(kind: str, meaning: _Reader[_T]) -> dict[str, _T]:
        written = steps.watched(f"{kind} as written", tree.of_kind(kind))

        def one(name: str) -> _T:
            return meaning(name, written[name], bundle=tree.bundle_of[kind, name])

        return {
            name: steps.result(("read", kind, name), partial(one, name))
            for name in tree.of_kind(kind)
        }

    def meaning_of_entity(name: str, content: YamlMap, *, bundle: str) -> Entity:
        return read_entity(name, content, around, tree)

    choices = read("choice", read_choice)
    around = Surroundings(
        choices=steps.watched("choices to read fields", choices),
        entities=steps.watched("is entity", dict.fromkeys(tree.of_kind("entity"), True)),
        with_feature=steps.watched("with feature", _with_feature(tree)),
    )
    entities = read("entity", meaning_of_entity)
    relationships = read("relationship", read_relationship)
    forms = read("form", read_form)
    views = read("view", read_view)
    roles = read("role", read_role)
    column_profiles = read("column_profile", read_column_profile)
    areas = read("navigation", read_area)
    rules = read("rule", read_rule)
    texts = steps.watched("messages", messages)
    return Registry(
        bundles=bundles,
        entities=MappingProxyType(entities),
        choices=MappingProxyType(choices),
        relationships=_present(relationships),
        forms=_present(forms),
        views=_present(views),
        roles=MappingProxyType(roles),
        column_profiles=MappingProxyType(column_profiles),
        areas=MappingProxyType(
            dict(sorted(areas.items(), key=lambda item: (item[1].order, item[0])))
        ),
        rules=_present(rules),
        messages=MappingProxyType(
            {
                key: steps.result(("message", key), partial(_message, texts, key))
                for key in sorted(messages)
            }
        ),
        languages=languages,
        base_language=base_language,
        sources=Sources(tree, messages),
        access_tests=MappingProxyType(read("access_test", read_access_test)),
    )


def _message(texts: Mapping[str, YamlMap], key: str) -> Label:
    return Label(dict(texts[key]))


def _present(found: Mapping[str, _T | None]) -> Mapping[str, _T]:
    return MappingProxyType({name: item for name, item in found.items() if item is not None})


def _with_feature(tree: MetadataTree) -> dict[str, tuple[str, ...]]:
    found: dict[str, list[str]] = {}
    for name, content in tree.of_kind("entity").items():
        for feature in read_names(content, "features"):
            found.setdefault(feature, []).append(name)
    return {feature: tuple(names) for feature, names in found.items()}
