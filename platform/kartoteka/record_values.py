"""What record values look like in Python, the same on every engine and in every hook.

| field types | value |
|---|---|
| text, autonumber | ``str`` |
| whole_number, big_integer, choice, state, status | ``int`` |
| decimal, money | ``decimal.Decimal`` with the field's precision |
| float | ``float`` |
| yes_no | ``bool`` |
| multi_choice | ``tuple[int, ...]``, ascending |
| date, and date_time of behavior date_only | ``datetime.date`` |
| date_time of behavior user_local | ``datetime.datetime`` in UTC, whole seconds |
| date_time of behavior time_zone_independent | ``datetime.datetime`` without a zone |
| unique_id | ``str``, lower case with hyphens |
| lookup, customer, owner, regarding | ``Reference`` |
| party_list | ``tuple[Party, ...]`` |

An empty field is ``None``; the empty text, option set and party list are ``None`` too.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

Record = Mapping[str, Any]


class Reference(NamedTuple):
    """Names a record: its entity, its id, and (when it was read with it) its primary field."""

    entity: str
    id: str
    name: str = ""

    def is_same(self, other: Reference | None) -> bool:
        """Return whether both name the same record, whatever their names say."""
        return other is not None and self.id == other.id and self.entity == other.entity


class Party(NamedTuple):
    """One party of an activity: a record, or only an address that resolved to none."""

    reference: Reference | None
    address: str = ""
