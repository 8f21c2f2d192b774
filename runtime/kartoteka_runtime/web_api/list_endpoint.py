"""The endpoint of lists: OData options and saved lists over one entity set.

Source: reference web-api, section 5.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import lru_cache
from typing import Any
from urllib.parse import urlencode

from orjson import Fragment
from starlette.responses import Response

from kartoteka.conditions.syntax import Operator
from kartoteka.conditions.typed import Compared
from kartoteka.errors import RecordNotFound
from kartoteka.model.entity import Entity
from kartoteka.model.view import View
from kartoteka.names import did_you_mean
from kartoteka.query.odata import ODataQuery, read_options
from kartoteka.query.of_view import path_of
from kartoteka.query.query import Query
from kartoteka.query.query_error import QueryError
from kartoteka.query.shown import ShownRecord
from kartoteka_runtime.records.currencies import Currencies
from kartoteka_runtime.runtime_parts import RuntimeParts
from kartoteka_runtime.web_api.api_call import ApiCall
from kartoteka_runtime.web_api.fetch_endpoint import FetchEndpoint
from kartoteka_runtime.web_api.known_questions import KnownQuestions
from kartoteka_runtime.web_api.list_request import (
    MOST_ROWS,
    ListRequest,
    read_sent,
)
from kartoteka_runtime.web_api.row_writer import Annotated, WriteRow
from kartoteka_runtime.web_api.written_rows import RowsWriter

_MOST_GROUPS = 50_000
_LONGEST_KEPT = 4_000  # bytes of options and preferences that are kept
_OF_ONE = ("$select", "$expand")


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
            parts.live_registry, Currencies(parts.records, parts.app_folder.currency.code)
        )
        self._rows = rows
        self._fetch = FetchEndpoint(rows)
        self._known = KnownQuestions[ODataQuery]()

    async def answer(self, call: ApiCall, entity: Entity) -> Response:
        """Answer one call.

        Raises:
            QueryError: The question cannot be read, or does not fit the entity.
        """
        asked = _asked(call, entity)
        fetch = asked.word("fetchxml")
        if fetch is not None:
            return await self._fetch.answer(asked, fetch)
        return await self._listed(asked)

    def question_of_one(self, call: ApiCall, entity: Entity) -> OneQuestion:
        """Return what the options and preferences of a request want to know of one record.

        Raises:
            QueryError: An option is unknown or wrong.
        """
        asked = _asked(call, entity)
        for name in asked.options:
            if name[:1] == "$" and name not in _OF_ONE:
                raise QueryError("this is no option of one record", part=name[:60])
        found, write = self._question(asked)
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
        (row,) = await self._rows.written(page.rows, question.write, asked)
        return row

    async def _listed(self, asked: ListRequest) -> Response:
        token = asked.sent.token
        found, write = self._question(asked)
        limit = asked.page_size if found.top is None else min(found.top, MOST_ROWS)
        query = found.query
        if query.is_aggregate and token:
            query, token = replace(query, skip=_skipped(token)), ""
        if limit and not (query.is_aggregate or query.distinct or query.expands):
            return await self._listed_text(asked, found, write, token, limit)
        page = await asked.records.query(
            query, after=token, limit=max(1, limit), with_count=found.with_count
        )
        answer: dict[str, Any] = {
            "@odata.context": asked.context + _selection(found.shown, asked.options)
        }
        if found.with_count:
            answer["@odata.count"] = page.count
            answer |= asked.total(page)
        answer["value"] = await self._rows.written(page.rows[:limit], write, asked)
        following = page.next_after
        if query.is_aggregate and page.has_more:
            following = str(query.skip + len(page.rows))
        if following and found.top is None:
            answer["@odata.nextLink"] = _next_link(asked, following)
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
            "@odata.context": asked.context + _selection(found.shown, asked.options)
        }
        if found.with_count:
            answer["@odata.count"] = page.count
            answer |= asked.total(page)
        answer["value"] = Fragment(page.text)
        if page.next_after and found.top is None:
            answer["@odata.nextLink"] = _next_link(asked, page.next_after)
        return asked.response(answer, page_size=limit if found.top is None else 0)

    def _question(self, asked: ListRequest) -> tuple[ODataQuery, WriteRow]:
        def read() -> ODataQuery:
            view_name = asked.word("savedquery")
            view = _view(view_name, asked) if view_name else None
            found = read_options(asked.sent.question, asked.registry, asked.entity, view=view)
            limit = max(1, asked.page_size if found.top is None else min(found.top, MOST_ROWS))
            return replace(found, query=replace(found.query, limit=limit))

        return self._known.find(asked, asked.sent.texts, read)


def _next_link(asked: ListRequest, following: str) -> str:
    link = urlencode({**asked.options, "$skiptoken": following}, safe="$@")
    return f"{asked.call.root}{asked.entity.set_name}?{link}"


def _asked(call: ApiCall, entity: Entity) -> ListRequest:
    query, prefer = call.request.scope["query_string"], call.header("prefer")
    read = _kept_sent if len(query) + len(prefer) <= _LONGEST_KEPT else read_sent
    return ListRequest(call, entity, read(query, prefer))


_kept_sent = lru_cache(512)(read_sent)  # clients send the same again and again


def _view(name: str, asked: ListRequest) -> View:
    views = {view.name: view for view in asked.registry.views_of[asked.entity.name]}
    if name not in views:
        raise QueryError(
            f'"{asked.entity.name}" has no view "{name[:60]}"',
            part="savedQuery",
            hint=did_you_mean(name, views),
        )
    return views[name]


def _skipped(token: str) -> int:
    """Return how many groups the pages before had."""
    if not (token.isascii() and token.isdigit() and len(token) < 8 and int(token) <= _MOST_GROUPS):
        raise QueryError("this is no token of this list", part="$skiptoken")
    return int(token)


def _selection(shown: ShownRecord, options: Mapping[str, str]) -> str:
    """Return the part of the context that says what was selected."""
    if "$select" not in options:
        return ""
    names = [value.name for value in shown.values]
    names += [f"{inside.name}()" for inside in shown.inside]
    return f"({','.join(names)})"
