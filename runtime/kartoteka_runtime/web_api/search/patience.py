"""How long a search may go on: it is made of statements, of which a body can ask for hundreds."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from kartoteka_runtime.web_api.api_errors import CallRefused

_SECONDS = 10.0
_TIMED_OUT = "0x80044151"


@asynccontextmanager
async def patience() -> AsyncIterator[None]:
    """Let a search go on for a while; a statement that is under way then is ended where it can be.

    Raises:
        CallRefused: The time is over.
    """
    try:
        async with asyncio.timeout(_SECONDS):
            yield
    except TimeoutError:
        message = (
            f"This search takes more than {_SECONDS:.0f} seconds: ask for fewer words, record "
            "types or facets, or for less by a simpler filter."
        )
        raise CallRefused(400, message, code=_TIMED_OUT) from None


async def let_others() -> None:
    """Let others have their turn between two statements, and the time be over."""
    await asyncio.sleep(0)
    await asyncio.sleep(0)
