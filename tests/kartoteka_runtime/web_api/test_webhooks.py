"""Webhooks: what is told and to whom, how it is signed, sent, tried again and kept."""

from __future__ import annotations

import asyncio
import json
import sys
import threading
import time
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from standardwebhooks.webhooks import Webhook, WebhookVerificationError

from kartoteka.errors import AccessDenied, RecordInvalid, RecordNotFound
from kartoteka.record_values import Reference
from kartoteka_runtime.jobs.webhook_jobs import WAITS
from kartoteka_runtime.jobs.webhook_sender import WebhookSender
from kartoteka_runtime.records.webhook_rules import make_secret


@dataclass
class Receiver:
    """What was received; ``answers`` are given in turn, then 200."""

    pause: float = 0.0
    answers: list[tuple[int, dict[str, str]]] = field(default_factory=list)
    received: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    url: str = ""

    @property
    def payloads(self) -> list[dict[str, Any]]:
        return [json.loads(body) for _, body in self.received]

    @property
    def types(self) -> list[str]:
        return [payload["type"] for payload in self.payloads]

    def verified(self, secret: str) -> list[dict[str, Any]]:
        """Return every message, as the published library reads it with a secret."""
        return [Webhook(secret).verify(body, headers) for headers, body in self.received]


def serve(receiver: Receiver) -> ThreadingHTTPServer:
    """Start to receive, at ``receiver.url``."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            headers = {name.lower(): value for name, value in self.headers.items()}
            receiver.received.append((headers, body))
            time.sleep(receiver.pause)
            status, more = receiver.answers.pop(0) if receiver.answers else (200, {})
            self.send_response(status)
            for name, value in more.items():
                self.send_header(name, value)
            self.send_header("content-length", "5")
            self.end_headers()
            self.wfile.write(b"heard")

        def log_message(self, *args: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    receiver.url = f"http://127.0.0.1:{server.server_port}/hook"
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    return server


CARD = """\
kind: entity
format: 1
name: card
label: { en: Card, pl: Karta }
plural_label: { en: Cards, pl: Karty }
primary_field: name
ownership: user

fields:
  - { name: name, type: text, label: { en: Name }, required: true, max_length: 40 }
  - { name: box, type: text, label: { en: Box }, max_length: 40 }
  - { name: price, type: decimal, label: { en: Price }, precision: 2 }
  - { name: buyer, type: customer, label: { en: Buyer } }
  - { name: pin, type: text, label: { en: Pin }, max_length: 40, secured: true }
  - name: flags
    type: multi_choice
    label: { en: Flags }
    options:
      - { name: red, value: 1, label: { en: Red } }
      - { name: blue, value: 2, label: { en: Blue } }
states:
  - { name: open, value: 0, label: { en: Open }, reasons: [{ name: open, value: 1, label: { en: Open } }] }
  - { name: shut, value: 1, label: { en: Shut }, reasons: [{ name: shut, value: 2, label: { en: Shut } }] }
transitions: [{ from: open, to: shut }]
commands:
  - { name: shut, label: { en: Shut }, icon: lock, from: [open], to: shut }
"""  # noqa: E501
WORKERS = Path(__file__).parents[1] / "jobs" / "mortal_workers.py"
TRAY = """\
kind: entity
format: 1
name: tray
label: { en: Tray, pl: Taca }
plural_label: { en: Trays, pl: Tace }
primary_field: name
ownership: organization

fields:
  - { name: name, type: text, label: { en: Name }, max_length: 40 }
"""
LINK = """\
kind: relationship
format: 1
name: card_trays
left: card
right: tray
intersect: cardtray
"""
SELLER = """\
kind: role
format: 1
extends: salesperson
privileges:
  - { entity: card, create: user, read: user, write: user, append: user }
  - { entity: webhook, create: user, read: user, write: user, append: user }
"""
APP = {
    "entities/card.yaml": CARD,
    "entities/tray.yaml": TRAY,
    "relationships/card_trays.yaml": LINK,
    "security_roles/salesperson.yaml": SELLER,
}


class Told:
    """An app whose webhooks may post to loopback, and who receives."""

    def __init__(self, app, receiver: Receiver) -> None:
        self.app = app
        self.receiver = receiver
        self.secret = ""
        self.id = ""

    async def subscribe(self, entity="card", *, records=None, **values) -> str:
        """Make a webhook with a secret, which is the last one that ``secret`` knows."""
        records = records or await self.app.records_as()
        values = {"name": "Stock", "url": self.receiver.url, "entityname": entity, **values}
        self.id = await records.create("webhook", values)
        self.secret = await make_secret(records, self.app.parts.webhook_secrets, self.id)
        return self.id

    async def sent(self) -> list[str]:
        """Run the jobs and return the types of what came, which is forgotten then."""
        await self.app.run_jobs()
        types = self.receiver.types
        self.receiver.received.clear()
        return types

    async def deliveries(self):
        return await self.app.system_records.list("webhookdelivery", order=("createdon",))

    async def webhook(self):
        return await self.app.system_records.read("webhook", self.id)

    def at(self, moment: datetime) -> None:
        """Let the clock stand at a moment, for records and jobs."""
        self.app.parts.records.clock = lambda: moment


@pytest.fixture
def receiver():
    found = Receiver()
    server = serve(found)
    yield found
    server.shutdown()
    server.server_close()


@pytest.fixture
async def told(start_app, receiver, monkeypatch):
    monkeypatch.setenv("KARTOTEKA_WEBHOOK_NETWORKS", "127.0.0.0/8")
    monkeypatch.setenv("KARTOTEKA_WEBHOOK_HTTP", "1")
    return Told(await start_app(metadata=APP), receiver)


async def test_messages_are_signed_as_the_published_library_checks_it(told):
    await told.subscribe(messages="create, update, delete")
    async with told.app.api_as() as api:
        made = await api.post("cards", json={"name": "Ace", "price": 1.5, "flags": "1,2"})
        address = made.headers["OData-EntityId"]
        await api.patch(address, json={"box": "B"})
        await api.delete(address)
    await told.app.run_jobs()
    created, updated, deleted = sorted(
        told.receiver.verified(told.secret),
        key=lambda one: ("create", "update", "delete").index(one["data"]["message"]),
    )
    me = (await told.app.principal()).user_id
    record_id = address.rpartition("(")[2].rstrip(")")
    assert created["type"] == "card.create"
    assert created["id"].startswith("msg_")
    assert {(headers["webhook-id"]) for headers, _ in told.receiver.received} == {
        one["id"] for one in (created, updated, deleted)
    }
    data = created["data"]
    assert data["entity"] == "card" and data["set"] == "cards" and data["id"] == record_id
    assert data["user"] == me and data["values"]["price"] == 1.5
    assert data["values"]["_ownerid_value"] == me and data["values"]["flags"] == "1,2"
    assert updated["data"]["values"] == {"box": "B"}
    assert deleted["data"]["values"]["name"] == "Ace"  # as it was before
    headers, body = told.receiver.received[0]
    with pytest.raises(WebhookVerificationError):
        Webhook(told.secret).verify(body + b" ", headers)
    assert {one["deliverystate"] for one in await told.deliveries()} == {2}


async def test_a_transaction_is_told_once_a_record_if_it_is_committed(told):
    await told.subscribe(messages="create, update, delete")
    records = await told.app.records_as()
    async with records.transaction() as inside:
        first = await inside.create("card", {"name": "one"})
        await inside.update("card", first, {"box": "x"})
        gone = await inside.create("card", {"name": "two"})
        await inside.delete("card", gone)
    with pytest.raises(RecordInvalid):
        async with records.transaction() as inside:
            await inside.create("card", {"name": "three"})
            await inside.create("card", {"name": "x" * 50})
    assert await told.sent() == ["card.create"]
    async with records.transaction() as inside:
        for number in range(120):
            await inside.create("card", {"name": f"card {number}"})
    async with told.app.parts.database.reading() as connection:
        due = await told.app.parts.records.outbox.due_anywhere(
            connection, datetime.now(UTC) + timedelta(seconds=1), most=1000
        )
    assert len(due) == 1  # not one a record
    assert await told.sent() == ["card.create"] * 120


async def test_many_at_once_are_told_one_by_one_or_not_at_all(told):
    await told.subscribe(messages="create, update, delete", condition="box ne 'X'")
    crm = "Microsoft.Dynamics.CRM"

    async with told.app.api_as() as api:

        async def send(name: str, status: int, *items: dict[str, object]):
            targets = [{"@odata.type": f"{crm}.card", **item} for item in items]
            answer = await api.post(f"cards/{crm}.{name}", json={"Targets": targets})
            assert answer.status_code == status, answer.text
            await told.app.run_jobs()
            heard = sorted(
                (one["type"], one["data"]["id"], one["data"]["values"].get("name"))
                for one in told.receiver.payloads
            )
            told.receiver.received.clear()
            return answer, heard

        boxes: list[dict[str, object]] = [
            {"name": f"{n}", "box": "X" if n == 3 else "A"} for n in range(14)
        ]
        answer, heard = await send("CreateMultiple", 200, *boxes)
        ids = answer.json()["Ids"]
        told_of = [(i, item["name"]) for i, item in zip(ids, boxes, strict=True)]
        del told_of[3]
        assert heard == sorted(("card.create", *one) for one in told_of)
        _, heard = await send("CreateMultiple", 400, {"name": "n"}, {"name": "x" * 50})
        assert heard == []
        first, other = [{"cardid": ids[n], "name": f"new {n}"} for n in (0, 3)]
        _, heard = await send("UpdateMultiple", 204, first, other)
        assert heard == [("card.update", ids[0], "new 0")]
        _, heard = await send("DeleteMultiple", 204, {"cardid": ids[0]}, {"cardid": ids[3]})
        assert heard == [("card.delete", ids[0], "new 0")]


async def test_a_deletion_is_told_and_the_lookups_that_it_clears_are_not(told):
    records = await told.app.records_as()
    firm = await records.create("account", {"name": "Firm"})
    card = await records.create("card", {"name": "one", "buyer": Reference("account", firm)})
    await told.subscribe(messages="update, set_state, assign")
    await told.subscribe("account", messages="update, delete")
    await records.delete("account", firm)
    assert (await records.read("card", card))["buyer"] is None
    assert await told.sent() == ["account.delete"]


async def test_messages_conditions_and_fields_decide_what_is_told(told):
    records = await told.app.records_as()
    await told.subscribe(
        messages="update set_state,assign", condition="box eq 'B'", fieldnames="price statecode"
    )
    stored = await told.webhook()
    assert stored["messages"] == "update, set_state, assign"
    one = await records.create("card", {"name": "one", "box": "A", "price": 1})
    await records.update("card", one, {"price": 2})
    assert await told.sent() == []  # the box is another
    await records.update("card", one, {"box": "B"})
    assert await told.sent() == []  # the fields are others
    await records.update("card", one, {"price": 3, "name": "uno"})
    assert await told.sent() == ["card.update"]
    await records.execute("card", one, "shut", {})
    assert await told.sent() == ["card.set_state"]
    await records.update("webhook", told.id, {"isenabled": False})
    await records.delete("card", one)
    assert await told.sent() == []
    await told.subscribe(messages="shut, associate, delete", condition="box ne null")
    two = await records.create("card", {"name": "two", "box": "A"})
    tray = await records.create("tray", {"name": "tray"})
    await records.associate("card_trays", two, tray)
    await records.execute("card", two, "shut", {})
    await told.app.run_jobs()
    assert sorted(told.receiver.types) == ["card.associate", "card.shut"]
    linked = next(one for one in told.receiver.payloads if one["type"] == "card.associate")
    assert linked["data"]["other"] == {"entity": "tray", "id": tray}
    assert linked["data"]["relationship"] == "card_trays"


async def test_what_the_user_it_runs_as_may_not_read_is_not_told(told):
    app = told.app
    admin = await app.records_as()
    seller, other = await app.principal("salesperson"), await app.principal("sales_manager")
    run_as = Reference("systemuser", seller.user_id)
    await told.subscribe(messages="create, update", runasid=run_as)
    own = await admin.create("card", {"name": "own", "pin": "1234", "ownerid": run_as})
    await app.run_jobs()
    assert "pin" not in told.receiver.payloads[0]["data"]["values"]
    assert await told.sent() == ["card.create"]
    await admin.update("card", own, {"pin": "5678"})
    assert await told.sent() == []  # not even that it was changed
    await admin.create("card", {"name": "another's"})
    assert await told.sent() == []
    with pytest.raises(RecordInvalid, match="secured_column"):
        await admin.update("webhook", told.id, {"condition": "pin eq '1234'"})
    await admin.update("systemuser", seller.user_id, {"isdisabled": True})
    await app.system_records.update("card", own, {"box": "C"})
    assert await told.sent() == []
    assert other.user_id != seller.user_id


async def test_only_administrators_let_a_webhook_run_as_somebody_else(told):
    app = told.app
    seller = await app.records_as("salesperson")
    admin_id = (await app.principal()).user_id
    await told.subscribe(messages="create", records=seller)
    assert (await told.webhook())["runasid"].id == (await app.principal("salesperson")).user_id
    with pytest.raises(RecordInvalid, match="webhook_run_as"):
        await seller.update("webhook", told.id, {"runasid": Reference("systemuser", admin_id)})
    admin = await app.records_as()
    await admin.update("webhook", told.id, {"runasid": Reference("systemuser", admin_id)})
    with pytest.raises(RecordInvalid, match="webhook_run_as"):
        await seller.update("webhook", told.id, {"url": f"{told.receiver.url}/mine"})
    with pytest.raises(RecordInvalid, match="webhook_run_as"):
        await make_secret(seller, app.parts.webhook_secrets, told.id)
    token = await app.parts.sessions.tokens.create(admin_id, "narrow", scopes=frozenset({"write"}))
    async with app.api_as() as api:
        refused = await api.post(
            "webhooks",
            json={"name": "n", "url": told.receiver.url, "entityname": "card"},
            headers={"Authorization": f"Bearer {token[0]}"},
        )
        shown = await api.get("webhooks")
    assert refused.status_code == 400, refused.text
    assert told.secret not in shown.text and "whsec" not in shown.text


@pytest.mark.parametrize(
    ("values", "field"),
    [
        ({"url": "ftp://example.com"}, "url"),
        ({"url": "https://user@example.com/"}, "url"),
        ({"entityname": "nothing"}, "entityname"),
        ({"entityname": "webhookdelivery"}, "entityname"),
        ({"messages": "create, explode"}, "messages"),
        ({"condition": "nothing eq 1"}, "condition"),
        ({"condition": "((("}, "condition"),
        ({"fieldnames": "name, nothing"}, "fieldnames"),
    ],
)
@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_what_makes_no_sense_is_refused_with_its_field(told, values, field):
    with pytest.raises(RecordInvalid) as refused:
        await told.subscribe(**values)
    assert [violation.field for violation in refused.value.violations] == [field]


async def test_failures_are_tried_again_later_and_410_disables(told):
    await told.subscribe(messages="create")
    records = await told.app.records_as()
    now = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
    told.at(now)
    told.receiver.answers = [(500, {}), (503, {"Retry-After": "3600"}), (302, {"Location": "/x"})]
    await records.create("card", {"name": "one"})
    await told.app.run_jobs(at=now)
    (one,) = await told.deliveries()
    assert (one["deliverystate"], one["attempts"], one["laststatus"]) == (1, 1, 500)
    first = one["nextattempton"]
    assert now + timedelta(seconds=WAITS[0] * 0.79) <= first <= now + timedelta(seconds=7)
    told.at(first)
    await told.app.run_jobs(at=first)
    (one,) = await told.deliveries()
    assert one["nextattempton"] == first + timedelta(hours=1)  # as it was asked for
    told.at(one["nextattempton"])
    await told.app.run_jobs(at=one["nextattempton"])
    (one,) = await told.deliveries()
    assert (one["attempts"], one["laststatus"], len(told.receiver.received)) == (3, 302, 3)
    assert len({headers["webhook-id"] for headers, _ in told.receiver.received}) == 1
    assert (await told.webhook())["failures"] == 3
    told.at(one["nextattempton"])
    await told.app.run_jobs(at=one["nextattempton"])
    (one,) = await told.deliveries()
    assert (one["deliverystate"], one["response"]) == (2, "heard")
    assert one["attemptlog"].count("\n") == 3
    assert (await told.webhook())["failures"] == 0

    told.receiver.answers = [(410, {})]
    await records.create("card", {"name": "two"})
    await told.app.run_jobs(at=one["lastattempton"] + timedelta(seconds=1))
    assert (await told.webhook())["isenabled"] is False
    await records.create("card", {"name": "three"})
    assert len(await told.deliveries()) == 2


async def test_a_message_fails_for_good_after_the_last_attempt_and_can_be_sent_again(told):
    await told.subscribe(messages="create")
    records = await told.app.records_as()
    told.receiver.answers = [(500, {})] * (len(WAITS) + 1)
    moment = datetime.now(UTC).replace(microsecond=0) + timedelta(hours=1)
    told.at(moment)
    await records.create("card", {"name": "one"})
    while moment is not None:
        told.at(moment)
        await told.app.run_jobs(at=moment)
        (one,) = await told.deliveries()
        moment, last = one["nextattempton"], moment
    assert (one["deliverystate"], one["attempts"]) == (3, len(WAITS) + 1)
    await records.execute("webhookdelivery", one["webhookdeliveryid"], "send_again", {})
    await records.execute("webhook", told.id, "send_test", {})
    await told.app.run_jobs(at=last + timedelta(seconds=1))
    assert sorted(told.receiver.types[-2:]) == ["card.create", "webhook.test"]
    assert {one["deliverystate"] for one in await told.deliveries()} == {2}
    later = last + timedelta(days=31)
    told.at(later)
    await told.app.system_records.enqueue("kartoteka.webhooks_keep", {})
    await told.app.run_jobs(at=later)
    assert await told.deliveries() == []


async def test_a_new_secret_signs_beside_the_former_one(told):
    await told.subscribe(messages="create")
    former = told.secret
    records = await told.app.records_as()
    fresh = await make_secret(records, told.app.parts.webhook_secrets, told.id)
    await records.create("card", {"name": "one"})
    await told.app.run_jobs()
    assert told.receiver.verified(fresh) == told.receiver.verified(former)
    told.at(datetime.now(UTC) + timedelta(days=2))
    told.receiver.received.clear()
    await records.create("card", {"name": "two"})
    await told.app.run_jobs(at=datetime.now(UTC) + timedelta(days=2))
    assert told.receiver.verified(fresh)
    with pytest.raises(WebhookVerificationError):
        told.receiver.verified(former)


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
async def test_a_writer_without_webhooks_asks_the_database_nothing_more(told):
    records = await told.app.records_as()
    await records.create("tray", {"name": "warm"})
    asked = told.app.parts.records.model.webhooks
    assert asked.by_entity == {}
    await told.subscribe(messages="create")
    await records.create("tray", {"name": "another"})
    assert set(asked.by_entity) == {"card"}
    assert await told.deliveries() == []


@pytest.mark.parametrize(
    "url",
    [
        "https://127.0.0.1/", "https://localhost/", "https://[::1]/", "https://10.1.2.3/",
        "https://169.254.169.254/latest/meta-data/", "https://[::ffff:127.0.0.1]/",
        "https://[64:ff9b::7f00:1]/", "https://0.0.0.0/", "https://192.168.0.1:8443/",
        "https://[fe80::1]/", "https://100.64.0.1/", "https://2130706433/",
    ],
)  # fmt: skip
async def test_addresses_inside_are_never_connected_to(url):
    answer = await WebhookSender().post(url, {}, b"{}")
    assert answer.status is None
    assert "no public address" in answer.text


async def test_plain_http_is_not_posted_to_unless_allowed(receiver):
    answer = await WebhookSender(["127.0.0.0/8"]).post(receiver.url, {}, b"{}")
    assert (answer.status, receiver.received) == (None, [])
    answer = await WebhookSender(["127.0.0.0/8"], allows_http=True).post(receiver.url, {}, b"{}")
    assert answer.is_taken


async def test_a_name_is_looked_up_once_and_what_was_found_is_connected_to(receiver, monkeypatch):
    """A name server that answers otherwise the second time gains nothing."""
    loop = asyncio.get_running_loop()
    port = int(receiver.url.split(":")[2].split("/")[0])
    asked = []

    async def look_up(host, port, **_):
        asked.append(host)
        found = "127.0.0.1" if len(asked) == 1 else "10.0.0.1"
        return [(2, 1, 6, "", (found, port))]

    monkeypatch.setattr(loop, "getaddrinfo", look_up)
    sender = WebhookSender(["127.0.0.0/8"], allows_http=True)
    answer = await sender.post(f"http://rebound.example:{port}/hook", {}, b"{}")
    assert answer.is_taken and asked == ["rebound.example"]
    assert receiver.received[0][0]["host"] == f"rebound.example:{port}"


async def test_messages_are_read_and_sent_again_and_nothing_else_is_done_with_them(told):
    own, others = await told.app.records_as("system_customizer"), await told.app.records_as()
    sent = {}
    for records in (own, others):
        await told.subscribe(messages="create", records=records)
        await records.execute("webhook", told.id, "send_test", {})
        assert await told.sent() == ["webhook.test"]
        (sent[records],) = (
            one["webhookdeliveryid"]
            for one in await told.deliveries()
            if one["webhookid"].id == told.id
        )
    for records, message in sent.items():
        await records.execute("webhookdelivery", message, "send_again", {})
        assert await told.sent() == ["webhook.test"]
        values = {"name": "made up", "webhookid": Reference("webhook", told.id)}
        for refused in (
            records.create("webhookdelivery", values),
            records.update("webhookdelivery", message, {"overriddencreatedon": None}),
            records.delete("webhookdelivery", message),
        ):
            with pytest.raises(AccessDenied):
                await refused
    with pytest.raises(RecordNotFound):
        await own.execute("webhookdelivery", sent[others], "send_again", {})
    async with told.app.client_as() as client:
        listed = (await client.get("/e/webhookdelivery")).text
        assert "webhook.test" in listed and "/e/webhookdelivery/new" not in listed
        page = (await client.get(f"/e/webhookdelivery/{sent[others]}")).text
        assert "command/send_again" in page and "written by the platform alone" in page
    (webhook,) = await own.list("webhook")
    await own.delete("webhook", webhook["webhookid"])
    assert [one["webhookdeliveryid"] for one in await told.deliveries()] == [sent[others]]


async def test_user_pages_show_webhooks_and_their_secret_once(told):
    await told.subscribe(messages="create")
    records = await told.app.records_as()
    await records.create("card", {"name": "one"})
    await told.app.run_jobs()
    (one,) = await told.deliveries()
    async with told.app.client_as() as client:
        page = await client.get(f"/e/webhook/{told.id}/secret")
        token = page.text.split('name="_token" value="')[1].split('"')[0]
        assert "whsec_" not in page.text
        made = await client.post(
            f"/e/webhook/{told.id}/secret", data={"_token": token, "_do": "new"}
        )
        secret = made.text.split('id="new-secret">')[1].split("<")[0]
        assert made.headers["cache-control"] == "no-store" and secret.startswith("whsec_")
        again = await client.get(f"/e/webhook/{told.id}/secret")
        assert secret not in again.text
        delivery = await client.get(f"/e/webhookdelivery/{one['webhookdeliveryid']}")
        assert "card.create" in delivery.text and "command/send_again" in delivery.text
        assert "card.create" in (await client.get("/e/webhookdelivery")).text
    async with told.app.client_as("salesperson") as client:
        assert (await client.get("/e/webhookdelivery")).status_code == 403
        assert (await client.get(f"/e/webhook/{told.id}/secret")).status_code in (403, 404)


@pytest.mark.slow
async def test_a_killed_worker_loses_no_message(told):
    await told.subscribe(messages="create")
    records, settings = await told.app.records_as(), told.app.parts.settings
    told.receiver.pause = 0.05
    for lot in range(3):
        async with records.transaction() as inside:
            for number in range(40):
                await inside.create("card", {"name": f"{lot} {number}"})
    process = await asyncio.create_subprocess_exec(
        sys.executable, str(WORKERS), str(settings.app_folder), settings.database_url,
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip

    async def ask(line: str) -> str:
        assert process.stdin is not None and process.stdout is not None
        process.stdin.write(f"{line}\n".encode())
        return (await process.stdout.readline()).decode().strip()

    async def until(number: int) -> None:
        while len({headers["webhook-id"] for headers, _ in told.receiver.received}) < number:
            await asyncio.sleep(0.02)

    try:
        async with asyncio.timeout(60):
            for number in (10, 70):
                worker = await ask("start")
                await until(number)
                await ask(f"kill {worker}")
            await ask("start")
            await until(120)
            while any(one["deliverystate"] != 2 for one in await told.deliveries()):
                await asyncio.sleep(0.1)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()
    assert len(told.receiver.received) < 120 + 2 * 50  # at most what was under way is sent again
    assert len(told.receiver.verified(told.secret)) == len(told.receiver.received)
