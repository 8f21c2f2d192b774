"""docs/reference/queries.md: its examples are read, and it names what there is."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kartoteka.assembly import assemble, load_bundles
from kartoteka.conditions.typed import kind_of
from kartoteka.query.fetch_operators import OPERATORS
from kartoteka.query.fetch_sources import FILTER_LINKS, ROW_LINKS
from kartoteka.query.fetch_xml import read_fetch
from kartoteka.query.odata import OPTIONS, read_options
from kartoteka.query.query import DatePart
from kartoteka.query.sql_query import read_sql

ROOT = Path(__file__).resolve().parents[3]
PAGE = (ROOT / "docs" / "reference" / "queries.md").read_text("utf-8")
WORDS = set(re.findall(r"`([^`\s]+(?: [a-z]+)?)`", PAGE))


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    """Give the registry of the base bundle."""
    return assemble(
        load_bundles([ROOT / "metadata"], shown_from=ROOT), command_handlers=None, panels=None
    )


def test_every_operator_link_type_option_and_part_of_a_date_is_named():
    link_types = {*ROW_LINKS, *FILTER_LINKS}
    parts = {part.value for part in DatePart}
    for names in (OPERATORS, link_types, parts):
        assert set(names) <= WORDS, set(names) - WORDS
    assert all(f"`{option}" in PAGE for option in OPTIONS)


def test_every_example_can_be_read(base):
    account = base.entities["account"]
    examples = re.findall(r"\| `(\$[a-z]+=[^|]*)` \|$", PAGE, re.MULTILINE)
    examples += re.findall(r"^```text\n(\$.*)\n```", PAGE, re.MULTILINE)
    assert len(examples) == 10
    for example in examples:
        options = dict(part.split("=", 1) for part in example.split("&"))
        assert read_options(options, base, account).query.entity == "account", example
    fetches = re.findall(r"^```xml\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert len(fetches) == 2
    for text in fetches:
        assert read_fetch(text, base).query.entity == "account"
    (statement,) = re.findall(r"^```sql\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)
    assert read_sql(statement, base).query.entity == "contact"
    assert all(kind_of(item) for item in account.fields if item.type != "party_list")
