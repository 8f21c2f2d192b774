"""DEFINITIONS: what ``$metadata`` tells of definitions themselves and of what changes them.

The table is ``definition_types.txt``. Source: reference web-api, section 12.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from functools import cache
from importlib.resources import files
from types import MappingProxyType
from typing import Final

from kartoteka_runtime.web_api.definitions.csdl_model import (
    NAMESPACE,
    ComplexType,
    EntitySet,
    EntityType,
    EnumType,
    Navigation,
    Operation,
    Property,
    Schema,
    TypeOf,
    of_schema,
)

ROOT_TYPE: Final = "MetadataBase"
_EDM = frozenset("Boolean DateTimeOffset Decimal Double Guid Int32 Int64 String".split())
_KEY = "MetadataId"
_SCALE = 10
_COMPLEX = "Complex"


@dataclass(slots=True)
class _Part:
    """One heading of the table and the lines below it."""

    kind: str
    name: str
    base: str
    properties: list[Property] = field(default_factory=list)
    navigations: list[Navigation] = field(default_factory=list)
    answers: list[Property] = field(default_factory=list)
    members: list[tuple[str, int]] = field(default_factory=list)


@cache
def definition_schema() -> Schema:
    """Return everything that the table tells."""
    parts = tuple(_parts())
    entities = [part for part in parts if part.kind == "entity"]
    extended = {part.base for part in entities}
    complex_types = [
        *(_complex(part) for part in parts if part.kind == "complex"),
        *(_as_complex(part) for part in entities),
        *(_response(part) for part in parts if part.answers),
    ]
    return Schema(
        tuple(_entity(part, is_abstract=part.name in extended) for part in entities),
        tuple(complex_types),
        tuple(EnumType(part.name, tuple(part.members)) for part in parts if part.kind == "enum"),
        tuple(_operation(part) for part in parts if part.kind in ("action", "function")),
        tuple(
            EntitySet(part.name, f"{NAMESPACE}.{part.base}", ())
            for part in parts
            if part.kind == "set"
        ),
    )


@cache
def action_parameters() -> Mapping[str, frozenset[str]]:
    """Return what each action that changes definitions takes, by its name."""
    return MappingProxyType(
        {
            operation.name: frozenset(item.name for item in operation.parameters)
            for operation in definition_schema().operations
        }
    )


def _parts() -> Iterator[_Part]:
    text = files("kartoteka_runtime.web_api.definitions").joinpath("definition_types.txt")
    for block in text.read_text("utf-8").split("\n\n"):
        lines = [line for line in block.splitlines() if line and line[0] != "#"]
        for number, line in enumerate(lines):
            words = line.split()
            if number == 0 or words[0] == "set":
                part = _Part(words[0], words[1], words[-1] if len(words) > 2 else "")
                yield part
            elif part.kind == "enum":
                part.members += [
                    (name, int(value)) for name, _, value in (word.partition("=") for word in words)
                ]
            else:
                _add(part, words)


def _add(part: _Part, words: list[str]) -> None:
    """Add what one line tells to its part."""
    if words[0] == "answers":
        part.answers += [Property(name, _type(words[1])) for name in words[2:]]
    elif words[0][0] == ">":
        kind = _type(words[0][1:])
        part.navigations += [Navigation(name, kind) for name in words[1:]]
    else:
        part.properties += [Property(name, _type(words[0])) for name in words[1:]]


def _type(said: str) -> TypeOf:
    name = said.removeprefix("*")
    scale = _SCALE if name == "Decimal" else None
    full = f"Edm.{name}" if name in _EDM else of_schema(name)
    return TypeOf(full, is_list=said[0] == "*", scale=scale)


def _entity(part: _Part, *, is_abstract: bool) -> EntityType:
    key = "" if part.base else _KEY
    properties = tuple(
        Property(one.name, TypeOf(one.type.name, is_nullable=False)) if one.name == key else one
        for one in part.properties
    )
    return EntityType(
        part.name, part.base, is_abstract, key, properties, tuple(part.navigations)
    )  # fmt: skip


def _complex(part: _Part) -> ComplexType:
    return ComplexType(part.name, tuple(part.properties), part.base)


def _as_complex(part: _Part) -> ComplexType:
    """Return the type that operations know an entity type as."""
    inside = [
        Property(one.name, TypeOf(_complex_name(one.type.name), is_list=one.type.is_list))
        for one in part.navigations
    ]
    base = f"{_COMPLEX}{part.base}" if part.base else ""
    return ComplexType(f"{_COMPLEX}{part.name}", (*part.properties, *inside), base)


def _complex_name(name: str) -> str:
    alias, _, plain = name.partition(".")
    return f"{alias}.{_COMPLEX}{plain}"


def _response(part: _Part) -> ComplexType:
    return ComplexType(f"{part.name}Response", tuple(part.answers))


def _operation(part: _Part) -> Operation:
    result = of_schema(f"{part.name}Response") if part.answers else ""
    return Operation(
        part.name,
        is_function=part.kind == "function",
        is_bound=False,
        parameters=tuple(part.properties),
        result=TypeOf(result, is_nullable=False) if result else None,
    )
