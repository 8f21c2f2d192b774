"""The endpoint of lists: OData options and saved lists over one entity set.

Source: reference web-api, section 5.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any

from orjson import Fragment
from starlette.responses import Response

from kartoteka.conditions.syntax import Operator
from kartoteka.conditions.typed import Compared
from kartoteka.errors import RecordNotFound
from kartoteka.model.entity import Entity
from kartoteka.query.odata import ODataQuery, read_options
from kartoteka.query.of_view import path_of
from kartoteka.query.query import Query
from kartoteka.query.query_error import QueryError
from kartoteka_runtime.records.currencies import Currencies
from kartoteka_runtime.runtime_parts import RuntimeParts
from kartoteka_runtime.web_api.api_call import ApiCall
from kartoteka_runtime.web_api.changes_endpoint import TRACKED, ChangesEndpoint
from kartoteka_runtime.web_api.collection_link import CollectionLink
from kartoteka_runtime.web_api.expanded_links import add_links
from kartoteka_runtime.web_api.fetch_endpoint import FetchEndpoint
from kartoteka_runtime.web_api.known_questions import KnownQuestions
from kartoteka_runtime.web_api.list_request import (
    MOST_ROWS,
    WORDS,
    ListRequest,
    next_link,
    read_sent,
    selection,
)
from kartoteka_runtime.web_api.row_writer import Annotated, WriteRow
from kartoteka_runtime.web_api.saved_lists import personal_fetch, personal_list, saved_view
from kartoteka_runtime.web_api.sql_endpoint import SqlEndpoint
from kartoteka_runtime.web_api.written_rows import RowsWriter

_MOST_GROUPS = 50_000
_LONGEST_KEPT = 4_000  # bytes of options and preferences that are kept
_OF_ONE = ("$select", "$expand")
_COUNTED = ("$filter", "$deltatoken")


@dataclass(frozen=True, slots=True)
class OneQuestion:
    """What a request wants to know of one record.

    ``names`` are the fields selected, None for all; ``is_plain`` tells that these are all, without
    annotations and without records inside.
    """

    asked: ListRequest
    query: Query
    write: WriteRow
    names: tuple[str, ...] | None
    is_plain: bool


class ListEndpoint:
    """Answers GET of an entity set."""

    def __init__(self, parts: RuntimeParts) -> None:
        """Serve lists of the app that ``parts`` make up."""
        rows = RowsWriter(
            parts.live_registry,
            Currencies(parts.records, parts.app_folder.currency.code),
            parts.files,
        )
        self._rows = rows
        self._fetch = FetchEndpoint(rows)
        self._sql = SqlEndpoint(rows)
        self._changes = ChangesEndpoint(rows)
        self._known = KnownQuestions[ODataQuery]()

    async def answer(
        self, call: ApiCall, entity: Entity, link: CollectionLink | None = None
    ) -> Response:
        """Answer one call for the records of an entity; with ``link``, for those it names.

        Raises:
            QueryError: The question cannot be read, or does not fit the entity.
        """
        asked = _asked(call, entity, link)
        sent = asked.sent
        if sent.words:
            for name, endpoint in (("fetchxml", self._fetch), ("sql", self._sql)):
                if name in sent.words:
                    if link is not None:
                        raise QueryError("this goes with an entity set alone", part=name)
                    return await endpoint.answer(asked, sent.words[name])
        if sent.changes_token is not None or sent.preferences.tracks_changes:
            return await self._changes.answer(asked)
        if sent.token.startswith(TRACKED):
            return await self._changes.answer(asked)
        return await self._listed(asked)

    async def count(
        self, call: ApiCall, entity: Entity, link: CollectionLink | None = None
    ) -> Response:
        """Answer ``…/$count`` with digits; like every count it ends at a limit.

        Raises:
            QueryError: An option that counts do not take is there, or one cannot be read.
        """
        asked = _asked(call, entity, link)
        for name in asked.options:
            if name[:1] == "$" and name not in _COUNTED or name.lower() in WORDS:
                raise QueryError("this does not go with $count", part=name[:60])
        if asked.sent.changes_token is not None:
            count = await self._changes.count(asked)
        else:
            found, _ = await self._question(asked)
            page = await asked.records.query(found.query, limit=1, with_count=True)
            count = page.count
        return Response(str(count), 200, {"OData-Version": "4.0"}, media_type="text/plain")

    def question_of_one(self, call: ApiCall, entity: Entity) -> OneQuestion:
        """Return what the options and preferences of a request want to know of one record.

        Raises:
            QueryError: An option is unknown or wrong.
        """
        asked = _asked(call, entity)
        for name in asked.options:
            if name[:1] == "$" and name not in _OF_ONE or name.lower() in WORDS:
                raise QueryError("this is no option of one record", part=name[:60])
        found, write = self._read(asked, None)
        names = None
        if asked.options.get("$select", "*") != "*":
            names = tuple(value.key for value in found.shown.values)
        is_plain = asked.wanted == Annotated() and not found.query.expands
        return OneQuestion(asked, found.query, write, names, is_plain)

    async def one(self, question: OneQuestion, record_id: str) -> dict[str, Any]:
        """Return one record as a request wants it.

        Raises:
            RecordNotFound: There is no such record.
        """
        asked = question.asked
        identity = path_of(asked.registry, asked.entity.name, asked.entity.primary_id)
        query = replace(question.query, condition=Compared(identity, Operator.EQ, record_id))
        page = await asked.records.query(query, limit=1)
        if not page.rows:
            raise RecordNotFound(asked.entity.name, record_id)
        written = await self._rows.written(page.rows, question.write, asked)
        if query.expands:
            shown = question.write.shown
            add_links(page.rows, written, query, shown, asked.registry, asked.call.root)
        return written[0]

    async def _listed(self, asked: ListRequest) -> Response:
        token = asked.sent.token
        found, write = await self._question(asked)
        limit = asked.page_size if found.top is None else min(found.top, MOST_ROWS)
        query = found.query
        is_counted_off = query.is_aggregate or query.distinct
        if limit and not (is_counted_off or query.expands or write.has_contents):
            return await self._listed_text(asked, found, write, token, limit)
        if is_counted_off and token:
            query, token = replace(query, skip=_skipped(token)), ""
        page = await asked.records.query(
            query, after=token, limit=max(1, limit), with_count=found.with_count
        )
        answer: dict[str, Any] = {
            "@odata.context": asked.context + selection(found.shown, asked.options)
        }
        if found.with_count:
            answer["@odata.count"] = page.count
        answer |= asked.of_list(page if found.with_count else None)
        rows = page.rows[:limit]
        written = await self._rows.written(rows, write, asked)
        if query.expands:
            add_links(rows, written, query, found.shown, asked.registry, asked.call.root)
        answer["value"] = written
        following = page.next_after
        if is_counted_off and page.has_more:
            following = str(query.skip + len(page.rows))
        if following and found.top is None:
            answer["@odata.nextLink"] = next_link(asked, following)
        return asked.response(answer, page_size=limit if found.top is None else 0)

    async def _listed_text(
        self, asked: ListRequest, found: ODataQuery, write: WriteRow, token: str, limit: int
    ) -> Response:
        """Answer with records that hold no others, written without records of Python's."""
        money = await self._rows.money(asked)
        page = await asked.records.query_text(
            found.query, write, money,
            after=token, limit=limit, with_count=found.with_count, goes_on=found.top is None,
        )  # fmt: skip
        answer: dict[str, Any] = {
            "@odata.context": asked.context + selection(found.shown, asked.options)
        }
        if found.with_count:
            answer["@odata.count"] = page.count
        if asked.sent.told_of_list:
            answer |= asked.of_list(page if found.with_count else None)
        answer["value"] = Fragment(page.text)
        if page.next_after and found.top is None:
            answer["@odata.nextLink"] = next_link(asked, page.next_after)
        return asked.response(answer, page_size=limit if found.top is None else 0)

    async def _question(self, asked: ListRequest) -> tuple[ODataQuery, WriteRow]:
        fetch = None
        if "userquery" in asked.sent.words:
            fetch = await personal_fetch(asked.sent.words["userquery"], asked)
        found, write = self._read(asked, fetch)
        if asked.link is not None:
            found = replace(found, query=asked.link.narrowed(found.query))
        return found, write

    def _read(self, asked: ListRequest, fetch: str | None) -> tuple[ODataQuery, WriteRow]:
        """Return what a request asks; ``fetch`` is the text of the list that it goes on from."""

        def read() -> ODataQuery:
            saved = None
            if fetch is not None:
                saved = personal_list(fetch, asked)
            elif name := asked.word("savedquery"):
                saved = saved_view(name, asked)
            found = read_options(asked.sent.question, asked.registry, asked.entity, saved=saved)
            limit = max(1, asked.page_size if found.top is None else min(found.top, MOST_ROWS))
            return replace(found, query=replace(found.query, limit=limit))

        texts = asked.sent.texts
        return self._known.find(asked, texts if fetch is None else (fetch, *texts), read)


def _asked(call: ApiCall, entity: Entity, link: CollectionLink | None = None) -> ListRequest:
    query, prefer = call.request.scope["query_string"], call.header("prefer")
    read = _kept_sent if len(query) + len(prefer) <= _LONGEST_KEPT else read_sent
    return ListRequest(call, entity, read(query, prefer), link)


_kept_sent = lru_cache(512)(read_sent)  # clients send the same again and again


def _skipped(token: str) -> int:
    """Return how many groups the pages before had."""
    if not (token.isascii() and token.isdigit() and len(token) < 8 and int(token) <= _MOST_GROUPS):
        raise QueryError("this is no token of this list", part="$skiptoken")
    return int(token)
