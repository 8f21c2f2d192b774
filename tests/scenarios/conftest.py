"""A whole CRM, served to a real browser and to a client that reads pages without one."""

from __future__ import annotations

import importlib.util
import os
import re
import signal
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from html.parser import HTMLParser
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from urllib.parse import urlencode

import httpx
import pytest
from playwright.async_api import (
    Browser,
    ConsoleMessage,
    Locator,
    Page,
    async_playwright,
    expect,
)

from kartoteka_runtime.dev.dev_app import build_dev_app
from kartoteka_runtime.testing.running_app import RunningApp
from kartoteka_runtime.testing.served_app import served

_ROOT = Path(__file__).parents[2]
_AXE = _ROOT / "node_modules" / "axe-core" / "axe.min.js"
_BROWSER_ARGUMENTS = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_PASSWORD = "correct horse battery"
_TIMEOUT_MILLISECONDS = 20_000
expect.set_options(timeout=_TIMEOUT_MILLISECONDS)

# Parts of a form are fetched when they come into view.
_HAS_ALL_IN_VIEW = """() => [...document.querySelectorAll(".k-part__body[hx-get] > a")].every(
  (link) => !link.checkVisibility() || link.getBoundingClientRect().top > innerHeight,
)"""
# A page is judged as it stands, not while it fades in: half-way its colors are nobody's choice.
# What moves is put at its end rather than waited for. A notice is hidden by then: it is judged
# while it is shown, and goes afterwards.
_AXE_RUN = """async () => {
  const moving = document.getAnimations().filter(
    (found) => Number.isFinite(found.effect?.getComputedTiming().endTime),
  );
  const notices = moving.filter((found) => found.animationName === "k-notice");
  for (const notice of notices) {
    notice.pause();
    notice.currentTime = notice.effect.getComputedTiming().endTime / 2;
  }
  const ending = moving.filter((found) => !notices.includes(found));
  ending.forEach((found) => found.finish());
  await Promise.allSettled(ending.map((found) => found.finished));
  const found = await axe.run(document, { resultTypes: ["violations"], preload: false });
  notices.forEach((notice) => notice.finish());
  return found.violations;
}"""


class Words:
    """The texts that people see, in one language."""

    def __init__(self, app: RunningApp, language: str) -> None:
        """Take them from the live registry, as the pages do."""
        self._registry = app.registry
        self._labels = app.parts.live_registry.current.labels
        self.language = language

    def message(self, key: str, **params: object) -> str:
        return self._labels.message(key, self.language, **params)

    def command(self, entity: str, command: str) -> str:
        definition = self._registry.entities[entity].command_by_name[command]
        return self._labels.text(definition.label, self.language)

    def state(self, entity: str, state: str) -> str:
        states = self._registry.entities[entity].states
        label = next(found.label for found in states if found.name == state)
        return self._labels.text(label, self.language)

    def field(self, entity: str, name: str) -> str:
        return self._labels.field(entity, name, self.language)


class Person:
    """Somebody at a browser; each page they come to is looked at by axe.

    Attributes:
        seen: Titles of the pages that were looked at.
        faults: What axe, the console or a script complained about.
    """

    def __init__(self, app: RunningApp, page: Page, user_name: str, *, has_scripts: bool) -> None:
        """Sit down at an empty page."""
        self.page = page
        self.user_name = user_name
        self.words = Words(app, "en")
        self.seen: list[str] = []
        self.faults: list[str] = []
        self._app = app
        self._has_scripts = has_scripts
        page.on("pageerror", lambda error: self.faults.append(f"{page.url}: {error}"))
        page.on("console", self._hear)

    async def go(self, address: str) -> None:
        """Open an address of the app."""
        await self.page.goto(address)
        await self.look()

    async def sign_in(self, language: str) -> None:
        """Choose a language on the sign-in page, sign in, and keep the language."""
        await self.go("/")
        assert "/sign-in" in self.page.url
        await self.page.locator(f"nav a[lang={language}]").click()
        self.words = Words(self._app, language)
        await self.look()
        await self.page.get_by_label(self.words.message("sign_in.user_name")).fill(self.user_name)
        await self.page.get_by_label(self.words.message("sign_in.password")).fill(_PASSWORD)
        await self.press("sign_in.submit", until=re.compile(r":\d+/$"))
        await self.go("/settings")
        await self.page.locator("#language").select_option(language)
        await self.page.locator("main").get_by_role("button").click()
        await self.page.locator(f"html[lang={language}]").wait_for()
        await self.look()

    async def press(self, message: str, *, until: re.Pattern[str]) -> None:
        """Press the button with a text of the client's own and look at the page it leads to."""
        await self.click(self.button(self.words.message(message)), until=until)

    async def click(self, target: Locator, *, until: re.Pattern[str]) -> None:
        """Click something and look at the page it leads to."""
        await target.click()
        await self.page.wait_for_url(until)
        await self.look()

    def button(self, name: str) -> Locator:
        """Return a button by its text; one in an open dialog covers the others."""
        return self.page.get_by_role("button", name=name, exact=True)

    def input(self, name: str) -> Locator:
        """Return where a field of the form is typed."""
        return self.page.locator(f"#f-{name}")

    async def value(self, name: str) -> str:
        return await self.input(name).input_value()

    async def save(self) -> None:
        """Save the form and look at the page that follows, which says that it was saved."""
        await self.button(self.words.message("action.save")).click()
        await self.page.get_by_text(self.words.message("form.saved"), exact=True).wait_for()
        await self.look()

    async def choose(self, name: str, text: str) -> None:
        """Type into a lookup and take the first record that is offered."""
        await self.input(name).click()
        await self.input(name).press_sequentially(text)
        await self.page.get_by_role("option").filter(has_text=text).first.click()
        assert await self.value(name) == text

    async def dialog(self, button: str) -> Locator:
        """Press a button that asks something first and return the dialog."""
        await self.button(button).click()
        dialog = self.page.get_by_role("dialog")
        await dialog.locator("form").wait_for()
        await self.look()
        return dialog

    async def dialog_by_link(self, link: str) -> None:
        """Follow a link that asks something in a dialog."""
        await self.page.get_by_role("link", name=link, exact=True).click()
        await self.page.get_by_role("dialog").locator("form").wait_for()
        await self.look()

    async def look(self) -> None:
        """Let axe look at the page as it is now."""
        await self.page.wait_for_load_state("load")
        self.seen.append(await self.page.title())
        if not self._has_scripts:
            return
        await self.page.wait_for_function(_HAS_ALL_IN_VIEW)
        if not await self.page.evaluate("'axe' in window"):
            await self.page.evaluate(_AXE.read_text(encoding="utf-8"))
        for found in await self.page.evaluate(_AXE_RUN):
            places = [f"{node['target']} {node['failureSummary']}" for node in found["nodes"]]
            self.faults.append(f"{self.page.url}: {found['id']}: {places[:3]}")

    def _hear(self, message: ConsoleMessage) -> None:
        # A page that answers 404, 409 or 422 is what these tests want to see.
        if message.type == "error" and "Failed to load resource" not in message.text:
            self.faults.append(f"{self.page.url}: console: {message.text}")


@dataclass
class Form:
    """A form of a page: where it goes and what it would send as it stands."""

    method: str
    action: str
    values: dict[str, str] = field(default_factory=dict)


class ReadPage(HTMLParser):
    """A page as it was received: its forms, links, and the words that people meet.

    Attributes:
        words: Texts, titles, labels and placeholders; not what was typed into inputs.
    """

    def __init__(self, response: httpx.Response) -> None:
        """Read the answer to a request."""
        super().__init__(convert_charrefs=True)
        self.status = response.status_code
        self.url = str(response.url)
        self.address = response.headers.get("location", "")
        self.forms: list[Form] = []
        self.links: list[str] = []
        self.words: list[str] = []
        self._form = Form("", "")
        self._select = self._area = ""
        self._is_script = False
        self.feed(response.text)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    @property
    def form(self) -> Form:
        """Return the form of the record: the one that knows what it started from."""
        return next(form for form in self.forms if "_original" in form.values)

    def form_to(self, action: str) -> Form:
        return next(form for form in self.forms if form.action == action)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attributes}
        name, value = found.get("name", ""), found.get("value", "")
        for key, text in found.items():
            if key in _SHOWN_ATTRIBUTES:
                self.words.append(text)
            if key in ("href", "hx-get", "data-k-dialog") and text:
                self.links.append(text)
        match tag:
            case "form":
                self._form = Form(found.get("method", "get"), found.get("action", ""))
                self.forms.append(self._form)
            case "input" if "form" in found:
                pass  # belongs to another form
            case "input" if name and (found.get("type") not in _TICKED or "checked" in found):
                self._form.values[name] = value
            case "select":
                self._select = name
            case "option" if "selected" in found or self._select not in self._form.values:
                self._form.values[self._select] = value
            case "textarea":
                self._area = name
                self._form.values[name] = ""
            case "script" | "style":
                self._is_script = True

    def handle_endtag(self, tag: str) -> None:
        match tag:
            case "form":
                self._form = Form("", "")
            case "textarea":
                text = self._form.values[self._area]
                self._form.values[self._area], self._area = text.removeprefix("\n"), ""
            case "script" | "style":
                self._is_script = False

    def handle_data(self, data: str) -> None:
        if self._area:
            self._form.values[self._area] += data
        elif not self._is_script:
            self.words.append(data)


class Reader:
    """Somebody whose browser has no scripts; quicker than a real one."""

    def __init__(self, client: httpx.AsyncClient) -> None:
        """Read what a signed-in client receives."""
        self._client = client

    async def open(self, address: str, *, part: bool = False) -> ReadPage:
        headers = {"HX-Request": "true", "HX-Request-Type": "partial"} if part else {}
        return ReadPage(await self._client.get(address, headers=headers))

    async def send(self, form: Form, *, to: str = "", **changes: str) -> ReadPage:
        """Send a form with some inputs filled in."""
        return await self.post(to or form.action, {**form.values, **changes})

    async def post(self, address: str, values: dict[str, str]) -> ReadPage:
        headers = {"Content-Type": "application/x-www-form-urlencoded"}
        body = urlencode(values).encode()
        return ReadPage(await self._client.post(address, content=body, headers=headers))


_TICKED = ("checkbox", "radio")
_SHOWN_ATTRIBUTES = {
    *("title", "alt", "placeholder", "aria-label", "aria-description"),
    *("data-k-clear", "data-k-close", "data-k-leave", "data-k-none", "data-k-remove"),
}


@pytest.fixture(scope="session")
def chromium() -> str:
    """Give the path of an installed Chromium."""
    spec = importlib.util.spec_from_file_location("chromium", _ROOT / "tools" / "chromium.py")
    assert spec and spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    found: str | None = module.find_chromium()
    assert found, "these tests need a Chromium: `make .venv/chromium` looks for one"
    return found


@pytest.fixture(scope="session")
def running_chromium(chromium: str) -> Iterator[str]:
    """Give the address of a browser without a window, which the tests of a process share."""
    with TemporaryDirectory(prefix="kartoteka-chromium-") as profile:
        process = subprocess.Popen(
            [chromium, "--headless", "--remote-debugging-port=0", f"--user-data-dir={profile}",
             *_BROWSER_ARGUMENTS],
            stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True,
        )  # fmt: skip
        told = Path(profile) / "DevToolsActivePort"
        until = time.monotonic() + _TIMEOUT_MILLISECONDS / 1000
        while not (told.is_file() and told.read_text().count("\n")):
            assert process.poll() is None and time.monotonic() < until, "Chromium does not start"
            time.sleep(0.05)
        yield f"http://127.0.0.1:{told.read_text().split()[0]}"
        os.killpg(process.pid, signal.SIGTERM)  # what is called may be a script around the browser
        process.wait(timeout=10)


@pytest.fixture
async def browser(running_chromium: str) -> AsyncIterator[Browser]:
    """Give the browser; what a test opens in it is closed after the test."""
    async with async_playwright() as playwright:
        browser = await playwright.chromium.connect_over_cdp(running_chromium)
        known = set(browser.contexts)  # the one that it began with
        yield browser
        for context in set(browser.contexts) - known:
            await context.close()
        await browser.close()


@pytest.fixture
async def crm(start_app):
    """Give a running app with the sales, service and marketing plugins."""
    return await start_app(plugins=["sales", "service", "marketing"])


@pytest.fixture
async def reader() -> AsyncIterator[Callable[..., Awaitable[Reader]]]:
    """Give a function that signs in: ``await reader(app, "salesperson", language="pl")``."""
    async with AsyncExitStack() as stack:

        async def sign_in(
            app: RunningApp, role: str = "system_administrator", *, language: str = "en"
        ) -> Reader:
            client = await stack.enter_async_context(app.client_as(role, language=language))
            return Reader(client)

        yield sign_in


@pytest.fixture
async def person(crm: RunningApp, browser: Browser) -> AsyncIterator[Callable[..., Any]]:
    """Give a function that seats someone with a role at a browser: ``await person()``."""
    async with AsyncExitStack() as stack:
        address = await stack.enter_async_context(served(crm))

        async def sit_down(
            role: str = "system_administrator", *, has_scripts: bool = True
        ) -> Person:
            principal = await crm.principal(role)
            await crm.parts.sessions.set_password(principal.user_id, _PASSWORD)
            context = await browser.new_context(
                base_url=address,
                java_script_enabled=has_scripts,
                viewport={"width": 1280, "height": 900},
            )
            stack.push_async_callback(context.close)
            context.set_default_timeout(_TIMEOUT_MILLISECONDS)
            page = await context.new_page()
            return Person(crm, page, role, has_scripts=has_scripts)

        yield sit_down


@pytest.fixture
async def developer(start_app, browser: Browser) -> AsyncIterator[Callable[..., Any]]:
    """Give a function that seats somebody at a browser before the dev server of an app.

    ``person, folder = await developer({"entities/boat.yaml": …})``
    """
    async with AsyncExitStack() as stack:

        async def sit_down(metadata: dict[str, str], **context_options: Any) -> tuple[Person, Path]:
            published = await start_app(metadata=metadata)
            settings = published.parts.settings
            app = RunningApp(build_dev_app(settings))
            session = app.app.state.dev_session
            address = await stack.enter_async_context(
                served(app, lifespan="on", before_end=session.end_streams)
            )
            principal = await app.principal()
            await app.parts.sessions.set_password(principal.user_id, _PASSWORD)
            context = await browser.new_context(
                base_url=address, **{"viewport": {"width": 1280, "height": 900}, **context_options}
            )
            stack.push_async_callback(context.close)
            context.set_default_timeout(_TIMEOUT_MILLISECONDS)
            person = Person(
                app, await context.new_page(), "system_administrator",
                has_scripts=context_options.get("java_script_enabled", True),
            )  # fmt: skip
            return person, settings.app_folder / "metadata"

        yield sit_down
