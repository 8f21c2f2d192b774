"""Fields of entities and parameters of commands as documents have them."""

from __future__ import annotations

from dataclasses import asdict
from decimal import Decimal
from typing import Any

from kartoteka.model.entity import Entity
from kartoteka.model.field import Cascade, Field, Required
from kartoteka.model.field_types import (
    DEFAULT_MAX_LENGTH,
    DEFAULT_PRECISION,
    DEFAULT_SIZE_KB,
    FIELD_TYPES,
    NUMBER_LIMITS,
)
from kartoteka.registry import Registry
from kartoteka.registry_documents.choice_map import option_maps
from kartoteka.registry_documents.sparse_map import (
    Map,
    Said,
    exact_number,
    label_map,
    sparse,
    unless,
)

# Lookups that find their targets by a feature, and the features.
_FEATURE_OF_TYPE = {"customer": "customer", "owner": "owner", "regarding": "activities"}
_FORMAT_OF_TYPE = {"text": "plain", "whole_number": "none"}
_YES_NO_MESSAGES = {"true_label": "form.true", "false_label": "form.false"}


class FieldMaps:
    """Makes the maps of fields; what a field may leave out depends on its registry."""

    def __init__(self, registry: Registry) -> None:
        """Know the messages of ``registry`` and which entities have a feature."""
        self._messages = registry.messages
        self._with_feature: dict[str, list[str]] = {}
        for name in sorted(registry.entities):
            for feature in registry.entities[name].features:
                self._with_feature.setdefault(feature, []).append(name)

    def map_of(self, field: Field, entity: Entity | None) -> Map:
        """Return a field of an entity, or without one the parameter of a command."""
        is_primary = entity is not None and field.name == entity.primary_field
        options = option_maps(field.options)
        has_own_options = field.type in ("choice", "multi_choice") and not field.choice
        return sparse({
            "name": field.name,
            "type": field.type,
            "label": label_map(field.label),
            "help": label_map(field.help),
            "required": _required(field, is_primary),
            "unique": field.unique,
            "default": _default(field),
            "read_only": field.read_only and not field.is_calculated,
            "audited": None if field.audited else Said(False),
            "searchable": None if field.searchable else Said(False),
            "secured": field.secured,
            "mask": None if field.mask is None else asdict(field.mask),
            "max_length": unless(field.max_length, DEFAULT_MAX_LENGTH),
            "format": unless(field.format, _FORMAT_OF_TYPE.get(field.type, "")),
            "joined_from": list(field.joined_from),
            "separator": unless(field.separator, " "),
            "number_format": field.number_format,
            "first_number": unless(field.first_number, 1000),
            **_limits(field),
            "precision": unless(field.precision, DEFAULT_PRECISION.get(field.type)),
            "precision_source": unless(field.precision_source, "field"),
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
            "rollup": None if field.rollup is None else sparse(asdict(field.rollup)),
            "max_size_kb": unless(field.max_size_kb, DEFAULT_SIZE_KB.get(field.type)),
            "allowed_extensions": list(field.allowed_extensions),
            "full_image": unless(field.full_image, True),
            "participation": field.participation,
            "schema_name": field.schema_name,
        })  # fmt: skip

    def _yes_no_labels(self, field: Field, entity: Entity | None) -> Map:
        if field.type != "yes_no":
            return {}
        labels = {f"{option.name}_label": option.label for option in field.options}
        if entity is not None:  # a field's own are those of the messages when it says nothing
            labels = {
                key: label for key, label in labels.items()
                if label != self._messages.get(_YES_NO_MESSAGES[key])
            }  # fmt: skip
        return {key: label_map(label) for key, label in labels.items()}

    def _targets(self, field: Field) -> Map:
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


def _required(field: Field, is_primary: bool) -> Any:
    match field.required:
        case Required.ALWAYS:
            return True
        case Required.NO:
            return Said(False) if is_primary else None
        case required:
            return required.value


def _default(field: Field) -> Any:
    if field.default is None:
        return None
    if field.type in ("choice", "multi_choice"):
        named = (option.name for option in field.options if option.value == field.default)
        return Said(next(named, field.default))
    value = field.default
    return Said(exact_number(value) if isinstance(value, Decimal) else value)


def _limits(field: Field) -> Map:
    keys = FIELD_TYPES[field.type].keys
    low, high = NUMBER_LIMITS.get(field.type, (None, None))
    found: Map = {}
    for key, value, limit in (("min", field.min, low), ("max", field.max, high)):
        if key in keys and value is not None and str(value) != str(limit):
            found[key] = Said(exact_number(value))
    return found


def _cascade(field: Field) -> Map:
    if not field.is_lookup:
        return {}
    usual = Cascade(delete="restrict" if field.required == Required.ALWAYS else "clear")
    names = ("delete", "assign", "share", "unshare", "reparent", "merge")
    return {
        f"on_{name}": unless(getattr(field.cascade, name), getattr(usual, name)) for name in names
    }


def _relationship_name(field: Field, entity: Entity | None) -> str:
    if not field.is_lookup or entity is None:
        return ""
    one = field.targets[0] if len(field.targets) == 1 else _FEATURE_OF_TYPE.get(field.type, "")
    usual = "_".join(part for part in (one, entity.name, field.name) if part)
    return field.relationship if field.relationship != usual else ""
