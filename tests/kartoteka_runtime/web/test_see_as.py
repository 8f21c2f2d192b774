"""An administrator sees the app as somebody else: all that they see, nothing that they could do."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest

from kartoteka_runtime.identity import SeenAs
from kartoteka_runtime.security.tokens import digest_of

REASON = "She says that a dossier is missing"
DOSSIER = """\
kind: entity
format: 1
name: dossier
label: { en: Dossier }
plural_label: { en: Dossiers }
primary_field: name
features: [quick_create]
fields:
  - { name: name, type: text, label: { en: Name }, required: true }
"""
CLERK = """\
kind: role
format: 1
name: clerk
label: { en: Clerk }
privileges:
  - { entity: dossier, create: user, read: user, write: user, delete: user }
  - { entity: systemuser, read: organization }
"""


@pytest.fixture
async def app(start_app):
    return await start_app(
        metadata={"entities/dossier.yaml": DOSSIER, "security_roles/clerk.yaml": CLERK}
    )


def token_in(page):
    found = re.search(r'name="_token" value="([^"]+)"', page.text)
    assert found is not None
    return found[1]


async def post(client, address, **values):
    token = token_in(await client.get("/"))
    return await client.post(address, data={"_token": token, **values})


async def events(app):
    rows = await app.system_records.list("securityevent", order=("createdon",))
    return [(row["kind"], row) for row in rows]


async def begin(client, app, role="clerk", reason=REASON):
    other = await app.principal(role)
    return await post(
        client, "/see-as", **{"who": "x", "who.of": "x", "who.ref": f"systemuser:{other.user_id}"},
        reason=reason,
    )  # fmt: skip


async def told(app, kind):
    """Return the security events of a kind, as auditors read them."""
    options = app.registry.entities["securityevent"].field_by_name["kind"].options
    value = next(option.value for option in options if option.name == kind)
    return [row for number, row in await events(app) if number == value]


async def test_one_sees_what_the_other_sees_and_changes_nothing(app):
    clerk, boss = await app.records_as("clerk"), await app.principal()
    mine = await clerk.create("dossier", {"name": "Mine"})
    theirs = await (await app.records_as()).create("dossier", {"name": "Theirs"})
    async with app.client_as() as client:
        assert (await client.get(f"/e/dossier/{theirs}")).status_code == 200
        started = await begin(client, app)
        assert (started.status_code, started.headers["location"]) == (303, "/")
        home = await client.get("/")
        assert "Test Clerk" in home.text and "/see-as/end" in home.text
        listed = await client.get("/e/dossier")
        assert "Mine" in listed.text and "Theirs" not in listed.text
        assert (await client.get(f"/e/dossier/{theirs}")).status_code == 404
        page = await client.get(f"/e/dossier/{mine}")
        assert page.status_code == 200 and "/see-as/end" in page.text
        for address, values in (
            (f"/e/dossier/{mine}", {"name": "Changed", "_version": "1"}),
            (f"/e/dossier/{mine}/delete", {}),
            ("/e/dossier/new", {"name": "New"}),
            ("/settings", {"language": "pl"}),
            ("/settings/switch", {"language": "pl", "back": "/"}),
            ("/settings/tokens", {"name": "x", "scope": "all", "days": "7"}),
            ("/see-as", {}),
        ):
            refused = await post(client, address, **values)
            assert refused.status_code == 403, address
            assert "Nothing can be changed" in refused.text, address
        for address in ("/settings", "/settings/tokens", "/settings/security", "/see-as"):
            closed = await client.get(address)
            assert closed.status_code == 403 and "the user alone" in closed.text, address
        assert (await clerk.read("dossier", mine))["name"] == "Mine"
        assert await clerk.count("dossier") == 1
        ended = await post(client, "/see-as/end")
        assert ended.status_code == 303
        assert (await client.get(f"/e/dossier/{theirs}")).status_code == 200
        assert "/see-as/end" not in (await client.get("/")).text
    (begun,), (over,) = await told(app, "see_as_started"), await told(app, "see_as_ended")
    assert REASON in str(begun) and boss.user_id in str(begun)
    assert boss.user_id in str(over) and "ended" in str(over)


async def test_records_refuse_writes_of_who_only_looks(app):
    """Not the pages alone: whoever gets hold of such a principal writes nothing."""
    from kartoteka.errors import AccessDenied

    clerk = await app.principal("clerk")
    token = await app.session_token()
    seeing = app.parts.sessions.seeing
    await seeing.start(token, await app.parts.sessions.principal(token), clerk.user_id, "x")
    principal = await app.parts.sessions.principal(token)
    assert (principal.user_id, principal.roles) == (clerk.user_id, clerk.roles)
    records = app.parts.records.acting_as(principal)
    for attempt in (
        records.create("dossier", {"name": "x"}),
        records.as_system().create("dossier", {"name": "x"}),
        records.enqueue("x", {}),
    ):
        with pytest.raises(AccessDenied, match="only_looking"):
            await attempt


async def test_it_ends_by_itself(app):
    sessions, store = app.parts.sessions, app.parts.sessions._store
    clerk, boss = await app.principal("clerk"), await app.principal()
    token = await app.session_token()
    await sessions.seeing.start(token, boss, clerk.user_id, "because")
    past = datetime.now(UTC) - timedelta(seconds=1)
    await store.set_seen_as(digest_of(token), SeenAs(clerk.user_id, past))
    assert (await sessions.principal(token)).user_id == boss.user_id  # half an hour is over

    await sessions.seeing.start(token, boss, clerk.user_id, "because")
    assert (await sessions.principal(token)).user_id == clerk.user_id
    await app.system_records.update("systemuser", clerk.user_id, {"isdisabled": True})
    assert (await sessions.principal(token)).user_id == boss.user_id  # nobody to be seen as
    await app.system_records.update("systemuser", clerk.user_id, {"isdisabled": False})

    await sessions.seeing.start(token, boss, clerk.user_id, "because")
    await sessions.sign_out(token)
    assert await sessions.principal(token) is None
    assert len(await told(app, "see_as_ended")) == 3


async def test_only_administrators_begin_with_a_reason_and_with_somebody(app):
    async with app.client_as("clerk") as client:
        assert (await client.get("/see-as")).status_code == 403
        assert (await begin(client, app, "system_administrator")).status_code == 403
    async with app.client_as() as client:
        assert (await begin(client, app, reason=" ")).status_code == 422
        assert (await begin(client, app, "system_administrator")).status_code == 422  # oneself
        nobody = await post(client, "/see-as", who="nobody of that name", reason="x")
        assert nobody.status_code == 422 and "no such user" in nobody.text
        named = await post(client, "/see-as", who="Test Clerk", reason="x")
        assert named.status_code in (303, 422)
    assert len(await told(app, "see_as_started")) <= 1
