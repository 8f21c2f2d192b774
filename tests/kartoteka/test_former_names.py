"""Former names: what was renamed says so, and what the platform derives follows."""

from __future__ import annotations

from kartoteka.registry_codec import encode_registry, fingerprint


def ship(renamed_from: str = "", *fields: str, more: str = "") -> str:
    lines = [
        "kind: entity",
        "format: 1",
        "name: ship",
        *([f"renamed_from: {renamed_from}"] if renamed_from else []),
        "label: { en: Ship }",
        "plural_label: { en: Ships }",
        "primary_field: name",
        *([more] if more else []),
        "fields:",
        "  - { name: name, type: text, label: { en: Name } }",
        *(f"  - {field}" for field in fields),
    ]
    return "\n".join(lines)


def fields_of(registry):
    return registry.entities["ship"].field_by_name


def test_one_name_or_several_may_be_given(registry_of):
    registry = registry_of(
        {
            "entities/ship": ship(
                "vessel", "{ name: mast, renamed_from: [pole, spar], type: text, label: { en: M } }"
            )
        }
    )
    assert registry.entities["ship"].renamed_from == ("vessel",)
    assert fields_of(registry)["mast"].renamed_from == ("pole", "spar")
    assert fields_of(registry)["name"].renamed_from == ()


def test_the_id_and_base_amounts_follow_what_they_are_named_after(registry_of):
    price = "{ name: price, renamed_from: [cost, worth], type: money, label: { en: Price } }"
    fields = fields_of(registry_of({"entities/ship": ship("[vessel, boat]", price)}))
    assert fields["shipid"].renamed_from == ("vesselid", "boatid")
    assert fields["price_base"].renamed_from == ("cost_base", "worth_base")


def test_derived_fields_that_are_declared_follow_too(registry_of):
    fields = fields_of(
        registry_of(
            {
                "entities/ship": ship(
                    "vessel",
                    "{ name: shipid, type: unique_id, label: { en: Number } }",
                    "{ name: price, renamed_from: cost, type: money, label: { en: Price } }",
                    "{ name: price_base, type: money, base_of: price, label: { en: Base price } }",
                )
            }
        )
    )
    assert fields["shipid"].renamed_from == ("vesselid",)
    assert fields["price_base"].renamed_from == ("cost_base",)


def test_a_derived_field_does_not_claim_a_name_that_another_field_bears(registry_of):
    lookup = "{ name: vesselid, type: lookup, label: { en: Vessel }, target: account }"
    fields = fields_of(registry_of({"entities/ship": ship("vessel", lookup)}))
    assert fields["shipid"].renamed_from == ()


def test_an_id_of_its_own_name_stays(registry_of):
    own_id = ship("vessel", more="primary_id: vesselid")
    fields = fields_of(registry_of({"entities/ship": own_id}))
    assert fields["vesselid"].renamed_from == ()


def test_former_names_are_no_part_of_what_is_published(registry_of):
    mast = "{{ name: mast, {}type: text, label: {{ en: Mast }} }}"
    plain = registry_of({"entities/ship": ship("", mast.format(""))})
    renamed = registry_of({"entities/ship": ship("boat", mast.format("renamed_from: pole, "))})
    assert plain == renamed
    assert fingerprint(plain) == fingerprint(renamed)
    assert "renamed_from" not in str(encode_registry(renamed))
    assert "renamed_from" not in str(renamed.to_json())
