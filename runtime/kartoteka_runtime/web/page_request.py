"""PageRequest: one request as page handlers see it, with who asks and in which language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from starlette.requests import Request
from starlette.responses import Response

from kartoteka.errors import RecordNotFound, Violation
from kartoteka.model.entity import Entity
from kartoteka.plugin_api.contexts import Principal
from kartoteka_runtime.live_registry import Published
from kartoteka_runtime.localization.format_value import instant_writer
from kartoteka_runtime.localization.money_writers import MoneyWriters
from kartoteka_runtime.security.access import Access
from kartoteka_runtime.validation.validate_record import RecordValidator
from kartoteka_runtime.web import csrf
from kartoteka_runtime.web.dev_mark import DevMark
from kartoteka_runtime.web.form_posts import NO_POST, Post, PostRefused, is_form, read_post
from kartoteka_runtime.web.responses import (
    FLASH_COOKIE,
    html_response,
    is_fragment,
    pack_notice,
    read_notice,
    see_other,
    set_cookie,
)
from kartoteka_runtime.web.uploads import UploadedFile, is_upload, read_upload
from kartoteka_runtime.web.violation_texts import violation_text
from kartoteka_runtime.web.web_client import WebClient

AREA_COOKIE = "kartoteka_area"
THEME_COOKIE = "kartoteka_theme"
THEMES = ("light", "dark")
NOBODY = Principal(user_id="")


class PageRequest:
    """A request, the publication it reads to its end, and the principal.

    ``token`` is what every form of the page must carry; ``entity_name`` and ``record_id`` come
    from the address and are empty where it has none.
    """

    def __init__(
        self,
        client: WebClient,
        request: Request,
        published: Published,
        *,
        principal: Principal = NOBODY,
        language: str,
        token: str = "",
    ) -> None:
        """Bind what every handler needs."""
        self.client = client
        self.request = request
        self.published = published
        self.registry = published.registry
        self.principal = principal
        self.records = client.parts.records.bound_to_publication(principal)
        self.pages = client.pages(published, language)
        self.access: Access | None = None  # loaded once somebody with a role has signed in
        self.language = self.pages.language
        self.words = self.pages.words
        self.token = token
        self.zone = _zone(principal.time_zone)
        self.query = request.query_params
        # Only of one record, and only whoever may: others see no more than before (decisions/0035).
        self.is_unmasked = (
            self.query.get("unmasked") == "true"
            and "record_id" in request.path_params
            and principal.seen_by is None
        )
        if self.is_unmasked:
            self.records = self.records.unmasked()
        self.entity_name: str = request.path_params.get("entity", "")
        self.record_id = str(request.path_params.get("record_id", ""))
        self.is_fragment = is_fragment(request)
        self.upload: UploadedFile | None = None  # that a form sends, once it was checked
        self._post: Post | None = None

    @property
    def validator(self) -> RecordValidator:
        """Return what checks values of the page's entity."""
        return self.records.model.entities[self.entity.name].validator

    @property
    def entity(self) -> Entity:
        """Return the entity that the address names.

        Raises:
            RecordNotFound: There is none.
        """
        return self.entity_called(self.entity_name)

    def entity_called(self, name: str) -> Entity:
        """Return an entity by name.

        Raises:
            RecordNotFound: There is none.
        """
        entity = self.registry.entities.get(name)
        if entity is None:
            raise RecordNotFound(name, "")
        return entity

    async def load_access(self) -> None:
        """Learn what the principal may do; before, nothing is offered."""
        self.access = await self.records.access()

    def may(self, privilege: str) -> bool:
        """Return whether the principal has a privilege that belongs to no entity."""
        return self.access is not None and self.access.has(privilege)

    def allows(self, privilege: str, entity: str) -> bool:
        """Return whether some role gives a privilege on an entity: what menus and buttons ask.

        The record service decides; pages only do not offer what it would refuse anyhow.
        """
        access = self.access
        return (
            access is not None
            and entity in self.registry.entities
            and (access.allows(privilege, entity))
        )

    @property
    def may_explain(self) -> bool:
        """Return whether the principal may ask why others may do something."""
        return self.may("audit")

    async def money(self) -> MoneyWriters:
        """Return what writes amounts for this reader."""
        return await self.client.money(self.published, self.language)

    async def post(self) -> Post:
        """Return what the form sent, once it has proved to come from a page of ours.

        Raises:
            PostRefused: It is damaged or forged.
        """
        if self._post is None:
            post = await read_post(self.request)
            csrf.check_token(self.request, post, self.token)
            self._post = post
        return self._post

    async def check_post(self) -> None:
        """Return when a page of ours sent this post, whatever its handler does with it.

        Raises:
            PostRefused: It is damaged or forged.
        """
        if is_upload(self.request):
            csrf.check_origin(self.request)
            try:
                post, self.upload = await read_upload(self.request)
            except PostRefused:
                if csrf.HEADER in self.request.headers:
                    csrf.check_token(self.request, NO_POST, self.token)
                raise
            csrf.check_token(self.request, post, self.token)
        elif csrf.HEADER in self.request.headers and not is_form(self.request):
            csrf.check_token(self.request, NO_POST, self.token)  # JSON, or a file
        else:
            await self.post()

    def text(self, key: str, /, **params: object) -> str:
        """Return a message in the reader's language."""
        return self.words.message(key, **params)

    def violation(self, entity: str, violation: Violation) -> str:
        """Return what a violation says, in the reader's language."""
        return violation_text(violation, entity, self.words)

    def set_cookie(
        self, response: Response, name: str, value: str, *, max_age: int | None = None
    ) -> None:
        """Set a cookie, for https alone where the app is served so."""
        is_secure = (
            self.client.parts.settings.has_secure_cookies or self.request.url.scheme == "https"
        )
        set_cookie(response, name, value, max_age=max_age, is_secure=is_secure)

    def render(
        self, template: str, *, status: int = 200, entity: str = "", **values: Any
    ) -> Response:
        """Return a page or fragment, filled; ``entity`` says where in the menu it belongs."""
        request = self.request
        cookies = request.cookies
        area, here = self.pages.navigation.place(
            entity or self.entity_name,
            cookies.get(AREA_COOKIE, ""),
            partial(self.allows, "read"),
        )
        notice = None if self.is_fragment else read_notice(request)
        theme = cookies.get(THEME_COOKIE, "")
        content = self.pages.templates.template(template).render(
            values,
            token=self.token,
            user_name=self.principal.name,
            user_id=self.principal.user_id,
            area=area,
            here=here,
            theme=theme if theme in THEMES else "",
            notice=self.text(notice[0], **notice[1]) if notice else "",
            address=request.url.path,
            customize=self._customize_address(),
            may_see_jobs=self.may("see_jobs"),
            may_explain=self.may_explain,
            may_see_as=self.access is not None and self.access.is_administrator,
            seen_until=self._seen_until(),
            allows=self.allows,
            about_entity=entity or self.entity_name,
            dev=self._dev_mark(),
        )
        response = html_response(content, status)
        if notice:
            response.delete_cookie(FLASH_COOKIE, path="/")
        return response

    def _seen_until(self) -> str:
        """Return until when somebody sees the app as the principal; "" when nobody does."""
        seen_by = self.principal.seen_by
        if seen_by is None:
            return ""
        return instant_writer(self.language, self.zone)(seen_by.until)

    def _customize_address(self) -> str:
        """Return where this page's definition can be changed; "" for who may not."""
        if not self.may("customize"):
            return ""
        is_known = self.entity_name in self.registry.entities
        return f"/customize/{self.entity_name}" if is_known else "/customize"

    def _dev_mark(self) -> DevMark | None:
        """Return what tells customizers of the dev server's state; None without one."""
        mark = self.client.dev_mark
        if mark is None or not self.may("customize"):
            return None
        return replace(mark(self.published.number), was_posted=self.request.method == "POST")

    def redirect(
        self, address: str, notice: str = "", params: Mapping[str, object] | None = None
    ) -> Response:
        """Return the answer to a post: go on to a page, which says ``notice`` once."""
        if self.request.headers.get("hx-request") == "true":
            response = Response(status_code=200, headers={"HX-Redirect": address})
        else:
            response = see_other(address)
        if notice:
            self.set_cookie(response, FLASH_COOKIE, pack_notice(notice, params or {}), max_age=60)
        return response


def address_of(entity: str, record_id: str = "", *parts: str, **query: str) -> str:
    """Return the address of a list, a record or something below it."""
    path = "/".join(("/e", entity, *((record_id,) if record_id else ()), *parts))
    filled = {key: value for key, value in query.items() if value}
    return f"{path}?{urlencode(filled)}" if filled else path


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")  # a zone that the operating system no longer knows
