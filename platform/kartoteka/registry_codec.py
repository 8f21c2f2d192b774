"""The registry as JSON and back, without loss: how a publication is kept in the database."""

from __future__ import annotations

import dataclasses
import hashlib
import types
import typing
from collections.abc import Callable, Iterator, Mapping
from decimal import Decimal
from enum import Enum
from functools import cache
from operator import attrgetter
from typing import Any

import orjson

from kartoteka.loading.collection_pause import collection_paused
from kartoteka.model.label import Label
from kartoteka.registry import Registry

_LEFT_OUT = "sources"  # places in files
_BY_OBJECT = frozenset({
    "areas", "choices", "column_profiles", "entities", "forms", "relationships", "roles", "rules",
    "views",
})  # fmt: skip
_PLAIN = frozenset({str, int, float, bool, type(None)})


def encode_registry(registry: Registry) -> dict[str, Any]:
    """Return everything the registry says, as JSON values; defaults are left out."""
    with collection_paused():
        encoded: dict[str, Any] = _encode(registry, {})
    return encoded


def decode_registry(data: Mapping[str, Any]) -> Registry:
    """Return the registry that ``encode_registry`` was given.

    Keys that this version does not know are passed over, so that an older program can read what
    a newer one published.
    """
    with collection_paused():
        registry: Registry = _decoder(Registry)(data, {})
    return registry


def registry_text(registry: Registry) -> str:
    """Return the registry as JSON with each object in a line of its own.

    So ``registry_of_text`` needs no more memory at a time than for one object.
    """
    parts: list[str] = []
    for section, content in encode_registry(registry).items():
        name = orjson.dumps(section).decode()
        if section in _BY_OBJECT and content:
            objects = (orjson.dumps({key: item})[1:-1].decode() for key, item in content.items())
            parts.append(f"{name}:{{\n" + ",\n".join(objects) + "\n}")
        else:
            parts.append(f"{name}:{orjson.dumps(content).decode()}")
    return "{\n" + ",\n".join(parts) + "\n}"


def registry_of_text(text: str) -> Registry:
    """Return the registry that ``registry_text`` was given; other JSON of one is read as well.

    Equal texts and labels become one object: half of what a thousand entities say is said of
    each of them.
    """
    if not text.startswith("{\n"):
        return decode_registry(orjson.loads(text))
    hints = typing.get_type_hints(Registry)
    found: dict[str, Any] = {}
    shared: dict[Any, Any] = {}
    section = ""
    with collection_paused():
        for line in _lines(text):
            line = line.removesuffix(",")
            if line in ("{", "}"):
                section = ""
            elif line.endswith(":{"):
                section = orjson.loads(line[:-2])
                found[section] = {}
            else:
                for name, data in orjson.loads(f"{{{line}}}").items():
                    if section in hints:
                        decode = _decoder(typing.get_args(hints[section])[1])
                        found[section][name] = decode(data, shared)
                    elif not section and name in hints:
                        found[name] = _decoder(hints[name])(data, shared)
        return Registry(**{name: value for name, value in found.items() if name in hints})


def fingerprint(registry: Registry) -> str:
    """Return a SHA-256 over everything the registry says; worked out once a registry."""
    if "fingerprint" not in registry.kept:
        with collection_paused():
            registry.kept["fingerprint"] = _fingerprint(registry)
    known: str = registry.kept["fingerprint"]
    return known


def _fingerprint(registry: Registry) -> str:
    """Hash the JSON of ``encode_registry`` with sorted keys, an object at a time."""
    digest = hashlib.sha256()
    made: dict[int, Any] = {}
    before = b"{"
    for item in sorted(_told(Registry), key=lambda item: item.name):
        content = getattr(registry, item.name)
        if item.default is not dataclasses.MISSING and content == item.default:
            continue
        digest.update(before + orjson.dumps(item.name) + b":")
        before = b","
        if item.name in _BY_OBJECT and content:
            opening = b"{"
            for name in sorted(content):
                data = _sorted_json(_encode(content[name], made))
                digest.update(opening + orjson.dumps(name) + b":" + data)
                opening = b","
            digest.update(b"}")
        else:
            digest.update(_sorted_json(_encode(content, made)))
    digest.update(b"{}" if before == b"{" else b"}")
    return digest.hexdigest()


def _sorted_json(value: Any) -> bytes:
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def _lines(text: str) -> Iterator[str]:
    """Yield the lines of a text, one at a time: all at once would be the text once more."""
    start = 0
    while start < len(text):
        end = text.find("\n", start)
        end = len(text) if end < 0 else end
        yield text[start:end]
        start = end + 1


_Encode = Callable[[Any, dict[int, Any]], Any]  # of a value, and lists made so far by tuple


def _encode(value: Any, made: dict[int, Any]) -> Any:
    kind: Any = type(value)
    return _encoder(kind)(value, made)


@cache
def _encoder(kind: Any) -> _Encode:
    """Return the function that makes JSON values of a type, built once a type."""
    if kind in _PLAIN:
        return lambda value, made: value
    if kind is Label:
        return lambda value, made: {"texts": dict(value.texts)}
    if dataclasses.is_dataclass(kind):
        return _dataclass_encoder(kind)
    if issubclass(kind, Mapping):
        return lambda value, made: {
            key: item if type(item) in _PLAIN else _encode(item, made)
            for key, item in value.items()
        }
    if issubclass(kind, frozenset):
        return lambda value, made: sorted(value)
    if issubclass(kind, tuple | list):
        return _encode_list
    if issubclass(kind, Decimal):
        return lambda value, made: {"decimal": str(value)}
    if issubclass(kind, Enum):
        return lambda value, made: value.value
    return lambda value, made: value


def _encode_list(value: Any, made: dict[int, Any]) -> list[Any]:
    """Return the list for a tuple, once a tuple: fields share the options of a choice."""
    found: list[Any] | None = made.get(id(value))
    if found is None:
        found = made[id(value)] = [_encode(item, made) for item in value]
    return found


def _dataclass_encoder(kind: Any) -> _Encode:
    """Return the function for a dataclass, which fetches all values of an object at once.

    Most values are defaults; looking each up by itself took four times as long.
    """
    told = _told(kind)
    names = tuple(item.name for item in told)
    defaults = tuple(item.default for item in told)  # MISSING equals nothing
    values_of = attrgetter(*names) if len(names) > 1 else _only(names[0])

    def encode(value: Any, made: dict[int, Any]) -> Any:
        return {
            name: item if type(item) in _PLAIN else _encode(item, made)
            for name, default, item in zip(names, defaults, values_of(value), strict=True)
            if item is not default and item != default
        }

    return encode


def _told(kind: Any) -> list[dataclasses.Field[Any]]:
    """Return the fields that are encoded.

    Where something stands and what it was called means nothing once it is published.
    """
    return [item for item in dataclasses.fields(kind) if item.name != _LEFT_OUT and item.compare]


def _only(name: str) -> Callable[[Any], tuple[Any, ...]]:
    return lambda value: (getattr(value, name),)


_Decode = Callable[[Any, dict[Any, Any]], Any]  # of JSON values, and what is shared so far


@cache
def _decoder(wanted: Any) -> _Decode:
    """Return the function that reads JSON values as ``wanted``, built once a type."""
    origin = typing.get_origin(wanted)
    arguments = typing.get_args(wanted)
    if origin in (typing.Union, types.UnionType):
        inner = _decoder(next(item for item in arguments if item is not type(None)))
        return lambda value, shared: None if value is None else inner(value, shared)
    if origin is tuple:
        return _tuple_decoder(arguments[0])
    if origin is frozenset:
        return lambda value, shared: _shared_value(frozenset(value), shared)
    if origin is not None and issubclass(origin, Mapping):
        inner = _decoder(arguments[1])
        return lambda value, shared: {
            shared.setdefault(key, key): inner(item, shared) for key, item in value.items()
        }
    if isinstance(wanted, type) and issubclass(wanted, Enum):
        return lambda value, shared: wanted(value)
    if wanted is str:
        return _shared_value
    if wanted is Decimal or wanted is Any:
        return _decode_plain
    if wanted is Label:
        return _decode_label
    if dataclasses.is_dataclass(wanted) and isinstance(wanted, type):
        return _dataclass_decoder(wanted)
    return lambda value, shared: value


def _shared_value(value: Any, shared: dict[Any, Any]) -> Any:
    return shared.setdefault(value, value)


def _decode_plain(value: Any, shared: dict[Any, Any]) -> Any:
    if isinstance(value, dict) and value.keys() == {"decimal"}:
        key = ("decimal", value["decimal"])
        return shared.get(key) or shared.setdefault(key, Decimal(value["decimal"]))
    return value


def _decode_label(value: Any, shared: dict[Any, Any]) -> Label:
    texts = value.get("texts", {})
    key = (Label, *texts.items())
    found: Label | None = shared.get(key)
    if found is None:
        found = shared[key] = Label(_decoder(Mapping[str, str])(texts, shared))
    return found


def _tuple_decoder(item: Any) -> _Decode:
    inner = _decoder(item)
    if item is str:
        return lambda value, shared: _shared_value(
            tuple([inner(one, shared) for one in value]), shared
        )
    return lambda value, shared: tuple([inner(one, shared) for one in value])


def _dataclass_decoder(wanted: type) -> _Decode:
    hints = typing.get_type_hints(wanted)
    decoders: dict[str, _Decode] = {}

    def decode(value: Any, shared: dict[Any, Any]) -> Any:
        if not decoders:  # filled late: a type may refer to itself
            for item in dataclasses.fields(wanted):
                decoders[item.name] = _decoder(hints[item.name])
        return wanted(
            **{key: decoders[key](item, shared) for key, item in value.items() if key in decoders}
        )

    return decode
