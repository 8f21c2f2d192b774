"""Lists whose changes are tracked: ``Prefer: odata.track-changes`` and ``$deltatoken``.

Source: reference web-api, section 9; decisions/0043.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

from orjson import Fragment
from starlette.responses import Response

from kartoteka.conditions.syntax import Operator
from kartoteka.conditions.typed import Compared
from kartoteka.query.odata import ODataQuery, read_options
from kartoteka.query.of_view import path_of
from kartoteka.query.query import OrderKey
from kartoteka.query.query_error import QueryError
from kartoteka_runtime.records.changes import tracks_changes
from kartoteka_runtime.records.reading import COUNT_CAP
from kartoteka_runtime.storage.json_rows import to_json
from kartoteka_runtime.storage.record_queries import VERSION
from kartoteka_runtime.web_api.change_tokens import (
    TRACKED,
    ChangeToken,
    TrackedPage,
    read_change_token,
    read_tracked_page,
)
from kartoteka_runtime.web_api.known_questions import KnownQuestions
from kartoteka_runtime.web_api.list_request import ListRequest, selection
from kartoteka_runtime.web_api.row_writer import WriteRow
from kartoteka_runtime.web_api.written_rows import RowsWriter, WrittenPage

__all__ = ["TRACKED", "ChangesEndpoint"]
_TAKEN = ("$select", "$count", "$skiptoken", "$deltatoken")
_SELECT = "$select"


@dataclass(frozen=True, slots=True)
class _Tracked:
    """What one call asks: since which version (None: everything), and which page of it."""

    since: int | None
    page: TrackedPage
    select: str


class ChangesEndpoint:
    """Answers tracked lists: all records first, then what changed."""

    def __init__(self, rows: RowsWriter) -> None:
        """Write rows with ``rows``."""
        self._rows = rows
        self._known = KnownQuestions[ODataQuery]()

    async def answer(self, asked: ListRequest) -> Response:
        """Answer one request.

        Raises:
            QueryError: Changes of these records are not tracked, an option does not go with it, or
                a token is wrong.
            CallRefused: A token is too old.
        """
        tracked = await _tracked(asked)
        found, write = self._question(asked, tracked.select)
        page, limit = tracked.page, asked.page_size
        rows, gone = WrittenPage(), b""
        room, following = limit, None
        if page.gone_after < 0:
            rows = await self._changed(asked, tracked, found, write, limit)
            if rows.next_after:
                following, room = replace(page, after=rows.next_after), 0
            else:
                room = limit - rows.found
        if tracked.since is not None and following is None:
            begin = max(page.gone_after, tracked.since)
            told = await asked.records.gone_since(asked.entity.name, begin, room)
            gone = b",".join(to_json(_gone(asked, identity)) for _, identity in told.found)
            if told.has_more:
                last = told.found[-1][0] if told.found else begin
                following = replace(page, after="", gone_after=last)
        is_delta = "/$delta" if tracked.since is not None else ""
        options = {_SELECT: tracked.select} if tracked.select else {}
        context = asked.context + selection(found.shown, options) + is_delta
        answer: dict[str, Any] = {"@odata.context": context}
        if found.with_count:
            answer["@odata.count"] = rows.count
        answer |= asked.of_list(None)
        answer["value"] = Fragment(_joined(rows.text, gone))
        if following is not None:
            answer["@odata.nextLink"] = _link(asked, tracked, {"$skiptoken": following.write()})
        else:
            token = ChangeToken(
                asked.entity.name, page.version, int(datetime.now(UTC).timestamp()), tracked.select
            )
            answer["@odata.deltaLink"] = _link(
                asked, tracked, {"$deltatoken": token.write()}, ends=True
            )
        return asked.response(answer, page_size=limit, tracked=True)

    async def count(self, asked: ListRequest) -> int:
        """Return how many changes there are since a token, counted up to a limit."""
        tracked = await _tracked(asked)
        assert tracked.since is not None
        found, _ = self._question(asked, tracked.select)
        query = _since(found, tracked.since, asked).query
        page = await asked.records.query(query, limit=1, with_count=True)
        gone = await asked.records.gone_since(asked.entity.name, tracked.since, COUNT_CAP)
        return min(page.count + len(gone.found), COUNT_CAP)

    async def _changed(
        self,
        asked: ListRequest,
        tracked: _Tracked,
        found: ODataQuery,
        write: WriteRow,
        limit: int,
    ) -> WrittenPage:
        """Return a page of the records that there are, or that changed."""
        if tracked.since is not None:
            found = _since(found, tracked.since, asked)
        return await self._rows.page(
            found.query,
            write,
            asked,
            after=tracked.page.after,
            limit=limit,
            with_count=found.with_count,
        )

    def _question(self, asked: ListRequest, select: str) -> tuple[ODataQuery, WriteRow]:
        options = {name: text for name, text in asked.sent.question.items() if name != _SELECT}
        if select:
            options[_SELECT] = select

        def read() -> ODataQuery:
            return read_options(options, asked.registry, asked.entity)

        return self._known.find(asked, tuple(f"{k}={v}" for k, v in options.items()), read)


async def _tracked(asked: ListRequest) -> _Tracked:
    """Return what a call asks, as its options and tokens say it.

    Raises:
        QueryError: They do not go together, or a token is wrong.
        CallRefused: A token is too old.
    """
    _refuse_others(asked)
    select = asked.options.get(_SELECT, "")
    since = None
    if asked.sent.changes_token is not None:
        now = datetime.now(UTC)
        token = read_change_token(asked.sent.changes_token, asked.entity.name, now)
        if not await asked.records.is_version_reached(token.version):
            raise QueryError("this token is one of another database", part="$deltatoken")
        since, select = token.version, select or token.select
    if asked.sent.token:
        page = read_tracked_page(asked.sent.token)
        if not await asked.records.is_version_reached(page.version):
            raise QueryError("this token is one of another database", part="$skiptoken")
        select = select or page.select
    else:
        version = await asked.records.change_horizon()
        page = TrackedPage(max(version, since or 0), select=select)
    return _Tracked(since, page, select)


def _refuse_others(asked: ListRequest) -> None:
    """Refuse options that a tracked list does not take, and records that are not tracked."""
    for name in asked.options:
        if name[:1] == "$" and name not in _TAKEN:
            raise QueryError("this does not go with tracked changes", part=name[:60])
    for name in asked.sent.words:
        if name in ("fetchxml", "savedquery", "userquery", "sql"):
            raise QueryError("this does not go with tracked changes", part=name)
    if asked.link is not None:
        raise QueryError("only whole entity sets are tracked", part="odata.track-changes")
    if not tracks_changes(asked.entity):
        message = f'changes of "{asked.entity.name}" are not tracked'
        hint = "give the entity the feature change_tracking"
        raise QueryError(message, part="odata.track-changes", hint=hint)


def _since(found: ODataQuery, version: int, asked: ListRequest) -> ODataQuery:
    """Return the question for what changed after a version, in the order of changes."""
    path = path_of(asked.registry, asked.entity.name, VERSION)
    condition = Compared(path, Operator.GT, version)
    return replace(found, query=replace(found.query, condition=condition, order=(OrderKey(path),)))


def _gone(asked: ListRequest, identity: str) -> Mapping[str, str]:
    """Return how a record is told that is gone: exactly these three members."""
    context = f"{asked.call.root}$metadata#{asked.entity.set_name}/$deletedEntity"
    return {"@odata.context": context, "id": identity, "reason": "deleted"}


def _joined(rows: bytes, gone: bytes) -> bytes:
    """Return two lists of JSON objects as one; the first has its brackets."""
    if not gone:
        return rows
    return b"[" + gone + b"]" if rows == b"[]" else rows[:-1] + b"," + gone + b"]"


def _link(
    asked: ListRequest, tracked: _Tracked, token: Mapping[str, str], *, ends: bool = False
) -> str:
    """Return a link that goes on; one that ``ends`` the pages drops the tokens of this call."""
    options = {
        name: text
        for name, text in asked.options.items()
        if name != "$skiptoken" and not (ends and name == "$deltatoken")
    }
    if tracked.select:
        options[_SELECT] = tracked.select
    return f"{asked.call.root}{asked.address}?{urlencode({**options, **token}, safe='$@')}"
