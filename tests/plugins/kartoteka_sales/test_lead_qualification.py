"""Qualify: what a lead becomes, and what it leaves alone."""

from __future__ import annotations

from datetime import date
from decimal import Decimal

import pytest

from kartoteka import RecordInvalid, Reference
from kartoteka_sales.mapping import FIELD_MAPPINGS

LEAD = {
    "subject": "Twenty rental skis",
    "firstname": "Ana",
    "lastname": "Kovač",
    "companyname": "Planica Sport",
    "jobtitle": "Buyer",
    "telephone1": "+386 1 234 56 78",
    "mobilephone": "+386 40 123 456",
    "emailaddress1": "ana@planica.example",
    "websiteurl": "https://planica.example",
    "address1_line1": "Cankarjeva 1",
    "address1_city": "Ljubljana",
    "address1_postalcode": "1000",
    "address1_country": "Slovenia",
    "industrycode": 5,
    "numberofemployees": 40,
    "revenue": Decimal("2500000"),
    "leadsourcecode": 7,
    "donotphone": True,
    "estimatedamount": Decimal("12000"),
    "estimatedclosedate": date(2031, 6, 30),
    "budgetamount": Decimal("15000"),
    "budgetstatus": 2,
    "need": 1,
    "purchaseprocess": 1,
    "purchasetimeframe": 2,
    "decisionmaker": True,
    "qualificationcomments": "Met at the fair.",
    "description": "Wants delivery in October.",
}


async def test_qualify_makes_an_account_a_contact_and_an_opportunity(records):
    lead_id = await records.create("lead", LEAD)
    result = await records.execute("lead", lead_id, "qualify", {})

    made = {reference.entity: reference.id for reference in result.created}
    account = await records.read("account", made["account"])
    contact = await records.read("contact", made["contact"])
    opportunity = await records.read("opportunity", made["opportunity"])
    lead = await records.read("lead", lead_id)

    assert account["name"] == "Planica Sport"
    assert account["primarycontactid"].id == made["contact"]
    assert contact["fullname"] == "Ana Kovač"
    assert contact["parentcustomerid"].id == made["account"]
    assert opportunity["name"] == "Twenty rental skis"
    assert opportunity["customerid"].id == made["account"]
    assert opportunity["parentcontactid"].id == made["contact"]
    assert opportunity["estimatedvalue"] == Decimal("12000")
    for record in (account, contact, opportunity):
        assert record["originatingleadid"].id == lead_id
    assert (lead["statecode"], lead["statuscode"]) == (1, 3)
    assert lead["qualifyingopportunityid"].id == made["opportunity"]
    assert lead["parentaccountid"].id == made["account"]
    assert result.open == Reference("opportunity", made["opportunity"])
    assert result.message == "sales.lead_qualified"


async def test_every_mapped_field_arrives(records):
    lead_id = await records.create("lead", LEAD)
    result = await records.execute("lead", lead_id, "qualify", {})
    for reference in result.created:
        record = await records.read(reference.entity, reference.id)
        for source, target in FIELD_MAPPINGS[reference.entity].items():
            if source in LEAD:
                assert record[target] == LEAD[source], (reference.entity, target)


@pytest.mark.parametrize("engine", ["sqlite"], indirect=False)
async def test_every_mapped_field_fits_its_target(crm):
    entities = crm.registry.entities
    lead = entities["lead"].field_by_name
    for entity, mapping in FIELD_MAPPINGS.items():
        for source, target in mapping.items():
            given, taken = lead[source], entities[entity].field_by_name[target]
            assert given.type == taken.type, (entity, target)
            assert (given.max_length or 0) <= (taken.max_length or 0), (entity, target)
            known = {option.value for option in taken.options}
            assert {option.value for option in given.options} <= known, (entity, target)


async def test_qualify_uses_the_customers_that_the_lead_names(records):
    account_id = await records.create("account", {"name": "Alpine Ski House"})
    other = await records.create("contact", {"lastname": "Chief"})
    await records.update("account", account_id, {"primarycontactid": Reference("contact", other)})
    contact_id = await records.create("contact", {"lastname": "Novak"})
    lead_id = await records.create(
        "lead",
        {
            **LEAD,
            "parentaccountid": Reference("account", account_id),
            "parentcontactid": Reference("contact", contact_id),
        },
    )
    result = await records.execute("lead", lead_id, "qualify", {})

    assert [reference.entity for reference in result.created] == ["opportunity"]
    opportunity = await records.read("opportunity", result.created[0].id)
    assert opportunity["parentaccountid"].id == account_id
    assert opportunity["parentcontactid"].id == contact_id
    account = await records.read("account", account_id)
    assert account["primarycontactid"].id == other
    assert account["originatingleadid"] is None


async def test_qualify_makes_only_what_was_asked_for(records):
    lead_id = await records.create("lead", LEAD)
    asked = {"createaccount": False, "createopportunity": False}
    result = await records.execute("lead", lead_id, "qualify", asked)
    assert [reference.entity for reference in result.created] == ["contact"]
    lead = await records.read("lead", lead_id)
    assert lead["parentaccountid"] is None
    assert lead["qualifyingopportunityid"] is None
    assert lead["customerid"].id == result.created[0].id


async def test_a_lead_without_a_company_becomes_a_contact_alone(records):
    lead_id = await records.create("lead", {**LEAD, "companyname": None})
    result = await records.execute("lead", lead_id, "qualify", {})
    assert [reference.entity for reference in result.created] == ["contact", "opportunity"]
    opportunity = await records.read("opportunity", result.created[1].id)
    assert opportunity["customerid"].entity == "contact"


async def test_a_refused_record_leaves_nothing_behind(start_app):
    app = await start_app(
        plugins=["sales"],
        metadata={
            "entities/opportunity.yaml": (
                "kind: entity\nformat: 1\nextends: opportunity\n"
                "fields: [{ name: estimatedvalue, required: true }]\n"
            )
        },
    )
    records = await app.records_as()
    lead_id = await records.create("lead", {**LEAD, "estimatedamount": None})
    with pytest.raises(RecordInvalid):
        await records.execute("lead", lead_id, "qualify", {})
    lead = await records.read("lead", lead_id)
    assert lead["statecode"] == 0
    assert lead["parentaccountid"] is None
    assert await records.count("account") == 0
    assert await records.count("contact") == 0
