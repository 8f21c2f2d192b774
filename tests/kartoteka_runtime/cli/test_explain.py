"""`kartoteka explain` as a person meets it."""

from __future__ import annotations

import json
import textwrap

import pytest
from typer.testing import CliRunner

from kartoteka_runtime.cli.main import app as command_line

ACCOUNT = """
    kind: entity
    format: 1
    extends: account
    label: { en: Company }
    fields:
      - name: name
        label: { en: Company name }
      - name: harbour_berth
        type: text
        label: { en: Berth }
"""


@pytest.fixture(scope="module")
def harbour(tmp_path_factory):
    """An app over the shipped base that calls accounts companies."""
    folder = tmp_path_factory.mktemp("harbour")
    (folder / "kartoteka.yaml").write_text("plugins: []\n", "utf-8")
    (folder / "metadata" / "entities").mkdir(parents=True)
    path = folder / "metadata" / "entities" / "account.yaml"
    path.write_text(textwrap.dedent(ACCOUNT).lstrip(), "utf-8")
    return folder


def explain(name, folder, *options):
    """Return exit status, standard output and standard error."""
    ended = CliRunner().invoke(command_line, ["explain", name, str(folder), *options])
    return ended.exit_code, ended.stdout, ended.stderr


def test_each_layer_is_a_line_with_file_line_bundle_and_value(harbour):
    status, out, err = explain("account.name", harbour)
    assert status == 0, err
    lines = out.splitlines()
    at = lines.index("  label.en  Company name")
    assert lines[at + 1].endswith("metadata/entities/account.yaml:30  base  {entity:account} name")
    assert lines[at + 1].startswith("      ")
    assert lines[at + 2].startswith("    > ")
    assert lines[at + 2].endswith("metadata/entities/account.yaml:7  app  Company name")
    assert lines[at + 3].strip() == "app changes what base says"
    assert "  unique  false  default" in lines
    assert "1 property changed by a later layer." in err


def test_an_object_names_who_has_a_say_in_each_part(harbour):
    status, out, _ = explain("account", harbour)
    assert status == 0
    assert "  fields  name  base, app" in out.splitlines()
    assert "  fields  harbour_berth  app" in out.splitlines()
    assert "max_length" not in out
    assert "max_length" in explain("account", harbour, "--all")[1]


def test_what_the_platform_derives_names_the_place_it_follows_from(harbour):
    status, out, _ = explain("account.revenue_base.base_of", harbour)
    assert status == 0
    assert "  base_of  revenue  default" in out
    assert "    ~ " in out
    assert "follows from what stands there" in out


def test_json_has_the_same_for_machines(harbour):
    status, out, _ = explain("account.label.en", harbour, "--json")
    assert status == 0
    told = json.loads(out)
    assert (told["kind"], told["name"], told["path"]) == ("entity", "account", ["label", "en"])
    (found,) = told["properties"]
    assert found["value"] == "Company"
    assert [(layer["bundle"], layer["value"]) for layer in found["set_by"]] == [
        ("base", "Account"),
        ("app", "Company"),
    ]
    assert found["set_by"][1]["line"] == 4


def test_an_unknown_name_brings_the_nearest_and_status_1(harbour):
    status, out, err = explain("acount.name", harbour)
    assert (status, out) == (1, "")
    assert 'there is nothing called "acount.name"; did you mean account' in err


def test_a_name_of_several_things_lists_them(harbour):
    (harbour / "metadata" / "views").mkdir(exist_ok=True)
    view = harbour / "metadata" / "views" / "account.yaml"
    view.write_text(
        "kind: view\nformat: 1\nname: account\nentity: account\ntype: public\n"
        "label: { en: All }\ncolumns: [name]\n",
        "utf-8",
    )
    try:
        status, out, err = explain("account", harbour)
        assert status == 1
        assert out.splitlines() == ["entity:account", "view:account"]
        assert "may mean several things" in err
        assert explain("view:account", harbour)[0] == 0
    finally:
        view.unlink()
