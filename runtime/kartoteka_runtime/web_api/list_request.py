"""One request for a list: who asks, of which entity, with which options and preferences."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any
from urllib.parse import urlencode

from starlette.datastructures import QueryParams
from starlette.responses import Response

from kartoteka.model.entity import Entity
from kartoteka.names import did_you_mean
from kartoteka.plugin_api.contexts import Principal
from kartoteka.query.odata import OPTIONS
from kartoteka.query.query_error import QueryError
from kartoteka.query.shown import ShownRecord
from kartoteka.registry import Registry
from kartoteka_runtime.records.acting_records import ActingRecords
from kartoteka_runtime.records.reading import RecordPage, TextPage
from kartoteka_runtime.web_api.api_call import ApiCall
from kartoteka_runtime.web_api.collection_link import CollectionLink
from kartoteka_runtime.web_api.formatted_values import Reader
from kartoteka_runtime.web_api.preferences import Preferences, read_preferences
from kartoteka_runtime.web_api.row_writer import Annotated, annotated
from kartoteka_runtime.web_api.serialize import to_json

MOST_ROWS = 5_000  # of one page. Source: reference web-api, section 5
CRM = "Microsoft.Dynamics.CRM."
_TOTAL, _IS_MORE = "totalrecordcount", "totalrecordcountlimitexceeded"
_PUBLICATION = "globalmetadataversion"
_OF_LIST = (_TOTAL, _IS_MORE, _PUBLICATION)
_MOST_OPTIONS = 500
_HEADERS = {"OData-Version": "4.0"}
_JSON = "application/json; odata.metadata=minimal"
WORDS = ("fetchxml", "savedquery", "userquery", "sql")  # options without $, in any casing


@dataclass(frozen=True, slots=True)
class Sent:
    """What the query string and the ``Prefer`` header of a request say.

    ``question`` are the options that begin with ``$`` or ``@``, but for the tokens of pages and of
    changes; ``texts`` are the same as words that tell the question from others. ``words`` are the
    options that begin with neither, by their name in lower case. ``wanted`` are the annotations
    that values carry, ``told_of_list`` those that the list itself does.
    """

    options: Mapping[str, str]
    question: Mapping[str, str]
    texts: tuple[str, ...]
    token: str
    changes_token: str | None
    words: Mapping[str, str]
    preferences: Preferences
    wanted: Annotated
    told_of_list: frozenset[str]


def read_sent(query: bytes, prefer: str) -> Sent:
    """Return what a request says.

    Raises:
        QueryError: An option is unknown, or was sent twice.
    """
    pairs = QueryParams(query).multi_items()
    if len(pairs) > _MOST_OPTIONS:
        raise QueryError(f"an address has at most {_MOST_OPTIONS} options")
    options = dict(pairs)
    refuse_unknown(options)
    refuse_repeated([name for name, _ in pairs])
    question = {name: text for name, text in options.items() if name[:1] in ("$", "@")}
    token = question.pop("$skiptoken", "")
    changes_token = question.pop("$deltatoken", None)
    words: dict[str, str] = {}
    for name, text in options.items():
        if name[:1] not in ("$", "@"):
            words.setdefault(name.lower(), text)
    texts = (words.get("savedquery", ""), *chain.from_iterable(sorted(question.items())))
    preferences = read_preferences(prefer)
    return Sent(
        options, question, texts, token, changes_token, words, preferences,
        wanted=annotated(preferences),
        told_of_list=frozenset(name for name in _OF_LIST if preferences.wants(CRM + name)),
    )  # fmt: skip


@dataclass(frozen=True, slots=True)
class ListRequest:
    """One call for records: who asks, about which entity, and what was sent.

    ``link`` narrows a list to the records that belong to one.
    """

    call: ApiCall
    entity: Entity
    sent: Sent
    link: CollectionLink | None = None

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

    @property
    def address(self) -> str:
        """Return where the list lies, below the address of the API."""
        return self.entity.set_name if self.link is None else self.link.address

    def word(self, name: str) -> str | None:
        """Return an option that has no ``$``, in whichever casing it was sent."""
        return self.sent.words.get(name)

    def of_list(self, counted: RecordPage | TextPage | None) -> dict[str, Any]:
        """Return the annotations that every list has, as far as they were asked for.

        Without a page that is ``counted`` the total is -1, as clients know it.
        """
        wanted = self.sent.told_of_list
        if not wanted:
            return {}
        values: dict[str, Any] = {
            _TOTAL: -1 if counted is None else counted.count,
            _IS_MORE: counted is not None and counted.is_capped,
            _PUBLICATION: str(self.records.model.number),
        }
        return {f"@{CRM}{name}": value for name, value in values.items() if name in wanted}

    def told(self, **annotations: Any) -> dict[str, Any]:
        """Return annotations of the whole answer, those that were asked for."""
        return {
            f"@{CRM}{name}": value
            for name, value in annotations.items()
            if self.sent.preferences.wants(CRM + name)
        }

    def response(
        self, answer: Mapping[str, Any], *, page_size: int = 0, tracked: bool = False
    ) -> Response:
        """Return an answer; ``page_size`` is the one used where the request preferred one.

        ``tracked`` tells that the list ends with a link to what changes later.
        """
        headers = dict(_HEADERS)
        if applied := self.sent.preferences.applied(page_size, tracked=tracked):
            headers["Preference-Applied"] = applied
        return Response(to_json(answer), 200, headers, media_type=_JSON)


def next_link(asked: ListRequest, following: str) -> str:
    """Return the address of the page that a token stands for."""
    link = urlencode({**asked.options, "$skiptoken": following}, safe="$@")
    return f"{asked.call.root}{asked.address}?{link}"


def selection(shown: ShownRecord, options: Mapping[str, str]) -> str:
    """Return the part of the context that says what was selected."""
    if "$select" not in options:
        return ""
    names = [value.name for value in shown.values]
    names += [f"{inside.name}()" for inside in shown.inside]
    return f"({','.join(names)})"


def refuse_unknown(options: Mapping[str, str]) -> None:
    """Refuse options that would change the answer if they were understood.

    Raises:
        QueryError: One is there.
    """
    for name in options:
        lower = name.lower()
        if f"${lower}" in OPTIONS:
            raise QueryError("there is no such option", part=name[:60], hint=f"write ${lower}")
        near = did_you_mean(lower, WORDS) if name[:1] not in "$@" else ""
        if near and lower not in WORDS:
            raise QueryError("there is no such option", part=name[:60], hint=near)


def refuse_repeated(names: Sequence[str]) -> None:
    """Refuse options that were sent more than once, of which only one could be heeded.

    Raises:
        QueryError: One is there.
    """
    known = [name.lower() if name.lower() in WORDS else name for name in names]
    for name in known:
        if (name[:1] in "$@" or name in WORDS) and known.count(name) > 1:
            raise QueryError("this is there twice", part=name[:60])
    texts = [name for name in known if name in WORDS]
    if len(texts) > 1:
        raise QueryError(f"this does not go with {texts[0]}", part=texts[1])
