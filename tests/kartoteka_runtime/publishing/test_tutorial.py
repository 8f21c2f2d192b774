"""The tutorial "Change a live app", done step by step."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from kartoteka_runtime.app import build_parts, plan_app, publish_app, rollback_app
from kartoteka_runtime.app_folder import load_app_folder
from kartoteka_runtime.publishing.bootstrap import add_user
from kartoteka_runtime.publishing.publish import PlanRefused
from kartoteka_runtime.settings import Settings
from kartoteka_runtime.testing.running_app import write_app

PAGE = Path(__file__).parents[3] / "docs" / "tutorials" / "change-a-live-app.md"
EXAMPLE = re.compile(r"^```yaml\n# metadata/([\w/.-]+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)


async def test_a_live_app_changes_as_the_tutorial_says(tmp_path, empty_database, monkeypatch):
    monkeypatch.setenv("KARTOTEKA_DATABASE_URL", empty_database)
    page = PAGE.read_text(encoding="utf-8")
    (path, first), (_, second) = EXAMPLE.findall(page)
    folder = write_app(tmp_path / "harbour", metadata={path: first}, languages=("en",))
    parts = build_parts(Settings.load(folder))
    await parts.database.open()

    def registry(text: str):
        (folder / "metadata" / path).write_text(text, encoding="utf-8")
        return load_app_folder(folder).registry()

    await publish_app(parts, registry(first))
    user = await add_user(
        parts.records, user_name="ann", first_name="Ann", last_name="B",
        roles=["system_administrator"],
    )  # fmt: skip
    principal = await parts.sessions.principal(await parts.sessions.start(user))
    assert principal is not None
    boats = {}
    for name, berth, remarks in (
        ("Albatros", "12", None), ("Neptun", "7", "needs paint"), ("Mewa", "guest pier", None),
    ):  # fmt: skip
        boats[name] = await parts.records.acting_as(principal).create(
            "harbour_boat", {"name": name, "berth": berth, "remarks": remarks}
        )

    async def read(name: str):
        return await parts.records.acting_as(principal).read("harbour_boat", boats[name])

    renamed = first.replace("name: remarks", "name: notes\n    renamed_from: remarks")
    result = await publish_app(parts, registry(renamed))
    assert all(change.words in page for change in result.changes)
    assert (await read("Neptun"))["notes"] == "needs paint"

    wanted = registry(second)
    plan = await plan_app(parts, wanted)
    assert [item.words for item in plan.changes] == [plan.changes[0].words]
    change = plan.changes[0]
    assert change.words in page and change.warning in page
    assert change.samples[0].reason in page
    with pytest.raises(PlanRefused, match="--consent harbour_boat.berth"):
        await publish_app(parts, wanted)
    await publish_app(parts, wanted, consents={"harbour_boat.berth"})
    assert [(await read(name))["berth"] for name in boats] == [12, 7, None]

    result = await rollback_app(parts)
    assert all(change.words in page for change in result.changes)
    assert [(await read(name))["berth"] for name in boats] == ["12", "7", "guest pier"]

    await publish_app(parts, registry(renamed.replace("name: berth", "name: other_berth")))
    assert "berth" not in await read("Mewa")
    await publish_app(parts, registry(renamed))
    assert (await read("Mewa"))["berth"] == "guest pier"
    await parts.database.close()
