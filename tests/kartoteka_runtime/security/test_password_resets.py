"""A new password by mail, with a real mail server; and everything that must not work with it."""

from __future__ import annotations

import asyncio
import re
import socket
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

import pytest
from aiosmtpd.controller import Controller

from kartoteka.errors import RecordInvalid
from kartoteka_runtime.publishing.bootstrap import SYSTEM, add_user
from kartoteka_runtime.security.password_resets import ASKED

PASSWORD, NEW = "a long enough secret", "another long secret"
HOME = "https://crm.example.com"
STATES = "SELECT state FROM kartoteka_job WHERE job = 'kartoteka.password_reset'"


class Post:
    """A mail server that can be started and stopped, and what it took."""

    def __init__(self, port: int) -> None:
        self.port = port
        self.mails: list[tuple[str, EmailMessage]] = []
        self.refuses = ""
        self._controller: Controller | None = None

    async def handle_DATA(self, server, session, envelope) -> str:  # noqa: N802 - aiosmtpd's name
        if self.refuses:
            return self.refuses
        message = message_from_bytes(envelope.content, policy=default)
        assert isinstance(message, EmailMessage)
        self.mails += [(address, message) for address in envelope.rcpt_tos]
        return "250 OK"

    def start(self) -> None:
        self._controller = Controller(self, hostname="127.0.0.1", port=self.port)
        self._controller.start()

    def stop(self) -> None:
        if self._controller is not None:
            self._controller.stop()
            self._controller = None

    def link(self) -> str:
        """Return the link of the newest mail."""
        text = self.mails[-1][1].get_content()
        return str(re.findall(rf"{HOME}/reset-password\?token=(\S+)", text)[-1])


@pytest.fixture
def post(monkeypatch) -> Iterator[Post]:
    """Give a mail server that runs, and let apps that start now use it."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    for name, value in (
        ("PUBLIC_URL", f"{HOME}/"), ("SMTP_HOST", "127.0.0.1"), ("SMTP_PORT", str(port)),
        ("SMTP_TLS", "none"), ("SMTP_SENDER", "kartoteka@example.com"),
    ):  # fmt: skip
        monkeypatch.setenv(f"KARTOTEKA_{name}", value)
    server = Post(port)
    server.start()
    yield server
    server.stop()


@pytest.fixture
async def app(post, start_app):
    """Give an app whose user Maria has a password and a mail address."""
    app = await start_app(metadata={})
    app.maria = await add_user(
        app.parts.records,
        user_name="maria",
        first_name="Maria",
        last_name="Kowalska",
        roles=["salesperson"],
        email="maria@example.com",
    )
    await app.parts.sessions.set_password(app.maria, PASSWORD)
    return app


async def ask(app, asked: str) -> None:
    records = app.parts.records.acting_as(SYSTEM)
    await records.enqueue(ASKED, {"asked": asked}, key=asked)


async def stored(app, sql: str) -> list[tuple[Any, ...]]:
    async with app.parts.database.reading() as connection:
        return list(await connection.fetch_all(sql, {}))


async def change(app, sql: str) -> None:
    async with app.parts.database.writing() as connection:
        await connection.execute(sql, {})


async def test_the_link_of_a_mail_gives_a_new_password_once(app, post):
    sessions, resets = app.parts.sessions, app.parts.resets
    open_session = await sessions.start(app.maria)
    await ask(app, "MARIA@example.com")
    await app.run_jobs()
    ((address, mail),) = post.mails
    assert (address, mail["From"]) == ("maria@example.com", "kartoteka@example.com")
    assert mail["Subject"] == "Test: a new password"
    token = post.link()
    kept = await stored(app, "SELECT * FROM kartoteka_password_reset")
    jobs = await stored(app, "SELECT arguments FROM kartoteka_job")
    steps = await stored(app, "SELECT result FROM kartoteka_job_step")
    assert token not in f"{kept}{jobs}{steps}"

    assert (await resets.find(token)).user_name == "maria"
    with pytest.raises(RecordInvalid):  # a password that is refused leaves the way open
        await resets.use(token, "maria maria maria")
    assert await resets.use(token, NEW)
    assert not await resets.use(token, "a third long secret")
    assert await sessions.principal(open_session) is None
    assert await sessions.sign_in("maria", PASSWORD) is None
    assert await sessions.sign_in("maria", NEW)


async def test_of_two_who_use_a_link_at_once_one_is_late(app, post):
    await ask(app, "maria")
    await app.run_jobs()
    token, resets = post.link(), app.parts.resets
    words = ("first long secret", "second long secret", "third long secret")
    done = await asyncio.gather(*(resets.use(token, word) for word in words))
    assert sorted(done) == [False, False, True]


async def test_expired_tampered_and_foreign_links_lead_nowhere(app, post):
    sessions, resets = app.parts.sessions, app.parts.resets
    await ask(app, "maria")
    await app.run_jobs()
    token = post.link()
    for wrong in ("", "x", token[:-1], token + "A", token.swapcase(), "\x00", "\ud800"):
        assert await resets.find(wrong) is None
        assert not await resets.use(wrong, NEW)
    for other in (await sessions.start(app.maria), await sessions.create_token(app.maria, "t")):
        assert not await resets.use(other, NEW)
        assert await sessions.principal(token) is None
        assert await sessions.token_principal(token) is None
    await change(app, "UPDATE kartoteka_password_reset SET expires_on = '2001-01-01T00:00:00Z'")
    assert not await resets.use(token, NEW)
    assert await sessions.sign_in("maria", PASSWORD)


async def test_a_link_holds_for_the_password_that_it_was_made_for(app, post):
    resets = app.parts.resets
    await ask(app, "maria")
    await app.run_jobs()
    first = post.link()
    await ask(app, "maria")
    await app.run_jobs()
    second = post.link()
    await change(app, "UPDATE kartoteka_credential SET password_hash = password_hash || '='")
    assert await resets.find(first) is None
    await app.parts.sessions.set_password(app.maria, NEW)
    assert not await resets.use(second, "a third long secret")
    await ask(app, "maria")
    await app.run_jobs()
    await app.system_records.update("systemuser", app.maria, {"isdisabled": True})
    assert not await resets.use(post.link(), "a third long secret")


async def test_whom_nobody_knows_gets_no_mail_and_the_job_looks_the_same(app, post):
    service = await add_user(
        app.parts.records, user_name="robot", first_name="", last_name="Robot",
        roles=["salesperson"], email="robot@example.com",
    )  # fmt: skip
    assert service
    for asked in ("nobody", "robot@example.com", "maria@example.com.evil", "%", "' OR 1=1 --"):
        await ask(app, asked)
    await app.run_jobs()
    assert post.mails == []
    assert set(await stored(app, "SELECT state FROM kartoteka_job")) == {("done",)}
    await app.system_records.update("systemuser", app.maria, {"isdisabled": True})
    await ask(app, "maria")
    await app.run_jobs()
    assert post.mails == []


async def test_a_mail_server_that_is_down_delays_and_does_not_lose(app, post):
    post.stop()
    await ask(app, "maria")
    await app.run_jobs()
    assert post.mails == []
    later = datetime.now(UTC) + timedelta(seconds=20)
    await app.run_jobs(at=later)
    waiting = await stored(app, "SELECT job, state FROM kartoteka_job WHERE state <> 'done'")
    assert waiting == [("kartoteka.password_reset", "waiting")]
    post.start()
    await app.run_jobs(at=datetime.now(UTC) + timedelta(hours=1))
    assert len(post.mails) == 1
    assert await app.parts.resets.use(post.link(), NEW)  # its hour began with this mail


async def test_an_address_that_the_server_refuses_ends_the_job(app, post):
    post.refuses = "550 no such mailbox"
    await ask(app, "maria")
    await app.run_jobs()
    ended = await stored(app, STATES)
    assert ended == [("failed",)]
    post.refuses = "451 try again later"
    await app.parts.sessions.set_password(app.maria, NEW)
    await ask(app, "maria")
    await app.run_jobs()
    ended = await stored(app, STATES)
    assert sorted(ended) == [("failed",), ("waiting",)]
    assert post.mails == []


async def test_nobody_gets_more_than_five_mails_an_hour(app, post):
    for _ in range(8):
        await ask(app, "maria")
        await app.run_jobs()
    assert len(post.mails) == 5


async def test_mails_speak_the_language_of_their_reader(app, post):
    await app.parts.sessions.set_preferences(app.maria, language="pl")
    await ask(app, "maria")
    await app.run_jobs()
    assert post.mails[0][1]["Subject"] == "Test: nowe hasło"
