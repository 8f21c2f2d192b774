"""Records over the Web API: what clients send and get, and every refusal an OData error."""

from __future__ import annotations

import base64
from urllib.parse import parse_qsl, urlsplit

import orjson
import pytest

JUNK_ID = "11111111-1111-1111-1111-111111111111"


@pytest.fixture
async def app(start_app, every_type):
    """Give an app with the entity ``sample``, which has a field of every type."""
    return await start_app(metadata=every_type)


@pytest.fixture
async def api(app):
    """Give an administrator's client."""
    async with app.api_as() as client:
        yield client


async def create(api, **values) -> str:
    answer = await api.post("samples", json={"name": "S", **values})
    assert answer.status_code == 204, answer.text
    return str(answer.headers["OData-EntityId"])


def token(*values) -> str:
    return base64.urlsafe_b64encode(orjson.dumps(values)).decode().rstrip("=")


async def mark_of(api, address: str) -> int:
    """Return what the page tokens of a list begin with."""
    page = (await api.get(address, headers={"Prefer": "odata.maxpagesize=1"})).json()
    found = dict(parse_qsl(urlsplit(page["@odata.nextLink"]).query))["$skiptoken"]
    return int(orjson.loads(base64.urlsafe_b64decode(found + "=="))[0])


async def test_a_record_is_created_read_changed_and_deleted(api):
    created = await api.post("samples", json={"name": "Crane", "price": 12.5, "colors": "1,12"})
    address = created.headers["OData-EntityId"]
    assert (created.status_code, created.content) == (204, b"")
    assert address.startswith("http://testserver/api/data/v9.2/samples(")
    assert (created.headers["Location"], address[-1]) == (address, ")")

    read = await api.get(address)
    record = read.json()
    assert read.status_code == 200
    assert read.headers["Content-Type"].startswith("application/json; odata.metadata=minimal")
    assert read.headers["OData-Version"] == "4.0"
    assert record["@odata.context"].endswith("$metadata#samples/$entity")
    assert record["@odata.etag"] == read.headers["ETag"] == f'W/"{record["versionnumber"]}"'
    assert (record["name"], record["price"], record["colors"]) == ("Crane", 12.5, "1,12")
    assert (record["_parent_value"], record["seen"]) == (None, None)

    changed = await api.patch(
        address,
        json={
            "seen": "2031-05-06T09:08:09+02:00",
        },
        headers={"If-Match": read.headers["ETag"]},
    )
    assert (changed.status_code, changed.headers["OData-EntityId"]) == (204, address)
    assert (await api.get(address)).json()["seen"] == "2031-05-06T07:08:09Z"

    deleted = await api.delete(address)
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert (await api.get(address)).status_code == 404
    assert (await api.delete(address)).status_code == 404


async def test_representations_selections_and_annotations_come_when_asked_for(api):
    above = (await create(api, name="Above")).rsplit("/", 1)[1]
    wants = {"Prefer": 'return=representation,odata.include-annotations="*"'}
    body = {"name": "Below", "parent@odata.bind": f"/{above}", "@odata.type": "ignored"}

    created = await api.post("samples?$select=name,_parent_value", json=body, headers=wants)

    record = created.json()
    parent = above[8:-1]
    assert created.status_code == 201
    assert record == {
        "@odata.context": "http://testserver/api/data/v9.2/$metadata#samples/$entity",
        "@odata.etag": created.headers["ETag"],
        "sampleid": record["sampleid"],
        "name": "Below",
        "_parent_value": parent,
        "_parent_value@Microsoft.Dynamics.CRM.associatednavigationproperty": "parent",
        "_parent_value@Microsoft.Dynamics.CRM.lookuplogicalname": "sample",
        "_parent_value@OData.Community.Display.V1.FormattedValue": "Above",
    }
    assert created.headers["OData-EntityId"].endswith(f"samples({record['sampleid']})")
    changed = await api.patch(
        f"samples({record['sampleid']})?$select=wheels", json={"wheels": 4}, headers=wants
    )
    assert (changed.status_code, changed.json()["wheels"]) == (200, 4)


async def test_lists_are_filtered_ordered_counted_and_paged(api):
    for number in range(7):
        await create(api, name=f"S{number}", wheels=number, colors=[1] if number % 2 else [1, 2])

    async def names(query: str, **headers: str) -> list[list[str]]:
        pages = []
        address = f"samples?{query}"
        while address:
            answer = (await api.get(address, headers=headers)).json()
            pages.append([record["name"] for record in answer["value"]])
            address = answer.get("@odata.nextLink", "")
        return pages

    assert await names("$filter=wheels gt 3 and startswith(name,'s')&$orderby=wheels desc") == [
        ["S6", "S5", "S4"]
    ]
    pages = await names("$orderby=name desc&$select=name", Prefer="odata.maxpagesize=3")
    assert pages == [["S6", "S5", "S4"], ["S3", "S2", "S1"], ["S0"]]
    for order in ("colors", "wheels desc", "parent", "createdon", "price", "_buyer_value"):
        pages = await names(f"$orderby={order}", Prefer="odata.maxpagesize=2")
        assert (order, sorted(sum(pages, []))) == (order, [f"S{n}" for n in range(7)])
    assert await names("$orderby=name&$top=2", Prefer="odata.maxpagesize=1") == [["S0", "S1"]]
    assert await names("$top=0") == [[]]
    counted = (await api.get("samples?$count=true&$top=1&$filter=wheels lt 4")).json()
    assert counted["@odata.count"] == 4
    assert set(counted["value"][0]) >= {"name", "wheels", "@odata.etag", "_ownerid_value"}


async def test_a_version_that_is_no_longer_stored_changes_nothing(api):
    address = await create(api)
    tag = (await api.get(address)).headers["ETag"]
    await api.patch(address, json={"wheels": 1})
    for headers in ({"If-Match": tag}, {"If-Match": f'W/"{"9" * 60}"'}):
        refused = [
            await api.patch(address, json={"wheels": 2}, headers=headers),
            await api.delete(address, headers=headers),
        ]
        assert [answer.status_code for answer in refused] == [412, 412]
        assert "changed meanwhile" in refused[0].json()["error"]["message"]
    assert (await api.get(address)).json()["wheels"] == 1
    anything = await api.patch(address, json={"wheels": 3}, headers={"If-Match": "*"})
    assert anything.status_code == 204
    await create(api, code="É1")
    taken = await api.post("samples", json={"name": "S", "code": "e1"})
    assert (taken.status_code, "“e1”" in taken.text) == (412, True)


async def test_a_request_without_a_token_of_ours_gets_401(api):
    for authorization in ("", "Bearer", "Bearer x", "Basic x", "Bearer a\x00ÿ"):
        answer = await api.get("samples", headers={"Authorization": authorization.encode()})
        assert (authorization, answer.status_code) == (authorization, 401)
        is_token = authorization.startswith("Bearer ")
        said = 'Bearer error="invalid_token"' if is_token else "Bearer"
        assert answer.headers["WWW-Authenticate"] == said
        assert answer.json()["error"]["message"]


async def test_what_is_not_there_gets_404_and_what_cannot_be_done_405(api):
    no_record, no_segment = "0x80040217", "0x8006088a"
    for address, code in (
        (f"samples({JUNK_ID})", no_record),
        ("samples(x)", no_record),
        ("samples(%00)", no_record),
        ("samples()", no_record),
        ("nosuch", no_segment),
        ("nosuch(1)", no_segment),
        ("/api/data/v8.2/samples", no_segment),
        ("/api/nothing", no_segment),
    ):
        answer = await api.get(address)
        assert (address, answer.status_code) == (address, 404)
        assert answer.json()["error"]["code"] == code
    only_there = {"If-Match": "*"}
    absent = await api.patch(f"samples({JUNK_ID})", json={"wheels": 1}, headers=only_there)
    assert absent.status_code == 404
    for method, address, allowed in (
        ("PATCH", "samples", "GET, POST"),
        ("DELETE", "samples", "GET, POST"),
        ("JUNK", "samples", "GET, POST"),
        ("POST", f"samples({JUNK_ID})", "GET, PATCH, DELETE"),
        ("PUT", f"samples({JUNK_ID})", "GET, PATCH, DELETE"),
    ):
        answer = await api.request(method, address)
        assert (method, answer.status_code) == (method, 405)
        assert (answer.headers["Allow"], bool(answer.json()["error"])) == (allowed, True)


BODIES: list[bytes | dict[str, object]] = [
    b"", b"null", b"[]", b"{", b"\xff", b'{"name":"\\ud800"}', b"[" * 5000, b'{"price":1e400}',
    b'{"price":1E+1000000}', b'{"odometer":1' + b"0" * 400 + b"}", b'{"story":"' + b"a" * 5_000_000,
    {}, {"name": "a\x00b"}, {"name": None}, {"name": " "}, {"nosuch": 1}, {"": 1},
    {"colors": [[1]]}, {"colors": [{}]}, {"colors": [1.0]}, {"colors": [True]}, {"colors": "1,x"},
    {"wheels": 1.5}, {"wheels": 1e300}, {"wheels": True}, {"odometer": 2**63}, {"price": 1e30},
    {"price": 1e-9}, {"latitude": 1e308}, {"fuel": 1.0}, {"fuel": []}, {"leased": "x"},
    {"built": "0001-01-01"}, {"built": "2031-02-30"}, {"seen": "9999-12-31T23:59:59-14:00"},
    {"seen": "0001-01-01T00:00:00+14:00"}, {"seen": 5}, {"opens": "x"}, {"chassis": "x"},
    {"parent": {"a": 1}}, {"parent": JUNK_ID}, {"parent@odata.bind": "/samples(zz)"},
    {"parent@odata.bind": f"/accounts({JUNK_ID})"}, {"name@odata.bind": f"/samples({JUNK_ID})"},
    {"parent@odata.bind": 5}, {"statecode": 0, "statuscode": 2}, {"statecode": 9},
    {"versionnumber": 1}, {"built": 5},
    {"ownerid": JUNK_ID}, {"sampleid": "x"}, {"mail": "@" * 5000}, {"site": "javascript:x//."},
]  # fmt: skip


async def test_a_body_that_is_wrong_gets_400_and_writes_nothing(api):
    for body in BODIES:
        sent = body if isinstance(body, bytes) else orjson.dumps(_named(body))
        answer = await api.post("samples", content=sent)
        expected = 413 if len(sent) > 4 * 1024 * 1024 else 400
        assert (body, answer.status_code) == (body, expected)
        assert answer.json()["error"]["message"]
    assert (await api.get("samples?$count=true")).json()["@odata.count"] == 0


def _named(body: dict[str, object]) -> dict[str, object]:
    """Return a body that is wrong in nothing else."""
    return {"name": "S", **body} if body else {}


async def test_answers_are_the_same_on_both_engines(api):
    for name, colors, number in (
        ("łódź", "2", 2**63 - 1), ("LODZ", "12", 2**63 - 1), ("Lodz", "1,12", -1), ("z", "1,2", 0),
    ):  # fmt: skip
        await create(api, name=name, colors=colors, odometer=number, latitude=-0.0)
    await create(api, name="z")
    pages, address = [], "samples?$orderby=colors desc&$select=colors,latitude"
    while address:
        page = (await api.get(address, headers={"Prefer": "odata.maxpagesize=2"})).json()
        pages += [row["colors"] for row in page["value"]]
        assert {str(row["latitude"]) for row in page["value"]} <= {"0.0", "None"}
        address = page.get("@odata.nextLink", "")
    assert pages == ["12", "2", "1,12", "1,2", None]
    total = await api.get("samples?$apply=aggregate(odometer with sum as total)")
    assert total.text.endswith(f'"total":{2**64 - 3}}}]}}')
    different = (
        "<fetch distinct='true' count='2' page='{}'><entity name='sample'>"
        "<attribute name='name'/><order attribute='name'/></entity></fetch>"
    )
    names = []
    for number in (1, 2):
        page = (await api.get("samples", params={"fetchXml": different.format(number)})).json()
        names += [row["name"] for row in page["value"]]
    assert names == ["LODZ", "Lodz", "łódź", "z"]


async def test_a_question_that_is_wrong_gets_400(api):
    address = await create(api, wheels=1)
    await create(api, wheels=2)
    for query in (
        "$filter=nosuch eq 1", "$filter=name eq", "$filter=name eq me()", "$filter=wheels eq 'x'",
        "$filter=wheels eq 99999999999999999999", "$filter=price eq 1E1000000",
        "$filter=name eq 'a%00b'", "$filter=" + "(" * 400, 
        "$filter=" + "not " * 2000 + "wheels eq 1",
        "$filter=" + " or ".join(["wheels eq 1"] * 2000), "$filter=parent eq 'zz'",
        "$filter=built eq 0001-13-01", "$select=nosuch", "$select=name;", "$orderby=name sideways",
        "$orderby=nosuch", "$top=-1", "$top=x", "$top=", "$top=1e3", "$skip=5", "$expand=nosuch",
        "$skiptoken=x", "$skiptoken=%C3%A9", f"$skiptoken={'A' * 9000}", f"$skiptoken={token(5)}",
    ):  # fmt: skip
        answer = await api.get(f"samples?{query}")
        assert (query[:60], answer.status_code) == (query[:60], 400)
        assert answer.json()["error"]["message"]
    for name in ("name", "wheels", "price", "built", "seen", "leased", "colors", "parent"):
        mark = await mark_of(api, f"samples?$orderby={name}")
        for value in (
            2**64 - 1, 1.5, "a\x00", [], ["x"], {"n": "NaN"}, {"n": "1E+1000000"},
            {"t": "0001-01-01T00:00:00+14:00"}, {"d": "2031-01-01"}, {"z": "1"},
        ):  # fmt: skip
            forged = token(mark, value, JUNK_ID)
            answer = await api.get(f"samples?$orderby={name}&$skiptoken={forged}")
            assert (name, value, answer.status_code < 500) == (name, value, True)
    junk = await api.patch(address, json={"wheels": 2}, headers={"If-Match": "junk"})
    assert junk.status_code == 400
    assert "If-Match" in junk.json()["error"]["message"]
    for headers in ({"Prefer": "odata.maxpagesize=" + "9" * 5000}, {"Prefer": ";;,=,"}):
        assert (await api.get("samples", headers=headers)).status_code == 200
