"""Lists of named things: what names an item, and which lists add to those below them."""

from __future__ import annotations

from typing import Any

from kartoteka.loading.positioned import YamlList, YamlMap

# Lists of named things: the keys of which one names an item, and what an item is called.
NAMED_LISTS: dict[str, tuple[tuple[str, ...], str]] = {
    "branches": (("name",), "branch"),
    "columns": (("field",), "column"),
    "commands": (("name",), "command"),
    "controls": (("field", "subgrid", "quick_view", "panel"), "control"),
    "entries": (("name",), "entry"),
    "fields": (("name",), "field"),
    "groups": (("name",), "group"),
    "keys": (("name",), "key"),
    "options": (("name",), "option"),
    "parameters": (("name",), "parameter"),
    "privileges": (("entity",), "privilege"),
    "reasons": (("name",), "reason"),
    "sections": (("name",), "section"),
    "states": (("name",), "state"),
    "tabs": (("name",), "tab"),
}
ADDING_LISTS = frozenset({"features", "includes", "targets"})

Identity = tuple[str, str]


def identity_of(key: str, item: Any) -> Identity | None:
    """Return which key names an item of list ``key`` and the name, or None when nothing does."""
    if not isinstance(item, YamlMap):
        return None
    for naming in NAMED_LISTS[key][0]:
        if isinstance(item.get(naming), str):
            return naming, item[naming]
    return None


def name_of(key: str, item: Any) -> str:
    """Return the name of an item of list ``key``, empty when nothing names it."""
    identity = identity_of(key, item)
    return identity[1] if identity else ""


def names_in(key: str, items: YamlList) -> list[str]:
    """Return the names of all items of list ``key``."""
    return [name_of(key, item) for item in items]


def index_of(key: str, items: YamlList, identity: Identity) -> int | None:
    """Return where an item stands in list ``key``, or None when it does not."""
    return next((i for i, item in enumerate(items) if identity_of(key, item) == identity), None)


def holds_maps(items: YamlList) -> bool:
    """Return whether any item is a map: others are values, or mistakes of shape."""
    return any(isinstance(item, YamlMap) for item in items)
