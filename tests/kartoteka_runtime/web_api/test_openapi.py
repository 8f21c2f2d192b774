"""/api/openapi.json: a valid description, and every answer is one that it names."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import uvicorn
from hypothesis import HealthCheck, Phase, given, settings
from openapi_spec_validator import OpenAPIV31SpecValidator

from kartoteka_runtime.app import build_app

ADDRESS = "http://testserver/api/openapi.json"


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_the_description_is_valid_and_names_every_entity_and_operation(start_app):
    app = await start_app()
    async with app.api_as() as api:
        answer = await api.get(ADDRESS)
        unchanged = await api.get(ADDRESS, headers={"If-None-Match": answer.headers["ETag"]})
        nobody = await api.get(ADDRESS, headers={"Authorization": ""})
        wrong = await api.get(ADDRESS, headers={"Authorization": "Bearer kt_wrong"})
        posted = await api.post(ADDRESS)
    document = answer.json()
    assert list(OpenAPIV31SpecValidator(document).iter_errors()) == []
    for entity in app.registry.entities.values():
        one = document["paths"][f"/{entity.set_name}({{{entity.primary_id}}})"]
        assert {"get", "patch", "delete"} <= one.keys()
        assert {"get", "post"} == document["paths"][f"/{entity.set_name}"].keys()
    assert "/WhoAmI()" in document["paths"]
    assert document["paths"]["/v1.0/query"]["servers"] == [{"url": "/api/search"}]
    assert document["components"]["schemas"]["contact"]["properties"]["_ownerid_value"]
    assert "createdon" not in document["components"]["schemas"]["contact_body"]["properties"]
    assert (unchanged.status_code, unchanged.content) == (304, b"")
    assert (nobody.status_code, wrong.status_code, posted.status_code) == (401, 401, 405)
    async with app.client_as() as client:
        assert (await client.get(ADDRESS)).json() == document


@contextmanager
def served(app) -> Iterator[str]:
    """Serve an app on loopback in a thread, with its own event loop and connections."""
    config = uvicorn.Config(app, port=0, log_level="error", lifespan="on")
    server = uvicorn.Server(config)
    thread = threading.Thread(target=server.run, daemon=True)
    thread.start()
    while not server.started:
        time.sleep(0.02)
    try:
        yield f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()


PER_CALL = settings(
    deadline=None, database=None, derandomize=True, suppress_health_check=list(HealthCheck),
    phases=[Phase.generate],
)  # fmt: skip


def without_free_texts(case) -> None:
    """Leave out what no generator hits by chance, so that calls get past reading their options."""
    for name in ("$filter", "$orderby", "$expand", "$skiptoken"):
        case.query.pop(name, None)
    for name in ("MSCRMCallerID", "If-Match", "If-None-Match", "Prefer"):
        case.headers.pop(name, None)
    if isinstance(case.body, dict):
        case.body = {name: value for name, value in case.body.items() if "@" not in name}


async def check(app, *, wanted, examples: int) -> Counter[int]:
    """Send what the description allows, ``examples`` times an address; return what came back.

    Every call that is answered otherwise than the description says is told in the end.
    """
    import schemathesis  # seconds: only the processes that check wait for it
    from schemathesis.checks import not_a_server_error
    from schemathesis.core.result import Ok
    from schemathesis.specs.openapi import checks as openapi

    checks = (
        not_a_server_error,
        openapi.status_code_conformance,
        openapi.content_type_conformance,
        openapi.response_schema_conformance,
    )
    token = await app.parts.sessions.create_token((await app.principal()).user_id, "test")
    headers = {"Authorization": f"Bearer {token}"}
    statuses: Counter[int] = Counter()
    wrong = []
    with served(build_app(app.parts.settings)) as origin:
        schema = schemathesis.openapi.from_url(f"{origin}/api/openapi.json", headers=headers)
        for found in schema.get_all_operations():
            assert isinstance(found, Ok), found
            operation = found.ok()
            if not wanted(operation):
                continue

            @settings(PER_CALL, max_examples=examples)
            @given(case=operation.as_strategy())
            def call(case):
                if statuses.total() % 2:
                    without_free_texts(case)
                response = case.call(headers=headers)
                statuses[response.status_code] += 1
                case.validate_response(response, checks=checks)

            try:
                call()
            except (Exception, BaseExceptionGroup) as error:
                wrong.append(f"{operation.label}: {error}")
    assert wrong == [], "\n\n".join(wrong)
    return statuses


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_some_calls_get_answers_that_the_description_names(start_app):
    app = await start_app()
    sets = ("contacts", "functions", "search", "service")
    statuses = await check(app, wanted=lambda call: call.tags[0] in sets, examples=4)
    assert statuses.total() > 40 and {200, 204, 400, 404} <= statuses.keys()


@pytest.mark.slow
async def test_every_call_gets_answers_that_the_description_names(start_app):
    app = await start_app(plugins=["sales", "service", "marketing"])
    statuses = await check(app, wanted=lambda call: True, examples=12)
    assert statuses.total() > 2000 and 401 not in statuses
