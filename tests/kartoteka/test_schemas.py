"""The JSON Schemas of document kinds: each key is explained, and says what leaving it out means."""

from __future__ import annotations

import copy
import json
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
import yaml

from kartoteka.assembly import assemble, load_bundles
from kartoteka.errors import MetadataError
from kartoteka.loading.document_schemas import KINDS, schema_of
from kartoteka.model.field_types import COMMON_KEYS, FIELD_TYPES
from kartoteka.registry_codec import encode_registry

BASE = Path(__file__).parents[1] / "golden" / "_base"

# An app in which every map of every kind stands somewhere.
APP = {
    "bundle": "{kind: bundle, format: 1, name: app, label: {en: App}}",
    "entities/boat": """
        {kind: entity, format: 1, name: boat, label: {en: Boat}, plural_label: {en: Boats},
         primary_field: name, fields: [
           {name: name, type: text, label: {en: Name}, required: true},
           {name: count, type: whole_number, label: {en: Count}},
           {name: number, type: autonumber, label: {en: Number}, number_format: "B-{SEQNUM:4}"},
           {name: length, type: decimal, label: {en: Length}},
           {name: price, type: money, label: {en: Price}},
           {name: built, type: date_time, label: {en: Built}},
           {name: payer, type: lookup, target: account, label: {en: Payer}},
           {name: tug, type: lookup, target: boat, label: {en: Tug}},
           {name: tugged, type: whole_number, label: {en: Tugged},
            rollup: {over: boat_boat_tug, function: count}},
           {name: owed, type: money, secured: true, label: {en: Owed}},
           {name: hull, type: text, secured: true, mask: {pattern: "."}, label: {en: Hull}},
           {name: parts, type: text, label: {en: Parts}, joined_from: [name]},
           {name: kind, type: choice, label: {en: Kind}, options: [
             {name: sail, value: 1, label: {en: Sail}}]}],
         keys: [{name: by_number, fields: [number], label: {en: Number}}],
         states: [
           {name: open, value: 0, label: {en: Open}, reasons: [
             {name: fresh, value: 1, label: {en: Fresh}}]},
           {name: shut, value: 1, label: {en: Shut}, reasons: [
             {name: done, value: 2, label: {en: Done}}]}],
         transitions: [{from: open, to: shut}],
         commands: [{name: finish, label: {en: Finish}, to: shut}]}
        """,
    "choices/color": """
        {kind: choice, format: 1, name: color, label: {en: Color}, options: [
          {name: red, value: 1, label: {en: Red}}]}
        """,
    "field_groups/paid": """
        {kind: field_group, format: 1, name: paid, fields: [
          {name: fee, type: money, label: {en: Fee}}]}
        """,
    "relationships/boat_account": """
        {kind: relationship, format: 1, name: boat_account, left: boat, right: account,
         intersect: boataccount}
        """,
    "forms/boat_main": """
        {kind: form, format: 1, name: boat_main, label: {en: Boat}, entity: boat, type: main,
         tabs: [{name: one, sections: [{name: two, controls: [
           {field: name}, {subgrid: team, entity: account, relationship: boat_account}]}]}]}
        """,
    "views/boats": """
        {kind: view, format: 1, name: boats, label: {en: Boats}, entity: boat, type: public,
         columns: [{field: name}]}
        """,
    "rules/afloat": """
        {kind: rule, format: 1, name: afloat, label: {en: Afloat}, entity: boat,
         branches: [{name: named, when: name ne null, then: [{require: name}]}]}
        """,
    "security_roles/sailor": """
        {kind: role, format: 1, name: sailor, label: {en: Sailor},
         privileges: [{entity: boat, create: user}, {entity: account, read: user}]}
        """,
    "column_profiles/payroll": """
        {kind: column_profile, format: 1, name: payroll, label: {en: Payroll}, privileges: [
          {entity: boat, columns: [{field: owed, create: true}, {field: hull, read: true}]}]}
        """,
    "security_roles/guest": "{kind: role, format: 1, name: guest, label: {en: Guest}}",
    "entities/pier": """
        {kind: entity, format: 1, name: pier, label: {en: Pier}, plural_label: {en: Piers},
         ownership: none}
        """,
    "navigation/harbour": """
        {kind: navigation, format: 1, name: harbour, label: {en: Harbour},
         groups: [{name: one, entries: [{name: boats, entity: boat}]}]}
        """,
}


def properties_in(schema):
    """Yield each map of a kind as ``{key: schema of its value}``."""
    if isinstance(schema, dict):
        if isinstance(schema.get("properties"), dict):
            yield schema["properties"]
        for value in schema.values():
            yield from properties_in(value)
    elif isinstance(schema, list):
        for item in schema:
            yield from properties_in(item)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("is_extension", [False, True])
def test_every_key_is_explained_in_sentences(kind, is_extension):
    for properties in properties_in(schema_of(kind, is_extension)):
        for key, schema in properties.items():
            text = schema.get("description", "")
            assert text[:1].isupper() or text[:1] == "`", f"{key}: {text}"
            assert text.rstrip(").").endswith(("…", "`")) or text[-1] in ".)?…", f"{key}: {text}"
            assert len(text) < 450, key


@pytest.mark.parametrize("kind", KINDS)
def test_every_document_begins_alike(kind):
    keys = list(schema_of(kind)["properties"])
    head = ["kind", "format", "name", "extends", "renamed_from", "only_with", "customizable"]
    expected = [key for key in head if key in keys]
    if kind != "bundle":  # where it speaks of everything that the bundle defines
        assert keys[: len(expected)] == expected


def test_keys_of_a_field_stand_in_the_order_of_the_types():
    keys = list(schema_of("entity")["$defs"]["field"]["properties"])
    assert set(keys[: len(COMMON_KEYS)]) == COMMON_KEYS
    own = set().union(*(field_type.keys for field_type in FIELD_TYPES.values()))
    assert set(keys[len(COMMON_KEYS) :]) == own


def assembled(documents):
    with TemporaryDirectory() as folder:
        for name, document in documents.items():
            path = Path(folder, f"{name}.yaml")
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(json.dumps(document), "utf-8")
        return encode_registry(assemble(load_bundles([BASE, Path(folder)])))


def absent_defaults(document, schema, known, path=()):
    """Yield ``(path, key, default)`` of each key with a default that a document leaves out."""
    while "$ref" in schema:
        schema = known[schema["$ref"].rsplit("/", 1)[1]]
    if isinstance(document, dict):
        for key, inner in schema.get("properties", {}).items():
            if key in document:
                yield from absent_defaults(document[key], inner, known, (*path, key))
            elif "default" in inner:
                yield path, key, inner["default"]
    elif isinstance(document, list):
        for index, item in enumerate(document):
            yield from absent_defaults(item, schema["items"], known, (*path, index))


def test_a_default_that_is_written_out_changes_nothing():
    documents = {name: yaml.safe_load(text) for name, text in APP.items()}
    confirmed, refused = written_out(documents)
    for kind in ("role", "view"):
        documents["bundle"]["customizable"] = {kind: True}
        confirmed |= written_out({"bundle": documents["bundle"]})[0]

    with_default = {
        key
        for kind in KINDS
        for properties in properties_in(schema_of(kind))
        for key, schema in properties.items()
        if "default" in schema
    }
    lacking = with_default - {place[-1] for place in confirmed}
    assert not lacking, {place: told for place, told in refused.items() if place[-1] in lacking}


def written_out(documents):
    """Return the places where a default changed nothing, and those where it may not stand."""
    expected = assembled(documents)
    confirmed, refused = set(), {}
    for name, document in documents.items():
        schema = schema_of(document["kind"])
        for path, key, default in absent_defaults(document, schema, schema["$defs"]):
            changed = copy.deepcopy(documents)
            holder = changed[name]
            for step in path:
                holder = holder[step]
            holder[key] = default
            place = (document["kind"], *(step for step in path if isinstance(step, str)), key)
            try:
                assert assembled(changed) == expected, f"{place}: {default}"
                confirmed.add(place)
            except MetadataError as error:  # keys of another type, of another kind of control
                for found in error.diagnostics:
                    assert "not-for" in found.code or "key" in found.code, found
                refused[place] = error.diagnostics
    return confirmed, refused
