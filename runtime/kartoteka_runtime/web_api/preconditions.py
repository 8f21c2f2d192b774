"""``If-Match`` and ``If-None-Match``: what a request takes for granted of a record.

Source: reference web-api, section 4.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from kartoteka.errors import RecordInvalid, Violation
from kartoteka.model.entity import Entity
from kartoteka_runtime.validation.value_checks import shorten
from kartoteka_runtime.web_api.api_call import ApiCall
from kartoteka_runtime.web_api.api_errors import CallRefused

_TAG = re.compile(r'(?:W/)?"?([0-9]{1,100})"?')


@dataclass(frozen=True, slots=True)
class Preconditions:
    """What a write takes for granted.

    Attributes:
        exists: The record is there: nothing is created.
        is_absent: The record is not there: nothing is changed.
        version: The version that is stored, where one is said; then ``exists`` too.
    """

    exists: bool = False
    is_absent: bool = False
    version: int | None = None


NONE = Preconditions()


def preconditions(call: ApiCall, entity: Entity) -> Preconditions:
    """Return what the headers of a write take for granted.

    The word ``null`` means nothing, as some clients send it with every request.

    Raises:
        RecordInvalid: A header cannot be understood.
        CallRefused: No record can meet both headers.
    """
    match, none_match = call.header("if-match"), call.header("if-none-match")
    if match == "null":
        match = ""
    if none_match == "null":
        none_match = ""
    if not match and not none_match:
        return NONE
    if none_match and none_match != "*":
        raise _bad(entity, "If-None-Match", none_match)
    if match and none_match:
        raise CallRefused(400, "If-Match and If-None-Match do not go together.")
    if none_match:
        return Preconditions(is_absent=True)
    if match == "*":
        return Preconditions(exists=True)
    tag = _TAG.fullmatch(match.strip())
    if tag is None:
        raise _bad(entity, "If-Match", match)
    return Preconditions(exists=True, version=int(tag[1]))


def is_unchanged(call: ApiCall, tag: str | None) -> bool:
    """Return whether a reader has the version of a record already that ``tag`` tells."""
    known = call.header("if-none-match")
    if not known or known == "null" or tag is None:
        return False
    tags = (part.strip().removeprefix("W/") for part in known.split(","))
    return known == "*" or tag.removeprefix("W/") in tags


def _bad(entity: Entity, header: str, value: str) -> RecordInvalid:
    said = {"value": shorten(value)}
    return RecordInvalid(entity.name, [Violation(header, "violation.wrong_type", said)])
