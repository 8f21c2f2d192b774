"""The operations that are measured, as the requests that both systems get."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from random import Random
from urllib.parse import quote

from benchmarks.data import account_id, contact_id
from benchmarks.http_client import Request

API = "/api/data/v9.2/contacts"
COUNTRY = "Poland"
_NAMESPACE = "Microsoft.Dynamics.CRM"
_MANY = 10_000  # contacts that one request creates
_FILTER = quote(f"statecode eq 0 and address1_country eq '{COUNTRY}'")
_LIST = (
    f"{API}?$select=fullname,jobtitle,emailaddress1,telephone1,address1_city,parentcustomerid,"
    f"versionnumber&$filter={_FILTER}&$orderby=fullname&$top=50"
)
_ANNOTATIONS = (  # those of values; "*" would bring those of the whole answer too
    "OData.*,Microsoft.Dynamics.CRM.lookuplogicalname,"
    "Microsoft.Dynamics.CRM.associatednavigationproperty"
)


@dataclass(frozen=True, slots=True)
class Access:
    """What requests prove who sends them with."""

    token: str
    session: str


@dataclass(frozen=True, slots=True)
class Operation:
    """One operation: how many requests a round sends, and each of them by its number."""

    name: str
    requests: int
    build: Callable[[Access, int], Request]
    status: int = 200


def operations(accounts: int, contacts: int) -> tuple[Operation, ...]:
    """Return the six operations, on tables of these sizes."""
    many = min(_MANY, contacts)

    def some_contact(kind: int, number: int) -> str:
        return contact_id(Random(kind * 1_000_003 + number).randrange(contacts))

    def read(access: Access, number: int) -> Request:
        return Request("GET", f"{API}({some_contact(1, number)})", _api_headers(access))

    def list_50(access: Access, number: int) -> Request:
        annotated = {"Prefer": f'odata.include-annotations="{_ANNOTATIONS}"'}
        return Request("GET", _LIST, {**_api_headers(access), **annotated})

    def create(access: Access, number: int) -> Request:
        body = _new_contact(number, account_id(Random(number).randrange(accounts)))
        return Request("POST", API, _api_headers(access), json.dumps(body).encode())

    def create_many(access: Access, number: int) -> Request:
        first = number * many
        targets = [
            {"@odata.type": f"{_NAMESPACE}.contact", **_new_contact(
                each, account_id(Random(each).randrange(accounts))
            )}
            for each in range(first, first + many)
        ]  # fmt: skip
        body = json.dumps({"Targets": targets}).encode()
        return Request("POST", f"{API}/{_NAMESPACE}.CreateMultiple", _api_headers(access), body)

    def update(access: Access, number: int) -> Request:
        body = json.dumps(_changes(number)).encode()
        path = f"{API}({some_contact(2, number)})"
        return Request("PATCH", path, _api_headers(access), body)

    def form(access: Access, number: int) -> Request:
        path = f"/e/contact/{some_contact(3, number)}"
        cookie = f"kartoteka_session={access.session}"
        return Request("GET", path, {"Cookie": cookie, "Accept": "text/html"})

    return (
        Operation("read one", 1500, read),
        Operation("list 50", 100, list_50),
        Operation("create", 500, create, 204),
        Operation("create many", 1, create_many),
        Operation("update", 600, update, 204),
        Operation("edit form", 300, form),
    )


def _api_headers(access: Access) -> dict[str, str]:
    return {
        "Authorization": f"Bearer {access.token}",
        "Accept": "application/json",
        "Content-Type": "application/json",
    }


def _new_contact(number: int, account: str) -> dict[str, object]:
    return {
        "firstname": "Zofia",
        "lastname": f"Wójcik {number % 997}",
        "jobtitle": "Buyer",
        "department": "Purchasing",
        "emailaddress1": f"zofia.{number}@example.org",
        "telephone1": "+1 303 555 0142",
        "mobilephone": "+1 802 555 0142",
        "address1_line1": f"{number % 90} Main Street",
        "address1_postalcode": "80202",
        "address1_city": "Denver",
        "address1_country": "United States",
        "gendercode": 2,
        "birthdate": "1984-02-29",
        "preferredcontactmethodcode": 2,
        "donotbulkemail": True,
        "description": "Met at the fair; asks for a price.",
        "parentcustomerid_account@odata.bind": f"/accounts({account})",
    }


def _changes(number: int) -> dict[str, object]:
    return {
        "jobtitle": f"Buyer {number}",
        "telephone1": f"+1 303 555 01{number % 100:02}",
        "emailaddress1": f"changed.{number}@example.org",
        "description": f"Changed {number} times.",
    }
