"""What hostile people with a token tried with search and merging, and what must go on failing."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest
from tests.security.small_office import Office as SmallOffice
from tests.security.small_office import entity_text, role_text

from kartoteka.record_values import Reference
from kartoteka_runtime.testing.running_app import RunningApp

_TYPE = "Microsoft.Dynamics.CRM."
_SEARCH = "/api/search/v1.0/"
_JSON = {"Content-Type": "application/json"}


def _find(entity: str, *fields: str, columns: tuple[str, ...] = ("name",)) -> str:
    return (
        f"kind: view\nformat: 1\nname: {entity}_find\nlabel: {{ en: Find }}\nentity: {entity}\n"
        f"type: quick_find\ncolumns: [{', '.join(columns)}]\nfind: [{', '.join(fields)}]\n"
    )


_LINKED = "read: organization, append: organization, append_to: organization"
METADATA = {
    "entities/parcel.yaml": entity_text(
        "parcel",
        "  - { name: secret, type: text, label: { en: Secret }, secured: true }\n"
        "  - { name: story, type: text, label: { en: Story }, format: multi_line,"
        " max_length: 200000 }\n"
        "  - { name: boxid, type: lookup, label: { en: Box }, target: box }\n"
        "  - { name: lockid, type: lookup, label: { en: Lock }, target: box }\n"
        "  - { name: above, type: lookup, label: { en: Above }, target: parcel,"
        " relationship: parcel_above, hierarchical: true }\n",
        more="ownership: user\nfeatures: [merge, notes, activities]\n",
    ),
    "entities/box.yaml": entity_text(
        "box", "  - { name: pin, type: text, label: { en: Pin }, secured: true }\n"
    ),
    "entities/piece.yaml": entity_text(
        "piece",
        "  - { name: parcelid, type: lookup, label: { en: Parcel }, target: parcel,"
        " relationship: parcel_pieces, relation: parental }\n"
        "  - { name: sealid, type: lookup, label: { en: Seal }, target: parcel,"
        " relationship: parcel_seals }\n",
    ),
    "entities/tag.yaml": entity_text("tag"),
    "relationships/parcel_tag.yaml": (
        "kind: relationship\nformat: 1\nname: parcel_tag\nleft: parcel\nright: tag\n"
        "intersect: parceltags\nleft_label: { en: Parcels }\nright_label: { en: Tags }\n"
    ),
    "views/parcel_find.yaml": _find(
        "parcel", "name", "story", "boxid", "lockid", "ownerid", columns=("name", "secret")
    ),
    "views/box_find.yaml": _find("box", "name"),
    "security_roles/clerk.yaml": role_text(
        "clerk", "miscellaneous: [merge]\n", parcel="user", box="user", piece="user",
        annotation="user", tag="user", activitypointer="user", systemuser="read: business_unit",
    ),
    "security_roles/agent.yaml": role_text(
        "agent", "miscellaneous: [act_on_behalf]\n", parcel="user", piece="user",
        systemuser="read: organization, append_to: organization",
    ),
    "column_profiles/seers.yaml": (
        "kind: column_profile\nformat: 1\nname: seers\nlabel: { en: Seers }\nprivileges:\n"
        "  - entity: parcel\n    columns: [{ field: secret, read: true }]\n"
    ),
}  # fmt: skip


class Office(SmallOffice):
    """People who search and merge."""

    async def search(self, name: str, verb: str = "query", /, **body: Any) -> httpx.Response:
        return await self.ask(name, "POST", _SEARCH + verb, body)

    async def merge(self, name: str, target: str, gone: str, **how: Any) -> httpx.Response:
        more = how.pop("more", {})
        body = {
            "Target": {"@odata.type": f"{_TYPE}parcel", "parcelid": target},
            "Subordinate": {"@odata.type": f"{_TYPE}parcel", "parcelid": gone},
            **more,
        }
        return await self.ask(name, "POST", "Merge", body, **how)


@pytest.fixture
async def office(start_app: Callable[..., Awaitable[RunningApp]]) -> Office:
    found = Office(await start_app(metadata=METADATA, languages=("en",)))
    await found.staff()
    return found


async def test_search_tells_nothing_of_what_one_may_not_read(office: Office) -> None:
    root, mal, bob = office.of("root"), office.user("mal"), office.user("bob")
    box = await root.create("box", {"name": "Crate", "pin": "HIDDENPIN", "ownerid": bob})
    mine = await root.create(
        "parcel",
        {"name": "mine", "secret": "HIDDENSECRET", "boxid": Reference("box", box), "ownerid": mal},
    )
    theirs = {"name": "HIDDENPARCEL", "story": "HIDDENSTORY", "ownerid": bob}
    await root.create("parcel", {**theirs, "above": Reference("parcel", mine)})
    parcel = {"entities": ["parcel"], "returnTotalRecordCount": True}
    for text in ("HIDDEN", "HIDDENSTORY", "HIDDENPIN", "HIDDENSECRET"):
        found = (await office.search("mal", search=text, **parcel)).json()
        assert (found["value"], found["totalrecordcount"]) == ([], 0), text
        assert (await office.search("mal", "suggest", search=text)).json()["value"] == []
        assert (await office.search("mal", "autocomplete", search=text[:8])).json()["value"] is None
    assert (await office.search("mal", search="* -HIDDENSECRET", **parcel)).json()["value"]
    names = ["@search.entityname", "name", "ownerid", "boxid"]
    everything = {"search": "*", "facets": names, "returnTotalRecordCount": True}
    found = (await office.search("mal", **everything, entities=["parcel", "box"])).json()
    assert found["totalrecordcount"] == 1 and "HIDDEN" not in json.dumps(found)
    assert [sum(one["count"] for one in found["facets"][name]) for name in names] == [1] * 4
    children = "parcel_above/any(p:p/name eq 'HIDDENPARCEL')"
    assert not (await office.search("mal", search="*", filter=children)).json()["value"]
    shown = [{"name": "parcel", "selectColumns": ["secret", "boxid"]}]
    (row,) = (await office.search("mal", search="*", entities=shown)).json()["value"]
    assert (row["boxidname"], "secret" in row) == ("Crate", False)
    for asked in (
        {"filter": "secret eq 'x'"}, {"filter": "boxid/pin eq 'x'"}, {"facets": ["secret"]},
        {"orderBy": ["secret"]}, {"orderBy": ["boxid/pin"]}, {"orderBy": ["name", "secret desc"]},
        {"entities": [{"name": "parcel", "searchColumns": ["secret"]}]},
    ):  # fmt: skip
        answer = await office.search("mal", **{"search": "*", "entities": ["parcel"], **asked})
        assert answer.status_code == 400, (asked, answer.text)
    many = ",".join(f"'{number}'" for number in range(30))
    for option, told in (
        ({"$expand": "ownerid"}, 403),  # teams may not be read
        ({"$apply": "groupby((secret))"}, 400),
        ({"$apply": "groupby((name,boxid/pin))"}, 400),
        ({"$apply": "groupby((name),aggregate(secret with countdistinct as c))/filter(c gt 0)"},
         400),
        ({"$apply": "groupby((name))", "$filter": "secret eq 'x'"}, 400),
        ({"$apply": "groupby((name))/filter(secret eq 'x')"}, 400),
        ({"$filter": f"secret in ({many})"}, 400),
        ({"$filter": f"boxid/pin in ({many})"}, 400),
    ):  # fmt: skip
        answer = await office.ask("mal", "GET", "parcels", params=option)
        assert (answer.status_code, "HIDDEN" in answer.text) == (told, False), answer.text


async def test_a_record_with_the_id_of_another_type_spoils_no_search(office: Office) -> None:
    parcel = await office.of("bob").create("parcel", {"name": "Twin one", "story": "s"})
    await office.of("bob").create("box", {"boxid": parcel, "name": "Twin two"})
    for entities in (["parcel", "box"], ["box", "parcel"]):
        answer = await office.search("bob", search="twin", entities=entities)
        assert answer.status_code == 200, answer.text
        told = {row["@search.entityname"]: row["name"] for row in answer.json()["value"]}
        assert told == {"parcel": "Twin one", "box": "Twin two"}


async def test_no_search_makes_more_work_than_it_is_worth(office: Office) -> None:
    owner = office.user("mal")
    parcels = [
        {"name": f"Grey {number:04}", "story": "Żółć ąb " * 20, "ownerid": owner}
        for number in range(1100)
    ]
    await office.of("root").create_many("parcel", parcels)
    long = {"name": "Long", "story": "ąb" * 90_000 + "żółw", "ownerid": owner}
    await office.of("root").create("parcel", long)
    for text, facets, most in (("grey", [], 1), ("grey", ["name", "ownerid", "statecode"], 2)):
        with office.app.counted_statements() as statements:
            answer = await office.search(
                "mal", search=text, top=5, facets=facets, entities=["parcel"]
            )
        assert len(answer.json()["value"]) == 5
        looking = [one for one in statements if "story" in one.partition("WHERE")[2]]
        assert len(looking) == most, looking
    (row,) = (await office.search("mal", search="zolw", entities=["parcel"])).json()["value"]
    assert row["@search.highlights"] == {}  # so far into a text nobody looks for words again
    tests = [f"not contains(name,'{number}x')" for number in range(350)]
    for asked in (
        {"filter": " and ".join(tests[:51])},
        {"filter": "x" * 10_001},
        {"entities": [{"name": "parcel", "filter": " or ".join(tests[:51])}]},
    ):
        answer = await office.search("mal", **{"search": "grey", **asked})
        assert answer.status_code == 400 and "too many" in answer.text, answer.text
    allowed = await office.search("mal", search="grey", filter=" and ".join(tests[:50]), top=1)
    assert allowed.status_code == 200, allowed.text
    groups = "groupby((parcelid,name),aggregate($count as c))"
    for condition, told in (("c eq 1", 200), (f"c eq 1 and {' and '.join(tests)}", 400)):
        asked = {"$apply": f"{groups}/filter({condition})"}
        answer = await office.ask("mal", "GET", "parcels", params=asked)
        assert answer.status_code == told, answer.text[:300]


_HOSTILE = (
    b'{"search": NaN}', b'{"search": "a", "top": 1e400}', b'{"search": "a", "top": -1}',
    b'{"search": "a", "skip": 100000000000000000000}', b'{"search": "a", "top": "5"}',
    rb'{"search": "a\ud800"}', b'{"search": "' + bytes([255]) + b'"}', rb'{"search": "\u0000"}',
    b"[" * 5000, b'{"search": "a", "filter": "' + b"not " * 2000 + b'"}',
    b'{"search": "a", "entities": ' + b'[' * 500 + b']' * 500 + b"}",
    json.dumps({"search": "a", "entities": ["parcel"] * 10_000}).encode(),
    json.dumps({"search": "a", "entities": json.dumps(json.dumps([{"name": "parcel"}]))}).encode(),
    json.dumps({"search": "a", "options": json.dumps({"searchmode": {"a": []}})}).encode(),
    json.dumps({"search": "a", "orderBy": "name," * 2000}).encode(),
    json.dumps({"search": "a", "facets": ["name"] * 5000}).encode(),
    json.dumps({"search": "word " * 10_000}).encode(), json.dumps({"search": '"' * 199}).encode(),
)  # fmt: skip


async def test_hostile_searches_are_refused_in_a_sentence(office: Office) -> None:
    for body in _HOSTILE:
        for version in ("v1.0", "v2.0"):
            answer = await office.ask(
                "mal", "POST", f"/api/search/{version}/query", body, headers=_JSON
            )
            assert answer.status_code == 400, (body[:60], answer.text)
            assert answer.json()["error"]["message"]
    for text in ("*a*" * 60, "%" * 200, "\u202eabc", "a\u0301" * 90, "\\" * 199, "_" * 200):
        answer = await office.search("mal", search=text)
        assert (answer.status_code, answer.json()["value"]) == (200, []), (text, answer.text)


async def test_nobody_takes_over_records_by_merging(office: Office) -> None:
    root, mal, bob = office.of("root"), office.user("mal"), office.user("bob")
    system = office.app.system_records
    target, gone = [await root.create("parcel", {"name": n, "ownerid": mal}) for n in "ab"]
    theirs = await root.create("parcel", {"name": "HIDDEN", "ownerid": bob})
    piece = await root.create(
        "piece", {"name": "HIDDEN", "sealid": Reference("parcel", gone), "ownerid": bob}
    )
    closing = {"@odata.type": f"{_TYPE}parcel", "statecode": 1}
    secret = {"@odata.type": f"{_TYPE}parcel", "secret": "x"}
    given = {"@odata.type": f"{_TYPE}parcel", "ownerid@odata.bind": f"systemusers({bob.id})"}
    for told, into, other, how in (
        (404, target, theirs, {}),
        (404, theirs, gone, {}),
        (400, target, target.upper(), {}),
        (400, target, "{" + target + "}", {}),
        (403, target, gone, {"scope": "read"}),
        (403, target, gone, {"scope": "write"}),
        (403, target, gone, {"scope": "parcel:write"}),
        (400, target, gone, {"more": {"UpdateContent": closing}}),
        (400, target, gone, {"more": {"UpdateContent": secret}}),
        (400, target, gone, {"more": {"UpdateContent": given}}),
        (403, target, gone, {}),  # a piece of it is out of sight
    ):
        answer = await office.merge("mal", into, other, **how)
        assert answer.status_code == told, (into, other, how, answer.text)
        assert "HIDDEN" not in answer.text
    assert (await office.merge("agent", target, gone, instead_of="mal")).status_code == 403
    await root.share("piece", piece, mal, ["read", "write"])
    assert (await office.merge("mal", target, gone)).status_code == 403  # nothing to append with
    await root.delete("piece", piece)
    tag = await root.create("tag", {"name": "HIDDEN", "ownerid": bob})
    await root.associate("parcel_tag", gone, tag)
    assert (await office.merge("mal", target, gone)).status_code == 403
    rows = await system.list("parcel", order=("name",), fields=("name", "statecode", "secret"))
    assert [(row["name"], row["statecode"]) for row in rows] == [("a", 0), ("b", 0), ("HIDDEN", 0)]
    await root.delete("tag", tag)
    assert (await office.merge("mal", target, gone)).status_code == 204
    answer = await office.merge("mal", gone, target)
    assert answer.status_code == 400 and "active" in answer.text


async def test_crossed_merges_leave_one_record_and_readers_do_not_wait(office: Office) -> None:
    root, mal = office.of("root"), office.user("mal")
    one, two = [await root.create("parcel", {"name": n, "ownerid": mal}) for n in "ab"]
    for parcel in (one, two):
        below = {"parcelid": Reference("parcel", parcel), "ownerid": mal}
        await root.create_many("piece", [{"name": f"p{n}", **below} for n in range(60)])
    done: list[str] = []

    async def noted(name: str, call: Awaitable[httpx.Response]) -> int:
        status = (await call).status_code
        done.append(name)
        return status

    told = await asyncio.gather(
        noted("merge", office.merge("mal", one, two)),
        noted("merge", office.merge("mal", two, one)),
        noted("merge", office.merge("mal", one, two)),
        noted("read", office.ask("mal", "GET", f"parcels({one})?$select=name")),
    )
    assert sorted(told) == [200, 204, 400, 400] and done[0] == "read"
    rows = await office.app.system_records.list("parcel", fields=("statecode",))
    (left,) = [row["parcelid"] for row in rows if row["statecode"] == 0]
    assert len(rows) == 2
    assert await office.app.system_records.count("piece", filter=f"parcelid eq {left}") == 120
