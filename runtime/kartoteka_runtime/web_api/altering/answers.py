"""What calls that change definitions bring and get: the body of an action, and the answers."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from kartoteka_runtime.web_api.altering.json_parts import text_of
from kartoteka_runtime.web_api.altering.known_properties import check_known
from kartoteka_runtime.web_api.api_call import ApiCall
from kartoteka_runtime.web_api.api_errors import MethodNotTaken
from kartoteka_runtime.web_api.definitions.definition_types import action_parameters
from kartoteka_runtime.web_api.request_body import read_object
from kartoteka_runtime.web_api.serialize import to_json

_ODATA = {"OData-Version": "4.0"}


async def action_body(call: ApiCall) -> dict[str, Any]:
    """Return the parameters of the action that a call names.

    Raises:
        MethodNotTaken: It is not a POST.
        CallRefused: The action has no such parameter.
    """
    if call.method != "POST":
        raise MethodNotTaken("POST")
    body = await read_object(call)
    segment = call.segments[0]
    check_known(body, action_parameters()[segment.operation or segment.name])
    return body


def solution_of(body: dict[str, Any]) -> str:
    """Return the solution that an action is to put things into; "" when it names none."""
    return text_of(body, "SolutionUniqueName")


def made(call: ApiCall, address: str) -> Response:
    """Answer that something was made, which is now at an address below the root."""
    place = f"{call.root}{address}"
    return Response(
        status_code=204, headers={**_ODATA, "OData-EntityId": place, "Location": place}
    )  # fmt: skip


def told(call: ApiCall, action: str, content: dict[str, Any]) -> Response:
    """Answer with what an action returns."""
    context = f"{call.root}$metadata#Microsoft.Dynamics.CRM.{action}Response"
    return Response(
        to_json({"@odata.context": context, **content}),
        headers=_ODATA,
        media_type="application/json; odata.metadata=minimal",
    )


def done() -> Response:
    """Answer that there is nothing to say."""
    return Response(status_code=204, headers=_ODATA)
