"""What `kartoteka fmt` makes of a text: one form, the same meaning, every comment."""

from __future__ import annotations

import re
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from kartoteka.diagnostics import Diagnostics
from kartoteka.loading.yaml_reader import read_yaml_bytes
from kartoteka.yaml_text.format_document import format_document

sys.path.insert(0, str(Path(__file__).parent))
from written_documents import DOCUMENTS, Writer  # type: ignore[import-not-found]  # noqa: E402

_NOTE = re.compile(r"# note \d+: 'x' \{")


def formatted(text: str, **options: Any) -> str:
    diagnostics = Diagnostics()
    result = format_document(text.encode(), diagnostics, shown_as="file.yaml", **options)
    assert result is not None, [str(found) for found in diagnostics]
    return result


def loaded(text: str) -> Any:
    diagnostics = Diagnostics()
    found = read_yaml_bytes(text.encode(), diagnostics, shown_as="file.yaml")
    assert found is not None, [str(item) for item in diagnostics]
    return found


@settings(
    max_examples=70,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=[HealthCheck.too_slow],
)
@given(st.data())
def test_formatting_twice_is_formatting_once_and_keeps_meaning_and_comments(data):
    document = data.draw(DOCUMENTS)
    writer = Writer(data.draw)
    written = writer.document(document)
    assert loaded(written) == document

    once = formatted(written)

    assert formatted(once) == once
    assert loaded(once) == document
    assert sorted(_NOTE.findall(once)) == sorted(writer.comments)


def dedent(text: str) -> str:
    return textwrap.dedent(text).lstrip("\n")


def test_keys_stand_in_the_order_of_the_schema_and_defaults_are_gone():
    assert formatted(
        dedent("""
            fields:
            - label: {en: 'Name'}
              required: false
              audited: true
              max_length: 100
              type: text
              name: boat_name
            plural_label: {"pl": "Łodzie", "en": "Boats"}
            label:
                en: Boat
            name: boat
            format: 1
            kind: entity
            """)
    ) == dedent("""
        kind: entity
        format: 1
        name: boat
        label: { en: Boat }
        plural_label: { en: Boats, pl: Łodzie }

        fields:
          - name: boat_name
            type: text
            label: { en: Name }
        """)


def test_comments_stay_with_what_they_are_about():
    assert formatted(
        dedent("""
            # yaml-language-server: $schema=x/entity.schema.json
            # Boats that are for hire.
            format: 1     # the shape
            kind: entity  # what this is
            name: boat
            # Only what the harbour knows.
            fields:       # in the order of the form

              # How it is called.
              - label: { en: Name }   # painted on the bow
                name: boat_name       # the key
                # max_length: 40
              # How it is moored.
              - { name: berth, type: text }  # a number
            # The end.
            """)
    ) == dedent("""
        # yaml-language-server: $schema=x/entity.schema.json
        # Boats that are for hire.
        kind: entity  # what this is
        format: 1     # the shape
        name: boat

        # Only what the harbour knows.
        fields:       # in the order of the form
          # How it is called.
          - name: boat_name       # the key
            label: { en: Name }   # painted on the bow
            # max_length: 40
          # How it is moored.
          # a number
          - name: berth
            type: text
        # The end.
        """)


@pytest.mark.parametrize(
    "kept",
    [
        "- { name: boat_name, type: text, required: false }",  # else it would be always required
        "- { name: owner_id, type: lookup, target: boat, required: true, on_delete: clear }",
        "- { name: createdon, type: date_time, audited: true }",  # the group says false
        "- name: berth\n    type: text\n    audited: true  # harbour law",
    ],
)
def test_a_default_that_means_something_stays(kept):
    text = f"kind: entity\nformat: 1\nname: boat\nprimary_field: boat_name\nfields:\n  {kept}\n"
    result = formatted(text, inherited_fields=frozenset({"createdon"}))
    assert loaded(result) == loaded(text)


def test_an_extension_keeps_what_equals_a_default_since_it_may_override():
    text = dedent("""
        kind: entity
        format: 1
        extends: account

        fields:
          - name: fax
            after: name
            required: false
            audited: true
        """)
    assert formatted(text) == text


def test_a_file_with_mistakes_is_not_formatted():
    diagnostics = Diagnostics()
    text = b"kind: entity\nformat: 1\nname: boat\nlabl: { en: Boat }\n"
    assert format_document(text, diagnostics, shown_as="boat.yaml") is None
    assert ["shape/unknown-key"] == [found.code for found in diagnostics]


@pytest.mark.parametrize(
    ("written", "canonical"),
    [
        ("'no'", "no"), ('"on"', "on"), ('"null"', '"null"'), ("'12'", '"12"'), ("'1.5'", '"1.5"'),
        ("'a: b'", '"a: b"'), ("'a #b'", '"a #b"'), ("'it''s'", "it's"),
        ('"a\\nb"', "|-\n    a\n    b"),
        ("' x'", '" x"'), ("'0x1F'", '"0x1F"'), ("'1e3'", '"1e3"'), (">-\n    a\n    b", "a b"),
        ("'{entity:boat} a'", '"{entity:boat} a"'), ("'Witaj, {name}'", "Witaj, {name}"),
    ],
)  # fmt: skip
def test_quotes_stand_only_where_a_reader_would_take_a_text_for_something_else(written, canonical):
    text = "kind: labels\nformat: 1\nname: en\nlanguage: en\n\nmessages:\n  boat.name: "
    assert formatted(f"{text}{written}\n") == f"{text}{canonical}\n"


def test_line_ends_and_byte_order_marks_of_other_systems_go():
    text = "kind: entity\nformat: 1\nname: boat  # one\n"
    result = format_document(
        b"\xef\xbb\xbf" + text.replace("\n", "\r\n").encode(), Diagnostics(), shown_as="boat.yaml"
    )
    assert result == text
