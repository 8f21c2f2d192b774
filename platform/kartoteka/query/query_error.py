"""QueryError: what is wrong with the text of a query, and where in it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from kartoteka.conditions.condition_error import ConditionError
from kartoteka.errors import KartotekaError


class QueryError(KartotekaError):
    """A query cannot be read, or does not fit the entity that it asks for.

    Attributes:
        message: What was found and what was expected.
        part: What the text is called where it came from (``$filter``, ``fetchXml``).
        line: Line in that text, from 1; 0 when no place is meant.
        column: Character in that line, from 1.
        hint: How to go on; empty when there is no better advice than the message.
        code: The code that clients of the Web API know this error by; empty for the general one.
    """

    def __init__(
        self,
        message: str,
        *,
        part: str = "",
        line: int = 0,
        column: int = 0,
        hint: str = "",
        code: str = "",
    ) -> None:
        """Keep what is wrong, and where."""
        self.message = message
        self.part = part
        self.line = line
        self.column = column
        self.hint = hint
        self.code = code
        place = f"{part} {line}:{column}".strip() if line else part
        said = f"{message}; {hint}" if hint else message
        super().__init__(f"{place}: {said}" if place else said)


@contextmanager
def told_at(part: str, text: str, start: int = 0) -> Iterator[None]:
    """Turn a condition's error into one of a query whose ``text`` holds the condition.

    ``start`` is where the condition begins in the text, in characters from 0.
    """
    try:
        yield
    except ConditionError as error:
        raise error_at(
            error.message, part=part, text=text, offset=start + error.offset, hint=error.hint
        ) from None


def error_at(message: str, *, part: str, text: str, offset: int, hint: str = "") -> QueryError:
    """Return an error that points at a character of a text."""
    before = text[: max(0, offset)]
    line = before.count("\n") + 1
    column = len(before) - (before.rfind("\n") + 1) + 1
    return QueryError(message, part=part, line=line, column=column, hint=hint)
