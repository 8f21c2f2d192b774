"""``sdkmessagefilters``: which messages an entity takes, for clients that look before they send.

There is no such record type: what is told here is worked out from the registry and the operations.
It takes ``$filter`` of ``eq``, ``ne``, ``and``, ``or`` and ``not``, and tells every column that it
has. Source: reference web-api, section 10.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from starlette.responses import Response

from kartoteka.conditions.condition_error import ConditionError
from kartoteka.conditions.parser import parse
from kartoteka.conditions.syntax import (
    And,
    Comparison,
    Condition,
    Literal,
    Not,
    Operator,
    Or,
    Path,
)
from kartoteka.errors import AccessDenied
from kartoteka.model.entity import Entity
from kartoteka.model.merging import is_mergeable
from kartoteka.plugin_api.operations import TO_COLLECTION, TO_RECORD
from kartoteka.query.query_error import QueryError
from kartoteka_runtime.known_ids import known_id
from kartoteka_runtime.validation.value_checks import shorten
from kartoteka_runtime.web_api.api_call import ApiCall
from kartoteka_runtime.web_api.api_errors import MethodNotTaken, NoSuchAddress
from kartoteka_runtime.web_api.operations.merge_operation import MERGE_OPERATION
from kartoteka_runtime.web_api.operations.offered import Operations
from kartoteka_runtime.web_api.serialize import to_json

MESSAGE_FILTERS = "sdkmessagefilters"
_OF_RECORDS = ("Create", "Retrieve", "RetrieveMultiple", "Update", "Upsert", "Delete")
_OPTIONS = ("$select", "$expand", "$filter", "$orderby", "$top", "$count")
_COLUMNS = {
    "sdkmessagefilterid", "primaryobjecttypecode", "_sdkmessageid_value", "sdkmessageid/name",
    "sdkmessageid/sdkmessageid",
}  # fmt: skip


class MessageFilters:
    """Answers lists of message filters."""

    def __init__(self, operations: Operations) -> None:
        """Tell what ``operations`` offer beside reads and writes."""
        self._operations = operations

    async def __call__(self, call: ApiCall) -> Response:
        """Answer a call.

        Raises:
            MethodNotTaken: It is no GET.
            QueryError: An option is unknown, or the filter asks for more than is told.
        """
        if len(call.segments) > 1 or call.segments[0].arguments is not None:
            raise NoSuchAddress(shorten(call.request.url.path))
        if call.method not in ("GET", "HEAD"):
            raise MethodNotTaken("GET")
        options = dict(call.request.query_params)
        for name in options:
            if name.startswith("$") and name not in _OPTIONS:
                raise QueryError("this set does not take it", part=name[:60])
        condition = _parsed(options.get("$filter", ""))
        access = await call.records.access()
        rows = []
        for entity in call.registry.entities.values():
            if not entity.set_name:
                continue
            try:
                access.require("read", entity)
            except AccessDenied:
                continue
            rows += [row for row in self._rows(call, entity) if _holds(condition, row)]
        top = options.get("$top", "")
        if top and not top.isdecimal():
            raise QueryError("a whole number is needed", part="$top")
        context = f"{call.root}$metadata#{MESSAGE_FILTERS}"
        body: dict[str, Any] = {"@odata.context": context}
        if options.get("$count") == "true":
            body["@odata.count"] = len(rows)
        body["value"] = [_told(row) for row in rows[: int(top[:9]) if top else None]]
        return Response(
            to_json(body), 200, {"OData-Version": "4.0"},
            media_type="application/json; odata.metadata=minimal",
        )  # fmt: skip

    def _rows(self, call: ApiCall, entity: Entity) -> Iterator[dict[str, str]]:
        names = dict.fromkeys(_OF_RECORDS)
        for operation in self._operations.all(call.registry):
            if operation.binding in (TO_COLLECTION, TO_RECORD):
                if operation.entity in ("", entity.name):
                    names[operation.name] = None
        if is_mergeable(entity):
            names[MERGE_OPERATION.operation.name] = None
        for name in names:
            message = known_id("sdkmessage", name)
            yield {
                "sdkmessagefilterid": known_id("sdkmessagefilter", f"{entity.name}/{name}"),
                "primaryobjecttypecode": entity.name,
                "_sdkmessageid_value": message,
                "sdkmessageid/name": name,
                "sdkmessageid/sdkmessageid": message,
            }


def _told(row: dict[str, str]) -> dict[str, Any]:
    told: dict[str, Any] = {name: value for name, value in row.items() if "/" not in name}
    message = {"sdkmessageid": row["_sdkmessageid_value"], "name": row["sdkmessageid/name"]}
    return told | {"sdkmessageid": message}


def _parsed(text: str) -> Condition | None:
    if not text.strip():
        return None
    try:
        return parse(text)
    except ConditionError as error:
        raise QueryError(str(error), part="$filter") from None


def _holds(condition: Condition | None, row: dict[str, str]) -> bool:
    match condition:
        case None:
            return True
        case And(terms):
            return all(_holds(term, row) for term in terms)
        case Or(terms):
            return any(_holds(term, row) for term in terms)
        case Not(term):
            return not _holds(term, row)
        case Comparison(Path() as path, operator, Literal(value=value)):
            if str(path) not in _COLUMNS:
                raise QueryError(f'there is no "{shorten(path)}"', part="$filter")
            is_same = row[str(path)].lower() == str(value).lower()
            if operator is Operator.EQ:
                return is_same
            if operator is Operator.NE:
                return not is_same
    raise QueryError("eq, ne, and, or and not are what this set takes", part="$filter")
