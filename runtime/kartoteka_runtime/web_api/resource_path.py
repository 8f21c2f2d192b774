"""Resource paths: what stands after the address of the API, in segments.

``accounts(1111…)/contact_customer_accounts(2222…)/$ref`` has three. Slashes, commas and parentheses
inside quoted text do not part anything. Source: reference web-api, section 2.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from kartoteka.query.query_error import QueryError

MOST_SEGMENTS = 16
NAMESPACE = "Microsoft.Dynamics.CRM."

_SIMPLE = re.compile(r"([A-Za-z0-9_$.]+)(?:\(([^()'/,\"{}\[\]=]*)\))?/?")
_OPENING, _CLOSING = "([{", ")]}"


class BadPath(QueryError):
    """The path of an address cannot be read."""


@dataclass(frozen=True, slots=True)
class Segment:
    """One part between slashes.

    Attributes:
        name: What stands before the parentheses: ``accounts``, ``$ref``, ``WhoAmI``.
        arguments: What stands between them, as it was written; None without parentheses.
    """

    name: str
    arguments: str | None = None

    @property
    def operation(self) -> str:
        """Return the name after ``Microsoft.Dynamics.CRM.``: of an operation or a type; or ""."""
        if not self.name.startswith(NAMESPACE):
            return ""
        return self.name[len(NAMESPACE) :]


def read_path(text: str) -> tuple[Segment, ...]:
    """Return the segments of a decoded path; none for an empty one.

    Raises:
        BadPath: Parentheses or quotes do not close, a part is empty, or there are too many.
    """
    simple = _SIMPLE.fullmatch(text)
    if simple is not None:
        return (Segment(simple[1], simple[2]),)
    parts = _split(text.removesuffix("/"), "/") if text.strip("/") else ()
    if len(parts) > MOST_SEGMENTS:
        raise BadPath(f"a path has at most {MOST_SEGMENTS} parts")
    return tuple(_segment(part) for part in parts)


def read_arguments(text: str) -> tuple[tuple[str, str], ...]:
    """Return the arguments of a segment as ``(name, literal as written)``.

    The name is empty where there is none: ``1111…``, ``'A''1'``. Of ``a='x',b=@p1`` it is ``a`` and
    ``b``.

    Raises:
        BadPath: A quote or a parenthesis does not close, or an argument is empty.
    """
    if not text.strip():
        return ()
    found = []
    for part in _split(text, ","):
        name, equals, value = part.partition("=")
        if not equals or not re.fullmatch(r"\s*[A-Za-z_][A-Za-z0-9_]*\s*", name):
            name, value = "", part
        if not value.strip():
            raise BadPath(f'"{part[:60]}" has no value')
        found.append((name.strip(), value.strip()))
    return tuple(found)


def value_of_alias(text: str, values: Sequence[str]) -> str:
    """Return what a query string gives for the alias ``text``; any other literal as it is.

    ``values`` are those of the options of that name.

    Raises:
        QueryError: It is not there, there twice, or more than one literal.
    """
    if not text.startswith("@"):
        return text
    found = [value.strip() for value in values]
    if len(found) != 1 or not found[0]:
        why = "is there twice" if len(found) > 1 else "has no value"
        raise QueryError(f"it {why}", part=text[:60], hint=f"one &{text[:60]}=… is needed")
    if len(_split(found[0], ",")) > 1:
        raise QueryError("it holds several values", part=text[:60])
    return found[0]


def _segment(part: str) -> Segment:
    name, opening, rest = part.partition("(")
    if not name:
        raise BadPath("a part of the path is empty")
    if not opening:
        return Segment(name)
    if not rest.endswith(")"):
        raise BadPath(f'"{part[:60]}" goes on after its parenthesis')
    return Segment(name, rest[:-1])


def _split(text: str, separator: str) -> list[str]:
    """Return what stands between separators that are in no quotes and no parentheses."""
    parts: list[str] = []
    open_ones: list[str] = []
    start, quote = 0, ""
    for at, sign in enumerate(text):
        if quote:
            if sign == quote:
                quote = ""
        elif sign == "'" or (sign == '"' and open_ones):
            quote = sign
        elif sign in _OPENING:
            open_ones.append(_CLOSING[_OPENING.index(sign)])
        elif sign in _CLOSING:
            if not open_ones or open_ones.pop() != sign:
                raise BadPath(f'"{sign}" at {at + 1} closes nothing')
        elif sign == separator and not open_ones:
            parts.append(text[start:at])
            start = at + 1
    if quote:
        raise BadPath("a quote does not close")
    if open_ones:
        raise BadPath(f'"{open_ones[-1]}" is missing')
    return [*parts, text[start:]]
