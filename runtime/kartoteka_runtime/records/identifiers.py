"""Identifiers of new records: UUID version 7, in the order in which they are made."""

from __future__ import annotations

import os
import time
from uuid import UUID

_last = 0


def new_id() -> str:
    """Return a UUID version 7 as text; within a process each is greater than the one before.

    The 12 bits after the milliseconds count up within one millisecond. Source: RFC 9562,
    sections 5.7 and 6.2 (method 1).
    """
    global _last
    stamp = (time.time_ns() // 1_000_000) << 12
    _last = stamp if stamp > _last else _last + 1
    milliseconds, counter = _last >> 12, _last & 0xFFF
    random = int.from_bytes(os.urandom(8)) & 0x3FFF_FFFF_FFFF_FFFF
    number = (milliseconds & 0xFFFF_FFFF_FFFF) << 80 | 0x7000 << 64 | counter << 64
    return str(UUID(int=number | 0x8000_0000_0000_0000 | random))
