"""Files of an app in an editor: a real YAML language server completes and marks their names."""

from __future__ import annotations

import json

import pytest

from kartoteka_runtime.editor_files import with_schema_line

FORM = "metadata/forms/harbour_boat_main.yaml"


@pytest.fixture
def app(boat_app, kartoteka):
    """The app with boats after `kartoteka schemas`."""
    done = kartoteka("schemas")
    assert done.returncode == 0, done.stderr
    return boat_app


def place(text, marker="█"):
    """Return a text without its marker, and the line and column where it was."""
    before = text.partition(marker)[0]
    return text.replace(marker, ""), before.count("\n"), len(before) - before.rfind("\n") - 1


def test_right_files_are_not_marked(app, language_server):
    for path in sorted(app.glob("metadata/**/*.yaml")):
        assert language_server.open(path) == [], path


def test_a_form_completes_the_fields_of_its_entity(app, language_server):
    text = (app / FORM).read_text("utf-8")
    for typed in ("- █", "- field: █", "- { field: na█ }"):
        changed, line, column = place(text.replace("- price_base", typed))
        language_server.open(app / FORM, changed)
        offered = language_server.completions(app / FORM, line, column)
        assert {"name", "payer", "price", "kind", "createdon"} <= offered.keys()
        assert "telephone1" not in offered, "that is a field of account"
        assert offered["payer"]["documentation"] == "Payer · customer to account, contact"


def test_a_misspelt_field_is_marked(app, language_server):
    text = (app / FORM).read_text("utf-8")
    for right, wrong in (("- kind", "- knid"), ("field: price", "field: prize")):
        marked = language_server.open(app / FORM, text.replace(right, wrong))
        word = wrong.split()[-1]
        line, column = place(text.replace(right, wrong.replace(word, "█" + word)))[1:]
        assert [item["range"]["start"] for item in marked] == [{"line": line, "character": column}]
        assert marked[0]["message"].startswith("Value is not accepted.")


def test_what_a_subgrid_names_is_completed_and_marked(app, language_server):
    path = app / "metadata/forms/account_main.yaml"
    text = path.read_text("utf-8")
    changed, line, column = place(text.replace("by: payer", "by: p█"))
    language_server.open(path, changed)
    offered = language_server.completions(path, line, column)
    assert "payer" in offered and "name" not in offered, "lookups that name an account"
    assert language_server.open(path, text.replace("entity: harbour_boat", "entity: harbour_boot"))
    assert language_server.open(path, text.replace("by: payer", "by: prayer"))


def test_views_know_fields_over_lookups(app, language_server):
    path = app / "metadata/views/harbour_unpaid_boats.yaml"
    text = path.read_text("utf-8")
    changed, line, column = place(text.replace("columns: [name,", "columns: [█,"))
    language_server.open(path, changed)
    assert {"name", "ownerid", "createdby/fullname"} <= language_server.completions(
        path, line, column
    ).keys()
    assert not language_server.open(path, text.replace("[name,", "[payer_contact/jobtitle,"))
    assert language_server.open(path, text.replace("[name,", "[kind/jobtitle,"))
    assert language_server.open(path, text.replace("price desc", "prize desc"))


def test_an_extension_needs_only_what_it_changes(app, language_server):
    entity = app / "metadata/entities/account.yaml"
    head = "# yaml-language-server: $schema=../../.kartoteka/schemas/entity.json\n"
    right = "kind: entity\nformat: 1\nextends: account\nlabel: { en: Company }\n"
    item = "fields:\n  - name: telephone1\n    after: name\n    required: true\n"
    assert language_server.open(entity, head + right + item) == []
    assert language_server.open(entity, head + right.replace("account", "acount"))
    defined = right.replace("extends: account", "name: harbour_pier")
    assert language_server.open(entity, head + defined + item), "a definition has no neighbours"


def test_labels_files_know_what_has_a_label(app, language_server):
    path = app / "metadata/labels/pl.yaml"
    text = path.read_text("utf-8")
    changed, line, column = place(
        text.replace("    fields: { name: Nazwa, payer: Płatnik }", "    fields:\n      p█: Cena")
    )
    language_server.open(path, changed)
    assert {"price", "payer"} <= language_server.completions(path, line, column).keys()
    assert language_server.open(path, text.replace("payer:", "prayer:"))
    assert language_server.open(path, text.replace("  harbour_boat:", "  harbour_boot:"))


def test_hovering_tells_what_a_key_is_for(app, language_server):
    changed, line, column = place((app / FORM).read_text("utf-8").replace("width", "wi█dth"))
    language_server.open(app / FORM, changed)
    assert "How many of the section's columns it takes." in language_server.hover(
        app / FORM, line, column
    )


def test_only_the_line_for_editors_changes(boat_app, kartoteka):
    before = {path: path.read_bytes() for path in boat_app.glob("metadata/**/*.yaml")}
    done = kartoteka("schemas")
    line = b"# yaml-language-server: $schema="
    for path, content in before.items():
        first, rest = path.read_bytes().split(b"\n", 1)
        assert first.startswith(line) and rest == content
        assert (path.parent / first.removeprefix(line).decode()).resolve().is_file()
        assert str(path.relative_to(boat_app)) in done.stdout
    assert (boat_app / ".kartoteka/.gitignore").read_text() == "*\n"

    again = kartoteka("schemas")
    assert "0 files got the line" in again.stdout


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("kind: view\n", "# yaml-language-server: $schema=x.json\nkind: view\n"),
        ("\ufeffkind: view\r\n", "\ufeff# yaml-language-server: $schema=x.json\r\nkind: view\r\n"),
        (
            "# Boats.\n\n#yaml-language-server: $schema=old.json\nkind: view\n",
            "# Boats.\n\n# yaml-language-server: $schema=x.json\nkind: view\n",
        ),
        (
            "kind: view\n# yaml-language-server: $schema=old.json\n",
            "# yaml-language-server: $schema=x.json\nkind: view\n"
            "# yaml-language-server: $schema=old.json\n",
        ),
    ],
)
def test_the_line_is_put_on_top_or_changed_where_it_is(before, after):
    assert with_schema_line(before, "x.json") == after
    assert with_schema_line(after, "x.json") == after


def test_schemas_of_what_is_gone_go(app, kartoteka):
    assert (app / ".kartoteka/schemas/harbour_boat/form.json").is_file()
    for file in app.glob("metadata/**/*.yaml"):
        if "harbour_boat" in file.read_text("utf-8"):
            file.unlink()
    assert kartoteka("schemas").returncode == 0
    assert not list(app.glob(".kartoteka/schemas/harbour_boat/*.json"))


def test_a_rename_leads_editors_to_the_new_schemas(app, kartoteka):
    assert kartoteka("rename", "harbour_boat", "harbour_ship").returncode == 0
    first = (app / FORM).read_text("utf-8").splitlines()[0]
    assert first.endswith("schemas/harbour_ship/form.json")
    assert (app / ".kartoteka/schemas/harbour_ship/form.json").is_file()
    assert not (app / ".kartoteka/schemas/harbour_boat/form.json").exists()


def test_a_folder_that_cannot_be_written_is_told(boat_app, kartoteka):
    (boat_app / ".kartoteka").write_text("a file in the way", "ascii")
    done = kartoteka("schemas")
    assert done.returncode == 1 and "cannot be written" in done.stderr


def test_schemas_need_right_metadata(boat_app, kartoteka):
    (boat_app / FORM).write_text("kind: form\nformat: 1\n", "utf-8")
    done = kartoteka("schemas")
    assert done.returncode == 1 and "shape/missing-key" in done.stdout
    assert not (boat_app / ".kartoteka").exists()


def test_schemas_are_json_schemas(app):
    from jsonschema import Draft202012Validator

    for path in app.glob(".kartoteka/schemas/**/*.json"):
        Draft202012Validator.check_schema(json.loads(path.read_text("utf-8")))
