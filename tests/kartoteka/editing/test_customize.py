"""customize: the right file of the app's own bundle, found or made; written all or not at all."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from kartoteka.editing.customize import (
    REMOVED,
    Customization,
    apply_edits,
    customize,
    customize_all,
)
from kartoteka.editing.edit_error import EditError
from kartoteka.yaml_text.write_file import FileNotWritten, write_file


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    folder = tmp_path / "metadata"
    folder.mkdir()
    return folder


def put(bundle: Path, path: str, text: str) -> Path:
    file = bundle / path
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, "utf-8")
    return file


def test_an_extension_is_made_for_what_another_bundle_defines(bundle):
    put(
        bundle, "views/boats.yaml",
        "# yaml-language-server: $schema=../../schemas/view.schema.json\nkind: view\nformat: 1\n"
        "name: boats\nentity: boat\ntype: public\ncolumns: [name]\n",
    )  # fmt: skip
    edit = customize(bundle, "entity", "account", ("label", "en"), "Company")
    assert (edit.path, edit.old_text) == (bundle / "entities/account.yaml", None)
    assert not edit.path.exists()
    apply_edits([edit])
    assert edit.path.read_text() == (
        "# yaml-language-server: $schema=../../schemas/entity.schema.json\n"
        "kind: entity\nformat: 1\nextends: account\nlabel: { en: Company }\n"
    )


def test_the_file_that_defines_or_extends_the_object_is_changed_wherever_it_lies(bundle):
    own = put(bundle, "deep/down/boat.yaml", "kind: entity\nformat: 1\nname: boat\n")
    put(bundle, "entities/x.yaml", "kind: entity\nformat: 1\nextends: account\nonly_with: sales\n")
    ours = put(bundle, "entities/ours.yaml", "kind: entity\nformat: 1\nextends: account\n")
    edits = customize_all(
        bundle,
        [
            Customization("entity", "boat", ("label", "en"), "Boat"),
            Customization("entity", "account", ("label", "en"), "Firm"),
            Customization("entity", "boat", ("label", "pl"), "Łódź"),
        ],
    )
    assert [edit.path for edit in edits] == [own, ours]
    assert (edits[0].new_text or "").endswith("label: { en: Boat, pl: Łódź }\n")


def test_a_text_is_changed_in_the_labels_document_that_decides_it(bundle):
    put(bundle, "entities/boat.yaml", "kind: entity\nformat: 1\nname: boat\nlabel: { pl: Łódka }\n")
    labels = put(
        bundle, "labels/pl.yaml",
        "kind: labels\nformat: 1\nname: pl\nlanguage: pl\n"
        "entities:\n  boat:\n    label: Łódź\n    fields: { name: Nazwa }\n",
    )  # fmt: skip
    edit = customize(bundle, "entity", "boat", ("fields", "name", "label", "pl"), "Imię")
    assert edit.path == labels
    assert "fields: { name: Imię }" in (edit.new_text or "")


def test_taking_the_last_property_out_removes_the_file_that_only_extended(bundle):
    file = put(
        bundle, "entities/account.yaml",
        "kind: entity\nformat: 1\nextends: account\nfields:\n  - { name: fax, label: { en: F } }\n",
    )  # fmt: skip
    edit = customize(bundle, "entity", "account", ("fields", "fax", "label", "en"), REMOVED)
    assert edit.new_text is None
    apply_edits([edit])
    assert not file.exists()


def test_nothing_is_written_over_a_file_that_changed_meanwhile(bundle):
    file = put(bundle, "entities/boat.yaml", "kind: entity\nformat: 1\nname: boat\n")
    edits = customize_all(
        bundle,
        [
            Customization("entity", "account", ("label", "en"), "Firm"),
            Customization("entity", "boat", ("label", "en"), "Boat"),
        ],
    )
    file.write_text("kind: entity\nformat: 1\nname: boat\nicon: ship\n")
    with pytest.raises(EditError, match="changed meanwhile"):
        apply_edits(edits)
    assert "icon: ship" in file.read_text()
    assert not (bundle / "entities/account.yaml").exists()


def test_edits_are_undone_when_one_of_them_cannot_be_written(bundle):
    put(bundle, "views", "not a folder")
    edits = customize_all(
        bundle,
        [
            Customization("entity", "account", ("label", "en"), "Firm"),
            Customization("view", "boats", ("label", "en"), "Boats"),
        ],
    )
    with pytest.raises(FileNotWritten, match="boats.yaml cannot be written"):
        apply_edits(edits)
    assert not (bundle / "entities/account.yaml").exists()


def test_a_file_with_mistakes_is_not_touched(bundle):
    put(bundle, "entities/boat.yaml", "kind: entity\nname: boat\nlabel: { en: a }\nlabel: b\n")
    with pytest.raises(EditError, match="entity boat: it cannot be changed: .*duplicate-key"):
        customize(bundle, "entity", "boat", ("label", "en"), "Boat")


def test_a_written_file_keeps_its_mode_and_its_link(tmp_path):
    real = tmp_path / "real.yaml"
    real.write_text("a")
    os.chmod(real, 0o640)
    link = tmp_path / "link.yaml"
    link.symlink_to(real)
    write_file(link, "b")
    assert link.is_symlink()
    assert (real.read_text(), real.stat().st_mode & 0o777) == ("b", 0o640)
    assert [file.name for file in tmp_path.iterdir()].count(".real.yaml") == 0
