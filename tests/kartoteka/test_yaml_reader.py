"""Reading YAML: what values become, where they stand, and what is refused."""

from __future__ import annotations

from decimal import Decimal

import pytest

from kartoteka.diagnostics import Diagnostics
from kartoteka.loading.yaml_reader import read_yaml, read_yaml_bytes


def read(text: str | bytes):
    diagnostics = Diagnostics()
    data = text.encode() if isinstance(text, str) else text
    document = read_yaml_bytes(data, diagnostics, shown_as="x.yaml")
    return document, [str(diagnostic) for diagnostic in diagnostics]


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("true", True),
        ("false", False),
        ("yes", "yes"),
        ("no", "no"),
        ("on", "on"),
        ("True", "True"),
        ("", None),
        ("null", None),
        ("7", 7),
        ("-7", -7),
        ("007", "007"),
        ("0x1F", "0x1F"),
        ("1_000", "1_000"),
        ("0.10", Decimal("0.10")),
        ("1e3", "1e3"),
        ("1.0e3", Decimal("1000")),
        ("2031-05-06", "2031-05-06"),
        ("12:30:45", "12:30:45"),
        ('"7"', "7"),
        ("'true'", "true"),
        ("9" * 31, "9" * 31),
    ],
)
def test_plain_values(written, value):
    document, mistakes = read(f"a: {written}\n")
    assert not mistakes
    assert document == {"a": value}
    assert type(document["a"]) is type(value)


def test_keys_are_always_text():
    document, _ = read("true: 1\n1: 2\nnull: 3\n")
    assert list(document) == ["true", "1", "null"]


def test_every_key_and_value_knows_its_place():
    document, _ = read('a:\n  - { b: c, "d":  e }\n')
    item = document["a"][0]
    assert str(document.at_key("a")) == "x.yaml:1:1"
    assert str(document["a"].at(0)) == "x.yaml:2:5"
    assert str(item.at_key("d")) == "x.yaml:2:13"
    assert str(item.at("d")) == "x.yaml:2:19"


def test_a_place_inside_a_text_counts_the_quote():
    document, _ = read('a: plain\nb: "quoted"\nc: |\n  several\n  lines\n')
    assert str(document.value_marks["a"].inside(2)) == "x.yaml:1:6"
    assert str(document.value_marks["b"].inside(2)) == "x.yaml:2:7"
    assert str(document.value_marks["c"].inside(2)) == "x.yaml:3:4"


def test_a_byte_order_mark_is_passed_over():
    assert read(b"\xef\xbb\xbfa: 1\n") == ({"a": 1}, [])


@pytest.mark.parametrize(
    ("written", "place_and_code"),
    [
        ("a: 1\n b: 2\n", "x.yaml:2:3  yaml/syntax"),
        ("a:\n\tb: 1\n", "x.yaml:2:1  yaml/tab"),
        ("a: &b 1\n", "x.yaml:1:4  yaml/anchor"),
        ("a: *b\n", "x.yaml:1:4  yaml/alias"),
        ("a: !!python/name:os.system x\n", "x.yaml:1:4  yaml/tag"),
        ("a: !x 1\n", "x.yaml:1:4  yaml/tag"),
        ("a: 1\n---\nb: 2\n", "x.yaml:2:1  yaml/many-documents"),
        ("", "x.yaml:1:1  yaml/empty"),
        ("# nothing yet\n", "x.yaml:1:1  yaml/empty"),
        ("- a\n- b\n", "x.yaml:1:1  yaml/not-a-map"),
        ("? [a, b]\n: c\n", "x.yaml:1:3  yaml/key"),
        ("a: " + "[" * 100, "x.yaml:1:43  yaml/too-deep"),
        (b"a: caf\xe9\n", "x.yaml:1:7  yaml/encoding"),
        ("a: b\x07\n", "x.yaml:1:5  yaml/character"),
        ('a: "\\0"\n', "x.yaml:1:4  yaml/character"),
    ],
)
def test_what_metadata_may_not_hold_is_refused(written, place_and_code):
    document, mistakes = read(written)
    assert document is None
    assert len(mistakes) == 1
    assert mistakes[0].startswith(f"{place_and_code}  ")


def test_of_two_equal_keys_the_first_counts_and_the_second_is_reported():
    document, mistakes = read("a: 1\nb: 2\na: 3\n")
    assert document == {"a": 1, "b": 2}
    assert mistakes == [
        'x.yaml:3:1  yaml/duplicate-key  the key "a" is already set in line 1; keep one of the two'
    ]


def test_a_large_file_is_not_even_read(tmp_path):
    path = tmp_path / "large.yaml"
    path.write_text("#" * 5_000_000, "utf-8")
    diagnostics = Diagnostics()
    assert read_yaml(path, diagnostics, shown_as="large.yaml") is None
    assert [diagnostic.code for diagnostic in diagnostics] == ["yaml/too-large"]


@pytest.mark.parametrize("written", ["[" * 900_000, "{" * 900_000, "- " * 450_000, "? " * 450_000])
def test_endless_nesting_is_refused_at_once(written):
    assert read(written)[1][0].split("  ")[1] in ("yaml/too-deep", "yaml/key")
