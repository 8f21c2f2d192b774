"""Upgrades: an app customized over version 1.0 of a bundle is carried over three later versions."""

from __future__ import annotations

import json
import textwrap
from collections.abc import Callable, Mapping
from decimal import Decimal
from pathlib import Path

import pytest

from kartoteka.assembly import assemble, load_bundles
from kartoteka.errors import MetadataError
from kartoteka.model.field import Required
from kartoteka.overrides import overrides, upgrade_notes
from kartoteka.registry import Registry

BASE = Path(__file__).parents[1] / "golden" / "_base"

FLEET_1_0 = {
    "bundle": """
        kind: bundle
        format: 1
        name: fleet
        requires: [base]
        version: "1.0"
    """,
    "choices/hull": """
        kind: choice
        format: 1
        name: hull
        label: { en: Hull }
        options:
          - { name: wood, value: 1, label: { en: Wood } }
          - { name: steel, value: 2, label: { en: Steel } }
    """,
    "entities/ship": """
        kind: entity
        format: 1
        name: ship
        label: { en: Ship }
        plural_label: { en: Ships }
        primary_field: name
        features: [notes]
        fields:
          - { name: name, type: text, label: { en: Name } }
          - { name: length, type: whole_number, label: { en: Length }, max: 300 }
          - { name: flag, type: text, label: { en: Flag } }
          - { name: power, type: whole_number, label: { en: Power } }
          - { name: hull, type: choice, label: { en: Hull }, choice: hull }
          - { name: master, type: lookup, label: { en: Master }, target: contact }
    """,
    "forms/ship_main": """
        kind: form
        format: 1
        name: ship_main
        entity: ship
        type: main
        label: { en: Ship }
        header: [ownerid]
        tabs:
          - name: general
            label: { en: General }
            sections:
              - name: general
                columns: 2
                controls: [name, length, flag, hull, master]
          - name: technical
            label: { en: Technical }
            sections:
              - { name: engine, controls: [power] }
    """,
    "labels/pl": """
        kind: labels
        format: 1
        name: pl
        language: pl
        entities: { ship: { label: Statek, fields: { length: Długość } } }
        messages: { fleet.welcome: Witaj }
    """,
    "labels/en": """
        kind: labels
        format: 1
        name: en
        language: en
        messages: { fleet.welcome: Welcome }
    """,
    "navigation/sea": """
        kind: navigation
        format: 1
        name: sea
        label: { en: Sea }
        groups: [{ name: fleet, entries: [{ name: ships, entity: ship }] }]
    """,
    "security_roles/sailor": """
        kind: role
        format: 1
        name: sailor
        label: { en: Sailor }
        privileges: [{ entity: ship, read: user, write: user }]
    """,
    "views/ships": """
        kind: view
        format: 1
        name: ships
        entity: ship
        type: public
        label: { en: Ships }
        filter: length gt 0
        columns: [name, length, flag]
    """,
}

HARBOUR = {
    "bundle": """
        kind: bundle
        format: 1
        name: harbour
        requires: [fleet]
    """,
    "choices/hull": """
        kind: choice
        format: 1
        extends: hull
        options:
          - { name: wood, label: { en: Oak } }
          - { name: rubber, value: 70, label: { en: Rubber } }
    """,
    "entities/ship": """
        kind: entity
        format: 1
        extends: ship
        label: { en: Vessel }
        plural_label: { en: Vessels }
        features: [activities]
        fields:
          - { name: length, label: { en: Length over all }, required: true, max: 400 }
          - { name: berth, type: text, label: { en: Berth } }
    """,
    "forms/ship_main": """
        kind: form
        format: 1
        extends: ship_main
        header: [ownerid, berth]
        tabs:
          - name: general
            sections:
              - name: general
                controls:
                  - { field: flag, remove: true }
                  - { field: master, before: length }
                  - { field: berth, after: name }
                  - { field: length, read_only: true }
          - name: technical
            sections:
              - name: engine
                controls:
                  - { field: power, label: { en: Horse power } }
    """,
    "labels/pl": """
        kind: labels
        format: 1
        name: pl
        language: pl
        entities: { ship: { label: Jednostka, fields: { name: Nazwa } } }
        messages: { fleet.welcome: Ahoj }
    """,
    "navigation/sea": """
        kind: navigation
        format: 1
        extends: sea
        label: { en: Harbour }
        groups:
          - name: fleet
            entries:
              - { name: contacts, entity: contact }
    """,
    "security_roles/sailor": """
        kind: role
        format: 1
        extends: sailor
        privileges:
          - { entity: ship, write: organization }
          - { entity: contact, read: user }
    """,
    "views/ships": """
        kind: view
        format: 1
        extends: ships
        order: [name]
        columns:
          - { field: length, width: 90 }
          - { field: berth, after: name }
          - { field: flag, remove: true }
    """,
}


def replaced(files: Mapping[str, str], name: str, *pairs: tuple[str, str]) -> dict[str, str]:
    """Return the files with texts of one of them replaced."""
    text = files[name]
    for old, new in pairs:
        assert old in text
        text = text.replace(old, new)
    return {**files, name: text}


def version_1_1() -> dict[str, str]:
    """Return labels, limits and forms changed, and a translation that the app had made."""
    files = replaced(
        FLEET_1_0,
        "entities/ship",
        ("label: { en: Ship }", "label: { en: Boat }"),
        ("{ en: Length }, max: 300", "{ en: Total length }, max: 350, required: true"),
        ("- { name: power", "- { name: tonnage, type: decimal, label: { en: Tonnage } }\n"
         "          - { name: power"),
    )  # fmt: skip
    files = replaced(files, "choices/hull", ("en: Wood", "en: Timber"))
    files = replaced(files, "labels/pl", ("Długość }", "Długość, name: Imię }"))
    files = replaced(files, "security_roles/sailor", ("write: user", "write: business_unit"))
    return replaced(
        files, "forms/ship_main", ("[name, length, flag,", "[tonnage, name, length, flag,")
    )


def version_1_2() -> dict[str, str]:
    """Return, on top of 1.1, a control moved to another tab and a field taken away."""
    files = replaced(
        version_1_1(), "entities/ship", ("- { name: flag, type: text, label: { en: Flag } }", "")
    )
    files = replaced(files, "views/ships", ("length, flag]", "length]"))
    return replaced(
        files, "forms/ship_main", ("length, flag, hull", "length, power, hull"), ("[power]", "[]")
    )


def version_2_0() -> dict[str, str]:
    """Return, on top of 1.2, a field renamed and one that the app refers to taken away."""
    files = replaced(
        version_1_2(),
        "entities/ship",
        ("name: length,", "name: loa, renamed_from: length,"),
        ("- { name: master, type: lookup, label: { en: Master }, target: contact }", ""),
    )
    files = replaced(files, "views/ships", ("name, length", "name, loa"), ("length gt", "loa gt"))
    files = replaced(files, "labels/pl", ("length:", "loa:"))
    return replaced(files, "forms/ship_main", ("length,", "loa,"), (", master]", "]"))


Upgraded = Callable[[Mapping[str, str], Mapping[str, str]], Registry]


@pytest.fixture
def upgraded(tmp_path) -> Upgraded:
    """Give a function that lays an app over a version of the fleet bundle."""
    number = iter(range(100))

    def lay(fleet: Mapping[str, str], app: Mapping[str, str]) -> Registry:
        root = tmp_path / str(next(number))
        folders = [BASE]
        for bundle, files in (("fleet", fleet), ("harbour", app)):
            for name, text in files.items():
                path = root / bundle / f"{name}.yaml"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(textwrap.dedent(text).lstrip(), "utf-8")
            folders.append(root / bundle)
        return assemble(load_bundles(folders, shown_from=root))

    return lay


def mistakes(upgraded: Upgraded, fleet: Mapping[str, str], app: Mapping[str, str]) -> list[str]:
    with pytest.raises(MetadataError) as caught:
        upgraded(fleet, app)
    return [str(diagnostic) for diagnostic in caught.value.diagnostics]


def controls(registry: Registry, tab: int = 0) -> list[str]:
    return [
        item.field for item in registry.forms["ship_main"].tabs[tab].sections[0].controls
    ]  # fmt: skip


def assert_customized(registry: Registry, *, length: str = "length") -> None:
    """Assert that everything the app says still holds."""
    ship = registry.entities["ship"]
    field = ship.field_by_name[length]
    form = registry.forms["ship_main"]
    view = registry.views["ships"]
    assert (ship.label.texts["en"], ship.plural_label.texts["en"]) == ("Vessel", "Vessels")
    assert ship.label.texts["pl"] == "Jednostka"
    assert ship.features == {"notes", "activities"}
    assert field.label.texts["en"] == "Length over all"
    assert (field.max, field.required) == (Decimal(400), Required.ALWAYS)
    assert ship.field_by_name["name"].label.texts["pl"] == "Nazwa"
    assert ship.field_by_name["berth"].bundle == "harbour"
    hull = {option.name: option.label.texts["en"] for option in registry.choices["hull"].options}
    assert (hull["wood"], hull["rubber"]) == ("Oak", "Rubber")
    assert form.header == ("ownerid", "berth")
    placed = controls(registry)
    assert placed.index("berth") == placed.index("name") + 1
    assert "flag" not in placed
    assert [item.read_only for item in form.tabs[0].sections[0].controls if item.field == length]
    assert {"Horse power"} == {
        item.label.texts.get("en")
        for tab in form.tabs
        for item in tab.sections[0].controls
        if item.field == "power" and item.label
    }
    assert [column.field for column in view.columns] == ["name", "berth", length]
    assert view.columns[2].width == 90
    assert [key.field for key in view.order] == ["name"]
    granted = {item.entity: item.levels for item in registry.roles["sailor"].privileges}
    assert granted["ship"]["write"] == "organization"
    assert granted["ship"]["read"] == granted["contact"]["read"] == "user"
    area = registry.areas["sea"]
    assert area.label.texts["en"] == "Harbour"
    assert [entry.name for entry in area.groups[0].entries] == ["ships", "contacts"]
    assert registry.messages["fleet.welcome"].texts["pl"] == "Ahoj"


def test_the_app_says_its_own_over_version_1_0(upgraded):
    registry = upgraded(FLEET_1_0, HARBOUR)
    assert_customized(registry)
    assert controls(registry) == ["name", "berth", "master", "length", "hull"]


def test_changed_labels_and_limits_below_leave_the_apps_in_force(upgraded):
    registry = upgraded(version_1_1(), HARBOUR)
    assert_customized(registry)
    # What is new below arrives, where the app says nothing of it.
    assert registry.entities["ship"].field_by_name["tonnage"].type == "decimal"
    assert controls(registry) == ["tonnage", "name", "berth", "master", "length", "hull"]


def test_an_upgrade_tells_what_it_means_for_the_apps_changes(upgraded):
    before = overrides(upgraded(FLEET_1_0, HARBOUR))
    after = overrides(upgraded(version_1_1(), HARBOUR))
    assert upgrade_notes(before, before) == ()
    assert [note.sentence for note in upgrade_notes(before, after)] == [
        'choice:hull.options.wood.label.en: fleet changed "Wood" to "Timber"; '
        'harbour keeps "Oak"',
        'ship.length.label.en: fleet changed "Length" to "Total length"; '
        'harbour keeps "Length over all"',
        "ship.length.max: fleet changed 300 to 350; harbour keeps 400",
        "ship.length.required: fleet now says true itself; harbour need not say it",
        'ship.name.label.pl: fleet now says "Imię"; harbour keeps "Nazwa"',
        'ship.label.en: fleet changed "Ship" to "Boat"; harbour keeps "Vessel"',
        'role:sailor.ship.write: fleet changed "user" to "business_unit"; '
        'harbour keeps "organization"',
    ]  # fmt: skip


def test_overrides_may_be_kept_as_json(upgraded):
    before = overrides(upgraded(FLEET_1_0, HARBOUR))
    after = overrides(upgraded(version_1_1(), HARBOUR))
    kept = json.loads(json.dumps(before)), json.loads(json.dumps(after))
    assert upgrade_notes(*kept) == upgrade_notes(before, after)


def test_what_a_moved_control_or_a_removed_field_leaves_without_hold_is_told(upgraded):
    assert mistakes(upgraded, version_1_2(), HARBOUR) == [
        'harbour/forms/ship_main.yaml:10:22  extension/unknown-item  there is no control "flag" '
        "to remove",
        'harbour/views/ships.yaml:8:14  extension/unknown-item  there is no column "flag" '
        "to remove",
    ]


def harbour_without_flag() -> dict[str, str]:
    files = replaced(HARBOUR, "forms/ship_main", ("- { field: flag, remove: true }", ""))
    return replaced(files, "views/ships", ("- { field: flag, remove: true }", ""))


def test_once_mended_the_app_stands_on_version_1_2(upgraded):
    registry = upgraded(version_1_2(), harbour_without_flag())
    assert_customized(registry)
    # The control moved away below; what the app says of it stands where the app says it.
    assert controls(registry, 1) == ["power"]
    assert "power" in controls(registry, 0)


def test_an_upgrade_tells_when_nothing_is_left_below_a_change(upgraded):
    before = overrides(upgraded(version_1_1(), HARBOUR))
    after = overrides(upgraded(version_1_2(), harbour_without_flag()))
    assert [(note.kind, note.sentence) for note in upgrade_notes(before, after)] == [
        (
            "alone",
            'form:ship_main.technical.engine.power.field: fleet no longer says "power"; '
            'what harbour says, "power", stands by itself',
        )
    ]


def test_a_rename_below_is_told_wherever_the_app_uses_the_old_name(upgraded):
    found = mistakes(upgraded, version_2_0(), harbour_without_flag())
    assert found == [
        'harbour/entities/ship.yaml:8:13  extension/unknown-item  there is no field "length" of '
        '"ship" to change; it was renamed to "loa"',
        'harbour/forms/ship_main.yaml:11:22  form/unknown-field  control "master" is not a field '
        'of "ship"',
        'harbour/forms/ship_main.yaml:11:38  extension/unknown-item  there is no control "length" '
        'to stand before; it was renamed to "loa"',
    ]


def test_once_mended_the_app_stands_on_version_2_0(upgraded):
    app = replaced(harbour_without_flag(), "entities/ship", ("name: length", "name: loa"))
    app = replaced(app, "views/ships", ("field: length", "field: loa"))
    app = replaced(
        app,
        "forms/ship_main",
        ("- { field: master, before: length }", ""),
        ("field: length", "field: loa"),
    )
    registry = upgraded(version_2_0(), app)
    assert_customized(registry, length="loa")
    assert registry.entities["ship"].field_by_name["loa"].renamed_from == ("length",)


def test_an_object_renamed_below_is_told_to_who_extends_it(upgraded):
    fleet = replaced(
        FLEET_1_0, "views/ships", ("name: ships", "name: fleet\n        renamed_from: ships")
    )
    fleet["views/fleet"] = fleet.pop("views/ships")
    assert mistakes(upgraded, fleet, HARBOUR) == [
        'harbour/views/ships.yaml:3:10  extension/unknown-object  there is no view "ships" to '
        'extend; it was renamed to "fleet"'
    ]


def test_a_control_that_moved_is_found_where_it_stands_now(upgraded):
    app = replaced(
        harbour_without_flag(),
        "forms/ship_main",
        ("- { field: power, label: { en: Horse power } }", "- { field: power, remove: true }"),
    )
    assert mistakes(upgraded, version_1_2(), app) == [
        'harbour/forms/ship_main.yaml:18:22  extension/unknown-item  there is no control "power" '
        "to remove; it stands in general.general"
    ]
