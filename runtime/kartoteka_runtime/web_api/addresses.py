"""Addresses that answers of the Web API name: of the API itself and of records."""

from __future__ import annotations

from functools import lru_cache

from starlette.datastructures import URL
from starlette.requests import Request

from kartoteka.model.entity import Entity

_HOSTS = 256  # whose addresses are kept
_MINOR = 2  # of the version that calls are told of which name none
_LONGEST_HOST = 255  # characters of a host's name and port that are kept


def root_of(request: Request) -> str:
    """Return the address of the API as the request named it, with a slash at its end."""
    scope = request.scope
    host = next((value for name, value in scope["headers"] if name == b"host"), None)
    find = _root if host is None or len(host) <= _LONGEST_HOST else _root.__wrapped__
    return find(
        scope.get("scheme", "http"),
        host,
        scope.get("server"),
        request.path_params.get("minor", _MINOR),
    )


def link_to(root: str, entity: Entity, record_id: str) -> str:
    """Return the address of a record below that of the API."""
    return f"{root}{entity.set_name}({record_id})"


@lru_cache(_HOSTS)
def _root(scheme: str, host: bytes | None, server: tuple[str, int] | None, minor: int) -> str:
    """Return the address for what a request says of itself; working it out is half a routing."""
    headers = [] if host is None else [(b"host", host)]
    url = URL(scope={"scheme": scheme, "server": server, "headers": headers, "path": "/"})
    return f"{url.scheme}://{url.netloc}/api/data/v9.{minor}/"
