"""``read_xml``: XML text → elements with their places, for texts that anybody may send.

Expat reads; whatever could make a short text large or reach outside of it is refused: document
types (and with them every entity that is not predefined), depth, numbers of elements and
attributes. The standard library's trees keep no places, so this one is made here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from xml.parsers import expat

from kartoteka.query.query_error import QueryError

MAX_CHARACTERS = 131_072
MAX_DEPTH = 60
MAX_ELEMENTS = 5_000
MAX_ATTRIBUTES = 40


@dataclass(frozen=True, slots=True)
class Element:
    """One element; ``line`` and ``column`` count from 1 and point at its ``<``."""

    name: str
    attributes: Mapping[str, str]
    children: tuple[Element, ...]
    text: str
    line: int
    column: int


@dataclass(slots=True)
class _Open:
    """An element whose end was not read yet."""

    name: str
    attributes: dict[str, str]
    line: int
    column: int
    children: list[Element] = field(default_factory=list)
    texts: list[str] = field(default_factory=list)


def read_xml(text: str, part: str) -> Element:
    """Return the root element of a text, which errors call ``part``.

    Raises:
        QueryError: The text is not well-formed, too long or too deep, or declares a document type.
    """
    if len(text) > MAX_CHARACTERS:
        raise QueryError(
            f"a text of {len(text)} characters is too long; at most {MAX_CHARACTERS} are read",
            part=part,
            line=1,
            column=1,
        )
    return _Reader(part).read(text)


class _Reader:
    """Builds the tree from what expat meets."""

    def __init__(self, part: str) -> None:
        self._part = part
        self._parser = expat.ParserCreate("utf-8")
        self._open: list[_Open] = []
        self._count = 0
        self._root: Element | None = None
        parser = self._parser
        parser.buffer_text = True
        parser.StartElementHandler = self._start
        parser.EndElementHandler = self._end
        parser.CharacterDataHandler = self._characters
        parser.StartDoctypeDeclHandler = self._document_type
        parser.EntityDeclHandler = self._document_type
        parser.ExternalEntityRefHandler = self._document_type

    def read(self, text: str) -> Element:
        try:
            self._parser.Parse(text.encode(), True)
        except UnicodeEncodeError as error:
            raise self._error(f"character {error.start + 1} is no character of Unicode") from None
        except expat.ExpatError as error:
            reason = expat.errors.messages.get(error.code, "this is not XML")
            raise QueryError(
                f"this is no well-formed XML: {reason}",
                part=self._part,
                line=error.lineno,
                column=error.offset + 1,
            ) from None
        assert self._root is not None
        return self._root

    def _start(self, name: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if len(self._open) >= MAX_DEPTH:
            raise self._error(f"more than {MAX_DEPTH} elements inside one another")
        if self._count > MAX_ELEMENTS:
            raise self._error(f"more than {MAX_ELEMENTS} elements")
        if len(attributes) > MAX_ATTRIBUTES:
            raise self._error(f"more than {MAX_ATTRIBUTES} attributes of one element")
        parser = self._parser
        self._open.append(
            _Open(name, attributes, parser.CurrentLineNumber, parser.CurrentColumnNumber + 1)
        )

    def _end(self, name: str) -> None:
        made = self._open.pop()
        element = Element(
            name,
            made.attributes,
            tuple(made.children),
            "".join(made.texts).strip(),
            made.line,
            made.column,
        )
        if self._open:
            self._open[-1].children.append(element)
        else:
            self._root = element

    def _characters(self, text: str) -> None:
        self._open[-1].texts.append(text)

    def _document_type(self, *_: object) -> int:
        raise self._error("a document type or an entity may not be declared here")

    def _error(self, message: str) -> QueryError:
        parser = self._parser
        return QueryError(
            message,
            part=self._part,
            line=parser.CurrentLineNumber,
            column=parser.CurrentColumnNumber + 1,
        )
