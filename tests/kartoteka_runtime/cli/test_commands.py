"""The `kartoteka` command as a person meets it: what it prints, and how it ends."""

from __future__ import annotations

import contextlib
import io
import json
import os
import re
import signal
import socket
import stat
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest

from kartoteka_runtime.cli.main import main

COMMAND = (sys.executable, "-m", "kartoteka_runtime.cli")


@dataclass(frozen=True)
class Ended:
    """What a command printed, and its exit status."""

    returncode: int
    stdout: str
    stderr: str


def run(*arguments, cwd, stdin="", **environment):
    """Return how a command ended."""
    out, err, status = io.StringIO(), io.StringIO(), 0
    with (
        pytest.MonkeyPatch.context() as patch,
        contextlib.redirect_stdout(out),
        contextlib.redirect_stderr(err),
    ):
        patch.chdir(cwd)
        patch.setattr(sys, "argv", ["kartoteka", *map(str, arguments)])
        patch.setattr(sys, "stdin", io.StringIO(stdin))
        for name, value in {"COLUMNS": "200", **environment}.items():
            patch.setenv(name, value)
        try:
            main()
        except SystemExit as ended:
            status = ended.code if isinstance(ended.code, int) else 0
    return Ended(status, out.getvalue(), err.getvalue())


@pytest.fixture
def app(tmp_path):
    """An app without plugins, just made."""
    made = run("new", "app", "harbour", "--plugins", "", cwd=tmp_path)
    assert made.returncode == 0, made.stderr
    return tmp_path / "harbour"


@pytest.fixture(scope="module")
def published_app(tmp_path_factory):
    """An app that was published once; tests only add users to it."""
    folder = tmp_path_factory.mktemp("published") / "harbour"
    run("new", "app", folder, "--plugins", "", cwd=folder.parent)
    published = run("publish", folder, cwd=folder.parent)
    assert published.returncode == 0, published.stderr
    return folder


def test_an_app_is_made_checked_and_published(app):
    entity = run("new", "entity", "boat", cwd=app)
    assert entity.returncode == 0
    assert "metadata/entities/harbour_boat.yaml" in entity.stdout

    checked = run("check", cwd=app)
    assert checked.returncode == 0
    assert "No problems" in checked.stderr

    first = run("publish", cwd=app)
    assert first.returncode == 0
    assert "Publication 1 is live" in first.stdout

    again = run("publish", cwd=app)
    assert "Nothing to do: publication 1 is live" in again.stdout

    file = app / "metadata/entities/harbour_boat.yaml"
    berth = "  - name: berth\n    type: text\n    label: { en: Berth }\n"
    file.write_text(file.read_text() + berth)
    changed = run("publish", cwd=app)
    assert "new field harbour_boat.berth" in changed.stdout
    assert "Publication 2 is live" in changed.stdout


def test_check_tells_every_mistake_with_its_place(app):
    entities = app / "metadata" / "entities"
    (entities / "harbour_boat.yaml").write_text(
        "kind: entity\nformat: 1\nname: harbour_boat\nlabel: { en: Boat }\n"
        "plural_label: { en: Boats }\nprimary_field: name\nfields:\n"
        "  - { name: name, type: txt, label: { en: Name } }\n"
        "  - { name: payer, type: lookup, target: acount, label: { en: Payer } }\n"
    )
    checked = run("check", cwd=app)
    assert checked.returncode == 1
    lines = checked.stdout.splitlines()
    assert len(lines) == 2
    for line in lines:
        assert re.match(r"metadata/entities/harbour_boat\.yaml:\d+:\d+  [a-z]+/[a-z-]+  .", line)
    assert 'did you mean "text"?' in lines[0]
    assert 'did you mean "account"?' in lines[1]
    assert "2 problems in 1 file" in checked.stderr
    assert run("publish", cwd=app).returncode == 1


def test_check_lists_what_is_not_translated(app):
    run("new", "entity", "boat", cwd=app)
    checked = run("check", "--labels", cwd=app)
    assert checked.returncode == 0
    assert re.search(
        r"^metadata/entities/harbour_boat\.yaml:\d+:\d+  pl  entity/harbour_boat/label$",
        checked.stdout,
        re.MULTILINE,
    )


def test_registry_is_printed_as_json(app):
    run("new", "entity", "boat", cwd=app)
    registry = json.loads(run("registry", "--json", cwd=app).stdout)
    boat = registry["entities"]["harbour_boat"]
    assert boat["label"] == {"en": "Boat"}
    name = next(field for field in boat["fields"] if field["name"] == "name")
    assert (name["type"], name["required"], name["max_length"]) == ("text", "always", 100)


@pytest.mark.parametrize("command", ["check", "publish", "registry", "serve"])
def test_a_folder_that_is_no_app_is_wrong_use(command, tmp_path):
    refused = run(command, cwd=tmp_path)
    assert refused.returncode == 2
    assert "it holds no kartoteka.yaml" in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize("name", ["Boat", "über", "a b", "x" * 60])
def test_a_name_that_cannot_be_is_wrong_use(name, app):
    refused = run("new", "entity", name, cwd=app)
    assert refused.returncode == 2
    assert "is no name" in refused.stderr


def test_nothing_that_exists_is_overwritten(app):
    run("new", "entity", "boat", cwd=app)
    assert run("new", "entity", "boat", cwd=app).returncode == 1
    assert run("new", "app", "harbour", cwd=app.parent).returncode == 1
    (app.parent / "acme-fleet").mkdir()
    assert run("new", "plugin", "acme_fleet", cwd=app.parent).returncode == 1


def test_a_mistake_in_the_apps_file_is_told_plainly(app):
    (app / "kartoteka.yaml").write_text("name: harbour\nplugins: [sails]\n")
    refused = run("check", cwd=app)
    assert refused.returncode == 1
    assert 'plugin "sails" is not installed' in refused.stderr
    assert "Traceback" not in refused.stderr


@pytest.mark.parametrize(
    ("url", "said"),
    [
        ("mysql://localhost/x", "postgresql://… are known"),
        ("postgresql://nobody@127.0.0.1:1/x", "PostgreSQL cannot be reached"),
        ("sqlite:////proc/none/x.db", "cannot be opened"),
    ],
)
def test_a_database_that_cannot_be_reached_is_told_plainly(url, said, app):
    refused = run("publish", cwd=app, KARTOTEKA_DATABASE_URL=url)
    assert refused.returncode == 1
    assert said in refused.stderr
    assert "Traceback" not in refused.stderr


def test_users_get_passwords_and_programs_get_tokens(published_app):
    added = run("user", "add", "maria", published_app, "--generate", cwd=published_app)
    assert added.returncode == 0, added.stderr
    assert re.search(r"password is ([a-z2-9]{4}-){3}[a-z2-9]{4}$", added.stdout.strip())

    twice = run("user", "add", "Maria", published_app, "--generate", cwd=published_app)
    assert twice.returncode == 1

    changed = run(
        "user", "password", "maria", "--password-stdin", cwd=published_app, stdin="a new password\n"
    )
    assert changed.returncode == 0, changed.stderr

    token = run("token", "create", "--user", "maria", cwd=published_app)
    assert re.fullmatch(r"kt_[\w-]{40,}\n", token.stdout)


def test_tokens_are_listed_without_what_opens_anything_and_revoked(published_app):
    run("user", "add", "maria", published_app, "--generate", cwd=published_app)
    make = ("token", "create", "--user", "maria", "--name", "nightly", "--scope", "account:read")
    token = run(*make, "--scope", "contact:read", "--expires", "30", cwd=published_app).stdout
    listed = run("token", "list", "--json", cwd=published_app)
    (known,) = [one for one in json.loads(listed.stdout) if one["name"] == "nightly"]
    assert token.strip() not in listed.stdout
    assert (known["user"], known["name"], known["state"]) == ("maria", "nightly", "in force")
    assert known["scopes"] == ["account:read", "contact:read"]
    assert "nightly" in run("token", "list", "--user", "maria", cwd=published_app).stdout
    assert run("token", "revoke", known["id"], cwd=published_app).returncode == 0
    again = run("token", "revoke", known["id"], cwd=published_app)
    assert (again.returncode, "is in force" in again.stderr) == (1, True)
    states = {
        one["id"]: one["state"]
        for one in json.loads(run("token", "list", "--json", cwd=published_app).stdout)
    }
    assert states[known["id"]] == "revoked"


def test_services_get_an_id_and_a_secret_once(published_app):
    role = ("--role", "system_customizer")
    made = run("service", "add", "robot", *role, cwd=published_app)
    assert made.returncode == 0, made.stderr
    printed = dict(line.split("=") for line in made.stdout.split())
    assert set(printed) == {"client_id", "client_secret"}
    further = run("service", "secret", "robot", "--expires", "7", cwd=published_app)
    assert printed["client_id"] in further.stdout
    listed = run("service", "list", "--json", cwd=published_app)
    assert printed["client_secret"] not in listed.stdout
    known = json.loads(listed.stdout)
    assert [one["service"] for one in known] == ["robot", "robot"]
    one = run("service", "revoke", "robot", "--secret", known[0]["secret"], cwd=published_app)
    assert one.stdout == "Revoked 1 secret.\n"
    assert run("service", "revoke", "robot", cwd=published_app).stdout == "Revoked 1 secret.\n"
    assert run("service", "revoke", "robot", cwd=published_app).returncode == 1
    assert run("service", "add", "robot", *role, cwd=published_app).returncode == 1


@pytest.mark.parametrize(
    ("arguments", "status", "said"),
    [
        (["user", "add", "eva"], 2, "no terminal to ask for a password"),
        (["user", "add", "eva", "--password-stdin"], 2, "at least 10 characters"),
        (["service", "add", "robot"], 2, "name one by --role"),
        (["service", "secret", "nobody"], 1, 'no user "nobody"'),
        (["token", "create", "--user", "x", "--scope", "acount:read"], 2, "account"),
        (["token", "create", "--user", "x", "--expires", "400"], 2, "365"),
        (["token", "revoke", "x"], 1, 'no token "x"'),
        (["user", "add", "eva", "--generate", "--role", "pilot"], 2, 'no role "pilot"'),
        (["user", "password", "nobody", "--generate"], 1, 'no user "nobody"'),
        (["token", "create", "--user", "nobody"], 1, 'no user "nobody"'),
    ],
)
def test_wrong_use_of_users_is_told_plainly(arguments, status, said, published_app):
    refused = run(*arguments, cwd=published_app, stdin="short\n")
    assert refused.returncode == status
    assert said in refused.stderr
    assert "Traceback" not in refused.stderr


def test_an_app_that_was_never_published_is_not_served(app):
    refused = run("serve", cwd=app)
    assert refused.returncode == 1
    assert "kartoteka publish" in refused.stderr


def test_a_taken_port_is_told_plainly(published_app):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        refused = run("serve", "--port", taken.getsockname()[1], cwd=published_app)
    assert refused.returncode == 1
    assert "address already in use" in refused.stderr


@pytest.mark.parametrize("workers", [1, 2])
def test_serving_answers_until_it_is_stopped(workers, published_app):
    server = subprocess.Popen(
        [*COMMAND, "serve", "--port", "0", "--workers", str(workers)],
        cwd=published_app,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
        stdout=subprocess.PIPE,
        text=True,
    )
    assert server.stdout is not None
    try:
        announced = server.stdout.readline()
        address = re.search(r"http://\S+", announced)
        assert address, announced
        assert status_of(address.group() + "/sign-in") == 200
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(timeout=30)
        server.stdout.close()
    assert server.returncode == 0


def status_of(address):
    """Return what a server answers, once it does."""
    until = time.monotonic() + 30
    while True:
        try:
            return httpx.get(address, timeout=30).status_code
        except httpx.ConnectError:
            if time.monotonic() > until:
                raise


def test_a_folder_with_something_in_it_never_becomes_a_demo(tmp_path):
    (tmp_path / "thesis.txt").write_text("five years of work")
    refused = run("demo", "--data", tmp_path, cwd=tmp_path)
    assert refused.returncode == 1
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.txt"]


def test_the_sign_in_sheet_is_for_its_owner_only(tmp_path):
    from kartoteka_runtime.cli.sign_in_sheet import SheetEntry, read_sheet, write_sheet

    sheet = tmp_path / "sign-in.txt"
    write_sheet(sheet, [SheetEntry("admin", "abcd-efgh", "Demo Administrator", ("Everything",))])
    assert stat.S_IMODE(Path(sheet).stat().st_mode) == 0o600
    assert "admin  abcd-efgh  Demo Administrator  Everything" in read_sheet(sheet)


def test_the_commands_list_themselves(tmp_path):
    shown = run("--help", cwd=tmp_path)
    assert shown.returncode == 0
    for command in ("new", "check", "registry", "publish", "serve", "user", "token", "demo"):
        assert command in shown.stdout
    assert run("--nonsense", cwd=tmp_path).returncode == 2


def test_a_publish_is_planned_carried_out_as_shown_and_taken_back(app):
    run("new", "entity", "boat", cwd=app)
    assert run("publish", cwd=app).returncode == 0
    file = app / "metadata" / "entities" / "harbour_boat.yaml"
    before = file.read_text()
    file.write_text(before + "  - { name: berth, type: text, label: { en: Berth } }\n")

    planned = run("plan", cwd=app)
    assert "new field harbour_boat.berth" in planned.stdout
    (app / "plan.json").write_text(run("plan", "--json", cwd=app).stdout)
    done = run("publish", "--plan", "plan.json", cwd=app)
    assert "Publication 2 is live" in done.stdout
    again = run("publish", "--plan", "plan.json", cwd=app)
    assert again.returncode == 1 and "changed since this plan was shown" in again.stderr

    back = run("rollback", "--yes", cwd=app)
    assert "it is publication 1 again" in back.stdout
    assert "back to publication 1" in run("history", cwd=app).stdout
    assert "field harbour_boat.berth: 0 values" in run("purge", cwd=app).stdout
    assert run("purge", "harbour_boat.berth", "--yes", cwd=app).returncode == 0
    assert "Nothing is retired" in run("purge", cwd=app).stdout
    unknown = run("purge", "harbour_boat.bert", "--yes", cwd=app)
    assert unknown.returncode == 1 and "Traceback" not in unknown.stderr
