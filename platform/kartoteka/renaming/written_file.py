"""WrittenFile: a YAML file as characters, to be changed here and there and nowhere else."""

from __future__ import annotations

import re
from dataclasses import dataclass

import yaml
from yaml.events import (
    MappingEndEvent,
    MappingStartEvent,
    ScalarEvent,
    SequenceEndEvent,
    SequenceStartEvent,
)

from kartoteka.errors import KartotekaError
from kartoteka.loading.positioned import Mark

_WORD = re.compile(r"\w+", re.ASCII)
_ESCAPE = re.compile(r"\\(?:x..|u....|U........|.)", re.DOTALL)
_BYTE_ORDER_MARK = "\ufeff"


class CannotEdit(KartotekaError):
    """A name stands where it cannot be told from other characters; a person must change it."""


@dataclass(frozen=True, slots=True)
class Extent:
    """Where a scalar, map or list lies in the text; ``is_flow`` for ``{…}``, ``[…]``.

    ``value`` and ``style`` are a scalar's: what it means, and its quotes or ``|``, ``>``.
    """

    start: int
    end: int
    is_flow: bool = False
    value: str = ""
    style: str = ""


class WrittenFile:
    """The text of one file and the changes to be made to it."""

    def __init__(self, name: str, text: str) -> None:
        """Find out where everything lies; the file can be read as YAML."""
        self._name = name
        self._text = text
        self._scalars: dict[tuple[int, int], Extent] = {}
        self._holders: dict[tuple[int, int], Extent] = {}
        self._changes: dict[tuple[int, int], str] = {}
        self._read()

    @property
    def changed_text(self) -> str:
        """Return the text with all changes made."""
        text, done = [], 0
        for (start, end), new in sorted(self._changes.items()):
            text += [self._text[done:start], new]
            done = end
        return "".join(text) + self._text[done:]

    def scalar(self, mark: Mark) -> Extent:
        """Return the scalar that stands at a mark."""
        return self._scalars[mark.line, mark.column]

    def holder(self, mark: Mark) -> Extent:
        """Return the map or list that begins at a mark."""
        return self._holders[mark.line, mark.column]

    def replace_name(self, mark: Mark, offset: int, old: str, new: str) -> None:
        """Replace a name that begins ``offset`` characters into a scalar's value.

        Raises:
            CannotEdit: Escapes make it impossible to tell where it stands.
        """
        start = self._place(self.scalar(mark), offset)
        if start < 0 or self._text[start : start + len(old)] != old:
            place = mark.location()
            raise CannotEdit(
                f'{place}: "{old}" stands in a text with escapes and cannot be changed there; '
                "write the text without them"
            )
        self.replace(start, start + len(old), new)

    def replace(self, start: int, end: int, new: str) -> None:
        """Replace what lies between two places, counted in characters."""
        self._changes[start, end] = new

    def insert_line_after(self, index: int, line: str) -> None:
        """Put a line behind the one that holds the character at ``index``."""
        end = self._text.find("\n", index)
        breaks = "\r\n" if "\r\n" in self._text else "\n"
        if end < 0:
            self.replace(len(self._text), len(self._text), breaks + line)
        else:
            self.replace(end + 1, end + 1, line + breaks)

    def remove_line(self, index: int) -> None:
        """Take out the line that holds the character at ``index``."""
        end = self._text.find("\n", index)
        start = self._text.rfind("\n", 0, index) + 1
        self.replace(start, len(self._text) if end < 0 else end + 1, "")

    def _read(self) -> None:
        shift = int(self._text.startswith(_BYTE_ORDER_MARK))
        open_at: list[tuple[tuple[int, int], int, bool]] = []
        parser = yaml.CSafeLoader(self._text[shift:])
        try:
            while parser.check_event():
                event = parser.get_event()
                assert event is not None
                start, end = event.start_mark, event.end_mark
                assert start is not None and end is not None
                match event:
                    case ScalarEvent():
                        found = Extent(
                            start.index + shift, end.index + shift,
                            value=event.value, style=event.style or "",
                        )  # fmt: skip
                        self._scalars[start.line + 1, start.column + 1] = found
                    case MappingStartEvent() | SequenceStartEvent():
                        place = start.line + 1, start.column + 1
                        open_at.append((place, start.index + shift, bool(event.flow_style)))
                    case MappingEndEvent() | SequenceEndEvent():
                        place, begin, is_flow = open_at.pop()
                        self._holders[place] = Extent(begin, end.index + shift, is_flow)
        finally:
            parser.dispose()

    def _place(self, scalar: Extent, offset: int) -> int:
        """Return where in the text the value's character at ``offset`` is written, else -1.

        Names are made of word characters, and these are the same in a value and as it is written,
        word by word; what lies between them (quotes, line breaks, indentation) may differ.
        """
        written = self._text[scalar.start : scalar.end]
        if scalar.style == '"':
            written = _ESCAPE.sub(lambda found: " " * len(found.group()), written)
        skipped = written.find("\n") if scalar.style in ("|", ">") else 0  # the block's header
        there = list(_WORD.finditer(written, max(skipped, 0)))
        here = list(_WORD.finditer(scalar.value))
        if [word.group() for word in there] != [word.group() for word in here]:
            return -1
        for word, same in zip(here, there, strict=True):
            if word.start() <= offset < word.end():
                return scalar.start + same.start() + offset - word.start()
        return -1
