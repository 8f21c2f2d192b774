"""JSON Schema of a field → a function that checks a value and returns it in record form.

Compiled once at publish. Each function takes JSON values and record values alike
(``"2031-05-06"`` and ``date(2031, 5, 6)``), since the endpoint, pages and plugins all come here.
"""

from __future__ import annotations

import math
import re
import unicodedata
import uuid
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, time
from decimal import ROUND_HALF_UP, Decimal, InvalidOperation
from typing import Any
from urllib.parse import urlsplit

from kartoteka.record_values import Party, Reference

Check = Callable[[Any], Any]

_EARLIEST = datetime(1753, 1, 1)  # Source: reference platform, section 1.5
_EMAIL = re.compile(r"[^@\s<>,;\"]{1,64}@[^@\s<>,;\"]{1,255}")
_PHONE = re.compile(r"[0-9+()\-./ #*,;xX]*(?:ext\.? ?[0-9]+)?[0-9 ]*")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
_LINE_BREAK = re.compile(r"[\r\n\x85\u2028\u2029]")


class Refused(Exception):
    """A value that a field does not take: the message key's last part and its parameters."""

    def __init__(self, rule: str, **params: Any) -> None:
        """Keep why."""
        self.rule = rule
        self.params = params
        super().__init__(rule)


def compile_check(schema: Mapping[str, Any]) -> Check:
    """Return the function that checks values against ``schema``.

    The function returns the value in record form, None for an empty one, and raises Refused.
    """
    if "enum" in schema:
        return _option_check(frozenset(schema["enum"]))
    if "x-reference" in schema:
        return _reference_check(tuple(schema["x-reference"]))
    if "x-parties" in schema:
        return _party_check(schema["maxItems"])
    kind = schema["type"]
    if kind == "array":
        return _options_check(frozenset(schema["items"]["enum"]), schema["maxItems"])
    if kind == "boolean":
        return _check_boolean
    if kind == "integer":
        return _integer_check(schema["minimum"], schema["maximum"])
    if kind == "number":
        if schema.get("x-float"):
            return _float_check(schema.get("minimum"), schema.get("maximum"))
        return _decimal_check(
            Decimal(schema["minimum"]), Decimal(schema["maximum"]), schema["x-scale"]
        )
    text_format = schema.get("format", "")
    if text_format == "uuid":
        return _check_file if "x-file" in schema else _check_id
    if text_format == "date":
        return _check_date
    if text_format == "date-time":
        return _check_instant if schema["x-zone"] else _check_local_time
    return _text_check(schema["maxLength"], text_format, bool(schema.get("x-multi-line")))


def shorten(value: Any) -> str:
    """Return a value as a message shows it: at most 80 characters."""
    text = str(value)
    return text if len(text) <= 80 else text[:79] + "…"


def _text_check(max_length: int, text_format: str, multi_line: bool) -> Check:
    def check(value: Any) -> str | None:
        if not isinstance(value, str):
            raise Refused("wrong_type", value=shorten(value))
        if not value.isascii():
            value = unicodedata.normalize("NFC", value)
        if multi_line:
            value = value.replace("\r\n", "\n")
        elif _LINE_BREAK.search(value):
            raise Refused("line_break")
        if _CONTROL.search(value):
            raise Refused("control_character")
        if not value.strip():
            return None
        if len(value) > max_length:
            raise Refused("too_long", max=max_length, length=len(value))
        try:
            value.encode()
        except UnicodeEncodeError:
            raise Refused("control_character") from None
        if text_format:
            value = value.strip()
            _FORMATS[text_format](value)
        return str(value)

    return check


def _check_email(value: str) -> None:
    if not _EMAIL.fullmatch(value) or "." not in value.rsplit("@", 1)[1].strip("."):
        raise Refused("not_an_email", value=shorten(value))


def _check_url(value: str) -> None:
    """Accept web addresses, with or without a scheme; a script is never an address."""
    try:
        parts = urlsplit(value if "://" in value else f"https://{value}")
        host = parts.hostname or ""
        known = parts.scheme in ("http", "https", "ftp") and ("." in host or host == "localhost")
        known = known and parts.port != 0  # asking for the port refuses what is none
    except ValueError:
        known = False
    if not known or re.search(r"\s", value):
        raise Refused("not_a_url", value=shorten(value))


def _check_phone(value: str) -> None:
    if not _PHONE.fullmatch(value) or not any(letter.isdigit() for letter in value):
        raise Refused("not_a_phone", value=shorten(value))


_FORMATS: dict[str, Callable[[str], None]] = {
    "email": _check_email,
    "uri": _check_url,
    "phone": _check_phone,
}


def _integer_check(low: int, high: int) -> Check:
    def check(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
            raise Refused("not_a_number", value=shorten(value))
        if not isinstance(value, int) and not Decimal(value).is_finite():
            raise Refused("not_a_number", value=shorten(value))
        if value < low:
            raise Refused("too_small", min=low)
        if value > high:
            raise Refused("too_large", max=high)
        if value != int(value):  # in range, so making it whole is quick
            raise Refused("not_a_number", value=shorten(value))
        return int(value)

    return check


def _decimal_check(low: Decimal, high: Decimal, scale: int) -> Check:
    unit = Decimal(1).scaleb(-scale)

    def check(value: Any) -> Decimal:
        if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
            raise Refused("not_a_number", value=shorten(value))
        number = Decimal(repr(value)) if isinstance(value, float) else Decimal(value)
        if not number.is_finite():
            raise Refused("not_a_number", value=shorten(value))
        if number < low:
            raise Refused("too_small", min=low)
        if number > high:
            raise Refused("too_large", max=high)
        try:
            rounded = number.quantize(unit, ROUND_HALF_UP)
        except InvalidOperation:
            raise Refused("too_large", max=high) from None
        if rounded != number:
            raise Refused("too_precise", precision=scale)
        return rounded

    return check


def _float_check(low: float | None, high: float | None) -> Check:
    def check(value: Any) -> float:
        if isinstance(value, bool) or not isinstance(value, (int, float, Decimal)):
            raise Refused("not_a_number", value=shorten(value))
        try:
            number = float(value)
        except (OverflowError, ValueError):
            raise Refused("not_a_number", value=shorten(value)) from None
        if not math.isfinite(number):
            raise Refused("not_a_number", value=shorten(value))
        if low is not None and number < low:
            raise Refused("too_small", min=low)
        if high is not None and number > high:
            raise Refused("too_large", max=high)
        return number

    return check


def _check_boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    if isinstance(value, int) and value in (0, 1):
        return bool(value)
    raise Refused("wrong_type", value=shorten(value))


def _option_check(values: frozenset[int]) -> Check:
    def check(value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int) or value not in values:
            raise Refused("not_an_option", value=shorten(value))
        return value

    return check


def _options_check(values: frozenset[int], most: int) -> Check:
    def check(value: Any) -> tuple[int, ...] | None:
        if isinstance(value, str):  # the wire form: "1,2"
            try:
                value = [int(part) for part in value.split(",") if part.strip()]
            except ValueError:
                raise Refused("not_an_option", value=shorten(value)) from None
        if not isinstance(value, (list, tuple, set, frozenset)):
            raise Refused("wrong_type", value=shorten(value))
        for item in value:
            if isinstance(item, bool) or not isinstance(item, int) or item not in values:
                raise Refused("not_an_option", value=shorten(item))
        if len(value) > most:
            raise Refused("too_many", max=most)
        return tuple(sorted(set(value))) or None

    return check


def _check_id(value: Any) -> str:
    if isinstance(value, uuid.UUID):
        return str(value)
    try:
        return str(uuid.UUID(value))
    except (ValueError, TypeError, AttributeError):
        raise Refused("not_found", value=shorten(value)) from None


def _check_file(value: Any) -> str:
    """Return the id of a stored file; the record service says whether it may stand there."""
    try:
        return _check_id(value)
    except Refused:
        raise Refused("file_elsewhere") from None


def _reference_check(targets: tuple[str, ...]) -> Check:
    def check(value: Any) -> Reference:
        if isinstance(value, Reference):
            if value.entity not in targets:
                raise Refused("wrong_entity", value=shorten(value.entity))
            return Reference(value.entity, _check_id(value.id), value.name)
        if len(targets) != 1:
            raise Refused("wrong_type", value=shorten(value))
        return Reference(targets[0], _check_id(value))

    return check


def _party_check(most: int) -> Check:
    def check(value: Any) -> tuple[Party, ...] | None:
        if not isinstance(value, (list, tuple)):
            raise Refused("wrong_type", value=shorten(value))
        if len(value) > most:
            raise Refused("too_many", max=most)
        parties = []
        for item in value:
            if isinstance(item, Reference):
                item = Party(item)
            if not isinstance(item, Party) or not (item.reference or item.address):
                raise Refused("wrong_type", value=shorten(item))
            parties.append(item)
        return tuple(parties) or None

    return check


def _check_date(value: Any) -> date:
    if isinstance(value, datetime):
        value = value.date()
    if isinstance(value, str):
        try:
            value = date.fromisoformat(value)
        except ValueError:
            raise Refused("not_a_date", value=shorten(value)) from None
    if not isinstance(value, date):
        raise Refused("not_a_date", value=shorten(value))
    if value < _EARLIEST.date():
        raise Refused("too_early", min=_EARLIEST.date())
    return value


def _check_instant(value: Any) -> datetime:
    moment = _parse_moment(value)
    if moment.tzinfo is None:
        moment = moment.replace(tzinfo=UTC)  # Source: reference platform, section 1.8
    try:
        moment = moment.astimezone(UTC).replace(microsecond=0)
    except OverflowError:
        raise Refused("not_a_date", value=shorten(value)) from None
    if moment < _EARLIEST.replace(tzinfo=UTC):
        raise Refused("too_early", min=_EARLIEST.date())
    return moment


def _check_local_time(value: Any) -> datetime:
    moment = _parse_moment(value).replace(tzinfo=None, microsecond=0)
    if moment < _EARLIEST:
        raise Refused("too_early", min=_EARLIEST.date())
    return moment


def _parse_moment(value: Any) -> datetime:
    if isinstance(value, str):
        try:
            return datetime.fromisoformat(value)
        except ValueError:
            raise Refused("not_a_date", value=shorten(value)) from None
    if isinstance(value, datetime):
        return value
    if isinstance(value, date):
        return datetime.combine(value, time())
    raise Refused("not_a_date", value=shorten(value))
