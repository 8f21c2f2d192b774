"""Security events: a line and a record of each, whatever becomes of the request."""

from __future__ import annotations

import asyncio
import json
import logging
from typing import Any

import pytest

from kartoteka.errors import AccessDenied
from kartoteka.record_values import Reference
from kartoteka_runtime.cli.security_log import write_security_log
from kartoteka_runtime.records.access_audit import note_share
from kartoteka_runtime.security.events import KINDS, LOG_NAME, SecurityEvent, SecurityEvents


class BrokenStore:
    """Fails, or never comes to an end."""

    def __init__(self, *, hangs: bool = False) -> None:
        """Hang rather than fail."""
        self._hangs = hangs

    async def keep(self, event: SecurityEvent) -> None:
        """Do not keep anything."""
        if self._hangs:
            await asyncio.Event().wait()
        raise OSError("no space left on device")


@pytest.fixture(autouse=True)
def _listening(caplog):
    caplog.set_level(logging.INFO, logger=LOG_NAME)


def lines_of(caplog) -> list[dict[str, Any]]:
    return [json.loads(found.message) for found in caplog.records if found.name == LOG_NAME]


async def stored(app, kind):
    return await app.system_records.list(
        "securityevent", filter=f"kind eq '{kind}'", order=("createdon desc",)
    )


async def test_an_event_is_one_line_and_one_record(start_app, caplog):
    app = await start_app()
    principal = await app.principal()
    caplog.clear()
    await app.parts.security_events.record(
        "sign_in_failed", user_id=principal.user_id, user_name="ann", address="192.0.2.7",
        detail={"reason": "wrong password"},
    )  # fmt: skip
    (line,) = lines_of(caplog)
    assert line["event"] == "sign_in_failed" and line["address"] == "192.0.2.7"
    assert line["timestamp"].endswith("Z") and line["detail"] == {"reason": "wrong password"}
    (record,) = await stored(app, "sign_in_failed")
    assert record["username"] == "ann" and record["detail"] == "reason: wrong password"
    assert record["userid"].id == principal.user_id and record["address"] == "192.0.2.7"


async def test_the_entity_knows_exactly_the_kinds_that_there_are(start_app):
    app = await start_app()
    kind = app.registry.entities["securityevent"].field_by_name["kind"]
    assert tuple(option.name for option in kind.options) == KINDS


async def test_texts_of_attackers_stay_texts(start_app, caplog):
    """No forged second line, no hidden direction marks, nothing endless, no secret."""
    app = await start_app()
    secret = "kt_" + "A1b2" * 10
    await app.parts.security_events.record(
        "access_refused",
        user_name='bob\n{"event":"sign_in"}\x1b[2J\u202e' + "x" * 100_000,
        user_id="' OR 1=1 --",
        detail={"password": "hunter2", "client_secret": "s3", "seen": f"Bearer {secret} {secret}"},
    )
    (line,) = lines_of(caplog)
    assert "\n" not in caplog.messages[-1] and len(caplog.messages[-1]) < 2000
    assert not set(line["user_name"]) & set("\n\x1b\u202e") and len(line["user_name"]) <= 200
    (record,) = await stored(app, "access_refused")
    assert record["userid"] is None
    for told in (caplog.text, repr(record)):
        assert "hunter2" not in told and "s3" not in told and secret not in told


@pytest.mark.parametrize("hangs", [False, True])
async def test_a_store_that_fails_breaks_nothing(caplog, hangs, monkeypatch):
    monkeypatch.setattr("kartoteka_runtime.security.events._STORE_SECONDS", 0.01)
    await SecurityEvents(BrokenStore(hangs=hangs)).record("sign_in", user_name="ann")
    assert [line["event"] for line in lines_of(caplog)] == ["sign_in"]
    assert "in the log alone" in caplog.text


async def test_an_unknown_kind_is_a_mistake_of_ours(caplog):
    with pytest.raises(ValueError, match="no kind"):
        await SecurityEvents().record("sign_on")


async def test_an_app_without_the_entity_has_the_log(start_app, caplog, monkeypatch):
    app = await start_app()
    entities = dict(app.parts.records.model.entities)
    del entities["securityevent"]
    monkeypatch.setattr(app.parts.records.model, "entities", entities)
    await app.parts.security_events.record("sign_in", user_name="ann")
    assert lines_of(caplog) and not caplog.records[-1].levelno >= logging.WARNING


async def test_given_and_taken_roles_are_told_with_who_and_what(start_app, caplog):
    app = await start_app()
    admin = await app.principal()
    other = await app.principal("salesperson")
    role = (await app.system_records.list("role", filter="name eq 'Salesperson'"))[0]
    records = app.parts.records.acting_as(admin)
    caplog.clear()
    link = ("systemuserroles_association", other.user_id, str(role["roleid"]))
    await records.disassociate(*link)
    await records.associate(*link)
    told = lines_of(caplog)
    assert [line["detail"]["change"] for line in told] == ["removed", "added"]
    assert {line["user_id"] for line in told} == {admin.user_id}
    assert all("Salesperson" in line["detail"]["role"] for line in told)
    assert all(other.user_id in line["detail"]["systemuser"] for line in told)
    newest = await stored(app, "role_changed")
    assert {str(found["recordid"]) for found in newest[:2]} == {other.user_id}


async def test_what_is_rolled_back_is_not_told(start_app, caplog):
    app = await start_app()
    admin, other = await app.principal(), await app.principal("salesperson")
    role = (await app.system_records.list("role", filter="name eq 'Sales manager'"))[0]
    before = len(await stored(app, "role_changed"))
    with pytest.raises(RuntimeError):
        async with app.parts.records.acting_as(admin).transaction() as records:
            await records.associate(
                "systemuserroles_association", other.user_id, str(role["roleid"])
            )
            raise RuntimeError
    assert len(await stored(app, "role_changed")) == before


async def test_disabling_and_moving_a_user_are_told(start_app, caplog):
    app = await start_app()
    other = await app.principal("salesperson")
    records = await app.records_as()
    await records.update("systemuser", other.user_id, {"isdisabled": True})
    await records.update("systemuser", other.user_id, {"jobtitle": "Nothing to do with access"})
    (disabled,) = await stored(app, "user_disabled")
    assert disabled["recordid"] == other.user_id and "isdisabled" in disabled["detail"]


async def test_a_share_is_told(start_app, caplog):
    app = await start_app()
    records = await app.records_as()
    async with records.transaction() as inside:
        note_share(
            inside.open_operation, "account", "x", Reference("team", "t", "Blue"), "read", ""
        )
    (record,) = await stored(app, "share_changed")
    assert record["entityname"] == "account" and "team Blue" in record["detail"]


async def test_nobody_writes_or_deletes_events(start_app):
    app = await start_app()
    await app.parts.security_events.record("sign_in", user_name="ann")
    (event,) = await stored(app, "sign_in")
    records = await app.records_as()
    event_id = str(event["securityeventid"])
    assert (await records.read("securityevent", event_id))["username"] == "ann"
    with pytest.raises(AccessDenied):
        await records.create("securityevent", {"name": "made up"})
    with pytest.raises(AccessDenied):
        await records.update("securityevent", event_id, {"name": "nothing happened"})
    with pytest.raises(AccessDenied):
        await records.delete("securityevent", event_id)


async def test_a_deleted_user_leaves_the_events(start_app):
    app = await start_app()
    other = await app.principal("salesperson")
    await app.parts.security_events.record("sign_in", user_id=other.user_id, user_name="sally")
    await app.system_records.delete("systemuser", other.user_id)
    (event,) = await stored(app, "sign_in")
    assert event["userid"] is None and event["username"] == "sally"


async def test_a_server_writes_the_lines_to_standard_error(capsys, monkeypatch):
    log = logging.getLogger(LOG_NAME)
    monkeypatch.setattr(log, "handlers", [])
    monkeypatch.setattr(log, "propagate", True)
    write_security_log()
    write_security_log()  # once is enough
    await SecurityEvents().record("sign_out", user_name="ann")
    (line,) = capsys.readouterr().err.splitlines()
    assert json.loads(line)["event"] == "sign_out"
