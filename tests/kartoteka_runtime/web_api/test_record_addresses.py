"""Addresses of records, their properties and what they are linked with; reference web-api, 2."""

from __future__ import annotations

from urllib.parse import quote

import pytest

ROOT = "http://testserver/api/data/v9.2/"
HARBOUR = """\
kind: entity
format: 1
name: port
label: { en: Port }
plural_label: { en: Ports }
primary_field: name
ownership: user

keys:
  - { name: by_code, fields: [code], label: { en: Code } }
  - { name: by_place, fields: [number, operator], label: { en: Place } }

fields:
  - { name: name, type: text, label: { en: Name }, max_length: 40 }
  - { name: code, type: text, label: { en: Code }, max_length: 20 }
  - { name: number, type: whole_number, label: { en: Number } }
  - { name: draught, type: decimal, label: { en: Draught }, precision: 4 }
  - { name: opened, type: date_time, label: { en: Opened } }
  - { name: operator, type: lookup, label: { en: Operator }, target: contact }
  - { name: above, type: lookup, label: { en: Above }, target: port, hierarchical: true }
  - { name: payer, type: customer, label: { en: Payer }, relationship: port_payers }
"""
SISTERS = """\
kind: relationship
format: 1
name: port_sisters
left: port
right: port
intersect: portsister
"""
PORTS = {"entities/port.yaml": HARBOUR, "relationships/port_sisters.yaml": SISTERS}


@pytest.fixture
async def app(start_app):
    """Give an app with ports, beside what every app has."""
    return await start_app(metadata=PORTS)


@pytest.fixture
async def api(app):
    """Give an administrator's client."""
    async with app.api_as() as client:
        yield client


async def made(api, address: str, **values) -> str:
    """Create a record and return its id."""
    named = {"name": "P", **values} if address == "ports" else values
    answer = await api.post(address, json=named)
    assert answer.status_code == 204, answer.text
    return str(answer.headers["OData-EntityId"])[-37:-1]


async def got(api, address: str, **headers: str):
    """Return the body of an address that is there."""
    answer = await api.get(address, headers=headers)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_record_is_found_by_its_id_and_by_alternate_keys_in_every_spelling(api):
    ann = await made(api, "contacts", firstname="Ann", lastname="O'Hara")
    port = await made(api, "ports", code="A'1/x(,)%é", number=5, operator=ann)
    await made(api, "ports", code="b", number=5)
    doubled = quote("'A''1/x(,)%é'", safe="'")
    for address in (
        f"ports({port})", f"ports({port.upper()})", f"ports({{{port}}})", f"ports(portid={port})",
        f"ports(portid={{{port.upper()}}})", f"ports(code={doubled})",
        f"ports(_operator_value={ann},number=5)", f"ports(number=5,operator={ann.upper()})",
        f"ports(number=5, _operator_value='{ann}')",
        f"ports(@p1)?@p1={port}", f"ports(portid=@p1)?@p1={{{port}}}&$select=name",
        f"ports(code=@c)?@c={doubled}", f"ports(number=@n,operator=@o)?@o={ann}&@n=5",
    ):  # fmt: skip
        assert ((await got(api, address))["portid"], address) == (port, address)
    for address, status, code in (
        ("ports(code='nobody')", 404, "0x80060891"),
        (f"ports(number=6,_operator_value={ann})", 404, "0x80060891"),
        ("ports(number=5)", 400, "0x80060888"),
        ("ports(code='b',number=5)", 400, "0x80060888"),
        ("ports(code='b',code='b')", 400, "0x80060888"),
        ("ports(nosuch='b')", 400, "0x80060888"),
        (f"ports(number='x',operator={ann})", 400, None),
        ("ports(code='')", 400, None),
        ("ports(code=null)", 400, None),
        ("ports(code=)", 400, None),
        ("ports(code='b)", 400, None),
        ("ports('b')", 404, "0x80040217"),
        ("ports(@p1)", 400, "0x80060888"),
        ("ports(@p1)?@p1=", 400, "0x80060888"),
        (f"ports(@p1)?@p1={port}&@p1={port}", 400, "0x80060888"),
        ("ports(@p1)?@p1=@p2&@p2=x", 404, "0x80040217"),
        ("ports(code=@c)?@c='nobody'", 404, "0x80060891"),
        ("ports(code=@c)?@c=" + "x" * 5000, 400, None),
    ):
        answer = await api.get(address)
        assert (answer.status_code, address) == (status, address)
        assert answer.json()["error"]["message"]
        assert code is None or answer.json()["error"]["code"] == code
    aliased = f"ports(code=@c)/payer_contact?@c={doubled}"
    assert (await api.get(aliased)).status_code == 204
    named = await api.patch("ports(code=@c)", params={"@c": "'b'"}, json={"name": "Q"})
    assert named.status_code == 204
    assert (await got(api, "ports(code='b')"))["name"] == "Q"
    assert (await api.delete(f"ports(code=@c)?@c={doubled}")).status_code == 204
    assert (await api.get(f"ports({port})")).status_code == 404


async def test_one_property_is_read_raw_written_and_emptied(api):
    port = f"ports({await made(api, 'ports', name='Łódź', draught=123456.7891, number=7)})"
    context = f"{ROOT}$metadata#{port}/"
    assert await got(api, f"{port}/name") == {"@odata.context": f"{context}name", "value": "Łódź"}
    assert (await api.get(f"{port}/draught")).text.endswith('"value":123456.7891}')
    for name, text in (("name", "Łódź"), ("draught", "123456.7891"), ("number", "7")):
        raw = await api.get(f"{port}/{name}/$value")
        assert (raw.text, raw.headers["Content-Type"][:10]) == (text, "text/plain")
    assert (await got(api, f"{port}/_ownerid_value"))["value"]
    for address in ("code", "code/$value", "_operator_value"):
        empty = await api.get(f"{port}/{address}")
        assert (empty.status_code, empty.content) == (204, b"")

    written = await api.put(f"{port}/opened", json={"value": "2031-05-06T09:08:09.123+02:00"})
    assert (written.status_code, written.content) == (204, b"")
    assert (await got(api, f"{port}/opened"))["value"] == "2031-05-06T07:08:09Z"
    stale = {"If-Match": 'W/"1"'}
    assert (await api.put(f"{port}/number", json={"value": 1}, headers=stale)).status_code == 412
    assert (await api.delete(f"{port}/opened")).status_code == 204
    assert (await api.get(f"{port}/opened")).status_code == 204
    for method, address, body, status in (
        ("PUT", "number", {"value": "x"}, 400), ("PUT", "number", {}, 400),
        ("PUT", "createdon", {"value": "2031-01-01"}, 400), ("PUT", "nosuch", {"value": 1}, 404),
        ("PUT", "_operator_value", {"value": port[6:-1]}, 400), ("PATCH", "number", {}, 405),
        ("PUT", "name/$value", {"value": "x"}, 405), ("POST", "number", {}, 405),
        ("DELETE", "ownerid", None, 405), ("GET", "name/nosuch", None, 404),
        ("GET", "name/$value/x", None, 404), ("GET", "name(1)", None, 404),
    ):  # fmt: skip
        answer = await api.request(method, f"{port}/{address}", json=body)
        assert (method, address, answer.status_code) == (method, address, status)
    junk = "ports(11111111-1111-1111-1111-111111111111)"
    for address in ("name", "name/$value", "above", "contact_operator", "$ref", "above/$ref"):
        assert (await api.get(f"{junk}/{address}")).status_code == 404


async def test_a_lookup_leads_to_its_record_or_to_204(api):
    ann = await made(api, "contacts", firstname="Ann", lastname="Lee")
    top = await made(api, "ports", name="Top", operator=ann)
    port = f"ports({await made(api, 'ports', name='Low', above=top)})"
    read = await api.get(f"{port}/above?$select=name")
    assert read.json() == {
        "@odata.context": f"{ROOT}$metadata#ports/$entity",
        "@odata.etag": read.headers["ETag"], "name": "Top", "portid": top,
    }  # fmt: skip
    assert (await got(api, f"{port}/above/operator/firstname"))["value"] == "Ann"
    assert (await got(api, f"{port}/above/operator?$select=lastname"))["lastname"] == "Lee"
    assert (await got(api, f"{port}/ownerid"))["systemuserid"]
    assert (await api.get(f"{port}/operator")).status_code == 204
    assert (await api.get(f"{port}/operator/firstname")).status_code == 404
    for address in ("payer", "Above", "nosuch"):  # several targets, other capitals, not there
        assert (await api.get(f"{port}/{address}")).status_code == 404


async def test_the_targets_of_a_lookup_are_told_apart(api):
    firm = await made(api, "accounts", name="Firm")
    port = (
        f"ports({await made(api, 'ports', **{'payer_account@odata.bind': f'/accounts({firm})'})})"
    )
    assert (await got(api, f"{port}/payer_account"))["name"] == "Firm"
    assert (await api.get(f"{port}/payer_contact")).status_code == 204
    assert (await api.delete(f"{port}/payer_contact/$ref")).status_code == 204
    assert (await got(api, port))["_payer_value"] == firm
    ann = await made(api, "contacts", lastname="Lee")
    said = {"@odata.id": f"{ROOT}contacts({ann})"}
    assert (await api.put(f"{port}/payer_contact/$ref", json=said)).status_code == 204
    assert (await got(api, port))["_payer_value"] == ann
    assert (await api.get(f"{port}/payer_account")).status_code == 204
    assert (await api.put(f"{port}/payer_account/$ref", json=said)).status_code == 400
    await made(api, "accounts", name="Same id", accountid=ann)
    for owner, count in ((f"contacts({ann})", "1"), (f"accounts({ann})", "0")):
        ports = f"{owner}/port_payers_{owner.partition('(')[0]}"
        assert ((await api.get(f"{ports}/$count")).text, ports) == (count, ports)


async def test_a_collection_is_a_list_with_every_option_of_one(api):
    firm = await made(api, "accounts", name="Firm")
    other = await made(api, "accounts", name="Other")
    bind = "parentcustomerid_account@odata.bind"
    for name, account in (("Ann", firm), ("Bo", firm), ("Cy", firm), ("Di", other)):
        await made(api, "contacts", lastname=name, **{bind: f"accounts({account})"})
    people = f"accounts({firm})/contact_customer_accounts"
    answer = await got(api, f"{people}?$select=lastname&$orderby=lastname desc&$count=true")
    assert answer["@odata.context"].startswith(f"{ROOT}$metadata#contacts(")
    assert (answer["@odata.count"], [row["lastname"] for row in answer["value"]]) == (
        3, ["Cy", "Bo", "Ann"],
    )  # fmt: skip
    names, address = [], f"{people}?$select=lastname&$orderby=lastname"
    while address:
        page = await got(api, address, Prefer="odata.maxpagesize=2")
        names += [row["lastname"] for row in page["value"]]
        address = page.get("@odata.nextLink", "")
        assert not address or address.startswith(ROOT + people)
    assert names == ["Ann", "Bo", "Cy"]
    filtered = await got(api, f"{people}?$filter=lastname gt 'Ann'&$top=1&$orderby=lastname")
    assert [row["lastname"] for row in filtered["value"]] == ["Bo"]
    for address, count in (
        (f"{people}/$count", "3"),
        (f"{people}/$count?$filter=startswith(lastname,'b')", "1"),
        ("contacts/$count", "4"),
        ("contacts/$count?$filter=lastname eq 'nobody'", "0"),
    ):
        answer = await api.get(address)
        assert (answer.text, answer.headers["Content-Type"][:10]) == (count, "text/plain")
    for address, status in (
        ("contacts/$count?$top=1", 400), ("contacts/$count?$filter=x", 400),
        (f"{people}?$nosuch=1", 400), ("contacts/$count/x", 404), (f"{people}/x", 404),
        (f"{people.replace(firm, other[:-4] + '0000')}", 404), ("contacts/nosuch", 404),
    ):  # fmt: skip
        assert ((await api.get(address)).status_code, address) == (status, address)
    assert (await api.post("contacts/$count", json={})).status_code == 405

    ann = (await got(api, f"{people}?$filter=lastname eq 'Ann'"))["value"][0]["contactid"]
    di = (await got(api, "contacts?$filter=lastname eq 'Di'"))["value"][0]["contactid"]
    assert (await got(api, f"{people}({ann})"))["lastname"] == "Ann"
    assert (await got(api, f"{people}({ann})/parentcustomerid_account/name"))["value"] == "Firm"
    assert (await api.get(f"{people}({di})")).status_code == 404
    assert (await api.post(people, json={"lastname": "Ed"})).status_code == 204
    assert (await api.get(f"{people}/$count")).text == "4"


async def test_refs_of_a_lookup_are_read_set_and_cleared(api):
    ann = await made(api, "contacts", lastname="Lee")
    firm = f"accounts({await made(api, 'accounts', name='Firm')})"
    ref = f"{firm}/primarycontactid/$ref"
    assert (await api.get(ref)).status_code == 204
    address = f"{ROOT}contacts({ann})"
    for body in (
        address,
        f"/contacts({ann.upper()})",
        f"https://else:9/api/data/v9.1/contacts({ann})",
    ):
        assert (await api.delete(ref)).status_code == 204
        assert (await api.put(ref, json={"@odata.id": body})).status_code == 204
        assert await got(api, ref) == {
            "@odata.context": f"{ROOT}$metadata#$ref", "@odata.id": address,
        }  # fmt: skip
    assert (await got(api, f"{firm}/$ref"))["@odata.id"] == ROOT + firm
    wrong: list[dict[str, object]] = [
        {}, {"@odata.id": 5}, {"@odata.id": "contacts"}, {"@odata.id": f"{ROOT}{firm}"},
        {"@odata.id": "contacts(x)"}, {"@odata.id": "contacts(lastname='Lee')"},
        {"@odata.id": "$1"}, {"@odata.id": ""}, {"@odata.id": "(" * 300}, {"@odata.id": None},
        {"@odata.id": f"{ROOT}contacts({ann})/parentcustomerid_account"},
        {"@odata.id": "contacts(11111111-1111-1111-1111-111111111111)"},
    ]  # fmt: skip
    for refused in wrong:
        answer = await api.put(ref, json=refused)
        assert (answer.status_code, refused) == (400, refused)
    assert (await api.post(ref, json={"@odata.id": address})).status_code == 405
    assert (await got(api, firm))["_primarycontactid_value"] == ann


async def test_refs_of_a_collection_set_and_clear_the_lookup_of_its_records(api):
    firm = await made(api, "accounts", name="Firm")
    ann = await made(api, "contacts", lastname="Ann")
    people = f"accounts({firm})/contact_customer_accounts"
    said = {"@odata.id": f"{ROOT}contacts({ann})"}
    for removal in (
        f"{people}({ann})/$ref",
        f"{people}/$ref?$id={quote(said['@odata.id'], safe='')}",
        f"{people}/$ref?$id=contacts({ann})",
    ):
        assert (await api.post(f"{people}/$ref", json=said)).status_code == 204
        refs = await got(api, f"{people}/$ref")
        assert refs["value"] == [said]
        assert (await got(api, f"contacts({ann})"))["_parentcustomerid_value"] == firm
        assert (await api.delete(removal)).status_code == 204
        assert (await got(api, f"contacts({ann})"))["_parentcustomerid_value"] is None
        assert (await api.delete(removal)).status_code == 404
    assert (await api.delete(f"{people}/$ref")).status_code == 400
    assert (
        await api.post(f"{people}/$ref", json={"@odata.id": f"accounts({firm})"})
    ).status_code == 400
    task = await made(
        api, "tasks", subject="Call",
        **{"regardingobjectid_account_task@odata.bind": f"/accounts({firm})"},
    )  # fmt: skip
    (row,) = (await got(api, f"accounts({firm})/Account_Tasks?$select=subject"))["value"]
    assert (row["activityid"], row["subject"]) == (task, "Call")


async def test_refs_of_many_to_many_links_hold_each_pair_once(api):
    ports = {name: await made(api, "ports", name=name) for name in "ABC"}
    a, b, c = ports.values()

    async def sisters(port: str, name: str = "port_sisters") -> str:
        rows = (await got(api, f"ports({port})/{name}?$orderby=name"))["value"]
        return "".join(row["name"] for row in rows)

    for left, right in ((a, b), (a, c), (b, c)):
        said = {"@odata.id": f"{ROOT}ports({right})"}
        answer = await api.post(f"ports({left})/port_sisters/$ref", json=said)
        assert answer.status_code == 204
    again = await api.post(f"ports({a})/port_sisters/$ref", json={"@odata.id": f"ports({b})"})
    assert (again.status_code, again.json()["error"]["code"]) == (412, "0x80040237")
    assert [await sisters(port) for port in (a, b, c)] == ["BC", "C", ""]
    back = "Referencedport_sisters"
    assert [await sisters(port, back) for port in (a, b, c)] == ["", "A", "AB"]
    assert (await api.get(f"ports({c})/{back}/$count")).text == "2"
    assert (await api.delete(f"ports({a})/port_sisters({b})/$ref")).status_code == 204
    assert (await api.delete(f"ports({a})/port_sisters({b})/$ref")).status_code == 404
    assert (await api.delete(f"ports({c})/{back}({a})/$ref")).status_code == 204
    assert [await sisters(port) for port in (a, b, c)] == ["", "C", ""]


async def test_what_may_not_be_read_is_not_there_behind_any_record(app, api):
    firm = await made(api, "accounts", name="Firm")
    port = f"ports({await made(api, 'ports', **{'payer_account@odata.bind': f'accounts({firm})'})})"
    async with app.api_as("salesperson") as seller:
        for address in (port, f"{port}/name", f"{port}/payer_account", f"{port}/$ref"):
            assert (await seller.get(address)).status_code in (403, 404)
        put = await seller.put(f"{port}/name", json={"value": "x"})
        assert put.status_code in (403, 404)
        ref = await seller.delete(f"{port}/payer_account/$ref")
        assert ref.status_code in (403, 404)
    assert (await got(api, port))["_payer_value"] == firm
