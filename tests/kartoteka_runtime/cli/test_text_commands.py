"""`kartoteka fmt`, `export`, `new field` and `new form` as a person meets them."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

MESSY = "name: harbour_pier\nkind: entity\nformat: 1\nlabel: {en: 'Pier'} # of stone\n"


@pytest.fixture
def messy(boat_app: Path) -> Path:
    """The app with boats, and one file out of form."""
    file = boat_app / "metadata/entities/harbour_pier.yaml"
    file.write_text(MESSY)
    return file


def test_fmt_check_names_what_would_change_and_writes_nothing(kartoteka, messy):
    checked = kartoteka("fmt", "--check", str(messy))
    assert checked.returncode == 1
    assert checked.stdout == f"{messy}\n"
    assert "1 file of 1 would change" in checked.stderr
    assert messy.read_text() == MESSY


def test_fmt_rewrites_the_files_of_an_app_and_keeps_comments(kartoteka, messy):
    done = kartoteka("fmt")
    assert done.returncode == 0
    assert "metadata/entities/harbour_pier.yaml" in done.stdout.splitlines()
    assert messy.read_text() == (
        "kind: entity\nformat: 1\nname: harbour_pier\nlabel: { en: Pier }  # of stone\n"
    )
    assert kartoteka("fmt", "--check").returncode == 0
    assert kartoteka("fmt").stdout == ""


def test_fmt_leaves_a_file_with_mistakes_alone_and_tells_them(kartoteka, messy):
    messy.write_text(MESSY + "labl: x\n")
    done = kartoteka("fmt")
    assert done.returncode == 1
    assert "metadata/entities/harbour_pier.yaml:5:1  shape/unknown-key" in done.stdout
    assert messy.read_text() == MESSY + "labl: x\n"


def test_fmt_tells_which_file_it_cannot_write(kartoteka, messy):
    if os.getuid() == 0:
        messy.unlink()
        target = Path("/proc/version")  # nobody may write it, whoever runs the test
        os.symlink(target, messy)
        assert kartoteka("fmt", str(messy)).returncode == 1
        return
    messy.chmod(0o444)
    done = kartoteka("fmt", str(messy))
    assert done.returncode == 1
    assert f"{messy} cannot be written: Permission denied" in done.stderr


@pytest.mark.parametrize("place", ["nowhere.yaml", "data"])
def test_fmt_of_what_is_not_there_is_wrong_use(kartoteka, place):
    assert kartoteka("fmt", place).returncode == 2


def test_an_export_is_in_form_and_publishes_by_itself(kartoteka, boat_app, tmp_path, monkeypatch):
    assert kartoteka("publish").returncode == 0
    done = kartoteka("export", "--to", str(tmp_path / "live"))
    assert done.returncode == 0, done.stderr
    assert done.stdout.startswith("Wrote ")
    assert "standalone: true" in (tmp_path / "live/kartoteka.yaml").read_text()
    assert kartoteka("fmt", "--check", str(tmp_path / "live")).returncode == 0
    assert kartoteka("check", str(tmp_path / "live")).returncode == 0

    assert kartoteka("publish", str(tmp_path / "live")).returncode == 0
    again = kartoteka("export", str(tmp_path / "live"), "--to", str(tmp_path / "again"))
    assert again.returncode == 0, again.stderr
    for file in (tmp_path / "again").rglob("*.yaml"):
        place = file.relative_to(tmp_path / "again")
        assert file.read_bytes() == (tmp_path / "live" / place).read_bytes()


def test_an_export_needs_a_publication_and_a_folder_of_its_own(kartoteka, boat_app, tmp_path):
    assert "nothing is published yet" in kartoteka("export", "--to", str(tmp_path / "x")).stderr
    assert kartoteka("publish").returncode == 0
    refused = kartoteka("export", "--to", str(boat_app))
    assert refused.returncode == 1
    assert "holds something that no export wrote" in refused.stderr


def test_an_empty_app_is_published_without_standard_types(kartoteka, tmp_path):
    place = str(tmp_path / "bare")
    assert kartoteka("new", "app", place, "--empty").returncode == 0
    assert kartoteka("publish", place).returncode == 0
    listed = kartoteka("registry", place)
    assert "account" not in listed.stdout
    assert kartoteka("new", "entity", "boat", place).returncode == 0
    assert kartoteka("check", place).returncode == 0, kartoteka("check", place).stdout
    assert kartoteka("publish", place).returncode == 0
    assert "bare_boat" in kartoteka("registry", place).stdout


def test_new_fields_of_every_type_pass_check_and_fmt(kartoteka, boat_app):
    kartoteka("fmt")
    types = (
        "text autonumber whole_number big_integer decimal float money yes_no choice multi_choice "
        "date date_time lookup customer owner regarding file image"
    ).split()
    for field_type in types:
        target = ("--target", "account") if field_type == "lookup" else ()
        made = kartoteka(
            "new", "field", f"harbour_boat.a_{field_type}", "--type", field_type, *target
        )
        assert made.returncode == 0, made.stderr
        assert "metadata/entities/harbour_boat.yaml" in made.stdout
    assert kartoteka("check").returncode == 0, kartoteka("check").stdout
    assert kartoteka("fmt", "--check").returncode == 0
    text = (boat_app / "metadata/entities/harbour_boat.yaml").read_text()
    assert "# Boats that lie in the harbour." in text
    for field_type in types:
        assert f"  - name: a_{field_type}\n    type: {field_type}\n    label: {{ en: A " in text


def test_a_new_field_of_a_standard_type_is_an_extension_with_the_prefix(kartoteka, boat_app):
    made = kartoteka("new", "field", "account.berths", "--type", "whole_number")
    assert made.returncode == 0, made.stderr
    assert (boat_app / "metadata/entities/account.yaml").read_text() == (
        "kind: entity\nformat: 1\nextends: account\n\nfields:\n  - name: harbour_berths\n"
        "    type: whole_number\n    label: { en: Berths }\n    min: 0  # no negative numbers\n"
    )
    assert kartoteka("check").returncode == 0


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("field", "acount.x"), 'did you mean "account"?'),
        (("field", "account.fax", "--type", "txt"), 'did you mean "text"?'),
        (("field", "harbour_boat.kind"), 'has a field "kind" already'),
        (("field", "harbour_boat"), "write it as ENTITY.NAME"),
        (("field", "harbour_boat.x", "--type", "lookup"), "needs --target"),
        (("form", "harbour_bot"), 'did you mean "harbour_boat"?'),
        (("form", "harbour_boat", "--type", "tiny"), "no type of form"),
    ],
)
def test_new_says_what_is_wrong_and_what_was_probably_meant(kartoteka, arguments, message):
    ended = kartoteka("new", *arguments)
    assert ended.returncode == 2
    assert message in " ".join(ended.stderr.replace("│", " ").split())


@pytest.mark.parametrize("entity", ["harbour_boat", "account", "task"])
@pytest.mark.parametrize("form_type", ["main", "quick_view"])
def test_a_new_form_passes_check_and_fmt(kartoteka, boat_app, entity, form_type):
    made = kartoteka("new", "form", entity, "--type", form_type)
    assert made.returncode == 0, made.stderr
    assert kartoteka("check").returncode == 0, kartoteka("check").stdout
    file = Path(made.stdout.split()[1].rstrip("."))
    assert kartoteka("fmt", "--check", str(file)).returncode == 0
    text = (boat_app / file).read_text()
    assert f"entity: {entity}\n" in text
    assert "- name\n" in text or "- subject\n" in text


def test_shipped_metadata_is_in_canonical_form(kartoteka):
    root = Path(__file__).resolve().parents[3]
    bundles = [root / "metadata", *sorted(root.glob("plugins/*/metadata"))]
    checked = kartoteka("fmt", "--check", *map(str, bundles))
    assert (checked.returncode, checked.stdout) == (0, "")
