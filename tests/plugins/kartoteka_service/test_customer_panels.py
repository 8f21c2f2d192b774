"""Panels: what else is open for a customer, wherever that customer is met."""

from __future__ import annotations

import pytest

from kartoteka import PanelContext, Reference


@pytest.fixture
async def shown(crm, records):
    """Give a function that lists the titles a panel shows on a record's form."""
    principal = await crm.principal()

    async def show(panel, record):
        definition = crm.parts.records.hooks.panels[panel]
        assert definition.entity == record.entity
        rows = await definition.load(
            PanelContext(
                record.entity,
                await records.read(record.entity, record.id),
                principal,
                records,
                crm.registry,
            )
        )
        if rows is None:
            return None
        found = await records.page(
            rows.entity, view=crm.registry.views[rows.view], condition=rows.filter
        )
        name = crm.registry.entities[rows.entity].primary_field
        return sorted(row[name] for row in found.rows)

    return show


@pytest.fixture
async def customers(records):
    """Give an account with a contact, another account, and a contact that stands alone."""
    alpine = Reference("account", await records.create("account", {"name": "Alpine"}))
    return {
        "alpine": alpine,
        "anna": Reference(
            "contact",
            await records.create("contact", {"lastname": "Anna", "parentcustomerid": alpine}),
        ),
        "other": Reference("account", await records.create("account", {"name": "Other"})),
        "alone": Reference("contact", await records.create("contact", {"lastname": "Alone"})),
    }


async def case_of(records, customer, title):
    values = {"title": title, "customerid": customer}
    return Reference("incident", await records.create("incident", values))


async def test_other_cases_are_those_of_the_account_and_its_contacts(records, customers, shown):
    this = await case_of(records, customers["alpine"], "this")
    await case_of(records, customers["alpine"], "same account")
    await case_of(records, customers["anna"], "its contact")
    await case_of(records, customers["other"], "another account")
    closed = await case_of(records, customers["alpine"], "closed")
    await records.execute("incident", closed.id, "cancel", {})
    assert await shown("service.other_cases", this) == ["its contact", "same account"]


async def test_other_cases_of_a_contact_include_those_of_the_account(records, customers, shown):
    this = await case_of(records, customers["anna"], "this")
    await case_of(records, customers["alpine"], "its account")
    await case_of(records, customers["alone"], "somebody else")
    assert await shown("service.other_cases", this) == ["its account"]


async def test_customers_leads_and_deals_show_active_cases(records, customers, shown):
    await case_of(records, customers["alpine"], "broken")
    await case_of(records, customers["alone"], "lonely")
    lead_id = await records.create(
        "lead", {"subject": "Topic", "lastname": "Lead", "parentaccountid": customers["alpine"]}
    )
    deal_id = await records.create(
        "opportunity", {"name": "Deal", "parentcontactid": customers["alone"]}
    )
    assert await shown("service.account_cases", customers["alpine"]) == ["broken"]
    assert await shown("service.contact_cases", customers["anna"]) == ["broken"]
    assert await shown("service.contact_cases", customers["alone"]) == ["lonely"]
    assert await shown("service.lead_cases", Reference("lead", lead_id)) == ["broken"]
    assert await shown("service.opportunity_cases", Reference("opportunity", deal_id)) == ["lonely"]


async def test_a_lead_without_a_customer_has_nothing_to_show(records, shown):
    lead_id = await records.create("lead", {"subject": "Topic", "lastname": "Lead"})
    assert await shown("service.lead_cases", Reference("lead", lead_id)) is None


async def test_a_case_shows_the_open_deals_of_its_customer(records, customers, shown):
    this = await case_of(records, customers["anna"], "this")
    await records.create("opportunity", {"name": "Large", "customerid": customers["alpine"]})
    lost = await records.create("opportunity", {"name": "Lost", "customerid": customers["alpine"]})
    await records.execute("opportunity", lost, "lose", {"reason": 4})
    assert await shown("service.open_deals", this) == ["Large"]
