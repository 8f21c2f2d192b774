"""Sessions, passwords and tokens: who gets in, who waits, and what the database keeps."""

from __future__ import annotations

import asyncio
import stat
from typing import Any

import pytest

from kartoteka_runtime.publishing.bootstrap import role_id
from kartoteka_runtime.security.sessions import Sessions
from kartoteka_runtime.settings import Settings, SettingsError
from kartoteka_runtime.storage.identity_store import DatabaseIdentityStore
from kartoteka_runtime.storage.open_database import database_for

PASSWORD = "a long enough secret"


@pytest.fixture
async def app(start_app):
    """Give an app of the base bundle."""
    return await start_app(metadata={})


@pytest.fixture
async def sessions(app) -> Sessions:
    """Give the sessions of an app whose salesperson has a password."""
    principal = await app.principal("salesperson")
    await app.parts.sessions.set_password(principal.user_id, PASSWORD)
    sessions: Sessions = app.parts.sessions
    return sessions


async def stored(app, sql: str) -> list[tuple[Any, ...]]:
    async with app.parts.database.reading() as connection:
        return list(await connection.fetch_all(sql, {}))


async def test_a_session_stands_for_its_user_until_it_ends(app, sessions):
    token = await sessions.sign_in(" SALESPERSON ", PASSWORD)
    principal = await sessions.principal(token)
    assert (principal.name, principal.roles) == ("Test Salesperson", {"salesperson"})
    assert token != await sessions.sign_in("salesperson", PASSWORD)
    kept = await stored(app, "SELECT token_hash FROM kartoteka_session")
    assert all(token not in str(row) for row in kept)
    assert await sessions.token_principal(token) is None
    await sessions.sign_out(token)
    assert await sessions.principal(token) is None


async def test_an_api_token_is_kept_as_a_hash_and_is_no_session(app, sessions):
    user = (await app.principal("salesperson")).user_id
    token = await sessions.create_token(user, "n" * 500)
    assert (await sessions.token_principal(token)).user_id == user
    assert await sessions.principal(token) is None
    kept = await stored(app, "SELECT token_hash, name FROM kartoteka_token")
    assert token not in str(kept)


async def test_a_disabled_user_and_a_new_password_end_what_was_open(app, sessions):
    user = (await app.principal("salesperson")).user_id
    token, program = await sessions.start(user), await sessions.create_token(user, "t")
    await sessions.set_password(user, PASSWORD + "!")
    assert await sessions.principal(token) is None
    assert await sessions.sign_in("salesperson", PASSWORD) is None
    token = await sessions.sign_in("salesperson", PASSWORD + "!")
    await app.system_records.update("systemuser", user, {"isdisabled": True})
    assert await sessions.principal(token) is None
    assert await sessions.token_principal(program) is None
    assert await sessions.sign_in("salesperson", PASSWORD + "!") is None


async def test_what_a_token_s_user_may_do_is_known_for_a_second_and_no_longer(app):
    """Changes of this process are seen at once, those of others when the second is over."""
    moment = [100.0]
    store, names = DatabaseIdentityStore(app.parts.database), {"r": "salesperson"}
    changes = app.parts.records.user_changes
    here, elsewhere = (
        Sessions(
            store, lambda: names, secret=b"1" * 32, user_changes=noted, clock=lambda: moment[0]
        )
        for noted in (changes, None)
    )  # fmt: skip
    user = (await app.principal("salesperson")).user_id
    token = await here.create_token(user, "t")

    async def name(sessions: Sessions) -> str | None:
        principal = await sessions.token_principal(token)
        return None if principal is None else principal.name

    for sessions in (here, elsewhere):
        assert await name(sessions) == "Test Salesperson"
    await app.system_records.update("systemuser", user, {"lastname": "Renamed"})
    assert await name(here) == "Test Renamed"
    assert await name(elsewhere) == "Test Salesperson"
    moment[0] += 1.01
    assert await name(elsewhere) == "Test Renamed"
    await app.system_records.update("systemuser", user, {"isdisabled": True})
    assert await here.token_principal(token) is None
    moment[0] += 1.01
    assert await elsewhere.token_principal(token) is None
    assert await here.token_principal("kt_unknown") is None


async def test_a_role_taken_away_is_gone_from_the_next_request_of_a_token(app):
    principal = await app.principal("salesperson")
    sessions = app.parts.sessions
    token = await sessions.create_token(principal.user_id, "t")
    assert (await sessions.token_principal(token)).roles == {"salesperson"}
    role = role_id(app.parts.live_registry.current, "salesperson")
    await app.system_records.disassociate("systemuserroles_association", principal.user_id, role)
    assert (await sessions.token_principal(token)).roles == frozenset()
    await sessions.set_preferences(principal.user_id, language="pl")
    assert (await sessions.token_principal(token)).language == "pl"


async def test_wrong_passwords_make_the_user_wait_also_when_they_come_at_once(app, sessions):
    answers = await asyncio.gather(*(sessions.sign_in("salesperson", f"x{n}") for n in range(12)))
    assert set(answers) == {None}
    ((failures, until),) = await stored(
        app,
        "SELECT failures, locked_until FROM kartoteka_credential WHERE locked_until IS NOT NULL",
    )
    assert failures >= 5
    assert until
    async with app.parts.database.writing() as connection:
        later = "UPDATE kartoteka_credential SET locked_until = '2999-01-01T00:00:00Z'"
        await connection.execute(later, {})
    assert await sessions.sign_in("salesperson", PASSWORD) is None
    assert await stored(app, "SELECT failures FROM kartoteka_credential") == [(failures,)]
    async with app.parts.database.writing() as connection:
        earlier = "UPDATE kartoteka_credential SET locked_until = '2001-01-01T00:00:00Z'"
        await connection.execute(earlier, {})
    assert await sessions.sign_in("salesperson", PASSWORD)
    kept = await stored(app, "SELECT failures, locked_until FROM kartoteka_credential")
    assert kept == [(0, None)]


async def test_damaged_names_passwords_and_tokens_are_just_wrong(app, sessions):
    for name, password in (
        ("", ""), ("nobody", PASSWORD), ("sales\x00", "x"), ("\ud800", "\ud800"),
        ("x" * 10_000, "y" * 100_000), ("' OR 1=1 --", "x"), ("salesperson", PASSWORD + "\x00"),
    ):  # fmt: skip
        assert await sessions.sign_in(name, password) is None
    for token in ("", "x", "\x00", "\ud800", "ÿ" * 9000):
        assert await sessions.principal(token) is None
        assert await sessions.token_principal(token) is None
        await sessions.sign_out(token)


def test_form_tokens_belong_to_one_session_and_one_secret():
    store = DatabaseIdentityStore(database_for("sqlite:///unopened.db"))
    one = Sessions(store, dict, secret=b"1" * 32)
    other = Sessions(store, dict, secret=b"2" * 32)
    tokens = {one.csrf_token("a"), one.csrf_token("b"), other.csrf_token("a")}
    assert len(tokens) == 3


def test_the_secret_is_private_made_once_and_never_half(tmp_path):
    first = Settings.load(tmp_path)
    assert Settings.load(tmp_path).secret == first.secret
    assert len(first.secret) == 32
    key = tmp_path / "data" / "secret.key"
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert stat.S_IMODE(key.parent.stat().st_mode) == 0o700
    assert [file.name for file in key.parent.iterdir()] == ["secret.key"]
    key.write_bytes(b"")
    with pytest.raises(SettingsError, match="secret.key is damaged"):
        Settings.load(tmp_path)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "data").write_text("a file where a folder should be")
    with pytest.raises(SettingsError, match="neither read nor made"):
        Settings.load(tmp_path / "other")
