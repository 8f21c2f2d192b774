"""Every view and form of the sample app is shown with a bounded number of statements.

The sample data fills pages; a statement a record, a lookup or an expand would be far beyond the
bounds, which are those of the page and not of its records.
"""

from __future__ import annotations

import re
from datetime import date
from html import unescape

import pytest

from kartoteka_demo import plugin
from kartoteka_runtime.cli.sample_data import SampleDataLoading

MOST_OF_A_LIST = 3  # the page, its count, and the amounts' currencies
MOST_OF_A_RECORD = 6  # the record, its parties, and what the choices of its form offer
MOST_OF_A_PART = 4
PART = re.compile(r'"(/e/[a-z_]+/[0-9a-f-]{36}/part/[^"]+)"')


class _Loading(SampleDataLoading):
    async def give_password(self, user_id) -> None:
        """Leave out what only sign-in needs: a password takes long to hash."""


@pytest.fixture
async def crm(start_app):
    """Give the sample app with its sample data."""
    app = await start_app(plugins=["demo"])
    await plugin.sample_data().load(_Loading(app.parts, date(2031, 11, 20), lambda *told: None))
    return app


@pytest.mark.slow
async def test_every_view_and_form_takes_a_bounded_number_of_statements(crm):
    seen = {"list": 0, "record": 0, "part": 0}
    async with crm.client_as() as client:
        await client.get("/")  # from now on it is known what the reader may do

        async def show(kind: str, address: str, most: int) -> str:
            with crm.counted_statements() as statements:
                response = await client.get(address, follow_redirects=True)
            assert response.status_code == 200, address
            told = "\n".join(statements)
            assert len(statements) <= most, f"{address}: {len(statements)} statements\n{told}"
            seen[kind] += 1
            return str(response.text)

        for view in crm.registry.views.values():
            await show("list", f"/e/{view.entity}?view={view.name}", MOST_OF_A_LIST)
        parts: set[str] = set()
        for form in crm.registry.forms.values():
            if form.type != "main":
                continue
            entity = crm.registry.entities[form.entity]
            found = await crm.system_records.list(entity.name, fields=[entity.primary_id], limit=2)
            for record in found:
                address = f"/e/{entity.name}/{record[entity.primary_id]}?form={form.name}"
                parts |= set(
                    PART.findall(unescape(await show("record", address, MOST_OF_A_RECORD)))
                )
        for address in sorted(parts):
            await show("part", address, MOST_OF_A_PART)
    assert seen["list"] == len(crm.registry.views)
    assert seen["record"] > 30
    assert seen["part"] > 50
