"""`kartoteka access` tells causes; `kartoteka check --access` runs the access tests of an app."""

from __future__ import annotations

import asyncio
import json

import pytest

from kartoteka.record_values import Reference
from kartoteka_runtime.app import build_parts
from kartoteka_runtime.publishing.bootstrap import SYSTEM, add_user
from kartoteka_runtime.publishing.publish import refresh
from kartoteka_runtime.settings import Settings
from kartoteka_runtime.testing.running_app import publish_folder

ROLE = """\
kind: role
format: 1
name: harbour_clerk
label: { en: Clerk }
privileges:
  - { entity: harbour_boat, create: user, read: business_unit, write: user }
"""
TEST = """\
kind: access_test
format: 1
name: harbour_boats
units:
  - { name: north }
users:
  - { name: ann, unit: north, roles: [harbour_clerk] }
  - { name: bob, unit: north, roles: [harbour_clerk] }
records:
  - { name: tub, entity: harbour_boat, owner: ann }
expect:
  - { user: ann, record: tub, may: [read, write] }
  - { user: bob, record: tub, may: [read], may_not: [write] }
  - { user: bob, entity: harbour_boat, sees: [tub], count: 1 }
"""


@pytest.fixture
def roles(boat_app):
    """Give the app with boats, a role for them and a test of it."""
    for name, text in (
        ("security_roles/harbour_clerk", ROLE),
        ("access_tests/harbour_boats", TEST),
    ):
        path = boat_app / "metadata" / f"{name}.yaml"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return boat_app


def test_expectations_that_do_not_hold_are_diagnostics_with_their_cause(roles, kartoteka):
    held = kartoteka("check", "--access")
    assert held.returncode == 0, held.stdout
    assert "expectations hold" in held.stderr
    path = roles / "metadata" / "access_tests" / "harbour_boats.yaml"
    path.write_text(
        TEST.replace("may: [read], may_not: [write]", "may: [write], may_not: [read]").replace(
            "count: 1", "count: 2"
        ),
        encoding="utf-8",
    )
    found = kartoteka("check", "--access")
    assert found.returncode == 1
    lines = found.stdout.splitlines()
    assert [line.split("  ")[0].rsplit(":", 2)[1] for line in lines] == ["13", "13", "14"]
    assert all("access_test/expected-otherwise" in line for line in lines)
    assert (
        '"bob" may not write "tub": Clerk gives it at the level “own records” only' in found.stdout
    )
    assert '"bob" may read "tub": Clerk gives it in north' in found.stdout
    assert "harbour_clerk.yaml:6" in found.stdout
    assert '1 records of "harbour_boat" (a list has 1), not 2' in found.stdout


def test_what_cannot_be_built_is_said_where_it_stands(roles, kartoteka):
    path = roles / "metadata" / "access_tests" / "harbour_boats.yaml"
    path.write_text(TEST.replace("owner: ann }", "owner: ann, values: { price: much } }"), "utf-8")
    found = kartoteka("check", "--access")
    assert found.returncode == 1
    assert "harbour_boats.yaml:10:13  access_test/cannot-build" in found.stdout


def test_renaming_follows_names_into_access_tests(roles, kartoteka):
    path = roles / "metadata" / "access_tests" / "harbour_boats.yaml"
    path.write_text(TEST.replace("owner: ann }", "owner: ann, values: { price: 5 } }"), "utf-8")
    for old, new in (("harbour_boat.price", "cost"), ("role:harbour_clerk", "harbour_mate")):
        renamed = kartoteka("rename", old, new)
        assert renamed.returncode == 0, renamed.stdout + renamed.stderr
    text = path.read_text("utf-8")
    assert "values: { cost: 5 }" in text and text.count("roles: [harbour_mate]") == 2


def test_access_tells_what_a_user_may_do_and_why(roles, kartoteka):
    async def work():
        settings = Settings.load(roles)
        await publish_folder(roles, settings.database_url)
        parts = build_parts(settings)
        await parts.database.open()
        try:
            await refresh(parts.database, parts.live_registry)
            user_id = await add_user(
                parts.records, user_name="ann", first_name="", last_name="Ann",
                roles=["harbour_clerk"],
            )  # fmt: skip
            owner = Reference("systemuser", user_id)
            system = parts.records.acting_as(SYSTEM)
            return await system.create("harbour_boat", {"name": "Tub", "ownerid": owner})
        finally:
            await parts.database.close()

    boat = asyncio.run(work())
    told = kartoteka("access", "ann", "harbour_boat", boat)
    assert told.returncode == 0, told.stderr
    assert "Clerk gives it in Harbour, where the record is." in told.stdout
    assert "security_roles/harbour_clerk.yaml:6" in told.stdout
    found = json.loads(kartoteka("access", "ann", "harbour_boat", boat, "--json").stdout)
    answers = {name: one["is_allowed"] for name, one in found["privileges"].items()}
    assert answers == {
        "create": True, "read": True, "write": True, "delete": False, "append": False,
        "append_to": False, "assign": False, "share": False,
    }  # fmt: skip
    assert [cause["kind"] for cause in found["privileges"]["read"]["causes"]] == ["role", "own"]
    levels = json.loads(kartoteka("access", "ann", "harbour_boat", "--json").stdout)["privileges"]
    assert [grant["level"] for grant in levels["read"]] == ["business_unit"]
    for wrong, status in (("harbour_boot", 2), ("harbour_boat", 1)):
        asked = kartoteka("access", "ann" if status == 2 else "anna", wrong)
        assert asked.returncode == status
        assert "harbour_boat" in asked.stderr or "no user" in asked.stderr
