"""Forms whose rules look at stored formulas, as somebody without scripts sends them."""

from __future__ import annotations

import json

import pytest

QUAY = """\
kind: entity
format: 1
name: quay
label: { en: Quay }
plural_label: { en: Quays }
primary_field: name
ownership: user
fields:
  - { name: name, type: text, label: { en: Name }, required: true }
  - { name: price, type: decimal, label: { en: Price }, precision: 2 }
  - { name: berths, type: whole_number, label: { en: Berths } }
  - { name: value, type: decimal, label: { en: Value }, precision: 2, stored: true,
      formula: price mul berths }
"""
DEAR = """\
kind: rule
format: 1
name: dear
entity: quay
branches:
  - { name: dear, when: value ge 100, then: [{ error: dear, message: { en: Too dear } }] }
"""


@pytest.fixture
async def app(start_app):
    """Give an app with quays that must not be dear."""
    return await start_app(metadata={"entities/quay.yaml": QUAY, "rules/dear.yaml": DEAR})


async def test_a_form_is_held_against_what_its_formulas_will_come_to(visitor):
    address = await visitor.create("quay", name="A", price="9", berths="10")
    page = await visitor.open(address)
    refused = await visitor.send(page.form, at=address, price="10")
    assert (refused.status, "Too dear" in refused.text) == (422, True)
    mended = await visitor.send(refused.form, at=address, price="9.5")
    assert mended.status == 303


async def test_the_browser_gets_the_formulas_that_rules_look_at(visitor):
    page = await visitor.open(await visitor.create("quay", name="A", price="9", berths="10"))
    (form,) = (attributes for tag, attributes in page.elements if "data-k-rules" in attributes)
    told = json.loads(form["data-k-rules"])
    assert [name for name, _ in told["formulas"]] == ["value"]
    assert sorted(told["inputs"]) == ["berths", "price"]
    assert told["rules"][0]["looks_at"] == ["berths", "price", "value"]
