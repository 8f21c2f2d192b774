"""Saved lists that a request names: ``savedQuery=`` a view, ``userQuery=`` a list of somebody's.

Source: reference web-api, section 5.
"""

from __future__ import annotations

from kartoteka.errors import RecordNotFound
from kartoteka.model.view import View
from kartoteka.names import did_you_mean
from kartoteka.query.fetch_xml import read_fetch
from kartoteka.query.query_error import QueryError
from kartoteka.query.saved_list import SavedList, list_of_fetch, list_of_view
from kartoteka_runtime.localization.codes import LANGUAGE_CODES
from kartoteka_runtime.validation.value_checks import Refused, compile_check
from kartoteka_runtime.web_api.list_request import ListRequest

PERSONAL = "userquery"  # the record type of lists that users save for themselves
_CODES = {name: code for code, name in LANGUAGE_CODES.items()}
_check_id = compile_check({"type": "string", "format": "uuid"})


def language_code(asked: ListRequest) -> int:
    """Return the number of the asker's language."""
    return _CODES.get(asked.principal.language, _CODES["en"])


def saved_view(name: str, asked: ListRequest) -> SavedList:
    """Return the view that a request names by its id or its logical name.

    Raises:
        QueryError: The entity has no such view.
    """
    return list_of_view(asked.registry, _view(name, asked))


async def personal_fetch(record_id: str, asked: ListRequest) -> str:
    """Return the FetchXML of somebody's list that the asker may read.

    Raises:
        QueryError: There is no such list, or it is one of other records.
    """
    name = asked.entity.name
    try:
        record = await asked.records.read_fields(PERSONAL, _check_id(record_id.strip("{}")))
    except (Refused, RecordNotFound):
        raise QueryError("there is no such saved list", part="userQuery") from None
    if record.get("returnedtypecode") != name:
        raise QueryError(f'this list is not one of "{name}"', part="userQuery")
    return str(record.get("fetchxml") or "")


def personal_list(text: str, asked: ListRequest) -> SavedList:
    """Return a list that somebody saved as FetchXML.

    Raises:
        QueryError: It cannot be read any more, or asks for other records than it says.
    """
    found = read_fetch(text, asked.registry, language=language_code(asked))
    if found.query.entity != asked.entity.name:
        message = f'the list asks for "{found.query.entity}", not "{asked.entity.name}"'
        raise QueryError(message, part="userQuery")
    if found.children:
        raise QueryError("rowaggregate is not worked out for saved lists", part="userQuery")
    return list_of_fetch(found)


def _view(name: str, asked: ListRequest) -> View:
    views = {view.name: view for view in asked.registry.views_of[asked.entity.name]}
    by_id = asked.records.model.view_names.get(name.strip("{}").lower(), "")
    found = views.get(by_id) or views.get(name)
    if found is None:
        raise QueryError(
            f'"{asked.entity.name}" has no view "{name[:60]}"',
            part="savedQuery",
            hint=did_you_mean(name, views),
        )
    return found
