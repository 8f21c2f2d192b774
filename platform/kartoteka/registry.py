"""Registry: every checked definition, immutable; what publish and requests read."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum
from functools import cached_property
from typing import Any

from kartoteka.model.access_test import AccessTest
from kartoteka.model.bundle import BundleInfo
from kartoteka.model.choice import Choice
from kartoteka.model.column_profile import ColumnProfile
from kartoteka.model.entity import Entity
from kartoteka.model.field import Field
from kartoteka.model.form import Form
from kartoteka.model.label import Label
from kartoteka.model.navigation import Area
from kartoteka.model.relationship import Relationship
from kartoteka.model.role import Role
from kartoteka.model.rule import Rule
from kartoteka.model.set_by import SetBy
from kartoteka.model.view import View

# What files hold beside definitions: it is never published.
OF_FILES = frozenset({"sources", "access_tests"})


@dataclass(frozen=True)
class Registry:
    """All definitions after layering, by logical name, in a stable order.

    ``messages`` are the texts of the client and of plugins by key. ``sources`` tells for each
    property (``entity/account/fields/name/label/en``) every layer that set it, lowest first;
    ``access_tests`` are what files expect of roles. Neither is part of a publication.
    """

    bundles: tuple[BundleInfo, ...] = ()
    entities: Mapping[str, Entity] = field(default_factory=dict)
    choices: Mapping[str, Choice] = field(default_factory=dict)
    relationships: Mapping[str, Relationship] = field(default_factory=dict)
    forms: Mapping[str, Form] = field(default_factory=dict)
    views: Mapping[str, View] = field(default_factory=dict)
    roles: Mapping[str, Role] = field(default_factory=dict)
    column_profiles: Mapping[str, ColumnProfile] = field(default_factory=dict)
    areas: Mapping[str, Area] = field(default_factory=dict)
    rules: Mapping[str, Rule] = field(default_factory=dict)
    messages: Mapping[str, Label] = field(default_factory=dict)
    languages: tuple[str, ...] = ("en",)
    base_language: str = "en"
    sources: Mapping[str, tuple[SetBy, ...]] = field(default_factory=dict, compare=False)
    access_tests: Mapping[str, AccessTest] = field(default_factory=dict, compare=False)

    @cached_property
    def kept(self) -> dict[str, Any]:
        """Return a place for what others work out from this registry once (its fingerprint)."""
        return {}

    def forget(self) -> None:
        """Drop what was worked out from this registry, so that whoever needs it looks again."""
        for name, made in vars(type(self)).items():
            if isinstance(made, cached_property):
                self.__dict__.pop(name, None)

    @cached_property
    def entity_by_set_name(self) -> Mapping[str, Entity]:
        """Return ``{entity set name: entity}``."""
        return {entity.set_name: entity for entity in self.entities.values()}

    @cached_property
    def relationship_by_intersect(self) -> Mapping[str, Relationship]:
        """Return ``{link entity's name: relationship}``."""
        return {item.intersect: item for item in self.relationships.values()}

    @cached_property
    def lookups_to(self) -> Mapping[str, tuple[tuple[Entity, Field], ...]]:
        """Return, for each entity, the entities and fields that may name one of its records."""
        found: dict[str, list[tuple[Entity, Field]]] = {name: [] for name in self.entities}
        for entity in self.entities.values():
            for item in entity.fields:
                for target in item.targets:
                    found[target].append((entity, item))
        return {name: tuple(pairs) for name, pairs in found.items()}

    @cached_property
    def views_of(self) -> Mapping[str, tuple[View, ...]]:
        """Return each entity's views, the default one first within its type."""
        found: dict[str, list[View]] = {name: [] for name in self.entities}
        for view in self.views.values():
            found[view.entity].append(view)
        return {
            name: tuple(sorted(views, key=lambda v: (not v.is_default, v.name)))
            for name, views in found.items()
        }

    @cached_property
    def forms_of(self) -> Mapping[str, tuple[Form, ...]]:
        """Return each entity's forms by order and name."""
        found: dict[str, list[Form]] = {name: [] for name in self.entities}
        for form in self.forms.values():
            found[form.entity].append(form)
        return {
            name: tuple(sorted(forms, key=lambda f: (f.order, f.name)))
            for name, forms in found.items()
        }

    @cached_property
    def rules_of(self) -> Mapping[str, tuple[Rule, ...]]:
        """Return the enabled rules of each entity that has any, in the order in which they run."""
        found: dict[str, list[Rule]] = {}
        for rule in self.rules.values():
            if rule.is_enabled:
                found.setdefault(rule.entity, []).append(rule)
        return {
            name: tuple(sorted(rules, key=lambda rule: (rule.order, rule.name)))
            for name, rules in found.items()
        }

    def view_of_type(self, entity: str, view_type: str) -> View | None:
        """Return the entity's first view of a type (public, quick_find, lookup, associated)."""
        return next((view for view in self.views_of[entity] if view.type == view_type), None)

    def form_of_type(self, entity: str, form_type: str) -> Form | None:
        """Return the entity's first form of a type (main, quick_create, quick_view)."""
        return next((form for form in self.forms_of[entity] if form.type == form_type), None)

    def to_json(self) -> dict[str, Any]:
        """Return every resolved definition as JSON values, in a stable order, for people to read.

        Left out is what equals its default, and where things stand in files; a field's type,
        label and requirement are always there. Labels are maps by language. What can be read
        back without loss is made by ``kartoteka.registry_codec``.
        """
        sections = (item.name for item in dataclasses.fields(self) if item.name not in OF_FILES)
        return {name: _as_json(getattr(self, name)) for name in sections}


def _as_json(value: Any) -> Any:
    match value:
        case Label():
            return dict(value.texts)
        case Enum():
            return value.value
        case Mapping():
            return {key: _as_json(item) for key, item in value.items()}
        case frozenset():
            return sorted(value)
        case tuple() | list():
            return [_as_json(item) for item in value]
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case _ if dataclasses.is_dataclass(value):
            return {
                item.name: _as_json(getattr(value, item.name))
                for item in dataclasses.fields(value)
                if _is_told(item, getattr(value, item.name))
            }
        case _:
            return value


def _is_told(item: dataclasses.Field[Any], value: Any) -> bool:
    if not item.compare:  # says where something stands or came from, not what it is
        return False
    return isinstance(value, Enum) or item.default is dataclasses.MISSING or value != item.default
