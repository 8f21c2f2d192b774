"""/api/search: records of many types by what somebody types, the best first, as far as they see."""

from __future__ import annotations

import json
from itertools import pairwise

import pytest

from kartoteka.record_values import Reference
from kartoteka_runtime.known_ids import ROOT_UNIT

ROOT = "http://testserver/api/search/"
_PEBBLE = """\
kind: entity
format: 1
name: pebble
label: { en: Pebble }
plural_label: { en: Pebbles }
primary_field: name
ownership: user
fields:
  - { name: name, type: text, label: { en: Name }, max_length: 60 }
  - { name: code, type: text, label: { en: Code }, max_length: 40 }
  - { name: story, type: text, label: { en: Story }, format: multi_line, max_length: 5000 }
  - { name: weight, type: whole_number, label: { en: Weight } }
  - { name: pin, type: text, label: { en: Pin }, max_length: 40, secured: true }
  - name: kind
    type: choice
    label: { en: Kind }
    options:
      - { name: smooth, value: 1, label: { en: Smooth } }
      - { name: rough, value: 2, label: { en: Rough } }
  - { name: beach, type: lookup, label: { en: Beach }, target: beach }
"""
_BEACH = """\
kind: entity
format: 1
name: beach
label: { en: Beach }
plural_label: { en: Beaches }
primary_field: name
ownership: organization
fields:
  - { name: name, type: text, label: { en: Name }, max_length: 60 }
  - { name: weight, type: whole_number, label: { en: Weight } }
"""
_VAULT = _BEACH.replace("beach", "vault").replace("Beach", "Vault")
METADATA = {
    "entities/pebble.yaml": _PEBBLE,
    "entities/beach.yaml": _BEACH,
    "entities/vault.yaml": _VAULT,
    "views/pebble_find.yaml": """\
kind: view
format: 1
name: pebble_find
label: { en: Find }
entity: pebble
type: quick_find
columns: [name, code, kind, pin, beach]
find: [name, code, story, beach]
""",
    "views/beach_find.yaml": """\
kind: view
format: 1
name: beach_find
label: { en: Find }
entity: beach
type: quick_find
columns: [name]
find: [name]
""",
    "views/vault_find.yaml": """\
kind: view
format: 1
name: vault_find
label: { en: Find }
entity: vault
type: quick_find
columns: [name]
find: [name]
""",
    "security_roles/walker.yaml": """\
kind: role
format: 1
name: walker
label: { en: Walker }
privileges:
  - { entity: pebble, create: user, read: business_unit, append: user }
  - { entity: beach, read: organization, append_to: organization }
miscellaneous: [act_on_behalf]
""",
}
BOTH = ["pebble", "beach"]


class Search:
    """One caller's searches."""

    def __init__(self, api) -> None:
        self.api = api

    async def send(self, verb: str, body, **headers: str):
        return await self.api.post(f"{ROOT}v1.0/{verb}", json=body, headers=headers)

    async def ask(self, search: str, verb: str = "query", **more):
        answer = await self.send(verb, {"search": search, "entities": BOTH, **more})
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def names(self, search: str, **more) -> list[str]:
        return [row["name"] for row in (await self.ask(search, **more))["value"]]

    async def refused(self, body, verb: str = "query") -> str:
        answer = await self.send(verb, body)
        assert answer.status_code == 400, (body, answer.text)
        return str(answer.json()["error"]["message"])


@pytest.fixture
async def app(start_app):
    """Give an app with some pebbles and beaches, whose owner is a walker."""
    app = await start_app(metadata=METADATA, languages=("en",))
    records = app.system_records
    app.walker = (await app.principal("walker")).user_id
    owner = Reference("systemuser", app.walker)
    beach = await records.create("beach", {"name": "Grey Łódź", "weight": 9})
    for values in (
        {"name": "Grey", "weight": 1, "kind": 1},
        {"name": "Greystone", "weight": 2, "kind": 2, "pin": "7"},
        {"name": "A grey one", "weight": 3, "kind": 1},
        {"name": "Coded", "code": "grey", "weight": 4},
        {"name": "Begins", "code": "Greyish", "weight": 5},
        {"name": "Told", "story": "x" * 400 + " was GREY and old", "weight": 6},
        {"name": "Stone of a beach", "beach": Reference("beach", beach), "kind": 1},
    ):
        await records.create("pebble", {"ownerid": owner, **values})
    return app


@pytest.fixture
async def search(app):
    async with app.api_as("walker") as api:
        yield Search(api)


async def test_the_best_come_first_with_their_hits_marked(search):
    found = await search.ask("GREY", returnTotalRecordCount=True)
    rows = found["value"]
    assert [(row["name"], row["@search.score"]) for row in rows] == [
        ("Grey", 7.0), ("Coded", 6.0), ("Greystone", 5.0), ("Grey Łódź", 5.0), ("Begins", 4.0),
        ("Stone of a beach", 4.0), ("A grey one", 3.0), ("Told", 2.0),
    ]  # fmt: skip
    assert (found["totalrecordcount"], found["facets"], found["querycontext"]) == (8, {}, None)
    by_name = {row["name"]: row for row in rows}
    assert by_name["A grey one"]["@search.highlights"] == {"name": ["A {crmhit}grey{/crmhit} one"]}
    (part,) = by_name["Told"]["@search.highlights"]["story"]
    assert "was {crmhit}GREY{/crmhit} and old" in part and len(part) < 300
    told = by_name["Stone of a beach"]
    assert (told["@search.entityname"], told["beachname"]) == ("pebble", "Grey Łódź")
    assert (told["kind"], told["kindname"], len(told["@search.objectid"])) == (1, "Smooth", 36)
    assert told["beach"] == by_name["Grey Łódź"]["@search.objectid"]
    plain = await search.ask("lodz", entities=["beach"])
    assert plain["totalrecordcount"] == -1
    assert plain["value"][0]["@search.highlights"]["name"] == ["Grey {crmhit}Łódź{/crmhit}"]


async def test_words_phrases_and_signs(search):
    assert await search.names('"grey one"') == ["A grey one"]
    both = ["A grey one", "Greystone", "Stone of a beach"]  # each has both words somewhere
    assert sorted(await search.names("grey one", searchMode="all")) == both
    assert sorted(await search.names("one+grey")) == both
    assert "Coded" in await search.names("one grey")
    # any of the words: those with both come first
    assert (await search.names("greystone begins"))[:2] == ["Begins", "Greystone"]
    assert (await search.names("one grey"))[0] == "A grey one"
    assert "A grey one" not in await search.names("grey -one")
    assert len(await search.names("greystone|coded")) == 2
    assert await search.names("greyst*") == ["Greystone"]
    assert len(await search.names("*")) == 8 and "Grey" not in await search.names("* -grey")
    for odd in ('"', '"grey', "a\\", "((((", "%_%", "grey'; --", "\\-\\+x", "- grey", "+", "\x00x"):
        answer = await search.send("query", {"search": odd})
        assert answer.status_code in (200, 400), (odd, answer.text)
    assert await search.names("%") == [] and await search.names("x_x") == []


async def test_pages_are_parts_of_one_list_in_few_statements(app, search):
    records, owner = app.system_records, Reference("systemuser", app.walker)
    names = [f"{'Grey' if n % 2 else 'Big grey'} {n:02}" for n in range(30)]
    await records.create_many("pebble", [{"name": name, "ownerid": owner} for name in names])
    whole = await search.names("grey", top=100)
    assert len(whole) == 38
    pages = [await search.names("grey", top=7, skip=skip) for skip in range(0, 42, 7)]
    assert [name for page in pages for name in page] == whole
    assert await search.names("grey big", top=5) == (await search.names("grey big", top=60))[:5]
    sorted_names = await search.names("grey", top=100, orderBy=["name desc"])
    assert sorted_names == sorted(sorted_names, key=str.lower, reverse=True)
    pages = [await search.names("grey", top=9, skip=n, orderBy="weight desc, name") for n in (0, 9)]
    assert pages[0] + pages[1] == await search.names("grey", top=18, orderBy="weight desc,name")
    assert pages[0][:3] == ["Grey Łódź", "Told", "Begins"]
    with app.counted_statements() as statements:
        await search.ask("grey one", top=5, entities=["pebble"], returnTotalRecordCount=True)
    assert len([text for text in statements if "pebble" in text]) <= 9


async def test_filters_and_facets(search):
    assert await search.names("grey", filter="weight lt 3") == ["Grey", "Greystone"]
    # a record type that has no such field has no such records
    assert await search.names("grey", filter="kind eq 1 and weight eq 3") == ["A grey one"]
    facets = ["kind,count:5", "@search.entityname,count:10", "pebble.beach"]
    found = (await search.ask("grey", facets=facets, top=1))["facets"]
    assert [(one["value"], one["optionalvalue"], one["count"]) for one in found["kind"]] == [
        (1, "Smooth", 3), (2, "Rough", 1),
    ]  # fmt: skip
    assert [(one["value"], one["count"]) for one in found["@search.entityname"]] == [
        ("pebble", 7), ("beach", 1),
    ]  # fmt: skip
    assert [one["optionalvalue"] for one in found["pebble.beach"]] == ["Grey Łódź"]
    assert len((await search.ask("grey", facets=["kind,count:1"]))["facets"]["kind"]) == 1

    async def wrong(**more) -> str:
        return str(await search.refused({"search": "grey", "entities": BOTH, **more}))

    assert "filter 1:8" in await wrong(filter="weight xx 3")
    assert "filter 1:1" in await wrong(filter="wait eq 3")
    assert "orderBy 1:11" in await wrong(orderBy=["name desc", "wait"])
    assert "facets[0]" in await wrong(facets=["wait,count:3"])
    assert "facets[0]" in await wrong(facets=["weight,values:1|2"])


async def test_nobody_finds_what_they_may_not_read(app, search):
    records = app.system_records
    unit = await records.create(
        "businessunit",
        {"name": "Far", "parentbusinessunitid": Reference("businessunit", ROOT_UNIT)},
    )
    other = await records.create(
        "systemuser",
        {"domainname": "far", "firstname": "F", "lastname": "X",
         "businessunitid": Reference("businessunit", unit)},
    )  # fmt: skip
    far = {"name": "Greyhound", "kind": 2, "ownerid": Reference("systemuser", other)}
    await records.create("pebble", far)
    await records.create("vault", {"name": "Grey vault"})
    facets = ["kind", "@search.entityname"]
    more = {"entities": None, "returnTotalRecordCount": True, "facets": facets}
    everything = await search.ask("grey", **more)
    assert {row["@search.entityname"] for row in everything["value"]} == set(BOTH)
    assert "Greyhound" not in json.dumps(everything) and everything["totalrecordcount"] == 8
    assert [one["count"] for one in everything["facets"]["kind"]] == [3, 1]
    assert (await search.ask("greyh", "suggest"))["value"] == []
    assert (await search.ask("greyh", "autocomplete"))["value"] is None
    named = await search.send("query", {"search": "grey", "entities": ["vault"]})
    assert named.status_code == 403
    # a secured column is neither told nor counted, and decides nothing
    (row,) = (await search.ask("greystone"))["value"]
    assert "pin" not in row and row["kind"] == 2
    for asked in ({"facets": ["pin"]}, {"filter": "pin eq '7'"}, {"orderBy": ["pin"]}):
        assert "pin" in await search.refused({"search": "grey", "entities": ["pebble"], **asked})
    async with app.api_as() as api:
        administrator = Search(api)
        assert "Greyhound" in await administrator.names("greyh")
        assert (await administrator.ask("greystone"))["value"][0]["pin"] == "7"
        assert (await administrator.ask("vault", entities=["vault"]))["value"]
        user = {"MSCRMCallerID": app.walker}
        acting = await administrator.send("query", {"search": "greyh"}, **user)
        assert acting.status_code == 200 and acting.json()["value"] == []


async def test_suggestions_and_the_end_of_a_word(search):
    assert (await search.ask("grey zz", "suggest"))["value"] == []  # every word has to be there
    found = (await search.ask("greys", "suggest", useFuzzy=True, top=3))["value"]
    assert found[0]["text"] == "{crmhit}Greys{/crmhit}tone"
    assert found[0]["document"]["name"] == "Greystone"
    assert found[0]["document"]["@search.entityname"] == "pebble"
    assert len((await search.ask("grey", "suggest"))["value"]) == 5
    assert await search.ask("grey łó", "autocomplete") == {
        "value": "grey Łódź", "querycontext": None,
    }  # fmt: skip


async def test_version_2_speaks_in_texts(search):
    async def ask(verb: str, **body):
        answer = await search.api.post(f"{ROOT}v2.0/{verb}", json=body)
        assert answer.status_code == 200, answer.text
        return json.loads(answer.json()["response"])

    scope = {
        "name": "pebble", "selectColumns": ["name", "weight"], "searchColumns": ["name"],
        "filter": "weight gt 1",
    }  # fmt: skip
    found = await ask(
        "query", search="grey stone", entities=json.dumps([scope]), count=True,
        options=json.dumps({"searchmode": "any", "querytype": "simple"}),
        orderby=json.dumps(["@search.score desc", "weight desc"]), facets=json.dumps(["kind"]),
    )  # fmt: skip
    assert found.keys() == {"Error", "Value", "Facets", "QueryContext", "Count"}
    assert (found["Count"], found["Error"]) == (2, None)
    first, second = found["Value"]
    assert (first["EntityName"], first["Score"], second["Score"]) == ("pebble", 3.0, 1.0)
    assert first["Attributes"] == {"name": "Greystone", "weight": 2} and len(first["Id"]) == 36
    assert first["Highlights"] == {"name": ["{crmhit}Greystone{/crmhit}"]}
    assert {one["value"] for one in found["Facets"]["kind"]} == {1, 2}
    suggested = await ask("suggest", search="greys", entities=json.dumps([{"name": "pebble"}]))
    assert suggested["Value"][0]["Document"]["name"] == "Greystone"
    assert (await ask("autocomplete", search="greys"))["Value"] == "Greystone"


async def test_what_can_be_searched_and_how_much_is_told_at_every_address(search):
    async def told(address: str, body=None):
        answer = await (search.api.post(address, json=body) if body else search.api.get(address))
        assert answer.status_code == 200, answer.text
        return answer.json()

    status = await told(f"{ROOT}v1.0/status")
    results = status["value"]["entitystatusresults"]
    assert (status["value"]["status"], {one["entitylogicalname"] for one in results}) == (
        "provisioned", set(BOTH),
    )  # fmt: skip
    (pebble,) = (one for one in results if one["entitylogicalname"] == "pebble")
    assert pebble["searchableindexedfieldinfomap"].keys() == {"name", "code", "story", "beach"}
    statistics = await told(f"{ROOT}v1.0/statistics")
    counts = [await told(f"{one}/$count?$filter=name ne null") for one in ("pebbles", "beachs")]
    assert statistics["value"]["documentcount"] == sum(counts) > 0
    for name, value in (("status", status), ("statistics", statistics)):
        for address in (f"{ROOT}v2.0/{name}", f"search{name}", f"search{name}()"):
            assert json.loads((await told(address))["response"]) == value, address
    for verb in ("query", "suggest", "autocomplete"):
        body = {"search": "greys", "entities": json.dumps([{"name": "pebble"}])}
        found = await told(f"search{verb}", body)
        assert found.pop("@odata.context").endswith(f"CRM.search{verb}Response")
        assert found == await told(f"{ROOT}v2.0/{verb}", body)
        refused = await search.api.post(f"search{verb}", json={**body, "search": ""})
        assert refused.status_code == 400, refused.text


_BAD = (
    "", "[]", "null", '"x"', "{", "{}", '{"search":null}', '{"search":5}', '{"search":""}',
    '{"search":"  "}', '{"search":"-x"}', '{"search":"\\u0301"}', '{"search":"a","search":"b"}',
    '{"search":"a","SEARCH":"b"}', '{"search":"a","tpo":3}', '{"search":"a","top":0}',
    '{"search":"a","top":101}', '{"search":"a","top":true}', '{"search":"a","top":"5"}',
    '{"search":"a","top":1e9}', '{"search":"a","skip":-1}', '{"search":"a","skip":999}',
    '{"search":"a","entities":"pebble"}', '{"search":"a","entities":"[1"}',
    '{"search":"a","entities":[1]}', '{"search":"a","entities":["nothing"]}',
    '{"search":"a","entities":["pebble","pebble"]}', '{"search":"a","entities":[{}]}',
    '{"search":"a","entities":[{"name":"pebble","selectColumns":["x"]}]}',
    '{"search":"a","entities":[{"name":"pebble","searchColumns":["weight"]}]}',
    '{"search":"a","entities":[{"name":"pebble","filter":"x"}]}',
    '{"search":"a","orderBy":[""]}', '{"search":"a","orderBy":["name up"]}',
    '{"search":"a","orderBy":["@search.score asc"]}', '{"search":"a","orderBy":{"a":1}}',
    '{"search":"a","facets":["kind,count:0"]}', '{"search":"a","facets":[",count:3"]}',
    '{"search":"a","facets":"kind"}', '{"search":"a","searchMode":"some"}',
    '{"search":"a","options":"[]"}', '{"search":"a","options":"{\\"searchmode\\":1}"}',
    '{"search":"a","filter":"' + "(" * 3000 + '"}', '{"search":"a","filter":["x"]}',
    '{"search":"' + "a" * 201 + '"}', '{"search":"a b c d e f g h i j k"}',
    '{"search":"\\ud800"}', '{"search":"a","returnTotalRecordCount":"yes"}',
    '{"search":"a","entities":' + "[" * 900 + "]" * 900 + "}",
)  # fmt: skip


async def test_what_is_wrong_is_told(app, search):
    api = search.api
    for body in _BAD:
        answer = await api.post(f"{ROOT}v1.0/query", content=body)
        assert answer.status_code == 400, (body[:80], answer.text)
        error = answer.json()["error"]
        assert error["message"] and error["code"].startswith("0x"), body[:80]
    too_long = await api.post(f"{ROOT}v1.0/query", content=b'{"search":"' + b"a" * 140_000)
    form = await api.post(f"{ROOT}v1.0/query", data={"search": "a"})
    got = await api.get(f"{ROOT}v1.0/query")
    assert (too_long.status_code, form.status_code, got.status_code) == (413, 415, 405)
    assert got.headers["allow"] == "POST"
    for path in (
        "v1.0/nothing",
        "v3.0/query",
        "v1.0/",
        "v1.0",
        "v1.0/query/x",
        "v1.0/nothing/status",
    ):
        answer = await api.post(f"{ROOT}{path}", json={"search": "a"})
        assert answer.status_code == 404 and answer.json()["error"]["message"], path
    nobody = await api.post(
        f"{ROOT}v1.0/query", json={"search": "a"}, headers={"Authorization": "Bearer kt_no"}
    )
    assert nobody.status_code == 401
    told = await search.send("query", {"search": "grey"})
    assert told.headers["odata-version"] == "4.0" and "x-ms-service-request-id" in told.headers
    assert "x-ms-ratelimit-burst-remaining-xrm-requests" in told.headers
    scores = [row["@search.score"] for row in told.json()["value"]]
    assert all(one >= other for one, other in pairwise(scores)) and len(scores) == 8
