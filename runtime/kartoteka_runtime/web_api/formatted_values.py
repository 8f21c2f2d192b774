"""Values as people read them, for the annotation ``FormattedValue``.

There are none for texts, ids and empty fields. Source: reference web-api, section 6.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from zoneinfo import ZoneInfo

from kartoteka.conditions.zones import zone_named
from kartoteka.labels import LabelResolver
from kartoteka.model.entity import Entity
from kartoteka.model.field import Field
from kartoteka_runtime.localization.codes import language_names, time_zone_names
from kartoteka_runtime.localization.format_value import value_writer
from kartoteka_runtime.localization.number_shapes import number_writer

Write = Callable[[Any], str]
_NOT_FORMATTED = ("text", "autonumber", "unique_id", "file", "image", "party_list")


@dataclass(frozen=True, slots=True)
class Reader:
    """Whoever reads the values: their language and time zone, and the labels to take."""

    labels: LabelResolver
    language: str
    time_zone: str = "UTC"

    @property
    def zone(self) -> ZoneInfo:
        """Return the time zone that instants are written in."""
        return zone_named(self.time_zone)


def count_writer(reader: Reader) -> Write:
    """Return what writes a number that belongs to no field."""
    return number_writer(reader.language, None)


def formatted_value(field: Field, entity: Entity | None, reader: Reader) -> Write | None:
    """Return what writes the values of a field, which are not None; None when nothing does.

    Lookups and money are not written here: a lookup's name comes with it, and money is in the
    currency of its record.
    """
    if field.type in _NOT_FORMATTED or field.is_lookup:
        return None
    if field.type == "multi_choice":
        several = _options(field, entity, reader)
        return lambda value: "; ".join(several.get(one, str(one)) for one in value)
    if field.is_choice or field.type == "yes_no":
        options = _options(field, entity, reader)
        return lambda value: options.get(int(value), str(value))
    if field.type == "whole_number" and field.format in ("language", "time_zone"):
        names = language_names(reader.language) if field.format == "language" else time_zone_names()
        return lambda value: names.get(value, str(value))
    return value_writer(field, reader.language, reader.zone)


def _options(field: Field, entity: Entity | None, reader: Reader) -> Mapping[int, str]:
    def text(label: Any, name: str) -> str:
        return reader.labels.text(label, reader.language) or name

    if entity is not None and field.type == "state":
        return {state.value: text(state.label, state.name) for state in entity.states}
    if entity is not None and field.type == "status":
        return {
            reason.value: text(reason.label, reason.name)
            for state in entity.states
            for reason in state.reasons
        }
    return {
        option.value: text(option.label, "") or _usual(field, option.value, option.name, reader)
        for option in field.options
    }


def _usual(field: Field, value: int, name: str, reader: Reader) -> str:
    """Return what an option without a label is called: Yes and No, else its name."""
    if field.type == "yes_no":
        return reader.labels.message("form.true" if value else "form.false", reader.language)
    return name
