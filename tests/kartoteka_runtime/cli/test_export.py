"""`kartoteka export`: the live registry as files, which mean the registry again."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kartoteka.registry import Registry
from kartoteka.registry_codec import encode_registry
from kartoteka_runtime.app_folder import load_app_folder
from kartoteka_runtime.cli.export import exported_files
from kartoteka_runtime.cli.exported_folder import ExportRefused, write_exported
from kartoteka_runtime.testing.running_app import publish_folder, running_app, write_app

ODD_TEXTS = [
    "no", "on", "12", "1.50", "null", "true", "a: b", "a #b", ' lead "quotes" \\', "it's",
    "ąłóńž – 日本", "- dash", "one line\nand another\n\n  indented", "ends\n", "[x], {1}",
]  # fmt: skip
ODD_ENTITY = """
kind: entity
format: 1
name: boat
label: { en: Boat }
plural_label: { en: Boats }
primary_field: name
ownership: none
fields:
  - { name: name, type: text, required: false, default: "12" }
  - { name: length, type: decimal, precision: 3, min: 0.50, max: 12.250, default: 1.0 }
  - { name: draught, type: float, default: 0.1 }
  - { name: crew, type: whole_number, min: -1 }
  - name: sail
    type: choice
    default: none
    options: [{ name: none, value: 0 }, { name: "7", value: 7, color: "#aabbcc" }]
  - { name: sister, type: lookup, target: boat, required: true, on_delete: cascade }
  - { name: parent, type: lookup, targets: [boat, pier], on_assign: all, hierarchical: false }
  - { name: launched, type: date_time, behavior: date_only, audited: false, searchable: false }
  - { name: statecode, type: state }
  - { name: statuscode, type: status }
states:
  - name: afloat
    value: 0
    reasons: [{ name: moored, value: 1, next: [] }, { name: at_sea, value: 2, next: [moored] }]
transitions: []
"""
PIER = """
kind: entity
format: 1
name: pier
label: { en: Pier }
plural_label: { en: Piers }
primary_field: name
ownership: organization
states: []
fields:
  - { name: name, type: text }
"""


def meaning(registry):
    """Return everything a registry says, without the bundles it came from."""

    def strip(value):
        if isinstance(value, dict):
            return {key: strip(item) for key, item in value.items() if "bundle" not in key}
        return [strip(item) for item in value] if isinstance(value, list) else value

    return strip(encode_registry(registry))


def files_below(folder: Path) -> dict[str, bytes]:
    return {
        file.relative_to(folder).as_posix(): file.read_bytes()
        for file in folder.rglob("*")
        if file.is_file() and file.relative_to(folder).parts[0] != "data"
    }


def export(app, folder):
    write_exported(folder, exported_files(app.parts.app_folder, app.registry))
    return app.registry


async def test_the_shipped_crm_comes_back_byte_for_byte(start_app, empty_database, tmp_path):
    first = export(await start_app(plugins=("sales", "service", "marketing")), tmp_path / "first")
    await publish_folder(tmp_path / "first", empty_database)
    async with running_app(tmp_path / "first", empty_database) as app:
        second = export(app, tmp_path / "second")
        async with app.client_as("salesperson") as client:
            assert (await client.get("/")).status_code in (200, 303)

    assert files_below(tmp_path / "second") == files_below(tmp_path / "first") != {}
    assert meaning(second) == meaning(first)
    assert len(first.entities) > 30


def standalone(folder: Path, files: dict[str, str]) -> Path:
    write_app(folder, languages=("en", "pl"), metadata=files)
    with (folder / "kartoteka.yaml").open("a") as file:
        file.write("standalone: true\n")
    return folder


def exported_again(source: Path, target: Path) -> tuple[Registry, Registry]:
    """Return a standalone app's registry, and that of its export; exports of both are alike."""
    app_folder = load_app_folder(source)
    registry = app_folder.registry()
    write_exported(target, exported_files(app_folder, registry))
    again = load_app_folder(target)
    assert exported_files(again, again.registry()) == exported_files(app_folder, registry)
    return registry, again.registry()


def test_numbers_defaults_states_and_cascades_of_a_small_app_survive(tmp_path):
    source = standalone(
        tmp_path / "app", {"entities/boat.yaml": ODD_ENTITY, "entities/pier.yaml": PIER}
    )
    before, after = exported_again(source, tmp_path / "export")
    assert meaning(after) == meaning(before)


@settings(
    max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    texts=st.lists(
        st.one_of(
            st.sampled_from(ODD_TEXTS),
            st.text(
                st.characters(
                    codec="utf-8", exclude_categories=["Cc", "Cs"], exclude_characters="{}"
                ),
                min_size=1,
            ),
        ),
        min_size=4, max_size=4,
    )
)  # fmt: skip
def test_every_text_survives(tmp_path_factory, texts):
    label, pl, help_text, message = (
        '"' + "".join(f"\\U{ord(character):08x}" for character in text) + '"' for text in texts
    )
    folder = tmp_path_factory.mktemp("odd")
    source = standalone(
        folder / "app",
        {
            "entities/boat.yaml": "kind: entity\nformat: 1\nname: boat\n"
            f"label: {{ en: {label}, pl: {pl} }}\nhelp: {{ pl: {help_text} }}\n"
            "primary_field: name\nfields:\n  - { name: name, type: text }\n",
            "labels/pl.yaml": "kind: labels\nformat: 1\nname: pl\nlanguage: pl\n"
            f"messages: {{ app.odd: {message} }}\n",
        },
    )  # fmt: skip
    before, after = exported_again(source, folder / "export")
    assert meaning(after) == meaning(before)
    assert after.entities["boat"].label.texts["en"] == texts[0]


def test_an_export_goes_to_a_new_or_empty_folder_or_over_an_untouched_earlier_one(tmp_path):
    folder = tmp_path / "out"
    write_exported(folder, {"kartoteka.yaml": "a\n", "metadata/forms/old.yaml": "b\n"})
    (folder / "NOTES.md").write_text("mine")

    write_exported(folder, {"kartoteka.yaml": "c\n", "metadata/views/new.yaml": "d\n"})

    assert files_below(folder).keys() == {
        ".kartoteka-export", "NOTES.md", "kartoteka.yaml", "metadata/views/new.yaml",
    }  # fmt: skip
    (folder / "kartoteka.yaml").write_text("edited\n")
    with pytest.raises(ExportRefused, match="was changed since it was exported"):
        write_exported(folder, {"kartoteka.yaml": "e\n"})
    assert (folder / "metadata/views/new.yaml").read_text() == "d\n"
    with pytest.raises(ExportRefused, match="not written by an export"):
        write_exported(folder, {"NOTES.md": "e\n", "kartoteka.yaml": "edited\n"})


def test_an_export_refuses_a_folder_that_holds_something_else(tmp_path):
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(ExportRefused, match="holds something that no export wrote"):
        write_exported(tmp_path, {"kartoteka.yaml": "a\n"})
    assert [file.name for file in tmp_path.iterdir()] == ["notes.txt"]
