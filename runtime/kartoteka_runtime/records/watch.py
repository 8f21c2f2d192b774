"""Watch: what webhooks look at, and what a transaction has done of that until it is told."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any

from kartoteka.conditions.typed import TypedCondition
from kartoteka.model.merging import MERGE
from kartoteka.record_values import Reference

CREATE, UPDATE, DELETE = "create", "update", "delete"
SET_STATE, ASSIGN = "set_state", "assign"
ASSOCIATE, DISASSOCIATE = "associate", "disassociate"
MESSAGES = (CREATE, UPDATE, DELETE, SET_STATE, ASSIGN, ASSOCIATE, DISASSOCIATE, MERGE)
# An update is one of these as well, by the fields that it changes.
_MORE_TELLING = {"statecode": SET_STATE, "statuscode": SET_STATE, "ownerid": ASSIGN}
_STAMPS = frozenset({"modifiedon", "modifiedby", "modifiedonbehalfby", "versionnumber"})


@dataclass(frozen=True, slots=True)
class Webhook:
    """One webhook as writes look at it; ``fields`` narrows updates, empty: all of them."""

    id: str
    entity: str
    messages: frozenset[str]
    condition: TypedCondition | None
    fields: frozenset[str]
    run_as: str
    owner: Reference


@dataclass(slots=True)
class Change:
    """What a transaction has done with one record so far.

    ``messages`` are in the order in which they happened; ``fields`` have been changed.
    """

    entity: str
    record_id: str
    messages: dict[str, None] = field(default_factory=dict)
    fields: set[str] = field(default_factory=set)


@dataclass(frozen=True, slots=True)
class LinkChange:
    """Two records that were linked by an N:N relationship, or are no longer."""

    relationship: str
    message: str
    left: tuple[str, str]  # entity, id
    right: tuple[str, str]


@dataclass(frozen=True, slots=True)
class Told:
    """One message for one webhook; ``values`` are those that it tells, in JSON names."""

    webhook: Webhook
    message: str
    entity: str
    record_id: str
    values: Mapping[str, Any]
    more: Mapping[str, Any] = field(default_factory=dict)


class Watch:
    """The webhooks of a transaction by entity, and what they will be told of."""

    def __init__(self, webhooks: Mapping[str, tuple[Webhook, ...]]) -> None:
        """Look for what ``webhooks`` look at."""
        self.webhooks = webhooks
        self.changes: dict[tuple[str, str], Change] = {}
        self.links: list[LinkChange] = []
        self.deleted: dict[tuple[str, str], list[Told]] = {}

    @property
    def has_seen(self) -> bool:
        """Return whether there may be something to tell."""
        return bool(self.changes or self.links or self.deleted)

    def created(self, entity: str, record_id: str) -> None:
        """Note a new record."""
        if entity in self.webhooks:
            self._change(entity, record_id).messages[CREATE] = None

    def updated(self, entity: str, record_id: str, fields: Collection[str]) -> None:
        """Note a change of fields; of a new record it is a part of its creation."""
        if entity not in self.webhooks:
            return
        change = self._change(entity, record_id)
        changed = {name for name in fields if name not in _STAMPS}
        change.fields |= changed
        if CREATE not in change.messages:
            change.messages[UPDATE] = None
            for name in changed & _MORE_TELLING.keys():
                change.messages[_MORE_TELLING[name]] = None

    def ran(self, entity: str, record_id: str, command: str) -> None:
        """Note a command, or that another record was merged into this one."""
        if entity in self.webhooks:
            self._change(entity, record_id).messages[command] = None

    def linked(
        self, relationship: str, message: str, left: tuple[str, str], right: tuple[str, str]
    ) -> None:
        """Note a link that was made or removed."""
        if left[0] in self.webhooks or right[0] in self.webhooks:
            self.links.append(LinkChange(relationship, message, left, right))

    def leaves(self, entity: str, record_id: str) -> bool:
        """Note that a record goes, and return whether anybody knew of it before."""
        known = self.changes.pop((entity, record_id), None)
        return known is None or CREATE not in known.messages

    def _change(self, entity: str, record_id: str) -> Change:
        key = entity, record_id
        if key not in self.changes:
            self.changes[key] = Change(entity, record_id)
        return self.changes[key]
