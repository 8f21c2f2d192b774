"""Layers: what extensions and labels documents make of the objects below them."""

from __future__ import annotations

from pathlib import Path

import pytest

from kartoteka.assembly import assemble, load_bundles
from kartoteka.registry_codec import fingerprint

BASE = Path(__file__).parents[1] / "golden" / "_base"

VEHICLE = """
    kind: entity
    format: 1
    name: vehicle
    label: { en: Vehicle }
    plural_label: { en: Vehicles }
    primary_field: name
    fields:
      - { name: name, type: text, label: { en: Name } }
      - { name: wheels, type: whole_number, label: { en: Wheels }, max: 18 }
"""


def test_an_extension_changes_only_the_properties_it_names(registry_of):
    registry = registry_of(
        {
            "entities/account": """
                kind: entity
                format: 1
                extends: account
                label: { en: Company }
                fields:
                  - { name: numberofemployees, max: 500, label: { pl: Pracownicy } }
            """
        }
    )
    account = registry.entities["account"]
    employees = account.field_by_name["numberofemployees"]
    assert account.label.texts["en"] == "Company"
    assert account.plural_label.texts["en"] == "Accounts"
    assert (employees.type, employees.min, employees.max) == ("whole_number", 0, 500)
    assert employees.label.texts == {"en": "Employees", "pl": "Pracownicy"}


def test_the_highest_layer_wins_and_every_layer_is_remembered(registry_of):
    def renamed(text: str) -> str:
        return f"kind: entity\nformat: 1\nextends: account\nlabel: {{ en: {text} }}\n"

    registry = registry_of(
        {
            "bundle": "kind: bundle\nformat: 1\nname: sales\n",
            "entities/account": renamed("Customer"),
        },
        {"entities/account": renamed("Company")},
    )
    assert registry.entities["account"].label.texts["en"] == "Company"
    places = registry.sources["entity/account/label/en"]
    assert [place.location.file.split("/")[-3] for place in places] == [
        "_base",
        "layer_0",
        "layer_1",
    ]
    assert places[-1].location.line == 4
    assert places[-1].location.path == "label.en"


def test_bundles_given_in_any_order_are_layered_by_requires(registry_of):
    registry = registry_of(
        {
            "bundle": "kind: bundle\nformat: 1\nname: top\nrequires: [bottom]\n",
            "entities/vehicle": """
                kind: entity
                format: 1
                extends: vehicle
                fields:
                  - { name: wheels, max: 6 }
            """,
        },
        {
            "bundle": "kind: bundle\nformat: 1\nname: bottom\n",
            "entities/vehicle": VEHICLE,
        },
    )
    assert [bundle.name for bundle in registry.bundles] == ["base", "bottom", "top"]
    assert registry.entities["vehicle"].field_by_name["wheels"].max == 6


def test_features_and_targets_add_where_other_lists_replace(registry_of):
    registry = registry_of(
        {
            "bundle": "kind: bundle\nformat: 1\nname: fleet\n",
            "entities/vehicle": VEHICLE + "      - { name: keeper, type: lookup, target: contact }",
        },
        {
            "entities/vehicle": """
                kind: entity
                format: 1
                extends: vehicle
                features: [notes]
                fields:
                  - { name: keeper, targets: [team] }
            """,
            "entities/account": "kind: entity\nformat: 1\nextends: account\nfeatures: [notes]\n",
            "forms/account_main": """
                kind: form
                format: 1
                extends: account_main
                header: [industrycode]
            """,
        },
    )
    assert registry.entities["account"].features == {"customer", "activities", "notes"}
    assert registry.entities["vehicle"].field_by_name["keeper"].targets == ("contact", "team")
    assert registry.forms["account_main"].header == ("industrycode",)


def test_loaded_bundles_can_be_assembled_again(write_layers):
    extension = {
        "entities/account": """
            kind: entity
            format: 1
            extends: account
            features: [notes]
            fields:
              - { name: code, type: text }
        """,
        "labels/pl": "kind: labels\nformat: 1\nname: pl\nlanguage: pl\nmessages: { a.b: C }\n",
    }
    loaded = load_bundles([BASE, *write_layers(extension)])
    first, second = assemble(loaded), assemble(loaded)
    assert first == second
    assert first.sources == second.sources
    assert fingerprint(first) == fingerprint(second)


def test_texts_of_other_languages_are_a_layer_of_the_object(registry_of):
    registry = registry_of(
        {
            "labels/pl": """
                kind: labels
                format: 1
                name: pl
                language: pl
                entities:
                  account:
                    label: Firma
                    fields: { name: Nazwa, createdon: Utworzono }
                    field_help: { name: Jak w rejestrze }
                    options: { creditonhold: { true: Tak, false: Nie } }
                    states: { active: Aktywna }
                    reasons: { inactive: Nieaktywna }
                choices: { industry: { label: Branża, options: { retail: Handel } } }
                views: { active_accounts: "Aktywne: {entities:account}" }
                roles: { salesperson: Handlowiec }
                forms: { account_main: { label: Firma, tabs: { summary: Podsumowanie } } }
                navigation: { work: { label: Praca, entries: { accounts: Firmy } } }
                messages: { action.save: Zapisz }
            """
        }
    )
    account = registry.entities["account"]
    assert registry.languages == ("en", "pl")
    assert account.label.texts == {"en": "Account", "pl": "Firma"}
    assert account.field_by_name["createdon"].label.texts["pl"] == "Utworzono"
    assert registry.entities["contact"].field_by_name["createdon"].label.texts == {
        "en": "Created on"
    }
    assert account.field_by_name["name"].help.texts == {"pl": "Jak w rejestrze"}
    assert [o.label.texts["pl"] for o in account.field_by_name["creditonhold"].options] == [
        "Nie",
        "Tak",
    ]
    assert account.states[0].label.texts["pl"] == "Aktywna"
    assert account.states[1].reasons[0].label.texts["pl"] == "Nieaktywna"
    assert account.field_by_name["statuscode"].options[1].label.texts["pl"] == "Nieaktywna"
    industry = account.field_by_name["industrycode"].options
    assert [o.label.texts.get("pl") for o in industry if o.name == "retail"] == ["Handel"]
    assert registry.views["active_accounts"].label.texts["pl"] == "Aktywne: {entities:account}"
    assert registry.areas["work"].groups[0].entries[0].label.texts["pl"] == "Firmy"
    assert registry.messages["action.save"].texts == {"pl": "Zapisz"}
    assert registry.sources["entity/account/label/pl"][0].location.file.endswith("labels/pl.yaml")


def test_a_rename_above_a_translation_wins_over_it(registry_of):
    registry = registry_of(
        {
            "bundle": "kind: bundle\nformat: 1\nname: sales\n",
            "labels/pl": """
                kind: labels
                format: 1
                name: pl
                language: pl
                entities: { account: { label: Konto } }
            """,
        },
        {
            "entities/account": """
            kind: entity
            format: 1
            extends: account
            label: { pl: Firma }
        """
        },
    )
    assert registry.entities["account"].label.texts["pl"] == "Firma"
    assert len(registry.sources["entity/account/label/pl"]) == 2


def test_a_translation_of_a_field_group_reaches_every_entity(registry_of):
    registry = registry_of(
        {
            "labels/sl": """
                kind: labels
                format: 1
                name: sl
                language: sl
                field_groups: { record: { createdon: Ustvarjeno } }
            """
        }
    )
    for name in ("account", "contact"):
        label = registry.entities[name].field_by_name["createdon"].label
        assert label.texts == {"en": "Created on", "sl": "Ustvarjeno"}


@pytest.mark.parametrize(
    ("placing", "order"),
    [
        ("", ["name", "wheels", "plate"]),
        ("after: name", ["name", "plate", "wheels"]),
        ("before: name", ["plate", "name", "wheels"]),
    ],
)
def test_what_an_extension_adds_stands_where_it_says(registry_of, placing, order):
    placed = f", {placing}" if placing else ""
    registry = registry_of(
        {"bundle": "kind: bundle\nformat: 1\nname: fleet\n", "entities/vehicle": VEHICLE},
        {
            "entities/vehicle": f"""
                kind: entity
                format: 1
                extends: vehicle
                fields:
                  - {{ name: plate, type: text{placed} }}
            """
        },
    )
    fields = [field.name for field in registry.entities["vehicle"].fields]
    assert [name for name in fields if name in order] == order


def test_a_field_of_a_group_may_be_said_again_in_part(diagnostics_of, registry_of):
    layer = {
        "bundle": "kind: bundle\nformat: 1\nname: fleet\nprefix: fleet\n",
        "entities/account": """
            kind: entity
            format: 1
            extends: account
            fields:
              - { name: ownerid, label: { en: Account manager } }
        """,
    }
    assert diagnostics_of(layer) == []
    owner = registry_of(layer).entities["account"].field_by_name["ownerid"]
    assert owner.label.texts["en"] == "Account manager"
    assert (owner.type, owner.required, owner.cascade.delete) == ("owner", "always", "restrict")
    assert owner.targets == ("systemuser", "team")


def test_a_file_that_cannot_be_read_hides_what_depends_on_it_and_nothing_else(diagnostics_of):
    found = diagnostics_of(
        {
            "bundle": "kind: [bundle",
            "entities/account": "kind: entity\nformat: 1\nextends: account\nfields: [",
            "views/rated_accounts": """
                kind: view
                format: 1
                name: rated_accounts
                entity: account
                type: public
                filter: rating gt 3
                columns: [name, rating]
            """,
            "views/rated_contacts": """
                kind: view
                format: 1
                name: rated_contacts
                entity: contact
                type: public
                columns: [raiting]
            """,
        },
        {"bundle": "kind: bundle\nformat: 1\nname: top\nrequires: [fleet]\n"},
    )
    assert [text.split("  ")[1] for text in found] == [
        "yaml/syntax",
        "yaml/syntax",
        "view/unknown-field",
    ]


def test_labels_translate_what_a_command_asks_for(registry_of):
    registry = registry_of(
        {
            "entities/account": """
                kind: entity
                format: 1
                extends: account
                commands:
                  - name: rate
                    label: { en: Rate }
                    to: active
                    parameters:
                      - name: grade
                        type: choice
                        label: { en: Grade }
                        help: { en: As of today }
                        options: [{ name: good, value: 1, label: { en: Good } }]
                      - { name: told, type: yes_no, label: { en: Told } }
            """,
            "labels/pl": """
                kind: labels
                format: 1
                name: pl
                language: pl
                entities:
                  account:
                    parameters: { rate: { grade: Ocena } }
                    parameter_help: { rate: { grade: Na dziś } }
                    parameter_options:
                      rate: { grade: { good: Dobra }, told: { "true": Wie } }
            """,
        }
    )
    grade, told = registry.entities["account"].commands[-1].parameters
    assert grade.label.texts["pl"] == "Ocena"
    assert grade.help.texts["pl"] == "Na dziś"
    assert grade.options[0].label.texts["pl"] == "Dobra"
    assert [option.label.texts.get("pl") for option in told.options if option.name == "true"] == [
        "Wie"
    ]


def test_texts_of_unknown_parameters_are_reported(diagnostics_of):
    found = diagnostics_of(
        {
            "entities/account": """
                kind: entity
                format: 1
                extends: account
                commands:
                  - name: rate
                    label: { en: Rate }
                    to: active
                    parameters:
                      - { name: told, type: yes_no, label: { en: Told } }
            """,
            "labels/pl": """
                kind: labels
                format: 1
                name: pl
                language: pl
                entities:
                  account:
                    parameter_help: { rate: { tolld: Na dziś } }
                    parameter_options: { rate: { told: { maybe: Może } }, rat: {} }
            """,
        }
    )
    assert [line.partition("there is no ")[2] for line in found] == [
        'parameter "tolld" of command "rate"; did you mean "told"?',
        'option "maybe" of "told"',
        'command "rat" of "account"; did you mean "rate"?',
    ]


@pytest.mark.parametrize(
    ("bundle", "reported"),
    [
        ("requires: [base]\nworks_with: {}", "shape/wrong-type"),
        ("requires: [base, []]", "shape/wrong-type"),
        ("requires: [base, sales]", "bundle/missing-requirement"),
        ("requires: [base]", "bundle/unknown-companion"),
    ],
)
def test_what_is_wrong_about_a_companion_is_told_once(diagnostics_of, bundle, reported):
    found = diagnostics_of(
        {
            "bundle": f"kind: bundle\nformat: 1\nname: top\n{bundle}\n",
            "choices/colour": """
                kind: choice
                format: 1
                name: colour
                only_with: sales
                label: { en: Colour }
                options: [{ name: red, value: 1, label: { en: Red } }]
            """,
            "entities/account": """
                kind: entity
                format: 1
                extends: account
                fields:
                  - { name: colour, type: choice, label: { en: Colour }, choice: colour }
            """,
        }
    )
    assert [line.split()[1] for line in found] == [reported]
