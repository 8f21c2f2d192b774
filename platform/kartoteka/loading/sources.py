"""Sources: for each property the layers that set it, worked out when somebody asks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from decimal import Decimal
from functools import cached_property
from typing import Any

from kartoteka.loading.metadata_tree import MetadataTree
from kartoteka.loading.named_lists import ADDING_LISTS, NAMED_LISTS, identity_of
from kartoteka.loading.positioned import (
    ADDED,
    REMOVED,
    DerivedMark,
    Mark,
    YamlList,
    YamlMap,
    marks_in,
)
from kartoteka.loading.property_paths import join_path
from kartoteka.location import Location
from kartoteka.model.set_by import SetBy

MESSAGES = "messages"  # stands for the kind of texts that belong to no object

_Found = dict[str, tuple[SetBy, ...]]


class Sources(Mapping[str, tuple[SetBy, ...]]):
    """``{"entity/account/fields/name/label/en": (lowest layer, …, highest layer)}``.

    Only plain values are listed; a list of plain values is one value, except that of a list that
    adds (``features``) each item has its own path. The path of an item of a named list is there
    when a later layer added, removed or moved it; its values are ``added``, ``removed`` and
    ``moved after name``.
    """

    def __init__(self, tree: MetadataTree, messages: YamlMap) -> None:
        """Keep the merged tree that knows the marks."""
        self.tree = tree
        self._messages = messages
        self._known: dict[tuple[str, str], _Found] = {}

    def of_object(self, kind: str, name: str) -> Mapping[str, tuple[SetBy, ...]]:
        """Return the sources of one object (``messages`` and a key: of one text), in file order."""
        if (kind, name) not in self._known:
            objects = self._messages if kind == MESSAGES else self.tree.of_kind(kind)
            content = objects.get(name)
            found: _Found = {}
            if isinstance(content, YamlMap):
                owner = content.value_marks.get("name", content.mark)
                _Collector(self.tree, owner, found).collect(content, (kind, name))
            self._known[kind, name] = found
        return self._known[kind, name]

    def layered(self) -> Iterator[tuple[str, str]]:
        """Yield kind and name of each object of which one layer says what another overrules.

        Or to which a later layer than its own adds something. Field groups of lower layers alone
        do not count: nearly every entity takes fields from them.
        """
        layer_of = self.tree.layer_of
        named = [*self.tree.objects.items(), (MESSAGES, self._messages)]
        for kind, objects in named:
            for name, content in objects.items():
                own = content.value_marks.get("name", content.mark)
                layer = layer_of.get(own.file, 0)
                files = {mark.file for mark in marks_in(content)}
                if any(layer_of.get(file, 0) > layer for file in files) or self._overrules(content):
                    yield kind, name

    def _overrules(self, value: Any) -> bool:
        """Return whether a value was set by one layer and again by another."""
        layer_of = self.tree.layer_of
        if isinstance(value, YamlMap):
            for key, earlier in value.earlier.items():
                layers = {layer_of.get(mark.file, 0) for mark, _ in earlier}
                if layers - {layer_of.get(value.value_marks[key].file, 0)}:
                    return True
        items = value.values() if isinstance(value, YamlMap) else value
        return any(self._overrules(item) for item in items if isinstance(item, (YamlMap, YamlList)))

    @cached_property
    def _paths(self) -> tuple[str, ...]:
        objects = [(kind, name) for kind, named in self.tree.objects.items() for name in named]
        texts = [(MESSAGES, key) for key in self._messages]
        return tuple(path for item in (*objects, *texts) for path in self.of_object(*item))

    def __getitem__(self, path: str) -> tuple[SetBy, ...]:
        """Return the layers that set a property, lowest first."""
        kind, _, rest = path.partition("/")
        return self.of_object(kind, rest.partition("/")[0])[path]

    def __iter__(self) -> Iterator[str]:
        """Yield every property's path."""
        return iter(self._paths)

    def __len__(self) -> int:
        """Return how many properties there are."""
        return len(self._paths)


def sources_of(
    sources: Mapping[str, tuple[SetBy, ...]], kind: str, name: str
) -> Mapping[str, tuple[SetBy, ...]]:
    """Return the sources of one object; cheap when they come from files."""
    if isinstance(sources, Sources):
        return sources.of_object(kind, name)
    start = f"{kind}/{name}/"
    return {path: layers for path, layers in sources.items() if path.startswith(start)}


def layered_paths(sources: Mapping[str, tuple[SetBy, ...]]) -> Iterator[str]:
    """Yield the paths of the objects of which several layers may say something."""
    if isinstance(sources, Sources):
        for kind, name in sources.layered():
            yield from sources.of_object(kind, name)
    else:
        yield from sources


class _Collector:
    """Collects the sources of one object, whose definition stands at ``owner``."""

    def __init__(self, tree: MetadataTree, owner: Mark, found: _Found) -> None:
        self._tree = tree
        self._owner_layer = tree.layer_of.get(owner.file, 0)
        self._found = found

    def collect(self, content: YamlMap, path: tuple[str, ...]) -> None:
        for key, value in content.items():
            here = (*path, key)
            if isinstance(value, YamlMap):
                self.collect(value, here)
            elif isinstance(value, YamlList) and key in NAMED_LISTS and _is_named(key, value):
                self._named_items(key, value, here)
            elif isinstance(value, YamlList) and key in ADDING_LISTS:
                self._added_items(value, here)
            else:
                earlier = sorted(
                    content.earlier.get(key, ()), key=lambda told: self._layer(told[0])
                )
                self._put(here, [*earlier, (content.value_marks[key], value)])

    def _named_items(self, key: str, items: YamlList, path: tuple[str, ...]) -> None:
        present = set()
        for item in items:
            identity = identity_of(key, item)
            if identity is None:
                continue
            present.add(identity[1])
            here = (*path, identity[1])
            done = [(note.mark, note.what) for note in items.notes if note.name == identity[1]]
            definition = item.value_marks[identity[0]]
            if not done or done[-1][1] == REMOVED:
                done.append((definition, ADDED))
            if len(done) > 1 or self._layer(definition) > self._owner_layer:
                self._put(here, done)
            self.collect(item, here)
        for name in dict.fromkeys(note.name for note in items.notes if note.name not in present):
            done = [(note.mark, note.what) for note in items.notes if note.name == name]
            self._put((*path, name), done)

    def _added_items(self, items: YamlList, path: tuple[str, ...]) -> None:
        for item, mark in items.marked():
            again = [(note.mark, note.what) for note in items.notes if note.name == item]
            self._put((*path, str(item)), [(mark, ADDED), *again])

    def _put(self, path: tuple[str, ...], told: list[tuple[Mark, Any]]) -> None:
        dotted = ".".join(path[2:])
        self._found[join_path(*path)] = tuple(
            SetBy(
                self._tree.bundle_at(mark),
                mark.location(dotted),
                _plain(value),
                isinstance(mark, DerivedMark),
            )
            for mark, value in told
        )

    def _layer(self, mark: Mark) -> int:
        return self._tree.layer_of.get(mark.file, 0)


def _is_named(key: str, items: YamlList) -> bool:
    return bool(items.notes) or any(identity_of(key, item) is not None for item in items)


def _plain(value: Any) -> Any:
    """Return a value of the tree as JSON has it."""
    match value:
        case YamlMap():
            return {key: _plain(item) for key, item in value.items()}
        case YamlList():
            return [_plain(item) for item in value]
        case Decimal():
            return int(value) if value == value.to_integral_value() else float(value)
        case _:
            return value


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
