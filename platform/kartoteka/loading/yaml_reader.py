"""Safe YAML loader that keeps positions; only true/false are booleans (no/on/yes stay text).

Numbers are ``int`` or exact ``Decimal``; everything else is text. Anchors and aliases, tags,
several documents, depth and size beyond need are refused, each with a diagnostic.
"""

from __future__ import annotations

import re
from pathlib import Path

import yaml
from yaml.reader import ReaderError

from kartoteka.diagnostics import Diagnostics
from kartoteka.loading.positioned import Mark, YamlMap
from kartoteka.loading.yaml_tree import Refused, TreeBuilder

MAX_BYTES = 1_000_000

_TABBED_INDENT = re.compile(r"[ ]*\t")


def read_yaml(path: Path, diagnostics: Diagnostics, *, shown_as: str) -> YamlMap | None:
    """Return the one document of a file, or None when it cannot be read at all.

    Args:
        path: The file.
        diagnostics: Receives every mistake; duplicate keys do not stop the reading, others do.
        shown_as: The file's name in diagnostics.
    """
    data = file_bytes(path, diagnostics, shown_as=shown_as)
    return None if data is None else read_yaml_bytes(data, diagnostics, shown_as=shown_as)


def file_bytes(path: Path, diagnostics: Diagnostics, *, shown_as: str) -> bytes | None:
    """Return what a file holds, or None when it is too large or cannot be read."""
    place = Mark(shown_as, 1, 1).location()
    try:
        size = path.stat().st_size
        if size > MAX_BYTES:
            diagnostics.add(
                place, "yaml/too-large",
                f"the file has {size:,} bytes, at most {MAX_BYTES:,} are read",
                "metadata has one object a file; split it",
            )  # fmt: skip
            return None
        return path.read_bytes()
    except OSError as error:
        reason = error.strerror or type(error).__name__
        diagnostics.add(place, "yaml/unreadable", f"the file cannot be read: {reason}")
        return None


def read_yaml_bytes(data: bytes, diagnostics: Diagnostics, *, shown_as: str) -> YamlMap | None:
    """Return the one document in ``data``, or None when it cannot be read."""
    try:
        text = _decoded(data)
        try:
            return TreeBuilder(shown_as, diagnostics).build(text)
        except ReaderError as error:
            raise _character_refused(error, text) from None
        except yaml.MarkedYAMLError as error:
            raise _syntax_error(error, text) from None
    except Refused as refused:
        place = Mark(shown_as, refused.line, refused.column).location()
        diagnostics.add(place, refused.code, refused.message, refused.hint)
        return None


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = data[: error.start].decode("utf-8-sig", "replace")
        message = f"byte 0x{data[error.start]:02x} is not valid UTF-8"
        place = _line_and_column(before, len(before))
        raise Refused("yaml/encoding", message, "save the file as UTF-8", *place) from None


def _line_and_column(text: str, offset: int) -> tuple[int, int]:
    before = text[:offset]
    return before.count("\n") + 1, offset - (before.rfind("\n") + 1) + 1


def _character_refused(error: ReaderError, text: str) -> Refused:
    character = error.character if isinstance(error.character, int) else 0
    message = f"the character U+{character:04X} is not allowed"
    return Refused("yaml/character", message, "remove it", *_line_and_column(text, error.position))


def _syntax_error(error: yaml.MarkedYAMLError, text: str) -> Refused:
    mark = error.problem_mark or error.context_mark
    line, column = (mark.line + 1, mark.column + 1) if mark is not None else (1, 1)
    lines = text.split("\n")
    if line <= len(lines) and _TABBED_INDENT.match(lines[line - 1]):
        column = lines[line - 1].index("\t") + 1
        message = "a tab stands in the indentation"
        return Refused("yaml/tab", message, "indent with spaces", line, column)
    problem = error.problem or error.context or "it is not YAML"
    while_doing = f" ({error.context})" if error.context and error.problem else ""
    return Refused("yaml/syntax", f"{problem}{while_doing}", "", line, column)
