"""One request for a list: who asks, of which entity, with which options and preferences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any

from starlette.datastructures import QueryParams
from starlette.responses import Response

from kartoteka.model.entity import Entity
from kartoteka.names import did_you_mean
from kartoteka.plugin_api.contexts import Principal
from kartoteka.query.odata import OPTIONS
from kartoteka.query.query_error import QueryError
from kartoteka.registry import Registry
from kartoteka_runtime.records.reading import RecordPage, TextPage
from kartoteka_runtime.records.record_service import ActingRecords
from kartoteka_runtime.web_api.api_call import ApiCall
from kartoteka_runtime.web_api.formatted_values import Reader
from kartoteka_runtime.web_api.preferences import Preferences, read_preferences
from kartoteka_runtime.web_api.row_writer import Annotated, annotated
from kartoteka_runtime.web_api.serialize import to_json

MOST_ROWS = 5_000  # of one page. Source: reference web-api, section 5
CRM = "Microsoft.Dynamics.CRM."
_HEADERS = {"OData-Version": "4.0"}
_JSON = "application/json; odata.metadata=minimal"
_WORDS = ("fetchxml", "savedquery")  # options without $, in any casing
_REFUSED = ("sql", "userquery")


@dataclass(frozen=True, slots=True)
class Sent:
    """What the query string and the ``Prefer`` header of a request say.

    ``question`` are the options that begin with ``$`` or ``@``, but for the page token; ``texts``
    are the same as words that tell the question from others. ``words`` are the options that begin
    with neither, by their name in lower case. ``wanted`` are the annotations that values carry.
    """

    options: Mapping[str, str]
    question: Mapping[str, str]
    texts: tuple[str, ...]
    token: str
    words: Mapping[str, str]
    preferences: Preferences
    wanted: Annotated


def read_sent(query: bytes, prefer: str) -> Sent:
    """Return what a request says.

    Raises:
        QueryError: An option is unknown, or was sent twice.
    """
    pairs = QueryParams(query).multi_items()
    options = dict(pairs)
    refuse_unknown(options)
    refuse_repeated([name for name, _ in pairs])
    question = {name: text for name, text in options.items() if name[:1] in ("$", "@")}
    token = question.pop("$skiptoken", "")
    words: dict[str, str] = {}
    for name, text in options.items():
        if name[:1] not in ("$", "@"):
            words.setdefault(name.lower(), text)
    texts = (words.get("savedquery", ""), *chain.from_iterable(sorted(question.items())))
    preferences = read_preferences(prefer)
    return Sent(options, question, texts, token, words, preferences, annotated(preferences))


@dataclass(frozen=True, slots=True)
class ListRequest:
    """One call for records: who asks, about which entity, and what was sent."""

    call: ApiCall
    entity: Entity
    sent: Sent

    @property
    def records(self) -> ActingRecords:
        """Return the record service as who asks uses it."""
        return self.call.records

    @property
    def principal(self) -> Principal:
        """Return who asks."""
        return self.call.principal

    @property
    def options(self) -> Mapping[str, str]:
        """Return all options, as they were sent."""
        return self.sent.options

    @property
    def wanted(self) -> Annotated:
        """Return the annotations that values carry."""
        return self.sent.wanted

    @property
    def registry(self) -> Registry:
        """Return the registry that the request works with to its end."""
        return self.records.model.registry

    @property
    def page_size(self) -> int:
        """Return how many records a page has at most."""
        return min(self.sent.preferences.page_size or MOST_ROWS, MOST_ROWS)

    @property
    def reader(self) -> Reader:
        """Return who reads the answer."""
        principal = self.principal
        return Reader(self.records.model.labels, principal.language, principal.time_zone)

    @property
    def context(self) -> str:
        """Return the answer's ``@odata.context``, without what was selected."""
        return f"{self.call.root}$metadata#{self.entity.set_name}"

    def word(self, name: str) -> str | None:
        """Return an option that has no ``$``, in whichever casing it was sent."""
        return self.sent.words.get(name)

    def total(self, page: RecordPage | TextPage) -> dict[str, Any]:
        """Return the annotations of a count, as far as they were asked for."""
        return self.told(totalrecordcount=page.count, totalrecordcountlimitexceeded=page.is_capped)

    def told(self, **annotations: Any) -> dict[str, Any]:
        """Return annotations of the whole answer, those that were asked for."""
        return {
            f"@{CRM}{name}": value
            for name, value in annotations.items()
            if self.sent.preferences.wants(CRM + name)
        }

    def response(self, answer: Mapping[str, Any], *, page_size: int = 0) -> Response:
        """Return an answer; ``page_size`` is the one used where the request preferred one."""
        headers = dict(_HEADERS)
        if applied := self.sent.preferences.applied(page_size):
            headers["Preference-Applied"] = applied
        return Response(to_json(answer), 200, headers, media_type=_JSON)


def refuse_unknown(options: Mapping[str, str]) -> None:
    """Refuse options that would change the answer if they were understood.

    Raises:
        QueryError: One is there.
    """
    for name in options:
        lower = name.lower()
        if lower in _REFUSED:
            raise QueryError("this is not supported", part=name[:60])
        if f"${lower}" in OPTIONS:
            raise QueryError("there is no such option", part=name[:60], hint=f"write ${lower}")
        near = did_you_mean(lower, _WORDS) if name[:1] not in "$@" else ""
        if near and lower not in _WORDS:
            raise QueryError("there is no such option", part=name[:60], hint=near)


def refuse_repeated(names: Sequence[str]) -> None:
    """Refuse options that were sent more than once, of which only one could be heeded.

    Raises:
        QueryError: One is there.
    """
    known = [name.lower() if name.lower() in _WORDS else name for name in names]
    for name in known:
        if (name[:1] in "$@" or name in _WORDS) and known.count(name) > 1:
            raise QueryError("this is there twice", part=name[:60])
