"""``CalculateRollupField``: a rollup worked out now. Source: reference web-api, section 10."""

from __future__ import annotations

import re
from collections.abc import Mapping

from starlette.responses import Response

from kartoteka.errors import RecordNotFound
from kartoteka.model.field import ROLLUP_DATE, ROLLUP_STATE
from kartoteka_runtime.validation.value_checks import Refused, compile_check, shorten
from kartoteka_runtime.web_api.api_call import ApiCall
from kartoteka_runtime.web_api.api_errors import CallRefused, MethodNotTaken, NoSuchAddress
from kartoteka_runtime.web_api.resource_path import read_arguments
from kartoteka_runtime.web_api.serialize import build_serializer, to_json

NAME = "CalculateRollupField"
_TARGET = re.compile(
    r"""\{\s*["']@odata\.id["']\s*:\s*["'](?:[^"']*/)?([a-z0-9_]+)\(([^()"']+)\)["']\s*\}"""
)
_check_id = compile_check({"type": "string", "format": "uuid"})


class RollupEndpoint:
    """Answers ``CalculateRollupField(Target=@p1,FieldName=@p2)``."""

    async def __call__(self, call: ApiCall) -> Response:
        """Answer a call; the record that it names decides about the entity."""
        if call.method != "GET":
            raise MethodNotTaken("GET")
        given = _given(call)
        target = _TARGET.fullmatch(given.get("Target", ""))
        field = given.get("FieldName", "")[1:-1]
        if target is None or not field:
            raise CallRefused(
                400,
                f"{NAME} needs Target, as in {{'@odata.id':'accounts(…)'}}, and FieldName, a text.",
            )
        set_name, record_id = target.groups()
        entity = call.registry.entity_by_set_name.get(set_name)
        if entity is None:
            raise NoSuchAddress(set_name)
        try:
            record_id = _check_id(record_id)
        except Refused:
            raise RecordNotFound(entity.name, shorten(record_id)) from None
        records = call.records
        values = await records.calculate_rollup(entity.name, record_id, field)
        names = (entity.primary_id, field, f"{field}{ROLLUP_DATE}", f"{field}{ROLLUP_STATE}")
        told = tuple(name for name in names if name in entity.field_by_name)
        serialize = build_serializer(entity, told)
        record = await records.read_fields(entity.name, record_id)
        body = {
            "@odata.context": f"{call.root}$metadata#{entity.set_name}/$entity",
            "@odata.type": f"#Microsoft.Dynamics.CRM.{entity.name}",
            **serialize({**record, **values}),
        }
        return Response(
            to_json(body), 200, {"OData-Version": "4.0"},
            media_type="application/json; odata.metadata=minimal",
        )  # fmt: skip


def _given(call: ApiCall) -> Mapping[str, str]:
    """Return the arguments of the function, those behind an alias from the query."""
    options = call.request.query_params
    return {
        name: options.get(value, "") if value[0] == "@" else value
        for name, value in read_arguments(call.segments[0].arguments or "")
    }
