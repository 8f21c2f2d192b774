"""docs/reference/diagnostics.md has every code, and none that no longer exists."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from kartoteka.loading.document_schemas import KINDS, schema_of
from kartoteka.loading.named_lists import NAMED_LISTS

ROOT = Path(__file__).parents[2]
CODE = re.compile(r'"([a-z_]+/[a-z][a-z0-9-]*)"')
ROW = re.compile(r"^\| `([a-z_]+/[a-z][a-z0-9-]*)` \|", re.MULTILINE)


def test_codes_and_their_descriptions_agree():
    text = (ROOT / "docs" / "reference" / "diagnostics.md").read_text("utf-8")
    described = ROW.findall(text)
    assert len(described) == len(set(described))
    in_code = {
        code
        for path in (ROOT / "platform" / "kartoteka").rglob("*.py")
        for code in CODE.findall(path.read_text("utf-8"))
    }
    assert set(described) == in_code | set(_codes_of_repeated_names())


def _codes_of_repeated_names() -> Iterator[str]:
    """Yield the codes that are put together of a kind and what is listed twice."""
    for kind in KINDS:
        schema = schema_of(kind)
        for key in _lists_in(schema, schema):
            if key in NAMED_LISTS and kind != "labels":
                yield f"{kind}/duplicate-{NAMED_LISTS[key][1]}"


def _lists_in(part: Any, schema: dict[str, Any]) -> Iterator[str]:
    """Yield the keys under which lists of maps stand, following references."""
    if "$ref" in part:
        part = schema["$defs"][part["$ref"].rsplit("/", 1)[1]]
    for key, value in part.get("properties", {}).items():
        if "$ref" in value:
            value = schema["$defs"][value["$ref"].rsplit("/", 1)[1]]
        if "items" in value:
            yield key
            yield from _lists_in(value["items"], schema)
