"""Sessions, passwords and tokens: who gets in, who waits, and what the database keeps."""

from __future__ import annotations

import asyncio
import stat
from datetime import UTC, datetime, timedelta
from typing import Any

import argon2
import pytest

from kartoteka.errors import RecordInvalid
from kartoteka_runtime.known_ids import role_id
from kartoteka_runtime.security.access_cache import LEASE_SECONDS
from kartoteka_runtime.security.failure_limits import FailureLimits
from kartoteka_runtime.security.sessions import Sessions, TooManyFailures
from kartoteka_runtime.security.tokens import digest_of
from kartoteka_runtime.settings import Settings, SettingsError
from kartoteka_runtime.storage.column_types import encode_instant
from kartoteka_runtime.storage.identity_store import DatabaseIdentityStore
from kartoteka_runtime.storage.open_database import database_for
from kartoteka_runtime.testing.counting_database import CountingDatabase

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


async def test_what_is_known_of_a_token_ends_with_the_next_change_in_every_process(app):
    """On PostgreSQL what was read is known for a lease, which writers wait for."""
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
    token, kept = await here.tokens.create(user, "t")

    async def name(sessions: Sessions) -> str | None:
        principal = await sessions.token_principal(token)
        return None if principal is None else principal.name

    for sessions in (here, elsewhere):
        assert await name(sessions) == "Test Salesperson"
    await app.system_records.update("systemuser", user, {"lastname": "Renamed"})
    assert await name(here) == "Test Renamed"
    moment[0] += LEASE_SECONDS["postgresql"] + 0.01
    assert await name(elsewhere) == "Test Renamed"
    await app.system_records.update("systemuser", user, {"isdisabled": True})
    assert await name(here) is None
    moment[0] += LEASE_SECONDS["postgresql"] + 0.01
    assert await name(elsewhere) is None
    await app.system_records.update("systemuser", user, {"isdisabled": False})
    moment[0] += LEASE_SECONDS["postgresql"] + 0.01
    assert await name(elsewhere) == "Test Renamed"
    assert await here.tokens.revoke(kept.id)
    moment[0] += LEASE_SECONDS["postgresql"] + 0.01
    assert await name(here) is None
    assert await name(elsewhere) is None
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


async def test_a_name_that_nobody_has_takes_the_steps_of_a_wrong_password(app, sessions):
    """What is not done cannot be measured: the same statements run, and one verification."""
    database = app.parts.database
    counted = {}
    for name in ("salesperson", "nobody"):
        statements: list[str] = []
        watched = Sessions(
            DatabaseIdentityStore(CountingDatabase(database, statements)), dict, secret=b"1" * 32
        )
        assert await watched.sign_in(name, "wrong") is None
        counted[name] = statements
    assert counted["salesperson"] == counted["nobody"]
    assert len(counted["nobody"]) >= 2


async def test_many_names_from_one_address_make_it_wait_and_no_other(app, sessions):
    moment = [100.0]
    store = DatabaseIdentityStore(app.parts.database)
    limits = FailureLimits(free=3, most=10, clock=lambda: moment[0])
    patient = Sessions(store, dict, secret=b"1" * 32, limits=limits)

    async def attempt(name: str, address: str, password: str = "wrong") -> str | None:
        return await patient.proved_user(name, password, address=address)

    tries = [attempt(f"n{n}", f"2001:db8::{n:x}") for n in range(12)]
    answers = await asyncio.gather(*tries, return_exceptions=True)
    refused = [one for one in answers if isinstance(one, TooManyFailures)]
    assert len(refused) == 8  # one network; those that were under way count already
    with pytest.raises(TooManyFailures) as waiting:
        await attempt("salesperson", "2001:db8::1", PASSWORD)
    assert 0 < waiting.value.seconds <= 2
    assert await attempt("salesperson", "192.0.2.1", PASSWORD)
    moment[0] += 3
    assert await attempt("salesperson", "2001:db8::1", PASSWORD)
    assert await attempt("nobody", "2001:db8::1") is None
    with pytest.raises(TooManyFailures) as waiting:
        await attempt("nobody", "2001:db8::1")
    assert waiting.value.seconds > 2
    for n in range(30):
        limits.begin(f"198.51.100.{n}")
    assert len(limits) == 10


async def test_right_passwords_of_many_people_behind_one_address_never_make_it_wait(sessions):
    for _ in range(30):
        assert await sessions.proved_user("salesperson", PASSWORD, address="192.0.2.7")


async def test_a_hash_of_older_parameters_is_replaced_and_sessions_go_on(app, sessions):
    user = (await app.principal("salesperson")).user_id
    weak = argon2.PasswordHasher(time_cost=2, memory_cost=8, parallelism=1).hash(PASSWORD)
    async with app.parts.database.writing() as connection:
        change = "UPDATE kartoteka_credential SET password_hash = '" + weak + "'"
        await connection.execute(change, {})
    token = await sessions.start(user)
    assert await sessions.sign_in("salesperson", PASSWORD)
    ((kept,),) = await stored(app, "SELECT password_hash FROM kartoteka_credential")
    assert kept != weak
    assert await sessions.principal(token)
    assert await sessions.sign_in("salesperson", PASSWORD)
    assert await stored(app, "SELECT password_hash FROM kartoteka_credential") == [(kept,)]


async def test_ones_own_password_is_changed_by_who_knows_it_and_other_sessions_end(app, sessions):
    user = (await app.principal("salesperson")).user_id
    here, elsewhere = await sessions.start(user), await sessions.start(user)
    new = "another long secret"
    with pytest.raises(RecordInvalid) as refused:
        await sessions.change_password(user, "wrong", new, keep=here)
    assert [one.code for one in refused.value.violations] == ["violation.password_wrong"]
    with pytest.raises(RecordInvalid) as refused:
        await sessions.change_password(user, PASSWORD, "salesperson-1", keep=here)
    assert [one.code for one in refused.value.violations] == ["violation.password_personal"]
    await sessions.change_password(user, PASSWORD, new, keep=here)
    assert await sessions.principal(here)
    assert await sessions.principal(elsewhere) is None
    assert await sessions.sign_in("salesperson", PASSWORD) is None
    assert await sessions.sign_in("salesperson", new)


async def test_a_session_cannot_guess_the_password_of_its_user(app, sessions):
    user = (await app.principal("salesperson")).user_id
    here = await sessions.start(user)
    for n in range(6):
        with pytest.raises(RecordInvalid):
            await sessions.change_password(user, f"wrong {n}", "another long secret", keep=here)
    counted = f"SELECT failures, locked_until FROM kartoteka_credential WHERE user_id = '{user}'"
    ((failures, until),) = await stored(app, counted)
    assert failures >= 5
    assert until  # it may be over by now: the six take as long as they take
    later = datetime.now(UTC) + timedelta(minutes=1)
    await DatabaseIdentityStore(app.parts.database).add_failure(user, lambda failures: later)
    with pytest.raises(RecordInvalid):  # the right one has to wait like the others
        await sessions.change_password(user, PASSWORD, "another long secret", keep=here)


async def test_sessions_are_listed_with_where_they_came_from_and_end_one_by_one(app, sessions):
    user = (await app.principal("salesperson")).user_id
    other = (await app.principal("sales_manager")).user_id
    firefox = "Mozilla/5.0 (X11; Linux x86_64; rv:128.0) Gecko/20100101 Firefox/128.0"
    here = await sessions.sign_in("salesperson", PASSWORD, address="192.0.2.1", browser=firefox)
    there = await sessions.start(user, address="192.0.2.2", browser="curl/8.0\x00\ud800" * 99)
    foreign = await sessions.start(other)
    listed = {one.address: one for one in await sessions.of(user) if one.address}
    assert listed["192.0.2.1"].browser == "Firefox 128, Linux"
    assert listed["192.0.2.2"].browser.startswith("curl/8.0")
    assert here not in repr(listed)
    (of_other,) = [one for one in await sessions.of(other) if one.id == digest_of(foreign)[:16]]
    assert not await sessions.end(user, of_other.id)
    assert await sessions.principal(foreign)
    for damaged in ("", "\x00", "\ud800", "%", "x" * 999):
        assert not await sessions.end(user, damaged)
    assert await sessions.end(user, listed["192.0.2.2"].id)
    assert await sessions.principal(there) is None
    third = await sessions.start(user)
    assert await sessions.end_others(user, here) >= 1
    assert await sessions.principal(third) is None
    assert await sessions.principal(here)
    assert await sessions.principal(foreign)


async def test_a_session_ends_when_it_is_not_used_and_after_its_hours(app, sessions):
    user = (await app.principal("salesperson")).user_id
    token = await sessions.start(user)
    assert await sessions.principal(token)

    async def shift(column: str, moment: str) -> None:
        async with app.parts.database.writing() as connection:
            await connection.execute(f"UPDATE kartoteka_session SET {column} = '{moment}'", {})

    minutes = timedelta(minutes=119)
    await shift("used_on", encode_instant(datetime.now(UTC) - minutes))
    assert await sessions.principal(token)
    await shift("used_on", encode_instant(datetime.now(UTC) - timedelta(minutes=121)))
    assert await sessions.principal(token) is None
    assert list(await sessions.of(user)) == []
    token = await sessions.start(user)
    await shift("expires_on", "2001-01-01T00:00:00Z")
    assert await sessions.principal(token) is None


async def test_when_a_session_was_used_is_written_once_a_minute(app, sessions):
    user = (await app.principal("salesperson")).user_id
    token = await sessions.start(user)
    long_ago = encode_instant(datetime.now(UTC) - timedelta(minutes=5))
    async with app.parts.database.writing() as connection:
        await connection.execute(f"UPDATE kartoteka_session SET used_on = '{long_ago}'", {})
    await asyncio.gather(*(sessions.principal(token) for _ in range(10)))
    mine = f"SELECT used_on FROM kartoteka_session WHERE token_hash = '{digest_of(token)}'"
    assert await stored(app, mine) > [(long_ago,)]
    later = "2099-01-01T00:00:00Z"
    async with app.parts.database.writing() as connection:
        await connection.execute(f"UPDATE kartoteka_session SET used_on = '{later}'", {})
    assert await sessions.principal(token)
    assert await stored(app, mine) == [(later,)]


async def test_signing_in_never_takes_up_a_session_that_somebody_planted(app, sessions):
    user = (await app.principal("salesperson")).user_id
    planted = await sessions.start((await app.principal("sales_manager")).user_id)
    token = await sessions.start(user, previous=planted)
    assert token != planted
    assert await sessions.principal(planted) is None
    assert (await sessions.principal(token)).user_id == user


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
