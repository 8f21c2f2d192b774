"""Errors of FetchXML at the place of an element, and what elements must and may say."""

from __future__ import annotations

from collections.abc import Collection

from kartoteka.names import did_you_mean
from kartoteka.query.query_error import QueryError
from kartoteka.query.xml_elements import Element

PART = "fetchXml"
_BOOLEANS = {"true": True, "1": True, "false": False, "0": False}


def fetch_error(element: Element, message: str, hint: str = "", code: str = "") -> QueryError:
    """Return an error that points at an element."""
    return QueryError(
        message, part=PART, line=element.line, column=element.column, hint=hint, code=code
    )


def attribute(element: Element, name: str) -> str:
    """Return an attribute that must be there.

    Raises:
        QueryError: It is not, or is empty.
    """
    value = element.attributes.get(name, "").strip()
    if not value:
        raise fetch_error(element, f'<{element.name}> needs the attribute "{name}"')
    return value


def is_set(element: Element, name: str) -> bool:
    """Return a yes/no attribute, no unless it is said."""
    text = element.attributes.get(name, "false").strip().lower()
    if text not in _BOOLEANS:
        raise fetch_error(element, f'{name}="{text[:40]}" is neither true nor false')
    return _BOOLEANS[text]


def whole(element: Element, name: str, *, least: int, most: int) -> int | None:
    """Return a number that an attribute says, None where it is not there."""
    text = element.attributes.get(name)
    if text is None:
        return None
    text = text.strip()
    if not (text.isascii() and text.isdigit() and len(text) < 12 and least <= int(text) <= most):
        raise fetch_error(element, f'{name}="{text[:40]}" is no number from {least} to {most}')
    return int(text)


def refuse_unknown(element: Element, known: Collection[str]) -> None:
    """Refuse attributes that an element does not have, and text between its children."""
    for name in element.attributes:
        if name not in known:
            shown = name[:60]
            raise fetch_error(
                element, f'<{element.name}> has no attribute "{shown}"', did_you_mean(name, known)
            )
    if element.text and element.name != "value":
        raise fetch_error(element, f"<{element.name}> holds text where none belongs")


def refuse_children(element: Element, known: Collection[str]) -> None:
    """Refuse elements that do not belong into another one."""
    for child in element.children:
        if child.name not in known:
            message = f"<{child.name[:60]}> does not belong into <{element.name}>"
            raise fetch_error(child, message, did_you_mean(child.name, known))
