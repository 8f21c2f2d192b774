"""SearchRouter: the addresses below ``/api/search/v1.0`` and ``v2.0``.

Source: reference web-api, section 16.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from starlette.responses import Response

from kartoteka_runtime.validation.value_checks import shorten
from kartoteka_runtime.web_api.accepted import require_json
from kartoteka_runtime.web_api.api_call import ApiCall
from kartoteka_runtime.web_api.api_errors import MethodNotTaken, NoSuchAddress
from kartoteka_runtime.web_api.request_body import parse_object, read_bytes
from kartoteka_runtime.web_api.search.search_status import ASKED
from kartoteka_runtime.web_api.search.search_verbs import VERBS, answer_to
from kartoteka_runtime.web_api.serialize import to_json

MOST_BODY_BYTES = 128 * 1024
_SECOND = "2.0"


class SearchRouter:
    """Dispatches calls to what answers them; version 2.0 puts the answer into one text."""

    async def dispatch(self, call: ApiCall) -> Response:
        """Return the answer to a call.

        Raises:
            KartotekaError: It is refused; ``ApiEndpoint`` tells how.
        """
        is_second = call.request.path_params["version"] == _SECOND
        names = [segment.name for segment in call.segments if segment.arguments is None]
        name = names[0] if len(names) == len(call.segments) == 1 else ""
        if name in ASKED:
            if call.method not in ("GET", "HEAD"):
                raise MethodNotTaken("GET, HEAD")
            return _answer(await ASKED[name](call), in_text=is_second)
        if name not in VERBS:
            raise NoSuchAddress(shorten(call.request.path_params["path"]))
        if call.method != "POST":
            raise MethodNotTaken("POST")
        require_json(call.request)
        said = parse_object(await read_bytes(call.request, most=MOST_BODY_BYTES))
        return _answer(await answer_to(call, name, said, is_second=is_second), in_text=is_second)


def _answer(value: Mapping[str, Any], *, in_text: bool) -> Response:
    body = {"response": to_json(value).decode()} if in_text else value
    return Response(to_json(body), 200, media_type="application/json")
