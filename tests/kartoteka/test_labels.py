"""Labels: from maps of texts to the one that is shown; and which are missing."""

from __future__ import annotations

import pytest

from kartoteka.labels import LabelResolver, missing_labels
from kartoteka.model.label import Label

TEXTS = {
    "labels/pl": """
        kind: labels
        format: 1
        name: pl
        language: pl
        entities:
          account: { label: Firma, plural_label: Firmy, fields: { name: Nazwa firmy } }
        messages:
          list.of: "Lista: {entities:account}"
          too.long: "{field}: najwyżej {max} znaków ({entity:account})"
    """,
    "labels/en": """
        kind: labels
        format: 1
        name: en
        language: en
        messages:
          list.of: "List: {entities:account}"
          too.long: "{field}: at most {max} characters ({entity:account})"
          only.english: Nothing else
    """,
}


@pytest.fixture
def labels(registry_of) -> LabelResolver:
    return LabelResolver(registry_of(TEXTS))


@pytest.mark.parametrize(
    ("language", "text"),
    [("en", "Account"), ("pl", "Firma"), ("pl-PL", "Firma"), ("ro", "Account"), ("", "Account")],
)
def test_a_language_falls_back_to_its_base_and_then_to_the_base_language(labels, language, text):
    assert labels.entity("account", language) == text


def test_messages_name_types_in_the_readers_language(labels):
    assert labels.message("list.of", "pl") == "Lista: Firmy"
    assert labels.message("list.of", "sl") == "List: Accounts"


def test_parameters_are_filled_in_as_they_are(labels):
    text = labels.message("too.long", "en", field="Name {entity:account} {max}", max=5)
    assert text == "Name {entity:account} {max}: at most 5 characters (Account)"
    assert labels.message("too.long", "en", max=5).startswith("{field}: at most 5")


def test_braces_and_formats_have_no_power(labels):
    text = "{value.__class__} {0} {} {{x}} {value!r} {value:>10} %s {"
    assert labels.text(Label({"en": text}), "en", value="v") == text


def test_what_has_no_label_shows_its_logical_name(registry_of):
    registry = registry_of(
        {
            "entities/vehicle": """
                kind: entity
                format: 1
                name: vehicle
                primary_field: name
                fields: [{ name: name, type: text }]
            """
        }
    )
    labels = LabelResolver(registry)
    assert labels.entity("vehicle", "pl") == "vehicle"
    assert labels.entities("vehicle", "pl") == "vehicle"
    assert labels.field("vehicle", "name", "pl") == "name"
    assert labels.message("no.such", "pl") == "no.such"
    assert labels.text(Label(), "pl") == ""


def test_a_rename_reaches_labels_inside_labels(registry_of):
    registry = registry_of(
        {
            "entities/account": """
                kind: entity
                format: 1
                extends: account
                label: { en: Company }
                plural_label: { en: Companies }
            """
        }
    )
    labels = LabelResolver(registry)
    assert labels.field("account", "parentaccountid", "en") == "Parent Company"
    assert labels.field("account", "accountid", "en") == "Company"
    assert labels.text(registry.views["active_accounts"].label, "en") == "Active Companies"


def test_missing_labels_tell_what_people_would_see(registry_of):
    registry = registry_of(TEXTS)
    missing = {found.path: found for found in missing_labels(registry, ["pl"])}
    assert "entity/account/label" not in missing
    assert missing["entity/contact/label"].is_required
    assert missing["messages/only.english"].is_required
    assert missing["view/active_accounts/label"].is_required
    assert missing["choice/industry/options/retail/label"].is_required
    shown, hidden = "entity/account/fields/accountnumber", "entity/systemuser/fields/createdon"
    assert not missing[f"{hidden}/label"].is_required
    assert missing[f"{shown}/label"].location.file.endswith("account.yaml")


def test_a_text_of_placeholders_only_needs_no_translation(registry_of):
    registry = registry_of(
        {
            "views/all_accounts": """
                kind: view
                format: 1
                name: all_accounts
                label: { en: "{entities:account}" }
                entity: account
                type: public
                columns: [name]
            """
        }
    )
    paths = [found.path for found in missing_labels(registry, ["pl"])]
    assert "view/all_accounts/label" not in paths
    assert "entity/account/fields/accountid/label" not in paths
