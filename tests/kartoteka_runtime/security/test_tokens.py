"""API tokens and secrets of services: scopes, ends, revoking, and what the database keeps."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

import pytest

from kartoteka.record_values import Reference
from kartoteka_runtime.known_ids import ROOT_UNIT, role_id
from kartoteka_runtime.publishing.bootstrap import add_user
from kartoteka_runtime.security.scopes import ScopeUnknown, lets_through, read_scopes
from kartoteka_runtime.security.tokens import LifetimeRefused, TokenRefused

PASSWORD = "a long enough secret"


@pytest.fixture
async def app(start_app):
    """Give an app of the base bundle."""
    return await start_app(metadata={})


async def run(app, sql: str, **params) -> None:
    async with app.parts.database.writing() as connection:
        await connection.execute(sql, params)


async def refusal(app, token: str) -> str:
    with pytest.raises(TokenRefused) as refused:
        await app.parts.sessions.tokens.principal(token)
    return refused.value.code


async def test_a_token_says_why_it_opens_nothing(app):
    user = (await app.principal("salesperson")).user_id
    tokens = app.parts.sessions.tokens
    token, kept = await tokens.create(user, "robot", scopes={"read"})
    principal = await tokens.principal(token)
    assert (principal.user_id, principal.scopes) == (user, {"read"})
    for damaged in (token[:-1], token + "x", token.upper(), token.replace("_", "-", 1), "", "kt_"):
        assert await refusal(app, damaged) == "token.unknown"

    await app.system_records.update("systemuser", user, {"isdisabled": True})
    assert await refusal(app, token) == "token.user_disabled"
    await app.system_records.update("systemuser", user, {"isdisabled": False})
    assert await tokens.principal(token)

    assert not await tokens.revoke(kept.id, user_id="somebody else")
    assert await tokens.revoke(kept.id, user_id=user)
    assert not await tokens.revoke(kept.id, user_id=user)
    assert await refusal(app, token) == "token.revoked"

    old, _ = await tokens.create(user, "old")
    assert await tokens.principal(old)
    await run(app, "UPDATE kartoteka_token SET expires_on = '2001-01-01T00:00:00Z'")
    await tokens.forget()
    assert await refusal(app, old) == "token.expired"


async def test_a_token_ends_after_a_year_at_most(app):
    user = (await app.principal("salesperson")).user_id
    tokens = app.parts.sessions.tokens
    _, kept = await tokens.create(user, "usual")
    assert timedelta(days=89) < kept.expires_on - datetime.now(UTC) <= timedelta(days=90)
    for days in (0, -1, 366):
        with pytest.raises(LifetimeRefused):
            await tokens.create(user, "t", lifetime=timedelta(days=days))
    eternal, _ = await tokens.create(user, "made before tokens ended")
    await run(app, "UPDATE kartoteka_token SET expires_on = NULL")
    await tokens.forget()
    assert await tokens.principal(eternal)
    await run(app, "UPDATE kartoteka_token SET created_on = '2001-01-01T00:00:00Z'")
    await tokens.forget()
    assert await refusal(app, eternal) == "token.expired"


async def test_lists_of_tokens_hold_nothing_that_opens_anything(app):
    user = (await app.principal("salesperson")).user_id
    tokens = app.parts.sessions.tokens
    token, kept = await tokens.create(user, "robot")
    other = (await app.principal("sales_manager")).user_id
    await tokens.create(other, "other")
    await tokens.principal(token)
    (listed,) = await tokens.of(user)
    assert (listed.id, listed.name) == (kept.id, "robot")
    assert listed.used_on is not None
    assert token not in repr(listed)
    assert len(await tokens.of("")) == 2
    assert await refusal(app, listed.id) == "token.unknown"


async def test_scopes_only_narrow(app):
    registry = app.registry
    some = read_scopes(["account:read contact:write", "contact:read"], registry)
    assert some == frozenset({"account:read", "contact:write", "contact:read"})
    assert lets_through(some, "account", "read")
    assert not lets_through(some, "account", "write")
    assert lets_through(some, "contact", "share")
    assert not lets_through(some, "task", "read")
    assert lets_through({"read"}, "task", "read")
    assert not lets_through({"read"}, "task", "create")
    assert lets_through(None, "task", "create")
    assert not lets_through(frozenset(), "task", "read")
    assert lets_through({"contact:create"}, "systemuser", "read")  # who owns the new record
    assert not lets_through({"contact:create"}, "systemuser", "write")
    assert not lets_through({"contact:read"}, "systemuser", "read")
    assert read_scopes([], registry) is None
    for wrong in ("delete", "account:burn", "acount:read", ":read", "account:", "*", "READ"):
        with pytest.raises(ScopeUnknown):
            read_scopes([wrong], registry)


async def test_a_scoped_token_does_less_than_its_user_over_the_api(app):
    principal = await app.principal("system_administrator")
    tokens = app.parts.sessions.tokens
    async with app.api_as("system_administrator") as api:
        for scope, get, create, foreign in (
            (None, 200, 204, 200),
            ("read", 200, 403, 200),
            ("account:read", 200, 403, 403),
            ("account:write", 200, 204, 403),
            ("contact:read", 403, 403, 200),
        ):
            scopes = None if scope is None else {scope}
            token, _ = await tokens.create(principal.user_id, "t", scopes=scopes)
            api.headers["Authorization"] = f"Bearer {token}"
            answers = (
                (await api.get("accounts")).status_code,
                (await api.post("accounts", json={"name": "A"})).status_code,
                (await api.get("contacts")).status_code,
            )
            assert (scope, *answers) == (scope, get, create, foreign)


async def test_roles_of_owner_teams_count_and_those_of_access_teams_do_not(app):
    records, published = app.system_records, app.parts.live_registry.current
    user = await _user(app)
    token, _ = await app.parts.sessions.tokens.create(user, "t")
    sessions = app.parts.sessions
    assert (await sessions.token_principal(token)).roles == frozenset()
    team = await _team(app, user, kind=0)
    await records.associate("teamroles_association", team, role_id(published, "sales_manager"))
    await records.associate("teammembership_association", user, team)
    assert (await sessions.token_principal(token)).roles == {"sales_manager"}
    session = await sessions.start(user)
    assert (await sessions.principal(session)).roles == {"sales_manager"}
    await run(app, "UPDATE team SET teamtype = 1")  # the record service refuses it
    await sessions.tokens.forget()
    assert (await sessions.principal(session)).roles == frozenset()
    assert (await sessions.token_principal(token)).roles == frozenset()


async def test_who_has_no_role_gets_403_over_the_api(app):
    user = await _user(app)
    token, _ = await app.parts.sessions.tokens.create(user, "t")
    async with app.api_as() as api:
        answer = await api.get("accounts", headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 403
    assert "no role" in answer.json()["error"]["message"]


async def test_the_api_says_why_a_token_is_refused(app):
    user = (await app.principal()).user_id
    tokens = app.parts.sessions.tokens
    token, kept = await tokens.create(user, "t")
    await tokens.revoke(kept.id)
    async with app.api_as() as api:
        for sent, said, challenge in (
            (f"Bearer {token}", "revoked", 'Bearer error="invalid_token"'),
            ("Bearer kt_made-up", "not known", 'Bearer error="invalid_token"'),
            ("Basic YTpi", "needed", "Bearer"),
        ):
            answer = await api.get("accounts", headers={"Authorization": sent})
            assert answer.status_code == 401
            assert said in answer.json()["error"]["message"]
            assert answer.headers["www-authenticate"] == challenge


async def test_a_service_proves_itself_by_its_secret_until_that_is_revoked(app):
    user = (await app.principal("salesperson")).user_id
    services, tokens = app.parts.services, app.parts.sessions.tokens
    client = "0190a000-0000-7000-8000-000000000001"
    secret, kept = await services.add_secret(user, client, "robot")
    second, _ = await services.add_secret(user, client, "robot")
    proved = await services.prove(client.upper(), secret)
    assert proved is not None
    assert proved.may_enter
    for wrong in (("", secret), (client, ""), (client, secret + "x"), ("other", secret)):
        assert await services.prove(*wrong) is None
    access = await services.give_access(proved, frozenset({"read"}))
    assert (await tokens.principal(access)).scopes == {"read"}
    assert list(await tokens.of(user)) == []  # users do not manage what lives an hour

    assert await services.revoke(user, secret_id=kept.id) == 1
    assert await services.prove(client, secret) is None
    assert await refusal(app, access) == "token.revoked"
    assert await services.prove(client, second) is not None
    await app.system_records.update("systemuser", user, {"isdisabled": True})
    assert await services.prove(client, second) is None


async def test_many_requests_with_one_new_token_at_once_all_get_in(app):
    user = (await app.principal("salesperson")).user_id
    tokens = app.parts.sessions.tokens
    token, _ = await tokens.create(user, "t")
    found = await asyncio.gather(*(tokens.principal(token) for _ in range(20)))
    assert {principal.user_id for principal in found} == {user}


async def _user(app) -> str:
    return await add_user(
        app.parts.records, user_name="member", first_name="", last_name="Member", roles=()
    )


async def _team(app, user: str, *, kind: int) -> str:
    created: str = await app.system_records.create(
        "team",
        {
            "name": "Team",
            "teamtype": kind,
            "businessunitid": Reference("businessunit", ROOT_UNIT),
            "administratorid": Reference("systemuser", user),
        },
    )
    return created
