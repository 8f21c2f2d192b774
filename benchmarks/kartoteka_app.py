"""The app under measurement: made, published and filled through Kartoteka's own command line."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlencode

from benchmarks import data
from benchmarks.http_client import HttpConnection, Request
from benchmarks.operations import API, Access
from benchmarks.servers import Server

_USER, _PASSWORD = "benchmark", "a-password-for-measuring"
_MANY = "100000000"  # limits are looked at, and never reached
_COMMAND = Path(sys.executable).with_name("kartoteka")


@dataclass(frozen=True, slots=True)
class PreparedApp:
    """An app with its data in place; ``url`` is the address of its database."""

    folder: Path
    url: str
    token: str
    user_id: str

    @property
    def environment(self) -> Mapping[str, str]:
        """Return what its processes need to know."""
        return {
            "KARTOTEKA_DATABASE_URL": self.url,
            "KARTOTEKA_REQUESTS_PER_USER": _MANY,
            "KARTOTEKA_REQUESTS_PER_ADDRESS": _MANY,
        }

    def serve(self) -> Server:
        """Start Kartoteka in a process of its own."""
        command = [str(_COMMAND), "serve", str(self.folder), "--port", "{port}"]
        return Server("Kartoteka", command, self.environment, self.folder / "kartoteka.log")


def prepare(folder: Path, url: str, accounts: int, contacts: int) -> PreparedApp:
    """Return an app with that much data; one that a former run prepared is used again."""
    facts = folder / "prepared.json"
    if facts.is_file():
        known = json.loads(facts.read_text())
        if known["size"] == [accounts, contacts]:
            return PreparedApp(folder, url, known["token"], known["user_id"])
        raise SystemExit(f"{folder} was prepared with another size; remove it first")
    run_command(url, "new", "app", str(folder), "--plugins", "")
    publish(folder, url)
    token = run_command(url, "token", "create", str(folder), "--user", _USER).strip()
    app = PreparedApp(folder, url, token, "")
    user_id = _fill(app, accounts, contacts)
    facts.write_text(json.dumps({"size": [accounts, contacts], "token": token, "user_id": user_id}))
    return PreparedApp(folder, url, token, user_id)


def publish(folder: Path, url: str) -> None:
    """Publish an app for the first time and add the user that ``sign_in`` signs in."""
    run_command(url, "publish", str(folder))
    run_command(
        url, "user", "add", _USER, str(folder), "--role", "system_administrator",
        "--password-stdin", typed=_PASSWORD,
    )  # fmt: skip


def sign_in(port: int) -> str:
    """Return the token of a new browser session."""
    connection = HttpConnection(port)
    page = connection.send(Request("GET", "/sign-in", {}).encoded())
    found = re.search(r'name="_token"\s+value="([^"]+)"', page.body.decode())
    assert found is not None, "the sign-in page has no form token"
    body = urlencode({"_token": found[1], "user_name": _USER, "password": _PASSWORD}).encode()
    headers = {
        "Cookie": page.headers["set-cookie"].partition(";")[0],
        "Content-Type": "application/x-www-form-urlencoded",
    }
    answer = connection.send(Request("POST", "/sign-in", headers, body).encoded())
    connection.close()
    session = re.search(r"kartoteka_session=([^;]+)", answer.headers.get("set-cookie", ""))
    assert session is not None, f"signing in was answered with {answer.status}"
    return session[1]


def _fill(app: PreparedApp, accounts: int, contacts: int) -> str:
    """Let Kartoteka make the pattern of each table, copy it, and return the user's id."""
    server = app.serve()
    connection = HttpConnection(server.port)
    try:
        account = _created(connection, app, "accounts", {"name": "Pattern"})
        contact = _created(connection, app, "contacts", {"firstname": "A", "lastname": "Pattern"})
        path = f"{API}({contact})"
        record = json.loads(_sent(connection, app, Request("GET", path, {})))
    finally:
        connection.close()
        server.stop()
    data.fill(data.store_for(app.url), account, contact, accounts, contacts)
    return str(record["_ownerid_value"])


def _created(
    connection: HttpConnection, app: PreparedApp, set_name: str, values: Mapping[str, str]
) -> str:
    path, body = f"/api/data/v9.2/{set_name}", json.dumps(values).encode()
    headers = {"Authorization": f"Bearer {app.token}", "Content-Type": "application/json"}
    answer = connection.send(Request("POST", path, headers, body).encoded())
    assert answer.status == 204, answer.body.decode()
    return answer.headers["odata-entityid"].rpartition("(")[2].rstrip(")")


def _sent(connection: HttpConnection, app: PreparedApp, request: Request) -> bytes:
    headers = {**request.headers, "Authorization": f"Bearer {app.token}"}
    answer = connection.send(Request(request.method, request.path, headers).encoded())
    assert answer.status == 200, answer.body.decode()
    return answer.body


def run_command(url: str, *arguments: str, typed: str = "") -> str:
    """Run the ``kartoteka`` command and return what it printed."""
    done = subprocess.run(
        [str(_COMMAND), *arguments],
        env={**os.environ, "KARTOTEKA_DATABASE_URL": url},
        input=typed,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        raise SystemExit(f"kartoteka {' '.join(arguments)}:\n{done.stdout}{done.stderr}")
    return done.stdout


def access(app: PreparedApp, port: int) -> Access:
    """Return what requests to the app prove who sends them with."""
    return Access(app.token, sign_in(port))
