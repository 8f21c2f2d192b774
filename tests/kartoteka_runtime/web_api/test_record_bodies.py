"""Bodies of records: lookups, records inside, values and what is refused; reference web-api, 2."""

from __future__ import annotations

import pytest

ROOT = "http://testserver/api/data/v9.2/"
JUNK = "11111111-1111-1111-1111-111111111111"
LINER = """\
kind: entity
format: 1
name: liner
label: { en: Liner }
plural_label: { en: Liners }
primary_field: name
ownership: user

keys:
  - { name: by_code, fields: [code], label: { en: Code } }

fields:
  - { name: name, type: text, label: { en: Name }, max_length: 40 }
  - { name: code, type: text, label: { en: Code }, max_length: 20 }
  - { name: fast, type: yes_no, label: { en: Fast }, default: true }
  - { name: above, type: lookup, label: { en: Above }, target: liner, relationship: liner_fleet }
  - { name: payer, type: customer, label: { en: Payer } }
  - name: flags
    type: multi_choice
    label: { en: Flags }
    options:
      - { name: red, value: 1, label: { en: Red } }
      - { name: blue, value: 2, label: { en: Blue } }
"""
LOCK = """\
kind: entity
format: 1
name: lock
label: { en: Lock }
plural_label: { en: Locks }
primary_field: name
ownership: organization

fields:
  - { name: name, type: text, label: { en: Name }, max_length: 40 }
"""
PASSED = """\
kind: relationship
format: 1
name: liner_locks
left: liner
right: lock
intersect: linerlock
"""
LINERS = {
    "entities/liner.yaml": LINER,
    "entities/lock.yaml": LOCK,
    "relationships/liner_locks.yaml": PASSED,
}


@pytest.fixture
async def app(start_app):
    """Give an app with liners and locks, beside what every app has."""
    return await start_app(metadata=LINERS)


@pytest.fixture
async def api(app):
    """Give an administrator's client."""
    async with app.api_as() as client:
        yield client


async def made(api, address: str, **values) -> str:
    answer = await api.post(address, json=values)
    assert answer.status_code == 204, answer.text
    return str(answer.headers["OData-EntityId"])[-37:-1]


async def read(api, address: str):
    answer = await api.get(address)
    assert answer.status_code == 200, answer.text
    return answer.json()


async def count(api, address: str) -> int:
    return int((await api.get(f"{address}/$count")).text)


async def test_a_lookup_is_bound_by_every_spelling_of_an_address(api):
    top = await made(api, "liners", name="Top", code="A'1/é")
    low = f"liners({await made(api, 'liners', name='Low')})"
    for address in (
        f"/liners({top})", f"liners({top})", f"{ROOT}liners({top})", f"liners({{{top.upper()}}})",
        f"https://else.example:444/api/data/v9.0/liners({top.upper()})", f"liners(linerid={top})",
        "/liners(code='A''1/é')", "https://x/api/data/v9.2/liners(code='A''1%2F%C3%A9')",
        f"/api/data/v9.2/liners({top})",
    ):  # fmt: skip
        assert (await api.patch(low, json={"above@odata.bind": None})).status_code == 204
        assert (await read(api, low))["_above_value"] is None
        answer = await api.patch(low, json={"above@odata.bind": address})
        assert (answer.status_code, address) == (204, address)
        assert (await read(api, low))["_above_value"] == top
    assert (await api.patch(low, json={"above": None})).status_code == 204
    assert (await read(api, low))["_above_value"] is None


async def test_each_target_of_a_lookup_has_a_name_and_setting_one_empties_the_others(api):
    firm = await made(api, "accounts", name="Firm")
    ann = await made(api, "contacts", lastname="Ann")
    liner = f"liners({await made(api, 'liners', name='L')})"
    for body, payer in (
        ({"payer_account@odata.bind": f"/accounts({firm})"}, firm),
        ({"payer_contact@odata.bind": f"/contacts({ann})"}, ann),
        ({"payer_contact@odata.bind": None, "payer_account@odata.bind": f"accounts({firm})"}, firm),
        ({"payer_contact": {"@odata.id": f"contacts({ann})"}, "payer_account": None}, ann),
        ({"payer_contact@odata.bind": None}, None),
    ):
        answer = await api.patch(liner, json=body)
        assert (answer.status_code, answer.text) == (204, "")
        assert (await read(api, liner))["_payer_value"] == payer
    team = (await read(api, "teams?$top=1"))["value"][0]["teamid"]
    role = (await read(api, "roles?$filter=name eq 'System administrator'"))["value"][0]["roleid"]
    said = {"@odata.id": f"{ROOT}roles({role})"}
    given = await api.post(f"teams({team})/teamroles_association/$ref", json=said)
    assert given.status_code == 204, given.text
    user = (await read(api, liner))["_ownerid_value"]
    for owner, owner_id in (("teams", team), ("systemusers", user)):
        answer = await api.patch(liner, json={"ownerid@odata.bind": f"/{owner}({owner_id})"})
        assert (answer.status_code, answer.text) == (204, "")
        assert (await read(api, liner))["_ownerid_value"] == owner_id
    assert (await read(api, f"{liner}/ownerid"))["systemuserid"] == user
    task = f"tasks({await made(api, 'tasks', subject='T')})"
    bind = "regardingobjectid_account_task@odata.bind"
    assert (await api.patch(task, json={bind: f"/accounts({firm})"})).status_code == 204
    assert (await read(api, task))["_regardingobjectid_value"] == firm


WRONG: list[tuple[dict[str, object], str]] = [
    ({"nosuch": 1}, "nosuch"), ({"nosuch@odata.bind": f"/liners({JUNK})"}, "nosuch"),
    ({"name@odata.bind": f"/liners({JUNK})"}, "name"), ({"Name": "x"}, "Name"),
    ({"payer@odata.bind": f"/accounts({JUNK})"}, "payer_account@odata.bind"),
    ({"_above_value": JUNK}, "above@odata.bind"), ({"above@odata.bind": "/accounts(x)"}, "(x)"),
    ({"above@odata.bind": f"/accounts({JUNK})"}, "liners"), ({"above@odata.bind": 5}, "5"),
    ({"above@odata.bind": f"/liners({JUNK})"}, JUNK), ({"above@odata.bind": "$1"}, "$1"),
    ({"above@odata.bind": "/liners(code='none')"}, "none"), ({"above@odata.bind": ""}, "accounts"),
    ({"above@odata.bind": "/liners"}, "liners"), ({"above@odata.bind": "(" * 5000}, "address"),
    ({"above@odata.bind": ["/liners(x)"]}, "address"), ({"above": 5}, "5"), ({"above": "x"}, "x"),
    ({"above": []}, "[]"), ({"payer_account": "x"}, "payer_account"), ({"name": {}}, "{}"),
    ({"liner_fleet": {}}, "liner_fleet"), ({"liner_fleet": [1]}, "liner_fleet"),
    ({"liner_fleet@odata.bind": "x"}, "liner_fleet"), ({"liner_locks": "x"}, "liner_locks"),
    ({"above": {"nosuch": 1}}, "nosuch"), ({"liner_fleet": [{"name": "ok"}, {}]}, "Name"),
    ({"flags": "1,3"}, "3"), ({"flags": "x"}, "x"), ({"fast": "true"}, "true"),
    ({"payer_account@odata.bind": f"/accounts({JUNK})",
      "payer_contact@odata.bind": f"/contacts({JUNK})"}, "payer_account"),
]  # fmt: skip


async def test_what_a_body_says_wrong_is_named_and_nothing_is_written(api):
    liner = f"liners({await made(api, 'liners', name='L')})"
    for body, named in WRONG:
        answer = await api.post("liners", json={"name": "S", **body})
        assert (answer.status_code, body) == (400, body)
        assert (named in answer.json()["error"]["message"], answer.text) == (True, answer.text)
        assert (await api.patch(liner, json=body)).status_code == 400
    for text in (
        b'{"name":"a","name":"b"}', b'{"name":"S","above":{"name":"a","name":"b"}}',
        b'{"name":"S","liner_fleet":[{"name":"a","name":"\\"b"}]}',
    ):  # fmt: skip
        twice = await api.post("liners", content=text)
        assert (twice.status_code, '"name\\" is there twice' in twice.text) == (400, True)
    for nested in ({"above": {"name": "a"}}, {"liner_fleet": [{"name": "a"}]}):
        assert (await api.patch(liner, json=nested)).status_code == 400
    assert (await count(api, "liners"), await count(api, "accounts")) == (1, 0)


async def test_quotes_inside_of_texts_repeat_no_property(api):
    body = {"name": '"a":"b",\\"', "above": {"name": '"'}, "@odata.type": '"'}
    liner = await made(api, "liners", **body)
    assert (await read(api, f"liners({liner})"))["name"] == body["name"]


async def test_a_record_comes_back_as_it_was_read_and_nulls_empty_only_what_may_be_empty(api):
    names = {"name": "L", "flags": "2,1"}
    control: dict[str, object] = {
        "@odata.type": "Microsoft.Dynamics.CRM.liner", "@odata.etag": 'W/"1"',
        "@odata.context": "x", "name@OData.Community.Display.V1.FormattedValue": "y",
    }  # fmt: skip
    everything = (await read(api, f"liners({await made(api, 'liners', name='K')})")).keys()
    nulls = {name: None for name in everything if "@" not in name}
    nulls |= {"above": None, "payer_account": None, "payer_contact@odata.bind": None}
    liner = f"liners({await made(api, 'liners', **{**nulls, **names, **control})})"
    record = await read(api, liner)
    assert (record["name"], record["flags"], record["fast"]) == ("L", "1,2", True)
    assert (record["statecode"], record["statuscode"], record["_payer_value"]) == (0, 1, None)
    assert record["createdon"] and record["versionnumber"] and record["_ownerid_value"]
    assert (await api.patch(liner, json={**control, "flags": None})).status_code == 204
    assert (await read(api, liner))["flags"] is None


async def test_records_inside_a_new_one_are_made_with_it_or_none_is(api):
    old = await made(api, "liners", name="Old")
    lock = await made(api, "locks", name="Kept")
    body = {
        "name": "Flag", "code": "f",
        "above": {"name": "Top", "above": {"name": "Topmost", "payer_account": {"name": "Firm"}}},
        "liner_fleet": [{"name": "Low", "liner_locks": [{"name": "Deep"}]}, {"name": "Lower"}],
        "liner_locks": [{"name": "New"}, {"@odata.id": f"locks({lock})"}],
        "liner_fleet@odata.bind": [f"/liners({old})"],
    }  # fmt: skip
    flag = await made(api, "liners", **body)
    record = await read(
        api,
        f"liners({flag})?$expand=above($select=name),liner_fleet($select=name;$orderby=name)",
    )
    assert record["above"]["name"] == "Top"
    assert [row["name"] for row in record["liner_fleet"]] == ["Low", "Lower", "Old"]
    locks = (await read(api, f"liners({flag})/liner_locks?$orderby=name"))["value"]
    assert [row["name"] for row in locks] == ["Kept", "New"]
    firm = await read(api, f"liners({flag})/above/above/payer_account")
    assert (firm["name"], await count(api, "locks")) == ("Firm", 3)

    before = [await count(api, name) for name in ("liners", "locks", "accounts")]
    deep: dict[str, object] = {"name": "7"}
    for level in range(6):
        deep = {"name": f"{level}", "above": deep}
    fine = [{"name": "ok"}]
    for broken in (
        {"above": fine[0], "liner_fleet": [*fine, {"code": "f", "name": "taken"}]},
        {"liner_locks": fine, "liner_fleet@odata.bind": [f"liners({JUNK})"]},
        {"above": {"name": "ok", "above": {"name": "x" * 90}}},
        {"liner_locks@odata.bind": [f"/locks({lock})"] * 2},
        {"liner_fleet": [{"name": "y"}] * 1001},
        {"above": deep},
    ):
        answer = await api.post("liners", json={"name": "X", **broken})
        assert (answer.status_code in (400, 412), answer.text) == (True, answer.text)
        assert answer.json()["error"]["message"]
        after = [await count(api, name) for name in ("liners", "locks", "accounts")]
        assert (after, list(broken)) == (before, list(broken))


async def test_parties_of_an_activity_are_written_and_told_as_a_list(api):
    ann, bob = await made(api, "contacts", lastname="A"), await made(api, "contacts", lastname="B")
    parties = [
        {"partyid_contact@odata.bind": f"/contacts({ann})", "participationtypemask": 1},
        {"partyid_contact@odata.bind": f"/contacts({bob})", "participationtypemask": 2},
        {"addressused": "c@example.com", "participationtypemask": 2},
    ]
    email = await made(api, "emails", subject="S", email_activity_parties=parties)
    other = await made(api, "emails", subject="T")
    expand = "email_activity_parties($select=_partyid_value,addressused,participationtypemask"

    async def told(address: str) -> list[tuple[int, object]]:
        record = await read(api, f"{address}?$expand={expand};$filter=participationtypemask lt 9)")
        assert "@odata.etag" in record
        return sorted(
            (one["participationtypemask"], one["_partyid_value"] or one["addressused"])
            for one in record["email_activity_parties"]
        )

    assert await told(f"emails({email})") == sorted([(1, ann), (2, bob), (2, "c@example.com")])
    found = await read(
        api,
        "emails?$select=subject&$filter=email_activity_parties/any(p:p/_partyid_value eq "
        f"{bob} and p/participationtypemask eq 2)",
    )
    assert [row["activityid"] for row in found["value"]] == [email]
    rows = await read(api, f"emails({email})/email_activity_parties?$filter=addressused ne null")
    assert [row["_activityid_value"] for row in rows["value"]] == [email]
    assert await told(f"emails({other})") == []
    changed = await api.patch(f"emails({email})", json={"email_activity_parties": parties[1:2]})
    assert changed.status_code == 204
    assert await told(f"emails({email})") == sorted([(1, ann), (2, bob)])
    for wrong, said in (
        ([{**parties[0], "participationtypemask": 99}], "99 is none of those"),
        ([{"participationtypemask": 1}], "addressused"),
        ([{**parties[0], "nosuch": 1}], "nosuch"),
        ([{**parties[0], "effort": 1}], '"effort"'),
        ([{"partyid": ann, "participationtypemask": 1}], "partyid"),
        (["x"], "list of objects"), ({}, "object"), (parties * 400, "at most 1000"),
    ):  # fmt: skip
        answer = await api.patch(f"emails({email})", json={"email_activity_parties": wrong})
        assert (answer.status_code, wrong if len(str(wrong)) < 200 else 0) == (
            400, wrong if len(str(wrong)) < 200 else 0
        )  # fmt: skip
        assert said in answer.json()["error"]["message"]
    assert await told(f"emails({email})") == sorted([(1, ann), (2, bob)])
    alone = await api.post(f"emails({email})/email_activity_parties", json=parties[2])
    assert alone.status_code == 400
