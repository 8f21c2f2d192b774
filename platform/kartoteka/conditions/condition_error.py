"""ConditionError: what is wrong with the text of a condition, and at which character."""

from __future__ import annotations

from kartoteka.errors import KartotekaError


class ConditionError(KartotekaError):
    """A condition cannot be read, or does not fit the entity it is about.

    Attributes:
        message: What was found and what was expected.
        offset: Where in the text, in characters from 0; callers add where the text itself lies.
        hint: How to go on; empty when there is no better advice than the message.
    """

    def __init__(self, message: str, offset: int = 0, hint: str = "") -> None:
        """Keep the message, the place and the hint."""
        self.message = message
        self.offset = offset
        self.hint = hint
        super().__init__(f"{message}; {hint}" if hint else message)
