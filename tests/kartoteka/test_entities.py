"""What an entity is after assembling, beyond what its file says."""

from __future__ import annotations

from decimal import Decimal

import pytest


def entity(body: str, head: str = "") -> dict[str, str]:
    lines = ["kind: entity", "format: 1", "name: vehicle", "label: { en: Vehicle }"]
    lines += ["plural_label: { en: Vehicles }", "primary_field: name", *head.splitlines()]
    lines += ["fields:", "  - { name: name, type: text, label: { en: Name } }"]
    return {"entities/vehicle": "\n".join([*lines, body])}


def field_of(registry, name):
    return registry.entities["vehicle"].field_by_name[name]


def test_a_dozen_lines_give_a_complete_entity(registry_of):
    vehicle = registry_of(entity("")).entities["vehicle"]
    assert (vehicle.set_name, vehicle.primary_id, vehicle.ownership) == (
        "vehicles",
        "vehicleid",
        "user",
    )
    assert [field.name for field in vehicle.fields] == [
        "vehicleid",
        "name",
        "ownerid",
        "statecode",
        "statuscode",
        "createdon",
        "modifiedon",
    ]
    assert field_of_type(vehicle, "unique_id").label.texts == {"en": "{entity:vehicle}"}
    assert [state.name for state in vehicle.states] == ["active", "inactive"]
    assert vehicle.states[1].read_only
    assert vehicle.states[0].label.texts == {"en": "Active"}
    assert vehicle.transitions is None


def field_of_type(entity, field_type):
    return next(field for field in entity.fields if field.type == field_type)


def test_the_primary_field_is_always_required(registry_of):
    assert field_of(registry_of(entity("")), "name").required == "always"


@pytest.mark.parametrize(
    ("ownership", "expected"), [("user", True), ("organization", False), ("none", False)]
)
def test_only_user_owned_entities_have_an_owner(registry_of, ownership, expected):
    registry = registry_of(entity("", head=f"ownership: {ownership}"))
    assert ("ownerid" in registry.entities["vehicle"].field_by_name) is expected


def test_states_may_be_none_at_all(registry_of):
    vehicle = registry_of(entity("", head="states: []")).entities["vehicle"]
    assert vehicle.states == ()
    assert "statecode" not in vehicle.field_by_name


def test_included_groups_follow_the_entitys_own_fields(registry_of):
    vehicle = registry_of(entity("", head="includes: [address]")).entities["vehicle"]
    names = [field.name for field in vehicle.fields]
    assert names.index("name") < names.index("address1_city") < names.index("ownerid")


def test_an_amount_has_one_in_base_currency_beside_it(registry_of):
    registry = registry_of(
        entity("  - { name: price, type: money, label: { en: Price }, precision: 4, min: 0 }")
    )
    base = field_of(registry, "price_base")
    assert (base.type, base.base_of, base.read_only, base.precision) == ("money", "price", True, 4)
    assert base.min == Decimal("-922337203685477")
    assert base.label.texts == {"en": "{field:vehicle.price} (base)"}


def test_limits_are_spelled_out(registry_of):
    registry = registry_of(
        entity(
            "  - { name: wheels, type: whole_number, min: 0 }\n"
            "  - { name: weight, type: decimal, max: 7.5 }\n"
            "  - { name: notes, type: text, format: multi_line, max_length: 5000 }"
        )
    )
    assert (field_of(registry, "wheels").min, field_of(registry, "wheels").max) == (0, 2**31 - 1)
    assert field_of(registry, "weight").max == Decimal("7.5")
    assert field_of(registry, "weight").precision == 2
    assert field_of(registry, "name").max_length == 100
    assert field_of(registry, "notes").max_length == 5000


def test_defaults_become_values(registry_of):
    registry = registry_of(
        entity(
            "  - name: fuel\n"
            "    type: choice\n"
            "    default: diesel\n"
            "    options: [{ name: petrol, value: 1 }, { name: diesel, value: 2 }]\n"
            "  - { name: insured, type: yes_no, default: true }\n"
            "  - { name: rate, type: decimal, default: 1 }\n"
        )
    )
    assert field_of(registry, "fuel").default == 2
    assert field_of(registry, "insured").default is True
    assert field_of(registry, "rate").default == Decimal(1)
    assert [(o.value, o.name) for o in field_of(registry, "insured").options] == [
        (0, "false"),
        (1, "true"),
    ]
    assert field_of(registry, "insured").options[1].label.texts == {"en": "Yes"}


def test_customers_and_owners_are_found_by_feature(registry_of):
    registry = registry_of(
        entity(
            "  - { name: buyerid, type: customer }\n"
            "  - { name: aboutid, type: lookup, target_feature: activities, targets: [team] }",
            head="features: [customer]",
        )
    )
    assert set(field_of(registry, "buyerid").targets) == {"account", "contact", "vehicle"}
    assert field_of(registry, "buyerid").target_feature == "customer"
    assert field_of(registry, "aboutid").targets[0] == "team"
    assert "account" in field_of(registry, "aboutid").targets


def test_a_required_lookup_keeps_what_it_names_from_being_deleted(registry_of):
    registry = registry_of(
        entity(
            "  - { name: driverid, type: lookup, target: contact, required: true }\n"
            "  - { name: garageid, type: lookup, target: account }\n"
            "  - { name: fleetid, type: lookup, target: account, relation: parental }"
        )
    )
    assert field_of(registry, "driverid").cascade.delete == "restrict"
    assert field_of(registry, "garageid").cascade.delete == "clear"
    assert field_of(registry, "fleetid").cascade.delete == "cascade"
    assert field_of(registry, "fleetid").cascade.assign == "all"
    assert field_of(registry, "garageid").relationship == "account_vehicle_garageid"


STATES = """states:
  - name: open
    value: 0
    reasons: [{ name: new, value: 1, next: [used] }, { name: used, value: 2 }]
  - name: sold
    value: 1
    read_only: true
    reasons: [{ name: sold, value: 3 }]
"""


def test_a_command_that_changes_state_closes_the_other_ways(registry_of):
    command = "commands:\n  - { name: sell, from: [open], to: sold }\n"
    vehicle = registry_of(entity("", head=STATES + command)).entities["vehicle"]
    assert vehicle.transitions == ()
    assert vehicle.commands[0].to_state == "sold"
    assert field_of_type(vehicle, "status").options[2].name == "sold"
    assert registry_of(entity("", head=STATES)).entities["vehicle"].transitions is None


def test_a_command_without_a_state_needs_somebody_who_carries_it_out(diagnostics_of):
    layer = entity("", head=STATES + "commands:\n  - { name: wash }\n")
    assert "command/nobody-carries-out" in diagnostics_of(layer)[0]
    assert diagnostics_of(layer, command_handlers=frozenset({("vehicle", "wash")})) == []
    assert diagnostics_of(layer, command_handlers=None) == []


def test_without_a_base_bundle_an_entity_has_what_it_says(write_layers):
    from kartoteka.assembly import assemble, load_bundles

    registry = assemble(load_bundles(write_layers(entity(""))))
    vehicle = registry.entities["vehicle"]
    assert [field.name for field in vehicle.fields] == ["vehicleid", "name"]
    assert vehicle.states == ()
