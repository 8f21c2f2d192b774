"""What ``extends: account`` adds: documents merged in layers, property by property.

Maps merge key by key. Lists of named things merge by what names them; what is new goes to the end,
or where ``after`` and ``before`` say. Lists of plain values replace, except features, includes and
targets, which add.
Every value keeps its mark, and a value set again keeps the marks of the layers below.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from kartoteka.diagnostics import Diagnostics
from kartoteka.loading.load_bundle import Document, LoadedBundle
from kartoteka.loading.positioned import ListNote, Mark, YamlList, YamlMap, copy_of
from kartoteka.loading.shape_check import check_complete
from kartoteka.names import did_you_mean

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
REMOVING_KINDS = frozenset({"form", "navigation", "rule", "view"})
# What an extension cannot change: it would be another object.
FIXED_KEYS: dict[str, tuple[str, ...]] = {
    "entity": ("activity", "ownership", "primary_id"),
    "form": ("entity", "type"),
    "relationship": ("left", "right", "intersect"),
    "rule": ("entity",),
    "view": ("entity", "type"),
}
_PLACING_KEYS = frozenset({"after", "before", "remove"})
_HEAD_KEYS = frozenset({"kind", "format", "extends", "only_with"})
_NAMING = frozenset({"name"})

# What a layer did with an item of a list, as ``ListNote`` tells it.
ADDED, MOVED, REMOVED = "added", "moved", "removed"

Identity = tuple[str, str]


@dataclass(slots=True)
class MetadataTree:
    """All documents after layering: ``{kind: {name: content}}`` in the order they appeared.

    ``bundle_of`` names the bundle that defined an object; ``layer_of`` gives each file's layer,
    counted from 0 for the lowest; ``labels`` are the labels documents in layer order;
    ``customizable`` is what each bundle lets later ones change, as its ``bundle.yaml`` has it.
    """

    objects: dict[str, dict[str, YamlMap]] = field(default_factory=dict)
    bundle_of: dict[tuple[str, str], str] = field(default_factory=dict)
    layer_of: dict[str, int] = field(default_factory=dict)
    labels: list[Document] = field(default_factory=list)
    unreadable: set[tuple[str, str]] = field(default_factory=set)
    bundle_of_layer: list[str] = field(default_factory=list)
    customizable: dict[str, Any] = field(default_factory=dict)

    def of_kind(self, kind: str) -> dict[str, YamlMap]:
        """Return ``{name: content}`` of one document kind."""
        return self.objects.setdefault(kind, {})

    def bundle_at(self, mark: Mark, default: str = "") -> str:
        """Return the bundle whose file holds a mark."""
        layer = self.layer_of.get(mark.file)
        return default if layer is None else self.bundle_of_layer[layer]


def merge_bundles(bundles: tuple[LoadedBundle, ...], diagnostics: Diagnostics) -> MetadataTree:
    """Return the layers as one tree; mistakes between them go to ``diagnostics``.

    Args:
        bundles: Lowest layer first.
        diagnostics: Receives objects defined twice, extensions of nothing, names given twice.
    """
    tree = MetadataTree()
    for layer, bundle in enumerate(bundles):
        tree.bundle_of_layer.append(bundle.info.name)
        tree.customizable[bundle.info.name] = bundle.info.customizable
        for document in bundle.documents:
            tree.layer_of[document.content.mark.file] = layer
    defined_in = {
        (document.kind, document.name): bundle.info.name
        for bundle in bundles
        for document in bundle.documents
        if not document.is_extension
    }
    extended: set[tuple[str, str]] = set()
    for bundle in bundles:
        tree.unreadable |= bundle.unreadable
        for document in bundle.documents:
            if document.kind == "labels":
                tree.labels.append(document)
            elif not document.is_extension:
                _define(tree, document, diagnostics)
        for document in bundle.documents:
            if document.kind != "labels" and document.is_extension:
                if _extend(tree, document, defined_in, diagnostics):
                    extended.add((document.kind, document.name))
    for kind, name in sorted(extended):
        check_complete(tree.objects[kind][name], kind, diagnostics)
    return tree


def _define(tree: MetadataTree, document: Document, diagnostics: Diagnostics) -> None:
    objects = tree.of_kind(document.kind)
    if document.name in objects:
        other = objects[document.name].at("name")
        diagnostics.add(
            document.content.at("name", "name"), "bundle/duplicate-object",
            f'the {_spoken(document.kind)} "{document.name}" is already defined in {other}',
            f"to change it, write extends: {document.name} instead of name",
        )  # fmt: skip
        return
    content = copy_of(document.content)
    _drop_repeated(content, document.kind, diagnostics)
    objects[document.name] = content
    tree.bundle_of[document.kind, document.name] = document.bundle


def _extend(
    tree: MetadataTree,
    document: Document,
    defined_in: dict[tuple[str, str], str],
    diagnostics: Diagnostics,
) -> bool:
    target = tree.of_kind(document.kind).get(document.name)
    if target is None:
        if (document.kind, document.name) in tree.unreadable:
            return False
        later = defined_in.get((document.kind, document.name), "")
        hint = did_you_mean(document.name, tree.of_kind(document.kind))
        if later:
            hint = (
                f'bundle "{later}" defines it; '
                "name that bundle in requires or works_with of bundle.yaml"
            )
        diagnostics.add(
            document.content.at("extends", "extends"), "extension/unknown-object",
            f'there is no {_spoken(document.kind)} "{document.name}" to extend', hint,
        )  # fmt: skip
        return False
    content = copy_of(document.content)
    _drop_fixed(content, target, document, diagnostics)
    _drop_repeated(content, document.kind, diagnostics)
    owner = tree.bundle_of[document.kind, document.name]
    _drop_owners_keys(content, target, document, owner, tree, diagnostics)
    fields = _fields_of(tree, document.kind, target)
    merge = _Merge(document.kind, diagnostics, root=target, fields=fields)
    merge.maps(target, content, skip=_HEAD_KEYS)
    return True


def _drop_fixed(
    content: YamlMap, target: YamlMap, document: Document, diagnostics: Diagnostics
) -> None:
    """Report what an extension wants to change that makes the object what it is."""
    for key in FIXED_KEYS.get(document.kind, ()):
        if key in content and content[key] != target.get(key):
            diagnostics.add(
                content.at(key, key), "extension/fixed-key",
                f'the {key} of the {_spoken(document.kind)} "{document.name}" cannot change',
                f"define a {_spoken(document.kind)} of another name",
            )  # fmt: skip
            content.take_out(key)


def _drop_owners_keys(
    content: YamlMap,
    target: YamlMap,
    document: Document,
    owner: str,
    tree: MetadataTree,
    diagnostics: Diagnostics,
) -> None:
    """Report what only the bundle that defines an object or field may say of it."""

    def refuse(item: YamlMap, bundle: str, noun: str, name: str) -> None:
        if bundle == document.bundle:
            return
        if "customizable" in item:
            diagnostics.add(
                item.at_key("customizable"), "extension/not-customizable",
                f'the {noun} "{name}" belongs to bundle "{bundle}", which alone says what may be '
                "changed of it", "leave it out",
            )  # fmt: skip
            item.take_out("customizable")
        if "renamed_from" in item:
            diagnostics.add(
                item.at_key("renamed_from"), "renamed/elsewhere",
                f'the {noun} "{name}" belongs to bundle "{bundle}", which alone can rename it',
                "leave it out; to call it something else, give it another label",
            )  # fmt: skip
            item.take_out("renamed_from")

    refuse(content, owner, _spoken(document.kind), document.name)
    known = {item.get("name"): item for item in target.get("fields") or ()}
    for item in content.get("fields") or ():
        if item.get("name") in known:
            adder = tree.bundle_at(known[item["name"]].value_marks["name"], owner)
            refuse(item, adder, "field", item["name"])


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
            elif isinstance(value, YamlList) and key in NAMED_LISTS and _holds_maps(value):
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
            index = _index_of(key, target, identity)
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
        index = next((i for i, item in enumerate(target) if _name_of(key, item) == neighbour), None)
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
        names = _names_in(key, target)
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


def _fields_of(tree: MetadataTree, kind: str, content: YamlMap) -> dict[str, YamlMap]:
    """Return the fields of the entity that an object is, or is about, by name."""
    entities = tree.of_kind("entity")
    entity = content if kind == "entity" else entities.get(content.get("entity", ""), YamlMap())
    return {item["name"]: item for item in entity.get("fields") or () if "name" in item}


def identity_of(key: str, item: Any) -> Identity | None:
    """Return which key names an item of list ``key`` and the name, or None when nothing does."""
    if not isinstance(item, YamlMap):
        return None
    for naming in NAMED_LISTS[key][0]:
        if isinstance(item.get(naming), str):
            return naming, item[naming]
    return None


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


def _name_of(key: str, item: Any) -> str:
    identity = identity_of(key, item)
    return identity[1] if identity else ""


def _names_in(key: str, items: YamlList) -> list[str]:
    return [_name_of(key, item) for item in items]


def _index_of(key: str, items: YamlList, identity: Identity) -> int | None:
    return next((i for i, item in enumerate(items) if identity_of(key, item) == identity), None)


def _holds_maps(items: YamlList) -> bool:
    return any(isinstance(item, YamlMap) for item in items)


def _drop_repeated(content: YamlMap, kind: str, diagnostics: Diagnostics) -> None:
    """Report items of one list that bear the same name, and keep the first."""

    def look(value: Any, key: str) -> None:
        if isinstance(value, YamlMap):
            for inner_key, inner in value.items():
                if isinstance(inner, (YamlMap, YamlList)):
                    look(inner, inner_key)
        elif isinstance(value, YamlList) and key in NAMED_LISTS and _holds_maps(value):
            _drop_repeated_items(value, key, kind, diagnostics)
            for item in value:
                look(item, "")

    look(content, "")


def _drop_repeated_items(items: YamlList, key: str, kind: str, diagnostics: Diagnostics) -> None:
    seen: dict[Identity, YamlMap] = {}
    kept: list[tuple[Any, Mark]] = []
    for item, mark in items.marked():
        identity = identity_of(key, item)
        if identity is None:
            if key == "controls" and isinstance(item, YamlMap) and not item.damaged:
                diagnostics.add(
                    mark.location(), "form/control-kind", "the control does not say what it shows",
                    "give it one of field, subgrid, quick_view, panel",
                )  # fmt: skip
            items.is_damaged = True
            continue  # its shape was refused
        if identity in seen:
            noun = NAMED_LISTS[key][1]
            line = seen[identity].mark.line
            diagnostics.add(
                item.at(identity[0]), f"{kind}/duplicate-{noun}",
                f'the {noun} "{identity[1]}" is already in this list, in line {line}',
            )  # fmt: skip
            continue
        seen[identity] = item
        kept.append((item, mark))
    items[:] = [item for item, _ in kept]
    items.item_marks = [mark for _, mark in kept]


def _spoken(kind: str) -> str:
    return kind.replace("_", " ")
