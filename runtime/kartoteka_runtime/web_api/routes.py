"""The routes of the Web API: ``/api/data/v9.x/``."""

from __future__ import annotations

from starlette.routing import BaseRoute, Route

from kartoteka_runtime.runtime_parts import RuntimeParts
from kartoteka_runtime.web_api.record_endpoints import RecordEndpoints


def api_routes(parts: RuntimeParts) -> list[BaseRoute]:
    """Return the endpoints of one app."""
    endpoints = RecordEndpoints(parts)
    root = "/api/data/v9.{minor:int}"
    return [
        Route(
            f"{root}/{{set_name}}({{record_id}})", endpoints.one, methods=["GET", "PATCH", "DELETE"]
        ),  # fmt: skip
        Route(f"{root}/{{set_name}}", endpoints.many, methods=["GET", "POST"]),
    ]
