"""``storable``: texts that any of the databases can keep and compare."""

from __future__ import annotations

from kartoteka_runtime.storage.database import BadParameter


def storable(text: str) -> str:
    """Return the text as it is.

    Raises:
        BadParameter: It holds what no database keeps: NUL, or half of a character.
    """
    if "\0" in text:
        raise BadParameter("a text holds the character NUL")
    if not text.isascii():
        try:
            text.encode()
        except UnicodeEncodeError as error:
            raise BadParameter(str(error)) from error
    return text
