"""A visitor that reads pages and fills in forms as a browser without scripts does."""

from __future__ import annotations

from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from html.parser import HTMLParser
from urllib.parse import urlencode

import httpx
import pytest


@dataclass
class Form:
    """A form of a page: where it goes and what it would send as it stands."""

    method: str
    action: str
    inputs: list[tuple[str, str]] = field(default_factory=list)

    @property
    def values(self) -> dict[str, str]:
        return dict(self.inputs)


class Page(HTMLParser):
    """A page with its forms, texts and ids."""

    def __init__(self, response: httpx.Response) -> None:
        super().__init__(convert_charrefs=True)
        self.response = response
        self.status = response.status_code
        self.address = response.headers.get("location", "")
        self.html = response.text
        self.forms: list[Form] = []
        self.by_id: dict[str, Form] = {}
        self.texts: list[str] = []
        self.elements: list[tuple[str, dict[str, str]]] = []
        self._form: Form | None = None
        self._select = self._option = self._area = ""
        self._chosen: str | None = None
        self._area_text = ""
        self._hidden = 0
        self.feed(self.html)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.texts).split())

    @property
    def form(self) -> Form:
        """Return the form that saves: the one with the row version or the originals."""
        return next(f for f in self.forms if "_original" in f.values or "_version" in f.values)

    def form_to(self, action: str) -> Form:
        return next(f for f in self.forms if f.action.split("?")[0] == action)

    def links(self) -> list[str]:
        return [attrs["href"] for tag, attrs in self.elements if tag == "a" and "href" in attrs]

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        attrs = {name: value or "" for name, value in attributes}
        self.elements.append((tag, attrs))
        match tag:
            case "form":
                self._form = Form(attrs.get("method", "get"), attrs.get("action", ""))
                self.forms.append(self._form)
            case "input" if "form" in attrs:
                pass  # it belongs to another form
            case "input" if self._form is not None and attrs.get("name"):
                is_choice = attrs.get("type") in ("checkbox", "radio")
                if not is_choice or "checked" in attrs:
                    self._form.inputs.append((attrs["name"], attrs.get("value", "")))
            case "select":
                self._select, self._chosen = attrs.get("name", ""), None
            case "option" if self._chosen is None or "selected" in attrs:
                self._chosen = attrs.get("value", "")
            case "textarea":
                self._area, self._area_text = attrs.get("name", ""), ""
            case "script" | "style":
                self._hidden += 1

    def handle_endtag(self, tag: str) -> None:
        match tag:
            case "form":
                self._form = None
            case "select" if self._form is not None and self._select:
                self._form.inputs.append((self._select, self._chosen or ""))
            case "textarea" if self._form is not None and self._area:
                text = self._area_text.removeprefix("\n")
                self._form.inputs.append((self._area, text))
                self._area = ""
            case "script" | "style":
                self._hidden -= 1

    def handle_data(self, data: str) -> None:
        if self._area:
            self._area_text += data
        if not self._hidden:
            self.texts.append(data)


class Visitor:
    """Somebody with a browser and no scripts."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        self.client = client

    async def open(self, address: str, **headers: str) -> Page:
        named = {name.replace("_", "-"): value for name, value in headers.items()}
        return Page(await self.client.get(address, headers=named))

    async def send(self, form: Form, *, at: str = "", **changes: str | list[str]) -> Page:
        """Send a form with some inputs filled in; a list is sent as several inputs."""
        pairs = [(name, value) for name, value in form.inputs if name not in changes]
        for name, value in changes.items():
            pairs += [(name, one) for one in ([value] if isinstance(value, str) else value)]
        return await self.post(at or form.action, pairs)

    async def post(
        self, address: str, pairs: list[tuple[str, str]] | bytes, **headers: str
    ) -> Page:
        body = pairs if isinstance(pairs, bytes) else urlencode(pairs).encode()
        sent = {"content-type": "application/x-www-form-urlencoded"}
        sent |= {name.replace("_", "-"): value for name, value in headers.items()}
        return Page(await self.client.post(address, content=body, headers=sent))

    async def create(self, entity: str, **values: str | list[str]) -> str:
        """Fill in the form that creates a record and return the record's address."""
        page = await self.open(f"/e/{entity}/new")
        created = await self.send(page.form, at=f"/e/{entity}/new", **values)
        assert created.status == 303, created.text
        return str(created.address)


@pytest.fixture
async def app(start_app, every_type):
    """Give an app with the entity ``sample``, which has a field of every type."""
    return await start_app(metadata=every_type)


@pytest.fixture
async def visit(app):
    """Give a function that signs in: ``visitor = await visit(language="pl")``."""
    async with AsyncExitStack() as stack:

        async def sign_in(role: str = "system_administrator", language: str = "en") -> Visitor:
            client = await stack.enter_async_context(app.client_as(role, language=language))
            return Visitor(client)

        yield sign_in


@pytest.fixture
async def visitor(visit):
    """Give an administrator with an English browser."""
    return await visit()


@pytest.fixture
async def stranger(app):
    """Give somebody who has not signed in."""
    transport = httpx.ASGITransport(app=app.app)
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as client:
        yield Visitor(client)


@pytest.fixture
def visitor_with():
    """Give what makes a visitor of a client."""
    return Visitor
