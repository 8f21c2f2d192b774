"""Search as operations of the data service: what ``/api/search/v2.0`` answers, in one text.

Source: reference web-api, section 16.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from functools import partial
from typing import Any

from kartoteka.plugin_api.operations import FUNCTION, ApiOperation, ApiValue
from kartoteka_runtime.web_api.api_call import ApiCall
from kartoteka_runtime.web_api.operations.invocation import Invocation, OwnOperation
from kartoteka_runtime.web_api.search.search_router import MOST_BODY_BYTES
from kartoteka_runtime.web_api.search.search_status import search_statistics, search_status
from kartoteka_runtime.web_api.search.search_verbs import answer_to
from kartoteka_runtime.web_api.serialize import to_json

_RESULT = (ApiValue("response"),)
_SEARCH = (ApiValue("search"),)
_EVERYWHERE = tuple(ApiValue(name, is_optional=True) for name in ("entities", "filter", "options"))
_PAGE = (
    ApiValue("top", "whole_number", is_optional=True), ApiValue("orderby", is_optional=True),
)  # fmt: skip
_FUZZY = (ApiValue("fuzzy", "yes_no", is_optional=True),)
_QUERY = (
    ApiValue("skip", "whole_number", is_optional=True), ApiValue("facets", is_optional=True),
    ApiValue("count", "yes_no", is_optional=True),
)  # fmt: skip


async def _searched(verb: str, invocation: Invocation) -> Mapping[str, Any]:
    said = invocation.parameters
    return _in_text(await answer_to(invocation.call, verb, said, is_second=True))


async def _told(
    ask: Callable[[ApiCall], Awaitable[Mapping[str, Any]]], invocation: Invocation
) -> Mapping[str, Any]:
    return _in_text(await ask(invocation.call))


def _in_text(value: Mapping[str, Any]) -> Mapping[str, Any]:
    return {"response": to_json(value).decode()}


def _action(verb: str, parameters: tuple[ApiValue, ...]) -> OwnOperation:
    return OwnOperation(
        ApiOperation(f"search{verb}", parameters=parameters, result=_RESULT),
        partial(_searched, verb),
        in_transaction=False,
        most_bytes=MOST_BODY_BYTES,
    )


SEARCH_OPERATIONS: tuple[OwnOperation, ...] = (
    _action("query", (*_SEARCH, *_EVERYWHERE, *_PAGE, *_QUERY)),
    _action("suggest", (*_SEARCH, *_EVERYWHERE, *_PAGE, *_FUZZY)),
    _action("autocomplete", (*_SEARCH, *_EVERYWHERE, *_FUZZY)),
    OwnOperation(
        ApiOperation("searchstatus", FUNCTION, result=_RESULT), partial(_told, search_status)
    ),
    OwnOperation(
        ApiOperation("searchstatistics", FUNCTION, result=_RESULT),
        partial(_told, search_statistics),
    ),
)
