"""The twin's endpoints. Run: ``uvicorn --factory benchmarks.twin.app:build_app``.

Environment: ``TWIN_DATABASE_URL``, ``TWIN_TOKEN`` (who sends it is the user ``TWIN_USER_ID``) and
``TWIN_SESSION`` (a browser session of the same user).
"""

from __future__ import annotations

import os
import time
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from functools import lru_cache
from typing import Any

import orjson
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response
from starlette.routing import Route

from benchmarks.twin import form_page, stores
from benchmarks.twin.contact_checks import problems
from benchmarks.twin.contact_rows import row_to_json, to_json

_ROOT = "/api/data/v9.2"
_HEADERS = {"OData-Version": "4.0"}
_PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; script-src 'self'; style-src 'self'; "
    "img-src 'self'; connect-src 'self'; form-action 'self'; frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "private, no-cache",
}
_JSON = "application/json; odata.metadata=minimal"
_CREATE_MULTIPLE = "Microsoft.Dynamics.CRM.CreateMultiple"
_CUSTOMER = "parentcustomerid_account@odata.bind"
_NAME = "_parentcustomerid_value@OData.Community.Display.V1.FormattedValue"
_ENTITY = "_parentcustomerid_value@Microsoft.Dynamics.CRM.lookuplogicalname"
_LEFT_OUT = ("entityimage",)  # images are told when they are asked for by name
_NAVIGATION = "_parentcustomerid_value@Microsoft.Dynamics.CRM.associatednavigationproperty"
_VERSION_TEXT = "versionnumber@OData.Community.Display.V1.FormattedValue"
_ADDRESS = ("address1_line1", "address1_city", "address1_postalcode", "address1_country")
_DEFAULTS = {
    "creditonhold": False, "isbackofficecustomer": False, "preferredcontactmethodcode": 1,
    "donotemail": False, "donotbulkemail": False, "donotphone": False, "donotfax": False,
    "donotpostalmail": False, "donotbulkpostalmail": False, "donotsendmm": False,
    "followemail": True, "rememberme": False, "gdprischild": False, "donottrack": False,
    "marketingonly": False, "merged": False, "participatesinworkflow": False,
    "statecode": 0, "statuscode": 1, "versionnumber": 1,
}  # fmt: skip


class Contacts:
    """Answers the six requests."""

    def __init__(self, store: stores.Store) -> None:
        """Serve the contacts of a store."""
        self.store = store
        self.users = {f"Bearer {os.environ['TWIN_TOKEN']}": os.environ["TWIN_USER_ID"]}
        self.sessions = {os.environ["TWIN_SESSION"]: os.environ["TWIN_USER_ID"]}
        self.units: dict[str, str] = {}
        self.names: dict[str, str] = {}

    async def open(self) -> None:
        """Connect and prepare the statements."""
        await self.store.open()
        columns = [one for one in await self.store.columns("contact") if one not in _LEFT_OUT]
        self.sql = stores.statements(self.store.engine, columns, form_page.COLUMNS)
        self.as_json = row_to_json(columns, self.store.engine)
        self.insert = lru_cache(64)(stores.insert)
        self.update = lru_cache(64)(stores.update)
        for user_id in self.users.values():
            row = await self.store.one(self.sql["user"], (user_id,))
            assert row is not None
            self.units[user_id], self.names[user_id] = row

    async def read(self, request: Request) -> Response:
        """Return one contact with all its columns."""
        if request.headers.get("authorization") not in self.users:
            return _refused(401, "a token is needed")
        row = await self.store.one(self.sql["read"], (request.path_params["contact_id"],))
        if row is None:
            return _refused(404, "no such contact")
        answer = self.as_json(row)
        answer["@odata.context"] = _context(request) + "/$entity"
        headers = {**_HEADERS, "ETag": answer["@odata.etag"]}
        return Response(to_json(answer), 200, headers, media_type=_JSON)

    async def list(self, request: Request) -> Response:
        """Return the first contacts of a country by name, with the names of their accounts."""
        if request.headers.get("authorization") not in self.users:
            return _refused(401, "a token is needed")
        country = request.query_params["$filter"].split("'")[1]
        rows = await self.store.many(self.sql["list"], (country,))
        value = [
            {
                "@odata.etag": f'W/"{row[0]}"',
                "contactid": row[1],
                "fullname": row[2],
                "jobtitle": row[3],
                "emailaddress1": row[4],
                "telephone1": row[5],
                "address1_city": row[6],
                "_parentcustomerid_value": row[7],
                _NAVIGATION: "parentcustomerid_account",
                _ENTITY: "account",
                _NAME: row[8],
                "versionnumber": row[0],
                _VERSION_TEXT: f"{row[0]:,}",
            }
            for row in rows
        ]
        answer = {"@odata.context": _context(request), "value": value}
        return Response(to_json(answer), 200, _HEADERS, media_type=_JSON)

    async def create(self, request: Request) -> Response:
        """Store a new contact."""
        user_id = self.users.get(request.headers.get("authorization", ""))
        if user_id is None:
            return _refused(401, "a token is needed")
        values = orjson.loads(await request.body())
        account_id = values.pop(_CUSTOMER, "")[len("/accounts(") : -1]
        found = problems(values, is_new=True)
        if account_id and not await self._accounts({account_id}):
            found.append("the account does not exist")
        if found:
            return _refused(400, " ".join(found))
        contact_id = _new_id()
        values = self._row(values, contact_id, account_id, user_id)
        await self.store.write(self.insert(tuple(values)), tuple(values.values()))
        link = f"{_root(request)}/contacts({contact_id})"
        return Response(
            status_code=204, headers={**_HEADERS, "OData-EntityId": link, "Location": link}
        )

    async def create_many(self, request: Request) -> Response:
        """Store new contacts, all of them or none, and return their ids."""
        user_id = self.users.get(request.headers.get("authorization", ""))
        if user_id is None:
            return _refused(401, "a token is needed")
        targets = orjson.loads(await request.body())["Targets"]
        accounts = [item.pop(_CUSTOMER, "")[len("/accounts(") : -1] for item in targets]
        known = await self._accounts({account_id for account_id in accounts if account_id})
        ids: list[str] = []
        rows: list[dict[str, Any]] = []
        for item, account_id in zip(targets, accounts, strict=True):
            del item["@odata.type"]
            found = problems(item, is_new=True)
            if account_id and account_id not in known:
                found.append("the account does not exist")
            if found:
                return _refused(400, f"Targets[{len(rows)}]: {' '.join(found)}")
            ids.append(_new_id())
            rows.append(self._row(item, ids[-1], account_id, user_id))
        columns = tuple(dict.fromkeys(name for row in rows for name in row))
        await self.store.write_many(
            self.insert(columns), [tuple(map(row.get, columns)) for row in rows]
        )
        answer = {"@odata.context": _context(request), "Ids": ids}
        return Response(to_json(answer), 200, _HEADERS, media_type=_JSON)

    async def _accounts(self, ids: set[str]) -> set[str]:
        """Return those of the ids that are accounts."""
        rows = await self.store.many(self.sql["accounts"], (stores.ids(ids, self.store.engine),))
        return {row[0] for row in rows}

    def _row(
        self, values: dict[str, Any], contact_id: str, account_id: str, user_id: str
    ) -> dict[str, Any]:
        """Return the columns of a new contact."""
        if account_id:
            values["parentcustomerid"] = account_id
            values["parentcustomerid__entity"] = "account"
        values = {**_DEFAULTS, **values, "contactid": contact_id}
        values["fullname"] = " ".join(filter(None, map(values.get, ("firstname", "lastname"))))
        values["address1_composite"] = "\n".join(filter(None, map(values.get, _ADDRESS))) or None
        if "birthdate" in values and self.store.engine == "postgresql":
            values["birthdate"] = date.fromisoformat(values["birthdate"])
        values |= {
            "ownerid": user_id,
            "ownerid__entity": "systemuser",
            "owninguser": user_id,
            "owningbusinessunit": self.units[user_id],
            "createdby": user_id,
            "createdon": self._now(),
            "modifiedby": user_id,
            "modifiedon": self._now(),
        }
        return values

    async def change(self, request: Request) -> Response:
        """Change some columns of a contact."""
        user_id = self.users.get(request.headers.get("authorization", ""))
        if user_id is None:
            return _refused(401, "a token is needed")
        values: dict[str, Any] = orjson.loads(await request.body())
        if found := problems(values, is_new=False):
            return _refused(400, " ".join(found))
        contact_id = request.path_params["contact_id"]
        values |= {"modifiedby": user_id, "modifiedon": self._now()}
        touched = await self.store.write(self.update(tuple(values)), (*values.values(), contact_id))
        if not touched:
            return _refused(404, "no such contact")
        link = f"{_root(request)}/contacts({contact_id})"
        return Response(status_code=204, headers={**_HEADERS, "OData-EntityId": link})

    async def form(self, request: Request) -> Response:
        """Show a contact to be edited."""
        session = request.cookies.get("kartoteka_session", "")
        user_id = self.sessions.get(session)
        if user_id is None:
            return RedirectResponse("/sign-in", 303)
        row = await self.store.one(self.sql["form"], (request.path_params["contact_id"],))
        if row is None:
            return HTMLResponse("no such contact", 404)
        page = form_page.render_form(
            row, engine=self.store.engine, user_name=self.names[user_id], session=session
        )
        return HTMLResponse(page, 200, _PAGE_HEADERS)

    def _now(self) -> Any:
        now = datetime.now(UTC)
        return now if self.store.engine == "postgresql" else now.strftime("%Y-%m-%dT%H:%M:%SZ")


def build_app() -> Starlette:
    """Return the twin for the database of the environment."""
    contacts = Contacts(stores.store_for(os.environ["TWIN_DATABASE_URL"]))

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        await contacts.open()
        yield
        await contacts.store.close()

    return Starlette(
        routes=[
            Route(f"{_ROOT}/contacts({{contact_id}})", contacts.read, methods=["GET"]),
            Route(f"{_ROOT}/contacts({{contact_id}})", contacts.change, methods=["PATCH"]),
            Route(f"{_ROOT}/contacts", contacts.list, methods=["GET"]),
            Route(f"{_ROOT}/contacts", contacts.create, methods=["POST"]),
            Route(f"{_ROOT}/contacts/{_CREATE_MULTIPLE}", contacts.create_many, methods=["POST"]),
            Route("/e/contact/{contact_id}", contacts.form, methods=["GET"]),
        ],
        lifespan=lifespan,
    )


def _new_id() -> str:
    """Return a UUID version 7."""
    random = int.from_bytes(os.urandom(10))
    high = (time.time_ns() // 1_000_000) << 16 | 0x7000 | random >> 68
    return str(uuid.UUID(int=high << 64 | 0b10 << 62 | random & (1 << 62) - 1))


def _refused(status: int, message: str) -> Response:
    return Response(to_json({"error": {"code": str(status), "message": message}}), status)


def _root(request: Request) -> str:
    return f"http://{request.headers['host']}{_ROOT}"


def _context(request: Request) -> str:
    return f"{_root(request)}/$metadata#contacts"
