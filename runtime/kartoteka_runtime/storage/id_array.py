"""IdArray: a set of ids as PostgreSQL takes it, written once and sent with many statements."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from psycopg.abc import Buffer
from psycopg.adapt import Dumper
from psycopg.postgres import types


@dataclass(frozen=True, slots=True)
class IdArray:
    """The text of an array of uuid."""

    text: bytes


class IdArrayDumper(Dumper):
    """Sends an ``IdArray`` as what it is: a cast of a text would be worked out for every row."""

    oid = types["uuid"].array_oid

    def dump(self, obj: Any) -> Buffer:
        """Return the text."""
        text: bytes = obj.text
        return text
