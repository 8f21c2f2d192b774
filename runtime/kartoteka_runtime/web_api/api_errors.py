"""What goes wrong with a call before, or beside, the record service; ``problem`` tells it."""

from __future__ import annotations

from kartoteka.errors import KartotekaError


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
    """

    def __init__(self, status: int, message: str, *, code: str = "") -> None:
        """Keep why."""
        self.status = status
        self.message = message
        self.code = code
        super().__init__(message)
