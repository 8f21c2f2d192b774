"""Where a property comes from: every layer that set it, as ``kartoteka explain`` tells it."""

from __future__ import annotations

import copy
from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from kartoteka.explanation import ExplainedProperty, explain
from kartoteka.registry import Registry


@dataclass(frozen=True, slots=True)
class Origin:
    """One layer that set a property; ``is_overridden`` when a later one set it again."""

    bundle: str
    place: str  # file:line
    value: str
    is_overridden: bool


@dataclass(frozen=True, slots=True)
class Property:
    """A property with its resolved value; no origins: it is the default."""

    path: tuple[str, ...]
    value: str
    origins: tuple[Origin, ...]


class Origins:
    """What is known of one definition's properties, by path."""

    def __init__(
        self,
        registry: Registry,
        kind: str,
        name: str,
        *,
        shown_file: Callable[[str], str],
        shown_bundle: Callable[[str], str],
    ) -> None:
        """Ask about everything at once."""
        # Hundreds of properties come from a few files, and what a file is called asks the disk.
        name_of = lru_cache(None)(shown_file)
        self.properties = tuple(
            Property(one.path, shown(one.value), tuple(_origins(one, name_of, shown_bundle)))
            for one in explain(registry, kind, name)
        )
        self._by_path = {one.path: one for one in self.properties}

    def without(self, name: str) -> Origins:
        """Return the same without the properties under a name."""
        rest = copy.copy(self)
        rest.properties = tuple(one for one in self.properties if one.path[0] != name)
        return rest

    def of(self, *path: str) -> tuple[Origin, ...]:
        """Return the layers that set a property, lowest first."""
        found = self._by_path.get(path)
        return found.origins if found else ()

    def below(self, *path: str) -> tuple[Property, ...]:
        """Return the properties whose paths begin with ``path``."""
        return tuple(one for one in self.properties if one.path[: len(path)] == path)


def _origins(
    one: ExplainedProperty,
    shown_file: Callable[[str], str],
    shown_bundle: Callable[[str], str],
) -> list[Origin]:
    last = len(one.set_by) - 1
    return [
        Origin(
            bundle=shown_bundle(layer.bundle),
            place=f"{shown_file(layer.location.file)}:{layer.location.line}",
            value=shown(layer.value),
            is_overridden=index < last and not one.adds_up,
        )
        for index, layer in enumerate(one.set_by)
    ]


def shown(value: Any) -> str:
    """Return a value as YAML would say it, on one line."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case dict():
            return ", ".join(f"{key}: {shown(item)}" for key, item in value.items())
        case list() | tuple() | frozenset():
            return ", ".join(shown(item) for item in value)
    return str(value)
