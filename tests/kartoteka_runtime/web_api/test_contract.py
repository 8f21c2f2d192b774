"""What the wire contract says and no other file shows; each table is a few of its rows.

Source: reference web-api, sections 1 to 6 and 14.
"""

from __future__ import annotations

import asyncio
import http.client
import json
import re
from contextlib import closing
from urllib.parse import urlsplit

import pytest

from kartoteka.plugin_api.contexts import RecordHandler
from kartoteka_runtime import publication_refresh
from kartoteka_runtime.storage.database import DatabaseBusy
from kartoteka_runtime.testing.running_app import publish_folder
from kartoteka_runtime.testing.served_app import served

JUNK = "11111111-1111-1111-1111-111111111111"
GUID = "[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"
FORMATTED = "@OData.Community.Display.V1.FormattedValue"


@pytest.fixture
async def crm(start_app):
    """Give an administrator's client of an app with the standard types."""
    app = await start_app(plugins=["sales", "service", "marketing"])
    async with app.api_as() as client:
        yield client


@pytest.fixture
async def samples(start_app, every_type):
    """Give the app with the entity ``sample``, which has a field of every type."""
    return await start_app(metadata=every_type)


async def made(api, address: str, **values) -> str:
    answer = await api.post(address, json=values)
    assert answer.status_code == 204, answer.text
    return str(answer.headers["OData-EntityId"])[-37:-1]


async def got(api, address: str, **headers: str):
    answer = await api.get(address, headers=headers)
    assert answer.status_code == 200, (address, answer.text)
    return answer.json()


async def test_every_link_begins_as_the_client_wrote_the_host(crm):
    crm.headers["Host"] = "crm.example.org:8443"
    root = "http://crm.example.org:8443/api/data/v9.2/"
    ann, bo = [await made(crm, "contacts", lastname=name) for name in ("Ann", "Bo")]
    written = await crm.post("accounts", json={"name": "A"})
    firm = written.headers["OData-EntityId"]
    assert re.fullmatch(rf"{root}accounts\({GUID}\)", firm)
    assert written.headers["Location"] == firm
    changed = await crm.patch(firm, json={"name": "B"})
    assert changed.headers["OData-EntityId"] == firm
    said = {"@odata.id": f"{root}contacts({ann})"}
    put = await crm.put(f"{firm}/primarycontactid/$ref", json=said)
    assert put.status_code == 204, put.text
    assert await got(crm, f"{firm}/primarycontactid/$ref") == {
        **said, "@odata.context": f"{root}$metadata#$ref",
    }  # fmt: skip
    page = await got(crm, "contacts?$select=lastname", Prefer="odata.maxpagesize=1")
    assert page["@odata.context"].startswith(f"{root}$metadata#contacts(")
    assert page["@odata.nextLink"].startswith(f"{root}contacts?$select=lastname&$skiptoken=")
    assert (await got(crm, page["@odata.nextLink"]))["value"][0]["contactid"] == bo
    xml = "<fetch count='1'><entity name='contact'><attribute name='lastname'/></entity></fetch>"
    assert (await crm.get("contacts", params={"fetchXml": xml})).json()["@odata.context"][
        : len(root)
    ] == root
    body = "--b\r\nContent-Type: application/http\r\n\r\nGET accounts HTTP/1.1\r\n\r\n--b--"
    batch = await crm.post(
        "$batch", content=body, headers={"Content-Type": "multipart/mixed; boundary=b"}
    )
    assert f'"@odata.context":"{root}$metadata#accounts' in batch.text


async def test_queries_are_decoded_once_as_form_data(crm):
    for name in ("Alfa & Söhne", "50% + more", "O'Hara", "a,b"):
        await made(crm, "accounts", name=name)
    for query, found in (
        ("$select=name&$filter=name eq 'O''Hara'", "O'Hara"),
        ("%24select=name&%24filter=name%20eq%20%27O%27%27Hara%27", "O'Hara"),
        ("%24select=name&%24filter=name+eq+%27O''Hara%27", "O'Hara"),
        ("$select=name%2Caccountnumber&$filter=name+eq+'a%2Cb'", "a,b"),
        ("$select=name,accountnumber&$filter=name eq 'a,b'", "a,b"),
        ("$filter=name eq 'Alfa %26 S%C3%B6hne'", "Alfa & Söhne"),
        ("$filter=contains(name,'%25 %2B ')", "50% + more"),
        ("$filter=name eq '50%25 %2B more'&tag=x&partitionid=y&annotations=z", "50% + more"),
        (f"$filter=name eq 'a,b'&tag={'x' * 32_000}", "a,b"),  # of 32 KB
    ):
        rows = (await got(crm, f"accounts?{query}"))["value"]
        assert ([row["name"] for row in rows], query) == ([found], query)
    xml = "<fetch><entity name='account'><attribute name='name'/></entity></fetch>"
    for name in ("fetchXml", "fetchxml", "FetchXML"):
        answer = await crm.get("accounts", params={name: xml})
        assert (len(answer.json()["value"]), name) == (4, name)
    for wrong in ("$Filter=name eq 'a'", "$SELECT=name", "$nosuch=1"):
        answer = await crm.get(f"accounts?{wrong}")
        assert (answer.status_code, wrong) == (400, wrong)


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_one_connection_serves_on_after_answers_without_a_body(samples):
    token = await samples.parts.sessions.create_token((await samples.principal()).user_id, "t")
    carried = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def ask(origin: str) -> None:
        with closing(http.client.HTTPConnection(urlsplit(origin).netloc, timeout=30)) as line:

            def send(method: str, address: str, status: int, body="", tag="null"):
                line.request(method, address, body, {**carried, "If-None-Match": tag})
                answer = line.getresponse()
                content = answer.read()
                assert (answer.status, bool(content)) == (status, status not in (204, 304)), content
                assert int(answer.headers.get("Content-Length", 0)) == len(content)
                ports.add(line.sock.getsockname()[1])
                return answer.headers

            made = send("POST", "/api/data/v9.2/samples", 204, '{"name":"S"}')
            sample = urlsplit(made["OData-EntityId"]).path
            tag = send("GET", sample, 200)["ETag"]
            send("GET", sample, 304, tag=tag)
            send("PATCH", sample, 204, '{"wheels":4}')
            send("GET", sample, 200, tag=tag)
            send("DELETE", sample, 204)
            send("GET", sample, 404)

    ports: set[int] = set()
    async with served(samples) as origin:
        await asyncio.to_thread(ask, origin)
    assert len(ports) == 1


VALUES: list[tuple[str, object, object]] = [
    ("story", "a\nb \N{SNOWMAN} \N{PILE OF POO}", ...), ("mail", "a@example.org", ...),
    ("wheels", 4, ...), ("odometer", 2**53 + 1, ...), ("weight", 1.125, ...),
    ("price", 12.5, ...), ("latitude", -0.25, ...), ("leased", False, ...), ("fuel", 2, ...),
    ("colors", "12,1", "1,12"), ("colors", None, ...), ("built", "2031-05-06", ...),
    ("seen", "2031-05-06T07:08:09Z", ...),
    ("seen", "2031-05-06T07:08:09.987Z", "2031-05-06T07:08:09Z"),
    ("seen", "2031-05-06T02:08:09-05:00", "2031-05-06T07:08:09Z"),
    ("seen", "2031-05-06T07:08:09.1234567+00:00", "2031-05-06T07:08:09Z"),
    ("chassis", JUNK.upper(), JUNK), ("due", "2031-05-06", ...), ("weight", 3, 3.0),
]  # fmt: skip


async def test_values_have_the_json_of_their_types(samples):
    async with samples.api_as() as api:
        sample = f"samples({await made(api, 'samples', name='S')})"
        for name, sent, expected in VALUES:
            text = json.dumps({name: sent}, ensure_ascii=True)  # as DWA escapes it
            answer = await api.patch(sample, content=text)
            assert (answer.status_code, name) == (204, name), answer.text
            read = (await got(api, sample))[name]
            wanted = sent if expected is ... else expected
            assert (read, type(read), name) == (wanted, type(wanted), name)
        record = await got(api, sample)
        assert isinstance(record["versionnumber"], int)
        assert re.fullmatch(GUID, record["_ownerid_value"]) and re.fullmatch(
            r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", record["createdon"]
        )
        assert {"_parent_value", "_buyer_value", "site"} <= record.keys()  # empty ones too
        assert "parent" not in record and "buyer" not in record
        for moment in ("2031-05-06T07:08:09Z", "2031-05-06T07:08:09.000Z",
                       "2031-05-06T02:08:09-05:00", "2031-05-06T09:08:09.000%2B02:00"):  # fmt: skip
            rows = (await got(api, f"samples?$filter=seen eq {moment}&$select=name"))["value"]
            assert (len(rows), moment) == (1, moment)


async def test_states_are_plain_writes_and_are_told_formatted(crm):
    deal = f"opportunities({await made(crm, 'opportunities', name='Boats')})"
    firm = f"accounts({await made(crm, 'accounts', name='Firm')})"
    off = await crm.patch(firm, json={"statecode": 1, "statuscode": 2})
    assert off.status_code == 204, off.text
    wants = 'odata.include-annotations="*"'
    record = await got(crm, f"{firm}?$select=statecode,statuscode,name,fax", Prefer=wants)
    assert (record["statecode"], record[f"statecode{FORMATTED}"]) == (1, "Inactive")
    assert (record["statuscode"], record[f"statuscode{FORMATTED}"]) == (2, "Inactive")
    assert not {f"name{FORMATTED}", f"fax{FORMATTED}"} & record.keys()  # a text, nothing
    assert (await crm.patch(firm, json={"statecode": 0})).status_code == 204
    assert (await got(crm, firm))["statuscode"] == 1
    assert (await crm.patch(deal, json={"statecode": 77})).status_code == 400


async def test_what_was_altered_needs_no_publishing_by_hand(crm):
    xml = "<importexportxml><entities><entity>account</entity></entities></importexportxml>"
    for name, body in (("PublishAllXml", {}), ("PublishXml", {"ParameterXml": xml})):
        answer = await crm.post(name, json=body)
        assert (answer.status_code, answer.content, name) == (204, b"", name)


async def test_a_wish_for_an_answer_later_is_answered_now(crm):
    later = 'respond-async, odata.callback;url="http://example.org/x,y"'
    created = await crm.post("accounts", json={"name": "A"}, headers={"Prefer": later})
    assert created.status_code == 204 and "Preference-Applied" not in created.headers
    both = f"{later},return=representation"
    created = await crm.post("accounts", json={"name": "B"}, headers={"Prefer": both})
    assert created.status_code == 201
    assert created.headers["Preference-Applied"] == "return=representation"
    listed = await crm.get("accounts", headers={"Prefer": f"{later},odata.maxpagesize=1"})
    assert (listed.status_code, len(listed.json()["value"])) == (200, 1)
    assert listed.headers["Preference-Applied"] == "odata.maxpagesize=1"


OWNERS = {"accounts": {"name": "O"}, "contacts": {"lastname": "O"}}
HOURS = {"scheduledstart": "2031-05-06T07:00:00Z", "scheduledend": "2031-05-06T08:00:00Z"}
LINKED: list[tuple[str, str, str, str, str, dict[str, object]]] = [
    # of whom, the collection, what is in it: its set and key, what binds it, its other values
    ("accounts", "contact_customer_accounts", "contacts", "contactid",
     "parentcustomerid_account", {"lastname": "I"}),
    ("contacts", "account_primary_contact", "accounts", "accountid", "primarycontactid",
     {"name": "I"}),
    ("accounts", "Referencedaccount_parent_account", "accounts", "accountid", "parentaccountid",
     {"name": "I"}),
    ("accounts", "Account_Tasks", "tasks", "activityid", "regardingobjectid_account_task",
     {"subject": "I"}),
    ("accounts", "Account_Emails", "emails", "activityid", "regardingobjectid_account_email",
     {"subject": "I"}),
    ("accounts", "Account_Phonecalls", "phonecalls", "activityid",
     "regardingobjectid_account_phonecall", {"subject": "I"}),
    ("accounts", "Account_Appointments", "appointments", "activityid",
     "regardingobjectid_account_appointment", {"subject": "I", **HOURS}),
    ("contacts", "Contact_Phonecalls", "phonecalls", "activityid",
     "regardingobjectid_contact_phonecall", {"subject": "I"}),
    ("accounts", "opportunity_customer_accounts", "opportunities", "opportunityid",
     "customerid_account", {"name": "I"}),
    ("contacts", "opportunity_customer_contacts", "opportunities", "opportunityid",
     "customerid_contact", {"name": "I"}),
    ("accounts", "incident_customer_accounts", "incidents", "incidentid", "customerid_account",
     {"title": "I"}),
]  # fmt: skip


async def test_standard_relationships_have_the_names_of_clients(crm):
    owners = {name: f"{name}({await made(crm, name, **one)})" for name, one in OWNERS.items()}
    for of_set, collection, set_name, key, navigation, values in LINKED:
        owner = owners[of_set]
        bound = {f"{navigation}@odata.bind": f"/{owner}"}
        item = await made(crm, set_name, **values, **bound)
        rows = (await got(crm, f"{owner}/{collection}"))["value"]
        assert ([row[key] for row in rows], collection) == ([item], collection)
        inside = await got(crm, f"{owner}?$select=createdon&$expand={collection}($select={key})")
        assert (inside[collection][0][key], collection) == (item, collection)
        back = await got(crm, f"{set_name}({item})/{navigation}?$select=createdon")
        assert back["@odata.context"].endswith(f"#{of_set}/$entity"), navigation
        capitals = {f"{navigation.upper()}@odata.bind": f"/{owner}"}
        wrong = await crm.patch(f"{set_name}({item})", json=capitals)
        assert (wrong.status_code, navigation) == (400, navigation)  # each case is another name
    me = (await got(crm, "WhoAmI"))["UserId"]
    unit = (await got(crm, "businessunits?$top=1"))["value"][0]["businessunitid"]
    for address, key in (
        (f"systemusers({me})/teammembership_association", "teamid"),
        (f"businessunits({unit})/business_unit_system_users", "systemuserid"),
        (f"systemusers({me})/lk_accountbase_createdby", "accountid"),
    ):
        rows = (await got(crm, address))["value"]
        assert (bool(rows) and all(key in row for row in rows), address) == (True, address)
    case = {"title": "Leak", "customerid@odata.bind": f"/{owners['accounts']}"}
    refused = await crm.post("incidents", json=case)
    assert refused.status_code == 400 and "customerid_account" in refused.text


async def test_refusals_have_the_status_and_code_of_their_reason(samples):
    async with samples.api_as() as api:
        await made(api, "samples", name="S", code="one")
        currency = (await got(api, "transactioncurrencies?$top=1"))["value"][0]
        money = f"transactioncurrencies({currency['transactioncurrencyid']})"
        fetch = "<fetch><entity name='sample'><attribute name='nosuch'/></entity></fetch>"
        for method, address, more, status, code in (
            ("POST", "samples", {"json": {"name": "T", "code": "ONE"}}, 412, "0x80060892"),
            ("DELETE", money, {}, 405, "0x80040227"),
            ("GET", "samples", {"params": {"fetchXml": fetch}}, 400, "0x80041103"),
            ("GET", "samples", {"params": {"sql": "SELECT nosuch FROM sample"}}, 400, "0x80041103"),
            ("PUT", "samples", {"json": {}}, 405, "0x80060888"),
            ("POST", "samples", {"json": {"name": "T", "story": "x" * 61}}, 400, "0x80044331"),
        ):  # fmt: skip
            answer = await api.request(method, address, **more)
            error = answer.json()["error"]
            assert (answer.status_code, error["code"], bool(error["message"])) == (
                status, code, True,
            ), (address, answer.text)  # fmt: skip

        async def busy(context) -> None:
            raise DatabaseBusy("others write")

        samples.add_record_handlers(RecordHandler("sample", "after_create", busy))
        answer = await api.post("samples", json={"name": "T"})
        assert (answer.status_code, bool(answer.json()["error"]["message"])) == (503, True)
        assert answer.headers["Retry-After"].isdecimal()
        assert (await api.get("samples/$count")).text == "1"
    async with samples.api_as("sales_manager") as api:
        answer = await api.post("businessunits", json={"name": "Mine"})
        assert (answer.status_code, answer.json()["error"]["code"]) == (403, "0x80040220")


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_who_asks_for_strong_consistency_knows_what_another_process_published(
    start_app, every_type, monkeypatch
):
    monkeypatch.setattr(publication_refresh, "_REFRESH_SECONDS", 1e6)  # no look by itself
    app = await start_app(metadata=every_type)
    folder = app.parts.settings.app_folder
    file = folder / "metadata" / "entities" / "sample.yaml"
    fresh = "  - { name: fresh, type: text, label: { en: Fresh } }\n"
    file.write_text(file.read_text(encoding="utf-8") + fresh, encoding="utf-8")
    await publish_folder(folder, app.parts.settings.database_url)
    async with app.api_as() as api:
        assert (await api.get("samples?$select=fresh")).status_code == 400
        strong = {"Consistency": "Strong"}
        named = "EntityDefinitions(LogicalName='sample')/Attributes(LogicalName='fresh')"
        assert (await api.get(named)).status_code == 404
        assert (await api.get(named, headers=strong)).status_code == 200
        assert (await api.get("samples?$select=fresh")).status_code == 200
