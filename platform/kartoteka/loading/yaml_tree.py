"""YAML events → one positioned tree; what metadata never needs is refused on the way."""

from __future__ import annotations

import re
from collections.abc import Callable
from decimal import Decimal
from sys import intern
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
_NUMBERS_BEGIN = frozenset("+-0123456789")
_PLAIN_WORDS = {"": None, "~": None, "null": None, "true": True, "false": False}

_new_mark = tuple.__new__  # what Mark(…) does in the end, without the call around it


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
        self._documents = 0

    def build(self, text: str) -> YamlMap:
        """Return the one document of a text.

        Raises:
            Refused: It is not a map, or holds what metadata may not hold.
            yaml.YAMLError: It is not YAML.
        """
        parser = yaml.CSafeLoader(text)
        try:
            root, root_mark = self._built(parser.get_event)
        finally:
            parser.dispose()
        if self._documents == 0 or (root is None and not text.strip("-. \r\n")):
            hint = "it needs at least kind, format and name"
            raise Refused("yaml/empty", "the file holds no document", hint, 1, 1)
        if not isinstance(root, YamlMap):
            raise Refused(
                "yaml/not-a-map", "the document must be a map of keys",
                "it begins with kind, format and name", root_mark.line, root_mark.column,
            )  # fmt: skip
        return root

    def _built(self, next_event: Callable[[], Any]) -> tuple[Any, Mark]:
        """Return the root and its place.

        One loop with its state in local names: an app has a million events, and a call or two for
        each took longer than parsing them (with calls 3.9 s, without 1.3 s, parsing itself 1.2 s).
        """
        file = self._file
        root: Any = None
        root_mark = Mark(file, 1, 1)
        opened: list[tuple[Any, bool, str | None, Mark]] = []  # what is around ``current``
        current: Any = None
        is_map, key, key_mark = False, None, root_mark
        while (event := next_event()) is not None:
            kind = type(event)
            if kind is ScalarEvent:
                if event.anchor is not None or event.tag is not None:
                    raise self._not_plain(event)
                start, style = event.start_mark, event.style
                shift = 1 if style else 0
                if event.end_mark.line != start.line or style == "|" or style == ">":
                    shift = -1
                mark = _new_mark(Mark, (file, start.line + 1, start.column + 1, shift))
                value = event.value
                if is_map and key is None:
                    key, key_mark = intern(value), mark
                    continue
                # Printable text, which nearly all is, holds no control character.
                if not value.isprintable() and (found := _CONTROL_CHARACTER.search(value)):
                    raise self._control_character(event, found.group())
                if not style:
                    value = plain_value(value)
            elif kind is MappingEndEvent or kind is SequenceEndEvent:
                value, mark = current, current.mark
                current, is_map, key, key_mark = opened.pop()
            elif kind is MappingStartEvent or kind is SequenceStartEvent:
                mark = self._begin(event, len(opened), awaits_key=is_map and key is None)
                opened.append((current, is_map, key, key_mark))
                is_map, key = kind is MappingStartEvent, None
                current = YamlMap(mark) if is_map else YamlList(mark)
                continue
            else:
                self._take_other(event)
                continue
            if is_map:
                assert key is not None
                if key in current:
                    self._duplicate_key(current, key, key_mark)
                else:
                    current[key] = value
                    current.key_marks[key] = key_mark
                    current.value_marks[key] = mark
                key = None
            elif current is None:
                root, root_mark = value, mark
            else:
                current.append(value)
                current.item_marks.append(mark)
        return root, root_mark

    def _begin(self, event: Any, depth: int, *, awaits_key: bool) -> Mark:
        """Return the place where a map or list begins, when it may begin there."""
        if event.anchor is not None or event.tag is not None:
            raise self._not_plain(event)
        if depth >= MAX_DEPTH:
            raise self._refused(
                event, "yaml/too-deep", f"more than {MAX_DEPTH} levels are nested here"
            )
        if awaits_key:
            raise self._refused(
                event, "yaml/key", "a key must be a plain text, not a list or a map"
            )
        start = event.start_mark
        return _new_mark(Mark, (self._file, start.line + 1, start.column + 1, 0))

    def _take_other(self, event: Event) -> None:
        if isinstance(event, AliasEvent):
            name = _short(event.anchor or "")
            raise self._refused(
                event, "yaml/alias", f'the alias "*{name}" is not allowed', "write the value out"
            )
        if isinstance(event, DocumentStartEvent):
            self._documents += 1
            if self._documents > 1:
                raise self._refused(
                    event, "yaml/many-documents", "a second document begins here",
                    "metadata has one object a file",
                )  # fmt: skip

    def _duplicate_key(self, parent: YamlMap, key: str, mark: Mark) -> None:
        self._diagnostics.add(
            mark.location(), "yaml/duplicate-key",
            f'the key "{_short(key)}" is already set in line {parent.key_marks[key].line}',
            "keep one of the two",
        )  # fmt: skip

    def _not_plain(self, event: Any) -> Refused:
        if event.anchor is not None:
            return self._refused(
                event, "yaml/anchor", f'the anchor "&{_short(event.anchor)}" is not allowed',
                "write values out where they are needed",
            )  # fmt: skip
        tag = str(event.tag).replace("tag:yaml.org,2002:", "!!")
        return self._refused(
            event, "yaml/tag", f'the tag "{_short(tag)}" is not allowed',
            "write the plain value; quote it when it should be text",
        )  # fmt: skip

    def _control_character(self, event: Event, found: str) -> Refused:
        # Escapes bring them in; databases and pages have no place for them.
        character = f"U+{ord(found):04X}"
        return self._refused(
            event, "yaml/character", f"the character {character} is not allowed", "remove it"
        )

    def _refused(self, event: Any, code: str, message: str, hint: str = "") -> Refused:
        start = event.start_mark
        return Refused(code, message, hint, start.line + 1, start.column + 1)


def plain_value(text: str) -> Any:
    """Return what an unquoted scalar means: nothing, true or false, a number, else text."""
    if text in _PLAIN_WORDS:
        return _PLAIN_WORDS[text]
    if text[0] not in _NUMBERS_BEGIN:
        return text
    if _INTEGER.match(text):
        return int(text)
    if _DECIMAL.match(text):
        return Decimal(text)
    return text


def _short(text: str) -> str:
    return text if len(text) <= 60 else text[:59] + "…"
