"""``definition_changes``: two registries → every property that is not the same."""

from __future__ import annotations

import dataclasses
import types
import typing
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from functools import cache
from typing import Any

import orjson

from kartoteka.definition_changes.definition_change import ABSENT, DefinitionChange
from kartoteka.definition_changes.member_names import named, same_numbers
from kartoteka.definition_changes.renamed import Renames, renamed
from kartoteka.definition_changes.told_once import is_told_elsewhere
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
from kartoteka.model.view import View
from kartoteka.registry import Registry
from kartoteka.registry_codec import encode_registry

# Kind of document, where the registry keeps its objects, and the model class of one.
_SECTIONS: tuple[tuple[str, str, type], ...] = (
    ("entity", "entities", Entity),
    ("choice", "choices", Choice),
    ("relationship", "relationships", Relationship),
    ("form", "forms", Form),
    ("view", "views", View),
    ("role", "roles", Role),
    ("column_profile", "column_profiles", ColumnProfile),
    ("navigation", "areas", Area),
    ("rule", "rules", Rule),
    ("messages", "messages", Label),
)
_NO_RENAMES: Renames = types.MappingProxyType({})


def definition_changes(
    live: Registry, wanted: Registry, renames: Renames = _NO_RENAMES
) -> tuple[DefinitionChange, ...]:
    """Return every difference between two registries, objects in the order of ``wanted``.

    What is worked out from something else is not told a second time: options of a shared choice,
    targets by feature, options of states, base amounts, and texts that come from messages.

    Args:
        live: What is published.
        wanted: What shall be.
        renames: ``{(kind, old name): new name}`` as in ``kartoteka.changes.Changes``; the rename
            itself is not told here, and nothing that only follows it.

    Returns:
        One change a difference; empty exactly when ``kartoteka.registry_codec`` writes both
        alike, once the names of ``live`` are those of ``wanted``.
    """
    live = renamed(live, renames)
    changes: list[DefinitionChange] = []
    for kind, section, model in _SECTIONS:
        before, after = getattr(live, section), getattr(wanted, section)
        for name in (*after, *(name for name in before if name not in after)):
            old, new = before.get(name), after.get(name)
            if old is new or (old == new and _numbers_written_alike(old, new)):
                continue
            subject = _Subject(kind, name, _entity_of(new if new is not None else old))
            changes += subject.compared(model, _encoded(section, old), _encoded(section, new))
    changes += _bundle_changes(live, wanted)
    changes += _app_changes(live, wanted)
    return tuple(change for change in changes if not is_told_elsewhere(change, live, wanted))


def _encoded(section: str, item: Any) -> Any:
    if item is None:
        return ABSENT
    sections: dict[str, Any] = {section: {"": item}}
    return encode_registry(Registry(**sections))[section][""]


def _numbers_written_alike(before: Any, after: Any) -> bool:
    """Return whether equal entities also write their numbers alike: 1 equals 1.0 and true."""
    if not isinstance(before, Entity):
        return True
    return all(map(_field_written_alike, _all_fields(before), _all_fields(after)))


def _all_fields(entity: Entity) -> Iterator[Field]:
    yield from entity.fields
    for command in entity.commands:
        yield from command.parameters


def _field_written_alike(before: Field, after: Field) -> bool:
    return before is after or all(
        one is other or repr(one) == repr(other)
        for one, other in (
            (before.min, after.min), (before.max, after.max), (before.default, after.default),
        )
    )  # fmt: skip


def _entity_of(item: Any) -> str:
    match item:
        case Entity():
            return item.name
        case Form() | View() | Rule():
            return item.entity
        case Relationship():
            return item.left
        case _:
            return ""


def _bundle_changes(live: Registry, wanted: Registry) -> Iterator[DefinitionChange]:
    before = named(BundleInfo, encode_registry(Registry(bundles=live.bundles)).get("bundles", ()))
    after = named(BundleInfo, encode_registry(Registry(bundles=wanted.bundles)).get("bundles", ()))
    for name in (*after, *(name for name in before if name not in after)):
        subject = _Subject("bundle", name, "")
        yield from subject.compared(BundleInfo, before.get(name, ABSENT), after.get(name, ABSENT))
    yield from _Subject("app", "", "").order(before, after, ("bundles",))


def _app_changes(live: Registry, wanted: Registry) -> Iterator[DefinitionChange]:
    app = _Subject("app", "", "")
    yield from app.members(str, list(live.languages), list(wanted.languages), ("languages",))
    yield from app.leaf(live.base_language, wanted.base_language, ("base_language",))


@dataclass(frozen=True, slots=True)
class _Subject:
    """The object whose two JSON forms are compared."""

    kind: str
    name: str
    entity: str

    def compared(self, model: type, before: Any, after: Any) -> Iterator[DefinitionChange]:
        if before is ABSENT or after is ABSENT:
            yield self._change((), before, after)
        elif model is Label:
            yield from self.texts(before, after, ())
        else:
            yield from self.properties(model, before, after, ())

    def properties(
        self, model: type, before: Any, after: Any, path: tuple[str, ...]
    ) -> Iterator[DefinitionChange]:
        """Compare two maps attribute by attribute; what is left out has its default."""
        for name, (shape, kind, default) in _shapes(model).items():
            old, new = before.get(name, default), after.get(name, default)
            if _alike(old, new):
                continue
            deeper = (*path, name)
            if old is None or new is None:
                yield self._change(deeper, old, new)
            elif shape == "texts":
                yield from self.texts(old, new, deeper)
            elif shape == "object":
                yield from self.properties(kind, old, new, deeper)
            elif shape == "list":
                yield from self.members(kind, old, new, deeper)
            elif shape == "set":
                yield from self.members(kind, old, new, deeper, has_order=False)
            elif shape == "map":
                yield from self.entries(old, new, deeper)
            else:
                yield self._change(deeper, old, new)

    def texts(self, before: Any, after: Any, path: tuple[str, ...]) -> Iterator[DefinitionChange]:
        yield from self.entries(before.get("texts", {}), after.get("texts", {}), path)

    def entries(
        self, before: Mapping[str, Any], after: Mapping[str, Any], path: tuple[str, ...]
    ) -> Iterator[DefinitionChange]:
        for key in dict.fromkeys((*after, *before)):
            yield from self.leaf(before.get(key, ABSENT), after.get(key, ABSENT), (*path, key))

    def leaf(self, before: Any, after: Any, path: tuple[str, ...]) -> Iterator[DefinitionChange]:
        if not _alike(before, after):
            yield self._change(path, before, after)

    def members(
        self,
        kind: Any,
        before: list[Any],
        after: list[Any],
        path: tuple[str, ...],
        *,
        has_order: bool = True,
    ) -> Iterator[DefinitionChange]:
        """Compare two lists by the names of their members."""
        old, new = named(kind, before), named(kind, after)
        later = same_numbers(kind, old, new)
        old = {later.get(name, name): member for name, member in old.items()}
        for name in old:
            if name not in new:
                yield self._change((*path, name), old[name], ABSENT)
        behind = ""
        for name, member in new.items():
            if name not in old:
                place = behind if has_order else None
                yield self._change((*path, name), ABSENT, member, place)
            elif kind is not str:
                yield from self.properties(kind, old[name], member, (*path, name))
            behind = name
        if has_order:
            yield from self.order(old, new, path)

    def order(
        self, before: Mapping[str, Any], after: Mapping[str, Any], path: tuple[str, ...]
    ) -> Iterator[DefinitionChange]:
        """Compare the places of the members that stay."""
        old = [name for name in before if name in after]
        new = [name for name in after if name in before]
        if old != new:
            yield self._change((*path, "order"), old, new)

    def _change(
        self, path: tuple[str, ...], before: Any, after: Any, behind: str | None = None
    ) -> DefinitionChange:
        return DefinitionChange(self.kind, self.name, path, before, after, self.entity, behind)


def _alike(before: Any, after: Any) -> bool:
    """Return whether both are the same JSON: 1, 1.0 and true are not."""
    if before is ABSENT or after is ABSENT:
        return before is after
    options = orjson.OPT_SORT_KEYS
    return orjson.dumps(before, option=options) == orjson.dumps(after, option=options)


@cache
def _shapes(model: type) -> Mapping[str, tuple[str, Any, Any]]:
    """Return ``{attribute: (shape, class of what is in it, JSON of its default)}``."""
    hints = typing.get_type_hints(model)
    return {
        item.name: (*_shape(hints[item.name]), _default(item))
        for item in dataclasses.fields(model)
        if item.compare
    }


def _shape(hint: Any) -> tuple[str, Any]:
    origin, arguments = typing.get_origin(hint), typing.get_args(hint)
    if origin in (typing.Union, types.UnionType):
        return _shape(next(item for item in arguments if item is not type(None)))
    if hint is Label:
        return "texts", Label
    if origin is tuple:
        return "list", arguments[0]
    if origin is frozenset:
        return "set", arguments[0]
    if origin is not None and issubclass(origin, Mapping):
        return "map", arguments[1]
    if dataclasses.is_dataclass(hint):
        return "object", hint
    return "value", hint


def _default(item: dataclasses.Field[Any]) -> Any:
    default = item.default
    if default is dataclasses.MISSING or isinstance(default, Label):
        return {}
    if dataclasses.is_dataclass(default):
        return {}
    if isinstance(default, tuple | frozenset):
        return []
    return default.value if isinstance(default, Enum) else default
