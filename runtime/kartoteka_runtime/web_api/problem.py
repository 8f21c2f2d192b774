"""Errors → statuses and OData error bodies: the one table for every endpoint."""

from __future__ import annotations

import logging

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
from kartoteka_runtime.records.reading import TooManyRecords
from kartoteka_runtime.storage.database import DatabaseBusy, DatabaseUnavailable, SchemaMoved
from kartoteka_runtime.web_api.api_errors import CallRefused, MethodNotTaken, NoSuchAddress
from kartoteka_runtime.web_api.resource_path import BadPath
from kartoteka_runtime.web_api.serialize import to_json

_log = logging.getLogger(__name__)


class BodyTooLarge(RecordInvalid):
    """The body of a request is longer than this endpoint reads."""


_CODES = {
    400: "0x80040203",
    401: "0x80048306",
    403: "0x80040220",
    404: "0x80040217",
    405: "0x80060888",
    412: "0x80060882",
    413: "0x80040203",
    429: "0x80072322",
    503: "0x80072322",
}
_BAD_QUERY = "0x80060888"
NO_SUCH_SEGMENT = "0x8006088a"


def problem(
    status: int, message: str, details: list[dict[str, str]] | None = None, *, code: str = ""
) -> Response:
    """Return an OData error body with its status; ``code`` instead of the usual one of it."""
    code = code or _CODES.get(status, "0x80040216")
    error: dict[str, object] = {"code": code, "message": message}
    if details:
        error["details"] = details
    headers = {"OData-Version": "4.0"}
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
            is_taken = {violation.code for violation in violations} == {"violation.not_unique"}
            status = 412 if is_taken else 400  # Source: reference web-api, section 4
            if isinstance(error, BodyTooLarge):
                status = 413
            return problem(status, " ".join(detail["message"] for detail in details), details)
        case BadPath() | NoSuchAddress():
            return problem(
                404 if isinstance(error, NoSuchAddress) else 400, str(error), code=NO_SUCH_SEGMENT
            )
        case MethodNotTaken(allowed=allowed):
            response = problem(405, str(error))
            response.headers["Allow"] = allowed
            return response
        case CallRefused(status=status, code=code):
            return problem(status, str(error), code=code)
        case QueryError(code=code):
            return problem(400, str(error), code=code or _BAD_QUERY)
        case TooManyRecords():
            return problem(400, str(error), code=TOO_MANY_TO_AGGREGATE)
        case RecordNotFound():
            return problem(404, str(error))
        case RecordConflict():
            return problem(412, str(error))
        case AccessDenied(code=code, params=params):
            return problem(403, labels.message(code, language, **params))
        case DatabaseBusy() | DatabaseUnavailable() | SchemaMoved():
            _log.warning("request not served: %s", error)
            return problem(503, labels.message("error.unavailable", language))
    return problem(400, str(error))


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
