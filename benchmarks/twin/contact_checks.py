"""What a contact sent from outside must fulfil."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import date
from typing import Any

Check = Callable[[Any], bool]

_EMAIL = re.compile(r"[^@\s]{1,64}@[^@\s]+\.[^@\s]+")
_PHONE = re.compile(r"[0-9+()\-./ #*,;xX]*")


def problems(values: dict[str, Any], *, is_new: bool) -> list[str]:
    """Return what is wrong with the values, as sentences; empty when nothing is."""
    found = [f"{name} is unknown" for name in values if name not in _CHECKS]
    found += [
        f"{name} has a wrong value"
        for name, value in values.items()
        if value is not None and name in _CHECKS and not _CHECKS[name](value)
    ]
    if is_new and not values.get("lastname"):
        found.append("lastname is missing")
    return found


def _text(longest: int) -> Check:
    return lambda value: isinstance(value, str) and len(value) <= longest


def _matching(pattern: re.Pattern[str], longest: int) -> Check:
    return lambda value: (
        isinstance(value, str) and len(value) <= longest and pattern.fullmatch(value) is not None
    )


def _one_of(*options: int) -> Check:
    known = frozenset(options)
    return lambda value: value in known


def _is_date(value: Any) -> bool:
    try:
        date.fromisoformat(value)
    except (TypeError, ValueError):
        return False
    return True


def _is_yes_no(value: Any) -> bool:
    return isinstance(value, bool)


_CHECKS: dict[str, Check] = {
    "firstname": _text(50),
    "lastname": _text(50),
    "jobtitle": _text(100),
    "department": _text(100),
    "emailaddress1": _matching(_EMAIL, 100),
    "telephone1": _matching(_PHONE, 50),
    "mobilephone": _matching(_PHONE, 50),
    "address1_line1": _text(250),
    "address1_postalcode": _text(20),
    "address1_city": _text(80),
    "address1_country": _text(80),
    "gendercode": _one_of(1, 2),
    "preferredcontactmethodcode": _one_of(1, 2, 3, 4, 5),
    "birthdate": _is_date,
    "donotbulkemail": _is_yes_no,
    "description": _text(2000),
}
