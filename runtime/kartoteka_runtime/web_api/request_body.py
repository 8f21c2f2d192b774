"""The body of a request: read whole, never longer than a limit, and taken for a JSON object."""

from __future__ import annotations

import json
from typing import Any

import orjson
from starlette.requests import Request

from kartoteka.errors import RecordInvalid, Violation
from kartoteka_runtime.validation.value_checks import shorten
from kartoteka_runtime.web_api.accepted import require_json
from kartoteka_runtime.web_api.api_call import MOST_BODY_BYTES, ApiCall
from kartoteka_runtime.web_api.api_errors import CallRefused
from kartoteka_runtime.web_api.problem import BodyTooLarge

BAD_PAYLOAD = "0x80048d19"


async def read_object(call: ApiCall, entity: str = "") -> dict[str, Any]:
    """Return the JSON object that the body of a call holds.

    Raises:
        BodyTooLarge: The body is too long.
        RecordInvalid: It holds no JSON object.
        CallRefused: An object in it holds a property twice, or its type is another.
    """
    require_json(call.request)
    return parse_object(await read_bytes(call.request, entity), entity)


async def read_bytes(request: Request, entity: str = "", *, most: int = MOST_BODY_BYTES) -> bytes:
    """Return the body, which is never held when it is longer than ``most`` bytes.

    Raises:
        BodyTooLarge: It is.
    """
    chunks = bytearray()
    said = request.headers.get("content-length", "")
    if said.isdecimal() and int(said[:18]) > most:
        raise BodyTooLarge(entity, _too_large(most))
    async for chunk in request.stream():
        chunks += chunk
        if len(chunks) > most:
            raise BodyTooLarge(entity, _too_large(most))
    return bytes(chunks)


def parse_object(body: bytes, entity: str = "") -> dict[str, Any]:
    """Return the JSON object that a text holds.

    Raises:
        RecordInvalid: It holds none.
        CallRefused: An object in it holds a property twice, of which only one could be heeded.
    """
    try:
        data = orjson.loads(body)
    except orjson.JSONDecodeError as error:
        raise _not_json(entity, str(error)[:120]) from None
    if not isinstance(data, dict):
        raise _not_json(entity, "an object is needed")
    if body.count(b'"') != _quotes(data):  # twice the same name, or quotes inside of texts
        _refuse_repeated(body)
    return data


def _quotes(data: dict[str, Any]) -> int:
    """Return how many quotes the text of an object has, when it has none inside of texts."""
    texts = 0
    waiting: list[Any] = [data]
    while waiting:
        part = waiting.pop()
        values = part
        if type(part) is dict:
            texts += len(part)
            values = part.values()
        for value in values:
            if type(value) is str:
                texts += 1
            elif type(value) is dict or type(value) is list:
                waiting.append(value)
    return 2 * texts


def _refuse_repeated(body: bytes) -> None:
    def once(pairs: list[tuple[str, Any]]) -> None:
        names = [name for name, _ in pairs]
        if len(set(names)) < len(names):
            twice = next(name for name in names if names.count(name) > 1)
            raise CallRefused(
                400, f'"{shorten(twice)}" is there twice in one object.', code=BAD_PAYLOAD
            )

    try:
        json.loads(body, object_pairs_hook=once, parse_int=str, parse_float=str)
    except RecursionError:
        raise CallRefused(400, "The body has too many levels.", code=BAD_PAYLOAD) from None


def _not_json(entity: str, why: str) -> RecordInvalid:
    return RecordInvalid(entity, [Violation(None, "violation.not_json", {"value": why})])


def _too_large(most: int) -> list[Violation]:
    return [Violation(None, "violation.body_too_large", {"value": shorten(most)})]
