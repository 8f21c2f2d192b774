"""The registry as JSON and back, without loss: how a publication is kept in the database."""

from __future__ import annotations

import dataclasses
import hashlib
import types
import typing
from collections.abc import Callable, Mapping
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Any

import orjson

from kartoteka.registry import Registry

_LEFT_OUT = "sources"  # places in files: they mean nothing once published


def encode_registry(registry: Registry) -> dict[str, Any]:
    """Return everything the registry says, as JSON values; defaults are left out."""
    encoded: dict[str, Any] = _encode(registry)
    return encoded


def decode_registry(data: Mapping[str, Any]) -> Registry:
    """Return the registry that ``encode_registry`` was given.

    Keys that this version does not know are passed over, so that an older program can read what
    a newer one published.
    """
    registry: Registry = _decoder(Registry)(data)
    return registry


def fingerprint(registry: Registry) -> str:
    """Return a SHA-256 over everything the registry says."""
    data = orjson.dumps(encode_registry(registry), option=orjson.OPT_SORT_KEYS)
    return hashlib.sha256(data).hexdigest()


def _encode(value: Any) -> Any:
    if dataclasses.is_dataclass(value):
        encoded = {}
        for item in dataclasses.fields(value):
            current = getattr(value, item.name)
            if item.name in (_LEFT_OUT, "location", "filter_location"):
                continue
            if item.default is not dataclasses.MISSING and current == item.default:
                continue
            encoded[item.name] = _encode(current)
        return encoded
    if isinstance(value, Mapping):
        return {key: _encode(item) for key, item in value.items()}
    if isinstance(value, frozenset):
        return sorted(value)
    if isinstance(value, tuple | list):
        return [_encode(item) for item in value]
    if isinstance(value, Decimal):
        return {"decimal": str(value)}
    if isinstance(value, Enum):
        return value.value
    return value


@cache
def _decoder(wanted: Any) -> Callable[[Any], Any]:
    """Return the function that reads JSON values as ``wanted``, built once a type."""
    origin = typing.get_origin(wanted)
    arguments = typing.get_args(wanted)
    if origin in (typing.Union, types.UnionType):
        inner = _decoder(next(item for item in arguments if item is not type(None)))
        return lambda value: None if value is None else inner(value)
    if origin is tuple:
        inner = _decoder(arguments[0])
        return lambda value: tuple(inner(item) for item in value)
    if origin is frozenset:
        return frozenset
    if origin is not None and issubclass(origin, Mapping):
        inner = _decoder(arguments[1])
        return lambda value: {key: inner(item) for key, item in value.items()}
    if isinstance(wanted, type) and issubclass(wanted, Enum):
        return wanted
    if wanted is Decimal or wanted is Any:
        return _decode_plain
    if dataclasses.is_dataclass(wanted) and isinstance(wanted, type):
        return _dataclass_decoder(wanted)
    return lambda value: value


def _decode_plain(value: Any) -> Any:
    if isinstance(value, dict) and value.keys() == {"decimal"}:
        return Decimal(value["decimal"])
    return value


def _dataclass_decoder(wanted: type) -> Callable[[Any], Any]:
    hints = typing.get_type_hints(wanted)
    decoders: dict[str, Callable[[Any], Any]] = {}

    def decode(value: Any) -> Any:
        if not decoders:  # filled late: a type may refer to itself
            for item in dataclasses.fields(wanted):
                decoders[item.name] = _decoder(hints[item.name])
        return wanted(
            **{key: decoders[key](item) for key, item in value.items() if key in decoders}
        )

    return decode
