"""What goes wrong with a call before, or beside, the record service; ``problem`` tells it."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from kartoteka.errors import KartotekaError, RecordNotFound
from kartoteka_runtime.security.request_limits import RequestLimit


class NoSuchAddress(KartotekaError):
    """Nothing is at an address: 404.

    Attributes:
        address: What was asked for, as it is told.
    """

    def __init__(self, address: str) -> None:
        """Keep what there is not."""
        self.address = address
        super().__init__(f"There is nothing at {address!r}.")


class MethodNotTaken(KartotekaError):
    """An address does not take a method: 405.

    Attributes:
        allowed: The methods that it takes, as the header ``Allow`` lists them.
    """

    def __init__(self, allowed: str) -> None:
        """Keep what it takes."""
        self.allowed = allowed
        super().__init__(f"This address takes {allowed}.")


class CallRefused(KartotekaError):
    """A call is refused for what it says of itself: headers, preconditions, forms of bodies.

    Attributes:
        status: The status of the answer.
        message: Why, in a sentence.
        code: The code that clients know this by; empty for the usual one of the status.
        headers: What the answer says in headers.
    """

    def __init__(
        self,
        status: int,
        message: str,
        *,
        code: str = "",
        headers: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """Keep why."""
        self.status = status
        self.message = message
        self.code = code
        self.headers = headers
        super().__init__(message)


class SavedButMoved(KartotekaError):
    """Something was committed when a publish overtook the rest of a call: it must not run again."""


class TooManyCalls(KartotekaError):
    """Somebody sends more than they may: 429.

    Attributes:
        limit: What they have used up.
        key: Who they are to the limit.
        wait: After how many seconds they may go on.
    """

    def __init__(self, limit: RequestLimit, key: str, wait: float) -> None:
        """Keep what is used up, and for how long."""
        self.limit = limit
        self.key = key
        self.wait = wait
        super().__init__("too many requests")


class NoRecordOfKey(RecordNotFound):
    """No record has an alternate key: 404, with a code of its own."""

    code = "0x80060891"
