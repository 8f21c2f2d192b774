"""What hostile people with a token tried over the Web API, and what must go on failing."""

from __future__ import annotations

import asyncio
import base64
import re
from collections.abc import Awaitable, Callable
from ipaddress import ip_address
from typing import Any

import pytest
from tests.security.small_office import ALL, Office, entity_text, role_text

from kartoteka.record_values import Reference
from kartoteka_runtime.jobs.webhook_sender import AddressRefused, GuardedBackend
from kartoteka_runtime.known_ids import profile_id
from kartoteka_runtime.testing.running_app import RunningApp

_TYPE = "Microsoft.Dynamics.CRM."
_SEEN = "read: organization, append_to: organization"
_MARKER = ", ".join(f"{verb}: organization" for verb in ALL[:6])
METADATA = {
    "entities/dossier.yaml": entity_text(
        "dossier",
        "  - { name: secret, type: text, label: { en: Secret }, secured: true }\n"
        "  - { name: remark, type: text, label: { en: Remark } }\n"
        "  - { name: code, type: text, label: { en: Code }, unique: true }\n"
        "  - { name: doc, type: file, label: { en: Doc } }\n"
        "  - { name: kept, type: file, label: { en: Kept }, secured: true }\n"
        "  - { name: above, type: lookup, label: { en: Above }, target: dossier,"
        " relationship: dossier_above, hierarchical: true }\n",
        more="ownership: user\nfeatures: [change_tracking, notes]\n",
    ),
    "entities/page.yaml": entity_text(
        "page",
        "  - { name: dossierid, type: lookup, label: { en: Dossier }, target: dossier,"
        " relationship: dossier_pages, relation: parental }\n",
        more="ownership: none\nparent: dossierid\n",
    ),
    "entities/copy.yaml": entity_text(
        "copy",
        "  - { name: dossierid, type: lookup, label: { en: Dossier }, target: dossier,"
        " relationship: dossier_copies, on_delete: cascade }\n",
    ),
    "entities/scan.yaml": entity_text(
        "scan", "  - { name: documentbody_binary, type: file, label: { en: Body } }\n"
    ),
    "entities/marker.yaml": entity_text("marker"),
    "relationships/dossier_marker.yaml": (
        "kind: relationship\nformat: 1\nname: dossier_marker\nleft: dossier\nright: marker\n"
        "intersect: dossiermarkers\nleft_label: { en: Dossiers }\nright_label: { en: Markers }\n"
    ),
    "security_roles/clerk.yaml": role_text(
        "clerk", "miscellaneous: [bulk_delete]\n", dossier="user", scan="user", copy="user",
        annotation="user", userquery="user", marker=_MARKER, systemuser="read: business_unit",
    ),
    "security_roles/agent.yaml": role_text(
        "agent", "miscellaneous: [act_on_behalf, bulk_delete]\n",
        dossier="read: user, delete: user", systemuser=_SEEN,
    ),
    "column_profiles/seers.yaml": (
        "kind: column_profile\nformat: 1\nname: seers\nlabel: { en: Seers }\nprivileges:\n"
        "  - entity: dossier\n    columns: [{ field: secret, read: true }]\n"
    ),
}  # fmt: skip


@pytest.fixture
async def office(start_app: Callable[..., Awaitable[RunningApp]]) -> Office:
    found = Office(await start_app(metadata=METADATA, languages=("en",)))
    await found.staff()
    return found


async def test_nothing_is_read_behind_what_one_may_not_read(office: Office) -> None:
    root, bobs = office.of("root"), {"name": "HIDDENNAME", "ownerid": office.user("bob")}
    above = await root.create("dossier", {**bobs, "remark": "HIDDENREMARK", "code": "C1"})
    below = {"name": "HIDDENPAGE", "dossierid": Reference("dossier", above)}
    page = await root.create("page", below)
    mine = await root.create(
        "dossier",
        {"name": "mine", "secret": "HIDDENSECRET", "ownerid": office.user("mal"),
         "above": Reference("dossier", above)},
    )  # fmt: skip
    marker = await root.create("marker", {"name": "m"})
    for dossier in (above, mine):
        await root.associate("dossier_marker", dossier, marker)
    named = {"Content-Type": "application/octet-stream", "x-ms-file-name": "HIDDENFILE.txt"}
    sent = await office.ask("root", "PUT", f"dossiers({mine})/kept", b"HIDDENBYTES", headers=named)
    assert sent.status_code == 204
    saved = await office.of("bob").create(
        "userquery",
        {"name": "HIDDENLIST", "returnedtypecode": "dossier",
         "fetchxml": "<fetch><entity name='dossier'><attribute name='name'/></entity></fetch>"},
    )  # fmt: skip
    outer = "FROM dossier a LEFT JOIN dossier b ON a.above = b.dossierid"
    link = "<link-entity name='dossier' from='dossierid' to='above' link-type='outer'>"
    for path, params, told in (
        (f"dossiers({above})/dossier_pages", {}, 404),
        (f"dossiers({above})/dossier_pages/$ref", {}, 404),
        (f"dossiers({above})/dossier_pages/$count", {}, 404),
        (f"dossiers({above})/dossier_pages({page})/name/$value", {}, 404),
        (f"dossiers({above})/$ref", {}, 404),
        (f"dossiers({mine})/above", {}, 204),
        (f"dossiers({mine})/above/name", {}, 404),
        (f"dossiers({mine})/above/dossier_pages/$count", {}, 404),
        (f"dossiers({mine})/secret/$value", {}, 204),
        (f"dossiers({mine})/kept/$value", {}, 204),
        (f"dossiers({mine})/kept_name", {}, 204),
        (f"dossiers({mine})", {"$expand": "above($select=name)"}, 200),
        (f"markers({marker})/dossier_marker/$ref", {}, 200),
        (f"markers({marker})/dossier_marker({above})/name", {}, 404),
        ("dossiers(code='C1')", {}, 404),
        ("dossiers", {"$apply": "filter(above/remark eq 'HIDDENREMARK')/aggregate($count as c)"},
         200),
        ("dossiers", {"$apply": "groupby((secret))"}, 400),
        ("dossiers", {"$filter": "dossier_pages/any(p:p/name eq 'HIDDENPAGE')"}, 200),
        ("dossiers", {"$filter": "kept_name eq 'HIDDENFILE.txt'"}, 400),
        ("dossiers", {"sql": f"SELECT b.remark {outer}"}, 200),
        ("dossiers", {"sql": f"SELECT a.name AS n {outer} WHERE b.remark IS NOT NULL"}, 200),
        ("dossiers", {"sql": f"SELECT a.name AS n {outer} WHERE b.secret = 'x'"}, 400),
        ("dossiers", {"sql": "SELECT secret FROM dossier"}, 200),
        ("dossiers", {"sql": "SELECT name FROM dossier ORDER BY secret"}, 400),
        ("dossiers", {"sql": "SELECT secret, COUNT(*) AS c FROM dossier GROUP BY secret"}, 400),
        ("dossiers", {"sql": "SELECT COUNT(DISTINCT secret) AS c FROM dossier"}, 400),
        ("dossiers", {"fetchXml": f"<fetch><entity name='dossier'>{link}<attribute name='remark'"
                                  " alias='r'/></link-entity></entity></fetch>"}, 200),
        ("dossiers", {"userQuery": saved}, 400),
    ):  # fmt: skip
        answer = await office.ask("mal", "GET", path, params=params)
        assert answer.status_code == told, (path, params, answer.text)
        assert "HIDDEN" not in answer.text.replace(params.get("$filter", "-"), ""), answer.text
        if "IS NOT NULL" in str(params):
            assert answer.json()["value"] == []
    count = await office.ask("mal", "GET", "RetrieveTotalRecordCount(EntityNames=['dossier'])")
    assert count.json()["EntityRecordCountCollection"]["Values"] == [1]


async def test_changes_tell_nobody_of_records_that_they_could_not_read(office: Office) -> None:
    root = office.of("root")
    moved = await root.create("dossier", {"name": "m", "ownerid": office.user("mal")})
    tracked = {"Prefer": "odata.track-changes"}
    first = await office.ask("root", "GET", "dossiers?$select=name", headers=tracked)
    link = first.json()["@odata.deltaLink"].partition("v9.2/")[2]
    gone = await root.create("dossier", {"name": "g", "ownerid": office.user("bob")})
    await root.delete("dossier", gone)
    await root.update("dossier", moved, {"ownerid": office.user("bob")})
    told = (await office.ask("mal", "GET", link)).json()["value"]  # with somebody else's token
    assert [(one["id"], one["reason"]) for one in told] == [(moved, "deleted")]
    told = (await office.ask("bob", "GET", link)).json()["value"]
    assert {one.get("id") or one["dossierid"] for one in told} == {gone, moved}


async def test_a_note_shows_no_file_of_another_type_with_its_id(office: Office) -> None:
    scan = await office.of("bob").create("scan", {"name": "s"})
    named = {"Content-Type": "application/octet-stream", "x-ms-file-name": "s.txt"}
    address = f"scans({scan})/documentbody_binary"
    assert (await office.ask("bob", "PUT", address, b"HIDDEN", headers=named)).status_code == 204
    note = {"annotationid": scan, "subject": "mine"}
    assert (await office.ask("mal", "POST", "annotations", note)).status_code == 204
    for path in (f"annotations({scan})", "annotations?$select=documentbody"):
        answer = await office.ask("mal", "GET", path)
        assert answer.status_code == 200
        assert base64.b64encode(b"HIDDEN").decode() not in answer.text


async def test_the_last_piece_sent_again_takes_nothing_away(office: Office) -> None:
    mine = await office.of("mal").create("dossier", {"name": "mine"})
    chunked = {"x-ms-transfer-mode": "chunked", "x-ms-file-name": "a.txt"}
    begun = await office.ask("mal", "PATCH", f"dossiers({mine})/doc", headers=chunked)
    piece = {"Content-Range": "bytes 0-2/3", "Content-Type": "application/octet-stream"}
    address = begun.headers["location"].partition("v9.2/")[2]
    answers = await asyncio.gather(
        *(office.ask("mal", "PATCH", address, b"abc", headers=piece) for _ in range(4))
    )
    assert 204 in {answer.status_code for answer in answers}, [one.text for one in answers]
    assert {answer.status_code for answer in answers} <= {204, 400, 404}
    await office.app.run_jobs()
    kept = await office.ask("mal", "GET", f"dossiers({mine})/doc/$value")
    assert (kept.status_code, kept.content) == (200, b"abc")
    assert (await office.ask("mal", "PATCH", address, b"abc", headers=piece)).status_code == 204


async def test_a_bulk_delete_for_others_does_what_both_may(office: Office) -> None:
    await office.hire("seer", "clerk")
    profile = profile_id(office.app.parts.live_registry.current, "seers")
    seer, system = office.user("seer").id, office.app.system_records
    await system.associate("systemuserprofiles_association", seer, profile)
    dossier = await system.create(
        "dossier", {"name": "42", "secret": "42", "ownerid": office.user("seer")}
    )

    def wanted(field: str) -> dict[str, Any]:
        condition = {"AttributeName": field, "Operator": "Equal", "Values": ["42"]}
        query = {"EntityName": "dossier", "Criteria": {"Conditions": [condition]}}
        return {"QuerySet": [query], "JobName": "x"}

    async def asked(name: str, field: str, instead_of: str = "") -> int:
        body = wanted(field)
        return (
            await office.ask(name, "POST", "BulkDelete", body, instead_of=instead_of)
        ).status_code

    copy = {"name": "c", "dossierid": Reference("dossier", dossier), "ownerid": office.user("seer")}
    copy_id = await system.create("copy", copy)
    # The agent reads no secrets, and may delete no copies, which would go along.
    for field in ("secret", "name"):
        assert await asked("agent", field, "seer") == 200
        await office.app.run_jobs()
        assert await system.count("dossier", filter=f"dossierid eq {dossier}") == 1
    assert await asked("mal", "secret") == 200
    await office.app.run_jobs()
    await system.delete("copy", copy_id)
    assert await asked("agent", "name", "seer") == 200
    narrow = await office.ask("seer", "POST", "BulkDelete", wanted("name"), scope="write")
    assert narrow.status_code == 403
    await office.app.run_jobs()
    assert not await system.count("dossier", filter=f"dossierid eq {dossier}")


async def test_nobody_asks_what_users_out_of_sight_may(office: Office) -> None:
    mine = await office.of("mal").create("dossier", {"name": "mine"})
    target = f"?@t={{'@odata.id':'dossiers({mine})'}}"
    for name, told in (("mal", 200), ("bob", 404)):
        path = f"systemusers({office.user(name).id})/{_TYPE}RetrievePrincipalAccess(Target=@t)"
        assert (await office.ask("mal", "GET", path + target)).status_code == told
    north = await office.app.system_records.read("systemuser", office.user("bob").id)
    unit = north["businessunitid"]
    assert isinstance(unit, Reference)
    await office.hire("HIDDENNAME", unit=unit.id)
    template = await office.app.system_records.create(
        "teamtemplate",
        {"teamtemplatename": "t", "objecttypecode": "dossier", "defaultaccessrights": [1]},
    )
    body = {
        "Record": {"@odata.type": f"{_TYPE}dossier", "dossierid": mine},
        "TeamTemplate": {"@odata.type": f"{_TYPE}teamtemplate", "teamtemplateid": template},
    }
    path = f"systemusers({office.user('HIDDENNAME').id})/{_TYPE}AddUserToRecordTeam"
    answer = await office.ask("mal", "POST", path, body)
    assert answer.status_code == 400
    assert "HIDDENNAME" not in answer.text


async def test_a_change_set_that_fails_leaves_nothing(office: Office) -> None:
    mine = await office.of("mal").create("dossier", {"name": "mine"})
    theirs = await office.of("bob").create("dossier", {"name": "theirs"})
    as_json, file = {"Content-Type": "application/json"}, {"x-ms-file-name": "a.txt"}
    principal = {"@odata.type": f"{_TYPE}systemuser", "systemuserid": office.user("mal").id}
    access = {"Principal": principal, "AccessMask": "ReadAccess"}
    target = {"@odata.type": f"{_TYPE}dossier", "dossierid": mine}
    steps = (
        ("POST", "dossiers", as_json, {"name": "new"}),
        ("POST", "$1/dossier_pages", as_json, {"name": "below"}),
        ("PUT", f"dossiers({mine})/doc", {"Content-Type": "application/octet-stream", **file},
         base64.urlsafe_b64encode(b"abc").decode()),
        ("POST", "BulkDelete", as_json, {"QuerySet": [{"EntityName": "dossier"}]}),
        ("POST", "GrantAccess", as_json, {"Target": target, "PrincipalAccess": access}),
        ("PATCH", f"dossiers({theirs})", {**as_json, "If-Match": "*"}, {"name": "mine now"}),
    )  # fmt: skip
    requests = [
        {"id": str(number), "atomicityGroup": "g", "method": method, "url": url,
         "headers": headers, "body": body, "dependsOn": ["1"] if number == 2 else []}
        for number, (method, url, headers, body) in enumerate(steps, 1)
    ]  # fmt: skip
    answer = await office.ask("mal", "POST", "$batch", {"requests": requests})
    told = [one["status"] for one in answer.json()["responses"]]
    assert told == [424] * 5 + [404], answer.text
    system, folder = office.app.system_records, office.app.parts.settings.app_folder
    assert (await system.read("dossier", mine))["doc"] is None
    assert (await system.count("dossier"), await system.count("page")) == (2, 0)
    assert not await system.shares_of("dossier", mine)
    assert not [one for one in (folder / "data" / "files").rglob("*") if one.is_file()]
    assert await office.app.run_jobs() == 0
    done = await office.ask("mal", "POST", "$batch", {"requests": requests[:3]})
    assert [one["status"] for one in done.json()["responses"]] == [204] * 3, done.text


async def test_many_at_once_may_no_more_than_one(office: Office) -> None:
    theirs = await office.of("bob").create("dossier", {"name": "theirs", "code": "C1"})
    mine = await office.of("mal").create("dossier", {"name": "mine"})
    bind = f"dossiers({theirs})"
    for name, target, told in (
        ("CreateMultiple", {"name": "b", "secret": "s"}, 400),
        ("CreateMultiple", {"name": "b", "createdon": "2001-01-01T00:00:00Z"}, 400),
        (
            "CreateMultiple",
            {"name": "b", "ownerid@odata.bind": f"systemusers({office.user('bob').id})"},
            400,
        ),
        ("CreateMultiple", {"name": "b", "above@odata.bind": bind}, 400),
        ("CreateMultiple", {"name": "b", "dossierid": theirs}, 412),
        ("UpdateMultiple", {"dossierid": theirs, "name": "b"}, 404),
        ("UpsertMultiple", {"dossierid": theirs, "name": "b"}, 412),
        ("UpsertMultiple", {"@odata.id": "dossiers(code='C1')", "name": "b"}, 412),
        ("DeleteMultiple", {"dossierid": theirs}, 404),
    ):
        first = {"name": "a"} if name == "CreateMultiple" else {"dossierid": mine, "remark": "x"}
        targets = [{"@odata.type": f"{_TYPE}dossier", **one} for one in (first, target)]
        answer = await office.ask("mal", "POST", f"dossiers/{_TYPE}{name}", {"Targets": targets})
        assert answer.status_code == told, (name, target, answer.text)
    rows = await office.app.system_records.list("dossier", order=("name",))
    assert [(row["name"], row["remark"]) for row in rows] == [("mine", None), ("theirs", None)]


async def test_a_small_request_gets_no_long_answer_and_no_words_of_the_database(
    office: Office,
) -> None:
    body = {f"k{number}": 1 for number in range(20_000)}
    answer = await office.ask("mal", "POST", "dossiers", body)
    assert answer.status_code == 400
    assert "k0" in answer.text
    assert len(answer.content) < 10_000
    token = base64.urlsafe_b64encode(b'["dossier",true,4102444800,""]').decode().rstrip("=")
    page = "t." + base64.urlsafe_b64encode(b'[true,"",-1,""]').decode().rstrip("=")
    for option, said in (("$deltatoken", token), ("$skiptoken", page)):
        answer = await office.ask("mal", "GET", "dossiers", params={option: said})
        assert answer.status_code == 400, (option, answer.text)
        assert "no token of" in answer.text, answer.text


async def test_a_lookup_that_is_bound_stays_whatever_null_stands_beside_it(office: Office) -> None:
    above = await office.of("mal").create("dossier", {"name": "above"})
    bind, null = {"above@odata.bind": f"dossiers({above})"}, {"above": None}
    wanted = {"Prefer": "return=representation"}
    for body in ({**bind, **null}, {**null, **bind}):
        told = await office.ask("mal", "POST", "dossiers", {"name": "n", **body}, headers=wanted)
        assert told.status_code == 201, told.text
        assert told.json()["_above_value"] == above


async def test_who_puts_many_at_once_meets_nobody(office: Office) -> None:
    def targets(first: int) -> dict[str, Any]:
        codes = [f"K{(first + step) % 4}" for step in range(4)]
        return {
            "Targets": [
                {"@odata.type": f"{_TYPE}dossier", "@odata.id": f"dossiers(code='{code}')",
                 "name": "n"}
                for code in codes
            ]
        }  # fmt: skip

    path = f"dossiers/{_TYPE}UpsertMultiple"
    for first in ((0, 0, 0, 0), (0, 2)):
        answers = await asyncio.gather(
            *(office.ask("mal", "POST", path, targets(one)) for one in first)
        )
        assert [one.status_code for one in answers] == [204] * len(first), answers[0].text
        rows = await office.app.system_records.list("dossier")
        assert sorted(str(row["code"]) for row in rows) == ["K0", "K1", "K2", "K3"]
        for row in rows:
            await office.app.system_records.delete("dossier", str(row["dossierid"]))


async def test_every_operation_is_declared_once_and_none_stands_open(office: Office) -> None:
    told = (await office.ask("root", "GET", "$metadata")).text
    unbound = re.findall(r'<Action Name="([^"]+)">', told)
    assert len(unbound) == len(set(unbound))
    for name in unbound:
        for address in (name, _TYPE + name):
            answer = await office.ask("mal", "POST", address, {}, scope="read")
            assert answer.status_code in (400, 403, 404), (address, answer.text)


@pytest.mark.parametrize(
    "address",
    [
        "127.0.0.1", "169.254.169.254", "0.0.0.0", "100.64.0.1", "224.0.0.1", "::1", "fd00::1",
        "fe80::1", "fec0::1", "ff02::1", "::127.0.0.1", "::ffff:127.0.0.1", "::ffff:0:127.0.0.1",
        "64:ff9b::7f00:1", "64:ff9b:1::7f00:1", "2002:7f00:1::",
        "2001:0:4136:e378:8000:63bf:80ff:fffe",
    ],
)  # fmt: skip
def test_webhooks_reach_no_address_of_ours(address: str) -> None:
    backend = GuardedBackend(())
    with pytest.raises(AddressRefused):
        backend._require_allowed("name", ip_address(address))
    for public in ("9.9.9.9", "2620:fe::fe"):
        backend._require_allowed("name", ip_address(public))
