"""Addresses of definitions: which definition, collection or value the segments of a path name.

``EntityDefinitions(LogicalName='account')/Attributes(1111…)`` and the like, with casts
(``/Microsoft.Dynamics.CRM.PicklistAttributeMetadata``). Source: reference web-api, section 12.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

from kartoteka_runtime.validation.value_checks import shorten
from kartoteka_runtime.web_api.api_errors import CallRefused, NoSuchAddress
from kartoteka_runtime.web_api.definitions.definition import (
    NAMESPACE,
    Collection,
    Definition,
)
from kartoteka_runtime.web_api.resource_path import (
    BadPath,
    Segment,
    read_arguments,
    value_of_alias,
)

_NOT_FOUND = "0x80040217"
_ID = "MetadataId"


@dataclass(frozen=True, slots=True)
class Place:
    """What an address names.

    Attributes:
        value: A definition, a collection, or a plain value.
        declared: The type that the address says a definition is of.
        context: What ``@odata.context`` names after ``$metadata#``.
    """

    value: Any
    declared: str
    context: str


def without_aliases(
    segments: Sequence[Segment], options: Sequence[tuple[str, str]]
) -> tuple[Segment, ...]:
    """Return segments with the values that options give in place of aliases (``@p1``).

    Raises:
        QueryError: An alias has no value, or several.
    """
    found = []
    for segment in segments:
        if "@" in (segment.arguments or ""):
            said = [
                (name, value_of_alias(text, [value for key, value in options if key == text]))
                for name, text in read_arguments(segment.arguments or "")
            ]
            written = ",".join(f"{name}={text}" if name else text for name, text in said)
            segment = replace(segment, arguments=written)
        found.append(segment)
    return tuple(found)


def find_place(sets: Mapping[str, Collection], segments: Sequence[Segment]) -> Place:
    """Return what a path names; its first segment is one of ``sets``.

    Raises:
        NoSuchAddress: Nothing is at a step.
        CallRefused: There is no definition of that name or id: 404.
        BadPath: A key cannot be read.
    """
    first = segments[0]
    place = _of_collection(sets[first.name], first)
    for segment in segments[1:]:
        place = _cast(place, segment) if segment.operation else _step(place, segment)
    return place


def _step(place: Place, segment: Segment) -> Place:
    value, name = place.value, segment.name
    if isinstance(value, Definition) and name in value.related:
        found = value.related[name]()
        if isinstance(found, Collection):
            return _of_collection(found, segment)
        if segment.arguments is not None:
            raise NoSuchAddress(shorten(name))
        declared = found.type if isinstance(found, Definition) else ""
        return Place(found, declared, f"{place.context}/{name}")
    if segment.arguments is None:
        properties = value.properties if isinstance(value, Definition) else value
        if isinstance(properties, Mapping) and name in properties:
            return Place(properties[name], "", f"{_without_entity(place)}/{name}")
    raise NoSuchAddress(shorten(name))


def _without_entity(place: Place) -> str:
    return place.context.removesuffix("/$entity")


def _cast(place: Place, segment: Segment) -> Place:
    name, value = segment.operation, place.value
    if isinstance(value, Collection):
        narrowed = value.of_type(name)
        if segment.arguments is None:
            return Place(narrowed, name, narrowed.context)
        return _of_collection(narrowed, segment)
    if isinstance(value, Definition) and value.is_a(name) and segment.arguments is None:
        context = f"{_without_entity(place)}/{NAMESPACE}{name}/$entity"
        return replace(place, declared=name, context=context)
    raise NoSuchAddress(shorten(segment.name))


def _of_collection(found: Collection, segment: Segment) -> Place:
    if segment.arguments is None:
        return Place(found, found.base, found.context)
    item = _item(found, segment)
    return Place(item, found.base, f"{found.context}/$entity")


def _item(found: Collection, segment: Segment) -> Definition:
    arguments = read_arguments(segment.arguments or "")
    if len(arguments) != 1:
        raise BadPath(f'"{segment.name}" takes one key')
    (name, literal) = arguments[0]
    text = _unquoted(literal)
    item: Definition | None
    if name in ("", _ID):
        item = found.by_id.get(_as_id(text))
    elif name in found.keys:
        item = found.by_key.get((name, text.lower()))
    else:
        known = ", ".join((_ID, *found.keys))
        raise BadPath(f'"{name[:60]}" is no key of {segment.name}; write {known}')
    if item is None:
        said = f"{segment.name}({name + '=' if name else ''}{literal[:80]})"
        raise CallRefused(404, f"There is no definition {said}.", code=_NOT_FOUND)
    return item


def _as_id(text: str) -> str:
    try:
        return str(UUID(text))
    except ValueError:
        raise BadPath(f'"{text[:60]}" is no id of a definition') from None


def _unquoted(literal: str) -> str:
    if len(literal) >= 2 and literal[0] == literal[-1] == "'":
        return literal[1:-1].replace("''", "'")
    return literal
