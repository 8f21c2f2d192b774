"""Single properties of a definition in JSON, each of the type that it must have."""

from __future__ import annotations

import math
from collections.abc import Mapping
from decimal import Decimal
from typing import Any, TypeVar

from kartoteka.names import MAX_NAME_LENGTH, is_name
from kartoteka_runtime.validation.value_checks import shorten
from kartoteka_runtime.web_api.altering.refusals import bad

Body = Mapping[str, Any]
T = TypeVar("T")
_NAMESPACE = "Microsoft.Dynamics.CRM."


def text_of(body: Body, name: str) -> str:
    """Return a text; "" when it is left out or null."""
    value = body.get(name)
    if value is None:
        return ""
    if not isinstance(value, str):
        raise bad(f"{name} must be a text, not {shorten(value)}.")
    return value.strip()


def flag_of(body: Body, name: str) -> bool | None:
    """Return a yes or no, also one that stands in ``{"Value": …}``; None when it is left out."""
    value = body.get(name)
    if isinstance(value, dict):
        value = value.get("Value")
    if value is None or isinstance(value, bool):
        return value
    raise bad(f"{name} must be true or false, not {shorten(value)}.")


def whole_of(body: Body, name: str) -> int | None:
    """Return a whole number; None when it is left out."""
    value = body.get(name)
    if value is None:
        return None
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if type(value) is not int:
        raise bad(f"{name} must be a whole number, not {shorten(value)}.")
    return value


def number_of(body: Body, name: str) -> Decimal | None:
    """Return a number, exactly as it was written; None when it is left out."""
    value = body.get(name)
    if value is None:
        return None
    if type(value) not in (int, float) or not math.isfinite(value):
        raise bad(f"{name} must be a number, not {shorten(value)}.")
    exact = Decimal(repr(value))
    return Decimal(int(exact)) if exact == exact.to_integral_value() else exact


def part_of(body: Body, name: str) -> Body | None:
    """Return an object; None when it is left out."""
    value = body.get(name)
    if value is None:
        return None
    if not isinstance(value, dict):
        raise bad(f"{name} must be an object, not {shorten(value)}.")
    return value


def check_id(body: Body, identity: str) -> None:
    """Refuse a definition that says to be another one than that of its address."""
    said = text_of(body, "MetadataId").strip("{}").lower()
    if said and said != identity:
        raise bad(f"MetadataId cannot change: it is {identity}, not {shorten(said)}.")


def at_most(found: list[T], most: int, name: str) -> list[T]:
    """Return a list that is not too long."""
    if len(found) > most:
        raise bad(f"{name} has {len(found):,} items; at most {most:,} are taken at once.")
    return found


def parts_of(body: Body, name: str) -> list[Body]:
    """Return a list of objects; empty when it is left out."""
    value = body.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, dict) for item in value):
        raise bad(f"{name} must be a list of objects.")
    return value


def texts_of(body: Body, name: str) -> list[str]:
    """Return a list of texts; empty when it is left out."""
    value = body.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(isinstance(item, str) for item in value):
        raise bad(f"{name} must be a list of texts.")
    return [item.strip() for item in value]


def wholes_of(body: Body, name: str) -> list[int]:
    """Return a list of whole numbers; empty when it is left out."""
    value = body.get(name)
    if value is None:
        return []
    if not isinstance(value, list) or not all(type(item) is int for item in value):
        raise bad(f"{name} must be a list of whole numbers.")
    return value


def value_of(body: Body, name: str) -> str:
    """Return the text that stands in ``{"Value": "…"}``, or alone; "" when it is left out."""
    value = body.get(name)
    return text_of(value if isinstance(value, dict) else {"Value": value}, "Value")


def type_of(body: Body) -> str:
    """Return what ``@odata.type`` says, without namespace: ``StringAttributeMetadata``; or "".

    The types of ``CreateEntities`` have a ``Complex`` before their name, which goes as well.
    """
    said = text_of(body, "@odata.type").removeprefix("#").removeprefix(_NAMESPACE)
    return said.removeprefix("Complex")


def schema_name_of(body: Body, what: str, name: str = "SchemaName") -> tuple[str, str]:
    """Return the logical and the schema name of what is to be made.

    Raises:
        CallRefused: It has none, or one that cannot be a logical name.
    """
    schema_name = text_of(body, name)
    logical = schema_name.lower()
    if not schema_name:
        raise bad(f"{what} needs a {name}.")
    if not is_name(logical):
        raise bad(
            f'"{shorten(schema_name)}" cannot be the {name} of {what}: it takes letters, digits '
            f"and single underscores, a letter first, at most {MAX_NAME_LENGTH} in all."
        )
    said = text_of(body, "LogicalName")
    if said and said.lower() != logical:
        raise bad(f'LogicalName "{shorten(said)}" is not that of {name} "{schema_name}".')
    return logical, schema_name
