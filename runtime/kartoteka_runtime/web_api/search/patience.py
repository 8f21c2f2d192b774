"""How long a search may go on: it is made of statements, of which a body can ask for hundreds."""

from __future__ import annotations

import asyncio
from time import perf_counter

from kartoteka_runtime.web_api.api_errors import CallRefused

_SECONDS = 10.0
_TIMED_OUT = "0x80044151"


class Patience:
    """The time that is left for one search."""

    def __init__(self) -> None:
        """Begin now."""
        self._began = perf_counter()

    async def rest(self) -> None:
        """Let others have their turn before the next statement.

        Raises:
            CallRefused: The time is over.
        """
        await asyncio.sleep(0)
        if perf_counter() - self._began > _SECONDS:
            message = (
                f"This search takes more than {_SECONDS:.0f} seconds: ask for fewer words, "
                "record types or facets, or for less by a simpler filter."
            )
            raise CallRefused(400, message, code=_TIMED_OUT)
