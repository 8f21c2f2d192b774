"""Passwords, kept as Argon2id hashes; the costly work runs beside the event loop."""

from __future__ import annotations

import asyncio

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

SHORTEST = 10  # characters
LONGEST = 256

_hasher = PasswordHasher()
_NOBODY = _hasher.hash("nobody has this password")


async def hash_password(password: str) -> str:
    """Return the hash of a password, with its salt and parameters."""
    return await asyncio.to_thread(_hasher.hash, password)


async def verify_password(password: str, password_hash: str | None) -> bool:
    """Return whether a password is right; a missing hash takes as long as a wrong password."""
    try:
        sent = password[: LONGEST + 1].encode(errors="replace")
        await asyncio.to_thread(_hasher.verify, password_hash or _NOBODY, sent)
    except (VerificationError, InvalidHashError):
        return False
    return password_hash is not None
