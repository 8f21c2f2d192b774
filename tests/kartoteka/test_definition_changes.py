"""What differs between two registries, told once and in words."""

from __future__ import annotations

import dataclasses
import shutil
import textwrap
from collections.abc import Iterator, Mapping
from decimal import Decimal
from enum import Enum
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kartoteka.assembly import assemble, load_bundles
from kartoteka.definition_changes import ABSENT, definition_changes, renamed, sentence
from kartoteka.model.label import Label
from kartoteka.registry import Registry
from kartoteka.registry_codec import fingerprint

BASE = Path(__file__).parents[1] / "golden" / "_base"

CAR = """
    kind: entity
    format: 1
    name: car
    label: { en: Car, pl: Auto }
    plural_label: { en: Cars }
    primary_field: name
    features: [notes]
    fields:
      - { name: name, type: text, label: { en: Name } }
      - { name: plate, type: text, label: { en: Plate of the {entity:car} }, max_length: 10 }
      - { name: price, type: money, label: { en: Price }, min: 0.5 }
      - { name: sold, type: yes_no, label: { en: Sold } }
      - name: fuel
        type: choice
        label: { en: Fuel }
        options:
          - { name: petrol, value: 1, label: { en: Petrol } }
          - { name: electric, value: 2, label: { en: Electric } }
      - { name: industrycode, type: choice, label: { en: Industry }, choice: industry }
      - { name: accountid, type: lookup, label: { en: Keeper }, target: account }
      - { name: buyerid, type: lookup, label: { en: Buyer }, targets: [account] }
      - name: vin
        type: text
        label: { en: Chassis }
        secured: true
        mask: { pattern: ".(?=.{4})" }
    keys:
      - { name: by_plate, fields: [plate], label: { en: Plate } }
    states:
      - name: running
        value: 0
        label: { en: Running }
        reasons:
          - { name: new, value: 1, label: { en: New } }
          - { name: used, value: 2, label: { en: Used } }
      - name: scrapped
        value: 1
        label: { en: Scrapped }
        read_only: true
        reasons: [{ name: gone, value: 3, label: { en: Gone } }]
    commands:
      - { name: scrap, label: { en: Scrap }, from: [running], to: scrapped }
""".replace("Plate of the {entity:car}", '"Plate of the {entity:car}"')
FORM = """
    kind: form
    format: 1
    name: car_main
    label: { en: Car }
    entity: car
    type: main
    header: [statuscode, price]
    tabs:
      - name: summary
        label: { en: Summary }
        sections:
          - name: general
            label: { en: General }
            columns: 2
            controls: [name, plate, { field: price, read_only: true }]
          - name: keeper
            controls: [accountid, { quick_view: accountid, form: account_card }]
"""
CARD = """
    kind: form
    format: 1
    name: account_card
    label: { en: Card }
    entity: account
    type: quick_view
    tabs: [{ name: card, sections: [{ name: card, controls: [name] }] }]
"""
VIEW = """
    kind: view
    format: 1
    name: active_cars
    label: { en: "Active {entities:car}" }
    entity: car
    type: public
    default: true
    filter: plate ne null and accountid/name eq 'plate'
    order: [plate, price desc]
    columns: [name, { field: plate, width: 90 }, accountid/name]
"""
ROLE = """
    kind: role
    format: 1
    name: mechanic
    label: { en: Mechanic }
    privileges: [{ entity: car, read: user, write: user }]
"""
PROFILE = """
    kind: column_profile
    format: 1
    name: police
    label: { en: Police }
    privileges:
      - { entity: car, columns: [{ field: vin, read: true, read_unmasked: one_record }] }
"""
AREA = """
    kind: navigation
    format: 1
    name: garage
    label: { en: Garage }
    groups:
      - name: vehicles
        label: { en: Vehicles }
        entries:
          - { name: cars, entity: car, view: active_cars }
          - { name: keepers, entity: account }
"""
RULE = """
    kind: rule
    format: 1
    name: dealing
    label: { en: Dealing }
    help: { en: What a plate is for }
    entity: car
    scope: form
    form: car_main
    branches:
      - name: sold
        when: name ne null and price gt 10
        then:
          - { lock: [plate, price] }
          - { set: fuel, value: 2 }
          - { set: plate, formula: "concat(plate,'!')" }
          - { error: dear, message: { en: "Too dear: {field:car.price}" }, field: price }
      - { name: named, when: name ne null, then: [{ require: plate, level: recommended }] }
    otherwise:
      - recommend: ask
        label: { en: Ask }
        details: { en: Perhaps }
        field: plate
        then: [{ clear: plate }, { set: price, value: 1.5 }]
"""
GARAGE = {
    "entities/car": CAR,
    "forms/car_main": FORM,
    "forms/account_card": CARD,
    "views/active_cars": VIEW,
    "security_roles/mechanic": ROLE,
    "column_profiles/police": PROFILE,
    "navigation/garage": AREA,
    "rules/dealing": RULE,
}


def garage(
    tmp_path: Path,
    changed: Mapping[str, tuple[str, str]] | None = None,
    more: Mapping[str, str] | None = None,
) -> Registry:
    """Return the garage's registry, with texts in its files replaced, and with more files."""
    folder = tmp_path / "garage"
    shutil.rmtree(folder, ignore_errors=True)
    for name, text in {**GARAGE, **(more or {})}.items():
        old, new = (changed or {}).get(name, ("", ""))
        assert old in text
        path = folder / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text.replace(old, new) if old else text), "utf-8")
    return assemble(load_bundles([BASE, folder], shown_from=tmp_path))


@pytest.fixture(scope="module")
def live(tmp_path_factory) -> Registry:
    return garage(tmp_path_factory.mktemp("live"))


# fmt: off
SINGLE = [
    ("entities/car", "en: Plate }", "en: Number }",
     'entity car: label (en) of key by_plate changes from "Plate" to "Number"'),
    ("entities/car", "pl: Auto", "pl: Samochód",
     'entity car: label (pl) changes from "Auto" to "Samochód"'),
    ("entities/car", ", pl: Auto", "", 'entity car: label (pl) changes from "Auto" to nothing'),
    ("entities/car", "max_length: 10", "max_length: 20",
     "field car.plate: max_length changes from 10 to 20"),
    ("entities/car", "max_length: 10", "max_length: 10, required: on_form",
     "field car.plate: required changes from no to on_form"),
    ("entities/car", "min: 0.5", "min: 1.5", "field car.price: min changes from 0.5 to 1.5"),
    ("entities/car", "min: 0.5", "min: 0.50", "field car.price: min changes from 0.5 to 0.50"),
    ("entities/car", "min: 0.5", "min: 0.5, precision: 4",
     "field car.price: precision changes from 2 to 4"),
    ("entities/car", "type: yes_no", "type: text",
     "field car.sold: type changes from yes_no to text"),
    ("entities/car", "targets: [account]", "targets: [account, contact]",
     "field car.buyerid: target contact is added after account"),
    ("entities/car", "name: petrol", "name: gasoline",
     "field car.fuel: name of option gasoline changes from petrol to gasoline"),
    ("entities/car", "      - { name: sold, type: yes_no, label: { en: Sold } }\n", "",
     "field car.sold is removed"),
    ("entities/car", "- { name: sold,",
     "- { name: tax, type: money, label: { en: Tax } }\n      - { name: sold,",
     "field car.tax is added after price"),
    ("entities/car", "features: [notes]", "features: [notes, queues]",
     "entity car: feature queues is added"),
    ("entities/car", "en: Used", "en: Second hand",
     'entity car: label (en) of reason used changes from "Used" to "Second hand"'),
    ("entities/car", "{ name: used, value: 2, label: { en: Used } }",
     "{ name: used, value: 2, label: { en: Used } }\n"
     "          - { name: rare, value: 9, label: { en: Rare } }",
     "entity car: reason rare is added to state running after used"),
    ("forms/car_main", "controls: [name, plate,", "controls: [name, industrycode, plate,",
     "form car_main: field industrycode is added to section general after name"),
    ("forms/car_main", "columns: 2", "columns: 3",
     "form car_main: columns of section general changes from 2 to 3"),
    ("forms/car_main", "read_only: true", "read_only: false",
     "form car_main: read_only of field price in section general changes from true to false"),
    ("forms/car_main", ", { quick_view: accountid, form: account_card }", "",
     "form car_main: quick view accountid is removed from section keeper"),
    ("forms/car_main", "[statuscode, price]", "[price, statuscode]",
     "form car_main: header field price moves to the front"),
    ("views/active_cars", "filter: plate ne null", "filter: price gt 5",
     "view active_cars: filter changes from \"plate ne null and accountid/name eq 'plate'\" "
     "to \"price gt 5 and accountid/name eq 'plate'\""),
    ("views/active_cars", "width: 90", "width: 95",
     "view active_cars: width of column plate changes from 90 to 95"),
    ("views/active_cars", "price desc", "price",
     "view active_cars: descending of sort key price changes from true to false"),
    ("views/active_cars", "default: true", "default: false",
     "view active_cars: default changes from true to false"),
    ("security_roles/mechanic", "read: user", "read: business_unit",
     "role mechanic: read on car changes from user to business_unit"),
    ("security_roles/mechanic", "read: user, ", "",
     "role mechanic: read on car changes from user to none"),
    ("security_roles/mechanic", "[{", "[{ entity: account, read: user }, {",
     "role mechanic: privileges on account are added: read user"),
    ("column_profiles/police", "unmasked: one_record", "unmasked: all_records",
     "column profile police: read_unmasked of column vin on car changes from one_record to "
     "all_records"),
    ("column_profiles/police", "{ field: vin, read: true, read_unmasked: one_record }", "",
     "column profile police: column vin is removed from privileges on car"),
    ("entities/car", "mask: {", "mask: { character: x,",
     "field car.vin: mask (character) changes from \"*\" to x"),
    ("entities/car", "sold, type: yes_no,", "sold, type: yes_no, secured: true,",
     "field car.sold: secured changes from false to true"),
    ("navigation/garage", "en: Vehicles", "en: Cars",
     'navigation garage: label (en) of group vehicles changes from "Vehicles" to "Cars"'),
    ("navigation/garage", "{ name: cars, entity: car, view: active_cars }",
     "{ name: vans, entity: contact }\n          - { name: cars, entity: car, view: active_cars }",
     "navigation garage: entry vans is added to group vehicles in the first place"),
    ("rules/dealing", "price gt 10", "price gt 20",
     'rule dealing: when of branch sold changes from "name ne null and price gt 10" to '
     '"name ne null and price gt 20"'),
    ("rules/dealing", "- { set: fuel, value: 2 }\n", "\n",
     "rule dealing: action set fuel is removed from branch sold"),
    ("rules/dealing", "{ en: Perhaps }", "{ en: Why not }",
     'rule dealing: details (en) of otherwise action recommend ask changes from "Perhaps" to '
     '"Why not"'),
    ("rules/dealing", "scope: form\n    form: car_main", "scope: form\n    enabled: false\n"
     "    form: car_main",
     "rule dealing: enabled changes from true to false"),
]
# fmt: on


@pytest.mark.parametrize(("file", "old", "new", "expected"), SINGLE)
def test_one_edit_of_a_file_is_one_sentence(live, tmp_path, file, old, new, expected):
    wanted = garage(tmp_path, {file: (old, new)})
    assert [sentence(change) for change in definition_changes(live, wanted)] == [expected]


def test_an_entry_of_the_menu_moves(live, tmp_path):
    cars = "- { name: cars, entity: car, view: active_cars }"
    keepers = "- { name: keepers, entity: account }"
    swapped = AREA.replace(cars, "CARS").replace(keepers, cars).replace("CARS", keepers)
    (change,) = definition_changes(live, garage(tmp_path, more={"navigation/garage": swapped}))
    assert change.path == ("groups", "vehicles", "entries", "order")
    assert sentence(change) == (
        "navigation garage: entry keepers moves to the front in group vehicles"
    )


def test_an_object_is_one_change_as_a_whole(live, tmp_path):
    less = {name: text for name, text in GARAGE.items() if name != "navigation/garage"}
    folder = tmp_path / "less"
    for name, text in less.items():
        path = folder / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), "utf-8")
    without = assemble(load_bundles([BASE, folder], shown_from=tmp_path))
    folder.rename(tmp_path / "garage")
    (gone,) = definition_changes(live, without)
    (new,) = definition_changes(without, live)
    assert (sentence(gone), gone.after) == ("navigation garage is removed", ABSENT)
    assert (sentence(new), new.path, new.before) == ("navigation garage is added", (), ABSENT)


def test_options_of_a_shared_choice_are_told_once(live, tmp_path):
    choice = """
        kind: choice
        extends: industry
        format: 1
        options: [{ name: mining, value: 77, label: { en: Mining } }]
    """
    (change,) = definition_changes(live, garage(tmp_path, more={"choices/industry": choice}))
    assert (change.kind, change.name, change.path) == ("choice", "industry", ("options", "mining"))
    assert sentence(change).startswith("choice industry: option mining is added after ")


def test_targets_by_feature_are_told_by_the_feature(registry_of):
    def layer(features: str) -> dict[str, str]:
        text = f"""
            kind: entity
            format: 1
            name: club
            label: {{ en: Club }}
            primary_field: name
            features: {features}
            fields: [{{ name: name, type: text, label: {{ en: Name }} }}]
        """
        return {"entities/club": text}

    changes = definition_changes(registry_of(layer("[]")), registry_of(layer("[customer]")))
    assert [sentence(change) for change in changes] == ["entity club: feature customer is added"]


def test_texts_that_come_from_messages_are_told_by_the_message(live, tmp_path):
    labels = """
        kind: labels
        format: 1
        name: pl
        language: pl
        messages: { form.true: Tak, state.active: Aktywny, format.base_amount: "{field} (baza)" }
    """
    texts = [
        sentence(change)
        for change in definition_changes(live, garage(tmp_path, more={"labels/pl": labels}))
    ]
    assert texts == [
        'message form.true: text (pl) changes from nothing to "Tak"',
        'message format.base_amount: text (pl) changes from nothing to "{field} (baza)"',
        'message state.active: text (pl) changes from nothing to "Aktywny"',
        "app: language pl is added after en",
    ]


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        ("", ", formula: 1 add 2", 'formula changes from nothing to "1 add 2"'),
        (", formula: 1 add 2", ", formula: 1 add 2, stored: true",
         "stored changes from false to true"),
        ("", ", rollup: { over: pier_pier_up, function: count }",
         "rollup changes from nothing to count over pier_pier_up"),
        (", rollup: { over: pier_pier_up, function: count }",
         ", rollup: { over: pier_pier_up, function: count, filter: up ne null }",
         'rollup (filter) changes from nothing to "up ne null"'),
    ],
)  # fmt: skip
def test_a_field_that_becomes_calculated_is_one_sentence(registry_of, before, after, expected):
    def pier(calculated: str) -> Registry:
        text = f"""
            kind: entity
            format: 1
            name: pier
            label: {{ en: Pier }}
            plural_label: {{ en: Piers }}
            ownership: none
            fields:
              - {{ name: up, type: lookup, target: pier, label: {{ en: Up }} }}
              - {{ name: length, type: whole_number, label: {{ en: Length }}{calculated} }}
        """
        head = "{kind: bundle, format: 1, name: app}"
        registry: Registry = registry_of({"bundle": head, "entities/pier": text})
        return registry

    changes = definition_changes(pier(before), pier(after))
    assert [sentence(change) for change in changes] == [f"field pier.length: {expected}"]


def test_changes_are_told_under_their_entity(live, tmp_path):
    changed = {
        "forms/car_main": ("columns: 2", "columns: 1"),
        "views/active_cars": ("width: 90", "width: 100"),
        "security_roles/mechanic": ("read: user", "read: organization"),
    }
    changes = definition_changes(live, garage(tmp_path, changed))
    assert [(change.kind, change.entity) for change in changes] == [
        ("form", "car"), ("view", "car"), ("role", ""),
    ]  # fmt: skip


def test_a_rename_reaches_every_reference_and_is_not_told(live, tmp_path):
    words = {
        "name: car\n": "name: vehicle\n",
        "entity: car": "entity: vehicle",
        "entity:car}": "entity:vehicle}",
        "entities:car}": "entities:vehicle}",
        "name: plate": "name: registration",
        "[plate": "[registration",
        "field: plate": "field: registration",
        " plate,": " registration,",
        ": plate }": ": registration }",
        "{field:car.": "{field:vehicle.",
        "car_main": "vehicle_main",
        "name: dealing": "name: trade",
        "plate ne null": "registration ne null",
        "concat(plate": "concat(registration",
        "accountid": "keeperid",
        "account_card": "keeper_card",
        "active_cars": "active_vehicles",
        "name: mechanic": "name: engineer",
        "name: police": "name: state",
        "name: vin": "name: chassis",
        "field: vin": "field: chassis",
    }
    files = {}
    for name, text in GARAGE.items():
        for old, new in words.items():
            text = text.replace(old, new)
        files[name] = text
    files["entities/car"] = files["entities/car"].replace(
        "primary_field", "set_name: cars\n    primary_field"
    )
    folder = tmp_path / "renamed"
    for name, text in files.items():
        path = folder / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text), "utf-8")
    (folder / "entities/car.yaml").rename(folder / "entities/vehicle.yaml")
    (folder / "views/active_cars.yaml").rename(folder / "views/active_vehicles.yaml")
    (folder / "forms/account_card.yaml").rename(folder / "forms/keeper_card.yaml")
    (folder / "forms/car_main.yaml").rename(folder / "forms/vehicle_main.yaml")
    (folder / "rules/dealing.yaml").rename(folder / "rules/trade.yaml")
    (folder / "security_roles/mechanic.yaml").rename(folder / "security_roles/engineer.yaml")
    (folder / "column_profiles/police.yaml").rename(folder / "column_profiles/state.yaml")
    folder.rename(tmp_path / "garage")
    wanted = assemble(load_bundles([BASE, tmp_path / "garage"], shown_from=tmp_path))
    renames = {
        ("entity", "car"): "vehicle",
        ("field", "vehicle.carid"): "vehicleid",
        ("field", "vehicle.plate"): "registration",
        ("field", "vehicle.accountid"): "keeperid",
        ("field", "vehicle.vin"): "chassis",
        ("form", "account_card"): "keeper_card",
        ("form", "car_main"): "vehicle_main",
        ("rule", "dealing"): "trade",
        ("view", "active_cars"): "active_vehicles",
        ("role", "mechanic"): "engineer",
        ("column_profile", "police"): "state",
    }
    assert [sentence(change) for change in definition_changes(live, wanted, renames)] == []
    assert fingerprint(renamed(live, renames)) == fingerprint(wanted)
    assert definition_changes(live, wanted)


def test_long_values_are_shortened(live, tmp_path):
    long = " or ".join(f"plate eq 'PO {number}'" for number in range(20))
    wanted = garage(tmp_path, {"views/active_cars": ("plate ne null", f"({long})")})
    (change,) = definition_changes(live, wanted)
    assert len(sentence(change)) < 180
    assert "…" in sentence(change)


IDENTIFYING = {
    "Control": {"field", "subgrid", "quick_view", "panel"},
    "SortKey": {"field"},
    "ViewColumn": {"field"},
    "EntityPrivileges": {"entity"},
    "EntityColumns": {"entity"},
    "ColumnPrivileges": {"field"},
    "Transition": {"from_state", "to_state"},
    "Action": {"verb", "targets"},
}
SECTIONS = (
    "entities", "choices", "relationships", "forms", "views", "roles", "column_profiles", "areas",
    "rules", "messages",
)  # fmt: skip


def edits(value: Any) -> Iterator[Any]:
    """Yield a part of a registry with each small change that can be made inside it."""
    match value:
        case Label(texts):
            for language, text in texts.items():
                yield Label({**texts, language: text + "!"})
            yield Label({**texts, "xx": "Text"})
        case bool():
            yield not value
        case Enum():
            yield next(item for item in type(value) if item is not value)
        case int() | Decimal():
            yield value + 1
        case str():
            yield value + "x"
        case frozenset():
            yield value | {"zzz"}
            yield from (value - {item} for item in sorted(value))
        case Mapping():
            for key in value:
                yield {**value, key: "nobody"}
                yield {name: item for name, item in value.items() if name != key}
        case tuple():
            yield from list_edits(value)
        case _ if dataclasses.is_dataclass(value) and not isinstance(value, type):
            skipped = {"name", "value", *IDENTIFYING.get(type(value).__name__, ())}
            for attribute in dataclasses.fields(value):
                if attribute.name not in skipped and attribute.compare:
                    for changed in edits(getattr(value, attribute.name)):
                        yield dataclasses.replace(value, **{attribute.name: changed})


def list_edits(value: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    for index, item in enumerate(value):
        yield value[:index] + value[index + 1 :]
        if index:
            yield (*value[: index - 1], item, value[index - 1], *value[index + 1 :])
        if dataclasses.is_dataclass(item):
            for changed in edits(item):
                yield (*value[:index], changed, *value[index + 1 :])
    if value and all(isinstance(item, str) for item in value):
        yield (*value, "zzz")


def edited(registry: Registry) -> Iterator[Registry]:
    """Yield the registry with each small change that can be made."""

    def put(name: str, value: Any) -> Registry:
        values: dict[str, Any] = {name: value}
        return dataclasses.replace(registry, **values)

    for section in SECTIONS:
        items = getattr(registry, section)
        for name, item in items.items():
            yield put(section, {key: other for key, other in items.items() if key != name})
            for changed in edits(item):
                yield put(section, {**items, name: changed})
    for name in ("bundles", "languages", "base_language"):
        for changed in edits(getattr(registry, name)):
            yield put(name, changed)


@pytest.fixture(scope="module")
def single_edits(live) -> list[Registry]:
    return list(edited(live))


def test_every_single_edit_is_exactly_one_change(live, single_edits):
    assert len(single_edits) > 1000
    for wanted in single_edits:
        forth, back = definition_changes(live, wanted), definition_changes(wanted, live)
        assert len(forth) == len(back) == 1, [sentence(change) for change in (*forth, *back)]
        assert (forth[0].before, forth[0].after) == (back[0].after, back[0].before)
        assert sentence(forth[0]) != sentence(back[0])
        assert "  " not in sentence(forth[0])


@settings(max_examples=50, deadline=None)
@given(st.data())
def test_there_are_no_changes_exactly_when_both_encode_alike(single_edits, data):
    numbers = st.integers(0, len(single_edits) - 1)
    other = single_edits[data.draw(numbers)]
    wanted = single_edits[data.draw(numbers)]
    for number in data.draw(st.lists(numbers, max_size=2)):
        more = list(edited(wanted))
        wanted = more[number % len(more)]
    is_empty = not definition_changes(other, wanted)
    assert is_empty == (fingerprint(other) == fingerprint(wanted))
    assert not definition_changes(wanted, wanted)
