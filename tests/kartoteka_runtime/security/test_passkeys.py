"""Passkeys, with a device made of a few lines that can lie in every way."""

from __future__ import annotations

import base64
import hashlib
import json
import random
import secrets
from collections.abc import Mapping
from typing import Any

import cbor2
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256

from kartoteka_runtime.security.passkeys import MOST_PASSKEYS, Site

SITE = Site("https://crm.example", "Test")
USED, VERIFIED, HAS_KEY = 0x01, 0x04, 0x40
BROWSER = "what the browser's forms carry"


class Device:
    """Keeps one key pair and signs whatever it is told to."""

    def __init__(self) -> None:
        self.id = secrets.token_bytes(16)
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.count = 0

    def make(self, options: Mapping[str, Any], *, verified: bool = True, **lies: str) -> str:
        """Return what a browser sends after registering."""
        public = self.key.public_key().public_numbers()
        cose = cbor2.dumps(
            {1: 2, 3: -7, -1: 1, -2: public.x.to_bytes(32, "big"), -3: public.y.to_bytes(32, "big")}
        )
        held = bytes(16) + len(self.id).to_bytes(2, "big") + self.id + cose
        flags = USED | HAS_KEY | (VERIFIED if verified else 0)
        data = self._data(flags, lies) + held
        made = cbor2.dumps({"fmt": "none", "attStmt": {}, "authData": data})
        said = self._said("webauthn.create", options, lies)
        return self._answer({"clientDataJSON": said, "attestationObject": made})

    def prove(self, options: Mapping[str, Any], *, verified: bool = True, **lies: str) -> str:
        """Return what a browser sends after proving."""
        self.count += 1
        data = self._data(USED | (VERIFIED if verified else 0), lies)
        said = self._said("webauthn.get", options, lies)
        signature = self.key.sign(data + hashlib.sha256(said).digest(), ec.ECDSA(SHA256()))
        parts = {"clientDataJSON": said, "authenticatorData": data, "signature": signature}
        return self._answer(parts)

    def _data(self, flags: int, lies: Mapping[str, str]) -> bytes:
        host = lies.get("host", "crm.example")
        return (
            hashlib.sha256(host.encode()).digest() + bytes([flags]) + self.count.to_bytes(4, "big")
        )

    def _said(self, kind: str, options: Mapping[str, Any], lies: Mapping[str, str]) -> bytes:
        said = {
            "type": lies.get("kind", kind),
            "challenge": lies.get("challenge", options["challenge"]),
            "origin": lies.get("origin", SITE.origin),
            "crossOrigin": False,
        }
        return json.dumps(said).encode()

    def _answer(self, parts: Mapping[str, bytes]) -> str:
        response = {name: _text(part) for name, part in parts.items()}
        return json.dumps(
            {
                "id": _text(self.id), "rawId": _text(self.id), "type": "public-key",
                "response": response, "clientExtensionResults": {},
            }
        )  # fmt: skip


def _text(raw: bytes) -> str:
    return base64.urlsafe_b64encode(raw).rstrip(b"=").decode()


LIES: tuple[dict[str, Any], ...] = (
    {"origin": "https://crm.example.evil"},
    {"origin": "http://crm.example"},
    {"host": "evil.example"},
    {"challenge": _text(b"another one")},
    {"kind": "payment.get"},
    {"verified": False},
)


@pytest.fixture
async def app(start_app):
    """Give an app of the base bundle."""
    return await start_app(metadata={})


@pytest.fixture
def passkeys(app):
    """Give the app's passkeys."""
    return app.parts.sign_in.passkeys


async def register(passkeys, device: Device, user_id: str, **lies: Any):
    asked = await passkeys.ask_new(SITE, BROWSER, user_id=user_id, user_name="Anna")
    return await passkeys.add(
        asked.token, BROWSER, user_id=user_id, answer=device.make(asked.options, **lies), name="Key"
    )


async def proved(passkeys, device: Device, *, user_id: str = "", **lies: Any) -> str | None:
    asked = await passkeys.ask(SITE, BROWSER, user_id=user_id)
    found: str | None = await passkeys.proved_user(
        asked.token, BROWSER, device.prove(asked.options, **lies)
    )
    return found


async def test_a_passkey_proves_its_user_as_often_as_it_is_asked_anew(app, passkeys):
    user_id = (await app.principal("salesperson")).user_id
    device = Device()
    made = await register(passkeys, device, user_id)
    assert (made.name, made.user_id, made.used_on) == ("Key", user_id, None)
    assert await proved(passkeys, device) == user_id
    assert await proved(passkeys, device, user_id=user_id) == user_id
    known = (await passkeys.of(user_id))[0]
    assert known.sign_count == 2
    assert known.used_on
    asked = await passkeys.ask_new(SITE, BROWSER, user_id=user_id, user_name="Anna")
    assert [one["id"] for one in asked.options["excludeCredentials"]] == [made.credential_id]


async def test_an_answer_counts_once_and_for_whom_it_was_asked(app, passkeys):
    anna = (await app.principal("salesperson")).user_id
    other = (await app.principal("sales_manager")).user_id
    device = Device()
    await register(passkeys, device, anna)
    asked = await passkeys.ask(SITE, BROWSER)
    answer = device.prove(asked.options)
    assert await passkeys.proved_user(asked.token, "another browser", answer) is None
    assert await passkeys.proved_user("another token", BROWSER, answer) is None
    assert await passkeys.proved_user(asked.token, BROWSER, answer) == anna
    assert await passkeys.proved_user(asked.token, BROWSER, answer) is None
    assert await proved(passkeys, device, user_id=other) is None
    assert not await passkeys.remove(other, (await passkeys.of(anna))[0].credential_id)
    assert not await passkeys.rename(other, (await passkeys.of(anna))[0].credential_id, "x")
    # What is known already belongs to whom it belongs, and a challenge to whom it was given.
    assert await register(passkeys, device, other) is None
    asked = await passkeys.ask_new(SITE, BROWSER, user_id=anna, user_name="Anna")
    answer = Device().make(asked.options)
    assert await passkeys.add(asked.token, BROWSER, user_id=other, answer=answer, name="x") is None
    assert await passkeys.remove(anna, (await passkeys.of(anna))[0].credential_id)
    assert await proved(passkeys, device) is None


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_no_lie_of_a_device_or_site_is_believed(app, passkeys):
    user_id = (await app.principal("salesperson")).user_id
    device, copy = Device(), Device()
    for lies in LIES:
        assert await register(passkeys, device, user_id, **lies) is None, lies
    await register(passkeys, device, user_id)
    for lies in LIES:
        assert await proved(passkeys, device, **lies) is None, lies
    copy.id = device.id  # the right name, another key
    copy.count = 50
    assert await proved(passkeys, copy) is None
    assert await proved(passkeys, device) == user_id
    device.count -= 2  # somebody has copied the device, and is behind it
    assert await proved(passkeys, device) is None
    asked = await passkeys.ask(SITE, BROWSER)
    for garbage in ("", "{}", "[]", "null", '{"id": 5}', "[" * 9000, "{" * 200_000):
        assert await passkeys.proved_user(asked.token, BROWSER, garbage) is None
        asked = await passkeys.ask(SITE, BROWSER)
        asked_new = await passkeys.ask_new(SITE, BROWSER, user_id=user_id, user_name="A")
        assert not await passkeys.add(
            asked_new.token, BROWSER, user_id=user_id, answer=garbage, name="x"
        )


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_nobody_has_more_passkeys_than_a_list_shows(app, passkeys):
    user_id = (await app.principal("salesperson")).user_id
    made = [await register(passkeys, Device(), user_id) for _ in range(MOST_PASSKEYS + 1)]
    assert made[-1] is None
    assert len(await passkeys.of(user_id)) == MOST_PASSKEYS


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_twisted_answers_prove_nothing_and_break_nothing(app, passkeys):
    user_id = (await app.principal("salesperson")).user_id
    device, chance = Device(), random.Random(5)
    await register(passkeys, device, user_id)
    for _ in range(150):
        asked = await passkeys.ask(SITE, BROWSER)
        twisted = _twisted(device.prove(asked.options), chance)
        assert await passkeys.proved_user(asked.token, BROWSER, twisted) is None, twisted
        asked = await passkeys.ask_new(SITE, BROWSER, user_id=user_id, user_name="A")
        twisted = _twisted(Device().make(asked.options), chance)
        made = await passkeys.add(
            asked.token, BROWSER, user_id=user_id, answer=twisted, name="x"
        )  # without attestation some bytes mean nothing
        if made is not None:
            await passkeys.remove(user_id, made.credential_id)


def _twisted(answer: str, chance: random.Random) -> str:
    """Return an answer with bytes changed, cut off or added, or with values of other kinds."""
    said = json.loads(answer)
    part = chance.choice(sorted(said["response"]))
    before = base64.urlsafe_b64decode(said["response"][part] + "==")
    raw = bytearray(before)
    while bytes(raw) == before or not raw:
        raw = bytearray(before)
        place = chance.randrange(len(raw))
        match chance.randrange(4):
            case 0 | 1:
                raw[place] = chance.randrange(256)
            case 2:
                del raw[place:]
            case 3:
                raw[place:place] = chance.randbytes(chance.randint(1, 20))
    said["response"][part] = chance.choice([*[_text(bytes(raw))] * 20, 5, None, [], {}, "é", "="])
    if chance.random() < 0.1:
        said[chance.choice(["id", "rawId", "type", "response"])] = chance.choice([5, None, [], "x"])
    return json.dumps(said)
