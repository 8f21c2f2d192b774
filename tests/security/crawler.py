"""A crawler: somebody who is signed in follows every link, posts every form, and tries the rest.

It reads the table of routes, so that a page that is added later is visited without being named.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Iterator, Mapping
from contextlib import asynccontextmanager
from contextvars import ContextVar
from html.parser import HTMLParser
from typing import Any
from urllib.parse import parse_qsl, urlencode, urljoin, urlsplit

import httpx
import pytest
from starlette.routing import Match, Route

from kartoteka.conditions.entity_collections import collections_of
from kartoteka.errors import AccessDenied, KartotekaError, RecordNotFound
from kartoteka.model.entity import Entity
from kartoteka.plugin_api.contexts import Principal
from kartoteka.query.odata_expand import navigations_of
from kartoteka.record_values import Reference
from kartoteka_runtime.records import pipeline
from kartoteka_runtime.records.explain_access import AccessExplainer
from kartoteka_runtime.testing.running_app import ORIGIN, RunningApp

UUID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_TYPED = {
    "email": "x@example.com", "number": "1", "date": "2031-05-06", "time": "10:00",
    "datetime-local": "2031-05-06T10:00", "url": "https://example.com", "tel": "+1 555",
}  # fmt: skip
# Posts that end the session or leave the user for another one; tried last.
LAST = ("/sign-out", "/sign-in", "/settings/security", "/settings/access/see-as", "/see-as")
# What an address pattern is filled with beside entities and records; a new name must be added.
PARAMETERS = {
    "area": ("settings",), "digest": ("x",), "name": ("name", "x"), "provider": ("x",),
    "relationship": ("teammembership_association", "x"), "form": ("x",), "kind": ("command", "x"),
    "job_id": ("1", "00000000-0000-4000-8000-000000000000"), "path": ("x",), "minor": ("2",),
    "field": ("entityimage", "x"), "arguments": ("x",), "token": ("x",), "code": ("x",),
    "version": ("1.0",),
}  # fmt: skip
API = "/api/data/v9.2/"
# Addresses of the Web API behind its one route: of a record that may not be read, lists in which it
# must not be, and sets. What is in braces is filled in by ``api_names``.
API_OF_ONE = (
    "{set}({id})", "{set}({id})/$ref", "{set}({id})/{name}", "{set}({id})/{name}/$value",
    "{set}({id})/{lookup}", "{set}({id})/{lookup}/$ref", "{set}({id})/{lookup}/{lookup}/$value",
    "{set}({id})/{items}", "{set}({id})/{items}/$count", "{set}({id})/{items}/$ref",
    "{set}({id})/{items}({id})", "{set}({id})/Microsoft.Dynamics.CRM.{command}",
    "RetrieveSharedPrincipalsAndAccess(Target=@t)?@t={{'@odata.id':'{set}({id})'}}",
    "systemusers({user})/Microsoft.Dynamics.CRM.RetrievePrincipalAccess(Target=@t)"
    "?@t={{'@odata.id':'{set}({id})'}}",
)  # fmt: skip
API_WITHOUT = (
    "{set}?$filter={key} eq {id}",
    "{set}?sql=SELECT {key} FROM {entity} WHERE {key} = '{id}'",
    "{set}?fetchXml=<fetch><entity name='{entity}'><filter><condition attribute='{key}'"
    " operator='eq' value='{id}'/></filter></entity></fetch>",
    "{set}?$apply=filter({key} eq {id})/groupby(({key}))",
)
API_OF_MANY = (
    "{set}", "{set}/$count", "{set}?sql=SELECT {key} FROM {entity}", "{set}?$expand={lookup}",
    "{set}?fetchXml=<fetch><entity name='{entity}'/></fetch>", "{set}?$expand={items}",
    "{set}/Microsoft.Dynamics.CRM.CreateMultiple", "{set}/Microsoft.Dynamics.CRM.DeleteMultiple",
    "RetrieveTotalRecordCount(EntityNames=['{entity}'])",
)  # fmt: skip
_REFUSED = (400, 403, 404, 405, 412)
IMPOSSIBLE: dict[tuple[str, str], str] = {}  # {(method, pattern): why it cannot be visited}
_DEPTH: ContextVar[int] = ContextVar("depth", default=0)


class Page(HTMLParser):
    """Links and forms of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.links: list[str] = []
        self.forms: list[Form] = []
        self._select = ""
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        self.links += [given[name] for name in ("href", "hx-get", "data-href") if given.get(name)]
        if tag == "form":
            self.forms.append(Form(given.get("action", ""), given.get("method", "get").lower()))
        name = given.get("name", "")
        if not self.forms or not name or "disabled" in given:
            return
        form = self.forms[-1]
        if tag == "input" and given.get("type") not in ("submit", "button", "file"):
            if given.get("type") in ("checkbox", "radio") and "checked" not in given:
                return
            form.values.setdefault(
                name,
                given.get("value") or _TYPED.get(given.get("type", ""), "x")
                if "required" in given
                else given.get("value", ""),
            )
        elif tag == "textarea":
            form.values.setdefault(name, "x")
        elif tag == "select":
            self._select = name
        elif tag == "button" and given.get("type", "submit") == "submit":
            form.buttons.append((name, given.get("value", "")))
        if tag == "option" and self._select:
            form.values.setdefault(self._select, given.get("value", ""))

    def handle_endtag(self, tag: str) -> None:
        if tag == "select":
            self._select = ""


class Form:
    """A form: where it goes, what it holds, the buttons that say what to do."""

    def __init__(self, action: str, method: str) -> None:
        self.action = action
        self.method = method
        self.values: dict[str, str] = {}
        self.buttons: list[tuple[str, str]] = []


class Crawler:
    """One user's way through the app."""

    def __init__(self, app: RunningApp, user_id: str, *, each: int, most: int) -> None:
        """Visit each kind of address ``each`` times, and ``most`` addresses in all."""
        self.app = app
        self.user_id = user_id
        self.each = each
        self.most = most
        self.records = app.parts.records.acting_as(Principal(user_id, user_id))
        self.visited: set[tuple[str, str]] = set()
        self.answers: Counter[str] = Counter()
        self.wrong: list[str] = []
        self.writes = 0
        self.created = 0
        # what people type into forms: names of records
        self._names = {item.primary_field for item in app.registry.entities.values()} | {"lastname"}
        self._kinds: Counter[Any] = Counter()
        self._entities: dict[str, str] = {}
        self._own: set[str] = set()
        self._readable: dict[str, bool] = {}
        self._labels: frozenset[str] | None = None

    def __str__(self) -> str:
        """Return what was done."""
        told = ", ".join(f"{status}: {count}" for status, count in sorted(self.answers.items()))
        return (
            f"{told}; {len(self.visited)} routes, {self.created} created, "
            f"{self.writes} changed, {len(self.wrong)} wrong"
        )

    async def crawl(self, monkeypatch: pytest.MonkeyPatch) -> None:
        """Go everywhere."""
        await self.learn()
        with self.watched_writes(monkeypatch):
            async with self.client() as client:
                await self.follow(client)
                await self.try_routes(client, is_last=False)
            async with self.client() as client:
                await self.try_routes(client, is_last=True)
            await self.try_api()

    async def learn(self) -> None:
        """Find out which records there are, and which of them the user reads."""
        system = self.app.system_records
        for entity in self.app.registry.entities.values():
            fields = tuple(name for name in ("ownerid",) if name in entity.field_by_name)
            fields = fields or (entity.primary_id,)
            for row in await system.list(entity.name, fields=fields, limit=5000):
                self._entities[str(row[entity.primary_id])] = entity.name
                if getattr(row.get("ownerid"), "id", "") == self.user_id:
                    self._own.add(str(row[entity.primary_id]))

    @asynccontextmanager
    async def client(self) -> AsyncIterator[httpx.AsyncClient]:
        """Yield a browser with a session."""
        token = await self.app.parts.sessions.start(self.user_id)
        transport = httpx.ASGITransport(app=self.app.app, raise_app_exceptions=True)
        async with httpx.AsyncClient(
            transport=transport, base_url=ORIGIN, cookies={"kartoteka_session": token},
            headers={"accept-language": "en"},
        ) as client:  # fmt: skip
            yield client

    # --- links and forms -------------------------------------------------------------------------

    async def follow(self, client: httpx.AsyncClient) -> None:
        """Follow links from the home page, and post the forms that are found."""
        waiting, known = ["/"], {"/"}
        while waiting and sum(self.answers.values()) < self.most:
            address = waiting.pop(0)
            page = await self.get(client, address)
            if page is None:
                continue
            for link in page.links:
                target = _inside(urljoin(address, link))
                if target and target not in known and self.is_new(target):
                    known.add(target)
                    waiting.append(target)
            for form in page.forms:
                await self.submit(client, address, form)

    def is_new(self, target: str) -> bool:
        """Return whether an address is of a kind that was not visited often enough."""
        path, _, query = target.partition("?")
        own = any(found in self._own for found in UUID.findall(path))
        kind = (UUID.sub("*", path), own, tuple(sorted(name for name, _ in parse_qsl(query))))
        self._kinds[kind] += 1
        return self._kinds[kind] <= self.each

    async def get(self, client: httpx.AsyncClient, address: str) -> Page | None:
        """Open a page and look at what it shows."""
        self.note("GET", address)
        answer = await client.get(address)
        await self.look(f"GET {address}", answer)
        location = answer.headers.get("location", "")
        if location and _inside(urljoin(address, location)):
            return Page(f'<a href="{location}">')
        if answer.status_code != 200 or "html" not in answer.headers.get("content-type", ""):
            return None
        return Page(answer.text)

    async def submit(self, client: httpx.AsyncClient, address: str, form: Form) -> None:
        """Send a form once for each of its buttons."""
        target = _inside(urljoin(address, form.action or address))
        if not target or target.startswith(LAST):
            return
        if form.method == "get":
            values = {name: value for name, value in form.values.items() if value}
            found = f"{target.partition('?')[0]}?{urlencode(values)}"
            if self.is_new(found):
                await self.get(client, found)
            return
        for button in form.buttons[:4] or [("", "")]:
            own = any(found in self._own for found in UUID.findall(target))
            kind = ("POST", UUID.sub("*", target), own, button)
            self._kinds[kind] += 1
            if self._kinds[kind] > self.each:
                continue
            values = dict(form.values) | ({button[0]: button[1]} if button[0] else {})
            values |= {name: f"{values[name]} x"[-40:] for name in self._names & values.keys()}
            await self.post(client, target, values)

    async def post(self, client: httpx.AsyncClient, target: str, values: dict[str, str]) -> None:
        """Post values and look at what comes back."""
        self.note("POST", target)
        self._readable.clear()
        answer = await client.post(target, data=values)
        self._readable.clear()
        await self.look(f"POST {target} {values}", answer)

    def note(self, method: str, address: str) -> None:
        """Note which route answers an address."""
        path = urlsplit(address).path
        scope = {"type": "http", "method": method, "path": path, "root_path": "", "headers": []}
        for route in routes_of(self.app):
            if route.matches(scope)[0] is not Match.NONE:
                self.visited.add((method, route.path))
                return

    # --- every route, with records that are not the user's ---------------------------------------

    async def try_routes(self, client: httpx.AsyncClient, *, is_last: bool) -> None:
        """Ask every route for records that the user may not read."""
        token = await self.token(client)
        hidden = await self.hidden()
        for route in routes_of(self.app):
            if route.path.startswith("/api/") or route.path.startswith(LAST) is not is_last:
                continue
            for address, record_id in self.filled(route, hidden):
                for method in methods_of(route):
                    if method == "GET":
                        self.note("GET", address)
                        answer = await client.get(address)
                    else:
                        self.note("POST", address)
                        answer = await client.post(address, data={"_token": token})
                    await self.look(f"{method} {address}", answer)
                    if record_id and answer.status_code not in (400, 403, 404, 405):
                        self.wrong.append(f"{method} {address}: {answer.status_code}")

    def filled(self, route: Route, hidden: dict[str, str]) -> Iterator[tuple[str, str]]:
        """Yield addresses of a route, with the id of a hidden record where it takes one."""
        names = list(route.param_convertors)
        rest = {}
        for name in names:
            if name not in ("entity", "entities", "record_id", "set_name"):
                assert name in PARAMETERS, f"{route.path}: what may {name} be? (PARAMETERS)"
                rest[name] = PARAMETERS[name]
        many = max([len(values) for values in rest.values()], default=1)
        for number in range(many):
            values = {name: given[number % len(given)] for name, given in rest.items()}
            if "record_id" in names:
                for entity, record_id in hidden.items():
                    yield (
                        _fill(route, {**values, "entity": entity, "record_id": record_id}),
                        (record_id),
                    )
            elif "entity" in names or "entities" in names:
                for entity in [*list(hidden)[:3], "x"]:
                    yield _fill(route, {**values, "entity": entity, "entities": entity}), ""
            else:
                yield _fill(route, values), ""

    async def hidden(self) -> dict[str, str]:
        """Return a record of each entity that the user may not read."""
        found: dict[str, str] = {}
        for record_id, entity in self._entities.items():
            if entity not in found and not await self.reads(entity, record_id):
                found[entity] = record_id
        return found

    async def token(self, client: httpx.AsyncClient) -> str:
        """Return the token that forms carry."""
        page = Page((await client.get("/settings")).text)
        return next((form.values["_token"] for form in page.forms if "_token" in form.values), "")

    async def try_api(self) -> None:
        """Ask the Web API for the same."""
        token = await self.app.parts.sessions.create_token(self.user_id, "test")
        hidden, registry = await self.hidden(), self.app.registry
        transport = httpx.ASGITransport(app=self.app.app)
        async with httpx.AsyncClient(
            transport=transport, base_url=ORIGIN, headers={"Authorization": f"Bearer {token}"}
        ) as client:
            for route in routes_of(self.app):
                if route.path.startswith("/api/"):
                    for method in sorted(route.methods or {"GET"}):
                        values = {name: PARAMETERS[name][0] for name in route.param_convertors}
                        await self.ask_api(client, method, _fill(route, values))
            for what in ("query", "suggest", "autocomplete"):
                body = {"search": "*" if what == "query" else "a", "top": 100}
                await self.ask_api(client, "POST", f"/api/search/v1.0/{what}", body)
            for name, item in registry.entities.items():
                record_id = hidden.get(name, "")
                values = {**self.api_names(item), "id": record_id}
                for path in API_WITHOUT if record_id else ():
                    answer = await self.ask_api(client, "GET", API + path.format(**values))
                    if answer.status_code not in _REFUSED and answer.json()["value"]:
                        self.wrong.append(f"GET {path.format(**values)}: {answer.text[:200]}")
                for path in (*API_OF_ONE, *API_OF_MANY) if record_id else API_OF_MANY:
                    for method in ("DELETE", "GET", "PATCH", "POST", "PUT"):
                        answer = await self.ask_api(client, method, API + path.format(**values))
                        if path in API_OF_ONE and answer.status_code not in _REFUSED:
                            address = path.format(**values)
                            self.wrong.append(f"{method} {address}: {answer.status_code}")
            for entity, record_id in hidden.items():
                await self.ask_rollup(client, entity, record_id)

    def api_names(self, entity: Entity) -> dict[str, str]:
        """Return what addresses of an entity's records are filled with; "x" where it has none."""
        lookups = sorted(navigations_of(entity))
        items = sorted(collections_of(self.app.registry, entity.name))
        commands = [command.name for command in entity.commands]
        return {
            "set": entity.set_name, "entity": entity.name, "key": entity.primary_id,
            "name": entity.primary_field, "user": self.user_id,
            "lookup": next(iter(lookups), "x"), "items": next(iter(items), "x"),
            "command": next(iter(commands), "x"),
        }  # fmt: skip

    async def ask_api(
        self,
        client: httpx.AsyncClient,
        method: str,
        address: str,
        body: Mapping[str, object] | None = None,
    ) -> httpx.Response:
        """Return the answer to a call, looked at; what writes has a body."""
        self.note(method, address)
        if body is None and method in ("PATCH", "POST", "PUT"):
            body = {}
        answer = await client.request(method, address, json=body)
        await self.look(f"{method} {address}", answer)
        return answer

    async def ask_rollup(self, client: httpx.AsyncClient, entity: str, record_id: str) -> None:
        target = f"{{'@odata.id':'{self.app.registry.entities[entity].set_name}({record_id})'}}"
        address = "/api/data/v9.2/CalculateRollupField(Target=@p1,FieldName=@p2)"
        self.note("GET", address)
        answer = await client.get(address, params={"@p1": target, "@p2": "'x'"})
        await self.look(f"GET {address} {target}", answer)
        if answer.status_code not in (400, 403, 404):
            self.wrong.append(f"rollup of {entity}: {answer.status_code}")

    # --- looking ---------------------------------------------------------------------------------

    async def look(self, asked: str, answer: httpx.Response) -> None:
        """Note what an answer shows that it must not."""
        self.answers[str(answer.status_code)] += 1
        if answer.status_code >= 500:
            self.wrong.append(f"{asked}: {answer.status_code} {answer.text[:300]}")
        was_sent = set(UUID.findall(asked))
        told = answer.text + answer.headers.get("location", "") + answer.headers.get("etag", "")
        for record_id in set(UUID.findall(told)) - was_sent:
            entity = self._entities.get(record_id, "")
            if not entity or await self.reads(entity, record_id):
                continue
            if record_id not in await self.labels():
                self._labels = None
                if record_id not in await self.labels():
                    self.wrong.append(f"{asked}: shows {entity} {record_id}")

    async def reads(self, entity: str, record_id: str) -> bool:
        """Return whether the user may read a record."""
        if record_id not in self._readable:
            try:
                await self.records.read_fields(entity, record_id)
                self._readable[record_id] = True
            except (RecordNotFound, AccessDenied):
                self._readable[record_id] = False
        return self._readable[record_id]

    async def labels(self) -> frozenset[str]:
        """Return the ids that lookups, and other ids, of what the user reads name."""
        if self._labels is None:
            found = {self.user_id}
            for entity in self.app.registry.entities:
                try:
                    rows = await self.records.list(entity, limit=5000)
                except AccessDenied:
                    continue
                for row in rows:
                    for value in row.values():
                        if isinstance(value, Reference):
                            found.add(value.id)
                        elif isinstance(value, str) and UUID.fullmatch(value):
                            found.add(value)
            self._labels = frozenset(found)
        return self._labels

    # --- writes ----------------------------------------------------------------------------------

    def watched_writes(self, monkeypatch: pytest.MonkeyPatch) -> Any:
        """Compare each write that succeeds with what the explanation says beforehand."""
        context = monkeypatch.context()

        class Watching:
            def __enter__(inner) -> None:
                patch = context.__enter__()
                for name, needed in (("update", "write"), ("delete", "delete")):
                    patch.setattr(pipeline, name, self.watch(getattr(pipeline, name), needed))
                patch.setattr(pipeline, "create", self.count(pipeline.create))

            def __exit__(inner, *error: Any) -> None:
                context.__exit__(*error)

        return Watching()

    def watch(self, work: Any, needed: str) -> Any:
        """Return a write that is looked at when nobody else's write called it."""

        async def watched(op: Any, name: str, record_id: str, *rest: Any) -> Any:
            if _DEPTH.get() or op.is_system:
                return await work(op, name, record_id, *rest)
            depth = _DEPTH.set(1)
            try:
                allowed = await self.explained(op.principal.user_id, name, record_id, needed)
                done = await work(op, name, record_id, *rest)
                self.writes += 1
                if not allowed:
                    self.wrong.append(f"{needed} {name} {record_id} by {op.principal.user_id}")
                return done
            finally:
                _DEPTH.reset(depth)

        return watched

    def count(self, work: Any) -> Any:
        """Return the creation of a record, counted when it is a person's."""

        async def counted(op: Any, name: str, *rest: Any) -> Any:
            made = await work(op, name, *rest)
            if not op.is_system:
                self.created += 1
                allowed = await AccessExplainer(self.app.parts.records).explain_entity(
                    self.app.system_records, op.principal.user_id, name
                )
                if not allowed.grants["create"]:
                    self.wrong.append(f"create {name} by {op.principal.user_id}")
            return made

        return counted

    async def explained(self, user_id: str, name: str, record_id: str, needed: str) -> bool:
        """Return whether the explanation allows a write of a record that was there before."""
        explainer = AccessExplainer(self.app.parts.records)
        try:
            said = await explainer.explain(self.app.system_records, user_id, name, record_id)
        except KartotekaError:
            return True  # made in this transaction, or not there: the service decides
        return said.answers["read"].is_allowed and said.answers[needed].is_allowed


def routes_of(app: RunningApp) -> list[Route]:
    """Return every route of the web client and the Web API."""
    return [route for route in app.app.routes if isinstance(route, Route)]


def methods_of(route: Route) -> Iterable[str]:
    """Return the methods that a route of pages answers."""
    handlers = getattr(route.endpoint, "_handlers", None) or getattr(route.app, "_handlers", None)
    if handlers is None:
        return ("GET",)
    return tuple(name for name in ("GET", "POST") if handlers.get(name) is not None)


def never_visited(app: RunningApp, visited: set[tuple[str, str]]) -> list[str]:
    """Return the routes that nobody came to, and that nothing says why nobody could."""
    wanted = set()
    for route in routes_of(app):
        methods = methods_of(route)
        if route.path.startswith("/api/"):
            methods = (route.methods or {"GET"}) - {"HEAD"}
        wanted |= {(method, route.path) for method in methods}
    return sorted(f"{method} {path}" for method, path in wanted - visited - IMPOSSIBLE.keys())


def _fill(route: Route, values: dict[str, str]) -> str:
    path = route.path
    for name in route.param_convertors:
        path = re.sub(rf"\{{{name}(:\w+)?\}}", values[name], path)
    return path


def _inside(address: str) -> str:
    """Return the path and query of an address of the app; "" for others."""
    parts = urlsplit(address)
    if parts.scheme not in ("", "http") or parts.netloc not in ("", "testserver"):
        return ""
    if not parts.path.startswith("/") or parts.path.startswith("/static/"):
        return ""
    return parts.path + (f"?{parts.query}" if parts.query else "")
