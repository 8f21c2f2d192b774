"""Violations as texts: parameters in the reader's language and form."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from decimal import Decimal
from typing import Any

from kartoteka.errors import Violation
from kartoteka.model.label import Label
from kartoteka_runtime.localization.date_shapes import date_writer
from kartoteka_runtime.localization.number_shapes import number_writer
from kartoteka_runtime.web.entity_model import Words


def violation_text(violation: Violation, entity: str, words: Words, label: str = "") -> str:
    """Return what a violation says; ``label`` names the field when it is none of ``entity``."""
    params = {key: _shown(value, words) for key, value in violation.params.items()}
    if violation.field is not None:
        params["field"] = label or field_label(entity, violation.field, words)
    return words.message(violation.code, **params)


def field_label(entity: str, name: str, words: Words) -> str:
    """Return the label of a field, or its name when the entity has no such field."""
    definition = words.registry.entities.get(entity)
    if definition is None or name not in definition.field_by_name:
        return name
    return words.labels.field(entity, name, words.language)


def _shown(value: Any, words: Words) -> str:
    """Return a parameter as text: labels and entity names resolved, numbers and dates local."""
    if isinstance(value, Label):
        return words.labels.text(value, words.language)
    if isinstance(value, bool):
        return words.message("form.true" if value else "form.false")
    if isinstance(value, Decimal) and value == value.to_integral_value():
        value = int(value)
    if isinstance(value, (int, float, Decimal)):
        return number_writer(words.language, None)(value)
    if isinstance(value, date):
        return date_writer(words.language)(value)
    if isinstance(value, str):
        known = value in words.registry.entities
        return words.labels.entities(value, words.language) if known else value
    if isinstance(value, Iterable):
        return ", ".join(_shown(item, words) for item in value)
    return str(value)
