"""Batches as JSON: ``requests`` in, ``responses`` out.

Source: OData JSON Format 4.01, section 19.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Iterable, Sequence
from typing import Any

import orjson

from kartoteka_runtime.validation.value_checks import shorten
from kartoteka_runtime.web_api.batch_parts import (
    Batch,
    BatchPart,
    ChangeSet,
    Headers,
    bad_batch,
    checked,
    header_of,
    parts_of,
    read_headers,
    read_method,
)
from kartoteka_runtime.web_api.part_answer import PartAnswer

MEDIA_TYPE = "application/json"
ANSWER_TYPE = "application/json; odata.metadata=minimal"

_NAMES = frozenset({"id", "method", "url", "headers", "body", "atomicitygroup", "dependson", "if"})
_JSON = "application/json"
_NOT_TRIED = (
    b'{"error":{"code":"0x80040203","message":"Something that this request goes with has failed."}}'
)


def read_json_batch(body: bytes) -> Batch:
    """Return what a batch holds; the requests of a group stand side by side.

    Raises:
        CallRefused: It cannot be read; nothing of it may be carried out.
    """
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise bad_batch(f"it is no JSON: {str(error)[:120]}.") from None
    requests = data.get("requests") if isinstance(data, dict) else None
    if not isinstance(requests, list):
        raise bad_batch('a list of "requests" is needed.')
    items: list[BatchPart | ChangeSet] = []
    known: set[str] = set()
    for request in requests:
        part, group = _read(request, known)
        last = items[-1] if items else None
        if group and isinstance(last, ChangeSet) and last.name == group:
            items[-1] = ChangeSet((*last.parts, part), group)
        elif group:
            if group in known:
                raise bad_batch(f"the requests of the group {shorten(group)} stand apart.")
            items.append(ChangeSet((part,), group))
        else:
            items.append(part)
        if part.content_id in known or part.content_id == group:
            raise bad_batch(f"the id {shorten(part.content_id)} is there twice.")
        known.update((part.content_id, group) if group else (part.content_id,))
    return checked(items)


def write_json_batch(
    answers: Iterable[tuple[BatchPart | ChangeSet, Sequence[PartAnswer]]],
) -> bytes:
    """Return the body of an answer; of a group that failed, every request has one."""
    responses = []
    for item, told in answers:
        by_id = {answer.content_id: answer for answer in told}
        for part in parts_of(item):
            answer = by_id.get(part.content_id) or not_tried(part)
            written: dict[str, Any] = {"id": part.content_id}
            if isinstance(item, ChangeSet):
                written["atomicityGroup"] = item.name
            written["status"] = answer.status
            written["headers"] = {name.lower(): value for name, value in answer.headers}
            if answer.body:
                written["body"] = _body_of(answer)
            responses.append(written)
    return orjson.dumps({"responses": responses})


def not_tried(part: BatchPart) -> PartAnswer:
    """Return the answer to a request whose group, or what it depends on, has failed."""
    return PartAnswer(424, (("Content-Type", ANSWER_TYPE),), _NOT_TRIED, part.content_id)


def _body_of(answer: PartAnswer) -> object:
    kind = answer.header("Content-Type").lower()
    if kind.startswith(_JSON):
        return orjson.Fragment(answer.body)
    if kind.startswith("text/") or "xml" in kind:
        return answer.body.decode("utf-8", "replace")
    return base64.urlsafe_b64encode(answer.body).decode()


def _read(request: object, known: set[str]) -> tuple[BatchPart, str]:
    """Return a request and the group that it belongs to; ``known`` are the ids before it."""
    if not isinstance(request, dict):
        raise bad_batch("a request is an object.")
    said = {name.lower(): value for name, value in request.items()}
    if unknown := said.keys() - _NAMES:
        raise bad_batch(f"{shorten(min(unknown))} is no part of a request.")
    if "if" in said:
        raise bad_batch('"if" is not known here.')
    part_id = _text(said, "id", is_needed=True)
    depends_on = said.get("dependson", [])
    if not isinstance(depends_on, list) or not all(isinstance(one, str) for one in depends_on):
        raise bad_batch('"dependsOn" is a list of ids.')
    group = _text(said, "atomicitygroup")
    for one in depends_on:
        if one not in known:
            raise bad_batch(f"{part_id} depends on {shorten(one)}, which does not come before it.")
    headers = _headers(said.get("headers", {}))
    return BatchPart(
        read_method(_text(said, "method", is_needed=True)),
        _text(said, "url", is_needed=True).strip(),
        headers,
        _body(said.get("body"), headers),
        part_id,
        tuple(depends_on),
    ), group


def _text(said: dict[str, Any], name: str, *, is_needed: bool = False) -> str:
    value = said.get(name, "")
    if not isinstance(value, str) or (is_needed and not value.strip()):
        raise bad_batch(f'"{name}" of a request is a text.')
    if name == "id" and not value.isprintable():
        raise bad_batch('"id" holds control characters.')
    return value


def _headers(said: object) -> Headers:
    if not isinstance(said, dict) or not all(isinstance(one, str) for one in said.values()):
        raise bad_batch('"headers" is an object of texts.')
    return read_headers(f"{name}: {value}" for name, value in said.items())


def _body(value: object, headers: Headers) -> bytes:
    """Return a body as it would stand in a request of its own."""
    if value is None:
        return b""
    kind = header_of(headers, "content-type").lower()
    if not isinstance(value, str) or not kind or kind.startswith(_JSON):
        return orjson.dumps(value)
    if kind.startswith("text/") or "xml" in kind:
        return value.encode()
    try:
        return base64.urlsafe_b64decode(value + "=" * (-len(value) % 4))
    except (binascii.Error, ValueError):
        raise bad_batch("a body is no base64url.") from None
