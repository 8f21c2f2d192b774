"""Whether both systems answer the same: without that a comparison says nothing."""

from __future__ import annotations

import json
from contextlib import closing
from html.parser import HTMLParser

from benchmarks.http_client import HttpConnection, Response
from benchmarks.operations import Access, Operation
from benchmarks.servers import Server


class Disagreement(Exception):
    """The systems answered a request differently; the message says where."""


def check_agreement(operation: Operation, twin: Server, ours: Server, access: Access) -> None:
    """Return when both answers to an operation mean the same.

    Raises:
        Disagreement: They do not.
    """
    answers = []
    for server in (twin, ours):
        with closing(HttpConnection(server.port)) as connection:
            answer = connection.send(operation.build(access, 0).encoded())
        if answer.status != operation.status:
            text = answer.body[:2000].decode(errors="replace")
            raise Disagreement(f"{operation.name}: answered with {answer.status}: {text}")
        answers.append(answer)
    said_by_twin, said_by_us = (_meaning(answer) for answer in answers)
    if said_by_twin != said_by_us:
        raise Disagreement(f"{operation.name}: {_difference(said_by_twin, said_by_us)}")


def _meaning(answer: Response) -> object:
    """Return what is compared: JSON without its context, the fields of a form, or nothing."""
    kind = answer.headers.get("content-type", "")
    if kind.startswith("application/json"):
        value = json.loads(answer.body)
        value.pop("@odata.context", None)
        if "Ids" in value:  # of new records, which are no one else's
            value["Ids"] = len(set(value["Ids"]))
        return value
    if kind.startswith("text/html"):
        reader = _FormReader()
        reader.feed(answer.body.decode().partition("<main")[2])
        return reader.fields
    return None


def _difference(twin: object, ours: object) -> str:
    if isinstance(twin, dict) and isinstance(ours, dict):
        if "value" in twin and "value" in ours:
            pairs = zip(twin["value"], ours["value"], strict=False)
            different = next((pair for pair in pairs if pair[0] != pair[1]), None)
            if different is not None:
                return _difference(*different)
        missing, more = sorted(ours.keys() - twin.keys()), sorted(twin.keys() - ours.keys())
        other = [name for name in twin.keys() & ours.keys() if twin[name] != ours[name]]
        values = [f"{name}: {twin[name]!r} and {ours[name]!r}" for name in sorted(other)]
        return f"the twin lacks {missing}, has besides {more}, and differs in {values}"
    return f"{twin!r:.200} and {ours!r:.200}"


class _FormReader(HTMLParser):
    """Collects what a browser would show in the fields of a form: ``{name: value}``."""

    def __init__(self) -> None:
        super().__init__()
        self.fields: dict[str, str] = {}
        self._select = self._lines = ""  # the select or textarea that the parser is in

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        said = dict(attrs)
        name, value = said.get("name") or "", said.get("value") or ""
        if tag == "input" and said.get("type") == "checkbox":
            self.fields[f"{name} {value}"] = str("checked" in said)
        elif tag == "input" and said.get("type") != "hidden":
            self.fields[name] = value
        elif tag in ("select", "textarea"):
            self.fields[name] = ""
            self._select, self._lines = (name, "") if tag == "select" else ("", name)
        elif tag == "option" and "selected" in said:
            self.fields[self._select] = value

    def handle_endtag(self, tag: str) -> None:
        if tag == "textarea":
            self._lines = ""

    def handle_data(self, data: str) -> None:
        if self._lines:
            self.fields[self._lines] += data.strip()
