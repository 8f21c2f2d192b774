"""A secured column in a browser: a lock, a part of a value, and the whole of it on request."""

from __future__ import annotations

import pytest
from playwright.async_api import expect

from kartoteka_runtime.known_ids import profile_id

GUEST = """\
kind: entity
format: 1
name: guest
label: { en: Guest }
plural_label: { en: Guests }
primary_field: name
ownership: organization
fields:
  - { name: name, type: text, label: { en: Name }, required: true }
  - { name: debt, type: money, label: { en: Debt }, secured: true }
  - { name: passport, type: text, label: { en: Passport }, secured: true,
      mask: { pattern: ".(?=.{3})" } }
"""
ROLE = """\
kind: role
format: 1
name: receptionist
label: { en: Receptionist }
privileges:
  - { entity: guest, create: organization, read: organization, write: organization }
"""
PROFILE = """\
kind: column_profile
format: 1
name: desk
label: { en: Desk }
privileges:
  - entity: guest
    columns: [{ field: passport, read: true, update: true, read_unmasked: one_record }]
"""
HOTEL = {
    "entities/guest.yaml": GUEST, "security_roles/receptionist.yaml": ROLE,
    "column_profiles/desk.yaml": PROFILE,
}  # fmt: skip

# tests/kartoteka_runtime/security holds what is kept back on both engines.
pytestmark = pytest.mark.parametrize("engine", ["sqlite"], indirect=True)


@pytest.fixture
async def crm(start_app):
    """Give a hotel instead of a whole CRM."""
    return await start_app(metadata=HOTEL, languages=("en", "pl"))


async def test_what_is_secured_shows_a_lock_or_a_part_and_is_changed_once_it_is_shown(person, crm):
    guest = await crm.system_records.create(
        "guest", {"name": "Ana", "debt": 120, "passport": "ZS0001234"}
    )
    someone = await person("receptionist")
    user = await crm.principal("receptionist")
    published = crm.parts.live_registry.current
    await crm.system_records.associate(
        "systemuserprofiles_association", user.user_id, profile_id(published, "desk")
    )
    await someone.sign_in("en")
    page = someone.page
    await someone.go("/e/guest")
    await expect(page.locator("tbody")).to_contain_text("********")
    await expect(page.locator("tbody")).to_contain_text("******234")

    await someone.go(f"/e/guest/{guest}")
    await expect(page.locator("#f-passport")).to_have_count(0)
    await expect(page.locator("#f-debt")).to_have_count(0)
    await page.get_by_role("link", name="Show: Passport").click()
    await expect(page.locator("#f-passport")).to_have_value("ZS0001234")
    await someone.look()
    await someone.input("passport").fill("ZS0005678")
    await someone.save()
    await expect(page.locator("main")).to_contain_text("******678")
    assert (await crm.system_records.read("guest", guest))["passport"] == "ZS0005678"
    assert not someone.faults
