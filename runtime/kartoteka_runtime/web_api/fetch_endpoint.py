"""FetchXML over one entity set. Source: reference web-api, section 7."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from starlette.responses import Response

from kartoteka.query.fetch_errors import PART
from kartoteka.query.fetch_xml import MOST_SIMPLY_PAGED, FetchQuery, read_fetch
from kartoteka.query.paging_cookie import write_cookie
from kartoteka.query.query import Query
from kartoteka.query.query_error import QueryError
from kartoteka_runtime.records.reading import RecordPage
from kartoteka_runtime.web_api.counted_children import count_children
from kartoteka_runtime.web_api.known_questions import KnownQuestions
from kartoteka_runtime.web_api.list_request import ListRequest
from kartoteka_runtime.web_api.saved_lists import language_code
from kartoteka_runtime.web_api.written_rows import RowsWriter

_BY_NUMBER = "by-number"  # the token of pages that are found by their number


class FetchEndpoint:
    """Answers ``fetchXml=``."""

    def __init__(self, rows: RowsWriter) -> None:
        """Write rows with ``rows``."""
        self._rows = rows
        self._known = KnownQuestions[FetchQuery]()

    async def answer(self, asked: ListRequest, text: str) -> Response:
        """Answer one request.

        Raises:
            QueryError: The text is no FetchXML, does not fit the entity, or goes too far.
        """
        with_count = _only_count(asked)
        language = language_code(asked)
        found, write = self._known.find(
            asked, (text,), lambda: read_fetch(text, asked.registry, language=language)
        )
        if found.query.entity != asked.entity.name:
            message = f'the query asks for "{found.query.entity}", not "{asked.entity.name}"'
            raise QueryError(message, part=PART)
        limit = found.top or found.page_size or asked.page_size
        query, token = _page_of(found, limit)
        wants_total = found.wants_total or with_count
        page = await asked.records.query(
            query,
            after=token,
            limit=limit,
            with_count=wants_total,
            most_input=found.aggregate_limit,
        )
        answer: dict[str, Any] = {"@odata.context": asked.context}
        if with_count:
            answer["@odata.count"] = page.count
        answer |= asked.of_list(page if wants_total else None)
        answer |= _paging(page, found, asked)
        if found.children:
            await count_children(page.rows, found.children, asked)
        answer["value"] = await self._rows.written(page.rows, write, asked)
        return asked.response(answer, page_size=0 if found.top or found.page_size else limit)


def _page_of(found: FetchQuery, limit: int) -> tuple[Query, str]:
    """Return the query of a page and the token it begins after.

    A page is found by its number where there is no cookie, and where the cookie is not that of
    the page before; that reaches only so many rows.
    """
    cookie = found.cookie
    if cookie is not None and found.has_cookies and cookie.page == found.page - 1:
        return found.query, cookie.token
    skip = (found.page - 1) * limit
    if skip + limit > MOST_SIMPLY_PAGED and skip:
        hint = "send the paging-cookie of the page before"
        message = f"pages without a cookie end at {MOST_SIMPLY_PAGED} rows"
        raise QueryError(message, part=PART, hint=hint)
    return replace(found.query, skip=skip), ""


def _paging(page: RecordPage, found: FetchQuery, asked: ListRequest) -> dict[str, Any]:
    """Return the annotations that tell whether, and how, one goes on; there is none after top."""
    has_more = page.has_more and not found.top
    told = asked.told(morerecords=has_more)
    if has_more:
        token = page.next_after if found.has_cookies else _BY_NUMBER
        told |= asked.told(fetchxmlpagingcookie=write_cookie(found.page, token))
    return told


def _only_count(asked: ListRequest) -> bool:
    """Return whether a count is asked for; no other option goes with FetchXML."""
    for name in asked.options:
        if name.startswith("$") and name != "$count":
            raise QueryError("this does not go with fetchXml", part=name[:60])
    return asked.options.get("$count", "").lower() == "true"
