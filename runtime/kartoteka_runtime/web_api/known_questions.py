"""KnownQuestions: questions that were read before, and what writes their rows.

Clients ask the same again and again; reading a question costs more than answering it.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable
from dataclasses import replace
from typing import Generic, TypeVar

from kartoteka.query.fetch_xml import FetchQuery
from kartoteka.query.odata import ODataQuery
from kartoteka.query.sql_query import SqlQuery
from kartoteka_runtime.web_api.currency_columns import with_currencies
from kartoteka_runtime.web_api.list_request import ListRequest
from kartoteka_runtime.web_api.row_writer import WriteRow, build_row_writer

_MOST = 512  # questions that are kept
_LONGEST = 4_000  # characters of a question that is kept

Question = TypeVar("Question", ODataQuery, FetchQuery, SqlQuery)


class KnownQuestions(Generic[Question]):
    """Keeps questions of one kind, those asked longest ago going first."""

    def __init__(self) -> None:
        """Begin with none."""
        self._kept: dict[Hashable, tuple[Question, WriteRow]] = {}

    def find(
        self, asked: ListRequest, texts: tuple[str, ...], read: Callable[[], Question]
    ) -> tuple[Question, WriteRow]:
        """Return what ``texts`` ask, and what writes its rows for whoever asks.

        ``read`` reads the texts when they are new.
        """
        if sum(map(len, texts)) > _LONGEST:
            return _made(asked, read())
        principal = asked.principal
        key = (
            asked.records.model.number,
            asked.entity.name,
            asked.wanted,
            principal.language,
            principal.time_zone,
            texts,
        )
        found = self._kept.pop(key, None)
        if found is None:
            found = _made(asked, read())
            if len(self._kept) >= _MOST:
                del self._kept[next(iter(self._kept))]
        self._kept[key] = found
        return found


def _made(asked: ListRequest, question: Question) -> tuple[Question, WriteRow]:
    query = replace(question.query, with_labels=asked.wanted.formatted)
    if asked.wanted.formatted:
        query = with_currencies(query, asked.registry)
    write = build_row_writer(question.shown, asked.wanted, asked.reader, asked.registry)
    return replace(question, query=query), write
