"""The quick check of a document's shape never says yes where the JSON Schema says no."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from kartoteka.base_metadata import base_folder
from kartoteka.diagnostics import Diagnostics
from kartoteka.loading.document_schemas import KINDS, quick_check, validator_of
from kartoteka.loading.positioned import YamlMap
from kartoteka.loading.quick_shape import compile_shape
from kartoteka.loading.yaml_reader import read_yaml_bytes

ROOTS = (Path(__file__).parents[1] / "golden", base_folder())
TEXTS = sorted(
    text
    for root in ROOTS
    for path in root.rglob("*.yaml")
    if path.stat().st_size < 20_000 and (text := path.read_text("utf-8", "replace"))
)
WORDS = ("true", "1", "1.5", "-3", "text", "''", "[]", "{}", "[a]", "{ en: A }", "null", "Ä B", "x")


def _agree(document: YamlMap) -> tuple[bool, bool]:
    """Return what the quick check and the JSON Schema say, which may only differ to one side."""
    kind = document["kind"]
    is_extension = "extends" in document and kind != "labels"
    says = quick_check(kind, is_extension)(document)
    is_right = validator_of(kind, is_extension).is_valid(document)
    assert is_right or not says
    return says, is_right


def _read(text: str) -> YamlMap | None:
    document = read_yaml_bytes(text.encode(), Diagnostics(), shown_as="file.yaml")
    return document if document is not None and document.get("kind") in KINDS else None


def test_shipped_documents_need_no_second_look():
    for path in base_folder().rglob("*.yaml"):
        document = _read(path.read_text("utf-8"))
        if document is not None and document["kind"] not in (
            "form",
            "view",
        ):  # these are spelled out
            assert _agree(document) == (True, True), path


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(TEXTS), st.integers(0, 10_000), st.sampled_from(WORDS))
def test_it_agrees_about_damaged_documents(text: str, number: int, word: str):
    lines = text.splitlines()
    line = number % len(lines)
    head, colon, _ = lines[line].partition(": ")
    lines[line] = f"{head}: {word}" if colon else lines[line] + word
    document = _read("\n".join(lines))
    if document is not None and isinstance(document["kind"], str):
        _agree(document)


def test_a_keyword_that_it_does_not_know_is_refused():
    with pytest.raises(ValueError, match="oneOf"):
        compile_shape({"$defs": {}, "properties": {"name": {"oneOf": []}}})
