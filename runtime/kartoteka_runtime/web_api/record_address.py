"""Addresses of records in bodies and parameters: ``@odata.id``, ``@odata.bind``, ``Target``.

Scheme and authority are never looked at: they are those of whoever stands before the server.
Source: reference web-api, sections 1 and 2.
"""

from __future__ import annotations

import re
from urllib.parse import unquote

from kartoteka.errors import RecordNotFound
from kartoteka.query.query_error import QueryError
from kartoteka.record_values import Reference
from kartoteka_runtime.validation.value_checks import shorten
from kartoteka_runtime.web_api.api_call import ApiCall
from kartoteka_runtime.web_api.api_errors import CallRefused, NoRecordOfKey
from kartoteka_runtime.web_api.record_keys import record_id_of
from kartoteka_runtime.web_api.resource_path import read_path

BAD_PAYLOAD = "0x80048d19"
NO_RECORD_OF_KEY = NoRecordOfKey.code

_MOST_CHARACTERS = 4_000
_BEFORE = re.compile(r"(?:[A-Za-z][A-Za-z0-9+.-]*://[^/?#]*)?(?:[^('?#]*/api/data/v[0-9.]+)?/*")
_CREATED = re.compile(r"\$([A-Za-z0-9_.-]{1,80})")


async def record_at(call: ApiCall, text: object) -> Reference:
    """Return the record that an address names.

    ``/accounts(…)``, ``accounts(…)``, an absolute URL of any origin, or ``$1`` in a change set; in
    the parentheses an id in any spelling, or an alternate key.

    Raises:
        CallRefused: It is no address of a record (400), or no record has the alternate key.
    """
    if not isinstance(text, str) or len(text) > _MOST_CHARACTERS:
        raise _refused(text)
    path = path_of_address(call, text)
    try:
        segments = read_path(path)
        entity = call.registry.entity_by_set_name.get(segments[0].name) if segments else None
        if entity is None or len(segments) != 1 or segments[0].arguments is None:
            raise _refused(text)
        record_id = await record_id_of(call, entity, segments[0].arguments)
    except NoRecordOfKey as error:
        raise CallRefused(400, str(error), code=NO_RECORD_OF_KEY) from None
    except (QueryError, RecordNotFound):
        raise _refused(text) from None
    return Reference(entity.name, record_id)


def path_of_address(call: ApiCall, text: str) -> str:
    """Return the path below the address of the API that an address names, decoded.

    Raises:
        CallRefused: It refers to a part of the change set that there is not, or not yet.
    """
    before = _BEFORE.match(text)
    path = unquote(text[before.end() :] if before is not None else text)
    created = _CREATED.match(path)
    if created is None:
        return path
    known = call.created.get(created[1])
    if known is None:
        raise CallRefused(
            400, f'"{shorten(text)}" refers to nothing that came before.', code=BAD_PAYLOAD
        )
    return known + path[created.end() :]


def _refused(text: object) -> CallRefused:
    return CallRefused(
        400, f'"{shorten(text)}" is no address of a record, as in "accounts(…)".', code=BAD_PAYLOAD
    )
