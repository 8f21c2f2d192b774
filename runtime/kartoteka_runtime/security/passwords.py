"""Passwords: kept as Argon2id hashes; which ones are refused, and why.

The costly work runs beside the event loop, in few threads, so that many attempts at once take
neither all processors nor all memory.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from kartoteka.errors import Violation
from kartoteka_runtime.security.breached import is_known

SHORTEST = 10  # characters
LONGEST = 256
PRODUCT = "kartoteka"
_SHORTEST_NAME = 4  # letters; shorter parts of names are in too many words
_AT_ONCE = 4

_hashing = PasswordHasher()  # with the library's parameters, which follow RFC 9106
_threads = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="passwords")


def hash_with(hashing: PasswordHasher) -> PasswordHasher:
    """Make hashes with other parameters from now on, and return what made them before.

    Tests that sign in hundreds of people take cheap ones.
    """
    global _hashing
    before, _hashing = _hashing, hashing
    _nobodys_hash.cache_clear()
    return before


async def hash_password(password: str) -> str:
    """Return the hash of a password, with its salt and parameters."""
    loop = asyncio.get_running_loop()
    return await loop.run_in_executor(_threads, _hashing.hash, password)


async def verify_password(password: str, password_hash: str | None) -> bool:
    """Return whether a password is right; a missing hash takes as long as a wrong password."""
    loop = asyncio.get_running_loop()
    try:
        sent = password[: LONGEST + 1].encode(errors="replace")
        await loop.run_in_executor(_threads, _verify, password_hash, sent)
    except (VerificationError, InvalidHashError):
        return False
    return password_hash is not None


def _verify(password_hash: str | None, sent: bytes) -> None:
    _hashing.verify(_nobodys_hash() if password_hash is None else password_hash, sent)


@cache
def _nobodys_hash() -> str:
    """Return what the password of somebody who has none is compared with, made once."""
    return _hashing.hash("nobody has this password")


def is_outdated(password_hash: str) -> bool:
    """Return whether a hash was made with other parameters than those of now."""
    return _hashing.check_needs_rehash(password_hash)


def password_violation(password: str, about: Iterable[str] = ()) -> Violation | None:
    """Return why a password is refused, or None.

    ``about`` are texts that others know of the user and the place: names, mail addresses.
    """
    if len(password) < SHORTEST:
        return Violation(None, "violation.password_short", {"min": SHORTEST})
    if len(password) > LONGEST:
        return Violation(None, "violation.password_long", {"max": LONGEST})
    folded = password.casefold()
    for part in _parts((*about, PRODUCT)):
        if part in folded:
            return Violation(None, "violation.password_personal", {"part": part})
    if is_known(password):
        return Violation(None, "violation.password_known")
    return None


def _parts(texts: Iterable[str]) -> Iterable[str]:
    """Yield the words in texts that are long enough to be recognized."""
    for text in texts:
        for part in re.split(r"[\W_]+", text.casefold()):
            if len(part) >= _SHORTEST_NAME:
                yield part
