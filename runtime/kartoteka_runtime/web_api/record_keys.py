"""Keys of records in addresses: the id, bare or named, and alternate keys.

Source: reference web-api, section 2.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any

from kartoteka.conditions.syntax import Operator
from kartoteka.conditions.typed import AllOf, Compared, TypedCondition
from kartoteka.errors import RecordInvalid, RecordNotFound, Violation
from kartoteka.model.entity import Entity
from kartoteka.model.field import Field
from kartoteka.query.of_view import path_of
from kartoteka.query.query import Query
from kartoteka.query.shown import raw_name
from kartoteka.record_values import Reference
from kartoteka_runtime.validation.value_checks import Refused, compile_check, shorten
from kartoteka_runtime.web_api.api_call import ApiCall
from kartoteka_runtime.web_api.api_errors import CallRefused, NoRecordOfKey
from kartoteka_runtime.web_api.resource_path import read_arguments, value_of_alias

BAD_KEY = "0x80060888"  # the code of a key that the record type does not have

_check_id = compile_check({"type": "string", "format": "uuid"})
_WHOLE = re.compile(r"-?[0-9]{1,19}")
_NUMBER = re.compile(r"-?[0-9]{1,30}(?:\.[0-9]{1,30})?")
_WORDS = {"true": True, "false": False}


@dataclass(frozen=True, slots=True)
class RecordKey:
    """What the parentheses behind an entity set say.

    Attributes:
        record_id: The id that they name; empty when they name an alternate key.
        values: The fields of the alternate key, as records hold them.
    """

    record_id: str = ""
    values: dict[str, Any] = field(default_factory=dict)


def primary_id_of(arguments: str) -> str:
    """Return the id that parentheses hold and nothing else, in its one spelling; or ""."""
    try:
        return str(_check_id(arguments.strip("{}")))
    except Refused:
        return ""


def read_key(call: ApiCall, entity: Entity, arguments: str) -> RecordKey:
    """Return what the parentheses behind an entity set say; ``@name`` is an alias's value.

    Raises:
        BadPath: They cannot be read.
        RecordNotFound: They hold one value that is no id.
        CallRefused: They name no key of the entity, a value that does not fit, or an alias that
            the query string does not give one value.
    """
    if record_id := primary_id_of(arguments):
        return RecordKey(record_id)
    said = _without_aliases(call, read_arguments(arguments))
    if len(said) == 1 and said[0][0] in ("", entity.primary_id):
        record_id = primary_id_of(_unquoted(said[0][1]))
        if not record_id:
            raise RecordNotFound(entity.name, shorten(said[0][1]))
        return RecordKey(record_id)
    if not said:
        raise RecordNotFound(entity.name, "")
    return RecordKey(values=_key_values(call, entity, said))


async def find_record(call: ApiCall, entity: Entity, key: RecordKey) -> str:
    """Return the id of the record that a key names; "" when an alternate key finds none."""
    if key.record_id:
        return key.record_id
    identity = path_of(call.registry, entity.name, entity.primary_id)
    terms = tuple(_equals(call, entity, name, value) for name, value in key.values.items())
    condition: TypedCondition = terms[0] if len(terms) == 1 else AllOf(terms)
    query = Query(entity.name, (identity,), condition, limit=1, with_labels=False)
    page = await call.records.query(query, limit=1)
    return str(page.rows[0][identity.key]) if page.rows else ""


async def record_id_of(call: ApiCall, entity: Entity, arguments: str) -> str:
    """Return the id of the record that the parentheses behind an entity set name.

    An id is not looked up: whoever reads or writes the record finds out whether it is there.

    Raises:
        BadPath: They cannot be read.
        NoRecordOfKey: No record has the alternate key.
        RecordNotFound: They hold one value that is no id.
        CallRefused: They name no key of the entity, or a value that does not fit.
    """
    key = read_key(call, entity, arguments)
    found = await find_record(call, entity, key)
    if not found:
        raise NoRecordOfKey(entity.name, shorten(arguments))
    return found


def keys_of(entity: Entity) -> tuple[frozenset[str], ...]:
    """Return the sets of fields that name one record: its alternate keys and unique fields."""
    keys = [frozenset(key.fields) for key in entity.keys]
    keys += [frozenset((item.name,)) for item in entity.fields if item.unique]
    return tuple(dict.fromkeys(keys))


def _without_aliases(
    call: ApiCall, said: tuple[tuple[str, str], ...]
) -> tuple[tuple[str, str], ...]:
    """Return arguments with the values that the query string gives in place of aliases."""
    if "@" not in "".join(text[:1] for _, text in said):
        return said
    values = call.request.query_params
    return tuple((name, value_of_alias(text, values.getlist(text))) for name, text in said)


def _key_values(call: ApiCall, entity: Entity, said: tuple[tuple[str, str], ...]) -> dict[str, Any]:
    """Return ``{field: value}`` of an alternate key."""
    names = {raw_name(item): item for item in entity.fields} | dict(entity.field_by_name)
    values: dict[str, Any] = {}
    for name, literal in said:
        item = names.get(name)
        if item is None or item.name in values:
            raise _no_such_key(entity, said)
        values[item.name] = _value(call, entity, item, literal)
    if frozenset(values) not in keys_of(entity):
        raise _no_such_key(entity, said)
    return values


def _no_such_key(entity: Entity, said: tuple[tuple[str, str], ...]) -> CallRefused:
    names = ", ".join(name or literal for name, literal in said)
    return CallRefused(400, f'"{shorten(names)}" is no key of "{entity.set_name}".', code=BAD_KEY)


def _value(call: ApiCall, entity: Entity, item: Field, literal: str) -> Any:
    """Return the literal of a key as records hold the value."""
    value = _read_literal(literal)
    if item.is_multi_target and isinstance(value, str):
        target = item.targets[0]  # the id alone decides: ids of two records are never the same
        value = Reference(target, value)
    validator = call.records.model.entities[entity.name].validator
    checked, violations = validator.check_values({item.name: value}, may_write_read_only=True)
    if item.is_calculated:
        violations = [Violation(item.name, "violation.calculated")]
    elif not violations and checked[item.name] is None:
        violations = [Violation(item.name, "violation.required")]
    if violations:
        raise RecordInvalid(entity.name, violations)
    return checked[item.name]


def _read_literal(text: str) -> Any:
    """Return a literal as JSON would hold it: a text in quotes, a number, a word, or as it is."""
    if text.startswith("'"):
        return _unquoted(text)
    if text in _WORDS:
        return _WORDS[text]
    if _WHOLE.fullmatch(text):
        return int(text)
    if _NUMBER.fullmatch(text):
        return Decimal(text)
    return None if text == "null" else text.strip("{}")


def _unquoted(text: str) -> str:
    """Return a text without the quotes around it, those inside no longer doubled."""
    if len(text) >= 2 and text[0] == text[-1] == "'":
        return text[1:-1].replace("''", "'")
    return text


def _equals(call: ApiCall, entity: Entity, name: str, value: Any) -> Compared:
    path = path_of(call.registry, entity.name, name)
    return Compared(path, Operator.EQ, value.id if isinstance(value, Reference) else value)
