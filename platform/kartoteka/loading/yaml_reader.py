"""Safe YAML loader that keeps positions; only true/false are booleans (no/on/yes stay text).

Numbers are ``int`` or exact ``Decimal``; everything else is text. What metadata never needs and
what could do harm is refused: anchors and aliases, tags, several documents, depth, size.
"""

from __future__ import annotations

import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import yaml
from yaml.cyaml import CParser
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)
from yaml.reader import ReaderError

from kartoteka.diagnostics import Diagnostics
from kartoteka.loading.positioned import Mark, YamlList, YamlMap

MAX_BYTES = 1_000_000
MAX_DEPTH = 40

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,29})\Z")
_DECIMAL = re.compile(r"[-+]?(0|[1-9][0-9]{0,29})\.[0-9]{1,30}([eE][-+]?[0-9]{1,2})?\Z")
_CONTROL_CHARACTER = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_TABBED_INDENT = re.compile(r"[ ]*\t")


class _Refused(Exception):
    """Reading stops: the code, message and hint of the diagnostic, and where."""

    def __init__(self, code: str, message: str, hint: str, line: int, column: int) -> None:
        super().__init__(code)
        self.code = code
        self.message = message
        self.hint = hint
        self.line = line
        self.column = column


def read_yaml(path: Path, diagnostics: Diagnostics, *, shown_as: str) -> YamlMap | None:
    """Return the one document of a file, or None when it cannot be read at all.

    Args:
        path: The file.
        diagnostics: Receives every mistake; duplicate keys do not stop the reading, others do.
        shown_as: The file's name in diagnostics.
    """
    start = Mark(shown_as, 1, 1)
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            diagnostics.add(
                start.location(),
                "yaml/too-large",
                f"the file has {size:,} bytes, at most {MAX_BYTES:,} are read",
                "metadata has one object a file; split it",
            )
            return None
        data = path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        diagnostics.add(start.location(), "yaml/unreadable", f"the file cannot be read: {reason}")
        return None
    return read_yaml_bytes(data, diagnostics, shown_as=shown_as)


def read_yaml_bytes(data: bytes, diagnostics: Diagnostics, *, shown_as: str) -> YamlMap | None:
    """Return the one document in ``data``, or None when it cannot be read."""
    try:
        text = _decoded(data)
        document = _Builder(shown_as, diagnostics).build(text)
    except _Refused as refused:
        mark = Mark(shown_as, refused.line, refused.column)
        diagnostics.add(mark.location(), refused.code, refused.message, refused.hint)
        return None
    return document


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8-sig", "replace")
        line, column = _line_and_column(before, len(before))
        raise _Refused(
            "yaml/encoding",
            f"byte 0x{data[error.start]:02x} is not valid UTF-8",
            "save the file as UTF-8",
            line,
            column,
        ) from None


def _line_and_column(text: str, offset: int) -> tuple[int, int]:
    before = text[:offset]
    return before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1


class _Builder:
    """Builds the positioned tree from the parser's events."""

    def __init__(self, file: str, diagnostics: Diagnostics) -> None:
        self._file = file
        self._diagnostics = diagnostics

    def build(self, text: str) -> YamlMap:
        try:
            return self._document(CParser(text), text)
        except ReaderError as error:
            line, column = _line_and_column(text, error.position)
            character = error.character if isinstance(error.character, int) else 0
            raise _Refused(
                "yaml/character",
                f"the character U+{character:04X} is not allowed",
                "remove it",
                line,
                column,
            ) from None
        except yaml.MarkedYAMLError as error:
            raise self._syntax_error(error, text) from None

    def _syntax_error(self, error: yaml.MarkedYAMLError, text: str) -> _Refused:
        mark = error.problem_mark or error.context_mark
        line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
        lines = text.split("\n")
        if line <= len(lines) and _TABBED_INDENT.match(lines[line - 1]):
            column = lines[line - 1].index("\t") + 1
            return _Refused(
                "yaml/tab", "a tab stands in the indentation", "indent with spaces", line, column
            )
        problem = error.problem or error.context or "it is not YAML"
        while_doing = f" ({error.context})" if error.context and error.problem else ""
        return _Refused("yaml/syntax", f"{problem}{while_doing}", "", line, column)

    def _document(self, parser: CParser, text: str) -> YamlMap:
        root: Any = None
        seen_documents = 0
        # One entry for each open container; a mapping also keeps the key that awaits its value.
        stack: list[YamlMap | YamlList] = []
        keys: list[tuple[str, Mark] | None] = []
        while parser.check_event():
            event = parser.get_event()
            if isinstance(event, DocumentStartEvent):
                seen_documents += 1
                if seen_documents > 1:
                    raise self._refused(
                        event, "yaml/many-documents", "a second document begins here",
                        "metadata has one object a file",
                    )
                continue
            if isinstance(event, (MappingEndEvent, SequenceEndEvent)):
                value: Any = stack.pop()
                keys.pop()
                mark = value.mark
            elif isinstance(event, (MappingStartEvent, SequenceStartEvent)):
                self._check_plain(event)
                if len(stack) >= MAX_DEPTH:
                    raise self._refused(
                        event, "yaml/too-deep", f"more than {MAX_DEPTH} levels are nested here"
                    )
                if stack and isinstance(stack[-1], YamlMap) and keys[-1] is None:
                    raise self._refused(
                        event, "yaml/key", "a key must be a plain text, not a list or a map"
                    )
                mark = self._mark(event)
                is_map = isinstance(event, MappingStartEvent)
                stack.append(YamlMap(mark) if is_map else YamlList(mark))
                keys.append(None)
                continue
            elif isinstance(event, ScalarEvent):
                self._check_plain(event)
                mark = self._mark(event)
                if stack and isinstance(stack[-1], YamlMap) and keys[-1] is None:
                    keys[-1] = (event.value, mark)
                    continue
                self._check_characters(event)
                value = _scalar(event)
            elif isinstance(event, AliasEvent):
                raise self._refused(
                    event, "yaml/alias", f'the alias "*{event.anchor}" is not allowed',
                    "write the value out",
                )
            else:
                continue
            if not stack:
                root = value
                root_mark = mark
                continue
            parent = stack[-1]
            if isinstance(parent, YamlList):
                parent.add(value, mark)
                continue
            pending = keys[-1]
            assert pending is not None
            keys[-1] = None
            self._put(parent, pending, value, mark)
        if seen_documents == 0 or (root is None and not text.strip()):
            raise _Refused(
                "yaml/empty", "the file holds no document",
                "it needs at least kind, format and name", 1, 1,
            )
        if not isinstance(root, YamlMap):
            raise _Refused(
                "yaml/not-a-map", "the document must be a map of keys",
                "it begins with kind, format and name", root_mark.line, root_mark.column,
            )
        return root

    def _put(self, parent: YamlMap, pending: tuple[str, Mark], value: Any, mark: Mark) -> None:
        key, key_mark = pending
        if key in parent:
            first = parent.key_marks[key]
            self._diagnostics.add(
                key_mark.location(),
                "yaml/duplicate-key",
                f'the key "{_short(key)}" is already set in line {first.line}',
                "keep one of the two",
            )
            return
        parent.put(key, value, key_mark=key_mark, value_mark=mark)

    def _check_plain(self, event: ScalarEvent | MappingStartEvent | SequenceStartEvent) -> None:
        if event.anchor is not None:
            raise self._refused(
                event, "yaml/anchor", f'the anchor "&{event.anchor}" is not allowed',
                "write values out where they are needed",
            )
        if event.tag is not None:
            raise self._refused(
                event, "yaml/tag", f'the tag "{_short(event.tag)}" is not allowed',
                "write the plain value; quote it when it should be text",
            )

    def _check_characters(self, event: ScalarEvent) -> None:
        """Refuse what escapes bring in: databases and pages have no place for it."""
        if found := _CONTROL_CHARACTER.search(event.value):
            raise self._refused(
                event, "yaml/character",
                f"the character U+{ord(found.group()):04X} is not allowed", "remove it",
            )

    def _mark(self, event: Event) -> Mark:
        start = event.start_mark
        shift = 0
        if isinstance(event, ScalarEvent):
            if event.end_mark.line != start.line or event.style in ("|", ">"):
                shift = -1
            elif event.style:
                shift = 1
        return Mark(self._file, start.line + 1, start.column + 1, shift)

    def _refused(self, event: Event, code: str, message: str, hint: str = "") -> _Refused:
        start = event.start_mark
        return _Refused(code, message, hint, start.line + 1, start.column + 1)


def _scalar(event: ScalarEvent) -> Any:
    text: str = event.value
    if event.style:
        return text
    if text in ("", "null", "~"):
        return None
    if text == "true":
        return True
    if text == "false":
        return False
    if _INTEGER.match(text):
        return int(text)
    if _DECIMAL.match(text):
        return Decimal(text)
    return text


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:59] + "…"
