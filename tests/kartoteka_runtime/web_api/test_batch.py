"""``$batch``: parts as clients really write them, change sets, and answers byte for byte."""

from __future__ import annotations

import asyncio
import json
import re

import httpx

from kartoteka.plugin_api.contexts import RecordHandler
from kartoteka_runtime.security.request_limits import RequestLimit
from kartoteka_runtime.storage.database import MissingTable
from kartoteka_runtime.web_api.batch_parts import MOST_LINE

ROOT = "http://testserver/api/data/v9.2/"
GUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
CRLF = "\r\n"
PLAIN = "multipart/mixed; boundary=batch_1"


def part(request: str, body: object = None, *, content_id: str = "", headers: str = "") -> str:
    """Write a part as the Python SDK does."""
    lines = ["Content-Type: application/http", "Content-Transfer-Encoding: binary"]
    if content_id:
        lines.append(f"Content-ID: {content_id}")
    lines += ["", f"{request} HTTP/1.1"]
    if body is not None:
        lines.append("Content-Type: application/json; type=entry")
    lines += [line for line in headers.splitlines() if line]
    lines.append("")
    if body is not None:
        lines.append(json.dumps(body))
    return CRLF.join(lines) + CRLF


def change_set(*parts: str) -> str:
    text = "".join(f"--changeset_1{CRLF}{one}" for one in parts)
    head = f'Content-Type: multipart/mixed; boundary="changeset_1"{CRLF}{CRLF}'
    return f"{head}{text}--changeset_1--{CRLF}"


def batch(*parts: str) -> str:
    return "".join(f"--batch_1{CRLF}{one}" for one in parts) + f"--batch_1--{CRLF}"


async def send(api, *parts: str, text: str = "", content_type: str = "", **headers: str):
    kind = content_type or 'multipart/mixed; boundary="batch_1"'
    return await api.post(
        "$batch",
        content=(text or batch(*parts)).encode(),
        headers={"Content-Type": kind, **headers},
    )


def read(answer: httpx.Response) -> list[tuple[int, dict[str, str], str]]:
    """Take an answer apart: status, headers of request and part, and body of each request."""
    boundary = re.fullmatch(
        rf"multipart/mixed; boundary=(batchresponse_{GUID})", answer.headers["content-type"]
    )
    assert boundary, answer.headers["content-type"]
    assert answer.text.startswith(f"--{boundary[1]}\r\n")
    assert answer.text.endswith(f"\r\n--{boundary[1]}--\r\n")
    assert "\n" not in answer.text.replace("\r\n", "")
    found = []
    for one in answer.text.split(f"--{boundary[1]}")[1:-1]:
        inner = re.match(r"\r\nContent-Type: multipart/mixed; boundary=(\S+)\r\n\r\n", one)
        if inner is None:
            found.append(_read(one))
            continue
        assert re.fullmatch(rf"changesetresponse_{GUID}", inner[1])
        assert one.endswith(f"--{inner[1]}--\r\n")
        found += [_read(text) for text in one.split(f"--{inner[1]}")[1:-1]]
    return found


def _read(text: str) -> tuple[int, dict[str, str], str]:
    head, http, *rest = text.removeprefix("\r\n").split("\r\n\r\n", 2)
    lines = http.splitlines()
    status = re.fullmatch(r"HTTP/1\.1 ([0-9]{3}) [A-Za-z ]+", lines[0])
    assert status and "{" not in head + http
    pairs = [line.split(": ", 1) for line in (*head.splitlines(), *lines[1:])]
    return int(status[1]), dict(pairs), rest[0].removesuffix("\r\n")


def one_id(address: str) -> str:
    found = re.search(rf"\(({GUID})\)$", address)
    assert found, address
    return found[1]


async def test_an_answer_is_what_clients_cut_apart(fleet):
    answer = await send(
        fleet.api,
        change_set(part("POST /api/data/v9.2/berths", {"name": "New"}, content_id="1")),
        part(f"GET {ROOT}berths?$select=name&$filter=name eq 'New'"),
        part("GET berths/$count"),
    )
    assert answer.status_code == 200 and answer.headers["odata-version"] == "4.0"
    text = re.sub(r'W/\\"\d+', r'W/\\"1', re.sub(GUID, "ID", answer.text))
    text = re.sub(r"#berths\([a-z,]*\)", "#berths", text)  # of which columns, is another matter
    assert text == CRLF.join(
        [
            "--batchresponse_ID",
            "Content-Type: multipart/mixed; boundary=changesetresponse_ID",
            "",
            "--changesetresponse_ID",
            "Content-Type: application/http",
            "Content-Transfer-Encoding: binary",
            "Content-ID: 1",
            "",
            "HTTP/1.1 204 No Content",
            "OData-Version: 4.0",
            f"Location: {ROOT}berths(ID)",
            f"OData-EntityId: {ROOT}berths(ID)",
            "",
            "",
            "--changesetresponse_ID--",
            "--batchresponse_ID",
            "Content-Type: application/http",
            "Content-Transfer-Encoding: binary",
            "",
            "HTTP/1.1 200 OK",
            "Content-Type: application/json; odata.metadata=minimal",
            "OData-Version: 4.0",
            "",
            f'{{"@odata.context":"{ROOT}$metadata#berths","value":'
            '[{"@odata.etag":"W/\\"1\\"","berthid":"ID","name":"New"}]}',
            "--batchresponse_ID",
            "Content-Type: application/http",
            "Content-Transfer-Encoding: binary",
            "",
            "HTTP/1.1 200 OK",
            "Content-Type: text/plain; charset=utf-8",
            "OData-Version: 4.0",
            "",
            "3",
            "--batchresponse_ID--",
            "",
        ]
    )


WRITTEN = {
    "lf alone, a line before the first delimiter, spaces after it": (
        "multipart/mixed;boundary=batch_1",
        "\n--batch_1 \nContent-Type:application/http\nContent-Transfer-Encoding:binary\n\n"
        "GET berths?$select=name HTTP/1.1\n\n--batch_1--",
    ),
    "no empty line after the headers": (
        "multipart/mixed; boundary=batch_1",
        "--batch_1\r\nContent-Type: application/http\r\n\r\nGET berths HTTP/1.1\r\n"
        "Accept: application/json\r\n--batch_1--\r\n",
    ),
    "several empty lines and no body": (
        'multipart/mixed; charset=utf-8; boundary="batch_1"',
        "--batch_1\r\nContent-Type: application/http\r\n\r\nGET api/data/v9.2/berths HTTP/1.1\r\n"
        "Accept: application/json\r\n\r\n\r\n\r\n\r\n--batch_1--\r\n",
    ),
    "the word null as a body, and a preamble": (
        "multipart/mixed;boundary=batch_1",
        "hello\r\n--batch_1\r\nContent-Type: application/http\r\n\r\n"
        "GET https://elsewhere.example:8443/api/data/v9.2/berths HTTP/1.1\r\nIf-None-Match: null"
        "\r\n\r\nnull\r\n--batch_1--\r\nbye",
    ),
    "raw spaces, raw UTF-8 and a plus sign": (
        "multipart/mixed;boundary=batch_1",
        "--batch_1\r\nContent-Type: application/http\r\nContent-ID: 7\r\n\r\n"
        "GET /berths?$filter=name eq 'P' or name eq 'Łódź+1'&$orderby=name desc HTTP/1.1\r\n\r\n"
        "--batch_1--\r\n",
    ),
    "encoded once": (
        "multipart/mixed;boundary=batch_1",
        "--batch_1\r\nContent-Type: application/http\r\n\r\n"
        "GET berths?%24filter=name%20eq+%27P%27 HTTP/1.1\r\n\r\n--batch_1--\r\n",
    ),
}


async def test_parts_are_read_as_clients_write_them(fleet):
    for way, (kind, text) in WRITTEN.items():
        answer = await send(fleet.api, text=text, content_type=kind)
        assert answer.status_code == 200, (way, answer.text)
        ((status, headers, body),) = read(answer)
        assert status == 200, (way, body)
        assert json.loads(body)["value"][0]["name"] == "P", way
        assert headers.get("Content-ID") == ("7" if "Content-ID" in text else None), way


async def test_change_sets_are_read_as_clients_write_them(fleet):
    """With LF alone and a body that is the word null; DELETE without an empty line after it."""
    there = "https://elsewhere.example/api/data/v9.2/berths"
    text = (
        "\n--batch_1\nContent-Type: multipart/mixed; boundary=changeset_1\n\n"
        "--changeset_1\nContent-Type: application/http\nContent-Transfer-Encoding:binary\n"
        f"Content-ID: 1\n\nPOST {there} HTTP/1.1\nContent-Type: application/json\n\n"
        '{"name": "by LF"}\n'
        "--changeset_1\nContent-Type: application/http\nContent-ID: 2\n\n"
        f"DELETE {there}({fleet.identity('P')}) HTTP/1.1\nIf-Match: *\n"
        "--changeset_1\nContent-Type: application/http\nContent-ID: 3\n\n"
        f"DELETE {there}({fleet.identity('Q')}) HTTP/1.1\n\nnull\n"
        "--changeset_1--\n\n--batch_1--\n"
    )
    answer = await send(fleet.api, text=text, content_type=PLAIN)
    parts = read(answer)
    assert [(status, headers["Content-ID"]) for status, headers, _ in parts] == [
        (204, "1"), (204, "2"), (204, "3"),
    ]  # fmt: skip
    names = [row["name"] for row in (await fleet.get("berths")).json()["value"]]
    assert names == ["by LF"]


async def test_preferences_are_each_parts_own(fleet):
    wanted = 'Prefer: odata.include-annotations="*",odata.maxpagesize=1'
    answer = await send(
        fleet.api,
        part("GET vessels?$select=kind"), part("GET vessels?$select=kind", headers=wanted),
        Prefer='odata.include-annotations="*",odata.maxpagesize=2',
    )  # fmt: skip
    plain, annotated = (json.loads(body) for _, _, body in read(answer))
    assert len(plain["value"]) == 5 and "kind@" not in str(plain)
    assert len(annotated["value"]) == 1 and "kind@" in str(annotated)
    assert annotated["@odata.nextLink"].startswith(f"{ROOT}vessels?")
    assert read(answer)[1][1]["Preference-Applied"].startswith("odata.maxpagesize=1")


async def test_a_plus_sign_among_raw_spaces_is_one(fleet):
    await fleet.api.post("berths", json={"name": "a+b"})
    answer = await send(
        fleet.api,
        part("GET berths?$filter=name eq 'a+b'&$select=name"),
        part("GET berths?$filter=name+eq+'a%2Bb'&$select=name"),
    )
    assert [json.loads(body)["value"][0]["name"] for _, _, body in read(answer)] == ["a+b"] * 2


async def test_a_change_set_refers_to_what_it_has_created(fleet):
    answer = await send(
        fleet.api,
        change_set(
            part("POST vessels", {"name": "Ship"}, content_id="1"),
            part("POST voyages", {"name": "first", "vessel@odata.bind": "$1"}, content_id="2"),
            part(f"PATCH {ROOT}$1", {"crew": 4}, content_id="3"),
            part("PUT $1/code", {"value": "by name"}),
            part("POST vessels", {"name": "Boss"}, content_id="boss"),
            part("PUT $1/boss/$ref", {"@odata.id": "$boss"}),
        ),
    )
    assert answer.status_code == 200, answer.text
    parts = read(answer)
    assert [status for status, _, _ in parts] == [204] * 6
    said = [headers.get("Content-ID") for _, headers, _ in parts]
    assert said == ["1", "2", "3", None, "boss", None]
    ship, boss = (one_id(parts[at][1]["OData-EntityId"]) for at in (0, 4))
    row = (await fleet.get(f"vessels({ship})?$select=name,crew,code,_boss_value")).json()
    assert (row["name"], row["crew"], row["code"]) == ("Ship", 4, "by name")
    assert row["_boss_value"] == boss
    voyage = (await fleet.get(f"voyages?$filter=_vessel_value eq {ship}")).json()["value"]
    assert [one["name"] for one in voyage] == ["first"]


REFUSED = {
    "a body that is refused": (part("POST berths", {"nome": "x"}, content_id="2"), 400, "2"),
    "a record that is not there": (
        part(f"PATCH berths({'0' * 8}-0000-4000-8000-{'0' * 12})", {"name": "x"}, content_id="2",
             headers="If-Match: *"), 404, "2",
    ),
    "reading": (part("GET berths", content_id="2"), 400, "2"),
    "what was not created": (part("PATCH $9", {"name": "x"}), 400, None),
    "a batch": (part("POST $batch", {"requests": []}), 400, None),
    "nothing there": (part("POST nothing", {"name": "x"}), 404, None),
    "another host's path": (part("POST https://x.example/accounts", {"name": "x"}), 404, None),
    "bound to what was not created": (
        part("POST voyages", {"name": "x", "vessel@odata.bind": "$9"}), 400, None,
    ),
}  # fmt: skip


async def test_a_change_set_that_fails_leaves_nothing_and_gives_one_part(fleet):
    for what, (failing, expected, content_id) in REFUSED.items():
        answer = await send(
            fleet.api,
            part("POST berths", {"name": what}),
            change_set(part("POST berths", {"name": "undone"}, content_id="1"), failing),
            part("POST berths", {"name": "after"}),
        )
        assert answer.status_code == 400, what
        (first, _, _), (status, headers, body) = read(answer)
        assert (first, status) == (204, expected), (what, body)
        assert headers.get("Content-ID") == content_id, what
        error = json.loads(body)["error"]
        assert error["message"] and re.fullmatch("0x[0-9a-f]{8}", error["code"]), what
    names = {row["name"] for row in (await fleet.get("berths?$select=name")).json()["value"]}
    assert names == {"P", "Q", *REFUSED}


async def test_with_continue_on_error_everything_has_its_turn(fleet):
    parts = (
        part("GET berths(00000000-0000-4000-8000-000000000000)"),
        change_set(part("POST berths", {"name": "x"}), part("POST berths", {"nome": "x"})),
        part("GET nothing"),
        part("POST berths", {"name": "after"}, headers="Prefer: return=representation"),
    )
    answer = await send(fleet.api, *parts, Prefer="odata.continue-on-error")
    assert answer.status_code == 200
    assert [status for status, _, _ in read(answer)] == [404, 400, 404, 201]
    assert json.loads(read(answer)[3][2])["name"] == "after"
    stopped = await send(fleet.api, *parts)
    assert stopped.status_code == 400 and [one[0] for one in read(stopped)] == [404]


UNREADABLE = {
    "no boundary": ("multipart/mixed", batch(part("GET berths"))),
    "no delimiter": ("multipart/mixed; boundary=other", batch(part("GET berths"))),
    "no request": (PLAIN, batch("Content-Type: application/http\r\n")),
    "another type": (PLAIN, batch("Content-Type: text/plain\r\n\r\nGET x HTTP/1.1\r\n")),
    "cut off": (PLAIN, batch(part("POST berths", {"name": "x"}))[:-6]),
    "a header that is none": (PLAIN, batch(part("GET berths", headers="no header"))),
    "no JSON": ("application/json", "\x00"),
    "JSON that holds no requests": ("application/json", "{}"),
    "too many": (PLAIN, batch(*[part("DELETE berths")] * 1001)),
}


async def test_a_batch_that_cannot_be_read_is_a_plain_400(fleet):
    for why, (kind, text) in UNREADABLE.items():
        answer = await send(fleet.api, text=text, content_type=kind)
        assert answer.status_code == 400, why
        assert answer.headers["content-type"].startswith("application/json"), why
        assert answer.json()["error"]["code"] == "0x80048d19", why
    assert (await fleet.get("berths/$count")).text == "2"


async def test_other_types_methods_and_lengths_are_refused(fleet):
    assert (await fleet.api.get("$batch")).status_code == 405
    assert (await send(fleet.api, text="x", content_type="text/xml")).status_code == 415
    endless = "x" * (5 * 1024 * 1024)
    for length in (4 * 1024 * 1024 + 1, len(endless)):
        answer = await send(fleet.api, text=endless[:length], content_type=PLAIN)
        assert answer.status_code == 413 and answer.json()["error"]["message"]
    long = f"GET berths?$select=name&tag={'x' * 64 * 1024}"
    answer = await send(
        fleet.api, part(long), part(f"{long}{'x' * MOST_LINE}"), Prefer="odata.continue-on-error"
    )
    parts = read(answer)
    assert [status for status, _, _ in parts] == [200, 414], parts[0]


async def test_json_batches(fleet):
    requests = [
        {"id": "a", "method": "post", "url": "vessels", "atomicityGroup": "g",
         "body": {"name": "Ship"}},
        {"id": "b", "method": "POST", "url": "/api/data/v9.2/voyages", "atomicityGroup": "g",
         "headers": {"Content-Type": "application/json"},
         "body": {"name": "trip", "vessel@odata.bind": "$a"}},
        {"id": "c", "method": "get", "url": "$a?$select=name", "dependsOn": ["g", "a"]},
        {"id": "d", "method": "get", "url": "nothing"},
        {"id": "e", "method": "get", "url": "berths/$count", "dependsOn": ["d"]},
        {"id": "f", "method": "get", "url": "berths/$count"},
        {"id": "h", "method": "post", "url": "berths", "atomicityGroup": "i",
         "body": {"name": "x"}},
        {"id": "j", "method": "post", "url": "berths", "atomicityGroup": "i",
         "body": {"nome": "x"}},
    ]  # fmt: skip
    going_on = {"Prefer": "odata.continue-on-error"}
    answer = await fleet.api.post("$batch", json={"requests": requests}, headers=going_on)
    assert answer.status_code == 200 and answer.headers["odata-version"] == "4.0"
    found = {one["id"]: one for one in answer.json()["responses"]}
    statuses = {key: one["status"] for key, one in found.items()}
    assert statuses == {
        "a": 204, "b": 204, "c": 200, "d": 404, "e": 424, "f": 200, "h": 424, "j": 400,
    }  # fmt: skip
    assert found["c"]["body"]["name"] == "Ship" and found["f"]["body"] == "2"
    assert found["a"]["headers"]["odata-entityid"].startswith(f"{ROOT}vessels(")
    assert found["j"]["atomicityGroup"] == "i" and found["j"]["body"]["error"]["message"]
    stopped = await fleet.api.post("$batch", json={"requests": requests})
    assert [one["id"] for one in stopped.json()["responses"]] == ["a", "b", "c", "d"]


NO_REQUESTS: tuple[object, ...] = (
    [], "x", {"id": "", "method": "GET", "url": "berths"}, {"id": "1", "url": "berths"},
    {"id": "1", "method": "G T", "url": "berths"}, {"id": "1", "method": "GET", "url": ""},
    {"id": "1", "method": "GET", "url": "berths", "headers": []},
    {"id": "1", "method": "GET", "url": "berths", "headers": {"a\nb": "c"}},
    {"id": "1", "method": "GET", "url": "berths", "dependsOn": ["2"]},
    {"id": "1", "method": "GET", "url": "berths", "if": "true"},
    {"id": "1", "method": "GET", "url": "berths", "oops": 1},
)  # fmt: skip


async def test_json_requests_that_are_none(fleet):
    for request in NO_REQUESTS:
        answer = await fleet.api.post("$batch", json={"requests": [request]})
        assert answer.status_code == 400, request
        assert answer.json()["error"]["code"] == "0x80048d19", request


async def test_each_part_counts(fleet, monkeypatch):
    monkeypatch.setattr(fleet.app.parts.limits, "users", RequestLimit(5))
    answer = await send(fleet.api, *[part("GET berths")] * 4)
    assert answer.status_code == 200
    assert answer.headers["x-ms-ratelimit-burst-remaining-xrm-requests"] == "1"
    refused = await send(fleet.api, part("POST berths", {"name": "x"}), part("GET berths"))
    assert refused.status_code == 429 and refused.headers["retry-after"].isdecimal()
    assert refused.json()["error"]["code"] == "0x80072322"
    monkeypatch.undo()
    assert (await fleet.get("berths/$count")).text == "2"


async def test_what_was_committed_is_not_run_again_when_a_publish_overtakes(fleet):
    """A part whose publication is gone runs again by itself, with nothing before it."""
    seen: list[str] = []

    async def moved_once(context) -> None:
        seen.append(context.values["name"])
        if seen.count("second") == 1 and context.values["name"] == "second":
            raise MissingTable("berth")

    fleet.app.add_record_handlers(RecordHandler("berth", "after_create", moved_once))
    answer = await send(
        fleet.api,
        part("POST berths", {"name": "first"}),
        change_set(part("POST berths", {"name": "set"}), part("POST berths", {"name": "second"})),
        part("POST berths", {"name": "third"}),
    )
    assert [status for status, _, _ in read(answer)] == [204] * 4
    assert seen == ["first", "set", "second", "set", "second", "third"]
    assert (await fleet.get("berths/$count")).text == "6"


async def test_others_read_while_a_change_set_is_under_way(fleet):
    """Its transaction holds the one who writes; who reads inside and outside does not wait."""
    sets = [
        send(
            fleet.api,
            change_set(
                *[
                    part("POST voyages", {"name": f"{turn}.{number}", "vessel@odata.bind":
                         f"vessels({fleet.identity('A')})"})
                    for number in range(5)
                ]
            ),
        )
        for turn in range(4)
    ]  # fmt: skip
    reads = [fleet.get("voyages/$count") for _ in range(4)]
    answers = await asyncio.wait_for(asyncio.gather(*sets, *reads), timeout=30)
    assert [answer.status_code for answer in answers] == [200] * 8
    assert (await fleet.get("voyages/$count")).text == "25"


async def test_a_defect_in_one_part_is_not_that_of_the_others(fleet, caplog):
    async def broken(context) -> None:
        if context.values["name"] == "broken":
            raise ZeroDivisionError("secret inside")

    fleet.app.add_record_handlers(RecordHandler("berth", "after_create", broken))
    answer = await send(
        fleet.api,
        change_set(part("POST berths", {"name": "gone"}), part("POST berths", {"name": "broken"})),
        part("POST berths", {"name": "kept"}),
        Prefer="odata.continue-on-error",
    )
    (status, _, body), (kept, _, _) = read(answer)
    assert (status, kept) == (500, 204) and "secret" not in body
    assert "ZeroDivisionError" in caplog.text
    assert (await fleet.get("berths/$count")).text == "3"


async def test_who_breaks_off_while_sending_leaves_nothing_half_done(fleet):
    """The whole body is read before the first request of it is carried out."""
    whole = batch(part("POST berths", {"name": "x"}), part("POST berths", {"name": "y"})).encode()

    sent: list[dict[str, object]] = []
    steps = iter(
        [
            {"type": "http.request", "body": whole[: len(whole) - 40], "more_body": True},
            {"type": "http.disconnect"},
        ]
    )

    async def receive():
        return next(steps, {"type": "http.disconnect"})

    async def collect(message):
        sent.append(message)

    token = fleet.api.headers["authorization"].encode()
    scope = {
        "type": "http", "method": "POST", "path": "/api/data/v9.2/$batch", "scheme": "http",
        "raw_path": b"/api/data/v9.2/$batch", "query_string": b"", "http_version": "1.1",
        "headers": [(b"host", b"testserver"), (b"authorization", token),
                    (b"content-type", b"multipart/mixed; boundary=batch_1")],
        "server": ("testserver", 80), "client": ("127.0.0.1", 1), "root_path": "",
    }  # fmt: skip
    await fleet.app.app(scope, receive, collect)
    assert sent[0]["status"] == 400
    assert (await fleet.get("berths/$count")).text == "2"
