"""`kartoteka rename` in an app's folder: what it prints, what it writes, what it refuses."""

from __future__ import annotations

import os

import pytest

from kartoteka_runtime.file_changes import FileChange, FilesNotWritten, write_changes


def contents(app):
    return {path.relative_to(app).as_posix(): path.read_text("utf-8")
            for path in app.rglob("*") if path.is_file()}  # fmt: skip


def test_an_entity_is_renamed_in_every_file(boat_app, kartoteka):
    before = contents(boat_app)
    done = kartoteka("rename", "harbour_boat", "harbour_ship")
    assert done.returncode == 0, done.stderr
    assert "metadata/entities/harbour_boat.yaml → harbour_ship.yaml: 1 mention\n" in done.stdout
    assert "Changed 11 mentions in 6 files." in done.stdout
    assert "from harbour_boats to harbour_ships" in done.stderr

    after = contents(boat_app)
    entity = after.pop("metadata/entities/harbour_ship.yaml")
    original = before.pop("metadata/entities/harbour_boat.yaml")
    assert entity == original.replace(
        "name: harbour_boat  # not a ship\n",
        "name: harbour_ship  # not a ship\nrenamed_from: harbour_boat\n",
    )
    form = "name: harbour_boat_main\n"  # another object, which keeps its name
    assert after == {
        name: text.replace("harbour_boat", "harbour_ship").replace(
            "name: harbour_ship_main\n", form
        )
        for name, text in before.items()
    }
    assert kartoteka("check").returncode == 0


def test_a_field_is_renamed_with_its_base_amount(boat_app, kartoteka):
    done = kartoteka("rename", "harbour_boat.price", "yearly_fee")
    assert done.returncode == 0, done.stderr
    after = contents(boat_app)
    assert (
        "- { name: yearly_fee, renamed_from: price, type"
        in (after["metadata/entities/harbour_boat.yaml"])
    )
    assert "- yearly_fee_base\n" in after["metadata/forms/harbour_boat_main.yaml"]
    assert "order: [yearly_fee desc]" in after["metadata/views/harbour_unpaid_boats.yaml"]


def test_a_lookup_is_renamed_in_conditions_and_columns_over_it(boat_app, kartoteka):
    done = kartoteka("rename", "harbour_boat.payer", "harbour_boat.owed_by")
    assert done.returncode == 0, done.stderr
    after = contents(boat_app)
    view = after["metadata/views/harbour_alpine_boats.yaml"]
    assert "'contains(owed_by_account/name,''ski'') or owed_by_account/primarycontactid" in view
    assert "columns: [name, owed_by_contact/fullname]" in view
    assert ">-\n  owed_by eq null and\n" in after["metadata/views/harbour_unpaid_boats.yaml"]
    assert "by: owed_by }" in after["metadata/forms/account_main.yaml"]


def test_a_dry_run_shows_lines_and_writes_nothing(boat_app, kartoteka):
    before = contents(boat_app)
    done = kartoteka("rename", "view:harbour_unpaid_boats", "view:harbour_debts", "--dry-run")
    assert done.returncode == 0, done.stderr
    assert "    +name: harbour_debts\n" in done.stdout
    assert "    +renamed_from: harbour_unpaid_boats\n" in done.stdout
    assert "nothing was written" in done.stdout
    assert contents(boat_app) == before


@pytest.mark.parametrize(
    ("old", "new", "message"),
    [
        ("account", "firm", "is no part of this app"),
        ("harbour_boat.createdon", "made", "is no part of this app"),
        ("harbour_boat", "ship", 'must begin with "harbour_"'),
        ("harbour_boat", "harbour ship", "is no name"),
        ("harbour_boat.payer", "kind", 'has a field "kind" already'),
        ("harbour_boot", "harbour_ship", 'did you mean "harbour_boat"?'),
    ],
)
def test_what_cannot_be_renamed_is_refused(boat_app, kartoteka, old, new, message):
    before = contents(boat_app)
    done = kartoteka("rename", old, new)
    assert done.returncode == 1 and message in done.stderr
    assert contents(boat_app) == before


def test_nothing_is_written_when_the_result_has_a_mistake(boat_app, kartoteka):
    before = contents(boat_app)
    done = kartoteka("rename", "harbour_boat.price", "null")
    assert done.returncode == 1
    assert "metadata/entities/harbour_boat.yaml:" in done.stdout, "the app's file, not a copy"
    assert contents(boat_app) == before


def test_an_app_with_mistakes_is_mended_first(boat_app, kartoteka):
    (boat_app / "metadata/views/bad.yaml").write_text("kind: view\nformat: 1\nname: bad\n", "utf-8")
    before = contents(boat_app)
    done = kartoteka("rename", "harbour_boat", "harbour_ship")
    assert done.returncode == 1 and "shape/missing-key" in done.stdout
    assert contents(boat_app) == before


def test_a_file_that_is_in_the_way_is_left_alone(boat_app, kartoteka):
    """A labels file may be called as it likes, also as the entity is to be called."""
    path = boat_app / "metadata/entities/harbour_ship.yaml"
    path.write_text("kind: labels\nformat: 1\nname: harbour_ship\nlanguage: en\n", "utf-8")
    before = contents(boat_app)
    done = kartoteka("rename", "harbour_boat", "harbour_ship")
    assert done.returncode == 1 and "harbour_ship.yaml already" in done.stderr
    assert contents(boat_app) == before


def test_files_are_written_all_or_not_at_all(tmp_path):
    first, second = tmp_path / "a.yaml", tmp_path / "b.yaml"
    first.write_text("one", "utf-8")
    second.write_text("two", "utf-8")
    first.chmod(0o640)
    blocked = tmp_path / "c.yaml"
    (blocked / "in the way").mkdir(parents=True)
    with pytest.raises(FilesNotWritten, match="cannot be written"):
        write_changes(
            [
                FileChange(first, tmp_path / "moved.yaml", "changed"),
                FileChange(second, blocked, "changed"),
            ]
        )
    assert first.read_text("utf-8") == "one" and second.read_text("utf-8") == "two"
    assert sorted(os.listdir(tmp_path)) == ["a.yaml", "b.yaml", "c.yaml"]

    write_changes([FileChange(first, tmp_path / "moved.yaml", "changed")])
    assert (tmp_path / "moved.yaml").read_text("utf-8") == "changed"
    assert (tmp_path / "moved.yaml").stat().st_mode & 0o777 == 0o640
    assert not first.exists()
