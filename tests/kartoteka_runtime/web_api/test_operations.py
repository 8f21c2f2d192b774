"""Actions and functions of the Web API: how they are called, what they answer, what is refused."""

from __future__ import annotations

import json
from urllib.parse import quote

import pytest

CRM = "Microsoft.Dynamics.CRM"
JUNK_ID = "11111111-1111-1111-1111-111111111111"


def typed(entity: str, **values) -> dict[str, object]:
    return {"@odata.type": f"{CRM}.{entity}", **values}


async def refusal(answer, status: int = 400) -> str:
    assert answer.status_code == status, answer.text
    return str(answer.json()["error"]["message"])


async def test_functions_are_called_with_and_without_parentheses(fleet):
    answers = [(await fleet.get(address)).json() for address in ("WhoAmI()", "WhoAmI")]
    assert answers[0] == answers[1]
    assert answers[0]["UserId"] == fleet.user_id
    assert answers[0].keys() == {"@odata.context", "BusinessUnitId", "UserId", "OrganizationId"}
    assert answers[0]["@odata.context"].endswith(f"/$metadata#{CRM}.WhoAmIResponse")
    version = (await fleet.get("RetrieveVersion()")).json()["Version"]
    assert version.startswith("9.2.")
    languages = (await fleet.get("RetrieveAvailableLanguages")).json()["LocaleIds"]
    assert {1033, 1045} <= set(languages)
    organization = (await fleet.get("organizations")).json()["value"][0]["organizationid"]
    assert answers[0]["OrganizationId"] == organization


@pytest.mark.parametrize(
    ("inside", "query"),
    [
        ("EntityNames=@p1", {"@p1": '["vessel","voyage"]'}),
        ("EntityNames=@p1", {"@p1": "['vessel','voyage']"}),
        ('EntityNames=["vessel","voyage"]', {}),
    ],
)
async def test_parameters_of_functions_stand_inside_or_behind_an_alias(fleet, inside, query):
    answer = await fleet.get(f"RetrieveTotalRecordCount({quote(inside)})", query)
    assert answer.status_code == 200, answer.text
    assert answer.json()["EntityRecordCountCollection"] == {
        "Count": 2, "IsReadOnly": False, "Keys": ["vessel", "voyage"], "Values": [5, 5],
    }  # fmt: skip


@pytest.mark.parametrize(
    "written",
    [
        "Microsoft.Dynamics.CRM.EndpointAccessType'Default'", "'Default'", "Default", "0", "null",
    ],
)  # fmt: skip
async def test_enums_are_read_in_every_way_that_clients_write_them(fleet, written):
    address = "RetrieveCurrentOrganization(AccessType=@p1)"
    answer = await fleet.get(address, {"@p1": written})
    detail = answer.json()["Detail"]
    assert detail["FriendlyName"]
    assert detail["OrganizationId"] == (await fleet.get("WhoAmI")).json()["OrganizationId"]


@pytest.mark.parametrize(
    ("address", "reason"),
    [
        ("RetrieveTotalRecordCount()", '"EntityNames"'),
        ("RetrieveTotalRecordCount(EntityNames=@p1)", '"EntityNames"'),
        ("RetrieveTotalRecordCount(EntityNames='vessel')", "a list is needed"),
        ("RetrieveTotalRecordCount(EntityNames=[1])", "EntityNames[0]: 1 is no text"),
        ("RetrieveTotalRecordCount(EntityNames=[)", ""),
        ("RetrieveTotalRecordCount(EntityNames=['vessel'],Junk=1)", '"Junk"'),
        ("RetrieveCurrentOrganization(AccessType='Junk')", "none of Default"),
        ("WhoAmI(Junk=1)", '"Junk"'),
        ("WhoAmI()?$select=UserId", '"$select"'),
        ("RetrieveTotalRecordCount(EntityNames=@p1)?@p1=['vessel']&@p1=['berth']", "twice"),
        ("CalculateRollupField(Target={'@odata.id':'junk(1)'},FieldName='x')", "no address"),
    ],
)
async def test_wrong_parameters_are_named_with_the_reason(fleet, address, reason):
    assert reason in await refusal(await fleet.api.get(address))


async def test_functions_take_get_and_actions_post(fleet):
    assert (await fleet.api.post("WhoAmI")).status_code == 405
    answer = await fleet.api.get("GrantAccess")
    assert (answer.status_code, answer.headers["Allow"]) == (405, "POST")
    assert (await fleet.api.get("NoSuchThing()")).status_code == 404
    address = f"vessels({fleet.identity('A')})/{CRM}.NoSuchThing"
    assert (await fleet.api.post(address, json={})).status_code == 404


async def test_access_is_granted_told_changed_and_revoked(fleet):
    user = (await fleet.app.principal("salesperson")).user_id
    created = await fleet.api.post("accounts", json={"name": "Alpine"})
    address = created.headers["OData-EntityId"].rpartition("/")[2]
    target = {"Target": typed("account", accountid=address[len("accounts(") : -1])}
    principal = {"@odata.id": f"https://elsewhere/api/data/v9.2/systemusers({user})"}

    async def rights() -> str:
        said = {"@p1": json.dumps({"@odata.id": address})}
        path = f"systemusers({user})/{CRM}.RetrievePrincipalAccess(Target=@p1)"
        return str((await fleet.get(path, said)).json()["AccessRights"])

    async def shares() -> list[object]:
        said = {"@p1": f"{{'@odata.id':'{address}'}}"}
        answer = await fleet.get("RetrieveSharedPrincipalsAndAccess(Target=@p1)", said)
        return [
            (item["AccessMask"], item["Principal"]["systemuserid"])
            for item in answer.json()["PrincipalAccesses"]
        ]

    for name, mask, expected in (
        ("GrantAccess", "ReadAccess", "ReadAccess"),
        ("GrantAccess", 2, "ReadAccess, WriteAccess"),
        ("ModifyAccess", "WriteAccess, ReadAccess, ShareAccess",
         "ReadAccess, WriteAccess, ShareAccess"),
    ):  # fmt: skip
        given = {"PrincipalAccess": {"Principal": principal, "AccessMask": mask}}
        answer = await fleet.api.post(name, json=target | given)
        assert (answer.status_code, answer.content) == (204, b""), answer.text
        assert await shares() == [(expected, user)]
    assert "WriteAccess" in await rights()
    revokee = {"Revokee": typed("systemuser", systemuserid=user)}
    assert (await fleet.api.post("RevokeAccess", json=target | revokee)).status_code == 204
    assert await shares() == []
    assert "WriteAccess" not in await rights()
    own = f"systemusers({fleet.user_id})/{CRM}.RetrievePrincipalAccess(Target=@p1)"
    answer = await fleet.get(own, {"@p1": json.dumps({"@odata.id": address})})
    assert answer.json()["AccessRights"].startswith("ReadAccess, WriteAccess, ")


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        ({}, '"Target"'),
        ({"Target": 1}, "an object is needed"),
        ({"Target": {}}, "@odata.type"),
        ({"Target": typed("junk", junkid=JUNK_ID)}, '"junk" is no record type'),
        ({"Target": typed("vessel", vesselid="x")}, "x is no unique id"),
        ({"Target": typed("vessel")}, "vesselid"),
        ({"Target": {"@odata.id": "vessels"}}, "no address"),
        ({"Target": {"@odata.id": f"vessels({JUNK_ID})"}, "Revokee": typed("voyage", voyageid="x")},
         'not of "voyage"'),
        ({"Target": typed("vessel", vesselid=JUNK_ID), "Junk": 1}, '"Junk"'),
    ],
)  # fmt: skip
async def test_wrong_parameters_of_actions_are_named_with_the_reason(fleet, body, reason):
    assert reason in await refusal(await fleet.api.post("RevokeAccess", json=body))
    assert (await fleet.api.post("RevokeAccess", content=b"[")).status_code == 400


async def test_members_join_and_leave_a_team(fleet):
    teams = (await fleet.get("teams?$filter=name eq 'mine'")).json()["value"]
    users = (await fleet.get("systemusers?$filter=domainname eq 'other'")).json()["value"]
    path = f"teams({teams[0]['teamid']})/{CRM}."
    body = {"Members": [typed("systemuser", systemuserid=users[0]["systemuserid"])]}
    members = f"teams({teams[0]['teamid']})/teammembership_association/$count"
    before = int((await fleet.get(members)).text)
    for name, expected in (
        ("AddMembersTeam", before + 1), ("AddMembersTeam", before + 1),
        ("RemoveMembersTeam", before),
    ):  # fmt: skip
        answer = await fleet.api.post(f"{path}{name}", json=body)
        assert answer.status_code == 204, answer.text
        assert int((await fleet.get(members)).text) == expected


async def test_message_filters_tell_what_an_entity_takes(fleet):
    names = ("CreateMultiple", "UpdateMultiple", "NoSuchMultiple")
    either = " or ".join(f"sdkmessageid/name eq '{name}'" for name in names)
    answer = await fleet.get("sdkmessagefilters", {
        "$select": "sdkmessagefilterid", "$expand": "sdkmessageid($select=name)",
        "$filter": f"({either}) and primaryobjecttypecode eq 'vessel'",
    })  # fmt: skip
    found = answer.json()["value"]
    assert {item["sdkmessageid"]["name"] for item in found} == set(names[:2])
    assert all(item["sdkmessagefilterid"] for item in found)
    assert "junk" in await refusal(await fleet.get("sdkmessagefilters?$filter=junk eq 'x'"))
    assert (await fleet.get("sdkmessagefilters?$filter=(")).status_code == 400
    assert (await fleet.get("sdkmessagefilters?$junk=1")).status_code == 400
