"""The page on which calls of the Web API are tried, and the pages of webhooks, in a browser."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


@pytest.fixture
async def crm(start_app):
    return await start_app(metadata={}, languages=("en", "pl"))


async def test_a_call_is_answered_on_the_page(person, crm):
    someone = await person()
    page = someone.page
    await someone.sign_in("en")
    await page.goto("/settings/api")
    await expect(page.locator(".opblock-tag-section").first).to_be_visible()
    await someone.button(someone.words.message("api.token_make")).click()
    await expect(page.get_by_role("status").first).to_have_text(
        someone.words.message("api.token_ready")
    )
    await page.get_by_placeholder("Filter by tag").fill("functions")
    await expect(page.locator(".opblock-tag-section")).to_have_count(1)
    await page.locator(".opblock-tag .expand-operation").click()
    call = page.locator(".opblock", has_text="WhoAmI").first
    await call.locator(".opblock-summary-control").click()
    await call.get_by_role("button", name="Execute").click()
    answer = call.locator(".live-responses-table")
    await expect(answer.locator(".response-col_status").last).to_contain_text("200")
    await expect(answer).to_contain_text((await crm.principal()).user_id)
    assert someone.faults == []


async def test_pages_of_webhooks_have_no_fault(person, crm):
    someone = await person()
    await someone.sign_in("pl")
    records = await crm.records_as()
    hook = await records.create(
        "webhook", {"name": "Magazyn", "url": "https://example.com/", "entityname": "contact"}
    )
    await records.execute("webhook", hook, "send_test", {})
    (sent,) = await crm.system_records.list("webhookdelivery")
    for address in (
        "/e/webhook", f"/e/webhook/{hook}", f"/e/webhook/{hook}/secret", "/e/webhook/new",
        "/e/webhookdelivery", f"/e/webhookdelivery/{sent['webhookdeliveryid']}",
    ):  # fmt: skip
        await someone.go(address)
    assert someone.faults == []
