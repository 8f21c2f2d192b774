"""The service plugin by itself, and what it adds where the sales plugin is there too."""

from __future__ import annotations

import pytest

from kartoteka import Reference

WITH_SALES = {
    ("lead_main", "service.lead_cases"),
    ("opportunity_main", "service.opportunity_cases"),
    ("incident_main", "service.open_deals"),
}


@pytest.fixture
def start(start_app):
    """Give a function that starts an app and tells which panel stands on which form."""

    async def run(*plugins):
        app = await start_app(plugins=plugins)
        return app, {
            (form.name, control.panel)
            for form in app.registry.forms.values()
            for tab in form.tabs
            for section in tab.sections
            for control in section.controls
            if control.panel
        }

    return run


async def test_cases_need_no_sales(start):
    app, placed = await start("service")
    assert {"lead", "opportunity"}.isdisjoint(app.registry.entities)
    assert not placed & WITH_SALES
    assert ("incident_main", "service.other_cases") in placed
    assert "opportunity_of_customer" not in app.registry.views
    case_page = await page_of_a_case(app)
    assert "service.other_cases" in case_page
    assert "service.open_deals" not in case_page


async def test_with_sales_leads_deals_and_cases_show_each_other(start):
    app, placed = await start("service", "sales")
    assert placed >= WITH_SALES
    assert "originatingcaseid" in app.registry.entities["lead"].field_by_name
    case_page = await page_of_a_case(app)
    assert "service.open_deals" in case_page
    records = await app.records_as()
    lead = await records.create("lead", {"subject": "Topic", "lastname": "Lead"})
    deal = await records.create("opportunity", {"name": "Deal"})
    async with app.client_as() as client:
        assert "service.lead_cases" in (await client.get(f"/e/lead/{lead}")).text
        assert "service.opportunity_cases" in (await client.get(f"/e/opportunity/{deal}")).text


async def page_of_a_case(app):
    records = await app.records_as()
    customer = await records.create("contact", {"lastname": "Anna"})
    case = await records.create(
        "incident", {"title": "Broken", "customerid": Reference("contact", customer)}
    )
    async with app.client_as() as client:
        response = await client.get(f"/e/incident/{case}")
    assert response.status_code == 200
    return response.text
