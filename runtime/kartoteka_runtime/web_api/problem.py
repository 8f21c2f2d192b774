"""Errors → statuses and OData error bodies: the one table for every endpoint."""

from __future__ import annotations

import logging
from collections.abc import Sequence

import orjson
from starlette.responses import Response

from kartoteka.errors import (
    AccessDenied,
    KartotekaError,
    RecordConflict,
    RecordInvalid,
    RecordNotFound,
    Violation,
)
from kartoteka.labels import LabelResolver
from kartoteka.model.entity import Entity
from kartoteka.model.label import Label
from kartoteka.query.aggregates import TOO_MANY_TO_AGGREGATE
from kartoteka.query.query_error import QueryError
from kartoteka.registry import Registry
from kartoteka_runtime.file_store.file_store import StoreUnavailable
from kartoteka_runtime.records.reading import TooManyRecords
from kartoteka_runtime.storage.database import (
    DatabaseBusy,
    DatabaseUnavailable,
    Overtaken,
    SchemaMoved,
    TookTooLong,
)
from kartoteka_runtime.web_api.api_errors import (
    CallRefused,
    MethodNotTaken,
    NoRecordOfKey,
    NoSuchAddress,
    SavedButMoved,
)
from kartoteka_runtime.web_api.resource_path import BadPath
from kartoteka_runtime.web_api.response_headers import SERVICE_REQUEST_ID, service_request_id
from kartoteka_runtime.web_api.serialize import to_json

_log = logging.getLogger(__name__)


class BodyTooLarge(RecordInvalid):
    """The body of a request is longer than this endpoint reads."""


BAD_PAYLOAD = "0x80048d19"
_CODES = {
    400: "0x80040203",
    401: "0x80048306",
    403: "0x80040220",
    404: "0x80040217",
    405: "0x80060888",
    412: "0x80060882",
    413: "0x80040203",
    406: "0x80060888",
    409: "0x80040237",
    415: "0x80048d19",
    424: "0x80040203",
    429: "0x80072322",
    501: "0x80040800",
    503: "0x80072322",
}
# Of what is wrong with a record, where there is a better one than that of the status.
_VIOLATION_CODES = {
    "violation.too_long": "0x80044331",
    "violation.not_json": BAD_PAYLOAD,
    "violation.not_base64": BAD_PAYLOAD,
    "violation.unknown_field": BAD_PAYLOAD,
    "violation.page_token": "0x80060888",
    "violation.already_linked": "0x80040237",
    "violation.referenced_by": "0x80040227",
    "violation.secured_create": "0x8004f502",
    "violation.secured_update": "0x8004f507",
}
# Of privileges that belong to no entity.
_DENIED_CODES = {"act_on_behalf": "0x8004a110"}
_TAKEN, _LINKED = "violation.not_unique", "violation.already_linked"
_MOVED = "0x80040216"
_SAME_ID, _SAME_KEY = "0x80040237", "0x80060892"
_BAD_QUERY = "0x80060888"
ENDED = "0x80044150"
OVERTAKEN = (
    "Another request was changing the same records, and the database ended this one for it. Read "
    "them, and send again what is still to be done."
)
TIMED_OUT = "0x80044151"
NO_SUCH_SEGMENT = "0x8006088a"


def problem(
    status: int, message: str, details: list[dict[str, str]] | None = None, *, code: str = ""
) -> Response:
    """Return an OData error body with its status; ``code`` instead of the usual one of it."""
    code = code or _CODES.get(status, "0x80040216")
    error: dict[str, object] = {"code": code, "message": message}
    if details:
        error["details"] = details
    headers = {"OData-Version": "4.0", SERVICE_REQUEST_ID: service_request_id()}
    if status == 401:
        headers["WWW-Authenticate"] = "Bearer"
    if status == 503:
        headers["Retry-After"] = "1"
    return Response(
        to_json({"error": error}),
        status,
        headers,
        media_type="application/json; odata.metadata=minimal",
    )


def unauthorized(code: str, labels: LabelResolver, language: str) -> Response:
    """Return the answer to who carries no token, or one that holds no more; ``code`` says why.

    Source: RFC 6750 section 3.
    """
    response = problem(401, labels.message(code, language))
    if code != "token.missing":
        response.headers["WWW-Authenticate"] = 'Bearer error="invalid_token"'
    return response


def problem_of(
    error: KartotekaError, registry: Registry, labels: LabelResolver, language: str
) -> Response:
    """Return the answer to an error that the record service raised."""
    response = _problem_of(error, registry, labels, language)
    return response if error.place is None else _of_one(response, f"Targets[{error.place}]")


def _of_one(response: Response, which: str) -> Response:
    """Return the answer with the one of several records said that it is about."""
    body = orjson.loads(response.body)
    found = body["error"]
    found["message"] = f"{which}: {found['message']}"
    for detail in found.get("details", ()):
        detail["target"] = f"{which}/{detail['target']}" if detail["target"] else which
    response.body = to_json(body)
    response.headers["Content-Length"] = str(len(response.body))
    return response


def _problem_of(
    error: KartotekaError, registry: Registry, labels: LabelResolver, language: str
) -> Response:
    match error:
        case RecordInvalid(entity=name, violations=violations):
            entity = registry.entities.get(name)
            details = [
                {
                    "code": violation.code,
                    "target": violation.field or "",
                    "message": violation_text(violation, entity, labels, language),
                }
                for violation in violations
            ]
            status = 413 if isinstance(error, BodyTooLarge) else _status_of(violations)
            text = " ".join(detail["message"] for detail in details)
            return problem(status, text, details, code=_code_of(violations, entity))
        case BadPath() | NoSuchAddress():
            return problem(
                404 if isinstance(error, NoSuchAddress) else 400, str(error), code=NO_SUCH_SEGMENT
            )
        case MethodNotTaken(allowed=allowed):
            response = problem(405, str(error))
            response.headers["Allow"] = allowed
            return response
        case CallRefused(status=status, code=code, headers=headers):
            response = problem(status, str(error), code=code)
            response.headers.update(headers)
            return response
        case QueryError(code=code):
            return problem(400, str(error), code=code or _BAD_QUERY)
        case TooManyRecords():
            return problem(400, str(error), code=TOO_MANY_TO_AGGREGATE)
        case NoRecordOfKey(code=code):
            return problem(404, str(error), code=code)
        case RecordNotFound():
            return problem(404, str(error))
        case RecordConflict():
            return problem(412, str(error))
        case AccessDenied(code=code, params=params):
            known = _DENIED_CODES.get(str(params.get("privilege", "")), "")
            return problem(403, labels.message(code, language, **params), code=known)
        case SavedButMoved():
            return problem(409, labels.message("error.saved_but_moved", language), code=_MOVED)
        case TookTooLong():
            return problem(400, str(error), code=TIMED_OUT)
        case Overtaken():
            return problem(409, OVERTAKEN, code=ENDED)
        case DatabaseBusy() | DatabaseUnavailable() | SchemaMoved() | StoreUnavailable():
            _log.warning("request not served: %s", error)
            return problem(503, labels.message("error.unavailable", language))
    return problem(400, str(error))


def _status_of(violations: Sequence[Violation]) -> int:
    """Return the status for what is wrong with a record. Source: reference web-api, 4 and 14."""
    codes = {violation.code for violation in violations}
    if codes in ({_TAKEN}, {_LINKED}):
        return 412
    if codes == {"violation.referenced_by"} and violations[0].params.get("entities"):
        return 405  # nothing was deleted: others depend on it
    return 400


def _code_of(violations: Sequence[Violation], entity: Entity | None) -> str:
    """Return the code of the first thing that is wrong; empty for that of the status."""
    if not violations:
        return ""
    first = violations[0]
    if first.code == _TAKEN:
        is_id = entity is not None and first.field == entity.primary_id
        return _SAME_ID if is_id else _SAME_KEY
    return _VIOLATION_CODES.get(first.code, "")


def violation_text(
    violation: Violation, entity: Entity | None, labels: LabelResolver, language: str
) -> str:
    """Return a violation as a sentence that names the field by its label."""
    params = {key: _shown(value, labels, language) for key, value in violation.params.items()}
    field = violation.field or ""
    if entity is not None and field in entity.field_by_name:
        field = labels.text(entity.field_by_name[field].label, language)
    return labels.message(violation.code, language, **{"field": field, **params})


def _shown(value: object, labels: LabelResolver, language: str) -> str:
    if isinstance(value, Label):
        return labels.text(value, language)
    if isinstance(value, tuple):
        return ", ".join(_shown(item, labels, language) for item in value)
    return str(value)
