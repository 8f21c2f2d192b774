"""Sources: for each property the places that set it, worked out when somebody asks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from functools import cached_property
from typing import Any

from kartoteka.loading.extensions import NAMED_LISTS, MetadataTree, identity_of
from kartoteka.loading.positioned import Mark, YamlList, YamlMap
from kartoteka.location import Location


class Sources(Mapping[str, tuple[Location, ...]]):
    """``{"entity/account/fields/name/label/en": (lowest layer, …, highest layer)}``.

    Only plain values are listed; a list of plain values is one value.
    """

    def __init__(self, tree: MetadataTree, messages: YamlMap) -> None:
        """Keep the merged tree that knows the marks."""
        self._tree = tree
        self._messages = messages

    @cached_property
    def _found(self) -> dict[str, tuple[Location, ...]]:
        found: dict[str, tuple[Location, ...]] = {}
        for kind, objects in self._tree.objects.items():
            for name, content in objects.items():
                _collect(content, f"{kind}/{name}", found)
        _collect(self._messages, "messages", found)
        return found

    def __getitem__(self, path: str) -> tuple[Location, ...]:
        """Return the places that set a property."""
        return self._found[path]

    def __iter__(self) -> Iterator[str]:
        """Yield every property's path."""
        return iter(self._found)

    def __len__(self) -> int:
        """Return how many properties there are."""
        return len(self._found)


def _collect(content: YamlMap, path: str, found: dict[str, tuple[Location, ...]]) -> None:
    for key, value in content.items():
        here = f"{path}/{key}"
        if isinstance(value, YamlMap):
            _collect(value, here, found)
        elif isinstance(value, YamlList) and key in NAMED_LISTS and _is_named(key, value):
            for item in value:
                identity = identity_of(key, item)
                if identity is not None:
                    _collect(item, f"{here}/{identity[1]}", found)
        else:
            earlier = [mark for mark, _ in content.earlier.get(key, ())]
            marks: list[Mark] = [*earlier, content.value_marks[key]]
            dotted = ".".join(here.split("/")[2:])
            found[here] = tuple(mark.location(dotted) for mark in marks)


def _is_named(key: str, items: YamlList) -> bool:
    return any(identity_of(key, item) is not None for item in items)


def place_of(tree: MetadataTree, kind: str, name: str, *path: str) -> Location:
    """Return where a property stands, or the nearest thing around it that does stand somewhere.

    In lists of named things a step is the thing's name, in other lists the value itself.
    """
    content: Any = tree.of_kind(kind).get(name)
    if not isinstance(content, YamlMap):
        return Location("<built in>")
    mark = content.value_marks.get("name", content.mark)
    key = ""
    for step in path:
        if isinstance(content, YamlMap):
            if step not in content:
                break
            mark, key = content.value_marks[step], step
            content = content[step]
        elif isinstance(content, YamlList):
            index = _index(key, content, step)
            if index is None:
                break
            mark = content.item_marks[index]
            content = content[index]
            if isinstance(content, YamlMap):
                identity = identity_of(key, content)
                mark = content.value_marks[identity[0]] if identity else content.mark
    return mark.location()


def _index(key: str, items: YamlList, step: str) -> int | None:
    for index, item in enumerate(items):
        identity = identity_of(key, item) if key in NAMED_LISTS else None
        if item == step or (identity is not None and identity[1] == step):
            return index
    return None
