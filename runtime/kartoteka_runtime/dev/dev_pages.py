"""The pages of the dev server: what the files say, what wants somebody's word, and a stream."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.responses import Response, StreamingResponse
from starlette.routing import BaseRoute, Route

from kartoteka.errors import AccessDenied
from kartoteka.labels import LabelResolver
from kartoteka.registry import Registry
from kartoteka_runtime.app_files import Assembled
from kartoteka_runtime.dev.dev_session import DevSession
from kartoteka_runtime.dev.dev_status import START, DevStatus, State
from kartoteka_runtime.publishing.plan import Plan
from kartoteka_runtime.web.csrf import TOKEN
from kartoteka_runtime.web.customize.customizing import CUSTOMIZE, PUBLISH, Customizing
from kartoteka_runtime.web.customize.plan_pages import CONSENT, PLAN, planned_groups, seal
from kartoteka_runtime.web.page_endpoint import Handler, PageEndpoint
from kartoteka_runtime.web.page_request import PageRequest
from kartoteka_runtime.web.responses import SECURITY_HEADERS
from kartoteka_runtime.web.web_client import WebClient

STATUS = "/dev/status"
_PATIENCE_SECONDS = 1.5  # a publish that takes no longer is answered at once
_RETRY_MILLISECONDS = 500  # until a browser asks again for events, as after a restart


@dataclass(frozen=True, slots=True)
class DevPages:
    """Shows and steers one session."""

    session: DevSession

    def routes(self, client: WebClient) -> list[BaseRoute]:
        """Return the routes; each is for customizers alone."""

        def route(path: str, get: Handler | None, post: Handler | None = None) -> Route:
            return Route(path, PageEndpoint(client, get=get, post=post))

        return [
            route(STATUS, _for_customizers(self._show)),
            route("/dev/events", _for_customizers(self._stream)),
            route("/dev/check", None, _for_customizers(self._check)),
            route("/dev/publish", None, _for_customizers(self._publish)),
            route("/dev/postpone", None, _for_customizers(self._postpone)),
        ]

    async def _show(self, page: PageRequest) -> Response:
        return self._render(page)

    async def _check(self, page: PageRequest) -> Response:
        (await page.post()).check_names({TOKEN})
        step = self.session.status.step
        self.session.look_again()
        await self.session.wait_for(lambda status: status.step > step, _PATIENCE_SECONDS)
        return self._go_on(page)

    async def _postpone(self, page: PageRequest) -> Response:
        (await page.post()).check_names({TOKEN, PLAN, CONSENT}, repeated={CONSENT})
        self.session.postpone()
        return self._go_on(page)

    async def _publish(self, page: PageRequest) -> Response:
        """Publish the plan that the form was made for; show the new one if there is another."""
        if not page.may(PUBLISH):
            raise AccessDenied("error.forbidden")
        post = await page.post()
        post.check_names({TOKEN, PLAN, CONSENT}, repeated={CONSENT})
        plan = self.session.status.plan
        if plan is None or self.session.status.state is not State.HELD:
            return self._go_on(page)
        consents = frozenset(post.values.get(CONSENT, ())) & frozenset(plan.consents)
        if post.text(PLAN) != seal(plan):
            return self._render(page, 409, "customize.plan_changed")
        if plan.blocked:
            return self._render(page, 422, "customize.plan_blocked")
        if consents != frozenset(plan.consents):
            return self._render(page, 422, "customize.consent_missing", consents)
        self.session.publish(consents)
        await self.session.wait_for(
            lambda status: status.state is not State.PUBLISHING, _PATIENCE_SECONDS
        )
        return self._go_on(page)

    def _go_on(self, page: PageRequest) -> Response:
        return self._render(page) if page.is_fragment else page.redirect(STATUS)

    def _render(
        self,
        page: PageRequest,
        http_status: int = 200,
        refused: str = "",
        consents: frozenset[str] = frozenset(),
    ) -> Response:
        status = self.session.status
        title = page.text(f"dev.{status.state}", count=len(status.mistakes), number=status.number)
        return page.render(
            "fragments/_dev_status.html" if page.is_fragment else "pages/dev/status.html",
            status=http_status,
            title=title,
            refused=page.text(refused) if refused else "",
            found=status,
            state=str(status.state),
            restart_text=_restart_text(page, status),
            consents=consents,
            may_publish=page.may(PUBLISH),
            **_planned(page, status),
        )

    async def _stream(self, page: PageRequest) -> Response:
        headers = {**SECURITY_HEADERS, "Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        return StreamingResponse(
            self._events(), headers=headers, media_type="text/event-stream; charset=utf-8"
        )

    async def _events(self) -> AsyncIterator[bytes]:
        yield f"retry: {_RETRY_MILLISECONDS}\n\n".encode()
        async for status in self.session.follow():
            yield b"data: " + orjson.dumps(event_of(status)) + b"\n\n"


def event_of(status: DevStatus) -> dict[str, Any]:
    """Return what open pages are told of a status; the rest they ask for."""
    published = {
        str(number): None if pages is None else sorted(pages)
        for number, pages in status.published.items()
    }
    return {
        "start": START,
        "step": status.step,
        "state": str(status.state),
        "number": status.number,
        "needs_attention": status.needs_attention,
        "published": published,
    }


def _for_customizers(handler: Callable[[PageRequest], Awaitable[Response]]) -> Handler:
    async def handle(page: PageRequest) -> Response:
        if not page.may(CUSTOMIZE):
            raise AccessDenied("error.forbidden")
        return await handler(page)

    return handle


def _restart_text(page: PageRequest, status: DevStatus) -> str:
    if status.restart_problem:
        return page.text(
            "dev.restart_failed", reason=status.restart, problem=status.restart_problem
        )
    return page.text("dev.restart", reason=status.restart) if status.restart else ""


def _planned(page: PageRequest, status: DevStatus) -> dict[str, Any]:
    """Return what the plan's fragment shows."""
    plan, registry = status.plan, status.registry
    if plan is None or registry is None or status.state is State.LIVE:
        return {"groups": [], "drift": [], "notes": [], "plan": "", "is_blocked": False}
    return {
        "groups": _groups(page, plan, registry),
        "drift": [str(one) for one in plan.drift],
        "notes": plan.notes,
        "plan": seal(plan),
        "is_blocked": bool(plan.blocked),
    }


def _groups(page: PageRequest, plan: Plan, registry: Registry) -> list[Any]:
    assembled = Assembled(registry, labels=LabelResolver(registry))
    return list(planned_groups(Customizing(page, page.client.app_files, assembled), plan))
