"""SQL over one entity set: ``sql=``. Source: reference web-api, section 8."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from orjson import Fragment
from starlette.responses import Response

from kartoteka.query.query_error import QueryError
from kartoteka.query.sql_parser import MOST_SKIPPED
from kartoteka.query.sql_query import SqlQuery, read_sql
from kartoteka.query.sql_tokens import PART
from kartoteka_runtime.web_api.known_questions import KnownQuestions
from kartoteka_runtime.web_api.list_request import ListRequest, next_link
from kartoteka_runtime.web_api.row_writer import WriteRow
from kartoteka_runtime.web_api.written_rows import RowsWriter


class SqlEndpoint:
    """Answers ``sql=``."""

    def __init__(self, rows: RowsWriter) -> None:
        """Write rows with ``rows``."""
        self._rows = rows
        self._known = KnownQuestions[SqlQuery]()

    async def answer(self, asked: ListRequest, text: str) -> Response:
        """Answer one request.

        Raises:
            QueryError: The text is no SELECT that is read here, or does not fit the entity.
        """
        for name in asked.options:
            if name[:1] == "$" and name != "$skiptoken":
                raise QueryError("this does not go with sql", part=name[:60])
        found, write = self._known.find(asked, (text,), lambda: read_sql(text, asked.registry))
        if found.query.entity != asked.entity.name:
            message = f'the query asks for "{found.query.entity}", not "{asked.entity.name}"'
            raise QueryError(message, part=PART)
        answer: dict[str, Any] = {"@odata.context": asked.context, **asked.of_list(None)}
        query = found.query
        if found.most is None and not (found.skip or query.is_aggregate or query.distinct):
            return await self._listed(asked, found, write, answer)
        told = _told(asked.sent.token)
        room = asked.page_size if found.most is None else found.most - told
        limit = min(room, asked.page_size)
        skip = found.skip + told
        if skip > MOST_SKIPPED + asked.page_size:
            raise QueryError(f"rows are counted off up to {MOST_SKIPPED}", part=PART)
        page = await asked.records.query(replace(query, skip=skip), limit=max(1, limit))
        rows = page.rows[: max(0, limit)]
        answer["value"] = await self._rows.written(rows, write, asked)
        if page.has_more and 0 < limit and (found.most is None or limit < room):
            answer["@odata.nextLink"] = next_link(asked, str(told + len(rows)))
        return asked.response(answer)

    async def _listed(
        self, asked: ListRequest, found: SqlQuery, write: WriteRow, answer: dict[str, Any]
    ) -> Response:
        """Answer with rows whose pages follow one another by their values."""
        limit = asked.page_size
        page = await self._rows.page(found.query, write, asked, after=asked.sent.token, limit=limit)
        answer["value"] = Fragment(page.text)
        if page.next_after:
            answer["@odata.nextLink"] = next_link(asked, page.next_after)
        return asked.response(answer, page_size=limit)


def _told(token: str) -> int:
    """Return how many rows the pages before had."""
    if not token:
        return 0
    if not (token.isascii() and token.isdigit() and len(token) < 8):
        raise QueryError("this is no token of this list", part="$skiptoken")
    return int(token)
