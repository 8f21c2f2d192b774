"""One map over another: what an upper layer says is merged in, property by property.

Maps merge key by key. Lists of named things merge by what names them; what is new goes to the end,
or where ``after`` and ``before`` say. Lists of plain values replace, except features, includes and
targets, which add.
Every value keeps its mark, and a value set again keeps the marks of the layers below.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from kartoteka.diagnostics import Diagnostics
from kartoteka.loading.named_lists import (
    ADDING_LISTS,
    NAMED_LISTS,
    Identity,
    holds_maps,
    identity_of,
    index_of,
    name_of,
    names_in,
)
from kartoteka.loading.positioned import (
    ADDED,
    MOVED,
    REMOVED,
    ListNote,
    Mark,
    YamlList,
    YamlMap,
    copy_of,
)
from kartoteka.names import did_you_mean

REMOVING_KINDS = frozenset({"form", "navigation", "rule", "view"})
_PLACING_KEYS = frozenset({"after", "before", "remove"})
_HEAD_KEYS = frozenset({"kind", "format", "extends", "only_with"})
_NAMING = frozenset({"name"})


def merge_extension(
    target: YamlMap,
    extension: YamlMap,
    kind: str,
    diagnostics: Diagnostics,
    *,
    fields: Mapping[str, YamlMap],
) -> None:
    """Merge what an extension says into the object below it; mistakes go to ``diagnostics``.

    ``fields`` are those of the entity that the object is about; they serve hints only.
    """
    merge = _Merge(kind, diagnostics, root=target, fields=fields)
    merge.maps(target, extension, skip=_HEAD_KEYS)


def overlay(target: YamlMap, upper: YamlMap) -> None:
    """Merge ``upper`` over ``target`` as an extension would, without placing keys."""
    _Merge("", Diagnostics()).maps(target, upper, skip=_NAMING)


class _Merge:
    """Merges one extension into the object below it.

    ``root`` and ``fields`` (those of the entity it is about) serve hints only.
    """

    def __init__(
        self,
        kind: str,
        diagnostics: Diagnostics,
        *,
        root: YamlMap | None = None,
        fields: Mapping[str, YamlMap] | None = None,
    ) -> None:
        self._kind = kind
        self._diagnostics = diagnostics
        self._root = root
        self._fields = fields or {}

    def maps(self, target: YamlMap, upper: YamlMap, *, skip: frozenset[str]) -> None:
        target.damaged |= upper.damaged
        for key, value in upper.items():
            if key in skip:
                continue
            current = target.get(key)
            if isinstance(current, YamlMap) and isinstance(value, YamlMap):
                self.maps(current, value, skip=frozenset())
            elif isinstance(value, YamlList) and key in NAMED_LISTS and holds_maps(value):
                if not isinstance(current, YamlList):
                    current = YamlList(value.mark)
                    target.put(key, current, key_mark=upper.key_marks[key], value_mark=value.mark)
                self._named_lists(key, current, value)
            elif (
                isinstance(current, YamlList)
                and isinstance(value, YamlList)
                and (key in ADDING_LISTS)
            ):
                for item, mark in value.marked():
                    if item in current:
                        current.notes += (ListNote(item, ADDED, mark),)
                    else:
                        current.add(item, mark)
            else:
                marks = {"key_mark": upper.key_marks[key], "value_mark": upper.value_marks[key]}
                target.put_again(key, copy_of(value), **marks)

    def _named_lists(self, key: str, target: YamlList, upper: YamlList) -> None:
        for item, mark in upper.marked():
            identity = identity_of(key, item)
            if identity is None:
                continue
            index = index_of(key, target, identity)
            if item.get("remove") is True:
                self._remove(key, target, item, identity, index)
            elif index is None:
                added = copy_of(item)
                for placing in _PLACING_KEYS:
                    added.pop(placing, None)
                self._place(key, target, added, mark, item)
            else:
                self.maps(target[index], item, skip=_PLACING_KEYS | {identity[0]})
                if "after" in item or "before" in item:
                    moved, moved_mark = target.pop(index), target.item_marks.pop(index)
                    self._place(key, target, moved, moved_mark, item)
                    _note_move(target, identity, moved, item)

    def _remove(
        self, key: str, target: YamlList, item: YamlMap, identity: Identity, index: int | None
    ) -> None:
        noun = NAMED_LISTS[key][1]
        if self._kind not in REMOVING_KINDS:
            self._diagnostics.add(
                item.at_key("remove"), "extension/cannot-remove",
                f'the {noun} "{identity[1]}" belongs to another bundle and cannot be removed',
                "take it off the forms and views instead",
            )  # fmt: skip
        elif index is None:
            self._diagnostics.add(
                item.at(identity[0]), "extension/unknown-item",
                f'there is no {noun} "{identity[1]}" to remove',
                self._hint(key, identity[1], target),
            )  # fmt: skip
        else:
            _note_definition(target, identity, target[index])
            target.notes += (ListNote(identity[1], REMOVED, item.key_marks["remove"]),)
            del target[index]
            del target.item_marks[index]

    def _place(
        self, key: str, target: YamlList, added: YamlMap, mark: Mark, upper: YamlMap
    ) -> None:
        where = "after" if "after" in upper else "before" if "before" in upper else ""
        if not where:
            target.add(added, mark)
            return
        neighbour = upper[where]
        index = next((i for i, item in enumerate(target) if name_of(key, item) == neighbour), None)
        if index is None:
            self._diagnostics.add(
                upper.at(where), "extension/unknown-item",
                f'there is no {NAMED_LISTS[key][1]} "{neighbour}" to stand {where}',
                self._hint(key, neighbour, target),
            )  # fmt: skip
            target.add(added, mark)
            return
        index += where == "after"
        target.insert(index, added)
        target.item_marks.insert(index, mark)

    def _hint(self, key: str, name: str, target: YamlList) -> str:
        """Return where an item is that is not in its list, or what it may be called."""
        if self._root is not None:
            for path in _places_of(self._root, key, name):
                return f"it stands in {'.'.join(path)}"
        names = names_in(key, target)
        known = {field: item for field, item in self._fields.items() if field in names}
        return did_you_mean(name, known if known else names) or did_you_mean(name, names)


def _places_of(content: YamlMap, key: str, name: str) -> Iterator[tuple[str, ...]]:
    """Yield the names of what holds an item of that name, in any list of that key."""
    for inner_key, items in content.items():
        if not isinstance(items, YamlList) or inner_key not in NAMED_LISTS:
            continue
        for item in items:
            identity = identity_of(inner_key, item)
            if identity is None:
                continue
            if inner_key == key and identity[1] == name:
                yield ()
            for path in _places_of(item, key, name):
                yield (identity[1], *path)


def _note_definition(items: YamlList, identity: Identity, item: YamlMap) -> None:
    """Note who put an item there, unless that is the last thing known of it."""
    known = [note.what for note in items.notes if note.name == identity[1]]
    if not known or known[-1] == REMOVED:
        items.notes += (ListNote(identity[1], ADDED, item.value_marks[identity[0]]),)


def _note_move(items: YamlList, identity: Identity, moved: YamlMap, upper: YamlMap) -> None:
    where = "after" if "after" in upper else "before"
    _note_definition(items, identity, moved)
    what = f"{MOVED} {where} {upper[where]}"
    items.notes += (ListNote(identity[1], what, upper.key_marks[where]),)
