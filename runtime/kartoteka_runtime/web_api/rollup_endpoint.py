"""``CalculateRollupField``: a rollup worked out now. Source: reference web-api, section 10."""

from __future__ import annotations

import re
from collections.abc import Mapping

from starlette.requests import Request
from starlette.responses import Response

from kartoteka.errors import RecordNotFound
from kartoteka.model.entity import Entity
from kartoteka.model.field import ROLLUP_DATE, ROLLUP_STATE
from kartoteka.plugin_api.contexts import Principal
from kartoteka_runtime.runtime_parts import RuntimeParts
from kartoteka_runtime.validation.value_checks import Refused, compile_check, shorten
from kartoteka_runtime.web_api.addresses import root_of
from kartoteka_runtime.web_api.problem import problem
from kartoteka_runtime.web_api.record_endpoints import RecordEndpoints
from kartoteka_runtime.web_api.serialize import build_serializer, to_json

NAME = "CalculateRollupField"
_ARGUMENTS = re.compile(r"(\w+)=(@\w+|'(?:[^']|'')*')(?:,|$)")
_TARGET = re.compile(
    r"""\{\s*["']@odata\.id["']\s*:\s*["'](?:[^"']*/)?([a-z0-9_]+)\(([^()"']+)\)["']\s*\}"""
)
_check_id = compile_check({"type": "string", "format": "uuid"})


class RollupEndpoint:
    """Answers ``CalculateRollupField(Target=@p1,FieldName=@p2)``."""

    def __init__(self, parts: RuntimeParts, endpoints: RecordEndpoints) -> None:
        """Share who may ask, and how errors are told, with the endpoints of records."""
        self._parts = parts
        self._endpoints = endpoints

    async def __call__(self, request: Request) -> Response:
        """Answer a request; the record that it names decides about the entity."""
        given = _given(request)
        target = _TARGET.fullmatch(given.get("Target", ""))
        field = given.get("FieldName", "")
        if target is None or len(field) < 3:
            return problem(
                400,
                f"{NAME} needs Target, as in {{'@odata.id':'accounts(…)'}}, and FieldName, a text.",
            )
        set_name, record_id = target.groups()
        request.path_params.update(set_name=set_name, record_id=record_id, field=field[1:-1])
        return await self._endpoints.answered(request, self._calculate)

    async def _calculate(self, request: Request, entity: Entity, principal: Principal) -> Response:
        records = self._parts.records.bound_to_publication(principal)
        field, record_id = request.path_params["field"], request.path_params["record_id"]
        try:
            record_id = _check_id(record_id)
        except Refused:
            raise RecordNotFound(entity.name, shorten(record_id)) from None
        values = await records.calculate_rollup(entity.name, record_id, field)
        names = (entity.primary_id, field, f"{field}{ROLLUP_DATE}", f"{field}{ROLLUP_STATE}")
        told = tuple(name for name in names if name in entity.field_by_name)
        serialize = build_serializer(entity, told)
        record = await records.read_fields(entity.name, record_id)
        body = {
            "@odata.context": f"{root_of(request)}$metadata#{entity.set_name}/$entity",
            "@odata.type": f"#Microsoft.Dynamics.CRM.{entity.name}",
            **serialize({**record, **values}),
        }
        return Response(
            to_json(body), 200, {"OData-Version": "4.0"},
            media_type="application/json; odata.metadata=minimal",
        )  # fmt: skip


def _given(request: Request) -> Mapping[str, str]:
    """Return the arguments of the function, those behind an alias from the query."""
    text = str(request.path_params["arguments"])
    found = {}
    for name, value in _ARGUMENTS.findall(text):
        found[name] = request.query_params.get(value, "") if value[0] == "@" else value
    return found
