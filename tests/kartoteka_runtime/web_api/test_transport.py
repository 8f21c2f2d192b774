"""What holds for every answer of the API: origins of links, headers, media types, compression."""

from __future__ import annotations

import gzip
import json
import re
from dataclasses import replace

import httpx
import pytest

from kartoteka.plugin_api.contexts import RecordHandler
from kartoteka_runtime.app import build_app
from kartoteka_runtime.forwarded_host import ForwardedHost
from kartoteka_runtime.request_guard import MOST_HEADER_BYTES, MOST_TARGET_BYTES
from kartoteka_runtime.security.request_limits import AtOnce, RequestLimit
from kartoteka_runtime.upload_bodies import MOST_BODY_BYTES

GUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"


def problem_in(answer: httpx.Response) -> dict[str, str]:
    """Return the error that an answer tells, which has the shape that clients read unguarded."""
    assert answer.headers["content-type"].startswith("application/json"), answer.text
    error: dict[str, str] = answer.json()["error"]
    assert re.fullmatch("0x[0-9a-f]{8}", error["code"]), error
    assert isinstance(error["message"], str) and error["message"]
    assert answer.headers["odata-version"] == "4.0"
    assert re.fullmatch(GUID, answer.headers["x-ms-service-request-id"])
    return error


async def test_every_answer_says_version_and_number(fleet):
    numbers = set()
    for method, address, body in (
        ("GET", "berths", None), ("GET", "berths/$count", None), ("POST", "berths", {"name": "x"}),
        ("GET", "", None), ("GET", "nothing", None), ("DELETE", "berths", None),
    ):  # fmt: skip
        answer = await fleet.api.request(method, address, json=body)
        assert answer.headers["odata-version"] == "4.0", address
        numbers.add(answer.headers["x-ms-service-request-id"])
    assert len(numbers) == 6 and all(re.fullmatch(GUID, number) for number in numbers)


async def test_errors_have_one_shape_whatever_refuses(fleet, caplog):
    async def broken(context) -> None:
        raise ZeroDivisionError("secret inside")

    fleet.app.add_record_handlers(RecordHandler("berth", "before_create", broken))
    api, origin = fleet.api, "http://testserver"
    for status, method, address, more in (
        (404, "GET", "nothing", {}),
        (404, "POST", f"{origin}/api/nothing", {}),
        (404, "GET", f"{origin}/api/data/v8.2/berths", {}),
        (404, "GET", f"{origin}/api/data/v9.{'9' * 5000}/berths", {}),
        (405, "DELETE", "berths", {}),
        (401, "GET", "berths", {"headers": {"Authorization": "Bearer kt_nobody"}}),
        (401, "GET", "berths", {"headers": {"Authorization": ""}}),
        (406, "GET", "berths", {"headers": {"Accept": "image/png"}}),
        (415, "POST", "berths", {"content": b"<a/>", "headers": {"Content-Type": "text/xml"}}),
        (400, "POST", "berths", {"content": b"{"}),
        (413, "POST", "berths", {"content": b"x" * (MOST_BODY_BYTES + 1)}),
        (414, "GET", f"berths?tag={'x' * MOST_TARGET_BYTES}", {}),
        (431, "GET", "berths", {"headers": {"X-Long": "x" * MOST_HEADER_BYTES}}),
        (500, "POST", "berths", {"json": {"name": "x"}}),
    ):
        answer = await api.request(method, address, **more)
        assert answer.status_code == status, (method, address[:80], answer.text[:200])
        assert "secret" not in str(problem_in(answer))
    number = answer.headers["x-ms-service-request-id"]
    assert number in caplog.text and "ZeroDivisionError" in caplog.text


async def test_other_hosts_and_busy_times_are_told_the_same_way(fleet):
    app = fleet.app
    guarded = build_app(replace(app.parts.settings, hosts=("crm.example.org",)))
    transport = httpx.ASGITransport(app=guarded)
    async with httpx.AsyncClient(transport=transport, base_url="http://elsewhere") as other:
        answer = await other.get("/api/data/v9.2/berths")
    assert answer.status_code == 421 and problem_in(answer)


async def test_headers_that_clients_send_with_everything_are_taken(fleet):
    for accept in (
        "application/json", "application/json;odata.metadata=none", "*/*", "text/html,*/*;q=0.1",
        "application/json; odata.metadata=full; q=0.9, text/plain", "",
    ):  # fmt: skip
        headers = {
            "Accept": accept, "OData-Version": "4.0", "OData-MaxVersion": "4.01",
            "If-None-Match": "null", "Cache-Control": "no-cache", "Consistency": "Strong",
            "x-ms-client-request-id": "1", "x-ms-correlation-id": "2",
            "MSCRM.SuppressDuplicateDetection": "false", "MSCRM.MergeLabels": "true",
            "MSCRM.BypassCustomPluginExecution": "true", "MSCRM.SolutionUniqueName": "x",
            "Content-Type": "application/json; charset=utf-8",
        }  # fmt: skip
        answer = await fleet.api.get("berths", headers=headers)
        assert answer.status_code == 200, answer.text
        assert answer.headers["content-type"] == "application/json; odata.metadata=minimal"
    for kind in (
        "application/json;type=entry",
        "application/json; charset=utf-8",
        "text/plain",
        "",
    ):
        body = json.dumps({"name": "x"}).encode()
        answer = await fleet.api.post("berths", content=body, headers={"Content-Type": kind})
        assert answer.status_code == 204, (kind, answer.text)


async def test_links_begin_with_the_origin_that_the_client_used(fleet):
    answer = await fleet.api.get("berths", headers={"Host": "crm.example.org:8443"})
    assert answer.json()["@odata.context"].startswith("http://crm.example.org:8443/api/data/v9.2/")


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_links_begin_with_what_a_trusted_proxy_says(fleet):
    settings = replace(fleet.app.parts.settings, trusted_proxies=("10.0.0.0/8",))
    app = build_app(settings)
    token = fleet.api.headers["authorization"]
    said = {"X-Forwarded-Proto": "https", "X-Forwarded-Host": "crm.example.org"}

    async def context(client: str, **headers: str) -> str:
        transport = httpx.ASGITransport(app=app, client=(client, 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://inside:81") as api:
            asking = {"Authorization": token, **said, **headers}
            answer = await api.get("/api/data/v9.1/berths", headers=asking)
        return str(answer.json()["@odata.context"]).partition("/api/data/v9.1/")[0]

    async with app.router.lifespan_context(app):
        assert await context("10.1.2.3") == "https://crm.example.org"
        assert await context("10.1.2.3", **{"X-Forwarded-Port": "8443"}) == (
            "https://crm.example.org:8443"
        )
        several = {"X-Forwarded-Host": "crm.example.org:444, inner.example"}
        assert await context("10.1.2.3", **several) == "https://crm.example.org:444"
        forged = {"X-Forwarded-Host": 'a b"><script>'}
        assert await context("10.1.2.3", **forged) == "https://inside:81"
        assert await context("192.0.2.1") == "http://inside:81"


async def test_a_forwarded_host_is_nothing_where_nobody_is_trusted():
    seen = []

    async def app(scope, receive, send):
        seen.append(dict(scope["headers"])[b"host"])

    scope = {
        "type": "http", "client": ("10.0.0.1", 1),
        "headers": [(b"host", b"inside"), (b"x-forwarded-host", b"[2001:db8::1]:8080")],
    }  # fmt: skip

    async def nothing(*message):
        return {}

    for proxies in ((), ("10.0.0.1",)):
        await ForwardedHost(app, proxies)(scope, nothing, nothing)
    assert seen == [b"inside", b"[2001:db8::1]:8080"]


async def test_large_answers_are_compressed_for_who_can_read_that(fleet):
    name = "x" * 40
    for _ in range(15):
        requests = [
            {"id": str(number), "method": "POST", "url": "berths", "body": {"name": name}}
            for number in range(40)
        ]
        await fleet.api.post("$batch", json={"requests": requests})

    async def raw(accepted: str, address: str = "berths") -> tuple[httpx.Headers, bytes]:
        asking = {"Accept-Encoding": accepted}
        async with fleet.api.stream("GET", address, headers=asking) as answer:
            content = b"".join([chunk async for chunk in answer.aiter_raw()])
            return answer.headers, content

    plain_headers, plain = await raw("identity")
    headers, packed = await raw("br;q=1.0, gzip;q=0.8, *;q=0.1")
    assert len(plain) > 64 * 1024 and len(packed) < len(plain) / 2
    assert headers["content-encoding"] == "gzip" and headers["vary"] == "Accept-Encoding"
    assert int(headers["content-length"]) == len(packed)
    assert gzip.decompress(packed) == plain
    assert "content-encoding" not in plain_headers and plain_headers["vary"] == "Accept-Encoding"
    for refused in ("gzip;q=0", "deflate", "gzip; q=0.000"):
        assert "content-encoding" not in (await raw(refused))[0], refused
    small, _ = await raw("gzip", "berths?$top=5")
    assert "content-encoding" not in small and "vary" not in small


async def test_who_works_too_long_or_too_much_at_once_waits(fleet, monkeypatch):
    limits = fleet.app.parts.limits
    seconds = RequestLimit(10)
    monkeypatch.setattr(limits, "seconds", seconds)
    answer = await fleet.get("berths")
    assert answer.headers["x-ms-ratelimit-time-remaining-xrm-requests"] in ("9", "10")
    seconds.spend(fleet.user_id, 60)
    answer = await fleet.get("berths")
    assert answer.status_code == 429 and problem_in(answer)["code"] == "0x80072321"
    assert int(answer.headers["retry-after"]) > 0
    assert answer.headers["x-ms-ratelimit-time-remaining-xrm-requests"] == "0"
    monkeypatch.undo()
    at_once = AtOnce(1)
    monkeypatch.setattr(limits, "at_once", at_once)
    assert (await fleet.get("berths")).status_code == 200
    assert at_once.begin(fleet.user_id)
    answer = await fleet.get("berths")
    assert answer.status_code == 429 and problem_in(answer)["code"] == "0x80072326"
    at_once.end(fleet.user_id)
    assert (await fleet.get("berths")).status_code == 200


async def test_errors_say_more_to_who_wants_every_annotation(fleet):
    wanted = 'odata.include-annotations="*"'
    answer = await fleet.get("berths(00000000-0000-4000-8000-000000000000)", prefer=wanted)
    error = problem_in(answer)
    assert error["code"] == "0x80040217"
    number = answer.headers["x-ms-service-request-id"]
    assert number in error["@Microsoft.PowerApps.CDS.TraceText"]
    assert error["@Microsoft.PowerApps.CDS.ErrorDetails.OperationStatus"] == "0"
    assert error["@Microsoft.PowerApps.CDS.ErrorDetails.SubErrorCode"] == str(0x80040217 - 2**32)
    plain = problem_in(await fleet.get("berths(00000000-0000-4000-8000-000000000000)"))
    assert not [key for key in plain if key.startswith("@")]


async def test_codes_that_clients_know(fleet):
    known = fleet.identity("A")
    long = {"name": "x" * 41}
    for code, status, method, address, body in (
        ("0x80040217", 404, "GET", "berths(00000000-0000-4000-8000-000000000000)", None),
        ("0x80060888", 400, "GET", "berths?$filter=name eq", None),
        ("0x80060888", 400, "GET", "berths?$oops=1", None),
        ("0x8006088a", 404, "GET", f"vessels({known})/oops", None),
        ("0x80048d19", 400, "POST", "berths", []),
        ("0x80048d19", 400, "POST", "berths", {"oops": 1}),
        ("0x80044331", 400, "POST", "berths", long),
        ("0x80040237", 412, "POST", "vessels", {"name": "x", "vesselid": known}),
        ("0x80060882", 412, "DELETE", f"vessels({known})", None),
        ("0x80040203", 400, "POST", "vessels", {"name": "x", "crew": "many"}),
    ):
        headers = {"If-Match": 'W/"1"'} if code == "0x80060882" else {}
        answer = await fleet.api.request(method, address, json=body, headers=headers)
        assert answer.status_code == status, (address, answer.text)
        assert problem_in(answer)["code"] == code, (address, answer.text)
