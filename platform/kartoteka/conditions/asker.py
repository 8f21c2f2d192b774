"""Asker: who asks, when and where, as far as conditions need to know."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime

from kartoteka.access.reach import Reaches


@dataclass(frozen=True, slots=True)
class FiscalCalendar:
    """When an organization's fiscal years begin and how they are divided.

    ``period_type`` is ``annually``, ``semiannually``, ``quarterly``, ``monthly`` or
    ``four_weeks``. Source: reference platform, section 4.3.
    """

    start_month: int = 1
    start_day: int = 1
    period_type: str = "quarterly"


@dataclass(frozen=True, slots=True)
class Asker:
    """What a request knows and metadata does not.

    ``now`` is in UTC with whole seconds. Parts of instants (``year(createdon)``) and relative
    dates are those of ``time_zone``. The last three are needed by conditions on one record
    alone, where no database is asked; SQL finds them itself: ``team_ids`` of the user,
    ``people_ids`` of everybody below the user, ``people_team_ids`` their teams, and
    ``parents`` as ``{entity: {record id: id of the record above it}}``. ``reaches`` is what the
    user may reach; statements are narrowed to it, and None is the platform itself, which may see
    everything.
    """

    user_id: str = ""
    business_unit_id: str = ""
    time_zone: str = "UTC"
    now: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))
    fiscal: FiscalCalendar = FiscalCalendar()
    team_ids: frozenset[str] = frozenset()
    people_ids: frozenset[str] = frozenset()
    people_team_ids: frozenset[str] = frozenset()
    parents: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    reaches: Reaches | None = None
