"""Saved lists over the Web API: views by their id, and lists that users save for themselves."""

from __future__ import annotations

from kartoteka_runtime.known_ids import view_id

_FETCH = """\
<fetch>
  <entity name="vessel">
    <attribute name="name" />
    <attribute name="crew" />
    <order attribute="name" descending="true" />
    <filter><condition attribute="crew" operator="ge" value="10" /></filter>
    <link-entity name="vessel" from="vesselid" to="boss" link-type="outer" alias="b">
      <attribute name="name" />
    </link-entity>
  </entity>
</fetch>
"""


async def page(fleet, params, *, prefer=""):
    answer = await fleet.get("vessels", params, prefer=prefer)
    assert answer.status_code == 200, answer.text
    return answer.json()


def letters(found):
    return "".join(row["name"][0] for row in found["value"])


async def test_a_view_is_asked_for_by_an_id_that_stays(fleet):
    published = fleet.app.parts.live_registry.current
    identity = view_id(published, "vessel_big")
    assert identity == "d9a31799-01b1-59bc-9b8f-3e95b969ff91"  # the same in every process
    for name in (identity, identity.upper(), f"{{{identity}}}", "vessel_big"):
        found = await page(fleet, {"savedQuery": name})
        assert letters(found) == "DBE"
    row = found["value"][1]
    assert set(row) == {"@odata.etag", "vesselid", "name", "crew", "boss.name"}
    for address in ("voyages", "vessels"):
        wrong = identity if address == "voyages" else "00000000-0000-0000-0000-000000000001"
        answer = await fleet.get(address, {"savedQuery": wrong})
        assert answer.status_code == 400 and "savedQuery" in answer.text


async def test_options_go_on_top_of_a_view(fleet):
    identity = view_id(fleet.app.parts.live_registry.current, "vessel_big")
    params = {"savedQuery": identity, "$filter": "kind eq 2", "$select": "name,tons"}
    found = await page(fleet, params | {"$orderby": "name", "$count": "true"})
    assert letters(found) == "BD" and found["@odata.count"] == 2
    assert set(found["value"][0]) == {"@odata.etag", "vesselid", "name", "tons"}
    first = await page(fleet, {"savedQuery": identity}, prefer="odata.maxpagesize=2")
    following = await fleet.api.get(first["@odata.nextLink"])
    assert letters(first) + letters(following.json()) == "DBE"
    assert letters(await page(fleet, {"savedQuery": identity, "$top": "1"})) == "D"


async def test_a_list_that_somebody_saved_runs_by_its_id(fleet):
    body = {"name": "Big ones", "returnedtypecode": "vessel", "fetchxml": _FETCH}
    answer = await fleet.api.post("userqueries", json=body)
    assert answer.status_code == 204, answer.text
    identity = answer.headers["OData-EntityId"].rpartition("(")[2].rstrip(")")
    found = await page(fleet, {"userQuery": identity})
    assert letters(found) == "EDB"
    assert found["value"][2]["b.name"] == "Alfa" and found["value"][0]["b.name"] is None
    first = await page(fleet, {"userQuery": identity}, prefer="odata.maxpagesize=2")
    following = await fleet.api.get(first["@odata.nextLink"])
    assert letters(first) + letters(following.json()) == "EDB"
    narrowed = {"userQuery": identity, "$filter": "kind eq 2", "$select": "name"}
    found = await page(fleet, narrowed | {"$orderby": "name", "$top": "1"})
    assert letters(found) == "B"
    assert set(found["value"][0]) == {"@odata.etag", "vesselid", "name"}
    await fleet.api.patch(
        f"userqueries({identity})", json={"fetchxml": _FETCH.replace('"10"', '"20"')}
    )
    assert letters(await page(fleet, {"userQuery": identity})) == "D"


async def test_only_who_may_read_a_saved_list_runs_it_and_gets_what_they_may_read(fleet):
    body = {"name": "Users", "returnedtypecode": "systemuser"}
    xml = "<fetch><entity name='systemuser'><attribute name='fullname'/></entity></fetch>"
    answer = await fleet.api.post("userqueries", json=body | {"fetchxml": xml})
    identity = answer.headers["OData-EntityId"].rpartition("(")[2].rstrip(")")
    async with fleet.app.api_as("salesperson") as api:
        answer = await api.get("systemusers", params={"userQuery": identity})
        assert answer.status_code == 400 and "no such saved list" in answer.text
        answer = await api.post("userqueries", json=body | {"fetchxml": xml})
        own = answer.headers["OData-EntityId"].rpartition("(")[2].rstrip(")")
        answer = await api.get("systemusers", params={"userQuery": own})
        assert answer.status_code == 200 and answer.json()["value"]
        wrong = {"name": "W", "returnedtypecode": "vessel", "fetchxml": _FETCH}
        answer = await api.post("userqueries", json=wrong)
        other = answer.headers["OData-EntityId"].rpartition("(")[2].rstrip(")")
        assert (await api.get("vessels", params={"userQuery": other})).status_code == 403


async def test_saved_lists_that_do_not_fit_are_refused(fleet):
    bodies = {
        "bad": {"name": "b", "returnedtypecode": "vessel", "fetchxml": "<fetch>"},
        "other": {"name": "o", "returnedtypecode": "voyage", "fetchxml": _FETCH},
        "lie": {
            "name": "l",
            "returnedtypecode": "vessel",
            "fetchxml": "<fetch><entity name='voyage'/></fetch>",
        },
        "distinct": {
            "name": "d",
            "returnedtypecode": "vessel",
            "fetchxml": "<fetch distinct='true'><entity name='vessel'><attribute name='crew'/>"
            "<order attribute='crew'/></entity></fetch>",
        },
    }
    ids = {}
    for name, body in bodies.items():
        answer = await fleet.api.post("userqueries", json=body)
        assert answer.status_code == 204, answer.text
        ids[name] = answer.headers["OData-EntityId"].rpartition("(")[2].rstrip(")")
    for params in (
        {"userQuery": ids["bad"]},
        {"userQuery": ids["other"]},
        {"userQuery": ids["lie"]},
        {"userQuery": "nobody"},
        {"userQuery": ids["distinct"], "$select": "name"},
        {"userQuery": ids["distinct"], "savedQuery": "vessel_big"},
    ):
        answer = await fleet.get("vessels", params)
        assert answer.status_code == 400, (params, answer.text)
    found = await page(fleet, {"userQuery": ids["distinct"]}, prefer="odata.maxpagesize=3")
    following = (await fleet.api.get(found["@odata.nextLink"])).json()
    crews = [row["crew"] for row in found["value"] + following["value"]]
    assert crews == [None, 5, 10, 20]
