"""The CRM that these tests work in: every shipped plugin, published on each engine in turn."""

from __future__ import annotations

from pathlib import Path

import pytest


@pytest.fixture
async def crm(start_app):
    """Give a running app with the sales, service and marketing plugins."""
    return await start_app(plugins=["sales", "service", "marketing"])


@pytest.fixture
async def records(crm):
    """Give the record service as an administrator uses it."""
    return await crm.records_as()


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Run the tests of one plugin in one process: its app is published once there, then copied."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.xdist_group(item.path.relative_to(here).parts[0]))
