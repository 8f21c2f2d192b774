"""Node and Entry: a YAML document as it is written, with its comments and where things stand."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, Literal

Kind = Literal["scalar", "map", "list"]


@dataclass(slots=True)
class Entry:
    """A key with its value, or one item of a list (its ``key`` is empty).

    ``before`` are the comments on lines of their own above it ("" is an empty line), ``inside``
    those within it that have no better place than above it. ``comment`` stands behind it on its
    line, at ``comment_column`` (counted from 0). ``start`` and ``end`` are
    offsets into the text, from the key or dash to the last character of the value; -1 when the
    entry is not written anywhere yet; ``tail`` is where the last comment after its value's entries
    begins. ``column`` counts from 0.
    """

    value: Node
    key: str = ""
    before: list[str] = field(default_factory=list)
    inside: list[str] = field(default_factory=list)
    comment: str = ""
    comment_column: int = 0
    start: int = -1
    end: int = -1
    tail: int = -1
    column: int = 0

    @property
    def has_comments(self) -> bool:
        """Return whether a comment stands at the entry itself, not inside its value."""
        return bool(self.comment) or bool(self.inside) or any(self.before)


@dataclass(slots=True)
class Node:
    """A value: a plain one, or entries in order.

    ``value`` is what the project's reader makes of a plain one; ``written`` is how the source
    writes a number. ``after`` are the comments behind the last entry.
    """

    kind: Kind = "scalar"
    value: Any = None
    written: str = ""
    entries: list[Entry] = field(default_factory=list)
    after: list[str] = field(default_factory=list)
    is_flow: bool = False
    start: int = -1
    end: int = -1

    def entry(self, key: str) -> Entry | None:
        """Return a map's entry of a key."""
        return next((item for item in self.entries if item.key == key), None)

    def text(self, key: str) -> str:
        """Return the text that a map has at a key, or ""."""
        found = self.entry(key)
        value = found.value.value if found is not None else None
        return value if isinstance(value, str) else ""

    @property
    def column(self) -> int:
        """Return the column in which the entries stand; 0 when there are none."""
        return self.entries[0].column if self.entries else 0

    def inner_entries(self) -> Iterator[Entry]:
        """Yield every entry at any depth, in the order in which they stand."""
        for entry in self.entries:
            yield entry
            yield from entry.value.inner_entries()

    @property
    def holds_comments(self) -> bool:
        """Return whether a comment stands anywhere inside."""
        return any(self.after) or any(
            entry.has_comments or any(entry.value.after) for entry in self.inner_entries()
        )


@dataclass(slots=True)
class Source:
    """One document: ``head`` are the comments above its first key, ``text`` is what was read."""

    root: Node
    head: list[str]
    text: str


def node_of(value: Any) -> Node:
    """Return maps, lists and plain values as a node that is not written anywhere yet."""
    if isinstance(value, Node):
        return value
    if isinstance(value, dict):
        return Node("map", entries=[Entry(node_of(item), key) for key, item in value.items()])
    if isinstance(value, (list, tuple)):
        return Node("list", entries=[Entry(node_of(item)) for item in value])
    return Node("scalar", value)


def plain(node: Node) -> Any:
    """Return a node as maps, lists and plain values, without comments."""
    match node.kind:
        case "map":
            return {entry.key: plain(entry.value) for entry in node.entries}
        case "list":
            return [plain(entry.value) for entry in node.entries]
        case _:
            return node.value
