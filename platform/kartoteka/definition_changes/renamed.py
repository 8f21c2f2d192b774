"""``renamed``: a registry as it would read if its objects had always had their new names."""

from __future__ import annotations

import dataclasses
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from types import MappingProxyType
from typing import Any, TypeVar

from kartoteka.conditions.condition_error import ConditionError
from kartoteka.conditions.entity_collections import collections_of
from kartoteka.conditions.tokens import TokenKind, split
from kartoteka.conditions.typed import Collection, Match
from kartoteka.labels import PLACEHOLDER
from kartoteka.loading.read_field import default_relationship
from kartoteka.model.column_profile import ColumnProfile
from kartoteka.model.entity import Entity
from kartoteka.model.field import Field, Rollup
from kartoteka.model.form import Control, Form, Section, Tab
from kartoteka.model.label import Label
from kartoteka.model.navigation import Area
from kartoteka.model.relationship import Relationship
from kartoteka.model.role import Role
from kartoteka.model.rule import ON_FIELDS, Action, Rule
from kartoteka.model.view import View
from kartoteka.references.mentions import in_condition
from kartoteka.registry import Registry

Renames = Mapping[tuple[str, str], str]

_T = TypeVar("_T")


def renamed(registry: Registry, renames: Renames) -> Registry:
    """Return the registry with new names, wherever they stand.

    Reaches references, paths, filters and placeholders of texts, and the default names of 1:N
    relationships. Set names and tables of links stay: they are names of their own.

    Args:
        registry: Before.
        renames: ``{(kind, old name): new name}``; a field is ``("field", "entity.old")``, with the
            entity's new name.
    """
    if not renames:
        return registry
    names = _Names(registry, renames)

    def section(kind: str, items: Mapping[str, _T], rename: Callable[[_T], _T]) -> Mapping[str, _T]:
        return MappingProxyType(
            {names.of(kind, name): names.texts(rename(item)) for name, item in items.items()}
        )

    found = replace(
        registry,
        bundles=tuple(names.texts(bundle) for bundle in registry.bundles),
        entities=section("entity", registry.entities, names.entity),
        choices=section(
            "choice",
            registry.choices,
            lambda item: replace(item, name=names.of("choice", item.name)),
        ),
        relationships=section("relationship", registry.relationships, names.relationship),
        forms=section("form", registry.forms, names.form),
        views=section("view", registry.views, names.view),
        roles=section("role", registry.roles, names.role),
        column_profiles=section("column_profile", registry.column_profiles, names.column_profile),
        areas=section("navigation", registry.areas, names.area),
        rules=section("rule", registry.rules, names.rule),
        messages=section("messages", registry.messages, lambda item: item),
    )
    return names.with_collections(found)


@dataclass(frozen=True, slots=True)
class _Names:
    """Old names → new names, and objects that hold them."""

    registry: Registry  # with the old names
    renames: Renames

    def of(self, kind: str, name: str) -> str:
        return self.renames.get((kind, name), name)

    def field(self, entity: str, name: str) -> str:
        """Return the new name of a field of an entity of this old name."""
        new = self.renames.get(("field", f"{self.of('entity', entity)}.{name}"), name)
        return new.rpartition(".")[2]

    def entity(self, item: Entity) -> Entity:
        def own(name: str) -> str:
            return self.field(item.name, name)

        return replace(
            item,
            name=self.of("entity", item.name),
            primary_id=own(item.primary_id),
            primary_field=own(item.primary_field),
            primary_image=own(item.primary_image),
            parent_field=own(item.parent_field),
            fields=tuple(self._field_of(field, item.name) for field in item.fields),
            keys=tuple(replace(key, fields=tuple(map(own, key.fields))) for key in item.keys),
            commands=tuple(
                replace(
                    command,
                    parameters=tuple(self._field_of(field, "") for field in command.parameters),
                )
                for command in item.commands
            ),
        )

    def _field_of(self, item: Field, entity: str) -> Field:
        changed = replace(
            item,
            name=self.field(entity, item.name),
            joined_from=tuple(self.field(entity, name) for name in item.joined_from),
            base_of=self.field(entity, item.base_of),
            choice=self.of("choice", item.choice),
            targets=tuple(self.of("entity", name) for name in item.targets),
            formula=self.path(item.formula, entity),
            rollup=self._rollup(item.rollup, entity),
        )
        if item.relationship and item.relationship == default_relationship(item, entity):
            name = default_relationship(changed, self.of("entity", entity))
            changed = replace(changed, relationship=name)
        return changed if changed != item else item

    def _rollup(self, item: Rollup | None, entity: str) -> Rollup | None:
        """Return a rollup with the names of what it sums up; its collection is named later."""
        if item is None:
            return None
        collection = collections_of(self.registry, entity).get(item.over)
        if collection is None:
            return item
        return replace(
            item,
            field=self.path(item.field, collection.entity),
            filter=self.path(item.filter, collection.entity),
        )

    def with_collections(self, wanted: Registry) -> Registry:
        """Return the renamed registry, in which rollups call collections what they are now."""
        if not any(item.rollup for entity in wanted.entities.values() for item in entity.fields):
            return wanted
        entities = {}
        for old in self.registry.entities.values():
            entity = wanted.entities[self.of("entity", old.name)]
            named = {
                self._tie(collection): name
                for name, collection in collections_of(wanted, entity.name).items()
                if isinstance(collection.via, Match)
            }
            entities[entity.name] = replace(
                entity,
                fields=tuple(
                    replace(item, rollup=replace(item.rollup, over=over))
                    if item.rollup and (over := self._over(item.rollup, old.name, named))
                    else item
                    for item in entity.fields
                ),
            )
        return replace(wanted, entities=MappingProxyType(entities))

    def _over(self, item: Rollup, entity: str, named: Mapping[tuple[str, str], str]) -> str:
        """Return what a collection of an entity of this old name is called now; "" if unknown."""
        collection = collections_of(self.registry, entity).get(item.over)
        if collection is None or not isinstance(collection.via, Match):
            return ""
        items = collection.entity
        lookup = self.field(items, collection.via.item_field.name)
        return named.get((self.of("entity", items), lookup), "")

    @staticmethod
    def _tie(collection: Collection) -> tuple[str, str]:
        assert isinstance(collection.via, Match)
        return collection.entity, collection.via.item_field.name

    def relationship(self, item: Relationship) -> Relationship:
        return replace(
            item,
            name=self.of("relationship", item.name),
            left=self.of("entity", item.left),
            right=self.of("entity", item.right),
        )

    def form(self, item: Form) -> Form:
        return replace(
            item,
            name=self.of("form", item.name),
            entity=self.of("entity", item.entity),
            header=tuple(self.field(item.entity, name) for name in item.header),
            roles=tuple(self.of("role", name) for name in item.roles),
            tabs=tuple(self._tab(tab, item.entity) for tab in item.tabs),
        )

    def _tab(self, item: Tab, entity: str) -> Tab:
        return replace(
            item, sections=tuple(self._section(section, entity) for section in item.sections)
        )

    def _section(self, item: Section, entity: str) -> Section:
        return replace(
            item, controls=tuple(self._control(control, entity) for control in item.controls)
        )

    def _control(self, item: Control, entity: str) -> Control:
        return replace(
            item,
            field=self.field(entity, item.field),
            entity=self.of("entity", item.entity),
            by=self.field(item.entity, item.by),
            relationship=self.of("relationship", item.relationship),
            view=self.of("view", item.view),
            quick_view=self.field(entity, item.quick_view),
            form=self.of("form", item.form),
        )

    def view(self, item: View) -> View:
        return replace(
            item,
            name=self.of("view", item.name),
            entity=self.of("entity", item.entity),
            columns=tuple(
                replace(column, field=self.path(column.field, item.entity))
                for column in item.columns
            ),
            order=tuple(
                replace(key, field=self.path(key.field, item.entity)) for key in item.order
            ),
            find=tuple(self.path(name, item.entity) for name in item.find),
            filter=self.path(item.filter, item.entity),
        )

    def role(self, item: Role) -> Role:
        return replace(
            item,
            name=self.of("role", item.name),
            privileges=tuple(
                replace(grant, entity=self.of("entity", grant.entity)) for grant in item.privileges
            ),
        )

    def column_profile(self, item: ColumnProfile) -> ColumnProfile:
        return replace(
            item,
            name=self.of("column_profile", item.name),
            privileges=tuple(
                replace(
                    granted,
                    entity=self.of("entity", granted.entity),
                    columns=tuple(
                        replace(column, field=self.field(granted.entity, column.field))
                        for column in granted.columns
                    ),
                )
                for granted in item.privileges
            ),
        )

    def area(self, item: Area) -> Area:
        groups = tuple(
            replace(
                group,
                entries=tuple(
                    replace(
                        entry,
                        entity=self.of("entity", entry.entity),
                        view=self.of("view", entry.view),
                    )
                    for entry in group.entries
                ),
            )
            for group in item.groups
        )
        return replace(item, name=self.of("navigation", item.name), groups=groups)

    def rule(self, item: Rule) -> Rule:
        return replace(
            item,
            name=self.of("rule", item.name),
            entity=self.of("entity", item.entity),
            form=self.of("form", item.form),
            branches=tuple(
                replace(
                    branch,
                    when=self.path(branch.when, item.entity),
                    then=self._actions(branch.then, item.entity),
                )
                for branch in item.branches
            ),
            otherwise=self._actions(item.otherwise, item.entity),
        )

    def _actions(self, items: tuple[Action, ...], entity: str) -> tuple[Action, ...]:
        return tuple(
            replace(
                item,
                targets=tuple(self.field(entity, name) for name in item.targets)
                if item.verb in ON_FIELDS
                else item.targets,
                formula=self.path(item.formula, entity),
                field=self.field(entity, item.field),
                then=self._actions(item.then, entity),
            )
            for item in items
        )

    def path(self, text: str, entity: str) -> str:
        """Return a condition or a path over an entity's fields; all else in it stays as it is."""
        if "/any(" in text or "/all(" in text:
            return self._with_mentions(text, entity)
        try:
            tokens = split(text)
        except ConditionError:
            return text
        found: list[str] = []
        end = 0
        holder: Entity | None = None
        for before, token, after in zip((None, *tokens), tokens, tokens[1:], strict=False):
            if token.kind is not TokenKind.NAME or after.kind is TokenKind.OPEN:
                continue
            is_deeper = before is not None and before.kind is TokenKind.SLASH
            holder = holder if is_deeper else self.registry.entities.get(entity)
            name, holder = self._step(token.text, holder)
            found += text[end : token.offset], name
            end = token.offset + len(token.text)
        return "".join((*found, text[end:]))

    def _with_mentions(self, text: str, entity: str) -> str:
        """Return a condition that asks for collections, whose parts belong to other entities."""
        found: list[str] = []
        end = 0
        for target, offset in sorted(
            in_condition(text, entity, self.registry), key=lambda mention: mention[1]
        ):
            match target.kind:
                case "field":
                    new = self.field(target.of, target.name)
                case "entity" | "relationship":
                    new = self.of(target.kind, target.name)
                case _:
                    continue
            found += text[end:offset], new
            end = offset + len(target.name)
        return "".join((*found, text[end:]))

    def _step(self, name: str, holder: Entity | None) -> tuple[str, Entity | None]:
        """Return a step's new name, and the entity behind it if it is a lookup."""
        if holder is None:
            return name, None
        raw = re.fullmatch(r"_(.+)_value", name)
        field = holder.field_by_name.get(name) or holder.field_by_name.get(raw[1] if raw else "")
        if field is not None:
            new = self.field(holder.name, field.name)
            target = field.targets[0] if len(field.targets) == 1 else ""
            return name.replace(field.name, new), self.registry.entities.get(target)
        for field in holder.fields:
            for target in field.targets:
                if name == f"{field.name}_{target}":
                    new = f"{self.field(holder.name, field.name)}_{self.of('entity', target)}"
                    return new, self.registry.entities.get(target)
        return name, None

    def texts(self, item: Any) -> Any:
        """Return anything with new names in the placeholders of its texts."""
        if isinstance(item, Label):
            if not any("{" in text for text in item.texts.values()):
                return item
            texts = {
                language: PLACEHOLDER.sub(self._placeholder, text)
                for language, text in item.texts.items()
            }
            return replace(item, texts=texts)
        if isinstance(item, tuple):
            return tuple(map(self.texts, item))
        if not dataclasses.is_dataclass(item) or isinstance(item, type):
            return item
        changed = {}
        for attribute in dataclasses.fields(item):
            value = getattr(item, attribute.name)
            if isinstance(value, (Label, tuple)) and value:
                new = self.texts(value)
                if new != value:
                    changed[attribute.name] = new
        return replace(item, **changed) if changed else item

    def _placeholder(self, match: re.Match[str]) -> str:
        kind, name = match["kind"], match["name"]
        if kind in ("entity", "entities"):
            return f"{{{kind}:{self.of('entity', name)}}}"
        if kind == "field":
            entity, _, field = name.partition(".")
            return f"{{field:{self.of('entity', entity)}.{self.field(entity, field)}}}"
        return match[0]
