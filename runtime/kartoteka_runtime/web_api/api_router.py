"""ApiRouter: which handler answers a call, by what the segments of its path name."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from starlette.responses import Response

from kartoteka.model.entity import Entity
from kartoteka_runtime.validation.value_checks import shorten
from kartoteka_runtime.web_api.api_call import ApiCall, Handler
from kartoteka_runtime.web_api.api_errors import NoSuchAddress

EntityHandler = Callable[[ApiCall, Entity], Awaitable[Response]]


class Dispatcher(Protocol):
    """Knows who answers a call, of one kind of addresses."""

    async def dispatch(self, call: ApiCall) -> Response:
        """Return the answer to a call.

        Raises:
            KartotekaError: It is refused; ``ApiEndpoint`` tells how.
        """
        ...


@dataclass(frozen=True, slots=True)
class ApiRouter:
    """The handlers of one app.

    Attributes:
        first: Handlers by the first segment of a path, such as ``$batch``; "" is the service
            document.
        records: Answers what begins with an entity set.
        operation: Answers operations, bound and unbound: None when there is no such one.
    """

    first: Mapping[str, Handler]
    records: EntityHandler
    operation: Callable[[ApiCall], Awaitable[Response | None]]

    async def dispatch(self, call: ApiCall) -> Response:
        """Return the answer to a call.

        Raises:
            KartotekaError: It is refused; ``ApiEndpoint`` tells how.
        """
        segments = call.segments
        name = segments[0].name if segments else ""
        handler = self.first.get(name)
        if handler is not None:
            return await handler(call)
        entity = call.registry.entity_by_set_name.get(name)
        if entity is None or segments[-1].operation:
            answer = await self.operation(call)
            if answer is not None:
                return answer
        if entity is None:
            raise NoSuchAddress(shorten(name))
        return await self.records(call, entity)
