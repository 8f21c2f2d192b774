"""Business rules on a form: in a browser, without scripts, and looked at by axe."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

SHIP = """\
kind: entity
format: 1
name: ship
label: { en: Ship, pl: Statek }
plural_label: { en: Ships, pl: Statki }
primary_field: name
ownership: user
fields:
  - { name: name, type: text, label: { en: Name }, required: true }
  - name: kind
    type: choice
    label: { en: Kind }
    options:
      - { name: boat, value: 1, label: { en: Boat } }
      - { name: yacht, value: 2, label: { en: Yacht } }
  - { name: price, type: decimal, label: { en: Price }, precision: 2 }
  - { name: discount, type: decimal, label: { en: Discount }, precision: 2 }
  - { name: berths, type: whole_number, label: { en: Berths } }
  - { name: worth, type: decimal, label: { en: Worth }, precision: 2, stored: true,
      formula: "price mul coalesce(berths,1)" }
  - { name: sails, type: text, label: { en: Sails } }
  - { name: note, type: text, label: { en: Note } }
  - { name: captain, type: lookup, label: { en: Captain }, target: systemuser }
  - { name: seen, type: date_time, label: { en: Seen } }
  - { name: due, type: date_time, label: { en: Due } }
  - name: extras
    type: multi_choice
    label: { en: Extras }
    options: [{ name: oven, value: 1, label: { en: Oven } }]
"""
FORM = """\
kind: form
format: 1
name: ship_main
entity: ship
type: main
label: { en: Ship }
tabs:
  - name: general
    label: { en: General }
    sections:
      - name: first
        label: { en: First }
        controls: [name, kind, price, discount, note]
      - name: second
        label: { en: Sailing }
        controls: [sails, captain, seen, due, extras]
  - name: inside
    label: { en: Inside }
    sections:
      - name: third
        label: { en: Third }
        controls: [berths, worth]
"""
RULE = """\
kind: rule
format: 1
name: yachts
entity: ship
scope: all_forms
label: { en: Yachts }
branches:
  - name: yacht
    when: kind eq 'yacht'
    then:
      - { set: captain, formula: me() }
      - { set: discount, formula: price mul 0.1 }
      - { require: sails }
      - { lock: [note, extras] }
      - { set: due, formula: "adddays(seen,1)" }
  - name: boat
    when: kind eq 'boat'
    then:
      - { hide_section: second }
otherwise:
  - { hide_tab: inside }
  - { hide: discount }
"""
LIMITS = """\
kind: rule
format: 1
name: limits
entity: ship
label: { en: Limits }
branches:
  - name: full
    when: kind eq 'yacht' and berths gt 10
    then:
      - error: full
        message: { en: Too many berths for a yacht, pl: Za dużo koi }
        field: berths
  - name: free
    when: price eq 0
    then:
      - error: free
        message: { en: Nothing is given away }
  - name: cheap
    when: price lt 100
    then:
      - recommend: more
        label: { en: Ask for more }
        details: { en: Ships are dear. }
        field: price
        then:
          - { set: price, value: 100.5 }
"""
TREASURE = """\
kind: rule
format: 1
name: treasure
entity: ship
scope: all_forms
label: { en: Treasure }
branches:
  - name: worthy
    when: worth ge 1000000
    then:
      - { set: sails, value: golden }
"""
FLEET = {
    "entities/ship.yaml": SHIP, "forms/ship_main.yaml": FORM,
    "rules/yachts.yaml": RULE, "rules/limits.yaml": LIMITS, "rules/treasure.yaml": TREASURE,
}  # fmt: skip
NEW = "/e/ship/new"

# tests/kartoteka_runtime/records holds the rules on both engines.
pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


@pytest.fixture
async def crm(start_app):
    """Give a fleet instead of a whole CRM."""
    return await start_app(metadata=FLEET, languages=("en", "pl"))


async def test_a_form_follows_its_rules_while_one_types(person, crm):
    someone = await person()
    await someone.sign_in("en")
    await someone.go(NEW)
    page = someone.page

    sails, discount = someone.input("sails"), someone.input("discount")
    inside = page.get_by_role("tab", name="Inside")
    await expect(inside).to_be_hidden()
    await expect(discount).to_be_hidden()
    await someone.input("note").fill("typed before")
    await someone.input("price").fill("1,234.5")
    await someone.input("kind").select_option("2")
    await expect(inside).to_be_visible()
    await expect(discount).to_have_value("123.45")
    assert await someone.value("captain") == "Test System Administrator"
    await expect(sails).to_have_attribute("aria-required", "true")
    await expect(someone.input("note")).to_be_disabled()
    await expect(someone.input("note")).to_have_value("")
    await expect(page.get_by_label("Oven")).to_be_disabled()
    await someone.input("seen").fill("2031-05-06T10:30")
    await someone.input("seen").blur()
    await expect(someone.input("due")).to_have_value("2031-05-07T10:30")
    await someone.look()

    await someone.input("kind").select_option("1")
    await expect(sails).to_be_hidden()
    await expect(someone.input("note")).to_have_value("typed before")
    await expect(someone.input("note")).to_be_enabled()
    await someone.input("kind").select_option("2")

    await inside.click()
    await someone.input("berths").fill("11")
    await page.get_by_role("tab", name="General").click()
    await someone.input("name").fill("Ana")
    await someone.button("Save").click()
    await expect(someone.input("berths")).to_be_focused()
    await expect(page.get_by_role("alert").filter(has_text="Too many berths")).to_be_visible()
    await expect(someone.input("berths")).to_have_attribute("aria-invalid", "true")
    await someone.look()
    await someone.input("berths").fill("10")
    await someone.input("berths").blur()
    await expect(page.get_by_text("Too many berths")).to_be_hidden()

    await someone.button("Save").click()  # the rule insists on the sails
    await page.locator("[data-k-summary]").wait_for()
    await someone.look()
    await sails.fill("white")
    await someone.save()
    await expect(discount).to_have_value("123.45")
    assert someone.faults == []


async def test_a_form_sees_stored_formulas_while_one_types(person, crm):
    someone = await person()
    await someone.sign_in("en")
    await someone.go(NEW)
    await someone.input("price").fill("1000000.00")
    await someone.input("name").fill("Ana")
    await expect(someone.input("sails")).to_have_value("golden")


async def test_a_recommendation_waits_for_an_answer(person, crm):
    records = await crm.records_as()
    ship = await records.create("ship", {"name": "Ana", "price": 5, "kind": 1})
    someone = await person()
    await someone.sign_in("en")
    await someone.go(f"/e/ship/{ship}")
    page = someone.page

    bulb = someone.button("Recommendation: Ask for more")
    await bulb.click()
    await expect(page.get_by_text("Ships are dear.")).to_be_visible()
    await someone.look()
    await someone.button("Apply").click()
    await expect(someone.input("price")).to_have_value("100.50")
    await expect(someone.input("price")).to_be_focused()
    await expect(bulb).to_be_hidden()
    await someone.input("price").fill("0")
    await someone.button("Save").click()
    await expect(page.get_by_role("alert").filter(has_text="Nothing is given")).to_be_focused()
    await someone.look()
    assert someone.faults == []


async def test_without_scripts_the_page_comes_as_its_rules_say_and_saving_holds_them(reader, crm):
    records = await crm.records_as()
    ship = await records.create("ship", {"name": "Ana", "kind": 2, "note": "kept", "price": 10})
    someone = await reader(crm, language="pl")
    opened = await someone.open(f"/e/ship/{ship}")
    assert opened.form.values["discount"] == "1,00"  # set for the reader, not stored yet
    refused = await someone.send(opened.form, berths="11", note="changed")
    assert refused.status == 422
    assert "Za dużo koi" in refused.text
    assert re.search(r"Sails: .*trzeba podać", refused.text)
    assert refused.form.values["berths"] == "11"
    unreadable = await someone.send(opened.form, price="much", berths="9", sails="white")
    assert unreadable.status == 422
    assert unreadable.form.values["price"] == "much"
    boat = await someone.send(opened.form, kind="1", price="much")
    assert (boat.status, boat.form.values["kind"]) == (422, "1")
    saved = await someone.send(opened.form, berths="9", sails="white", note="changed")
    assert saved.status == 303
    stored = await records.read("ship", ship)
    assert (stored["berths"], stored["note"], str(stored["discount"])) == (9, "kept", "1.00")


async def test_a_new_record_starts_as_its_rules_say(reader, crm):
    someone = await reader(crm)
    new = await someone.open(f"{NEW}?kind=2&note=preset&price=20")
    assert (new.form.values["discount"], new.form.values["captain"]) == (
        "2.00",
        "Test System Administrator",
    )
    values = {**new.form.values, "name": "Ana", "sails": "white"}
    for locked in ("note", "extras"):  # a browser sends nothing of what is disabled
        values.pop(locked, None)
    created = await someone.post(f"{NEW}?kind=2&note=preset&price=20", values)
    assert created.status == 303, created.text
    (ship,) = await (await crm.records_as()).list("ship", fields=("note", "discount"))
    assert (ship["note"], str(ship["discount"])) == ("preset", "2.00")


async def test_hidden_fields_keep_what_they_hold_and_nobody_insists_on_them(reader, crm):
    records = await crm.records_as()
    ship = await records.create("ship", {"name": "Ana", "kind": 1, "sails": "red"})
    someone = await reader(crm)
    opened = await someone.open(f"/e/ship/{ship}")
    saved = await someone.send(opened.form, name="Ina")
    assert saved.status == 303
    assert (await records.read("ship", ship))["sails"] == "red"
