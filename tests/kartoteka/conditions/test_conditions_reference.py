"""docs/reference/conditions.md names every function, and its examples are what they say."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kartoteka.assembly import assemble, load_bundle
from kartoteka.base_metadata import base_folder
from kartoteka.conditions.check_condition import check_condition
from kartoteka.conditions.functions import FUNCTIONS
from kartoteka.conditions.parser import parse
from kartoteka.conditions.query_functions import QUERY_FUNCTIONS
from kartoteka.conditions.typed import AskedName, AskedSetName, TextFunction

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "conditions.md").read_text("utf-8")
_CODE = re.compile(r"`([^`]+)`")


def _examples() -> list[str]:
    """Return what stands as code in the last cell of tables with examples, and in blocks."""
    found = re.findall(r"^```text\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)
    examples = [line for block in found for line in block.splitlines()]
    for table in re.findall(r"^\|[^\n]*\| example \|\n\|[-|]+\n((?:\|.*\n)+)", PAGE, re.M):
        for row in table.splitlines():
            examples += _CODE.findall(row.rstrip("| ").rpartition(" | ")[2])
    return examples


@pytest.fixture(scope="module")
def base():
    """Return the registry of the base bundle alone."""
    return assemble([load_bundle(base_folder())], command_handlers=None, panels=None)


def test_every_example_is_a_condition_on_contacts(base):
    examples = _examples()
    assert len(examples) > 130
    for text in examples:
        check_condition(parse(text), base, "contact")


@pytest.mark.parametrize(
    "name",
    sorted(
        {*FUNCTIONS, *QUERY_FUNCTIONS, *TextFunction, *AskedName, *AskedSetName, "like", "case"}
    ),
)
def test_every_function_is_described_and_has_an_example(name):
    written = {"neg": "-"}.get(name, name)
    assert re.search(rf"`{re.escape(written)}\b|`{re.escape(written)}[x(]", PAGE)
    arithmetic = f" {name} "
    assert any(
        f"{written}(" in text or arithmetic in text or text.startswith("-") for text in _examples()
    )
