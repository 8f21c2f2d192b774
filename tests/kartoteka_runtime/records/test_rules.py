"""Business rules on writes: the same by the record service and the API, on both engines."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from decimal import Decimal

import pytest

from kartoteka.errors import RecordInvalid
from kartoteka.plugin_api.contexts import RecordHandler
from kartoteka.record_values import Reference

SHIP = """\
kind: entity
format: 1
name: ship
label: { en: Ship }
plural_label: { en: Ships }
primary_field: name
ownership: user
fields:
  - { name: name, type: text, label: { en: Name }, required: true, max_length: 40 }
  - { name: price, type: decimal, label: { en: Price }, precision: 2 }
  - { name: discount, type: decimal, label: { en: Discount }, precision: 2, max: 1000 }
  - { name: berths, type: whole_number, label: { en: Berths }, min: 0, max: 50 }
  - { name: crewed, type: yes_no, label: { en: Crewed } }
  - { name: built, type: date, label: { en: Built } }
  - { name: seen, type: date_time, label: { en: Seen } }
  - name: kind
    type: choice
    label: { en: Kind }
    options:
      - { name: boat, value: 1, label: { en: Boat } }
      - { name: yacht, value: 2, label: { en: Yacht } }
  - name: extras
    type: multi_choice
    label: { en: Extras }
    options:
      - { name: sails, value: 1, label: { en: Sails } }
      - { name: oven, value: 2, label: { en: Oven } }
  - { name: captain, type: lookup, label: { en: Captain }, target: systemuser }
  - { name: deputy, type: lookup, label: { en: Deputy }, target: systemuser }
  - { name: note, type: text, label: { en: Note }, max_length: 10 }
"""


def rule(name: str, body: str) -> dict[str, str]:
    """Return the file of a rule about ships."""
    text = f"kind: rule\nformat: 1\nname: {name}\nentity: ship\n{body}"
    return {f"rules/{name}.yaml": text}


FLEET = {
    "entities/ship.yaml": SHIP,
    **rule("discount", """\
order: 10
branches:
  - name: dear
    when: price ge 1000
    then:
      - { set: discount, formula: price mul 0.0333 }
      - { set: kind, value: yacht }
      - { set: crewed, value: true }
  - name: sails
    when: contains(extras,'sails')
    then: [{ set: crewed, formula: berths gt 6 }]
otherwise:
  - clear: discount
"""),
    **rule("people", """\
order: 20
branches:
  - name: crewed
    when: crewed eq true
    then:
      - { set: captain, formula: me() }
      - { set: deputy, formula: captain }
      - { set_default: note, value: crewed }
      - lock: note
      - require: built
"""),
    **rule("limits", """\
order: 30
branches:
  - name: too_full
    when: kind eq 'boat' and berths gt 10
    then:
      - error: too_full
        message: { en: "{field:ship.berths}: too many for a boat", pl: Za dużo }
        field: berths
      - error: sorry
        message: { en: No such ship }
"""),
    **rule("asleep", """\
enabled: false
branches:
  - { name: all, when: name ne null, then: [{ set: note, value: asleep }] }
"""),
    **rule("on_forms", """\
scope: all_forms
branches:
  - { name: all, when: name ne null, then: [{ set: note, value: form }] }
"""),
}  # fmt: skip


async def test_rules_set_values_in_order_and_each_sees_what_came_before(start_app):
    app = await start_app(metadata=FLEET, languages=("en", "pl"))
    records = await app.records_as()
    me = (await app.principal()).user_id
    ship = await records.create("ship", {"name": "Ana", "price": Decimal("1000.50")})
    found = await records.read_fields("ship", ship)
    assert found["discount"] == Decimal("33.32")  # 33.31665, rounded to the field's places
    assert (found["kind"], found["crewed"], found["note"]) == (2, True, "crewed")
    assert found["captain"] == found["deputy"] == Reference("systemuser", me)
    await records.update("ship", ship, {"price": Decimal(5)})
    found = await records.read_fields("ship", ship)
    assert (found["discount"], found["kind"], found["crewed"]) == (None, 2, True)


async def test_a_default_is_for_new_records_and_empty_fields_alone(start_app):
    app = await start_app(metadata=FLEET, languages=("en", "pl"))
    records = await app.records_as()
    ship = await records.create("ship", {"name": "Ana", "price": 2000, "note": "mine"})
    assert (await records.read_fields("ship", ship))["note"] == "mine"
    await records.update("ship", ship, {"note": None, "price": 3000})
    assert (await records.read_fields("ship", ship))["note"] is None


async def test_an_error_refuses_creating_and_changing_and_nothing_is_written(start_app):
    app = await start_app(metadata=FLEET, languages=("en", "pl"))
    records = await app.records_as()
    with pytest.raises(RecordInvalid) as refused:
        await records.create("ship", {"name": "Ana", "kind": 1, "berths": 11})
    assert [(found.field, found.code) for found in refused.value.violations] == [
        ("berths", "violation.rule"), (None, "violation.rule"),
    ]  # fmt: skip
    ship = await records.create("ship", {"name": "Ana", "kind": 2, "berths": 11})
    with pytest.raises(RecordInvalid):
        await records.update("ship", ship, {"kind": 1})
    assert (await records.read_fields("ship", ship))["kind"] == 2


async def test_a_write_that_touches_nothing_of_the_rules_is_let_be(start_app):
    app = await start_app(metadata=FLEET, languages=("en", "pl"))
    records, system = await app.records_as(), app.system_records
    ship = await records.create("ship", {"name": "Ana", "kind": 2, "berths": 11})
    async with app.parts.database.writing() as connection:  # as it was before there was the rule
        kind = app.parts.records.model.entities["ship"].queries
        await kind.update(connection, ship, {"kind": 1})
    await system.update("ship", ship, {"built": None, "name": "Ina", "seen": None})
    assert (await records.read_fields("ship", ship))["name"] == "Ina"
    with pytest.raises(RecordInvalid):
        await system.update("ship", ship, {"berths": 12})


def quay(*rules: dict[str, str]) -> dict[str, str]:
    """Return an app in which the value of a quay is a stored formula over another one."""
    entity = """\
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
  - { name: twice, type: decimal, label: { en: Twice }, precision: 2, formula: price mul 2 }
  - { name: rent, type: decimal, label: { en: Rent }, precision: 2, stored: true,
      formula: twice mul berths }
  - { name: value, type: decimal, label: { en: Value }, precision: 2, stored: true,
      formula: rent mul 10 }
  - { name: note, type: text, label: { en: Note } }
"""
    files = {"entities/quay.yaml": entity}
    for rule_files in rules:
        files |= {
            name: text.replace("entity: ship", "entity: quay") for name, text in rule_files.items()
        }
    return files


DEAR = rule("dear", """\
order: 20
branches:
  - name: dear
    when: value ge 1000
    then: [{ error: dear, message: { en: Too dear } }]
  - { name: fair, when: value ge 100, then: [{ set: note, formula: "concat('fair',name)" }] }
otherwise: [{ clear: note }]
""")  # fmt: skip


async def test_rules_see_stored_formulas_as_they_will_be_stored(start_app):
    app = await start_app(metadata=quay(DEAR), languages=("en",))
    records = await app.records_as()
    with pytest.raises(RecordInvalid):
        await records.create("quay", {"name": "A", "price": 10, "berths": 5})
    quay_id = await records.create("quay", {"name": "A", "price": 1, "berths": 5})
    found = await records.read_fields("quay", quay_id)
    assert (found["value"], found["note"]) == (100, "fairA")
    with pytest.raises(RecordInvalid):
        await records.update("quay", quay_id, {"price": 10})
    await records.update("quay", quay_id, {"berths": 4})
    found = await records.read_fields("quay", quay_id)
    assert (found["value"], found["note"]) == (80, None)


async def test_a_stored_formula_follows_what_a_rule_before_has_set(start_app):
    berths = rule("berths", """\
order: 10
branches:
  - { name: few, when: value lt 100, then: [{ set: berths, formula: berths add 50 }] }
""")  # fmt: skip
    app = await start_app(metadata=quay(DEAR, berths), languages=("en",))
    records = await app.records_as()
    with pytest.raises(RecordInvalid):  # 4 berths become 54
        await records.create("quay", {"name": "A", "price": 1, "berths": 4})
    quay_id = await records.create("quay", {"name": "A", "price": Decimal("0.1"), "berths": 1})
    found = await records.read_fields("quay", quay_id)  # one pass: it is below 100 still
    assert (found["berths"], found["value"], found["note"]) == (51, 102, "fairA")
    await records.update("quay", quay_id, {"price": Decimal("0.01")})
    found = await records.read_fields("quay", quay_id)
    assert (found["berths"], found["value"], found["note"]) == (101, Decimal("20.2"), None)


async def test_what_a_rule_sets_is_validated_like_everything_else(start_app):
    app = await start_app(metadata=FLEET, languages=("en", "pl"))
    records = await app.records_as()
    with pytest.raises(RecordInvalid) as refused:
        await records.create("ship", {"name": "Ana", "price": 100_000})
    assert [(found.field, found.code) for found in refused.value.violations] == [
        ("discount", "violation.too_large")
    ]


async def test_a_condition_may_ask_for_one_of_several_choices(start_app):
    app = await start_app(metadata=FLEET, languages=("en", "pl"))
    records = await app.records_as()
    big = await records.create("ship", {"name": "A", "extras": (1, 2), "berths": 7})
    small = await records.create("ship", {"name": "B", "extras": (1,), "berths": 6})
    assert (await records.read_fields("ship", big))["crewed"] is True
    assert (await records.read_fields("ship", small))["crewed"] is False


async def test_the_api_is_told_what_the_rule_says_in_the_readers_language(start_app):
    app = await start_app(metadata=FLEET, languages=("en", "pl"))
    async with app.api_as() as api:
        answer = await api.post("ships", json={"name": "Ana", "kind": 1, "berths": 11})
        assert answer.status_code == 400
        details = answer.json()["error"]["details"]
        assert details == [
            {"code": "violation.rule", "target": "berths",
             "message": "Berths: too many for a boat"},
            {"code": "violation.rule", "target": "", "message": "No such ship"},
        ]  # fmt: skip
        answer = await api.post("ships", json={"name": "Ana", "price": 1000})
        assert answer.status_code == 204


async def test_rules_see_the_state_that_a_record_will_have(start_app):
    asked = rule("states", """\
branches:
  - { name: active, when: statuscode eq 'active', then: [{ set: note, value: active }] }
  - { name: gone, when: statecode eq 'inactive', then: [{ set: note, formula: name }] }
""")  # fmt: skip
    app = await start_app(metadata={"entities/ship.yaml": SHIP, **asked}, languages=("en",))
    records = await app.records_as()
    ship = await records.create("ship", {"name": "Ana"})
    assert (await records.read_fields("ship", ship))["note"] == "active"
    reasons = app.registry.entities["ship"].states[1].reasons
    await records.update("ship", ship, {"statuscode": reasons[0].value, "statecode": 1})
    assert (await records.read_fields("ship", ship))["note"] == "Ana"
    await records.set_state("ship", ship, state="active")
    assert (await records.read_fields("ship", ship))["note"] == "active"


async def test_amounts_that_rules_set_are_converted_like_any_other(start_app):
    files = {
        "entities/fare.yaml": """\
kind: entity
format: 1
name: fare
label: { en: Fare }
plural_label: { en: Fares }
primary_field: name
fields:
  - { name: name, type: text, label: { en: Name } }
  - { name: seats, type: whole_number, label: { en: Seats } }
  - { name: amount, type: money, label: { en: Amount } }
""",
        "rules/fares.yaml": """\
kind: rule
format: 1
name: fares
entity: fare
branches:
  - { name: seats, when: seats gt 0, then: [{ set: amount, formula: seats mul 10 }] }
""",
    }
    app = await start_app(metadata=files, languages=("en",))
    system, records = app.system_records, await app.records_as()
    dollar = await system.create(
        "transactioncurrency",
        {"currencyname": "Dollar", "isocurrencycode": "USX", "currencysymbol": "$",
         "currencyprecision": 2, "exchangerate": Decimal(2)},
    )  # fmt: skip
    currency = Reference("transactioncurrency", dollar)
    fare = await records.create("fare", {"name": "A", "transactioncurrencyid": currency})
    await records.update("fare", fare, {"seats": 3})
    found = await records.read_fields("fare", fare)
    assert (found["amount"], found["amount_base"]) == (Decimal(30), Decimal(15))


async def test_hooks_come_first_and_cannot_write_what_a_rule_forbids(start_app):
    app = await start_app(metadata=FLEET, languages=("en", "pl"))

    async def fill(context):
        context.values["kind"] = 1
        context.values["berths"] = 20

    records = await app.records_as()
    hooks = app.parts.records.hooks
    handler = RecordHandler("ship", "before_create", fill)
    app.parts.records.hooks = replace(hooks, record_handlers=(*hooks.record_handlers, handler))
    app.parts.records.forget_compiled()
    with pytest.raises(RecordInvalid) as refused:
        await records.create("ship", {"name": "Ana"})
    assert refused.value.violations[0].code == "violation.rule"


async def test_an_appointment_does_not_end_before_it_starts(start_app):
    app = await start_app()
    records = await app.records_as()
    nine, ten = (datetime(2031, 5, 6, hour, tzinfo=UTC) for hour in (9, 10))
    meeting = {"subject": "Rax", "scheduledstart": nine, "scheduledend": ten}
    appointment = await records.create("appointment", meeting)
    with pytest.raises(RecordInvalid) as refused:
        await records.update(
            "appointment", appointment, {"scheduledstart": ten, "scheduledend": nine}
        )
    assert [found.field for found in refused.value.violations] == ["scheduledend"]
    async with app.client_as(language="pl") as client:
        page = await client.get("/e/appointment/new?scheduledstart=2031-05-06T09:00")
    assert 'value="2031-05-06T09:30"' in page.text
    assert "nie może być wcześniej niż" in page.text
