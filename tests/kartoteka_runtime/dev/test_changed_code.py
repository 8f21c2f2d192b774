"""Python code of plugins is taken up by starting again, if that would not fail."""

from __future__ import annotations

import asyncio
import sys
from collections import deque

import pytest

from kartoteka_runtime.dev.dev_session import DevSession

SECONDS = 30.0
CODE = """\
from kartoteka import Plugin


class FleetPlugin(Plugin):
    name = "fleet"


plugin = FleetPlugin()
"""
BUNDLE = """\
kind: bundle
format: 1
name: fleet
label: { en: Fleet }
prefix: fleet
"""


@pytest.fixture
def code(tmp_path, monkeypatch):
    """Give the module of an installed plugin that somebody is working on."""
    checkout = tmp_path / "checkout"
    files = {
        "acme_fleet/__init__.py": "",
        "acme_fleet/plugin.py": CODE,
        "acme_fleet/metadata/bundle.yaml": BUNDLE,
        "acme_fleet-1.0.dist-info/METADATA": (
            "Metadata-Version: 2.1\nName: acme-fleet\nVersion: 1.0\n"
        ),
        "acme_fleet-1.0.dist-info/entry_points.txt": (
            "[kartoteka.plugins]\nfleet = acme_fleet.plugin:plugin\n"
        ),
    }
    for path, text in files.items():
        file = checkout / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    monkeypatch.syspath_prepend(checkout)
    yield checkout / "acme_fleet" / "plugin.py"
    for name in ("acme_fleet", "acme_fleet.plugin"):
        sys.modules.pop(name, None)


@pytest.fixture
async def parts(start_app, code):
    """Give the parts of an app that uses the plugin."""
    app = await start_app(plugins=["fleet"])
    return app.parts


async def status_with(session, is_it):
    async with asyncio.timeout(SECONDS):
        async for status in session.follow():
            if is_it(status):
                return status
    raise AssertionError("nothing of the kind")


async def test_code_is_taken_up_by_starting_again(parts, code):
    answers = deque(["SyntaxError: invalid syntax", ""])
    is_restarting = asyncio.Event()

    async def restart():
        problem = answers.popleft()
        if not problem:
            is_restarting.set()
        return problem

    session = DevSession(parts, restart=restart)
    await session.start()
    try:
        await status_with(session, lambda status: status.step > 0)
        code.write_text(CODE + "\nnonsense(\n")
        status = await status_with(session, lambda status: status.restart_problem)
        assert "SyntaxError" in status.restart_problem and "plugin.py" in status.restart
        assert status.needs_attention
        code.write_text(CODE + "\n")
        async with asyncio.timeout(SECONDS):
            await is_restarting.wait()
    finally:
        await session.stop()


async def test_people_are_told_where_it_cannot_start_again_by_itself(parts, code):
    session = DevSession(parts)
    await session.start()
    try:
        await status_with(session, lambda status: status.step > 0)
        code.write_text(CODE + "\n")
        status = await status_with(session, lambda status: status.restart)
        assert "plugin.py" in status.restart and status.needs_attention
    finally:
        await session.stop()
