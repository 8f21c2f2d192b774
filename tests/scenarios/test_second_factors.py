"""Passkeys and codes in a real browser, with an authenticator that the browser itself simulates."""

from __future__ import annotations

import re
from typing import Any
from urllib.parse import urlsplit

import pyotp
import pytest
from playwright.async_api import Page
from tests.kartoteka_runtime.web.openid_provider import SECRET, OpenIdProvider

from kartoteka_runtime.security.oidc import IdentityProvider
from kartoteka_runtime.security.sign_in_settings import ProviderSettings, Provisioning

pytestmark = pytest.mark.xdist_group("browser")

PASSWORD = "correct horse battery"
HOME, SETTINGS = re.compile(r":\d+/$"), "/settings/sign-in"


class Device:
    """A simulated device that keeps passkeys and knows its user's finger."""

    def __init__(self, session: Any, number: str) -> None:
        self._session = session
        self._number = number

    @classmethod
    async def at(cls, page: Page) -> Device:
        session = await page.context.new_cdp_session(page)
        await session.send("WebAuthn.enable")
        options = {
            "protocol": "ctap2",
            "transport": "internal",
            "hasResidentKey": True,
            "hasUserVerification": True,
            "isUserVerified": True,
            "automaticPresenceSimulation": True,
        }
        made = await session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
        return cls(session, made["authenticatorId"])

    async def knows_the_finger(self, does: bool) -> None:
        said = {"authenticatorId": self._number, "isUserVerified": does}
        await self._session.send("WebAuthn.setUserVerified", said)


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_a_passkey_from_its_first_day_to_its_last(person, crm):
    someone = await person()
    page = someone.page
    device = await Device.at(page)
    await page.goto("/sign-in")
    site = f"http://localhost:{urlsplit(page.url).port}"  # passkeys work at names, not at numbers
    words = someone.words.message

    async def type_password() -> None:
        await someone.go(f"{site}/sign-in")
        await page.get_by_label(words("sign_in.user_name")).fill(someone.user_name)
        await page.get_by_label(words("sign_in.password")).fill(PASSWORD)
        await someone.button(words("sign_in.submit")).click()

    async def sign_out() -> None:
        await page.evaluate("document.querySelector('form[action=\"/sign-out\"]').submit()")
        await page.wait_for_url(re.compile("/sign-in"))

    await type_password()
    await page.wait_for_url(HOME)
    await someone.go(site + SETTINGS)

    # Added, with recovery codes; named anew.
    form = page.locator(f"form[action='{SETTINGS}/passkeys']")
    await form.locator("[name=name]").fill("Laptop")
    await form.locator("[name=password]").fill(PASSWORD)
    await form.get_by_role("button").click()
    await page.locator(".k-codes").wait_for()
    await someone.look()
    assert await page.locator(".k-codes li").count() == 10
    await someone.click(page.get_by_role("link"), until=re.compile(SETTINGS))
    await page.locator("summary", has_text="Laptop").click()
    await page.locator("input[value=Laptop]").fill("Old laptop")
    renaming = page.locator(f"form[action='{SETTINGS}/passkeys/rename']")
    await renaming.get_by_role("button").click()
    await page.locator("summary", has_text="Old laptop").wait_for()
    await someone.look()

    # Alone it is enough; what the browser has sent is of no use a second time.
    sent: list[str] = []
    page.on("request", lambda request: sent.append(request.post_data or ""))
    await sign_out()
    await someone.look()
    use = someone.button(words("sign_in.use_passkey"))
    await use.click()
    await page.wait_for_url(HOME)
    await someone.look()
    await sign_out()
    token = await page.locator("[name=_token]").first.input_value()
    replayed = await page.evaluate(
        """async ([body, token]) => {
          const said = new URLSearchParams(body);
          said.set("_token", token);
          return (await fetch("/sign-in/passkey", { method: "POST", body: said })).status;
        }""",
        [next(body for body in reversed(sent) if "answer=" in body), token],
    )
    assert replayed == 422

    # After the password it is the second step.
    await type_password()
    await page.wait_for_url(re.compile("/sign-in/second-factor"))
    await someone.look()
    await use.click()
    await page.wait_for_url(HOME)

    # Codes beside it.
    await someone.go(f"{site}{SETTINGS}/codes")
    assert await page.locator(".k-qr svg").bounding_box() is not None
    key = (await page.locator(".k-key").inner_text()).replace(" ", "")
    await page.locator("#code").fill(pyotp.TOTP(key).now())
    await page.locator("[name=password]").fill(PASSWORD)
    await page.locator("main").get_by_role("button").click()
    await page.locator(".k-codes").wait_for()
    await someone.go(site + SETTINGS)

    # A device that does not know its user proves nothing.
    await device.knows_the_finger(False)
    await sign_out()
    await use.click()
    problem = page.get_by_text(words("factors.passkey_failed"))
    await problem.wait_for()
    await someone.look()
    await device.knows_the_finger(True)
    await use.click()
    await page.wait_for_url(HOME)

    # Removed, it opens nothing; the device does not know that.
    await someone.go(site + SETTINGS)
    await page.locator("summary", has_text="Old laptop").click()
    removal = page.locator(f"form[action='{SETTINGS}/passkeys/remove']")
    await removal.locator("[name=password]").fill(PASSWORD)
    await removal.get_by_role("button").click()
    await page.locator("summary", has_text="Old laptop").wait_for(state="detached")
    await sign_out()
    await use.click()
    await page.get_by_text(words("sign_in.passkey_failed")).wait_for()
    await someone.look()
    expected = re.compile("status of 422")
    assert [fault for fault in someone.faults if not expected.search(fault)] == []


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_the_ways_in_of_a_strict_organization_and_of_a_provider(person, crm):
    settings = ProviderSettings("office", "Head office", "http://127.0.0.1:9", "kartoteka")
    crm.parts.sign_in.providers["office"] = IdentityProvider(settings)
    crm.parts.sign_in.second_factors.requirement = "everyone"
    someone = await person()
    page = someone.page
    device = await Device.at(page)
    assert device
    await page.goto("/sign-in")
    site = f"http://localhost:{urlsplit(page.url).port}"
    words = someone.words.message

    # The provider is down: that is said, and the other ways stay.
    await someone.go(f"{site}/sign-in")
    await page.get_by_role("link", name="Head office").click()
    await page.get_by_text(words("sign_in.provider_unavailable")).wait_for()
    await someone.look()

    # Whoever has no second step sets one up before anything else.
    await page.get_by_label(words("sign_in.user_name")).fill(someone.user_name)
    await page.get_by_label(words("sign_in.password")).fill(PASSWORD)
    await someone.button(words("sign_in.submit")).click()
    await page.wait_for_url(re.compile("/sign-in/set-up"))
    await someone.look()
    await someone.button(words("factors.add_passkey")).click()
    await page.locator(".k-codes").wait_for()
    await someone.look()
    await someone.click(page.get_by_role("link"), until=HOME)
    expected = re.compile("status of 503")
    assert [fault for fault in someone.faults if not expected.search(fault)] == []


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_a_browser_goes_to_the_provider_and_comes_back(person, crm):
    someone = await person()
    page = someone.page
    await page.goto("/sign-in")
    site = f"http://localhost:{urlsplit(page.url).port}"
    provider = OpenIdProvider(back=f"{site}/sign-in/with/office/back")
    crm.parts.sign_in.providers["office"] = IdentityProvider(
        ProviderSettings(
            "office", "Head office", provider.issuer, "kartoteka", SECRET,
            provisioning=Provisioning(default_roles=("system_administrator",)),
        )
    )  # fmt: skip
    try:
        provider.start()
        await someone.go(f"{site}/settings?from=mail")
        await page.get_by_role("link", name="Head office").click()
        await page.locator("[name=login]").fill("hanna")
        await page.locator("[name=password]").fill("any")
        await page.get_by_role("button").first.click()
        await page.get_by_role("button", name="Continue").click()
        await page.wait_for_url(f"{site}/settings?from=mail")
        assert await page.locator("html").get_attribute("lang") == "pl"
        assert await page.get_by_text("Hanna Huber").is_visible()
        await page.evaluate("document.querySelector('form[action=\"/sign-out\"]').submit()")
        await page.wait_for_url(re.compile("signed_out=office"))
        await someone.look()
        await page.locator("a[href='/sign-in/with/office/sign-out']").click()
        await page.wait_for_url(re.compile(re.escape(provider.issuer)))
    finally:
        provider.end()
    assert someone.faults == []
