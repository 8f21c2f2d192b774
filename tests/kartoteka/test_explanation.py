"""Explanations: the value of every property, the layers that set it, and what names mean."""

from __future__ import annotations

import pytest

from kartoteka.assembly import assemble, load_bundles
from kartoteka.base_metadata import base_folder
from kartoteka.explanation import explain, permission
from kartoteka.identities import SECTIONS
from kartoteka.loading.property_paths import join_path, split_path, spoken_name
from kartoteka.registry_codec import decode_registry, encode_registry
from kartoteka.subjects import Subject, find_subjects, nearest_subjects

SALES = {
    "bundle": "kind: bundle\nformat: 1\nname: sales\n",
    "entities/account": """
        kind: entity
        format: 1
        extends: account
        label: { en: Customer }
        features: [notes, customer]
        fields:
          - { name: rating, type: whole_number, label: { en: Rating } }
          - { name: turnover, type: money, label: { en: Turnover } }
    """,
    "forms/account_main": """
        kind: form
        format: 1
        extends: account_main
        tabs:
          - name: summary
            sections:
              - name: general
                controls:
                  - { field: rating, after: name }
                  - { field: industrycode, before: name }
    """,
}
APP = {
    "entities/account": """
        kind: entity
        format: 1
        extends: account
        label: { en: Company }
        fields:
          - { name: rating, max: 5 }
          - { name: createdon, label: { en: Since } }
    """,
    "forms/account_main": """
        kind: form
        format: 1
        extends: account_main
        header: [ownerid]
        tabs:
          - name: summary
            sections:
              - name: general
                controls:
                  - { field: industrycode, remove: true }
    """,
    "labels/pl": """
        kind: labels
        format: 1
        name: pl
        language: pl
        entities: { account: { label: Spółka } }
        messages: { form.true: Tak }
    """,
}


def told(registry, kind, name, *path):
    """Return the one property at a path: its value and ``bundle: value`` of its layers."""
    (found,) = [item for item in explain(registry, kind, name, *path) if item.path == path]
    return found.value, [f"{layer.bundle}: {layer.value}" for layer in found.set_by]


@pytest.fixture
def registry(registry_of):
    return registry_of(SALES, APP)


def test_every_layer_that_set_a_property_is_told_with_its_place(registry):
    (found,) = explain(registry, "entity", "account", "label", "en")
    assert found.value == "Company"
    assert [
        (layer.bundle, layer.value, layer.location.file.split("/")[-1], layer.location.line)
        for layer in found.set_by
    ] == [
        ("base", "Account", "account.yaml", 4),
        ("sales", "Customer", "account.yaml", 5),
        ("app", "Company", "account.yaml", 5),
    ]
    assert found.bundles == ("base", "sales", "app")
    assert not found.is_default


def test_texts_of_labels_files_are_layers(registry):
    assert told(registry, "entity", "account", "label", "pl") == ("Spółka", ["app: Spółka"])
    assert told(registry, "messages", "form.true", "pl") == ("Tak", ["app: Tak"])


def test_a_field_that_a_bundle_added_is_said_to_be_added(registry):
    path = ("fields", "rating")
    assert told(registry, "entity", "account", *path) == ("added", ["sales: added"])
    assert told(registry, "entity", "account", *path, "max") == (5, ["app: 5"])
    assert told(registry, "entity", "account", *path, "type") == (
        "whole_number",
        ["sales: whole_number"],
    )


def test_a_field_of_a_group_names_the_group_and_who_changed_it(registry):
    (found,) = explain(registry, "entity", "account", "fields", "createdon", "label", "en")
    assert [layer.location.file.split("/")[-2] for layer in found.set_by] == [
        "field_groups",
        "entities",
    ]
    assert found.value == "Since"


def test_what_the_platform_derives_names_what_it_follows_from(registry):
    (found,) = explain(registry, "entity", "account", "fields", "turnover_base", "base_of")
    assert found.value == "turnover"
    assert found.is_default
    assert [(layer.bundle, layer.is_derived) for layer in found.set_by] == [("sales", True)]
    assert found.set_by[0].location.line == 9


def test_defaults_are_told_as_such_and_empty_ones_left_out(registry):
    found = {
        item.path[-1]: item for item in explain(registry, "entity", "account", "fields", "name")
    }
    assert (found["max_length"].value, found["max_length"].is_default) == (160, False)
    assert (found["read_only"].value, found["read_only"].is_default) == (False, True)
    assert (found["format"].value, found["format"].is_default) == ("plain", True)
    assert "default" not in found


def test_lists_that_add_tell_what_each_layer_contributed(registry):
    (found,) = explain(registry, "entity", "account", "features")
    assert found.value == ["activities", "customer", "notes"]
    assert found.adds_up
    assert [(layer.bundle, layer.value) for layer in found.set_by] == [
        ("base", ["customer", "activities"]),
        ("sales", ["customer", "notes"]),
    ]


def test_lists_that_replace_tell_each_layer(registry):
    assert told(registry, "form", "account_main", "header") == (
        ["ownerid"],
        ["base: ['ownerid', 'statuscode']", "app: ['ownerid']"],
    )


def test_controls_added_moved_and_removed_are_told(registry):
    controls = ("tabs", "summary", "sections", "general", "controls")
    assert told(registry, "form", "account_main", *controls, "rating") == (
        "added",
        ["sales: added"],
    )
    assert told(registry, "form", "account_main", *controls, "industrycode") == (
        "removed",
        ["base: added", "sales: moved before name", "app: removed"],
    )


def test_two_files_of_one_bundle_are_two_layers(registry_of):
    more = {**APP, "entities/account_more": APP["entities/account"].replace("Company", "Firm")}
    value, layers = told(registry_of(SALES, more), "entity", "account", "label", "en")
    assert value == "Firm"
    assert layers == ["base: Account", "sales: Customer", "app: Company", "app: Firm"]


def test_layers_are_told_lowest_first_even_where_texts_of_lower_ones_come_later(registry_of):
    translated = {
        "bundle": "kind: bundle\nformat: 1\nname: sales\n",
        "labels/pl": """
            kind: labels
            format: 1
            name: pl
            language: pl
            entities: { account: { label: Konto } }
        """,
    }
    middle = {
        "bundle": "kind: bundle\nformat: 1\nname: middle\n",
        "entities/account": "kind: entity\nformat: 1\nextends: account\nlabel: { pl: Klient }\n",
    }
    top = {"entities/account": "kind: entity\nformat: 1\nextends: account\nlabel: { pl: Firma }\n"}
    assert told(registry_of(translated, middle, top), "entity", "account", "label", "pl") == (
        "Firma",
        ["sales: Konto", "middle: Klient", "app: Firma"],
    )


def test_a_registry_from_the_database_tells_values_without_layers(registry):
    decoded = decode_registry(encode_registry(registry))
    (found,) = explain(decoded, "entity", "account", "label", "en")
    assert (found.value, found.set_by) == ("Company", ())


def test_every_object_of_the_shipped_base_is_explained():
    registry = assemble(load_bundles([base_folder()]), command_handlers=None, panels=None)
    for kind, section in SECTIONS.items():
        for name in getattr(registry, section):
            found = explain(registry, kind, name)
            paths = [item.path for item in found]
            assert len(paths) == len(set(paths))
            for item in found:
                if item.set_by and not item.adds_up and item.path[-1] != "options":
                    assert item.value == item.set_by[-1].value, (kind, name, item.path)


@pytest.mark.parametrize(
    ("text", "subjects"),
    [
        ("account", [("entity", "account", ())]),
        ("entity:account", [("entity", "account", ())]),
        ("account.name", [("entity", "account", ("fields", "name"))]),
        ("account.fields.name", [("entity", "account", ("fields", "name"))]),
        ("account.label", [("entity", "account", ("label",))]),
        ("account.label.pl", [("entity", "account", ("label", "pl"))]),
        ("account.name.label.en", [("entity", "account", ("fields", "name", "label", "en"))]),
        ("form:account_main", [("form", "account_main", ())]),
        (
            "account_main.industrycode",
            [
                (
                    "form",
                    "account_main",
                    ("tabs", "summary", "sections", "general", "controls", "industrycode"),
                )
            ],
        ),
        ("choice:industry.retail", [("choice", "industry", ("options", "retail"))]),
        (
            "view:active_accounts.primarycontactid/emailaddress1",
            [("view", "active_accounts", ("columns", "primarycontactid/emailaddress1"))],
        ),
        ("messages:form.true", [("messages", "form.true", ())]),
        ("form.true.pl", [("messages", "form.true", ("pl",))]),
        (
            "account.inactive",
            [
                ("entity", "account", ("states", "inactive")),
                ("entity", "account", ("states", "inactive", "reasons", "inactive")),
            ][:1],
        ),
        ("nothing", []),
        ("account.nothing", []),
        ("view:account", []),
        ("", []),
        (":", []),
        ("account.", []),
    ],
)
def test_names_mean_objects_and_their_parts(registry, text, subjects):
    assert [(s.kind, s.name, s.path) for s in find_subjects(registry, text)] == subjects


def test_a_name_of_several_things_means_all_of_them(registry_of):
    registry = registry_of(
        {
            "views/account": """
                kind: view
                format: 1
                name: account
                entity: account
                type: public
                label: { en: Accounts }
                columns: [name]
            """
        }
    )
    assert [str(item) for item in find_subjects(registry, "account")] == ["account", "view:account"]


def test_what_is_not_there_brings_the_nearest(registry):
    assert nearest_subjects(registry, "acount")[0] == "account"
    assert nearest_subjects(registry, "account.nmae")[0] == "account.name"
    assert nearest_subjects(registry, "form:acount_main")[0] == "form:account_main"
    assert nearest_subjects(registry, "qqqqq") == ()


def test_paths_keep_steps_that_hold_slashes():
    steps = ("view", "ships", "columns", "master/full~name", "label", "en")
    assert split_path(join_path(*steps)) == steps
    assert spoken_name(join_path(*steps)) == "view:ships.master/full~name.label.en"
    assert str(Subject("entity", "ship", ("keys", "code"))) == "ship.keys.code"


def test_what_later_bundles_may_change_is_told(registry_of):
    kept = {
        "bundle": """
            kind: bundle
            format: 1
            name: fleet
            customizable: { field: [label, help], form: false }
        """,
        "entities/ship": """
            kind: entity
            format: 1
            name: ship
            label: { en: Ship }
            plural_label: { en: Ships }
            primary_field: name
            fields:
              - { name: name, type: text, label: { en: Name } }
              - { name: code, type: text, label: { en: Code }, customizable: false }
        """,
    }
    registry = registry_of(kept)

    def allowed(*path: str):
        found = permission(registry, "entity", "ship", *path)
        return found and (found.bundle, found.allowed)

    assert allowed() == ("fleet", True)
    assert allowed("fields", "name") == ("fleet", ("label", "help"))
    assert allowed("fields", "code") == ("fleet", False)
    assert permission(decode_registry(encode_registry(registry)), "entity", "ship") is None
