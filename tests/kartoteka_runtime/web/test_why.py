"""The "Why?" page tells what a user may do with a record, by which role, team, share or profile."""

from __future__ import annotations

import re

import pytest

from kartoteka.record_values import Reference

DOSSIER = """\
kind: entity
format: 1
name: dossier
label: { en: Dossier, pl: Akta }
plural_label: { en: Dossiers, pl: Akta }
primary_field: name
fields:
  - { name: name, type: text, label: { en: Name }, required: true }
  - { name: salary, type: text, label: { en: Salary }, secured: true }
"""
CLERK = """\
kind: role
format: 1
name: clerk
label: { en: Clerk }
privileges:
  - { entity: dossier, create: user, read: user, write: user }
"""
AUDITOR = """\
kind: role
format: 1
name: auditor
label: { en: Auditor }
privileges:
  - { entity: systemuser, read: organization }
miscellaneous: [audit]
"""
PAYROLL = """\
kind: column_profile
format: 1
name: payroll
label: { en: Payroll }
privileges:
  - entity: dossier
    columns:
      - { field: salary, read: true }
"""


@pytest.fixture
async def app(start_app):
    return await start_app(
        metadata={
            "entities/dossier.yaml": DOSSIER,
            "security_roles/clerk.yaml": CLERK,
            "security_roles/auditor.yaml": AUDITOR,
            "column_profiles/payroll.yaml": PAYROLL,
        }
    )


def answers(response):
    """Return ``{privilege: yes or no}`` of the page's table."""
    rows = re.findall(
        r'<th scope="row">([^<]+)</th>\s*<td><span class="k-chip [^"]*">(\w+)', response.text
    )
    return dict(rows)


async def test_administrators_read_the_causes_for_everybody(app):
    boss, clerk = await app.records_as(), await app.principal("clerk")
    theirs = await boss.create("dossier", {"name": "Secret"})
    async with app.client_as() as client:
        page = await client.get(f"/e/dossier/{theirs}")
        assert f'href="/e/dossier/{theirs}/why"' in page.text
        asked = await client.get(f"/e/dossier/{theirs}/why")
        assert asked.status_code == 200 and 'name="who"' in asked.text
        query = {"who": "", "who.ref": f"systemuser:{clerk.user_id}", "who.of": ""}
        told = await client.get(f"/e/dossier/{theirs}/why", params=query)
        assert answers(told)["Read"] == "No" and "own records" in told.text
        assert "security_roles/clerk.yaml:6" in told.text
        assert f'href="/e/systemuser/{clerk.user_id}"' in told.text
        assert f"/see-as?user={clerk.user_id}" in told.text
        await boss.share("dossier", theirs, Reference("systemuser", clerk.user_id), ("read",))
        named = await client.get(f"/e/dossier/{theirs}/why", params={"who": "Test Clerk"})
        assert answers(named) | {"Read": "Yes", "Write": "No"} == answers(named)
        assert "shared the record with Test Clerk" in named.text
        assert "Salary" in named.text and "No profile grants anything" in named.text
        unknown = await client.get(f"/e/dossier/{theirs}/why", params={"who": "Nobody Such"})
        assert unknown.status_code == 404 and "There is no such user." in unknown.text
        assert (await client.get(f"/e/dossier/{clerk.user_id}/why")).status_code == 404


async def test_auditors_ask_for_everybody_and_others_for_themselves(app):
    boss, clerk = await app.records_as(), await app.records_as("clerk")
    theirs = await boss.create("dossier", {"name": "Secret"})
    mine = await clerk.create("dossier", {"name": "Mine"})
    clerk_id = (await app.principal("clerk")).user_id
    query = {"who": "", "who.ref": f"systemuser:{clerk_id}", "who.of": ""}
    async with app.client_as("auditor") as client:
        told = await client.get(f"/e/dossier/{theirs}/why", params=query)
        assert told.status_code == 200 and answers(told)["Read"] == "No"
        assert "/see-as" not in told.text
    async with app.client_as("clerk") as client:
        assert f"/e/dossier/{mine}/why" not in (await client.get(f"/e/dossier/{mine}")).text
        own = await client.get(f"/e/dossier/{mine}/why")
        assert answers(own) | {"Read": "Yes", "Delete": "No"} == answers(own)
        assert 'name="who"' not in own.text
        assert (await client.get(f"/e/dossier/{theirs}/why")).status_code == 404
        boss_id = (await app.principal()).user_id
        other = {"who": "", "who.ref": f"systemuser:{boss_id}", "who.of": ""}
        assert (await client.get(f"/e/dossier/{mine}/why", params=other)).status_code == 403
