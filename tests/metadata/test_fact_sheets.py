"""The standard types agree with the fact sheets of the Common Data Model; see fact_sheets/README.

``deviations.yaml`` names every field that differs, with the reason: under ``later`` what waits for
a record type that does not exist yet, under ``different`` what is meant to be so.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml

from kartoteka.assembly import assemble, load_bundles
from kartoteka.base_metadata import base_folder
from kartoteka.model.entity import Entity
from kartoteka.model.field import Field
from kartoteka.registry import Registry
from kartoteka_marketing import plugin as marketing
from kartoteka_runtime.app_folder import hooks_of
from kartoteka_sales import plugin as sales
from kartoteka_service import plugin as service

PLUGINS = (sales, service, marketing)
HERE = Path(__file__).parent
SHEETS: Mapping[str, list[dict[str, Any]]] = {
    path.stem: json.loads(path.read_text(encoding="utf-8"))["fields"]
    for path in sorted(HERE.glob("fact_sheets/*.json"))
}
EXPLAINED: Mapping[str, Mapping[str, Mapping[str, str]]] = yaml.safe_load(
    (HERE / "deviations.yaml").read_text(encoding="utf-8")
)

# The model names a field with many targets by its relationship; records carry the other name.
DATAVERSE_NAMES = {"regardingobject": "regardingobjectid"}

_IDS = {"lookup", "customer", "owner", "regarding"}

# Field types by what the sheets call them, without what follows the colon (text:email).
FAMILIES = {
    "bigint": {"big_integer"},
    "boolean": {"yes_no"},
    "choice": {"choice", "state"},
    "datetime": {"date_time", "date"},
    "decimal": {"decimal"},
    "float": {"float"},
    "integer": {"whole_number"},
    "lookup": _IDS,
    "money": {"money"},
    "party_list": {"party_list"},
    "status": {"status"},
    "text": {"text", "autonumber"},
    "uniqueidentifier": {"unique_id", *_IDS},  # a lookup says more than a bare id
}


@pytest.fixture(scope="module")
def deviations() -> Mapping[str, Mapping[str, str]]:
    """Return ``{type: {field: what differs}}`` for every field that does not agree."""
    hooks = hooks_of(PLUGINS)
    registry = assemble(
        load_bundles([base_folder(), *(plugin.metadata_folder for plugin in PLUGINS)]),
        command_handlers=frozenset(hooks.command_handlers),
        panels=frozenset(hooks.panels),
    )
    return {name: dict(_deviations(registry, name)) for name in SHEETS}


@pytest.mark.parametrize("name", SHEETS)
def test_every_deviation_has_a_reason_and_every_reason_a_deviation(name, deviations):
    assert set(deviations[name]) == _explained(name, "later") | _explained(name, "different")


@pytest.mark.parametrize("name", SHEETS)
def test_a_standard_type_agrees_in_95_percent_of_the_fields_that_can_exist(name, deviations):
    possible = len(SHEETS[name]) - len(_explained(name, "later"))
    different = {field: deviations[name][field] for field in _explained(name, "different")}
    assert len(different) <= max(2, 0.05 * possible), different  # two: some types are small


def test_all_standard_types_together_agree_in_95_percent_of_all_fields(deviations):
    fields = sum(len(sheet) for sheet in SHEETS.values())
    agreeing = fields - sum(len(found) for found in deviations.values())
    assert agreeing / fields >= 0.95


def _explained(name: str, section: str) -> set[str]:
    """Return the fields of a type that a section of ``deviations.yaml`` gives reasons for."""
    reasons = EXPLAINED[section].get(name, {})
    return {field for fields in reasons.values() for field in fields.split()}


def _deviations(registry: Registry, name: str) -> Iterator[tuple[str, str]]:
    for fact in SHEETS[name]:
        difference = _difference(registry.entities[name], fact)
        if difference:
            yield fact["name"], difference


def _difference(entity: Entity, fact: Mapping[str, Any]) -> str:
    """Return how the entity's field differs from what the sheet says of it; "" when it agrees."""
    name = DATAVERSE_NAMES.get(fact["name"], fact["name"])
    if name == entity.primary_id:
        return ""  # a sheet calls it a lookup where other types reuse the key
    field = entity.field_by_name.get(name)
    if field is None:
        return "is missing"
    if field.type not in FAMILIES[fact["type"].partition(":")[0]]:
        return f"type is {field.type}, not {fact['type']}"
    if "max_length" in fact and field.max_length != fact["max_length"]:
        return f"max_length is {field.max_length}, not {fact['max_length']}"
    if "min" in fact and (field.min, field.max) != _range(fact):
        return f"range is {field.min} to {field.max}, not {fact['min']} to {fact['max']}"
    return _option_difference(entity, field, fact)


def _range(fact: Mapping[str, Any]) -> tuple[Decimal, Decimal]:
    return Decimal(str(fact["min"])), Decimal(str(fact["max"]))


def _option_difference(entity: Entity, field: Field, fact: Mapping[str, Any]) -> str:
    if field.type == "status":
        states = {
            str(reason.value): state.value for state in entity.states for reason in state.reasons
        }
        return "" if states == fact["states"] else f"reasons are {states}, not {fact['states']}"
    values = {option.value for option in field.options}
    wanted = set(fact.get("options", values))  # a sheet that lists none leaves them open
    return "" if values == wanted else f"options are {sorted(values)}, not {sorted(wanted)}"
