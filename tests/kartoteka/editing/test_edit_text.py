"""set_value and remove_value: one property changes, every other byte stays."""

from __future__ import annotations

import difflib
import re
import sys
import textwrap
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from kartoteka.editing.edit_error import EditError
from kartoteka.editing.edit_text import remove_value, set_value, value_at

sys.path.insert(0, str(Path(__file__).parents[1] / "yaml_text"))
from written_documents import DOCUMENTS, TEXTS, Writer  # type: ignore[import-not-found]  # noqa: E402

SHIPPED = Path(__file__).parents[3] / "metadata"
ACCOUNT = (SHIPPED / "entities" / "account.yaml").read_text("utf-8")
ACCOUNT_FORM = (SHIPPED / "forms" / "account_main.yaml").read_text("utf-8")


def changed_lines(before: str, after: str) -> list[str]:
    lines = difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=0)
    return [line for line in lines if line[0] in "+-" and line[:3] not in ("+++", "---")]


def dedent(text: str) -> str:
    return textwrap.dedent(text).lstrip("\n")


@pytest.mark.parametrize(
    ("path", "value", "lines"),
    [
        (("label", "pl"), "F", ["-label: { en: Account }", "+label: { en: Account, pl: F }"]),
        (("label", "en"), "No: on", ["-label: { en: Account }", '+label: { en: "No: on" }']),
        (("fields", "fax", "max_length"), 60, ["-    max_length: 50", "+    max_length: 60"]),
        (("fields", "fax", "help", "en"), "Beep", ["+    help: { en: Beep }"]),
        (
            ("fields", "customertypecode", "options", "press", "label", "pl"), "Prasa",
            ["-      - { name: press, value: 7, label: { en: Press } }",
             "+      - { name: press, value: 7, label: { en: Press, pl: Prasa } }"],
        ),
        (
            ("fields", "boats"), {"label": {"en": "Boats"}, "type": "whole_number"},
            ["+  - name: boats", "+    type: whole_number", "+    label: { en: Boats }"],
        ),
        (("keys", "by_number", "fields"), ["accountnumber"],
         ["+keys:", "+  - name: by_number", "+    fields: [accountnumber]"]),
        (("features",), ["audit"], None),
        (("ownership",), "user", []),
    ],
)  # fmt: skip
def test_a_value_is_set_and_nothing_else_changes(path, value, lines):
    edited = set_value(ACCOUNT, path, value)
    if lines is not None:
        assert changed_lines(ACCOUNT, edited) == lines
    wanted = {"name": path[-1], **value} if isinstance(value, dict) else value
    assert value_at(edited, path) == wanted


def test_a_bare_control_becomes_a_map_when_something_is_said_about_it():
    path = ("tabs", "summary", "sections", "general", "controls", "telephone1")
    edited = set_value(ACCOUNT_FORM, (*path, "label", "pl"), "Telefon")
    assert changed_lines(ACCOUNT_FORM, edited) == [
        "-          - telephone1",
        "+          - { field: telephone1, label: { pl: Telefon } }",
    ]


def test_controls_of_another_bundle_are_added_moved_and_removed_by_an_extension():
    text = "# Ours.\nkind: form\nformat: 1\nextends: account_main\n"
    controls = ("tabs", "summary", "sections", "general", "controls")
    text = set_value(text, (*controls, "fax"), {"after": "telephone1"})
    text = set_value(text, (*controls, "name"), {"remove": True})
    text = set_value(text, (*controls, "websiteurl"), {"before": "telephone1", "width": 2})
    assert text == dedent("""
        # Ours.
        kind: form
        format: 1
        extends: account_main
        tabs:
          - name: summary
            sections:
              - name: general
                controls:
                  - { field: fax, after: telephone1 }
                  - { field: name, remove: true }
                  - { field: websiteurl, before: telephone1, width: 2 }
        """)
    for name in ("fax", "name", "websiteurl"):
        text = remove_value(text, (*controls, name))
    assert text == "# Ours.\nkind: form\nformat: 1\nextends: account_main\n"


def test_columns_of_an_own_view_are_put_where_they_are_said_to_stand():
    text = "kind: view\nformat: 1\nname: v\nentity: account\ntype: public\ncolumns: [name, fax]\n"
    text = set_value(text, ("columns", "revenue"), {"after": "name"})
    assert value_at(text, ("columns",)) == ["name", {"field": "revenue"}, "fax"]
    text = set_value(text, ("columns", "fax"), {"before": "name"})
    text = set_value(text, ("columns", "name"), {"remove": True})
    assert value_at(text, ("columns",)) == ["fax", {"field": "revenue"}]


def test_comments_stay_when_values_are_set_and_removed():
    text = dedent("""
        kind: entity   # what
        format: 1
        name: boat
        # What people call it.
        label: { en: Boat }   # singular
        fields:
            # The name on the bow.
            -   name: name   # key
                label:       # painted
                    en: Name # white
                    # and black
                    pl: Nazwa
                type: text
        # The end.
        """)
    edited = set_value(text, ("label", "pl"), "Łódź")
    edited = set_value(edited, ("fields", "name", "label"), {"en": "Call", "pl": "Imię"})
    edited = set_value(edited, ("fields", "name", "unique"), True)
    edited = set_value(edited, ("help", "en"), "Floats:\nmostly")
    edited = remove_value(edited, ("fields", "name", "type"))
    assert edited == dedent("""
        kind: entity   # what
        format: 1
        name: boat
        # What people call it.
        label: { en: Boat, pl: Łódź }  # singular
        help:
          en: |-
            Floats:
            mostly
        fields:
            # The name on the bow.
            -   name: name   # key
                label:       # painted
                  en: Call   # white
                  # and black
                  pl: Imię
                unique: true
        # The end.
        """)


def test_line_ends_and_byte_order_marks_stay():
    text = "\ufeffkind: entity\r\nformat: 1\r\nname: boat\r\n"
    assert set_value(text, ("label", "en"), "Boat") == (
        "\ufeffkind: entity\r\nformat: 1\r\nname: boat\r\nlabel: { en: Boat }\r\n"
    )


@pytest.mark.parametrize(
    ("text", "path", "message"),
    [
        ("kind: entity\nname: [", ("label",), "cannot be changed"),
        ("- a\n", ("label",), "must be a map"),
        ("name: boat\n", ("label",), "which kind"),
        ("kind: entity\nname: boat\n", ("name", "en"), "plain value"),
        ("kind: entity\nfeatures: [audit]\n", ("features", "audit"), "set it as a whole"),
    ],
)
def test_what_cannot_be_changed_is_refused(text, path, message):
    with pytest.raises(EditError, match=message):
        set_value(text, path, "x")


def paths_in(value, kind, path=()):
    named = {"fields", "options", "keys", "tabs", "sections"}
    if isinstance(value, dict):
        for key, item in value.items():
            if len(path) or key not in ("kind", "format", "name", "extends"):
                yield (*path, key)
                yield from paths_in(item, kind, (*path, key))
    elif isinstance(value, list) and path[-1] in named and kind != "labels":
        for item in value:
            if isinstance(item, dict) and [i.get("name") for i in value].count(item["name"]) == 1:
                yield from paths_in(item, kind, (*path, item["name"]))


@settings(
    max_examples=70, deadline=None, phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)  # fmt: skip
@given(st.data())
def test_any_text_of_any_document_is_set_and_no_comment_is_lost(data):
    document = data.draw(DOCUMENTS)
    writer = Writer(data.draw)
    text = writer.document(document)
    texts = [path for path in paths_in(document, document["kind"]) if path[-1] in ("en", "pl")]
    path = data.draw(st.sampled_from(texts)) if texts else ("label", "en")
    if not texts and document["kind"] == "labels":
        path = ("messages", "a.b")
    value = data.draw(TEXTS)

    edited = set_value(text, path, value)

    assert value_at(edited, path) == value
    assert value_at(set_value(edited, path, "back"), path) == "back"
    note = re.compile(r"# note \d+: 'x' \{")
    assert sorted(note.findall(edited)) == sorted(note.findall(text))
    assert value_at(remove_value(edited, path), path) is None
