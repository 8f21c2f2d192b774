"""A request of a batch → the call that handlers answer.

Targets are absolute with any origin, begin at the host, at the address of the API, or at something
that the change set has created (``$1``). Source: reference web-api, section 11.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote, unquote

from starlette.requests import Request
from starlette.types import Message, Receive

from kartoteka_runtime.validation.value_checks import shorten
from kartoteka_runtime.web_api.api_call import ApiCall
from kartoteka_runtime.web_api.api_errors import CallRefused, NoSuchAddress
from kartoteka_runtime.web_api.batch_parts import MOST_LINE, BatchPart

_ORIGIN = re.compile(r"[A-Za-z][A-Za-z0-9+.-]{0,20}://[^/?#]*")
_API = re.compile(r"/?api/data/v9\.[0-9]{1,3}(?=[/?]|$)")
_CREATED = re.compile(r"\$([^/?()\s]+)(?=[/(]|$)")
_OWN_NAMES = frozenset({"batch", "metadata", "all", "crossjoin", "entity"})
_NOT_PRINTED = re.compile(r"[\x00-\x1f\x7f]")
_QUERY_SAFE = "".join(map(chr, range(0x21, 0x7F)))  # what a query may hold as it is

# The headers of the batch that hold for every request of it.
_SHARED = frozenset(
    {b"host", b"user-agent", b"accept-language", b"odata-version", b"odata-maxversion",
     b"mscrmcallerid", b"callerobjectid", b"consistency", b"mscrm.suppressduplicatedetection",
     b"mscrm.bypasscustompluginexecution", b"mscrm.solutionuniquename", b"mscrm.mergelabels"}
)  # fmt: skip
_NEVER = frozenset(
    {
        "host", "authorization", "cookie", "content-length", "transfer-encoding",
        "accept-encoding",  # the whole answer is compressed, never a part of it
    }
)  # fmt: skip


def request_of(part: BatchPart, call: ApiCall, created: Mapping[str, str]) -> Request:
    """Return a request of a batch; ``call`` is the batch's own.

    Raises:
        CallRefused: The target is too long, or begins with something that was not created.
        NoSuchAddress: It is no address of the API.
    """
    path, query = _target(part.target, created)
    outer = call.request.scope
    minor = call.request.path_params["minor"]
    own = [(name.encode(), value.encode()) for name, value in part.headers if name not in _NEVER]
    named = {name for name, _ in own}
    headers = [
        (name, value) for name, value in outer["headers"] if name in _SHARED and name not in named
    ]
    scope = {
        "type": "http",
        "asgi": {"version": "3.0", "spec_version": "2.4"},  # nobody waits for who breaks off
        "http_version": "1.1",
        "method": part.method,
        "scheme": outer.get("scheme", "http"),
        "server": outer.get("server"),
        "client": outer.get("client"),
        "root_path": "",
        "path": f"/api/data/v9.{minor}/{path}",
        "raw_path": f"/api/data/v9.{minor}/{quote(path)}".encode(),
        "query_string": query,
        "headers": [*headers, *own, (b"content-length", str(len(part.body)).encode())],
        "path_params": {"minor": minor, "path": path},
    }
    if "app" in outer:
        scope["app"] = outer["app"]
    return Request(scope, _receive_once(part.body))


def _target(target: str, created: Mapping[str, str]) -> tuple[str, bytes]:
    """Return the path below the address of the API, decoded, and the query string."""
    if len(target.encode()) > MOST_LINE:
        raise CallRefused(414, f"The address is longer than {MOST_LINE} bytes.")
    origin = _ORIGIN.match(target)
    rest = target[origin.end() :] if origin is not None else target
    below = _API.match(rest)
    if below is not None:
        rest = rest[below.end() :]
    elif origin is not None or rest.startswith("/api/"):
        raise NoSuchAddress(shorten(target))
    written, _, query = rest.partition("?")
    path = unquote(written.removeprefix("/"))
    if _NOT_PRINTED.search(path):
        raise CallRefused(400, f"{shorten(target)} holds control characters.")
    return _with_created(path, created), _query(query)


def _with_created(path: str, created: Mapping[str, str]) -> str:
    found = _CREATED.match(path)
    if found is None or found[1] in _OWN_NAMES:
        return path
    known = created.get(found[1])
    if known is None:
        raise CallRefused(400, f"{shorten(found[0])} refers to nothing that came before.")
    return known + path[found.end() :]


def _query(text: str) -> bytes:
    """Return a query string as a request by itself would carry it.

    One with raw spaces was never encoded as a form: its plus signs are such.
    """
    if " " in text:
        text = text.replace("+", "%2B").replace(" ", "%20")
    return quote(text, safe=_QUERY_SAFE).encode()


def _receive_once(body: bytes) -> Receive:
    messages: list[Message] = [
        {"type": "http.disconnect"},
        {"type": "http.request", "body": body, "more_body": False},
    ]

    async def receive() -> Message:
        return messages.pop() if len(messages) > 1 else messages[0]

    return receive
