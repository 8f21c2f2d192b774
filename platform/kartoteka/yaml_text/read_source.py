"""YAML text → Source: the tree that the text writes down, each comment at what it is about.

The text must be one that ``kartoteka.loading.yaml_reader`` accepts. PyYAML says where each token
stands; between tokens there is nothing but space and comments, so no comment can be missed.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from dataclasses import dataclass
from typing import Any

import yaml
from yaml.events import MappingEndEvent, MappingStartEvent, ScalarEvent, SequenceEndEvent
from yaml.events import SequenceStartEvent as ListStartEvent
from yaml.tokens import BlockEntryToken, FlowEntryToken, ScalarToken, StreamEndToken

from kartoteka.loading.yaml_tree import plain_value
from kartoteka.yaml_text.source_tree import Entry, Kind, Node, Source

_BLOCK_HEADER = re.compile(r"[|>][-+0-9]*[ \t]+(#[^\n]*)")


def read_source(text: str) -> Source:
    """Return what a text writes down.

    Args:
        text: One document, a map, without byte order mark; ``read_yaml_bytes`` accepts it.

    Raises:
        yaml.YAMLError: It is not YAML.
    """
    tokens = _tokens(text)
    dashes = [token.start for token in tokens if token.is_dash]
    root = _Builder(text, dashes).build()
    source = Source(root, [], text)
    _Comments(source, tokens).attach()
    return source


@dataclass(frozen=True, slots=True)
class _Token:
    start: int
    end: int
    is_dash: bool = False
    is_comma: bool = False
    header_comment: str = ""


def _tokens(text: str) -> list[_Token]:
    found: list[_Token] = []
    for token in yaml.scan(text, Loader=yaml.CSafeLoader):
        start, end = token.start_mark.index, token.end_mark.index
        if start == end and not isinstance(token, StreamEndToken):
            continue
        header = ""
        if isinstance(token, ScalarToken) and token.style in ("|", ">"):
            end = _block_end(text, start, end)
            match = _BLOCK_HEADER.match(text, start)
            header = match[1].rstrip() if match else ""
        found.append(
            _Token(
                start, end, isinstance(token, BlockEntryToken), isinstance(token, FlowEntryToken),
                header,
            )
        )  # fmt: skip
    return found


def _block_end(text: str, start: int, end: int) -> int:
    """Return where the last line of a block scalar ends, without the empty lines behind it."""
    written = text[start:end]
    header = written.split("\n", 1)[0]
    if "+" in header.split("#", 1)[0]:
        return end - 1 if written.endswith("\n") else end
    return start + len(written.rstrip())


class _Builder:
    """Builds the tree from PyYAML's events."""

    def __init__(self, text: str, dashes: list[int]) -> None:
        self._text = text
        self._dashes = dashes
        self._events = iter(
            event
            for event in yaml.parse(text, Loader=yaml.CSafeLoader)
            if isinstance(
                event,
                (ScalarEvent, MappingStartEvent, MappingEndEvent, ListStartEvent, SequenceEndEvent),
            )
        )

    def build(self) -> Node:
        return self._node(next(self._events))

    def _node(self, event: Any) -> Node:
        if isinstance(event, ScalarEvent):
            return self._scalar(event)
        kind: Kind = "map" if isinstance(event, MappingStartEvent) else "list"
        node = Node(kind, is_flow=bool(event.flow_style), start=event.start_mark.index)
        inner: Any = next(self._events)
        while not isinstance(inner, (MappingEndEvent, SequenceEndEvent)):
            if kind == "map":
                value = self._node(next(self._events))
                end = inner.end_mark.index
                self._add(node, value, inner.value, inner.start_mark.index, end)
            else:
                value = self._node(inner)
                start = value.start
                if not node.is_flow:
                    start = self._dashes[bisect_right(self._dashes, value.start) - 1]
                self._add(node, value, "", start, start)
            inner = next(self._events)
        assert inner.end_mark is not None
        node.end = inner.end_mark.index
        if not node.is_flow and node.entries:
            node.start = node.entries[0].start
            node.end = max(entry.end for entry in node.entries)
        return node

    def _scalar(self, event: ScalarEvent) -> Node:
        assert event.start_mark is not None and event.end_mark is not None
        start, end = event.start_mark.index, event.end_mark.index
        if event.style in ("|", ">"):
            end = _block_end(self._text, start, end)
        value = event.value if event.style else plain_value(event.value)
        is_number = not isinstance(value, (str, bool)) and value is not None
        return Node("scalar", value, event.value if is_number else "", start=start, end=end)

    def _add(self, node: Node, value: Node, key: str, start: int, end: int) -> None:
        column = start - (self._text.rfind("\n", 0, start) + 1)
        node.entries.append(Entry(value, key, start=start, end=max(end, value.end), column=column))


class _Comments:
    """Gives each comment to the entry it is about."""

    def __init__(self, source: Source, tokens: list[_Token]) -> None:
        self._source = source
        self._text = source.text
        self._tokens = tokens
        self._entries = list(source.root.inner_entries())
        self._starts = [entry.start for entry in self._entries]

    def attach(self) -> None:
        end = 0
        previous: int = -1  # where the last token that is not a comma starts
        for token in self._tokens:
            self._gap(end, token, previous)
            if token.header_comment:
                self._behind(token.header_comment, token.start, self._header_column(token))
            end = token.end
            if not token.is_comma:
                previous = token.start

    def _header_column(self, token: _Token) -> int:
        line = self._text.rfind("\n", 0, token.start) + 1
        return self._text.index("#", token.start) - line

    def _gap(self, start: int, token: _Token, previous: int) -> None:
        gap = self._text[start : token.start]
        if "#" not in gap and gap.count("\n") < 2:
            return
        lines = gap.split("\n")
        at_line_start = start == 0 or self._text[start - 1] == "\n"
        if not at_line_start and (comment := lines[0].strip()):
            column = start - (self._text.rfind("\n", 0, start) + 1) + lines[0].index("#")
            self._behind(comment, previous, column)
        own = lines if at_line_start else lines[1:]
        offset = start if at_line_start else start + len(lines[0]) + 1
        self._own_lines([*own[:-1], *self._at_end(own)], offset, token, previous)

    def _at_end(self, lines: list[str]) -> list[str]:
        """Return the comment in the last line of a file that does not end its last line."""
        return [lines[-1]] if lines and "#" in lines[-1] else []

    def _behind(self, comment: str, previous: int, column: int) -> None:
        path = self._path_to(previous)
        if not path:
            self._source.head.append(comment)
            return
        entry = path[-1]
        if entry.comment:
            entry.inside.append(comment)
        else:
            entry.comment, entry.comment_column = comment, column

    def _own_lines(self, lines: list[str], offset: int, token: _Token, previous: int) -> None:
        if not lines:
            return
        following = self._entry_from(token)
        above = self._path_to(previous)
        closing = [self._source.root, *(entry.value for entry in above)]
        if following is not None:
            closing = [node for node in closing if node.entries and node.column > following.column]
        target: list[str] | None = None
        blank = False
        for line in lines:
            place, offset = offset, offset + len(line) + 1
            if not line.strip():
                blank = True
                continue
            column = len(line) - len(line.lstrip())
            fitting = [
                node for node in closing
                if node.entries and node.column <= column and not node.is_flow
            ]  # fmt: skip
            if not above:
                target = self._source.head
            elif fitting:
                target = fitting[-1].after
                closing = fitting
                _note_tail(above, fitting[-1], place)
            else:
                closing = []
                target = self._above(following, token)
            if blank:
                if following is None or target is not following.inside:
                    target.append("")
                blank = False
            target.append(line.strip())
        if blank and following is not None and above and following.start == token.start:
            following.before.append("")

    def _above(self, entry: Entry | None, token: _Token) -> list[str]:
        """Return where a comment goes that stands right before a token."""
        if entry is None:
            return self._source.root.after
        if entry.start == token.start:
            return entry.before
        return entry.value.after if entry.value.is_flow else entry.inside

    def _entry_from(self, token: _Token) -> Entry | None:
        """Return the entry that begins with a token, or that holds it; None at the end."""
        if token.start >= self._source.root.end:
            return None
        index = bisect_right(self._starts, token.start) - 1
        if index >= 0 and self._starts[index] == token.start:
            while index > 0 and self._starts[index - 1] == token.start:
                index -= 1  # the outermost of those that begin here
            return self._entries[index]
        path = self._path_to(token.start)
        return path[-1] if path else (self._entries[0] if self._entries else None)

    def _path_to(self, offset: int) -> list[Entry]:
        """Return the entries around an offset, outermost first."""
        path: list[Entry] = []
        node = self._source.root
        while offset >= 0 and node.entries:
            index = bisect_right(node.entries, offset, key=lambda entry: entry.start) - 1
            if index < 0 or not _holds(node.entries[index], offset):
                break
            path.append(node.entries[index])
            node = node.entries[index].value
        return path


def _note_tail(path: list[Entry], node: Node, place: int) -> None:
    """Remember in the entries around a node, and the one that has it, a comment at its end."""
    for index, entry in enumerate(path):
        if entry.value is node:
            for outer in path[: index + 1]:
                outer.tail = place
            return


def _holds(entry: Entry, offset: int) -> bool:
    return entry.start <= offset < entry.end or entry.start == offset
