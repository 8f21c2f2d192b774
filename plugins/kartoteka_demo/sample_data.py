"""The order in which the sample data is written: each part needs those before it."""

from __future__ import annotations

from kartoteka import SampleDataContext
from kartoteka_demo.activities import write_activities, write_endings, write_notes
from kartoteka_demo.customers import write_accounts, write_contacts
from kartoteka_demo.draws import Draws
from kartoteka_demo.loading import Loading
from kartoteka_demo.marketing import write_lists
from kartoteka_demo.organization import (
    write_currencies,
    write_profile_members,
    write_units,
    write_users,
)
from kartoteka_demo.sales import write_leads, write_opportunities
from kartoteka_demo.service import write_cases


async def load(context: SampleDataContext) -> None:
    """Write the whole group: who works there, its customers, and what goes on with them."""
    loading = Loading(context, Draws(context.today))
    loading.begin("business units and users")
    await write_units(loading)
    await write_currencies(loading)
    await write_users(loading)
    await write_profile_members(loading)
    loading.begin("accounts")
    await write_accounts(loading)
    loading.begin("contacts")
    await write_contacts(loading)
    loading.begin("leads")
    await write_leads(loading)
    loading.begin("opportunities")
    await write_opportunities(loading)
    loading.begin("cases")
    await write_cases(loading)
    loading.begin("activities")
    await write_activities(loading)
    await write_notes(loading)
    await write_endings(loading)
    loading.begin("marketing lists")
    await write_lists(loading)
    loading.begin("done")
