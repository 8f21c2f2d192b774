"""The registry as JSON: for people, and for the database without loss."""

from __future__ import annotations

import hashlib
import json

from kartoteka.registry import Registry
from kartoteka.registry_codec import (
    decode_registry,
    encode_registry,
    fingerprint,
    registry_of_text,
    registry_text,
)

VEHICLE = {
    "entities/vehicle": """
        kind: entity
        format: 1
        name: vehicle
        label: { en: Vehicle }
        primary_field: name
        fields:
          - { name: name, type: text, label: { en: Name }, max_length: 40 }
          - { name: price, type: money, min: 0.5 }
          - { name: wheels, type: whole_number, max: 18, required: on_form }
    """
}


def test_to_json_tells_every_resolved_definition(registry_of):
    told = json.loads(json.dumps(registry_of(VEHICLE).to_json()))
    fields = {field["name"]: field for field in told["entities"]["vehicle"]["fields"]}
    assert fields["name"] == {
        "name": "name",
        "type": "text",
        "label": {"en": "Name"},
        "required": "always",
        "max_length": 40,
        "format": "plain",
        "bundle": "app",
    }
    assert fields["price"]["min"] == 0.5
    assert fields["wheels"]["max"] == 18
    assert fields["wheels"]["required"] == "on_form"
    assert told["languages"] == ["en"]
    assert "sources" not in told


def test_to_json_does_not_depend_on_where_files_lie(registry_of, monkeypatch, tmp_path):
    here = registry_of(VEHICLE)
    moved = {"deeper/vehicle": VEHICLE["entities/vehicle"] + "\n# moved\n"}
    (tmp_path / "layer_0" / "entities" / "vehicle.yaml").unlink()
    there = registry_of(moved)
    assert here.to_json() == there.to_json()
    assert fingerprint(here) == fingerprint(there)


def test_what_is_stored_comes_back_the_same(registry_of):
    registry = registry_of(VEHICLE)
    stored = json.loads(json.dumps(encode_registry(registry)))
    assert decode_registry(stored) == registry


def test_the_stored_text_has_a_line_an_object_and_comes_back_the_same(registry_of):
    registry = registry_of(VEHICLE)
    text = registry_text(registry)
    assert json.loads(text) == json.loads(json.dumps(encode_registry(registry)))
    assert [line for line in text.splitlines() if line.startswith('"vehicle":')]
    for stored in (text, json.dumps(encode_registry(registry))):
        assert registry_of_text(stored) == registry
        assert list(registry_of_text(stored).entities) == list(registry.entities)


def test_what_a_newer_version_stored_besides_is_passed_over(registry_of):
    registry = registry_of(VEHICLE)
    text = registry_text(registry)
    newer = text.replace('{\n"', '{\n"colours":["red"],\n"shapes":{\n"round":{"x":1}\n},\n"', 1)
    assert registry_of_text(newer) == registry


def test_equal_labels_of_a_stored_registry_are_one_object(registry_of):
    entities = registry_of_text(registry_text(registry_of(VEHICLE))).entities
    created = [entities[name].field_by_name["createdon"].label for name in ("account", "contact")]
    assert created[0] is created[1]


def test_the_fingerprint_is_that_of_the_json_with_sorted_keys(registry_of):
    registry = registry_of(VEHICLE)
    for one in (registry, Registry()):
        text = json.dumps(
            encode_registry(one), sort_keys=True, ensure_ascii=False, separators=(",", ":")
        )
        assert fingerprint(one) == hashlib.sha256(text.encode()).hexdigest()
