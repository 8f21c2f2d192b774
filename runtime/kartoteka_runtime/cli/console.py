"""What the commands print: answers on standard output, everything else on standard error."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Sequence

from rich.console import Console
from rich.text import Text

from kartoteka.diagnostics import Diagnostic

_PIPED_WIDTH = 250  # columns of a table that no terminal limits

# Answers may be piped: they are never wrapped, and colored only on a terminal.
answers = Console(
    highlight=False, markup=False, emoji=False, soft_wrap=True,
    width=None if sys.stdout.isatty() else _PIPED_WIDTH,
)  # fmt: skip
remarks = Console(stderr=True, highlight=False, markup=False, emoji=False, soft_wrap=True)


def print_diagnostics(diagnostics: Sequence[Diagnostic]) -> None:
    """Print one diagnostic a line as ``file:line:column  code  message; hint``, then a summary."""
    for diagnostic in diagnostics:
        line = Text(str(diagnostic.location), style="bold")
        line.append(f"  {diagnostic.code}", style="cyan not bold")
        line.append(f"  {diagnostic.message}", style="not bold")
        if diagnostic.hint:
            line.append(f"; {diagnostic.hint}", style="green not bold")
        answers.print(line)
    remarks.print(_summary(diagnostics))


def print_error(message: str) -> None:
    """Print why a command did not do what it was asked."""
    remarks.print(Text("Error: ", style="bold red").append(message, style="not bold default"))


def counted(number: int, noun: str, plural: str = "") -> str:
    """Return ``1 entity`` or ``1,204 entities``."""
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def _summary(diagnostics: Sequence[Diagnostic]) -> Text:
    files = {diagnostic.location.file for diagnostic in diagnostics}
    problems, places = counted(len(diagnostics), "problem"), counted(len(files), "file")
    summary = Text(f"{problems} in {places}.", style="bold red")
    by_code = Counter(diagnostic.code for diagnostic in diagnostics)
    if len(diagnostics) > 5 and len(by_code) > 1:
        summary.append(" Most often:", style="not bold default")
        for code, number in by_code.most_common(3):
            summary.append(f" {code} ({number})", style="not bold cyan")
    return summary
