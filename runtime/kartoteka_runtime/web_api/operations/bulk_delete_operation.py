"""``BulkDelete``: a job that deletes what queries find. Source: reference web-api, section 10."""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any
from xml.sax.saxutils import quoteattr

from kartoteka.errors import AccessDenied
from kartoteka.plugin_api.operations import ApiOperation, ApiValue
from kartoteka.query.fetch_xml import read_fetch
from kartoteka_runtime.records.bulk_delete import (
    BULK_DELETE_JOB,
    MOST_IDS,
    arguments_of,
)
from kartoteka_runtime.validation.value_checks import Refused, compile_check, shorten
from kartoteka_runtime.web_api.api_errors import CallRefused
from kartoteka_runtime.web_api.operations.invocation import Invocation, OwnOperation
from kartoteka_runtime.web_api.record_address import BAD_PAYLOAD
from kartoteka_runtime.web_api.record_keys import primary_id_of

PRIVILEGE = "bulk_delete"
_MOST_LEVELS = 16
_MOST_QUERY = 200_000  # characters of all queries
_LONGEST_NAME = 400
_check_instant = compile_check({"type": "string", "format": "date-time", "x-zone": True})
_WORD = re.compile(r"[A-Za-z0-9_.]{1,120}")
_CAPITALS = re.compile(r"(?<=[a-z])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])")
# Operators of a QueryExpression that FetchXML calls otherwise than by their words.
_OPERATORS = {
    "Equal": "eq", "NotEqual": "ne", "GreaterThan": "gt", "GreaterEqual": "ge",
    "LessThan": "lt", "LessEqual": "le", "Contains": "like", "DoesNotContain": "not-like",
    "BeginsWith": "begins-with", "DoesNotBeginWith": "not-begin-with", "EndsWith": "ends-with",
    "DoesNotEndWith": "not-end-with", "EqualUserId": "eq-userid", "NotEqualUserId": "ne-userid",
    "EqualBusinessId": "eq-businessid", "NotEqualBusinessId": "ne-businessid",
    "Last7Days": "last-seven-days", "Next7Days": "next-seven-days",
}  # fmt: skip
_SUBSTRING = ("Contains", "DoesNotContain")
_IDS = ("In", "Equal")


async def bulk_delete(invocation: Invocation) -> Mapping[str, Any]:
    """Enqueue the job and return its id.

    Raises:
        AccessDenied: The caller has not the privilege for it.
        CallRefused: A query cannot be read.
        QueryError: A query does not fit the registry.
    """
    records, registry = invocation.records, invocation.call.registry
    if not (await records.access()).has(PRIVILEGE):
        raise AccessDenied("error.access_denied", {"privilege": PRIVILEGE})
    ids: dict[str, list[str]] = {}
    queries: list[str] = []
    parameters = invocation.parameters
    if parameters.get("RecurrencePattern"):
        raise _refused("RecurrencePattern: what recurs is not taken.")
    for place, said in enumerate(_list(parameters, "QuerySet", "BulkDelete")):
        path = f"QuerySet[{place}]"
        expression = _object(said, path)
        entity = _word(expression.get("EntityName"), f"{path}.EntityName")
        named = _ids(registry.entities.get(entity), expression)
        if named is not None and len(ids.keys() | {entity}) == 1:
            ids.setdefault(entity, []).extend(named)
        else:
            queries.append(_fetch(entity, expression, path))
            read_fetch(queries[-1], registry)  # what is wrong is told at once
        (await records.access()).require("delete", registry.entities[entity])
    of = next(iter(ids), "")
    wanted = list(dict.fromkeys(ids.get(of, ())))
    if len(wanted) > MOST_IDS or sum(map(len, queries)) > _MOST_QUERY:
        raise _refused(f"QuerySet: at most {MOST_IDS:,} ids are taken at once.")
    if not wanted and not queries:
        raise _refused("QuerySet holds no query.")
    name = str(parameters.get("JobName") or "")[:_LONGEST_NAME]
    caller = records.principal.on_behalf_of
    arguments = arguments_of(of, wanted, queries, caller) | {"name": name}
    start = _start(parameters.get("StartDateTime"))
    return {"JobId": await records.enqueue(BULK_DELETE_JOB, arguments, run_at=start)}


def _start(said: Any) -> datetime | None:
    if said is None:
        return None
    try:
        start: datetime = _check_instant(said)
    except Refused:
        raise _refused(f"StartDateTime: {shorten(said)} is no date and time.") from None
    return start


def _ids(entity: Any, expression: Mapping[str, Any]) -> list[str] | None:
    """Return the ids when a query names records by nothing else; None when it does."""
    criteria = expression.get("Criteria")
    if entity is None or not isinstance(criteria, dict) or expression.get("LinkEntities"):
        return None
    conditions = criteria.get("Conditions")
    if criteria.get("Filters") or not isinstance(conditions, list) or len(conditions) != 1:
        return None
    only = conditions[0]
    if not isinstance(only, dict) or only.get("AttributeName") != entity.primary_id:
        return None
    if only.get("Operator") not in _IDS or not isinstance(only.get("Values"), list):
        return None
    found = [primary_id_of(str(_value(value)).lower()) for value in only["Values"]]
    return found if all(found) else None


def _fetch(entity: str, expression: Mapping[str, Any], path: str) -> str:
    """Return a QueryExpression as FetchXML.

    Raises:
        CallRefused: It holds what cannot be said so here.
    """
    for part in ("LinkEntities", "TopCount", "SubQueryExpression"):
        if expression.get(part):
            raise _refused(f"{path}.{part} is not taken.")
    criteria = expression.get("Criteria") or {}
    filters = _filter(_object(criteria, f"{path}.Criteria"), f"{path}.Criteria", 1)
    return f"<fetch><entity name={quoteattr(entity)}>{filters}</entity></fetch>"


def _filter(criteria: Mapping[str, Any], path: str, level: int) -> str:
    if level > _MOST_LEVELS:
        raise _refused(f"{path}: there are more than {_MOST_LEVELS} levels of filters.")
    kind = str(criteria.get("FilterOperator") or "And").lower()
    if kind not in ("and", "or", "0", "1"):
        raise _refused(f"{path}.FilterOperator: {shorten(kind)} is neither And nor Or.")
    kind = {"0": "and", "1": "or"}.get(kind, kind)
    parts = []
    for place, said in enumerate(_list(criteria, "Conditions", path)):
        where = f"{path}.Conditions[{place}]"
        parts.append(_condition(_object(said, where), where))
    for place, said in enumerate(_list(criteria, "Filters", path)):
        where = f"{path}.Filters[{place}]"
        parts.append(_filter(_object(said, where), where, level + 1))
    return f"<filter type='{kind}'>{''.join(parts)}</filter>" if any(parts) else ""


def _condition(said: Mapping[str, Any], path: str) -> str:
    name = _word(said.get("AttributeName"), f"{path}.AttributeName")
    operator = _word(said.get("Operator"), f"{path}.Operator")
    values = [_value(value) for value in _list(said, "Values", path)]
    if operator in _SUBSTRING:
        values = [f"%{value}%" for value in values]
    word = _OPERATORS.get(operator) or _CAPITALS.sub("-", operator).lower()
    opening = f"<condition attribute={quoteattr(name)} operator={quoteattr(word)}"
    texts = [_attribute(value) for value in values]
    if word in ("in", "not-in", "between", "not-between"):
        inner = "".join(f"<value>{text[1:-1]}</value>" for text in texts)
        return f"{opening}>{inner}</condition>"
    return f"{opening} value={texts[0]}/>" if texts else f"{opening}/>"


def _attribute(value: Any) -> str:
    text = quoteattr(str(value).lower() if isinstance(value, bool) else str(value))
    return text if text[0] == '"' else '"' + text[1:-1].replace('"', "&quot;") + '"'


def _value(said: Any) -> Any:
    """Return a value, from an object that tells its type too."""
    value = said.get("Value") if isinstance(said, dict) else said
    return "" if value is None else value


def _list(said: Mapping[str, Any], name: str, path: str) -> list[Any]:
    found = said.get(name)
    if found is None:
        return []
    if not isinstance(found, list):
        raise _refused(f"{path}.{name}: a list is needed, {shorten(found)} was found.")
    return found


def _object(said: Any, path: str) -> Mapping[str, Any]:
    if not isinstance(said, dict):
        raise _refused(f"{path}: an object is needed, {shorten(said)} was found.")
    return said


def _word(said: Any, path: str) -> str:
    if not isinstance(said, str) or not _WORD.fullmatch(said):
        raise _refused(f"{path}: {shorten(said)} is no name.")
    return said


def _refused(message: str) -> CallRefused:
    return CallRefused(400, message, code=BAD_PAYLOAD)


_CONDITION = (
    ApiValue("AttributeName"),
    ApiValue("Operator"),
    ApiValue("Values", "object", is_list=True, is_optional=True, type_name="Object", members=(
        ApiValue("Value", is_optional=True), ApiValue("Type", is_optional=True),
    )),
)  # fmt: skip
_CRITERIA = (
    ApiValue("FilterOperator", is_optional=True),
    ApiValue(
        "Conditions", "object", members=_CONDITION, type_name="ConditionExpression",
        is_list=True, is_optional=True,
    ),
)  # fmt: skip
_QUERY = (
    ApiValue("EntityName"),
    ApiValue(
        "Criteria", "object", members=_CRITERIA, type_name="FilterExpression", is_optional=True
    ),
)
_PARAMETERS = (
    ApiValue("QuerySet", "object", members=_QUERY, type_name="QueryExpression", is_list=True),
    ApiValue("JobName", is_optional=True),
    ApiValue("SendEmailNotification", "yes_no", is_optional=True),
    ApiValue("ToRecipients", "reference", is_list=True, is_optional=True),
    ApiValue("CCRecipients", "reference", is_list=True, is_optional=True),
    ApiValue("RecurrencePattern", is_optional=True),
    ApiValue("StartDateTime", "date_time", is_optional=True),
    ApiValue("RunNow", "yes_no", is_optional=True),
    ApiValue("SourceImportId", "unique_id", is_optional=True),
)

BULK_DELETE_OPERATION = OwnOperation(
    ApiOperation(
        "BulkDelete",
        parameters=_PARAMETERS,
        result=(ApiValue("JobId", "unique_id"),),
    ),
    bulk_delete,
    reads_parameters=False,
)
