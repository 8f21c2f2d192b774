"""The OData options of lists over the Web API, each on both engines."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import parse_qsl, quote, quote_plus, urlencode, urlsplit

from kartoteka.query.query import MOST_ITEMS_EXPANDED
from kartoteka.record_values import Reference

FORMATTED = "@OData.Community.Display.V1.FormattedValue"
CRM = "@Microsoft.Dynamics.CRM."
F = "Microsoft.Dynamics.CRM."


def call(name: str, field: str, *values: object) -> str:
    """Return a query function as clients write it, with its arguments by name."""
    if not values:
        return f"{F}{name}(PropertyName='{field}')"
    if len(values) == 1:
        return f"{F}{name}(PropertyName='{field}',PropertyValue={values[0]})"
    listed = ",".join(f'"{value}"' for value in values)
    return f"{F}{name}(PropertyName='{field}',PropertyValues=[{listed}])"


FILTERS = [
    ("name eq 'ALFA'", "A"),
    ("crew ne 10", "ACD"),
    ("crew gt 5 and crew lt 20", "BE"),
    ("(crew ge 20) or (crew le 5)", "AD"),
    ("not (crew gt 5)", "AC"),
    ("crew eq null", "C"),
    ("contains(code, 'FALF')", "E"),
    ("startswith(code,'alfa')", "AE"),
    ("endswith(code,'fa')", "AE"),
    ("not contains(code,'a')", "BCD"),
    ("crew in (5,20)", "AD"),
    ("boss/name eq 'alfa'", "B"),
    ("boss/vesselid eq #A", "B"),
    ("_boss_value eq '#A'", "B"),
    ("boss/boss/name eq 'Alfa'", "C"),
    ("vessel_voyages/any(v:v/miles eq 30 and v/name eq 'x')", "B"),
    ("vessel_voyages/any()", "ABC"),
    ("vessel_voyages/all(v:v/miles eq 30)", "BDE"),
    ("not vessel_voyages/any(v:v/miles ge 0)", "CDE"),
    ("vessel_berths/any(b:b/name eq 'Q')", "A"),
    ("built eq 2030-01-10", "A"),
    ("seen lt 2031-05-15T00:00:00Z", "B"),
    ("seen eq 2031-05-15T13:00:00%2B02:00", "A"),
    ("armed eq true", "AD"),
    ("price eq 10.25", "A"),
    ("crew add 5 eq 10", "A"),
    ("length(code) eq 4", "ABD"),
    (call("In", "crew", 5, 20), "AD"),
    (call("NotIn", "crew", 5, 20), "BCE"),
    (call("Between", "crew", 6, 10), "BE"),
    (call("NotBetween", "crew", 6, 10), "ACD"),
    (call("ContainValues", "flags", 1, 3), "AD"),
    (call("DoesNotContainValues", "flags", 1, 3), "BCE"),
    (call("Today", "seen"), "A"),
    (call("Yesterday", "seen"), "B"),
    (call("LastXHours", "seen", 1), "A"),
    (call("LastXDays", "seen", 2), "AB"),
    (call("OlderThanXHours", "seen", 2), "B"),
    (call("On", "seen", "2031-05-14"), "B"),
    (call("EqualUserId", "ownerid"), "A"),
    (call("NotEqualUserId", "ownerid"), "BCDE"),
    (call("EqualBusinessId", "unit"), "A"),
    (call("EqualUserTeams", "ownerid"), "B"),
    (call("EqualUserOrUserTeams", "ownerid"), "AB"),
    (call("Above", "vesselid", "'#C'"), "AB"),
    (call("AboveOrEqual", "vesselid", "#C"), "ABC"),
    (call("Under", "vesselid", "#A"), "BC"),
    (call("UnderOrEqual", "vesselid", "#A"), "ABC"),
    (call("NotUnder", "vesselid", "#A"), "ADE"),
    ("ownerid eq me()", "A"),
    ("name eq @p1 or crew eq @p2&@p1='O''Hara'&@p2=20", "D"),
    (f'{F}In(PropertyName=\'crew\',PropertyValues=@p)&@p=["5","20"]', "AD"),
    (f"{F}In(PropertyName=@n,PropertyValues=@p)&@n='crew'&@p=['5',20]", "AD"),
    (
        f"contains(code,@a) and {F}Above(PropertyName='vesselid',PropertyValue=@b)&@a='fa'&@b=#C",
        "A",
    ),
    ('name in @p&@p=["ALFA","it\'s"]', "A"),
    ("crew in @p and name ne @q&@p=[5, 20]&@q='Alfa'", "D"),
    ("vesselid in @p&@p=['#A','#B']", "AB"),
]


async def test_every_filter_finds_its_records(fleet):
    found = [(text, await _names(fleet, f"$orderby=name&$filter={text}")) for text, _ in FILTERS]
    assert found == FILTERS


ORDERS = [
    ("name desc", "EDCBA"),
    ("crew,name desc", "CAEBD"),
    ("crew desc,name", "DBEAC"),
    ("crew asc,name", "CABED"),
    ("boss/name desc,name", "CBADE"),
    ("boss,name", "ADEBC"),
    ("kind desc,name desc", "DBAEC"),
    ("flags,name", "CEABD"),
    ("flags desc,name", "DBACE"),
]


async def test_every_order_is_kept(fleet):
    found = [(text, await _names(fleet, f"$orderby={text}")) for text, _ in ORDERS]
    assert found == ORDERS


async def test_a_page_token_belongs_to_its_list_and_order(fleet):
    prefer = "odata.maxpagesize=2"
    answer = await _get(fleet, "$orderby=name", prefer=prefer)
    token = dict(parse_qsl(urlsplit(answer.json()["@odata.nextLink"]).query))["$skiptoken"]
    assert await _names(fleet, f"$orderby=name&$skiptoken={token}") == "CDE"
    for other in ("vessels?$orderby=code", "vessels?$orderby=name desc", "voyages?$orderby=name"):
        assert (await fleet.get(f"{other}&$skiptoken={token}")).status_code == 400


async def test_a_selection_tells_what_it_names(fleet):
    answer = (await _get(fleet, "$select=name,boss,_unit_value&$filter=name eq 'bravo'")).json()
    (row,) = answer["value"]
    tag = row.pop("@odata.etag")
    assert row == {
        "vesselid": fleet.identity("B"),
        "name": "Bravo",
        "_boss_value": fleet.identity("A"),
        "_unit_value": None,
    }
    assert tag.startswith('W/"')
    assert answer["@odata.context"].endswith(
        "/api/data/v9.2/$metadata#vessels(vesselid,name,_boss_value,_unit_value)"
    )
    everything = (await _get(fleet, "$top=1")).json()["value"][0]
    assert {"crew", "flags", "_ownerid_value", "versionnumber", "createdon"} <= set(everything)


async def test_related_records_come_inside_of_records(fleet):
    query = (
        "$select=name&$orderby=name&$expand="
        "boss($select=name,crew;$expand=boss($select=name),"
        "vessel_voyages($select=name;$orderby=name desc)),"
        "vessel_voyages($select=name,miles;$filter=miles ge 10 and name ne 'a;b,(c';"
        "$orderby=miles desc;$top=1),"
        "vessel_berths($select=name;$orderby=name)"
    )
    rows = [_plain(row) for row in (await _get(fleet, query)).json()["value"][:3]]
    a, b = fleet.identity("A"), fleet.identity("B")
    alfa = {"vesselid": a, "name": "Alfa", "crew": 5, "boss": None, "vessel_voyages": ["w", "v"]}
    bravo = {"vesselid": b, "name": "Bravo", "crew": 10, "vessel_voyages": ["x"]}
    bravo["boss"] = {"vesselid": a, "name": "Alfa"}
    assert rows == [
        {"vesselid": a, "name": "Alfa", "boss": None, "vessel_voyages": ["w"],
         "vessel_berths": ["P", "Q"]},
        {"vesselid": b, "name": "Bravo", "boss": alfa, "vessel_voyages": ["x"],
         "vessel_berths": ["P"]},
        {"vesselid": fleet.identity("C"), "name": "Charlie", "boss": bravo, "vessel_voyages": [],
         "vessel_berths": []},
    ]  # fmt: skip
    (whole,) = (await _get(fleet, "$filter=name eq 'bravo'&$expand=boss")).json()["value"]
    assert (whole["_boss_value"], whole["boss"]["name"]) == (a, "Alfa")
    assert whole["boss"]["@odata.etag"][:3] == 'W/"'
    with fleet.app.counted_statements() as statements:
        await _get(fleet, query)
    assert len(statements) <= 5


async def test_an_owner_comes_inside_whoever_it_is(fleet):
    query = "$select=name&$orderby=name&$top=3&$expand=ownerid($select=fullname,name,systemuserid)"
    alfa, bravo, charlie = (await _get(fleet, query)).json()["value"]
    user = alfa["ownerid"]
    assert user.pop("@odata.etag").startswith('W/"') and user.pop("fullname")
    assert user == {
        "@odata.type": "#Microsoft.Dynamics.CRM.systemuser",
        "ownerid": fleet.user_id,
        "systemuserid": fleet.user_id,
    }
    assert bravo["ownerid"]["@odata.type"] == "#Microsoft.Dynamics.CRM.team"
    assert bravo["ownerid"]["name"] == "mine" and "fullname" not in bravo["ownerid"]
    assert charlie["ownerid"]["fullname"] == "below X"
    answer = await fleet.get(f"vessels({fleet.identity('B')})?$select=name&$expand=ownerid,boss")
    record = answer.json()
    assert record["ownerid"]["ownerid"] == record["ownerid"]["teamid"]
    assert {"createdon", "_businessunitid_value"} <= set(record["ownerid"])
    assert "administratorid" not in record["ownerid"] and record["boss"]["name"] == "Alfa"
    wanted = {"prefer": 'odata.include-annotations="*"'}
    (row,) = (await _get(fleet, "$filter=crew eq 5&$expand=ownerid", **wanted)).json()["value"]
    assert row["ownerid"][f"_businessunitid_value{CRM}lookuplogicalname"] == "businessunit"
    inner = "businessunitid($select=name),administratorid($select=domainname)"
    query = f"$select=name&$orderby=name&$top=2&$expand=ownerid($select=name;$expand={inner})"
    user, team = (row["ownerid"] for row in (await _get(fleet, query)).json()["value"])
    assert user["businessunitid"]["name"] == team["businessunitid"]["name"] == "Test"
    assert team["administratorid"]["systemuserid"] == user["systemuserid"]
    assert "administratorid" not in user
    payer = await made_customer(fleet)
    query = "$filter=crew eq 20&$expand=payer_account($select=name),payer_contact($select=fullname)"
    (row,) = (await _get(fleet, query)).json()["value"]
    assert (row["payer_account"]["accountid"], row["payer_contact"]) == (payer, None)


async def made_customer(fleet) -> str:
    """Let an account pay for the vessel D."""
    made = await fleet.api.post("accounts", json={"name": "Payer"})
    account: str = made.headers["OData-EntityId"][-37:-1]
    bound = {"payer_account@odata.bind": f"/accounts({account})"}
    assert (await fleet.api.patch(f"vessels({fleet.identity('D')})", json=bound)).status_code == 204
    return account


def _plain(record: dict[str, Any]) -> dict[str, Any]:
    """Return a record without annotations; those inside that are lists by their names."""
    plain: dict[str, Any] = {}
    for key, value in record.items():
        if "@" in key:
            continue
        if isinstance(value, dict):
            value = _plain(value)
        elif isinstance(value, list):
            value = [item["name"] for item in value]
        plain[key] = value
    return plain


APPLIED: list[tuple[str, str, list[dict[str, object]]]] = [
    ("aggregate(crew with sum as s,crew with average as a,crew with min as i,crew with max as m,"
     "crew with countdistinct as d,$count as n)", "",
     [{"s": 45, "a": 11.25, "i": 5, "m": 20, "d": 3, "n": 5}]),
    ("groupby((kind))", "$orderby=kind desc", [{"kind": 2}, {"kind": 1}, {"kind": None}]),
    ("groupby((kind),aggregate($count as n))", "$orderby=n desc,kind",
     [{"kind": None, "n": 2}, {"kind": 2, "n": 2}, {"kind": 1, "n": 1}]),
    ("groupby((boss/name),aggregate(crew with sum as total))", "$orderby=boss/name desc",
     [{"vessel_name": "Bravo", "total": None}, {"vessel_name": "Alfa", "total": 10},
      {"vessel_name": None, "total": 35}]),
    ("groupby((boss))", "", [{"_boss_value": None}, {"_boss_value": "#A"}, {"_boss_value": "#B"}]),
    ("filter(crew ge 10)/groupby((armed),aggregate(crew with max as m))", "$filter=name ne 'Echo'",
     [{"armed": False, "m": 10}, {"armed": True, "m": 20}]),
    ("filter(crew ge 10)/filter(crew le 10)/aggregate($count as n)", "", [{"n": 2}]),
    ("groupby((kind))", "$orderby=kind&$top=1", [{"kind": None}]),
    ("groupby((kind),aggregate($count as n))/filter(n ge 2)/orderby(kind desc)", "",
     [{"kind": 2, "n": 2}, {"kind": None, "n": 2}]),
    ("groupby((kind),aggregate(crew with sum as total))/orderby(total desc)/top(2)", "",
     [{"kind": 2, "total": 30}, {"kind": None, "total": 10}]),
    ("groupby((name),aggregate(crew with sum as total))/topcount(2,total)", "$top=1",
     [{"name": "Delta", "total": 20}]),
    ("groupby((name),aggregate(crew with sum as total))/filter(total ne null)/bottomcount(1,total)",
     "", [{"name": "Alfa", "total": 5}]),
    ("groupby((kind),aggregate(crew with average as mid))/filter(mid gt 14.5 or kind eq 'tug')",
     "$orderby=mid", [{"kind": 1, "mid": 5}, {"kind": 2, "mid": 15}]),
    ("groupby((boss/name),aggregate($count as n))",
     "$filter=vessel_name eq 'ALFA' or n gt 2&$orderby=n desc",
     [{"vessel_name": None, "n": 3}, {"vessel_name": "Alfa", "n": 1}]),
    ("groupby((boss),aggregate(price with max as m))/filter(_boss_value eq #A and m lt @p)",
     "@p=20.5", [{"_boss_value": "#A", "m": 20}]),
    ("groupby((built),aggregate($count as n))/filter(built ge 2031-01-01 or n eq 3)",
     "$orderby=n desc", [{"built": None, "n": 3}, {"built": "2031-05-14", "n": 1}]),
    ("filter(vesselid in @ids)/aggregate($count as n)", "@ids=(#A,#B)", [{"n": 2}]),
    ("aggregate(crew with sum as total)/filter(total gt 100)", "", []),
    ("aggregate(crew with sum as total)", "$filter=total gt @p&@p=100", []),
    ("groupby((boss/boss/name),aggregate(boss/crew with countdistinct as d))",
     "$orderby=vessel_name desc", [{"vessel_name": "Alfa", "d": 1}, {"vessel_name": None, "d": 1}]),
]  # fmt: skip


async def test_every_transformation_gives_its_groups(fleet):
    found = []
    for apply, rest, _ in APPLIED:
        answer = await _get(fleet, f"$apply={apply}&{rest}")
        found.append((apply, rest, answer.json().get("value", answer.text)))
    assert found == [
        (apply, rest, [{key: fleet.full(value) for key, value in row.items()} for row in rows])
        for apply, rest, rows in APPLIED
    ]
    counted = "$apply=groupby((name),aggregate(crew with sum as c))/filter(c ne 5)&$count=true"
    first = await _get(fleet, counted, prefer="odata.maxpagesize=3")
    assert (first.json()["@odata.count"], len(first.json()["value"])) == (4, 3)
    rest = (await fleet.api.get(first.json()["@odata.nextLink"])).json()
    assert ([row["name"] for row in rest["value"]], rest["@odata.count"]) == (["Echo"], 4)
    pages = await _pages(fleet, "$apply=groupby((name))", prefer="odata.maxpagesize=2")
    assert [[row["name"][0] for row in page] for page in pages] == [
        ["A", "B"], ["C", "D"], ["E"]
    ]  # fmt: skip


async def test_pages_end_where_the_list_does_and_links_survive_being_taken_apart(fleet):
    for order in ("name", "crew desc", "boss/name", "built,name"):
        query = f"$select=name&$orderby={order}&$filter=not contains(name,'%26%2B')&$count=true"
        pages = await _pages(fleet, query, prefer="odata.maxpagesize=2")
        assert [len(page) for page in pages] == [2, 2, 1]
        assert sorted(row["name"][0] for page in pages for row in page) == list("ABCDE")
    first = await _get(fleet, "$top=2&$orderby=name", prefer="odata.maxpagesize=1")
    assert [row["name"] for row in first.json()["value"]] == ["Alfa", "Bravo"]
    assert "@odata.nextLink" not in first.json()
    assert "Preference-Applied" not in first.headers
    paged = await _get(fleet, "$count=true", prefer="odata.maxpagesize=2")
    assert (paged.json()["@odata.count"], paged.headers["Preference-Applied"]) == (
        5, "odata.maxpagesize=2"
    )  # fmt: skip


async def test_values_carry_the_annotations_that_were_asked_for(fleet):
    query = (
        "$filter=name eq 'bravo'&$select=kind,flags,armed,boss,ownerid,price,crew,tons,built,seen"
    )
    (row,) = (await _get(fleet, query, prefer='odata.include-annotations="*"')).json()["value"]
    told = {key.removesuffix(FORMATTED): text for key, text in row.items() if FORMATTED in key}
    assert told == {
        "kind": "Ferry", "flags": "Blue", "armed": "No", "_boss_value": "Alfa",
        "_ownerid_value": "mine", "price": "€20.00", "crew": "10", "tons": "2.25",
        "built": "May 14, 2031", "seen": "May 14, 2031, 9:00\N{NARROW NO-BREAK SPACE}AM",
    }  # fmt: skip
    assert {key: row[key] for key in row if CRM in key} == {
        f"_boss_value{CRM}lookuplogicalname": "vessel",
        f"_boss_value{CRM}associatednavigationproperty": "boss",
        f"_ownerid_value{CRM}lookuplogicalname": "team",
        f"_ownerid_value{CRM}associatednavigationproperty": "ownerid",
    }
    for wanted, count in (
        ("OData.Community.Display.V1.FormattedValue", 10), ('"OData.*"', 10), ("*", 14),
        ("Microsoft.Dynamics.CRM.lookuplogicalname", 2), ('"-*"', 0),
        ('"Microsoft.Dynamics.CRM.*,-Microsoft.Dynamics.CRM.lookuplogicalname"', 2),
    ):  # fmt: skip
        answer = await _get(fleet, query, prefer=f"odata.include-annotations={wanted}")
        (row,) = answer.json()["value"]
        found = [key for key in row if "@" in key and key != "@odata.etag"]
        assert (wanted, len(found)) == (wanted, count)
    (row,) = (await _get(fleet, query)).json()["value"]
    assert [key for key in row if "@" in key] == ["@odata.etag"]
    inside = "$filter=name eq 'bravo'&$expand=boss($select=price,kind)"
    (row,) = (await _get(fleet, inside, prefer='odata.include-annotations="*"')).json()["value"]
    assert (row["boss"][f"price{FORMATTED}"], row["boss"][f"kind{FORMATTED}"]) == (
        "€10.25", "Tug boat"
    )  # fmt: skip
    counted = await _get(fleet, "$count=true", prefer='odata.include-annotations="*"')
    assert counted.json()[f"{CRM}totalrecordcount"] == 5
    assert counted.json()[f"{CRM}totalrecordcountlimitexceeded"] is False
    plain = (await _get(fleet, "$select=name", prefer='odata.include-annotations="*"')).json()
    assert plain[f"{CRM}totalrecordcount"] == -1
    assert plain[f"{CRM}globalmetadataversion"].isdigit()
    assert not any(
        "@" in key and key[0] == "@" and "Microsoft" in key
        for key in (await _get(fleet, "$select=name")).json()
    )


async def test_a_time_that_is_the_same_everywhere_reads_as_others_do(fleet):
    said = "2031-05-15T08:00:00Z"
    record = "vessels(0190a000-0000-7000-8000-000000000041)"
    one, few = await fleet.get(record), await fleet.get(record, {"$select": "opens"})
    filtered = {"$filter": f"opens eq {said}", "$select": "opens"}
    listed = await fleet.get("vessels", filtered)
    assert listed.status_code == 200, listed.text
    told = [one.json(), few.json(), *listed.json()["value"]]
    assert [row["opens"] for row in told] == [said] * 3


async def test_one_record_takes_selections_expands_and_annotations(fleet):
    address = f"vessels({fleet.identity('B')})"
    wants = 'odata.include-annotations="*"'
    options = {"$select": "name,kind", "$expand": "boss($select=name)"}
    answer = await fleet.get(address, options, prefer=wants)
    record = answer.json()
    assert record["@odata.context"].endswith("$metadata#vessels/$entity")
    assert record["@odata.etag"] == answer.headers["ETag"]
    assert (record["name"], record[f"kind{FORMATTED}"]) == ("Bravo", "Ferry")
    assert (record["boss"]["name"], "crew" in record) == ("Alfa", False)
    plain = (await fleet.get(address, {"$select": "name,boss"})).json()
    assert {key for key in plain if "@" not in key} == {"vesselid", "name", "_boss_value"}
    nowhere = f"vessels({fleet.identity('Z')})"
    assert (await fleet.get(nowhere, options)).status_code == 404
    for wrong in ({"$select": "nosuch"}, {"$expand": "nosuch"}, {"$filter": "crew eq 1"}):
        assert (await fleet.get(address, wrong)).status_code == 400
        written = await fleet.api.post("vessels", params=wrong, json={"name": "Foxtrot"})
        assert written.status_code == 400
    assert (await fleet.get("vessels", {"$count": "true"})).json()["@odata.count"] == 5


async def test_a_saved_list_answers_with_its_columns_filter_and_order(fleet):
    rows = (await _get(fleet, "savedQuery=vessel_big")).json()["value"]
    assert [(row["name"], row["crew"], row["boss.name"]) for row in rows] == [
        ("Delta", 20, None), ("Bravo", 10, "Alfa"), ("Echo", 10, None)
    ]  # fmt: skip
    rows = (await _get(fleet, "savedQuery=vessel_big&$filter=crew eq 10&$select=code")).json()
    assert [row["code"] for row in rows["value"]] == ["x_1%", "alfalfa"]
    assert "name" not in rows["value"][0]
    pages = await _pages(fleet, "savedQuery=vessel_big", prefer="odata.maxpagesize=2")
    assert [row["name"][0] for page in pages for row in page] == ["D", "B", "E"]


REFUSED = [
    ("$skip=5", "$skip"), ("$selct=name", 'did you mean "$select"?'), ("$Select=name", "$Select"),
    ("$select=nosuch", '$select 1:1: "nosuch"'), ("$select=name,nosuch", "1:6"),
    ("$filter=crew eq 'x'", "$filter 1:9"), ("$filter=nosuch eq 1", "$filter 1:1"),
    ("$filter=", "$filter"), ("$filter=crew eq @x", "@x has no value"),
    ("$filter=crew eq @x&@x=1 or 1 eq 1", "@x"), ("$filter=crew eq @x&@x='y'", "$filter 1:9"),
    ("$orderby=name up", "asc or desc"), ("$orderby=nosuch", "$orderby 1:1"),
    ("$top=x", "$top"), ("$count=maybe", "$count"),
    ("$expand=nosuch", "$expand 1:1"), ("$expand=payer", "payer_account or payer_contact"),
    ("$expand=ownerid($expand=nosuch)", "$expand 1:17"),
    ("$expand=ownerid($filter=name eq 'x')", "write $select, $expand"),
    ("$expand=" + "ownerid($expand=parentsystemuserid($expand=businessunitid))," * 20, "twice"),
    ("$expand=ownerid,ownerid", "twice"),
    ("$expand=ownerid($select=nosuch)", "$expand 1:17"),
    ("$expand=boss($top=1)", "$top"), ("$expand=boss($select=nosuch)", "$expand 1:14"),
    ("$expand=boss,boss", "twice"), ("$expand=vessel_voyages($filter=nosuch eq 1)", "$expand 1:24"),
    ("$expand=boss(", "missing"), ("$expand=" + "boss($expand=" * 12 + "boss" + ")" * 12, "inside"),
    ("$expand=" + "vessel_voyages($select=name)," * 60, "twice"),
    ("$apply=nosuch(name)", "$apply"), ("$apply=groupby(name)", "groupby"),
    ("$apply=aggregate(name with sum as s)", "number"), ("$apply=groupby((flags))", "options"),
    ("$apply=aggregate($count as a,$count as a)", "twice"),
    ("$apply=groupby((name))/groupby((kind))", "not grouped again"),
    ("$apply=groupby((name))/top(1)/filter(name eq 'x')", "let top be the last"),
    ("$apply=groupby((name))/top(-1)", "no number of groups"),
    ("$apply=groupby((name))/filter(crew eq 1)", "crew"),
    ("$apply=groupby((boss))/filter(boss/name eq 'x')", "before groupby"),
    ("$apply=groupby((boss))/filter(boss in myteams())", "myteams"),
    ("$apply=groupby((ownerid))/filter(ownerid in myteams())", "before groupby"),
    ("$apply=groupby((name))/topcount(1,crew)", "topcount takes"),
    ("$apply=groupby((name))/orderby(crew)", "crew"),
    ("$apply=groupby((name))/compute(1)", "write filter"),
    ("$apply=groupby((name))/top(1)&$orderby=name", "top inside"),
    ("$apply=aggregate(crew with sum as t)&$filter=t gt 'x'", "$filter 1:6"),
    ("$apply=groupby((name))" + "/filter(name eq 'x')" * 1000, ""),
    ("$apply=groupby((name))&$select=name", "$apply"),
    ("$apply=groupby((name))&$skiptoken=x", "$skiptoken"), ("$apply=filter(crew eq 1)", "nothing"),
    ("$apply=groupby((name))&$orderby=crew", "crew"), ("savedQuery=nosuch", "no view"),
    ("sql=SELECT 1", "sql"), ("userQuery=1", "userQuery"), ("$skip=1", "$skip"),
    ("fetchxm=<fetch/>", "fetchxml"),
    ("$top=3&$top=4", "$top: this is there twice"), ("filter=crew eq 1", "write $filter"),
    ("savedQuery=vessel_big&savedquery=vessel_big", "twice"),
    ("$skiptoken=x", ""), ("$filter=" + "x" * 40000, "too long for a name"),
    ("$filter=crew in (" + "1," * 5000 + "1)", "more than 5000 items"),
    ("$filter=length(code) in (" + "1," * 500 + "1)", "more than 500 items"),
    ("$filter=crew eq 1" + " or crew eq 1" * 2000, "at most 3000 words"),
    ("$filter=crew eq @p&@p=1&@p=2", "@p: this is there twice"),
    ("&".join(f"@a{number}=1" for number in range(501)), "at most 500 options"),
]  # fmt: skip


async def test_what_cannot_be_answered_gets_400_and_the_reason(fleet):
    for query, said in REFUSED:
        answer = await _get(fleet, query)
        message = answer.json()["error"]["message"]
        assert (query[:60], answer.status_code, said in message) == (query[:60], 400, True), message


async def _get(fleet, query: str, *, prefer: str = ""):
    for letter in "ABC":
        query = query.replace(f"#{letter}", fleet.identity(letter))
    return await fleet.get(f"vessels?{query}", prefer=prefer)


async def _names(fleet, query: str) -> str:
    answer = await _get(fleet, query)
    assert answer.status_code == 200, answer.text
    return "".join(row["name"][0] for row in answer.json()["value"])


async def _pages(fleet, query: str, *, prefer: str) -> list[list[dict[str, Any]]]:
    """Return every page, whose links are taken apart and put together again as clients do."""
    answer = await _get(fleet, query, prefer=prefer)
    pages = [answer.json()["value"]]
    while link := answer.json().get("@odata.nextLink"):
        assert link.startswith("http://testserver/api/data/v9.2/vessels?")
        pairs = dict(parse_qsl(urlsplit(link).query, keep_blank_values=True))
        answer = await fleet.get("vessels", pairs, prefer=prefer)
        assert answer.status_code == 200, answer.text
        pages.append(answer.json()["value"])
    return pages


async def test_inner_filters_may_be_encoded_however_clients_do(fleet):
    inner = "name eq 'x' and miles ge 30"
    rows = [("A", []), ("B", ["x"]), ("C", []), ("D", []), ("E", [])]
    for text in (
        f"$expand=vessel_voyages($filter={quote(inner)};$select=name)&$orderby=name",
        f"%24expand=vessel_voyages(%24filter%3D{quote_plus(inner)})&%24orderby=name",
        f"{quote_plus('$expand')}={quote_plus(f'vessel_voyages($filter={inner})')}&$orderby=name",
    ):
        answer = await _get(fleet, text)
        assert answer.status_code == 200, answer.text
        found = [
            (row["name"][0], [item["name"] for item in row["vessel_voyages"]])
            for row in answer.json()["value"]
        ]
        assert found == rows, text


async def test_a_collection_that_is_cut_says_where_it_goes_on(fleet):
    boss = Reference("vessel", fleet.identity("A"))
    async with fleet.app.system_records.transaction() as records:
        for number in range(MOST_ITEMS_EXPANDED):
            await records.create("voyage", {"name": f"n{number:05}", "vessel": boss})
    options = "$select=name;$orderby=name"
    address = f"vessels?$select=name&$orderby=name&$expand=vessel_voyages({options})"
    first, second, *_ = (await fleet.get(address)).json()["value"]
    names = [item["name"] for item in first["vessel_voyages"]]
    assert len(names) == MOST_ITEMS_EXPANDED and names[0] == "n00000"
    assert [item["name"] for item in second["vessel_voyages"]] == ["x"]
    assert "vessel_voyages@odata.nextLink" not in second
    link = first["vessel_voyages@odata.nextLink"]
    assert f"/vessels({fleet.identity('A')})/vessel_voyages?$select=name&" in link
    rest = (await fleet.api.get(link)).json()
    assert [item["name"] for item in rest["value"]] == ["v", "w"]
    assert "@odata.nextLink" not in rest
    one = (
        await fleet.get(f"vessels({fleet.identity('A')})?$expand=vessel_voyages({options})")
    ).json()
    assert one["vessel_voyages@odata.nextLink"] == link
    topped = await fleet.get(address.replace(options, f"{options};$top=2"))
    assert "vessel_voyages@odata.nextLink" not in topped.json()["value"][0]


async def test_a_list_of_thousands_of_values_is_one_parameter(fleet):
    ids = [f"0190a000-0000-7000-8000-00000001{number:04x}" for number in range(1_999)]
    ids += [fleet.identity("B")]
    texts = [f"code {number}" for number in range(2_999)] + ["ALFA"]
    numbers = [*range(1_000, 2_999), 20]
    filters = {
        "In": (f"{F}In(PropertyName='vesselid',PropertyValues=@p)", "B", ids),
        "in": (f"vesselid in ({','.join(ids)})", "B", None),
        "not in": (f"not (vesselid in ({','.join(ids)}))", "ACDE", None),
        "over a lookup": (f"_boss_value in ({','.join(ids)})", "C", None),
        "texts": (f"{F}In(PropertyName='code',PropertyValues=@p)", "A", texts),
        "numbers": (f"crew in ({','.join(map(str, numbers))})", "D", None),
        "decimals": (f"tons in ({','.join(f'{n}.25' for n in range(99))})", "B", None),
        "dates": (f"built in ({','.join(f'2031-05-{n:02}' for n in range(1, 29))})", "B", None),
        "moments": (f"seen in ({','.join(f'2031-05-14T09:00:{n:02}Z' for n in range(60))})", "B",
                    None),
        "who asks": (f"ownerid in ({','.join(ids)},me())", "A", None),
        "flags": (f"flags in ({','.join(repr(f'1,{n % 3 + 1}') for n in range(30))})", "A", None),
    }  # fmt: skip
    found = {}
    for name, (text, _, values) in filters.items():
        options = {"$filter": text, "$orderby": "name", "$select": "name"}
        if values is not None:
            options["@p"] = json.dumps(values)
        with fleet.app.counted_statements() as statements:
            (answer,) = await _in_batch(fleet, f"vessels?{urlencode(options)}")
        found[name] = "".join(row["name"][0] for row in answer["value"])
        assert max(map(len, statements)) < 2_000 + 400 * (name == "flags"), name
    assert found == {name: letters for name, (_, letters, _) in filters.items()}


async def test_a_fetch_takes_thousands_of_values(fleet):
    listed = "".join(f"<value>0190a000-0000-7000-8000-00000001{n:04x}</value>" for n in range(1999))
    xml = (
        "<fetch><entity name='vessel'><attribute name='name'/><filter><condition "
        f"attribute='vesselid' operator='in'>{listed}<value>{fleet.identity('B')}</value>"
        "</condition></filter></entity></fetch>"
    )
    with fleet.app.counted_statements() as statements:
        (answer,) = await _in_batch(fleet, f"vessels?fetchXml={quote(xml)}")
    assert [row["name"] for row in answer["value"]] == ["Bravo"]
    assert max(map(len, statements)) < 2_000
    short = "<fetch><entity name='vessel'><filter><condition attribute='crew' operator='in'>{}"
    more = await fleet.fetch(
        short.format("<value>1</value>" * 2001) + "</condition></filter></entity></fetch>"
    )
    assert "one to 2000 values, 2001 given" in more.json()["error"]["message"]


async def _in_batch(fleet, *addresses: str) -> list[dict[str, Any]]:
    """Return what a batch of GETs answers, as clients send addresses that are too long."""
    parts = [
        "--b\r\nContent-Type: application/http\r\nContent-Transfer-Encoding: binary\r\n\r\n"
        f"GET {address} HTTP/1.1\r\n\r\n"
        for address in addresses
    ]
    answer = await fleet.api.post(
        "$batch",
        content="".join([*parts, "--b--\r\n"]),
        headers={"Content-Type": "multipart/mixed; boundary=b"},
    )
    assert answer.status_code == 200, answer.text
    return [json.loads(line) for line in answer.text.splitlines() if line.startswith("{")]
