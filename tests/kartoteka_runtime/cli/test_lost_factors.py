"""`kartoteka user forget-factors|unlink`: what an operator does for who cannot come in."""

from __future__ import annotations

import asyncio
import sys

import pytest

from kartoteka_runtime.app import build_parts
from kartoteka_runtime.cli.main import main
from kartoteka_runtime.settings import Settings


@pytest.fixture
def run(tmp_path, monkeypatch, capsys):
    """Give a function that runs a command and returns what it prints."""
    monkeypatch.chdir(tmp_path)

    def run(*arguments: str) -> str:
        monkeypatch.setattr(sys, "argv", ["kartoteka", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        printed = capsys.readouterr()
        assert ended.value.code in (0, None), printed.err
        return str(printed.out)

    return run


def test_an_operator_helps_who_has_lost_factors_or_has_another_account(run, tmp_path):
    run("new", "app", "harbour", "--plugins", "")
    folder = tmp_path / "harbour"
    run("publish", str(folder))
    run("user", "add", "maria", str(folder), "--generate", "--role", "system_administrator")
    parts = build_parts(Settings.load(folder))

    async def prepare() -> str:
        await parts.database.open()
        user_id = await parts.sessions.user_id("maria")
        assert user_id is not None
        store = parts.sign_in.store
        await store.add_totp(user_id, secret="x", counter=1, code_hashes=["a"])
        await store.add_passkey("p", user_id=user_id, name="P", public_key="k", sign_count=0)
        await store.link("https://id.example", "m", user_id)
        await parts.database.close()
        return user_id

    user_id = asyncio.run(prepare())
    assert "Forgot 2 of maria." in run("user", "forget-factors", "maria", str(folder))
    assert "no second factor" in run("user", "forget-factors", "maria", str(folder))
    assert "Unlinked maria." in run("user", "unlink", "maria", str(folder))
    assert "linked to no account" in run("user", "unlink", "maria", str(folder))

    async def left() -> tuple[bool, str | None]:
        await parts.database.open()
        factors = await parts.sign_in.second_factors.of(user_id)
        linked = await parts.sign_in.store.linked_user("https://id.example", "m")
        await parts.database.close()
        return factors.has_any, linked

    assert asyncio.run(left()) == (False, None)
