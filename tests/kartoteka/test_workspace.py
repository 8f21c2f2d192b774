"""A workspace says at any time what a check from nothing says, and does little for a small edit."""

from __future__ import annotations

import shutil
import tempfile
import textwrap
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kartoteka.assembly import assemble, load_bundles
from kartoteka.errors import MetadataError
from kartoteka.registry import Registry
from kartoteka.registry_codec import encode_registry
from kartoteka.workspace import Workspace

BASE = Path(__file__).parents[1] / "golden" / "_base"

FLEET: Mapping[str, str] = {
    "bundle": """
        kind: bundle
        format: 1
        name: fleet
        requires: [base]
    """,
    "entities/vehicle": """
        kind: entity
        format: 1
        name: vehicle
        label: { en: Vehicle }
        plural_label: { en: Vehicles }
        primary_field: name
        features: [customer]
        includes: [place]
        fields:
          - { name: name, type: text, label: { en: Name } }
          - { name: price, type: money, label: { en: Price } }
          - { name: colour, type: choice, label: { en: Colour }, choice: colour }
          - { name: sold, type: yes_no, label: { en: Sold } }
          - name: driver
            type: lookup
            label: { en: "{entity:contact} who drives" }
            target: contact
    """,
    "entities/trip": """
        kind: entity
        format: 1
        name: trip
        label: { en: "{entity:vehicle} trip" }
        plural_label: { en: Trips }
        primary_field: name
        fields:
          - { name: name, type: text, label: { en: Name } }
          - { name: vehicle, type: lookup, label: { en: Vehicle }, target: vehicle }
          - { name: customerid, type: customer, label: { en: Customer } }
    """,
    "field_groups/place": """
        kind: field_group
        format: 1
        name: place
        fields:
          - { name: city, type: text, label: { en: City } }
    """,
    "choices/colour": """
        kind: choice
        format: 1
        name: colour
        label: { en: Colour }
        options:
          - { name: red, value: 1, label: { en: Red } }
          - { name: blue, value: 2, label: { en: Blue } }
    """,
    "forms/vehicle_main": """
        kind: form
        format: 1
        name: vehicle_main
        entity: vehicle
        type: main
        label: { en: Vehicle }
        tabs:
          - name: summary
            label: { en: Summary }
            sections:
              - name: facts
                label: { en: Facts }
                controls: [name, price, { field: colour, label: { en: Paint } }]
              - name: trips
                controls:
                  - { subgrid: trips, entity: trip, by: vehicle, view: all_trips }
    """,
    "views/all_trips": """
        kind: view
        format: 1
        name: all_trips
        entity: trip
        type: public
        default: true
        label: { en: All trips }
        filter: vehicle/price gt 5 and vehicle/colour eq 'red'
        columns: [name, vehicle, vehicle/price]
    """,
    "views/vehicles": """
        kind: view
        format: 1
        name: vehicles
        entity: vehicle
        type: public
        label: { en: Vehicles }
        columns: [name, colour]
    """,
    "security_roles/driver": """
        kind: role
        format: 1
        name: driver
        label: { en: Driver }
        privileges:
          - { entity: vehicle, read: organization }
          - { entity: trip, read: user }
    """,
    "navigation/fleet": """
        kind: navigation
        format: 1
        name: fleet
        label: { en: Fleet }
        groups:
          - name: all
            entries:
              - { name: vehicles, entity: vehicle, view: vehicles }
              - { name: trips, entity: trip, view: all_trips }
    """,
    "rules/selling": """
        kind: rule
        format: 1
        name: selling
        label: { en: "Selling a {entity:vehicle}" }
        entity: vehicle
        scope: form
        form: vehicle_main
        branches:
          - name: sold
            when: sold eq true and colour eq 'red'
            then:
              - set: colour
                value: red
              - set: name
                formula: concat(name,'!')
              - lock: [name, price]
              - hide_section: facts
              - error: price
                message: { en: "No {field:vehicle.price}" }
                field: price
        otherwise:
          - recommend: name
            label: { en: Name it }
            field: name
            then: [{ clear: name }]
    """,
    "relationships/vehicle_trip": """
        kind: relationship
        format: 1
        name: vehicle_trip
        left: vehicle
        right: trip
        intersect: vehicletrip
    """,
    "labels/pl": """
        kind: labels
        format: 1
        name: pl
        language: pl
        entities:
          vehicle: { label: Pojazd, fields: { name: Nazwa, city: Miasto } }
          account: { label: Firma }
        views: { vehicles: Pojazdy }
        roles: { driver: Kierowca }
        rules: { selling: { label: Sprzedaż, messages: { price: Nie } } }
        messages: { form.true: Tak, state.active: Czynny }
    """,
}
APP: Mapping[str, str] = {
    "bundle": """
        kind: bundle
        format: 1
        name: shop
        prefix: shop
        requires: [fleet]
    """,
    "entities/vehicle": """
        kind: entity
        format: 1
        extends: vehicle
        label: { en: Car }
        fields:
          - { name: name, max_length: 40 }
          - { name: shop_shelf, type: whole_number, label: { en: Shelf }, after: name }
    """,
    "forms/vehicle_main": """
        kind: form
        format: 1
        extends: vehicle_main
        tabs:
          - name: summary
            sections:
              - { name: facts, controls: [{ field: shop_shelf, after: name }] }
    """,
    "choices/colour": """
        kind: choice
        format: 1
        extends: colour
        options: [{ name: green, value: 3, label: { en: Green } }]
    """,
    "labels/shop_pl": """
        kind: labels
        format: 1
        name: shop_pl
        language: pl
        field_groups: { place: { city: Miejscowość } }
        entities: { vehicle: { label: Auto } }
    """,
}
LAYERS = ("base", "fleet", "app")
WORDS = (
    "name", "vehicle", "trip", "price", "colour", "contact", "account", "city", "red", "text",
    "money", "summary", "facts", "driver", "vehicles", "place", "fleet", "pl", "en", "true",
)  # fmt: skip

Edit = tuple[str, int, int, int]
EDITS: st.SearchStrategy[Edit] = st.tuples(
    st.sampled_from(
        ["remove line", "repeat line", "other word", "comment", "remove", "copy", "rename",
         "restore", "touch", "restore", "other word"]
    ),
    st.integers(0, 10_000), st.integers(0, 10_000), st.integers(0, 10_000),
)  # fmt: skip


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(EDITS, min_size=1, max_size=8))
def test_it_says_what_a_check_from_nothing_says(edits: list[Edit]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        files = _Files(Path(folder))
        workspace = Workspace(files.folders, shown_from=files.root)
        _compare(workspace, files)
        for edit in edits:
            files.carry_out(edit)
            _compare(workspace, files)


def _compare(workspace: Workspace, files: _Files) -> None:
    said = _outcome(workspace.assemble)
    fresh = load_bundles(files.folders, shown_from=files.root)
    assert said == _outcome(lambda: assemble(fresh)), files.log


def _outcome(make: Any) -> object:
    try:
        registry: Registry = make()
    except MetadataError as error:
        return error.diagnostics
    return (
        registry,
        [repr(item) for item in registry.entities.values()],  # with places and former names
        [repr(item) for item in (*registry.forms.values(), *registry.views.values())],
        [repr(item) for item in registry.rules.values()],
        [list(section) for section in encode_registry(registry).values() if section],
        dict(registry.sources),
    )


class _Files:
    """The folders of three layers, and edits of their files by numbers."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.folders = [root / name for name in LAYERS]
        self.log: list[str] = []
        shutil.copytree(BASE, self.folders[0])
        for folder, layer in zip(self.folders[1:], (FLEET, APP), strict=True):
            write(folder, layer)
        self._first = {path: path.read_text("utf-8") for path in root.rglob("*.yaml")}

    def carry_out(self, edit: Edit) -> None:
        what, one, two, three = edit
        if what == "restore":
            gone = [path for path, text in self._first.items() if _text(path) != text]
            for path in sorted(gone)[: 1 + one % 3]:
                path.write_text(self._first[path], "utf-8")
                self.log.append(f"restore {path.relative_to(self.root)}")
            return
        paths = sorted(self.root.rglob("*.yaml"))
        path = paths[one % len(paths)]
        self.log.append(f"{what} {path.relative_to(self.root)} {two} {three}")
        text = path.read_text("utf-8")
        lines = text.splitlines(keepends=True)
        line = two % max(1, len(lines))
        match what:
            case "remove":
                path.unlink()
            case "touch":
                path.touch()
            case "copy" | "rename":
                other = paths[two % len(paths)].with_name(f"{WORDS[three % len(WORDS)]}.yaml")
                other.write_text(text, "utf-8")
                if what == "rename" and other != path:
                    path.unlink()
            case "comment":
                path.write_text("# moved down\n" + text, "utf-8")
            case "remove line":
                path.write_text("".join(lines[:line] + lines[line + 1 :]), "utf-8")
            case "repeat line":
                path.write_text("".join(lines[: line + 1] + lines[line:]), "utf-8")
            case "other word":
                known = [word for word in WORDS if word in "".join(lines[line:])]
                word = known[three % len(known)] if known else ""
                rest = "".join(lines[line:]).replace(word, WORDS[three % len(WORDS)], 1)
                path.write_text("".join(lines[:line]) + (rest if word else text), "utf-8")


def _text(path: Path) -> str:
    return path.read_text("utf-8") if path.exists() else ""


def write(folder: Path, layer: Mapping[str, str]) -> None:
    for name, text in layer.items():
        path = folder / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(textwrap.dedent(text).lstrip(), "utf-8")


@pytest.fixture
def files(tmp_path: Path) -> _Files:
    return _Files(tmp_path)


def test_its_layers_are_right_before_any_edit(files: _Files) -> None:
    Workspace(files.folders, shown_from=files.root).assemble()


def test_nothing_changed_is_the_same_registry(files: _Files) -> None:
    workspace = Workspace(files.folders, shown_from=files.root)
    registry = workspace.assemble()
    (files.folders[1] / "entities" / "trip.yaml").touch()
    assert workspace.assemble() is registry


def test_what_an_edit_does_not_touch_stays_the_same_object(files: _Files) -> None:
    workspace = Workspace(files.folders, shown_from=files.root)
    before = workspace.assemble()
    path = files.folders[1] / "entities" / "trip.yaml"
    path.write_text(path.read_text("utf-8").replace("en: Trips", "en: Journeys"), "utf-8")
    after = workspace.assemble()
    assert after.entities["trip"].plural_label.texts["en"] == "Journeys"
    assert [
        name for name in after.entities if after.entities[name] is not before.entities[name]
    ] == ["trip"]
    for section in (
        "choices", "forms", "views", "roles", "column_profiles", "areas", "rules",
        "relationships", "messages",
    ):  # fmt: skip
        for name, item in getattr(after, section).items():
            assert item is getattr(before, section)[name]


def test_a_mistake_and_its_mending_touch_nothing_else(files: _Files) -> None:
    workspace = Workspace(files.folders, shown_from=files.root)
    before = workspace.assemble()
    path = files.folders[1] / "entities" / "trip.yaml"
    text = path.read_text("utf-8")
    path.write_text(text + "  - [", "utf-8")
    with pytest.raises(MetadataError, match="trip.yaml"):
        workspace.assemble()
    path.write_text(text + "  - { name: distance, type: decimal, label: { en: Km } }\n", "utf-8")
    after = workspace.assemble()
    assert "distance" in after.entities["trip"].field_by_name
    assert after.entities["vehicle"] is before.entities["vehicle"]
