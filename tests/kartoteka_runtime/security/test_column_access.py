"""Secured columns on every path: hidden, masked, readable; and nothing tells their values."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from decimal import Decimal
from typing import Any

import pytest

from kartoteka.errors import RecordInvalid
from kartoteka.model.view import SortKey, View
from kartoteka.plugin_api.contexts import Principal
from kartoteka.record_values import Reference
from kartoteka_runtime.known_ids import ROOT_UNIT, profile_id
from kartoteka_runtime.publishing.bootstrap import add_user
from kartoteka_runtime.records.acting_records import ActingRecords
from kartoteka_runtime.testing.running_app import RunningApp

Start = Callable[..., Awaitable[RunningApp]]

PERSON = """\
kind: entity
format: 1
name: worker
label: { en: Worker }
plural_label: { en: Workers }
primary_field: name
ownership: organization
fields:
  - { name: name, type: text, label: { en: Name }, required: true }
  - { name: room, type: text, label: { en: Room } }
  - { name: salary, type: money, label: { en: Salary }, secured: true }
  - name: iban
    type: text
    label: { en: Account }
    secured: true
    mask: { pattern: ".(?=.{4})" }
  - name: badge
    type: whole_number
    label: { en: Badge }
    secured: true
    mask: { pattern: ".(?=.{2})", character: "#" }
  - { name: bossid, type: lookup, label: { en: Boss }, target: worker, relationship: worker_boss }
"""
METADATA = {
    "entities/worker.yaml": PERSON,
    "views/workers.yaml": """\
kind: view
format: 1
name: workers
label: { en: Workers }
entity: worker
type: public
default: true
order: [name]
columns: [name, salary, iban, badge, bossid/salary, bossid/iban]
""",
    "security_roles/clerk.yaml": """\
kind: role
format: 1
name: clerk
label: { en: Clerk }
privileges:
  - entity: worker
    create: organization
    read: organization
    write: organization
    delete: organization
    append: organization
    append_to: organization
""",
    "column_profiles/reading.yaml": """\
kind: column_profile
format: 1
name: reading
label: { en: Reading }
privileges:
  - entity: worker
    columns:
      - { field: salary, read: true }
      - { field: iban, read: true }
      - { field: badge, read: true }
""",
    "column_profiles/paying.yaml": """\
kind: column_profile
format: 1
name: paying
label: { en: Paying }
privileges:
  - entity: worker
    columns:
      - { field: salary, read: true, create: true, update: true }
      - { field: iban, read: true, create: true, update: true, read_unmasked: one_record }
      - { field: badge, read: true, update: true, read_unmasked: all_records }
""",
    "column_profiles/blind.yaml": """\
kind: column_profile
format: 1
name: blind
label: { en: Writing without reading }
privileges:
  - entity: worker
    columns: [{ field: salary, update: true }]
""",
}
ANN: dict[str, Any] = {
    "name": "Ann",
    "salary": Decimal("5125.5000"),
    "iban": "PL61109010140000",
    "badge": 1234,
}
HIDDEN: dict[str, Any] = {"salary": None, "salary_base": None, "iban": None, "badge": None}
MASKED = {
    "salary": ANN["salary"], "salary_base": ANN["salary"], "iban": "************0000",
    "badge": "##34",
}  # fmt: skip
WHOLE = {**MASKED, "iban": ANN["iban"], "badge": ANN["badge"]}


class Firm:
    """Workers with secured columns, and people who see of them more or less."""

    def __init__(self, app: RunningApp) -> None:
        self.app = app
        self.system = app.system_records
        self.people: dict[str, Principal] = {}
        self.passwords: dict[str, str] = {}

    async def build(self) -> None:
        self.boss = await self.system.create("worker", {**ANN, "name": "Bob"})
        boss = Reference("worker", self.boss)
        self.ann = await self.system.create("worker", {**ANN, "bossid": boss})
        for name, roles in (
            ("clerk", ["clerk"]), ("reading", ["clerk"]), ("paying", ["clerk"]),
            ("blind", ["clerk"]), ("root", ["system_administrator"]),
        ):  # fmt: skip
            user_id = await add_user(
                self.app.parts.records, user_name=name, first_name=name, last_name=name,
                roles=roles,
            )  # fmt: skip
            self.people[name] = Principal(user_id, name)
            if name in ("reading", "paying", "blind"):
                published = self.app.parts.live_registry.current
                await self.system.associate(
                    "systemuserprofiles_association", user_id, profile_id(published, name)
                )

    def of(self, person: str) -> ActingRecords:
        return self.app.parts.records.acting_as(self.people[person])

    @property
    def view(self) -> View:
        return self.app.parts.live_registry.current.registry.views["workers"]


@pytest.fixture
async def firm(start_app: Start) -> Firm:
    found = Firm(await start_app(metadata=METADATA, languages=("en",)))
    await found.build()
    return found


async def _read(records: ActingRecords, firm: Firm) -> dict[str, Any]:
    return await records.read("worker", firm.ann)


async def _read_fields(records: ActingRecords, firm: Firm) -> dict[str, Any]:
    return await records.read_fields("worker", firm.ann)


async def _list(records: ActingRecords, firm: Firm) -> dict[str, Any]:
    return dict((await records.list("worker", filter="name eq 'Ann'"))[0])


async def _select(records: ActingRecords, firm: Firm) -> dict[str, Any]:
    names = ("name", "salary", "salary_base", "iban", "badge")
    return (await records.select("worker", fields=names, filter="name eq 'Ann'")).rows[0]


async def _page(records: ActingRecords, firm: Firm) -> dict[str, Any]:
    row = (await records.page("worker", view=firm.view)).rows[0]
    if "salary" in row:
        row["salary_base"] = row["salary"]
        assert (row["bossid/salary"], row["bossid/iban"]) == (row["salary"], row["iban"])
    return row


@pytest.mark.parametrize("path", [_read, _read_fields, _list, _select, _page])
async def test_every_read_keeps_the_keys_and_shows_what_profiles_grant(firm, path):
    for person, expected in (
        ("clerk", HIDDEN), ("reading", MASKED), ("paying", MASKED), ("blind", HIDDEN),
        ("root", WHOLE),
    ):  # fmt: skip
        row = await path(firm.of(person), firm)
        assert {name: row[name] for name in expected} == expected, person


async def test_masks_are_lifted_on_request_as_far_as_profiles_say_and_auditors_are_told(firm):
    told = []

    class Events:
        async def record(self, kind, **facts):
            told.append((kind, facts["entity"], facts["record_id"], facts["detail"]["columns"]))

    firm.app.parts.records.security_events = Events()
    for path in (_read, _read_fields):
        row = await path(firm.of("paying").unmasked(), firm)
        assert {name: row[name] for name in WHOLE} == WHOLE
        row = await path(firm.of("reading").unmasked(), firm)
        assert {name: row[name] for name in MASKED} == MASKED
    assert told == [("unmasked_read", "worker", firm.ann, "badge, iban")] * 2
    row = await _select(firm.of("paying").unmasked(), firm)
    assert (row["iban"], row["badge"]) == (MASKED["iban"], ANN["badge"])
    assert told[2:] == [("unmasked_read", "worker", "", "badge")]


_ON = {
    "salary": ("gt 5000", "ne null", "in (5125.5)"),
    "iban": ("eq 'PL61109010140000'", "ne null"),
    "badge": ("lt 2000", "add 1 gt 3"),
}


@pytest.mark.parametrize("person", ["clerk", "reading", "blind"])
async def test_no_filter_or_order_tells_what_is_kept_from_the_reader(firm, person):
    records = firm.of(person)
    kept = ("iban", "badge") if person == "reading" else ("salary", "iban", "badge")
    for name in kept:
        conditions = [f"{name} {test}" for test in _ON[name]]
        conditions += [f"not ({name} {_ON[name][0]}) or name eq 'x'"]
        conditions += [f"bossid/{name} {_ON[name][0]}"]
        conditions += [f"worker_boss/any(w:w/{name} {_ON[name][0]})"]
        for condition in conditions:
            for ask in (
                lambda c=condition: records.list("worker", filter=c),
                lambda c=condition: records.count("worker", filter=c),
                lambda c=condition: records.select("worker", fields=("name",), filter=c),
                lambda c=condition: records.page("worker", view=firm.view, condition=c),
            ):
                await _refused(ask(), name)
        await _refused(records.list("worker", order=(f"{name} desc",)), name)
        await _refused(records.page("worker", view=firm.view, sort=(SortKey(name),)), name)
        await _refused(records.page("worker", view=firm.view, sort=(SortKey(name, True),)), name)


async def _refused(asked: Awaitable[Any], name: str) -> None:
    with pytest.raises(RecordInvalid) as refused:
        await asked
    (violation,) = refused.value.violations
    assert (violation.code, violation.params["field"]) == ("violation.secured_column", name)


async def test_writing_needs_create_or_update_and_comes_before_what_the_value_is(firm):
    values: dict[str, Any]
    for person, values, refused in (
        ("clerk", {"salary": 1}, {"salary"}),
        ("clerk", {"salary": "no number"}, {"salary"}),
        ("reading", {"salary": 1, "iban": "x", "badge": 2}, {"salary", "iban", "badge"}),
        ("paying", {"badge": 1}, {"badge"}),
        ("blind", {"salary": 1}, {"salary"}),
    ):
        with pytest.raises(RecordInvalid) as error:
            await firm.of(person).create("worker", {"name": "New", **values})
        found = {violation.field: violation.code for violation in error.value.violations}
        assert found == dict.fromkeys(refused, "violation.secured_create"), person
    new = await firm.of("paying").create("worker", {"name": "New", "salary": 1, "iban": "abc"})
    for person, values, refused in (
        ("clerk", {"salary": ANN["salary"]}, {"salary"}),
        ("clerk", {"salary": None}, {"salary"}),
        ("reading", {"iban": "************0000"}, {"iban"}),
        ("blind", {"iban": "x", "room": "1"}, {"iban"}),
    ):
        with pytest.raises(RecordInvalid) as error:
            await firm.of(person).update("worker", firm.ann, values)
        found = {violation.field: violation.code for violation in error.value.violations}
        assert found == dict.fromkeys(refused, "violation.secured_update"), person
    await firm.of("paying").update("worker", new, {"salary": 7, "iban": "xyz12345", "badge": 9})
    await firm.of("clerk").update("worker", new, {"room": "12"})
    row = await firm.system.read("worker", new)
    assert (row["salary"], row["iban"], row["badge"], row["room"]) == (7, "xyz12345", 9, "12")


async def test_what_a_mask_left_of_a_value_is_not_written_back(firm):
    row = await firm.of("paying").read("worker", firm.ann)
    sent = {name: row[name] for name in ("iban", "badge")}
    await firm.of("paying").update("worker", firm.ann, {**sent, "room": "3"})
    row = await firm.system.read("worker", firm.ann)
    assert (row["iban"], row["badge"], row["room"]) == (ANN["iban"], ANN["badge"], "3")


async def test_whether_an_unseen_value_changes_does_not_show(firm):
    """An update with the stored value counts as a change when its writer may not read it."""
    before = await firm.system.read("worker", firm.ann)
    await firm.of("blind").update("worker", firm.ann, {"salary": ANN["salary"]})
    same = await firm.system.read("worker", firm.ann)
    await firm.of("blind").update("worker", firm.ann, {"salary": 1})
    other = await firm.system.read("worker", firm.ann)
    versions = [row["versionnumber"] for row in (before, same, other)]
    assert versions[0] < versions[1] < versions[2]


async def test_profiles_reach_members_through_teams_and_stop_with_membership(firm):
    published = firm.app.parts.live_registry.current
    unit = Reference("businessunit", ROOT_UNIT)
    team = await firm.system.create("team", {"name": "Pay", "businessunitid": unit})
    clerk = firm.people["clerk"].user_id
    await firm.system.associate("teamprofiles_association", team, profile_id(published, "reading"))
    assert (await _list(firm.of("clerk"), firm))["salary"] is None
    relationship = "teammembership_association"
    await firm.system.associate(relationship, clerk, team)
    assert (await _list(firm.of("clerk"), firm))["salary"] == ANN["salary"]
    await firm.system.disassociate(relationship, clerk, team)
    assert (await _list(firm.of("clerk"), firm))["salary"] is None


NUMBERS = {"salary": 5125.5, "salary_base": 5125.5}
BY_API: dict[str, dict[str, Any]] = {
    "clerk": HIDDEN,
    "reading": {**NUMBERS, "iban": MASKED["iban"], "badge": None},
    "root": {**NUMBERS, "iban": ANN["iban"], "badge": ANN["badge"]},
}
SELECT = "$select=name,salary,salary_base,iban,badge"
FETCH = (
    '<fetch><entity name="worker"><attribute name="name"/><attribute name="salary"/>'
    '<attribute name="salary_base"/><attribute name="iban"/><attribute name="badge"/>'
    '<filter><condition attribute="name" operator="eq" value="Ann"/></filter></entity></fetch>'
)


@pytest.mark.parametrize("person", list(BY_API))
async def test_the_web_api_answers_null_or_a_masked_text_whichever_way_one_asks(firm, person):
    annotated = {"Prefer": 'odata.include-annotations="*"'}
    one = f"/workers({firm.ann})"
    boss = f"/workers({firm.ann})?$select=name&$expand=bossid({SELECT})"
    staff = f"/workers({firm.boss})?$select=name&$expand=worker_boss({SELECT})"
    async with firm.app.api_as(person) as api:
        rows = [
            (await api.get(f"{one}")).json(),
            (await api.get(f"{one}?{SELECT}")).json(),
            (await api.get(f"{one}", headers=annotated)).json(),
            (await api.get(f"/workers?{SELECT}&$filter=name eq 'Ann'")).json()["value"][0],
            (await api.get("/workers?$filter=name eq 'Ann'")).json()["value"][0],
            (await api.get(f"/workers?{SELECT}&$orderby=name", headers=annotated)).json()["value"][
                0
            ],
            (await api.get(f"{boss}")).json()["bossid"],
            (await api.get(f"{staff}")).json()["worker_boss"][0],
            (await api.get("/workers", params={"fetchXml": FETCH})).json()["value"][0],
            (await api.get("/workers?savedQuery=workers")).json()["value"][0],
        ]
        changed = await api.patch(
            f"{one}", json={"room": "1"}, headers={"Prefer": "return=representation"}
        )
        rows.append(changed.json())
    wanted = BY_API[person]
    for number, row in enumerate(rows):
        shown = {name: row[name] for name in wanted if name in row}
        assert shown == {name: wanted[name] for name in shown}, number
        assert {"salary", "iban", "badge"} <= shown.keys()
    hidden: dict[str, tuple[str, ...]] = {
        "clerk": ("5125", "PL61", "*0000", "1234"),
        "reading": ("PL61", "1234"),
    }
    text = str(rows)
    for secret in hidden.get(person, ()):
        assert secret not in text


LEAKS = [
    "$filter=salary gt 1", "$filter=badge eq 1234", "$filter=startswith(iban,'PL')",
    "$filter=bossid/salary gt 1", "$filter=worker_boss/any(w:w/salary gt 1)",
    "$filter=worker_boss/all(w:w/salary gt 1)", "$filter=not (salary gt 1)",
    "$filter=salary add 1 gt 5", "$filter=salary eq bossid/salary",
    "$orderby=salary", "$orderby=name,iban desc", "$orderby=bossid/badge",
    "$apply=aggregate(salary with max as top)", "$apply=aggregate(badge with average as mean)",
    "$apply=aggregate(iban with countdistinct as kinds)", "$apply=groupby((iban))",
    "$apply=groupby((name),aggregate(salary with sum as total))",
    "$apply=filter(salary gt 1)/aggregate($count as found)",
    "$select=name&$expand=worker_boss($filter=salary gt 1)",
    "$select=name&$expand=worker_boss($orderby=salary)",
    "$filter=salary gt 1&$count=true&$top=1",
]  # fmt: skip
FETCHES = [
    '<entity name="worker"><filter><condition attribute="salary" operator="gt" value="1"/></filter>'
    "</entity>",
    '<entity name="worker"><order attribute="iban"/></entity>',
    '<entity name="worker"><link-entity name="worker" from="workerid" to="bossid" alias="b">'
    '<filter><condition attribute="badge" operator="not-null"/></filter></link-entity></entity>',
    '<entity name="worker"><link-entity name="worker" from="workerid" to="bossid" alias="b">'
    '<attribute name="name"/></link-entity><filter><condition entityname="b" attribute="salary" '
    'operator="gt" value="1"/></filter></entity>',
    '<entity name="worker"><attribute name="name"/><link-entity name="worker" from="workerid" '
    'to="bossid" alias="b"><order attribute="salary"/></link-entity></entity>',
]
AGGREGATES = [
    '<entity name="worker"><attribute name="salary" aggregate="max" alias="top"/></entity>',
    '<entity name="worker"><attribute name="badge" groupby="true" alias="g"/></entity>',
    '<entity name="worker"><attribute name="iban" aggregate="countcolumn" alias="n"/></entity>',
]


@pytest.mark.parametrize("person", ["clerk", "blind"])
async def test_no_question_to_the_web_api_tells_a_hidden_value(firm, person):
    questions = [{"": leak} for leak in LEAKS]
    fetches = [f"<fetch>{text}</fetch>" for text in FETCHES]
    fetches += [f'<fetch aggregate="true">{text}</fetch>' for text in AGGREGATES]
    fetches.append(
        '<fetch distinct="true"><entity name="worker"><attribute name="salary"/></entity></fetch>'
    )
    async with firm.app.api_as(person) as api:
        answers = [(leak[""], await api.get(f"/workers?{leak['']}")) for leak in questions]
        answers += [
            (text, await api.get("/workers", params={"fetchXml": text})) for text in fetches
        ]
    for asked, answer in answers:
        assert answer.status_code == 400, asked
        said = answer.json()["error"]["message"]
        assert "you may not see all of it" in said, (asked, said)


async def test_columns_of_joined_records_are_kept_back_as_well(firm):
    fetch = (
        '<fetch><entity name="worker"><attribute name="name"/><order attribute="name"/>'
        '<link-entity name="worker" from="workerid" to="bossid" alias="b">'
        '<attribute name="salary"/><attribute name="iban"/><attribute name="badge"/>'
        "</link-entity></entity></fetch>"
    )
    for person in ("clerk", "reading"):
        async with firm.app.api_as(person) as api:
            answer = await api.get("/workers", params={"fetchXml": fetch})
        (row,) = answer.json()["value"]
        wanted = {f"b.{name}": BY_API[person][name] for name in ("salary", "iban", "badge")}
        assert {name: row[name] for name in wanted} == wanted


async def test_unmasked_data_is_given_of_one_record_to_who_may_ask(firm):
    async with firm.app.api_as("paying") as api:
        one = await api.get(f"/workers({firm.ann})?UnMaskedData=true&{SELECT}")
        plain = await api.get(f"/workers({firm.ann})?UnMaskedData=false&{SELECT}")
        many = await api.get(f"/workers?UnMaskedData=true&{SELECT}&$orderby=name")
    assert (one.json()["iban"], one.json()["badge"]) == (ANN["iban"], ANN["badge"])
    assert (plain.json()["iban"], plain.json()["badge"]) == (MASKED["iban"], None)
    first = many.json()["value"][0]
    assert (first["iban"], first["badge"]) == (MASKED["iban"], ANN["badge"])
    async with firm.app.api_as("reading") as api:
        one = await api.get(f"/workers({firm.ann})?UnMaskedData=true&{SELECT}")
    assert (one.json()["iban"], one.json()["badge"]) == (MASKED["iban"], None)


async def test_pages_show_a_lock_or_a_part_and_no_input(firm):
    address, lock = f"/e/worker/{firm.ann}", "********"
    async with firm.app.client_as("clerk") as pages:
        form, listed = (await pages.get(address)).text, (await pages.get("/e/worker")).text
        new = (await pages.get("/e/worker/new")).text
        sorted_by = await pages.get("/e/worker?view=workers&sort=-salary")
    for text in (form, listed):
        assert lock in text
        assert "5125" not in text and "5,125" not in text and "0000" not in text
    for name in ("salary", "iban", "badge"):
        assert f'name="{name}"' not in form and f'name="{name}"' not in new
    assert "sort=salary" not in listed and sorted_by.status_code == 400
    async with firm.app.client_as("reading") as pages:
        form, listed = (await pages.get(address)).text, (await pages.get("/e/worker")).text
    for text in (form, listed):
        assert MASKED["iban"] in text and "##34" in text and "5,125.50" in text
        assert ANN["iban"] not in text and "1,234" not in text
    async with firm.app.client_as("paying") as pages:
        form = (await pages.get(address)).text
        assert 'name="salary"' in form and 'name="iban"' not in form and "unmasked=true" in form
        form = (await pages.get(f"{address}?unmasked=true")).text
        assert f'value="{ANN["iban"]}"' in form and 'name="badge"' in form
