"""``RetrieveMetadataChanges``: definitions asked for with an ``EntityQueryExpression``.

The stamp of an answer is the number of the publication: who sends the current one as
``ClientVersionStamp`` is told that nothing changed, anybody else everything that the query names.
Source: reference web-api, section 12.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from decimal import Decimal
from typing import Any

import orjson
from starlette.responses import Response

from kartoteka.conditions.syntax import (
    And,
    Comparison,
    Condition,
    Literal,
    LiteralKind,
    LiteralValue,
    Membership,
    Not,
    Operator,
    Or,
    Path,
)
from kartoteka.query.query_error import QueryError
from kartoteka_runtime.web_api.api_call import ApiCall
from kartoteka_runtime.web_api.api_errors import MethodNotTaken, NoSuchAddress
from kartoteka_runtime.web_api.definitions.catalogue import Catalogue, catalogue_of
from kartoteka_runtime.web_api.definitions.definition import (
    NAMESPACE,
    Collection,
    LabelWriter,
)
from kartoteka_runtime.web_api.definitions.definition_query import Asked, list_written
from kartoteka_runtime.web_api.resource_path import read_arguments
from kartoteka_runtime.web_api.serialize import to_json

NAME = "RetrieveMetadataChanges"

_ALWAYS = ("MetadataId", "LogicalName", "HasChanged")
_QUERIES = {
    "Attributes": "AttributeQuery",
    "Keys": "KeyQuery",
    "OneToManyRelationships": "RelationshipQuery",
    "ManyToOneRelationships": "RelationshipQuery",
    "ManyToManyRelationships": "RelationshipQuery",
}
_OPERATORS = {
    "Equals": Operator.EQ,
    "NotEquals": Operator.NE,
    "GreaterThan": Operator.GT,
    "LessThan": Operator.LT,
}
_LISTS = {"In": True, "NotIn": False}
_MOST_DEPTH = 20
_PARAMETERS = frozenset(
    {"Query", "ClientVersionStamp", "DeletedMetadataFilters", "AppModuleId", "RetrieveAllSettings"}
)


class BadExpression(QueryError):
    """The query of a call cannot be read."""

    def __init__(self, message: str) -> None:
        """Keep what is wrong."""
        super().__init__(message, part="Query")


async def metadata_changes(call: ApiCall) -> Response:
    """Answer one call.

    Raises:
        QueryError: The query cannot be read.
    """
    if len(call.segments) > 1:
        raise NoSuchAddress(call.segments[1].name[:60])
    if call.method not in ("GET", "HEAD"):
        raise MethodNotTaken("GET")
    parameters = _parameters(call)
    catalogue = catalogue_of(call.records.model)
    stamp = parameters.get("ClientVersionStamp")
    query = parameters.get("Query")
    if query is not None and not isinstance(query, dict):
        raise BadExpression("expected an EntityQueryExpression")
    writer = _writer(catalogue, call, query or {})
    if stamp is not None and str(stamp) == str(catalogue.number):
        found: list[dict[str, Any]] = []
    else:
        found = await asyncio.to_thread(_found, catalogue, query or {}, writer)
    said = {
        "@odata.context": f"{call.root}$metadata#{NAMESPACE}{NAME}Response",
        "ServerVersionStamp": str(catalogue.number),
        "EntityMetadata": found,
        "DeletedMetadata": None,
    }
    return Response(
        to_json(said),
        200,
        {"OData-Version": "4.0"},
        media_type="application/json; odata.metadata=minimal",
    )


def _parameters(call: ApiCall) -> dict[str, Any]:
    """Return the values of the parameters, those of aliases included."""
    aliases = call.request.query_params
    found: dict[str, Any] = {}
    for name, literal in read_arguments(call.segments[0].arguments or ""):
        if name not in _PARAMETERS:
            raise QueryError(f'{NAME} has no parameter "{name[:60]}"')
        text = aliases.get(literal, "null") if literal.startswith("@") else literal
        found[name] = _value(name, text)
    return found


def _value(name: str, text: str) -> Any:
    if name == "DeletedMetadataFilters":
        return None
    if text[:1] == "'" and text[-1:] == "'" and len(text) > 1:
        return text[1:-1].replace("''", "'")
    try:
        return orjson.loads(text)
    except orjson.JSONDecodeError as error:
        raise QueryError(f"this is no JSON: {error}", part=name) from None


def _found(
    catalogue: Catalogue, query: Mapping[str, Any], writer: LabelWriter
) -> list[dict[str, Any]]:
    asked = _asked(query, _whole(catalogue.entities))
    names = asked.select
    expand = {}
    for name, query_name in _QUERIES.items():
        if names is None or name in names:
            inner = query.get(query_name)
            if not (names is None and inner is None):
                expand[name] = _asked(_object(inner, query_name), None)
    items, _ = list_written(catalogue.entities, replace(asked, expand=expand), writer)
    return [_complex(item) for item in items]


def _whole(found: Collection) -> frozenset[str]:
    return found.names | found.related_names


def _asked(query: Mapping[str, Any], known: frozenset[str] | None) -> Asked:
    """Return what a query asks of one kind; without ``known`` names are not checked."""
    properties = _object(query.get("Properties"), "Properties")
    names: tuple[str, ...] | None = None
    if not properties.get("AllProperties", False):
        names = _names(properties.get("PropertyNames"))
        for name in names:
            if known is not None and name not in known:
                raise BadExpression(f'an entity has no property "{name[:60]}"')
        names = (*_ALWAYS, *names)
    criteria = query.get("Criteria")
    condition = None if criteria is None else _criteria(_object(criteria, "Criteria"), 1)
    return Asked(select=names, condition=condition, is_lenient=True)


def _names(said: Any) -> tuple[str, ...]:
    if said is None:
        return ()
    if not isinstance(said, list) or not all(isinstance(name, str) for name in said):
        raise BadExpression("PropertyNames is a list of names")
    return tuple(said)


def _criteria(said: Mapping[str, Any], depth: int) -> Condition | None:
    if depth > _MOST_DEPTH:
        raise BadExpression("the filters are nested too deeply")
    terms = [_condition(_object(item, "Conditions")) for item in _list(said, "Conditions")]
    for item in _list(said, "Filters"):
        inner = _criteria(_object(item, "Filters"), depth + 1)
        terms += [] if inner is None else [inner]
    if len(terms) < 2:
        return terms[0] if terms else None
    joined = said.get("FilterOperator") or "And"
    if joined not in ("And", "Or"):
        raise BadExpression("FilterOperator is And or Or")
    return And(tuple(terms)) if joined == "And" else Or(tuple(terms))


def _condition(said: Mapping[str, Any]) -> Condition:
    name, operator = said.get("PropertyName"), said.get("ConditionOperator", "Equals")
    if not isinstance(name, str) or not name.isidentifier():
        raise BadExpression("a condition needs a PropertyName")
    path = Path((name,))
    value = said.get("Value")
    if isinstance(value, dict):
        kind, value = str(value.get("Type") or ""), value.get("Value")
    else:
        kind = ""
    if operator in _LISTS:
        items = tuple(_literal(item, kind.removesuffix("[]")) for item in _listed(value))
        found = Membership(path, items)
        return found if _LISTS[operator] else Not(found)
    if operator not in _OPERATORS:
        raise BadExpression(f'there is no operator "{str(operator)[:40]}"')
    return Comparison(path, _OPERATORS[operator], _literal(value, kind))


def _listed(value: Any) -> list[Any]:
    """Return a list, which some clients send as text."""
    if isinstance(value, str):
        try:
            value = orjson.loads(value.replace("'", '"'))
        except orjson.JSONDecodeError:
            value = None
    if not isinstance(value, list):
        raise BadExpression("In and NotIn take a list of values")
    return value


def _literal(value: Any, kind: str) -> Literal:
    """Return a value; its type tells what a text stands for."""
    found: LiteralValue
    match value:
        case None | bool():
            found = value
        case int() | float():
            found = Decimal(str(value))
        case str() if kind.startswith("System.Bool"):
            found = value.lower() == "true"
        case str() if kind.startswith("System.Int") and value.lstrip("-").isdecimal():
            found = Decimal(value)
        case str():
            found = value
        case _:
            raise BadExpression("a condition compares with a single value")
    return Literal(LiteralKind.TEXT, found)


def _writer(catalogue: Catalogue, call: ApiCall, query: Mapping[str, Any]) -> LabelWriter:
    """Return what writes labels: in the languages that the query names, else in all."""
    said = _object(query.get("LabelQuery"), "LabelQuery").get("FilterLanguages")
    writer = catalogue.writer(call.principal.language)
    if not said:
        return writer
    if not isinstance(said, list) or not all(isinstance(code, int) for code in said):
        raise BadExpression("FilterLanguages is a list of numbers")
    return writer.only(frozenset(said))


def _object(said: Any, name: str) -> Mapping[str, Any]:
    if said is None:
        return {}
    if not isinstance(said, dict):
        raise BadExpression(f"{name} is an object")
    return said


def _list(said: Mapping[str, Any], name: str) -> list[Any]:
    found = said.get(name)
    if found is None:
        return []
    if not isinstance(found, list):
        raise BadExpression(f"{name} is a list")
    return found


def _complex(said: dict[str, Any]) -> dict[str, Any]:
    """Return a definition with its types called as answers of operations call them."""
    found = {}
    for name, value in said.items():
        if name == "@odata.type":
            found[name] = value.replace(NAMESPACE, f"{NAMESPACE}Complex", 1)
        elif name in _QUERIES:
            found[name] = [_complex(item) for item in value]
        else:
            found[name] = value
    return found
