"""A customizer renames a type, gives it a field and a column, and publishes, all in the browser."""

from __future__ import annotations

import re

import pytest


@pytest.mark.parametrize(
    ("engine", "language"),
    [("sqlite", "en"), pytest.param("postgresql", "pl", marks=pytest.mark.slow)],
)
async def test_a_type_is_changed_and_published_without_leaving_the_browser(
    engine, crm, person, language
):
    await (await crm.records_as()).create("account", {"name": "Baltic Yachts"})
    anna = await person()
    await anna.sign_in(language)
    words = anna.words
    await anna.page.locator(".k-nav__person").click()
    await anna.page.get_by_role("link", name=words.message("customize.title")).click()
    await anna.page.wait_for_url(re.compile("/customize$"))
    await anna.look()

    await anna.page.locator("#search").press_sequentially("account")
    await anna.page.locator("a[href='/customize/account']").click()
    await anna.page.wait_for_url(re.compile("/customize/account$"))
    await anna.look()
    await anna.page.locator(f"[id='c-plural_label.{language}']").fill("Companies of ours")
    await anna.button(words.message("customize.save")).click()
    await anna.page.get_by_text(words.message("customize.saved"), exact=True).wait_for()
    await anna.look()

    await anna.go("/customize/account/fields")
    await anna.page.get_by_text(words.message("customize.new_field"), exact=True).click()
    await anna.page.locator("[id='n-label.en']").fill("Membership")
    await anna.page.locator("[id='n-label.pl']").fill("Członkostwo")
    await anna.page.locator("#n-type").select_option("choice")
    await anna.look()
    await anna.press("customize.add_field", until=re.compile("/customize/account/fields$"))
    await anna.page.get_by_text(words.message("customize.needs_options")).first.wait_for()
    await anna.page.locator("#n-options").fill("Silver\nGold")
    await anna.press("customize.add_field", until=re.compile("/fields/membership$"))

    await anna.go("/customize/account/views")
    view = next(view for view in crm.registry.views_of["account"] if view.is_default).name
    await anna.page.locator(f"a[href='/customize/account/views/{view}']").click()
    await anna.page.locator("#add-1").select_option("membership")
    await anna.look()
    await anna.button(words.message("customize.add_column")).click()
    await anna.page.locator("button[value='remove:membership']").wait_for()

    await anna.page.get_by_role("link", name=words.message("customize.see_plan")).click()
    await anna.page.wait_for_url(re.compile("/customize/plan$"))
    await anna.look()
    await anna.page.get_by_text(re.compile("account.membership")).first.wait_for()
    await anna.button(words.message("customize.publish")).click()
    await anna.page.get_by_text(
        re.compile(words.message("customize.published", number="[0-9]+"))
    ).first.wait_for()
    await anna.look()

    await anna.go(f"/e/account?view={view}")
    await anna.page.get_by_role("link", name="Companies of ours").first.wait_for()
    label = "Membership" if language == "en" else "Członkostwo"
    await anna.page.get_by_role("columnheader", name=label).wait_for()
    assert anna.faults == []


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)  # looks alone
async def test_what_a_phone_shows_in_the_dark_passes_too(crm, person):
    anna = await person()
    await anna.page.set_viewport_size({"width": 390, "height": 800})
    await anna.page.emulate_media(color_scheme="dark")
    await anna.sign_in("en")
    for address in ("/customize", "/customize/account", "/customize/account/fields/name",
                    "/customize/account/access", "/customize/plan"):  # fmt: skip
        await anna.go(address)
        width = await anna.page.evaluate("document.documentElement.scrollWidth")
        assert width <= 390, address
    assert anna.faults == []
