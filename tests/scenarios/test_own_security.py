"""A forgotten password, and the settings of one's own security, in a browser looked at by axe."""

from __future__ import annotations

import re

import pytest
from playwright.async_api import expect

PASSWORD, NEW = "correct horse battery", "another long secret"

# tests/kartoteka_runtime/web holds the pages on both engines.
pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


@pytest.fixture
async def crm(start_app, monkeypatch):
    """Give an app that sends mail, whose administrator has an address."""
    for name, value in (
        ("PUBLIC_URL", "https://crm.example.com"), ("SMTP_HOST", "127.0.0.1"),
        ("SMTP_SENDER", "kartoteka@example.com"),
    ):  # fmt: skip
        monkeypatch.setenv(f"KARTOTEKA_{name}", value)
    app = await start_app(metadata={}, languages=("en", "pl"))
    user = (await app.principal()).user_id
    values = {"internalemailaddress": "admin@example.com"}
    await app.system_records.update("systemuser", user, values)
    app.sent = []

    async def send(to: str, subject: str, text: str) -> None:
        app.sent.append(text)

    monkeypatch.setattr(app.parts.resets._mailer, "send", send)  # the edge: nothing goes out
    return app


async def test_a_forgotten_password_is_replaced(person, crm):
    someone = await person()
    page, text = someone.page, someone.words.message
    await someone.go("/sign-in")
    forgot = page.get_by_role("link", name=text("sign_in.forgot"))
    await someone.click(forgot, until=re.compile("/forgot-password$"))
    await page.get_by_label(text("reset.asked")).fill("admin@example.com")
    await someone.button(text("reset.ask")).click()
    await expect(page.get_by_role("status")).to_have_text(text("reset.sent"))
    await someone.look()
    await crm.run_jobs()
    (link,) = re.findall(r"https://crm\.example\.com(/\S+)", crm.sent[0])
    await someone.go(link)
    for new in ("system_administrator", NEW):
        await page.get_by_label(text("security.new_password"), exact=True).fill(new)
        await page.get_by_label(text("security.again")).fill(new)
        await someone.button(text("security.change_password")).click()
        if new != NEW:
            await expect(page.get_by_role("alert")).to_be_visible()
            await someone.look()
    await page.wait_for_url(re.compile("/sign-in$"))
    await expect(page.get_by_role("status")).to_have_text(text("reset.done"))
    await someone.look()
    assert someone.faults == []
    gone = await page.goto(link)
    assert gone is not None
    assert gone.status == 410
    await expect(page.get_by_role("alert")).to_have_text(text("reset.gone"))


async def test_password_sessions_and_tokens_are_looked_after(person, crm):
    someone = await person()
    await someone.sign_in("pl")
    page, text = someone.page, someone.words.message
    user = (await crm.principal()).user_id
    other = await crm.parts.sessions.start(user, address="192.0.2.9", browser="curl/8.0")
    tab = page.get_by_role("link", name=text("page.security"))
    await someone.click(tab, until=re.compile("/settings/security$"))
    row = page.locator("tr", has_text="192.0.2.9")
    await row.get_by_role("button").click()
    await expect(page.get_by_role("status")).to_contain_text(text("security.session_ended"))
    assert await crm.parts.sessions.principal(other) is None
    for current in ("wrong", PASSWORD):
        await page.get_by_label(text("security.current"), exact=True).fill(current)
        await page.get_by_label(text("security.new_password"), exact=True).fill(NEW)
        await page.get_by_label(text("security.again"), exact=True).fill(NEW)
        await someone.button(text("security.change_password")).click()
        said = text(
            "violation.password_wrong" if current == "wrong" else "security.password_changed"
        )
        await expect(page.get_by_text(said)).to_be_visible()
        await someone.look()

    tab = page.get_by_role("link", name=text("page.tokens"))
    await someone.click(tab, until=re.compile("/settings/tokens$"))
    await page.get_by_label(text("tokens.name")).fill("Eksport")
    await page.get_by_label(text("tokens.read"), exact=True).check()
    await someone.button(text("tokens.create")).click()
    token = await page.locator("#new-token").inner_text()
    await someone.look()
    assert (await crm.parts.sessions.token_principal(token)).scopes == {"read"}
    await page.get_by_role("button", name=text("tokens.revoke_of", name="Eksport")).click()
    await expect(page.get_by_role("status")).to_contain_text(text("tokens.revoked"))
    await someone.look()
    assert await crm.parts.sessions.token_principal(token) is None
    assert someone.faults == []
