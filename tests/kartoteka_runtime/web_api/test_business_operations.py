"""Operations of the shipped plugins under the names that Dataverse's clients call."""

from __future__ import annotations

import pytest

CRM = "Microsoft.Dynamics.CRM"


@pytest.fixture
async def api(start_app):
    """Give an administrator's client of an app with sales, service and marketing."""
    app = await start_app(plugins=["sales", "service", "marketing"])
    async with app.api_as() as client:
        yield client


async def create(api, entity_set: str, **values) -> str:
    answer = await api.post(entity_set, json=values)
    assert answer.status_code == 204, answer.text
    return str(answer.headers["OData-EntityId"]).rpartition("(")[2][:-1]


async def read(api, address: str):
    answer = await api.get(address)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def test_a_lead_is_qualified_by_dataverses_name_and_by_the_commands_own(api):
    for name, body in (
        ("QualifyLead", {
            "CreateAccount": True, "CreateContact": True, "CreateOpportunity": True, "Status": -1,
            "OpportunityCurrencyId": None,
        }),
        ("qualify", {"createopportunity": False}),
    ):  # fmt: skip
        lead = await create(
            api, "leads", subject="Boats", firstname="Ann", lastname="Lee", companyname="Alpine"
        )
        answer = await api.post(f"leads({lead})/{CRM}.{name}", json=body)
        assert answer.status_code == 200, answer.text
        if name == "QualifyLead":
            assert answer.json()["@odata.context"].endswith(f"#Collection({CRM}.crmbaseentity)")
            made = {item["@odata.type"]: item for item in answer.json()["value"]}
            assert made.keys() == {
                f"#{CRM}.account", f"#{CRM}.contact", f"#{CRM}.opportunity",
            }  # fmt: skip
            opportunity = made[f"#{CRM}.opportunity"]["opportunityid"]
            found = await read(api, f"opportunities({opportunity})")
            assert found["_originatingleadid_value"] == lead
        else:
            assert len(answer.json()["Created"]) == 2
            assert answer.json()["@odata.context"].endswith(f"#{CRM}.qualifyResponse")
        assert (await read(api, f"leads({lead})?$select=statecode"))["statecode"] == 1
        again = await api.post(f"leads({lead})/{CRM}.{name}", json=body)
        assert again.status_code == 400


@pytest.mark.parametrize(
    ("name", "status", "state", "reason"),
    [("WinOpportunity", 3, 1, 3), ("LoseOpportunity", 5, 2, 5), ("WinOpportunity", -1, 1, 3)],
)
async def test_an_opportunity_is_closed_with_an_activity(api, name, status, state, reason):
    opportunity = await create(api, "opportunities", name="Boats", estimatedvalue=100)
    body = {
        "Status": status,
        "OpportunityClose": {
            "@odata.type": f"{CRM}.opportunityclose",
            "subject": "Done",
            "actualrevenue": 80,
            "actualend": "2031-05-06T00:00:00Z",
            "opportunityid@odata.bind": f"/opportunities({opportunity})",
        },
    }
    wrong = await api.post(name, json=body | {"Status": 99})
    assert wrong.status_code == 400, wrong.text
    missing = await api.post(name, json={"Status": status})
    assert missing.status_code == 400
    assert '"OpportunityClose"' in missing.json()["error"]["message"]
    answer = await api.post(name, json=body)
    assert (answer.status_code, answer.content) == (204, b""), answer.text
    found = await read(api, f"opportunities({opportunity})")
    assert (found["statecode"], found["statuscode"]) == (state, reason)
    assert (found["actualvalue"], found["actualclosedate"]) == (80, "2031-05-06")
    closes = await read(api, f"opportunitycloses?$filter=_opportunityid_value eq {opportunity}")
    assert [(item["actualrevenue"], item["statecode"]) for item in closes["value"]] == [(80, 1)]


async def test_a_case_is_closed_with_a_resolution(api):
    account = await create(api, "accounts", name="Alpine")
    case = await create(
        api, "incidents", title="Leak", **{"customerid_account@odata.bind": f"accounts({account})"}
    )
    body = {
        "Status": 1000,
        "IncidentResolution": {
            "@odata.type": f"{CRM}.incidentresolution",
            "subject": "Told how",
            "timespent": 30,
            "incidentid@odata.bind": f"/incidents({case})",
        },
    }
    answer = await api.post("CloseIncident", json=body)
    assert answer.status_code == 204, answer.text
    found = await read(api, f"incidents({case})?$select=statecode,statuscode")
    assert (found["statecode"], found["statuscode"]) == (1, 1000)
    resolutions = await read(api, f"incidentresolutions?$filter=_incidentid_value eq {case}")
    assert [item["subject"] for item in resolutions["value"]] == ["Told how"]


async def test_members_are_put_on_a_list_and_taken_from_it(api):
    members = [await create(api, "contacts", lastname=name) for name in ("Ann", "Bo")]
    account = await create(api, "accounts", name="Alpine")
    of_list = await create(api, "lists", listname="Fair", createdfromcode=2)
    path = f"lists({of_list})/{CRM}."

    def contact(record_id):
        return {"@odata.type": f"{CRM}.contact", "contactid": record_id}

    async def count() -> int:
        return int((await read(api, f"lists({of_list})?$select=membercount"))["membercount"])

    one = await api.post(f"{path}AddMemberList", json={"EntityId": contact(members[0])})
    assert (one.status_code, await count()) == (204, 1), one.text
    for _ in range(2):
        body = {"Members": [contact(member) for member in members]}
        both = await api.post(f"{path}AddListMembersList", json=body)
        assert (both.status_code, await count()) == (204, 2), both.text
    wrong = {"Members": [{"@odata.id": f"accounts({account})"}]}
    assert (await api.post(f"{path}AddToList", json=wrong)).status_code == 400
    gone = await api.post(f"{path}RemoveMemberList", json={"EntityId": contact(members[0])})
    assert (gone.status_code, await count()) == (204, 1), gone.text
