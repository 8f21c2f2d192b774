"""Calculated amounts in several currencies, on both engines."""

from __future__ import annotations

from decimal import Decimal

import pytest

from kartoteka.record_values import Reference

FLEET = """\
kind: entity
format: 1
name: fleet
label: { en: Fleet }
plural_label: { en: Fleets }
primary_field: name
ownership: none
fields:
  - { name: name, type: text, label: { en: Name } }
  - { name: budget, type: money, label: { en: Budget } }
  - { name: half, type: money, formula: budget divby 2, label: { en: Half } }
  - { name: third, type: money, stored: true, formula: budget divby 3, label: { en: Third } }
  - { name: worth, type: money, label: { en: Worth },
      rollup: { over: fleet_boat_fleet, function: sum, field: price } }
  - { name: dearest, type: money, label: { en: Dearest },
      rollup: { over: fleet_boat_fleet, function: max, field: price } }
"""
BOAT = """\
kind: entity
format: 1
name: boat
label: { en: Boat }
plural_label: { en: Boats }
primary_field: name
ownership: none
fields:
  - { name: name, type: text, label: { en: Name } }
  - { name: price, type: money, label: { en: Price } }
  - { name: fleet, type: lookup, target: fleet, label: { en: Fleet } }
"""


@pytest.fixture
async def app(start_app):
    """Give an app with fleets of boats that have prices."""
    return await start_app(metadata={"entities/fleet.yaml": FLEET, "entities/boat.yaml": BOAT})


async def currencies(app) -> tuple[Reference, Reference]:
    """Return the base currency, and one of which two make one of the base currency."""
    rows = await app.system_records.list("transactioncurrency", fields=["transactioncurrencyid"])
    base = Reference("transactioncurrency", str(rows[0]["transactioncurrencyid"]))
    other = await app.system_records.create(
        "transactioncurrency",
        {
            "currencyname": "Half",
            "isocurrencycode": "XTS",
            "currencysymbol": "h",
            "currencyprecision": 2,
            "exchangerate": Decimal(2),
        },
    )
    return base, Reference("transactioncurrency", other)


async def test_sums_of_several_currencies_are_in_that_of_the_record(app):
    base, other = await currencies(app)
    records = app.system_records
    fleet = await records.create("fleet", {"name": "One", "transactioncurrencyid": other})
    for price, currency in ((Decimal(100), base), (Decimal(50), other)):
        await records.create(
            "boat",
            {
                "name": "B",
                "price": price,
                "transactioncurrencyid": currency,
                "fleet": Reference("fleet", fleet),
            },
        )
    await app.run_jobs()
    record = await records.read("fleet", fleet)
    assert (record["worth_base"], record["worth"]) == (Decimal(125), Decimal(250))
    assert (record["dearest_base"], record["dearest"]) == (Decimal(100), Decimal(200))
    await records.update("fleet", fleet, {"transactioncurrencyid": base})
    await app.run_jobs()
    record = await records.read("fleet", fleet)
    assert (record["worth_base"], record["worth"]) == (Decimal(125), Decimal(125))


async def test_calculated_amounts_have_one_in_base_currency(app):
    _, other = await currencies(app)
    records = app.system_records
    fleet = await records.create(
        "fleet", {"name": "One", "transactioncurrencyid": other, "budget": Decimal("100")}
    )
    record = await records.read("fleet", fleet)
    assert (record["half"], record["half_base"]) == (Decimal(50), Decimal(25))
    assert (record["third"], record["third_base"]) == (Decimal("33.33"), Decimal("16.67"))
    rows = await records.list("fleet", filter="half_base eq 25 and third_base gt 16")
    assert len(rows) == 1
