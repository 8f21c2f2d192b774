"""The CRM that these tests work in: every shipped plugin, published on each engine in turn."""

from __future__ import annotations

import pytest


@pytest.fixture
async def crm(start_app):
    """Give a running app with the sales, service and marketing plugins."""
    return await start_app(plugins=["sales", "service", "marketing"])


@pytest.fixture
async def records(crm):
    """Give the record service as an administrator uses it."""
    return await crm.records_as()
