"""Overrides: what later bundles say of earlier ones' objects, and what an upgrade does to it."""

from __future__ import annotations

import pytest

from kartoteka.overrides import UpgradeNote, overrides, upgrade_notes
from kartoteka.registry_codec import decode_registry, encode_registry

SHIP = """
    kind: entity
    format: 1
    name: ship
    label: { en: Ship }
    plural_label: { en: Ships }
    primary_field: name
    fields:
      - { name: name, type: text, label: { en: Name } }
"""


def test_what_a_bundle_says_of_its_own_objects_is_no_override(registry_of):
    assert overrides(registry_of()) == {}
    found = overrides(registry_of({"entities/ship": SHIP}))
    assert not [path for path in found if path.startswith("entity/ship")]


def test_changes_and_additions_name_the_bundles_lowest_first(registry_of):
    found = overrides(
        registry_of(
            {
                "entities/account": """
                    kind: entity
                    format: 1
                    extends: account
                    label: { en: Company }
                    features: [notes]
                    fields:
                      - { name: berth, type: text, label: { en: Berth } }
                """
            }
        )
    )
    assert found["entity/account/label/en"] == (("base", "Account"), ("app", "Company"))
    assert found["entity/account/features/notes"] == (("app", "added"),)
    assert found["entity/account/fields/berth"] == (("app", "added"),)
    assert found["entity/account/fields/berth/type"] == (("app", "text"),)
    assert "entity/account/features/customer" not in found


def test_a_field_of_a_lower_group_that_an_entity_says_again_is_an_override(registry_of):
    own = "\n      - { name: createdon, label: { en: Launched } }\n"
    found = overrides(registry_of({"entities/ship": SHIP.rstrip() + own}))
    assert [bundle for bundle, _ in found["entity/ship/fields/createdon/label/en"]] == [
        "base", "app"
    ]  # fmt: skip


def test_two_files_of_one_bundle_count_once_with_what_it_says_last(registry_of):
    def labelled(text: str) -> str:
        return f"kind: entity\nformat: 1\nextends: account\nlabel: {{ en: {text} }}\n"

    found = overrides(
        registry_of({"entities/account": labelled("One"), "entities/later": labelled("Two")})
    )
    assert found["entity/account/label/en"] == (("base", "Account"), ("app", "Two"))


def test_texts_of_no_object_are_overridden_too(registry_of):
    found = overrides(
        registry_of(
            {
                "labels/en": """
                    kind: labels
                    format: 1
                    name: en
                    language: en
                    messages: { state.active: In use, app.own: Mine }
                """,
                "labels/pl": """
                    kind: labels
                    format: 1
                    name: pl
                    language: pl
                    messages: { state.active: Czynny }
                """,
            }
        )
    )
    assert found["messages/state.active/en"] == (("base", "Active"), ("app", "In use"))
    assert found["messages/state.active/pl"] == (("app", "Czynny"),)
    assert "messages/app.own/en" not in found


def test_a_registry_from_the_database_has_none(registry_of):
    assert overrides(decode_registry(encode_registry(registry_of()))) == {}


PATH = "entity/account/fields/name/max_length"


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        # Nothing to tell: nothing changed, or the upper layer made or took back its own change.
        ((("base", 10), ("app", 20)), (("base", 10), ("app", 20)), None),
        ((("base", 10), ("app", 20)), (("base", 10), ("app", 30)), None),
        ((), (("base", 10), ("app", 20)), None),
        ((("base", 10), ("app", 20)), (), None),
        # The layer below changed, began, caught up, or fell silent.
        ((("base", 10), ("app", 20)), (("base", 15), ("app", 20)), ("base", 10, 15, "hidden")),
        ((("app", 20),), (("base", 15), ("app", 20)), ("base", None, 15, "hidden")),
        ((("base", 10), ("app", 20)), (("base", 20), ("app", 20)), ("base", 10, 20, "needless")),
        ((("base", 10), ("app", 20)), (("app", 20),), ("base", 10, None, "alone")),
        # Between two that stay.
        (
            (("base", 1), ("sales", 2), ("app", 3)),
            (("base", 1), ("sales", 9), ("app", 3)),
            ("sales", 2, 9, "hidden"),
        ),
    ],
)
def test_notes_tell_what_changed_below_a_change(before, after, expected):
    notes = upgrade_notes({PATH: before} if before else {}, {PATH: after} if after else {})
    if expected is None:
        assert notes == ()
        return
    lower, was, now, kind = expected
    upper, value = after[-1]
    assert notes == (UpgradeNote(PATH, lower, was, now, upper, value, kind),)


def test_notes_are_sentences():
    def sentence(kind: str, before: object, now: object) -> str:
        return UpgradeNote(PATH, "base", before, now, "app", [1, "x"], kind).sentence

    assert sentence("hidden", True, "no") == (
        'account.name.max_length: base changed true to "no"; app keeps [1, "x"]'
    )
    assert sentence("hidden", None, 5) == (
        'account.name.max_length: base now says 5; app keeps [1, "x"]'
    )
    assert sentence("needless", 4, 5) == (
        "account.name.max_length: base now says 5 itself; app need not say it"
    )
    assert sentence("alone", 4, None) == (
        'account.name.max_length: base no longer says 4; what app says, [1, "x"], stands by itself'
    )
