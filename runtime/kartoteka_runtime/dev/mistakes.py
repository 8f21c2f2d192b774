"""Mistake: a diagnostic as people see it, with the lines of YAML around it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kartoteka.diagnostics import Diagnostic

_LINES_BEFORE, _LINES_AFTER = 3, 2
_LONGEST_LINE = 400
_TOO_BIG = 4 * 1024 * 1024  # bytes; of such a file no lines are shown
_ENDS = " \t,:[]{}\"'#"  # of what a caret points at


@dataclass(frozen=True, slots=True)
class SourceLine:
    """A line of a file; ``caret`` stands under the mistake, "" under other lines."""

    number: int
    text: str
    caret: str = ""


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong, where, and what the file says there; no lines when it cannot be read."""

    diagnostic: Diagnostic
    file: str
    lines: tuple[SourceLine, ...]

    @property
    def place(self) -> str:
        """Return ``file:line:column``."""
        location = self.diagnostic.location
        return f"{self.file}:{location.line}:{location.column}"


def with_lines(diagnostics: Sequence[Diagnostic], folder: Path) -> tuple[Mistake, ...]:
    """Return diagnostics with the lines around them; files are named from the app's folder."""
    texts: dict[str, Sequence[str]] = {}
    found = []
    for diagnostic in diagnostics:
        file = diagnostic.location.file
        if file not in texts:
            texts[file] = _lines_of(Path(file))
        lines = tuple(_around(diagnostic, texts[file]))
        found.append(Mistake(diagnostic, _shown(Path(file), folder), lines))
    return tuple(found)


def _around(diagnostic: Diagnostic, texts: Sequence[str]) -> list[SourceLine]:
    if not texts:
        return []
    line, column = diagnostic.location.line, diagnostic.location.column
    if line > len(texts):  # something is missing at the end
        line, column = len(texts), len(texts[-1]) + 1
    first, last = max(1, line - _LINES_BEFORE), min(len(texts), line + _LINES_AFTER)
    return [
        SourceLine(
            number,
            texts[number - 1][:_LONGEST_LINE],
            _caret(texts[number - 1], column) if number == line else "",
        )
        for number in range(first, last + 1)
    ]


def _caret(text: str, column: int) -> str:
    """Return marks under the word at a column, which counts from 1; tabs stay tabs."""
    start = min(column - 1, len(text), _LONGEST_LINE)
    end = start
    while end < min(len(text), _LONGEST_LINE) and text[end] not in _ENDS:
        end += 1
    before = "".join("\t" if sign == "\t" else " " for sign in text[:start])
    return before + "^" * max(1, end - start)


def _lines_of(path: Path) -> Sequence[str]:
    try:
        if path.stat().st_size > _TOO_BIG:
            return ()
        return path.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:  # gone, a folder, or not ours to read: the diagnostic says it
        return ()


def _shown(path: Path, folder: Path) -> str:
    resolved, folder = path.resolve(), folder.resolve()
    if resolved.is_relative_to(folder):
        return resolved.relative_to(folder).as_posix()
    return str(path)
