"""What every answer of the API says in its headers: the version, and which request it answers.

Source: reference web-api, section 1.
"""

from __future__ import annotations

import secrets
from itertools import count

from starlette.responses import Response

SERVICE_REQUEST_ID = "x-ms-service-request-id"

_VERSION = (b"odata-version", b"4.0")
_ID = SERVICE_REQUEST_ID.encode()
_random = secrets.token_hex(8)
_process = f"{_random[:8]}-{_random[8:12]}-4{_random[12:15]}-8{secrets.token_hex(2)[:3]}-".encode()
_numbers = count(secrets.randbelow(1 << 40))


def service_request_id() -> str:
    """Return a new id for a request: random for each process, then counted (a random one costs)."""
    return _new_id().decode()


def complete(response: Response) -> None:
    """Give an answer the headers that it does not have yet."""
    headers = response.raw_headers
    has_version = has_id = False
    for name, _ in headers:
        if name == b"odata-version":
            has_version = True
        elif name == _ID:
            has_id = True
    if not has_version:
        headers.append(_VERSION)
    if not has_id:
        headers.append((_ID, _new_id()))


def _new_id() -> bytes:
    return b"%b%012x" % (_process, next(_numbers))
