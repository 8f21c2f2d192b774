"""YAML events → one positioned tree; what metadata never needs is refused on the way."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import yaml
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

from kartoteka.diagnostics import Diagnostics
from kartoteka.loading.positioned import Mark, YamlList, YamlMap

MAX_DEPTH = 40

_INTEGER = re.compile(r"[-+]?(0|[1-9][0-9]{0,29})\Z")
_DECIMAL = re.compile(r"[-+]?(0|[1-9][0-9]{0,29})\.[0-9]{1,30}([eE][-+]?[0-9]{1,2})?\Z")
_CONTROL_CHARACTER = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_PLAIN_WORDS = {"": None, "~": None, "null": None, "true": True, "false": False}


class Refused(Exception):
    """Reading stops: the code, message and hint of the diagnostic, and where it is."""

    def __init__(self, code: str, message: str, hint: str, line: int, column: int) -> None:
        """Keep what becomes a diagnostic."""
        super().__init__(code)
        self.code = code
        self.message = message
        self.hint = hint
        self.line = line
        self.column = column


class TreeBuilder:
    """Builds the tree of one file."""

    def __init__(self, file: str, diagnostics: Diagnostics) -> None:
        """Mark everything as standing in ``file``; duplicate keys go to ``diagnostics``."""
        self._file = file
        self._diagnostics = diagnostics
        self._root: Any = None
        self._root_mark = Mark(file, 1, 1)
        self._documents = 0
        # Open containers, and for each of them that is a map the key that awaits its value.
        self._open: list[YamlMap | YamlList] = []
        self._keys: list[tuple[str, Mark] | None] = []
        self._takers: dict[type[Event], Callable[[Any], None]] = {
            ScalarEvent: self._take_scalar,
            MappingStartEvent: self._begin,
            MappingEndEvent: self._end,
            SequenceStartEvent: self._begin,
            SequenceEndEvent: self._end,
            AliasEvent: self._take_alias,
            DocumentStartEvent: self._take_document,
        }

    def build(self, text: str) -> YamlMap:
        """Return the one document of a text.

        Raises:
            Refused: It is not a map, or holds what metadata may not hold.
            yaml.YAMLError: It is not YAML.
        """
        parser = yaml.CSafeLoader(text)
        try:
            while parser.check_event():
                event = parser.get_event()
                assert event is not None
                self._take(event)
        finally:
            parser.dispose()
        if self._documents == 0 or (self._root is None and not text.strip("-. \r\n")):
            hint = "it needs at least kind, format and name"
            raise Refused("yaml/empty", "the file holds no document", hint, 1, 1)
        if not isinstance(self._root, YamlMap):
            raise Refused(
                "yaml/not-a-map", "the document must be a map of keys",
                "it begins with kind, format and name",
                self._root_mark.line, self._root_mark.column,
            )  # fmt: skip
        return self._root

    def _take(self, event: Event) -> None:
        take = self._takers.get(type(event))
        if take is not None:
            take(event)

    def _take_alias(self, event: AliasEvent) -> None:
        name = _short(event.anchor or "")
        raise self._refused(
            event, "yaml/alias", f'the alias "*{name}" is not allowed', "write the value out"
        )

    def _take_document(self, event: DocumentStartEvent) -> None:
        self._documents += 1
        if self._documents > 1:
            raise self._refused(
                event, "yaml/many-documents", "a second document begins here",
                "metadata has one object a file",
            )  # fmt: skip

    def _take_scalar(self, event: ScalarEvent) -> None:
        self._check_plain(event)
        mark = self._mark(event)
        if self._awaits_key():
            self._keys[-1] = (event.value, mark)
            return
        if found := _CONTROL_CHARACTER.search(event.value):
            # Escapes bring them in; databases and pages have no place for them.
            character = f"U+{ord(found.group()):04X}"
            raise self._refused(
                event, "yaml/character", f"the character {character} is not allowed", "remove it"
            )
        self._add(event.value if event.style else plain_value(event.value), mark)

    def _begin(self, event: MappingStartEvent | SequenceStartEvent) -> None:
        self._check_plain(event)
        if len(self._open) >= MAX_DEPTH:
            raise self._refused(
                event, "yaml/too-deep", f"more than {MAX_DEPTH} levels are nested here"
            )
        if self._awaits_key():
            raise self._refused(
                event, "yaml/key", "a key must be a plain text, not a list or a map"
            )
        mark = self._mark(event)
        self._open.append(YamlMap(mark) if isinstance(event, MappingStartEvent) else YamlList(mark))
        self._keys.append(None)

    def _end(self, event: MappingEndEvent | SequenceEndEvent) -> None:
        self._keys.pop()
        value = self._open.pop()
        self._add(value, value.mark)

    def _awaits_key(self) -> bool:
        return bool(self._open) and isinstance(self._open[-1], YamlMap) and self._keys[-1] is None

    def _add(self, value: Any, mark: Mark) -> None:
        if not self._open:
            self._root, self._root_mark = value, mark
            return
        parent = self._open[-1]
        if isinstance(parent, YamlList):
            parent.add(value, mark)
            return
        pending = self._keys[-1]
        assert pending is not None
        self._keys[-1] = None
        key, key_mark = pending
        if key not in parent:
            parent.put(key, value, key_mark=key_mark, value_mark=mark)
            return
        self._diagnostics.add(
            key_mark.location(), "yaml/duplicate-key",
            f'the key "{_short(key)}" is already set in line {parent.key_marks[key].line}',
            "keep one of the two",
        )  # fmt: skip

    def _check_plain(self, event: ScalarEvent | MappingStartEvent | SequenceStartEvent) -> None:
        if event.anchor is not None:
            raise self._refused(
                event, "yaml/anchor", f'the anchor "&{_short(event.anchor)}" is not allowed',
                "write values out where they are needed",
            )  # fmt: skip
        if event.tag is not None:
            tag = event.tag.replace("tag:yaml.org,2002:", "!!")
            raise self._refused(
                event, "yaml/tag", f'the tag "{_short(tag)}" is not allowed',
                "write the plain value; quote it when it should be text",
            )  # fmt: skip

    def _mark(self, event: Event) -> Mark:
        start, end = event.start_mark, event.end_mark
        assert start is not None and end is not None
        shift = 0
        if isinstance(event, ScalarEvent):
            if end.line != start.line or event.style in ("|", ">"):
                shift = -1
            elif event.style:
                shift = 1
        return Mark(self._file, start.line + 1, start.column + 1, shift)

    def _refused(self, event: Event, code: str, message: str, hint: str = "") -> Refused:
        mark = self._mark(event)
        return Refused(code, message, hint, mark.line, mark.column)


def plain_value(text: str) -> Any:
    """Return what an unquoted scalar means: nothing, true or false, a number, else text."""
    if text in _PLAIN_WORDS:
        return _PLAIN_WORDS[text]
    if _INTEGER.match(text):
        return int(text)
    if _DECIMAL.match(text):
        return Decimal(text)
    return text


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:59] + "…"
