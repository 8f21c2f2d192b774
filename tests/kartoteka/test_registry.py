"""The registry as JSON: for people, and for the database without loss."""

from __future__ import annotations

import json

from kartoteka.registry_codec import decode_registry, encode_registry, fingerprint

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
