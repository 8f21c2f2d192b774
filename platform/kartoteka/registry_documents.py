"""A registry as metadata files: one canonical document an object, which mean the registry again.

Everything stands written out: fields that groups or the platform add, states, texts of all
languages beside what they label. Only what the loader makes the same by itself is left out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import asdict
from decimal import Decimal
from typing import Any

from kartoteka.loading.load_bundle import folder_of_kind
from kartoteka.model.choice import Choice, Option
from kartoteka.model.column_profile import ColumnProfile
from kartoteka.model.document_values import action_map
from kartoteka.model.entity import Command, Entity, State
from kartoteka.model.field import Cascade, Field, Required
from kartoteka.model.field_types import (
    DEFAULT_MAX_LENGTH,
    DEFAULT_PRECISION,
    DEFAULT_SIZE_KB,
    FIELD_TYPES,
    NUMBER_LIMITS,
)
from kartoteka.model.form import Control, Form
from kartoteka.model.label import Label
from kartoteka.model.navigation import Area
from kartoteka.model.relationship import Relationship
from kartoteka.model.role import PRIVILEGES, Role
from kartoteka.model.rule import Action, Rule
from kartoteka.model.view import View
from kartoteka.registry import Registry
from kartoteka.yaml_text.canonical_order import to_canonical
from kartoteka.yaml_text.format_document import source_text
from kartoteka.yaml_text.source_tree import Node, Source, node_of

_Map = dict[str, Any]

# Lookups that find their targets by a feature, and the features.
_FEATURE_OF_TYPE = {"customer": "customer", "owner": "owner", "regarding": "activities"}
_FORMAT_OF_TYPE = {"text": "plain", "whole_number": "none"}
_YES_NO_MESSAGES = {"true_label": "form.true", "false_label": "form.false"}


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
        self._with_feature: dict[str, list[str]] = {}
        for name in sorted(registry.entities):
            for feature in registry.entities[name].features:
                self._with_feature.setdefault(feature, []).append(name)

    def all(self) -> Iterator[tuple[str, str]]:
        registry = self._registry
        for entity in registry.entities.values():
            yield self._file("entity", entity.name, self._entity(entity))
        for choice in registry.choices.values():
            yield self._file("choice", choice.name, _choice(choice))
        for relationship in registry.relationships.values():
            yield self._file("relationship", relationship.name, _relationship(relationship))
        for form in registry.forms.values():
            yield self._file("form", form.name, _form(form))
        for view in registry.views.values():
            yield self._file("view", view.name, _view(view))
        for role in registry.roles.values():
            yield self._file("role", role.name, _role(role))
        for profile in registry.column_profiles.values():
            yield self._file("column_profile", profile.name, _column_profile(profile))
        for area in registry.areas.values():
            yield self._file("navigation", area.name, _area(area))
        for rule in registry.rules.values():
            yield self._file("rule", rule.name, _rule(rule))
        yield from self._messages()

    def _file(self, kind: str, name: str, content: _Map) -> tuple[str, str]:
        root = node_of({"kind": kind, "format": 1, "name": name, **_told(content)})
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

    def _entity(self, entity: Entity) -> _Map:
        default_id = "activityid" if entity.is_activity else f"{entity.name}id"
        return {
            "label": _label(entity.label),
            "plural_label": _label(entity.plural_label),
            "help": _label(entity.help),
            "set_name": entity.set_name,
            "icon": entity.icon,
            "color": entity.color,
            "primary_field": entity.primary_field,
            "primary_id": entity.primary_id if entity.primary_id != default_id else "",
            "ownership": entity.ownership,
            "activity": entity.is_activity,
            "parent": entity.parent_field,
            "features": sorted(entity.features),
            "fields": [self._field(field, entity) for field in entity.fields],
            "keys": [
                _told(
                    {
                        "name": key.name,
                        "schema_name": key.schema_name,
                        "label": _label(key.label),
                        "fields": list(key.fields),
                    }
                )
                for key in entity.keys
            ],
            "states": _states(entity),
            "transitions": _transitions(entity),
            "commands": [self._command(command) for command in entity.commands],
            "schema_name": entity.schema_name,
        }

    def _command(self, command: Command) -> _Map:
        return _told({
            "name": command.name,
            "label": _label(command.label),
            "help": _label(command.help),
            "icon": command.icon,
            "from": list(command.from_states),
            "to": command.to_state,
            "reason": command.to_reason,
            "confirm": _label(command.confirm),
            "parameters": [self._field(field, None) for field in command.parameters],
        })  # fmt: skip

    def _field(self, field: Field, entity: Entity | None) -> _Map:
        is_primary = entity is not None and field.name == entity.primary_field
        options = _option_list(field.options)
        has_own_options = field.type in ("choice", "multi_choice") and not field.choice
        return _told({
            "name": field.name,
            "type": field.type,
            "label": _label(field.label),
            "help": _label(field.help),
            "required": _required(field, is_primary),
            "unique": field.unique,
            "default": _default(field),
            "read_only": field.read_only and not field.is_calculated,
            "audited": None if field.audited else _Said(False),
            "searchable": None if field.searchable else _Said(False),
            "secured": field.secured,
            "mask": None if field.mask is None else asdict(field.mask),
            "max_length": _unless(field.max_length, DEFAULT_MAX_LENGTH),
            "format": _unless(field.format, _FORMAT_OF_TYPE.get(field.type, "")),
            "joined_from": list(field.joined_from),
            "separator": _unless(field.separator, " "),
            "number_format": field.number_format,
            "first_number": _unless(field.first_number, 1000),
            **_limits(field),
            "precision": _unless(field.precision, DEFAULT_PRECISION.get(field.type)),
            "precision_source": _unless(field.precision_source, "field"),
            "base_of": field.base_of,
            **self._yes_no_labels(field, entity),
            "choice": field.choice,
            "options": options if has_own_options else None,
            "behavior": field.behavior if field.behavior != "user_local" else "",
            **self._targets(field),
            **_cascade(field),
            "hierarchical": field.hierarchical,
            "relationship": _relationship_name(field, entity),
            "formula": field.formula,
            "stored": field.stored,
            "rollup": None if field.rollup is None else _told(asdict(field.rollup)),
            "max_size_kb": _unless(field.max_size_kb, DEFAULT_SIZE_KB.get(field.type)),
            "allowed_extensions": list(field.allowed_extensions),
            "full_image": _unless(field.full_image, True),
            "participation": field.participation,
            "schema_name": field.schema_name,
        })  # fmt: skip

    def _yes_no_labels(self, field: Field, entity: Entity | None) -> _Map:
        if field.type != "yes_no":
            return {}
        labels = {f"{option.name}_label": option.label for option in field.options}
        if entity is not None:  # a field's own are those of the messages when it says nothing
            messages = self._registry.messages
            labels = {
                key: label for key, label in labels.items()
                if label != messages.get(_YES_NO_MESSAGES[key])
            }  # fmt: skip
        return {key: _label(label) for key, label in labels.items()}

    def _targets(self, field: Field) -> _Map:
        """Return what makes the loader find the same targets in the same order."""
        if not field.targets:
            return {}
        own = _FEATURE_OF_TYPE.get(field.type, "")
        if field.target_feature:
            found = tuple(self._with_feature.get(field.target_feature, ()))
            named = list(field.targets) if field.targets != found else []
            says_feature = bool(named) or field.target_feature != own
            return {
                "targets": named,
                "target_feature": field.target_feature if says_feature else "",
            }
        if len(field.targets) == 1:
            return {"target": field.targets[0]}
        return {"targets": list(field.targets)}


def _told(content: _Map) -> _Map:
    """Return a map without what says nothing: None, false, empty texts, maps and lists.

    Where one of these does say something, it is wrapped in ``_Said``.
    """
    return {
        key: value.value if isinstance(value, _Said) else value
        for key, value in content.items()
        if isinstance(value, _Said) or (value not in (None, "", [], {}) and value is not False)
    }


class _Said:
    """A value that is written although it looks empty."""

    __slots__ = ("value",)

    def __init__(self, value: Any) -> None:
        self.value = value


def _unless(value: Any, default: Any) -> Any:
    return None if value == default or value is None else _Said(value)


def _label(label: Label) -> _Map:
    return dict(label.texts)


def _option(option: Option) -> _Map:
    return _told({
        "name": option.name, "value": _Said(option.value), "label": _label(option.label),
        "color": option.color,
    })  # fmt: skip


def _option_list(options: tuple[Option, ...]) -> list[_Map]:
    return [_option(option) for option in options]


def _required(field: Field, is_primary: bool) -> Any:
    match field.required:
        case Required.ALWAYS:
            return True
        case Required.NO:
            return _Said(False) if is_primary else None
        case required:
            return required.value


def _default(field: Field) -> Any:
    if field.default is None:
        return None
    if field.type in ("choice", "multi_choice"):
        named = (option.name for option in field.options if option.value == field.default)
        return _Said(next(named, field.default))
    value = field.default
    return _Said(_number(value) if isinstance(value, Decimal) else value)


def _limits(field: Field) -> _Map:
    keys = FIELD_TYPES[field.type].keys
    low, high = NUMBER_LIMITS.get(field.type, (None, None))
    found: _Map = {}
    for key, value, limit in (("min", field.min, low), ("max", field.max, high)):
        if key in keys and value is not None and str(value) != str(limit):
            found[key] = _Said(_number(value))
    return found


def _number(value: Decimal) -> Node:
    """Return a number so written that exactly the same one is read back, zeros included."""
    plain = format(value, "f")
    return Node("scalar", value, plain if str(Decimal(plain)) == str(value) else str(value))


def _cascade(field: Field) -> _Map:
    if not field.is_lookup:
        return {}
    usual = Cascade(delete="restrict" if field.required == Required.ALWAYS else "clear")
    names = ("delete", "assign", "share", "unshare", "reparent", "merge")
    return {
        f"on_{name}": _unless(getattr(field.cascade, name), getattr(usual, name)) for name in names
    }


def _relationship_name(field: Field, entity: Entity | None) -> str:
    if not field.is_lookup or entity is None:
        return ""
    one = field.targets[0] if len(field.targets) == 1 else _FEATURE_OF_TYPE.get(field.type, "")
    usual = "_".join(part for part in (one, entity.name, field.name) if part)
    return field.relationship if field.relationship != usual else ""


def _states(entity: Entity) -> Any:
    if not entity.states:
        return _Said([]) if entity.ownership != "none" else None
    return [_state(state) for state in entity.states]


def _state(state: State) -> _Map:
    return _told({
        "name": state.name,
        "value": _Said(state.value),
        "label": _label(state.label),
        "read_only": state.read_only,
        "reasons": [
            _told({
                "name": reason.name,
                "value": _Said(reason.value),
                "label": _label(reason.label),
                "color": reason.color,
                "next": None if reason.next is None else _Said(list(reason.next)),
            })
            for reason in state.reasons
        ],
    })  # fmt: skip


def _transitions(entity: Entity) -> Any:
    if entity.transitions is None:
        return None
    has_moves = any(command.to_state for command in entity.commands)
    if not entity.transitions and has_moves:
        return None
    return _Said([{"from": item.from_state, "to": item.to_state} for item in entity.transitions])


def _choice(choice: Choice) -> _Map:
    return {"label": _label(choice.label), "options": _Said(_option_list(choice.options))}


def _relationship(relationship: Relationship) -> _Map:
    return {
        "schema_name": relationship.schema_name,
        "left": relationship.left,
        "right": relationship.right,
        "intersect": relationship.intersect,
        "left_label": _label(relationship.left_label),
        "right_label": _label(relationship.right_label),
    }


def _form(form: Form) -> _Map:
    return {
        "label": _label(form.label),
        "entity": form.entity,
        "type": form.type,
        "order": _unless(form.order, 100),
        "roles": list(form.roles),
        "header": list(form.header),
        "tabs": _Said([
            _told({
                "name": tab.name,
                "label": _label(tab.label),
                "columns": _unless(tab.columns, 1),
                "sections": _Said([
                    _told({
                        "name": section.name,
                        "label": _label(section.label),
                        "columns": _unless(section.columns, 1),
                        "controls": _Said([_control(control) for control in section.controls]),
                    })
                    for section in tab.sections
                ]),
            })
            for tab in form.tabs
        ]),
    }  # fmt: skip


def _control(control: Control) -> _Map | str:
    found = _told({
        "field": control.field,
        "subgrid": control.subgrid,
        "quick_view": control.quick_view,
        "panel": control.panel,
        "label": _label(control.label),
        "read_only": control.read_only,
        "width": _unless(control.width, 1),
        "rows": _unless(control.rows, 0),
        "entity": control.entity,
        "by": control.by,
        "relationship": control.relationship,
        "view": control.view,
        "form": control.form,
    })  # fmt: skip
    return control.field if found.keys() == {"field"} else found


def _view(view: View) -> _Map:
    columns = [
        _told({"field": column.field, "label": _label(column.label), "width": column.width or None})
        for column in view.columns
    ]
    return {
        "label": _label(view.label),
        "entity": view.entity,
        "type": view.type,
        "default": view.is_default,
        "filter": view.filter,
        "order": [f"{key.field} desc" if key.descending else key.field for key in view.order],
        "columns": _Said([
            column["field"] if column.keys() == {"field"} else column for column in columns
        ]),
        "find": list(view.find),
    }  # fmt: skip


def _role(role: Role) -> _Map:
    return {
        "label": _label(role.label),
        "help": _label(role.help),
        "grants_all": role.grants_all,
        "privileges": [{"entity": item.entity, **_levels(item.levels)} for item in role.privileges],
        "miscellaneous": list(role.miscellaneous),
    }


def _column_profile(profile: ColumnProfile) -> _Map:
    return {
        "label": _label(profile.label),
        "help": _label(profile.help),
        "privileges": [
            _told({
                "entity": item.entity,
                "columns": [
                    _told({
                        "field": column.field,
                        "read": column.read,
                        "create": column.create,
                        "update": column.update,
                        "read_unmasked": _unless(column.read_unmasked, "none"),
                    })
                    for column in item.columns
                ],
            })
            for item in profile.privileges
        ],
    }  # fmt: skip


def _levels(levels: Mapping[str, str]) -> dict[str, str]:
    return {verb: levels[verb] for verb in PRIVILEGES if verb in levels}


def _area(area: Area) -> _Map:
    return {
        "label": _label(area.label),
        "icon": area.icon,
        "order": _unless(area.order, 100),
        "groups": _Said([
            _told({
                "name": group.name,
                "label": _label(group.label),
                "entries": _Said([
                    _told({
                        "name": entry.name, "label": _label(entry.label), "entity": entry.entity,
                        "view": entry.view,
                    })
                    for entry in group.entries
                ]),
            })
            for group in area.groups
        ]),
    }  # fmt: skip


def _rule(rule: Rule) -> _Map:
    return {
        "label": _label(rule.label),
        "help": _label(rule.help),
        "entity": rule.entity,
        "scope": rule.scope,
        "form": rule.form,
        "order": _unless(rule.order, 100),
        "enabled": None if rule.is_enabled else _Said(False),
        "branches": [
            _told({"name": branch.name, "when": branch.when, "then": _Said(_actions(branch.then))})
            for branch in rule.branches
        ],
        "otherwise": _actions(rule.otherwise),
    }


def _actions(actions: tuple[Action, ...]) -> list[_Map]:
    return [_action(action) for action in actions]


def _action(action: Action) -> _Map:
    found = action_map(action)
    value = action.value
    found["value"] = None if value is None else _Said(_literal(value))
    found["then"] = [_action(inner) for inner in action.then]
    return _told(found)


def _literal(value: Any) -> Any:
    return _number(value) if isinstance(value, Decimal) else value
