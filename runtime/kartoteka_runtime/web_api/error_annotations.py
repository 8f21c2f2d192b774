"""What errors say beside their code and message to who asks for all annotations.

Source: reference web-api, section 14.
"""

from __future__ import annotations

import orjson
from starlette.requests import Request
from starlette.responses import Response

from kartoteka_runtime.web_api.preferences import read_preferences
from kartoteka_runtime.web_api.response_headers import SERVICE_REQUEST_ID
from kartoteka_runtime.web_api.serialize import to_json

_PREFIX = "@Microsoft.PowerApps.CDS."


def annotated(response: Response, request: Request) -> Response:
    """Return an error with annotations, if the request wants every one."""
    prefer = request.headers.get("prefer", "")
    if "*" not in prefer or not read_preferences(prefer).wants(f"{_PREFIX[1:]}TraceText"):
        return response
    error = orjson.loads(response.body)["error"]
    code = int(error["code"] or "0", 16)
    error[f"{_PREFIX}ErrorDetails.OperationStatus"] = "0"
    error[f"{_PREFIX}ErrorDetails.SubErrorCode"] = str(code - (1 << 32) if code >> 31 else code)
    for number, detail in enumerate(error.get("details", ())):
        error[f"{_PREFIX}ErrorDetails.{number}"] = detail["message"]
    trace = response.headers.get(SERVICE_REQUEST_ID, "")
    error[f"{_PREFIX}TraceText"] = f"Request {trace}, {request.method} {request.url.path[:200]}"
    response.body = to_json({"error": error})
    response.headers["content-length"] = str(len(response.body))
    return response
