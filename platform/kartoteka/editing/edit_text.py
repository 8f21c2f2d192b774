"""set_value and remove_value: one property of one document, everything else as it was written.

A path has a step for each map key and, in lists of named things, the name of the member:
``("fields", "name", "label", "en")``. The smallest part that has to change is written anew in
canonical form; every other byte of the text stays.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import yaml

from kartoteka.diagnostics import Diagnostics
from kartoteka.editing.edit_error import EditError
from kartoteka.editing.text_splices import (
    insert_entry,
    is_behind_dash,
    leave_out_entry,
    replace_scalar,
    rewrite_entry,
)
from kartoteka.loading.document_schemas import KINDS
from kartoteka.loading.named_lists import NAMED_LISTS
from kartoteka.loading.yaml_reader import read_yaml_bytes
from kartoteka.yaml_text.canonical_order import rank_of
from kartoteka.yaml_text.format_document import source_text
from kartoteka.yaml_text.read_source import read_source
from kartoteka.yaml_text.source_tree import Entry, Node, Source, node_of, plain

_BYTE_ORDER_MARK = "\ufeff"
_PLACING = ("after", "before")
# Lists whose members say something by being there; others of an extension change what they name.
_ADDING = frozenset({"columns", "controls", "entries", "privileges"})


def set_value(text: str, path: Sequence[str], value: Any) -> str:
    """Return ``text`` with ``value`` at ``path``; what is missing on the way is made.

    New keys are put where the canonical order has them, new members at the end of their list. In a
    document that defines its object, a member with ``after`` or ``before`` is put, or moved, there,
    and one with ``remove`` is taken out; in a document with ``extends`` these keys are written.

    Args:
        text: A metadata document.
        path: Map keys, and names of members in lists of named things.
        value: Maps, lists, texts, numbers, true or false.

    Raises:
        EditError: The text is no metadata document, or the path goes through a plain value.
    """
    return _edited(text, lambda source: _Editor(source).set(tuple(path), value))


def remove_value(text: str, path: Sequence[str]) -> str:
    """Return ``text`` without what is at ``path``, and without what only held it.

    Comments on lines of their own stay; one behind the removed value goes with it. A path that
    goes nowhere changes nothing.

    Raises:
        EditError: The text is no metadata document.
    """
    return _edited(text, lambda source: _Editor(source).remove(tuple(path)))


def value_at(text: str, path: Sequence[str]) -> Any:
    """Return what stands at a path, as maps, lists and plain values; None when nothing does.

    Raises:
        EditError: The text is no metadata document.
    """
    node: Node | None = _source(text).root
    key = ""
    for step in path:
        found = _find(node, key, step) if node is not None else None
        node = found.value if found is not None else None
        key = step
    return plain(node) if node is not None else None


def _edited(text: str, edit: Any) -> str:
    mark = _BYTE_ORDER_MARK if text.startswith(_BYTE_ORDER_MARK) else ""
    line_end = "\r\n" if "\r\n" in text else "\n"
    source = _source(text)
    edited: str = edit(source)
    if edited != source.text and not _means(edited, source.root):
        edited = source_text(source)  # an unusual layout; the whole document is written anew
    return mark + (edited.replace("\n", line_end) if line_end != "\n" else edited)


def _source(text: str) -> Source:
    text = text.removeprefix(_BYTE_ORDER_MARK).replace("\r\n", "\n").replace("\r", "\n")
    diagnostics = Diagnostics()
    content = read_yaml_bytes(text.encode("utf-8", "replace"), diagnostics, shown_as="the document")
    if content is None or len(diagnostics):
        raise EditError(f"it cannot be changed: {next(iter(diagnostics))}")
    if not isinstance(content.get("kind"), str) or content["kind"] not in KINDS:
        raise EditError("it cannot be changed: it does not say which kind of document it is")
    return read_source(text)


def _means(text: str, wanted: Node) -> bool:
    try:
        return bool(plain(read_source(text).root) == plain(wanted))
    except yaml.YAMLError:
        return False


def _find(node: Node, key: str, step: str) -> Entry | None:
    """Return the entry that a step goes to; in a list of named things by the member's name."""
    if node.kind == "map":
        return node.entry(step)
    for entry in node.entries:
        if _name_of(entry.value, key) == step:
            return entry
    return None


def _name_of(member: Node, key: str) -> str:
    if member.kind == "scalar":  # a bare field among controls or columns
        return (
            member.value if isinstance(member.value, str) and key in ("controls", "columns") else ""
        )
    naming = NAMED_LISTS.get(key, ((), ""))[0]
    return next((text for name in naming if (text := member.text(name))), "")


class _Editor:
    """Changes the tree and the text of one document together."""

    def __init__(self, source: Source) -> None:
        self._source = source
        self._kind = source.root.text("kind")
        self._is_extension = source.root.entry("extends") is not None

    def set(self, path: tuple[str, ...], value: Any) -> str:
        if not path:
            raise EditError("there is no path to set")
        trail = self._trail(path)
        if self._is_member(path) and isinstance(value, dict) and not self._is_extension:
            if value.get("remove") is True:
                return self.remove(path)
            return self._set_member(path, trail, dict(value))
        if len(trail) == len(path):
            return self._replace(trail, path, self._new(path, value))
        return self._insert(trail, path, value)

    def remove(self, path: tuple[str, ...]) -> str:
        trail = self._trail(path)
        if not path or len(trail) < len(path):
            return self._source.text
        depth = len(trail)
        while depth > 1 and self._holds_only(trail[depth - 2], trail[depth - 1], path, depth - 1):
            depth -= 1
        entry, holder = trail[depth - 1], self._holder(trail, depth - 1)
        above = trail[: depth - 1]
        if not self._is_in_flow(above) and not is_behind_dash(self._source, entry):
            return leave_out_entry(self._source, holder, entry)
        index = holder.entries.index(entry)
        holder.entries.remove(entry)
        if index < len(holder.entries):
            holder.entries[index].before[:0] = [*entry.before, *entry.inside]
        return self._rewritten(above, path)

    def _set_member(self, path: tuple[str, ...], trail: list[Entry], value: dict[str, Any]) -> str:
        place = [(key, value.pop(key)) for key in _PLACING if key in value]
        is_there = len(trail) == len(path)
        if not place:
            new = self._new(path, value)
            return self._replace(trail, path, new) if is_there else self._insert(trail, path, value)
        where, neighbour = place[0]
        if not is_there:
            return self._insert(trail, path, value, where=where, neighbour=neighbour)
        moved = trail[-1]
        holder = self._holder(trail, len(trail) - 1)
        if len(value) > 0:
            moved.value = self._new(path, {**_as_map(moved.value, path[-2]), **value})
        holder.entries.remove(moved)
        self._place(holder, moved, path[-2], where, neighbour)
        return self._rewritten(trail[:-1], path)

    def _place(self, holder: Node, entry: Entry, key: str, where: str, neighbour: str) -> int:
        """Put an entry beside a member of a list and return its place."""
        names = [_name_of(item.value, key) for item in holder.entries]
        if neighbour not in names:
            raise EditError(f'there is no {NAMED_LISTS[key][1]} "{neighbour}" to stand {where}')
        index = names.index(neighbour) + (where == "after")
        holder.entries.insert(index, entry)
        return index

    def _replace(self, trail: list[Entry], path: tuple[str, ...], new: Node) -> str:
        entry = trail[-1]
        old, entry.value = entry.value, new
        _keep_comments(old, new)
        if (
            old.kind == new.kind == "scalar"
            and old.value == new.value
            and (type(old.value) is type(new.value))
        ):
            return self._source.text
        edited = replace_scalar(self._source, old, new, in_flow=self._is_in_flow(trail[:-1]))
        return edited if edited is not None else self._rewritten(trail, path)

    def _insert(
        self, trail: list[Entry], path: tuple[str, ...], value: Any, *, where: str = "",
        neighbour: str = "",
    ) -> str:  # fmt: skip
        depth = len(trail)
        holder = self._holder(trail, depth)
        key = path[depth - 1] if depth else ""
        if holder.kind == "scalar":
            self._make_room(trail[-1], path, depth)
            holder = trail[-1].value
            made_room = True
        else:
            made_room = False
        step = path[depth]
        new = self._built(path, depth, value)
        if holder.kind == "list":
            if self._kind == "labels" or key not in NAMED_LISTS:
                raise EditError(f'"{key}" is a list without names: set it as a whole')
            entry = Entry(new)
            if where:
                index = self._place(holder, entry, key, where, neighbour)
            else:
                index = len(holder.entries)
                holder.entries.append(entry)
        else:
            entry = Entry(new, step)
            index = self._rank(holder, path[:depth], step)
            holder.entries.insert(index, entry)
        if made_room or self._is_in_flow(trail) or len(holder.entries) == 1:
            return self._rewritten(trail, path)
        return insert_entry(
            self._source, holder, index, key=key, is_root=not trail, kind=self._kind
        )

    def _make_room(self, entry: Entry, path: tuple[str, ...], depth: int) -> None:
        """Turn an empty value, or a bare field name, into what the next step can go into."""
        old = entry.value
        if old.value is None:
            is_list = path[depth - 1] in NAMED_LISTS and self._kind != "labels"
            entry.value = Node("list" if is_list else "map")
        elif not entry.key and isinstance(old.value, str) and depth >= 2:
            entry.value = node_of({"field": old.value})
        else:
            raise EditError(f'"{path[depth - 1]}" is a plain value and holds nothing')

    def _built(self, path: tuple[str, ...], depth: int, value: Any) -> Node:
        """Return what stands at ``path[depth]``, with everything that the path goes into."""
        inner = value
        for place in range(len(path) - 1, depth, -1):
            inner = self._named(path[: place + 1], inner)
            is_member = self._is_member(path[: place + 1])
            inner = [inner] if is_member else {path[place]: inner}
        return self._new(path[: depth + 1], inner)

    def _new(self, path: tuple[str, ...], value: Any) -> Node:
        node = node_of(self._named(path, value))
        self._sort(node, path)
        return node

    def _named(self, path: tuple[str, ...], value: Any) -> Any:
        """Return the value of a member with its name in it."""
        if not self._is_member(path) or not isinstance(value, dict):
            return value
        naming = NAMED_LISTS[path[-2]][0]
        return value if any(key in value for key in naming) else {naming[0]: path[-1], **value}

    def _sort(self, node: Node, path: tuple[str, ...]) -> None:
        if node.kind == "map":
            ranks = rank_of(self._kind, self._is_extension, path)
            if ranks:
                node.entries.sort(key=lambda entry: ranks.get(entry.key, len(ranks)))
        for entry in node.entries:
            self._sort(entry.value, (*path, entry.key or "-"))

    def _is_member(self, path: tuple[str, ...]) -> bool:
        """Return whether the last step of a path is the name of a member of a list."""
        is_member = False
        for index in range(1, len(path)):
            is_member = not is_member and path[index - 1] in NAMED_LISTS
        return is_member and len(path) > 1 and self._kind != "labels"

    def _rank(self, holder: Node, path: tuple[str, ...], key: str) -> int:
        """Return where among a map's entries a new key belongs; never before the first."""
        ranks = rank_of(self._kind, self._is_extension, path)
        place = ranks.get(key, len(ranks))
        index = len(holder.entries)
        if ranks:
            behind = [i for i, item in enumerate(holder.entries) if ranks.get(item.key, 0) <= place]
            index = behind[-1] + 1 if behind else 0
        return max(index, 1) if holder.entries else 0

    def _trail(self, path: tuple[str, ...]) -> list[Entry]:
        """Return the entries along a path as far as they are there."""
        trail: list[Entry] = []
        node, key = self._source.root, ""
        for step in path:
            if node.kind == "scalar" or (node.kind == "list" and key not in NAMED_LISTS):
                break
            found = _find(node, key, step)
            if found is None:
                break
            trail.append(found)
            node, key = found.value, step
        return trail

    def _holder(self, trail: list[Entry], depth: int) -> Node:
        """Return the map or list in which the entry at a depth of the trail stands."""
        return trail[depth - 1].value if depth else self._source.root

    def _holds_only(self, holder: Entry, held: Entry, path: tuple[str, ...], depth: int) -> bool:
        """Return whether an entry says nothing any more once what it holds is gone."""
        rest = [entry for entry in holder.value.entries if entry is not held]
        if not rest:
            return True
        if not (self._is_extension and self._is_member(path[:depth])):
            return False
        key = path[depth - 2]
        placing = {*NAMED_LISTS[key][0], *_PLACING}
        return key not in _ADDING and all(entry.key in placing for entry in rest)

    def _is_in_flow(self, trail: list[Entry]) -> bool:
        return self._source.root.is_flow or any(entry.value.is_flow for entry in trail)

    def _rewritten(self, trail: list[Entry], path: tuple[str, ...]) -> str:
        """Return the text with the innermost entry that stands in block style written anew."""
        depth = len(trail)
        while depth and (self._is_in_flow(trail[: depth - 1]) or trail[depth - 1].start < 0):
            depth -= 1
        if not depth:
            return source_text(self._source)
        holder = self._holder(trail, depth - 1)
        key = path[depth - 2] if depth > 1 else ""
        return rewrite_entry(self._source, holder, trail[depth - 1], key=key, is_root=depth == 1)


def _as_map(node: Node, key: str) -> dict[str, Any]:
    found = plain(node)
    return dict(found) if isinstance(found, dict) else {NAMED_LISTS[key][0][0]: found}


def _keep_comments(old: Node, new: Node) -> None:
    """Carry the comments of what is replaced over to what stays in it."""
    if old.kind != new.kind:
        return
    new.after = old.after
    known = {_mark_of(entry): entry for entry in old.entries}
    for entry in new.entries:
        before = known.get(_mark_of(entry))
        if before is not None:
            entry.before, entry.inside = before.before, before.inside
            entry.comment = before.comment
            entry.comment_column = before.comment_column
            _keep_comments(before.value, entry.value)


def _mark_of(entry: Entry) -> str:
    """Return what tells an entry from its neighbours: its key, or what names the member."""
    value = entry.value
    if entry.key or value.kind != "map":
        return entry.key or str(plain(value))
    return str(value.entries[0].value.value) if value.entries else ""
