"""Sample values: something valid for every field that people fill in, and records made of it."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

from kartoteka.model.entity import Entity
from kartoteka.model.field import Field, Required
from kartoteka.plugin_api.contexts import Records
from kartoteka.record_values import Reference
from kartoteka.registry import Registry
from kartoteka_runtime.records.content_fields import contents_of

_TEXT_BY_FORMAT = {
    "email": "sample@example.com",
    "url": "https://example.com",
    "phone": "+48 22 123 45 67",
    "ticker": "SMPL",
}
_NUMBER_BY_FORMAT = {"language": 1033, "time_zone": 110}


class SampleRecords:
    """Creates records of any entity, with the records that they cannot do without."""

    def __init__(self, registry: Registry, records: Records) -> None:
        """Create through ``records``; at most one record of each entity is made."""
        self._registry = registry
        self._records = records
        self._made: dict[str, Reference] = {}

    async def create(self, entity: str) -> Reference:
        """Return the sample record of an entity, creating it on first use."""
        if entity not in self._made:
            definition = self._registry.entities[entity]
            values = sample_values(definition)
            for field in definition.fields:
                if _is_needed_lookup(field):
                    values[field.name] = await self.create(field.targets[0])
            record_id = await self._records.create(entity, values)
            self._made[entity] = Reference(entity, record_id)
        return self._made[entity]


def sample_values(entity: Entity) -> dict[str, Any]:
    """Return a valid value for every field that people fill in and that refers to no record."""
    values = {}
    not_said = contents_of(entity)  # of files
    for field in entity.fields:
        make = _SAMPLES.get(field.type)
        if field.name in not_said or field.name == entity.primary_id or field.read_only:
            continue
        if make is not None:
            values[field.name] = make(field)
    return values


def _is_needed_lookup(field: Field) -> bool:
    return (
        field.is_lookup
        and field.type != "owner"
        and not field.read_only
        and field.required in (Required.ALWAYS, Required.ON_FORM)
    )


def _text(field: Field) -> str:
    text = _TEXT_BY_FORMAT.get(field.format, f"Sample {field.name}")
    return text[: field.max_length]


def _whole(field: Field) -> int:
    return int(_within(field, Decimal(_NUMBER_BY_FORMAT.get(field.format, 1))))


def _within(field: Field, wanted: Decimal) -> Decimal:
    """Return the number nearest to the wanted one that the field's range allows."""
    if field.min is not None and wanted < field.min:
        return field.min
    if field.max is not None and wanted > field.max:
        return field.max
    return wanted


def _moment(field: Field) -> date | datetime:
    if field.behavior == "date_only":
        return date(2031, 5, 6)
    if field.behavior == "time_zone_independent":
        return datetime(2031, 5, 6, 12, 0)
    return datetime(2031, 5, 6, 12, 0, tzinfo=UTC)


def _option(field: Field) -> int | None:
    if field.default is not None:
        return int(field.default)
    return field.options[0].value if field.options else None


_SAMPLES: Mapping[str, Callable[[Field], Any]] = {
    "text": _text,
    "whole_number": _whole,
    "big_integer": _whole,
    "decimal": lambda field: _within(field, Decimal(1)),
    "money": lambda field: _within(field, Decimal(1)),
    "float": lambda field: float(_within(field, Decimal(1))),
    "yes_no": lambda field: bool(field.default),
    "choice": _option,
    "multi_choice": lambda field: tuple(option.value for option in field.options[:1]) or None,
    "date": lambda field: date(2031, 5, 6),
    "date_time": _moment,
}
