"""ApiCall: one call of the Web API, whether it came by itself or inside a batch."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from starlette.requests import Request
from starlette.responses import Response

from kartoteka.labels import LabelResolver
from kartoteka.plugin_api.contexts import Principal
from kartoteka.registry import Registry
from kartoteka_runtime.records.acting_records import ActingRecords
from kartoteka_runtime.web_api.resource_path import Segment

MOST_BODY_BYTES = 4 * 1024 * 1024  # of a body that is held whole


@dataclass(frozen=True, slots=True)
class ApiCall:
    """One call.

    Attributes:
        request: Method, headers, query string and body. Inside a batch it is made of the part.
        segments: What its path names; none for the service document.
        principal: Who calls.
        records: The record service as that one uses it, bound to one publication; inside a change
            set its calls share the transaction of the set.
        root: The absolute address of the API as the client wrote it, with a slash at its end.
        created: Inside a change set what ``$1`` stands for: ``{"1": "accounts(1111…)"}``.
    """

    request: Request
    segments: tuple[Segment, ...]
    principal: Principal
    records: ActingRecords
    root: str
    created: dict[str, str] = field(default_factory=dict)

    @property
    def method(self) -> str:
        """Return the method of HTTP."""
        return self.request.method

    @property
    def registry(self) -> Registry:
        """Return the registry that the call works with to its end."""
        return self.records.model.registry

    @property
    def labels(self) -> LabelResolver:
        """Return the texts of the publication."""
        return self.records.model.labels

    def header(self, name: str) -> str:
        """Return a header; an empty text when there is none."""
        return self.request.headers.get(name, "")


Handler = Callable[[ApiCall], Awaitable[Response]]
