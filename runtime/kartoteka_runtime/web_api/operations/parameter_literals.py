"""Parameters of functions as addresses write them → JSON values.

Clients write the same value in several ways: texts with and without quotes, enums with and without
their type, objects as JSON or with single quotes. Source: reference web-api, section 10.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import orjson

from kartoteka.plugin_api.operations import ApiValue
from kartoteka_runtime.validation.value_checks import shorten
from kartoteka_runtime.web_api.api_errors import CallRefused
from kartoteka_runtime.web_api.resource_path import read_arguments

_ENUM = re.compile(r"(?:[A-Za-z_][A-Za-z0-9_.]*)?'([^']*)'")
_SINGLE_QUOTED = re.compile(r"'((?:[^']|'')*)'")
_WHOLE = re.compile(r"-?[0-9]{1,19}")
_NUMBER = re.compile(r"-?[0-9]{1,30}\.[0-9]{1,30}")
_WORDS = {"true": True, "false": False, "null": None}
_TEXTS = ("text", "unique_id", "date", "date_time")


def read_literals(
    arguments: str, options: Mapping[str, str], declared: Mapping[str, ApiValue]
) -> dict[str, Any]:
    """Return ``{name: JSON value}`` of what parentheses say, aliases from the query string.

    Raises:
        BadPath: The parentheses cannot be read.
        CallRefused: A parameter has no name, is there twice, or is no literal.
    """
    found: dict[str, Any] = {}
    for name, text in read_arguments(arguments):
        if not name or name in found:
            raise CallRefused(400, f'"{shorten(name or text)}" is no parameter by name, or again.')
        if text.startswith("@"):
            text = options.get(text, "null").strip() or "null"
        found[name] = _value(text, name, declared.get(name))
    return found


def _value(text: str, name: str, value: ApiValue | None) -> Any:
    if text[0] in "{[":
        return _json(text, name)
    if value is not None and value.type == "enum":
        if found := _ENUM.fullmatch(text):
            return found[1]
        return int(text) if _WHOLE.fullmatch(text) else _WORDS.get(text, text)
    if len(text) >= 2 and text[0] == text[-1] and text[0] in "'\"":
        return text[1:-1].replace("''", "'") if text[0] == "'" else text[1:-1]
    if text == "null":
        return None
    if value is not None and value.type in _TEXTS:
        return text.strip("{}")
    if text in _WORDS:
        return _WORDS[text]
    if _WHOLE.fullmatch(text):
        return int(text)
    return Decimal(text) if _NUMBER.fullmatch(text) else text


def _json(text: str, name: str) -> Any:
    for spelled in (text, _SINGLE_QUOTED.sub(_doubled, text)):
        try:
            return orjson.loads(spelled)
        except orjson.JSONDecodeError as error:
            problem = error
    raise CallRefused(400, f'Parameter "{name}": {shorten(text)} is no JSON: {problem}')


def _doubled(quoted: re.Match[str]) -> str:
    return orjson.dumps(quoted[1].replace("''", "'")).decode()
