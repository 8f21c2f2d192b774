"""Plan: what a publish will do, in words and numbers, before it does anything."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from kartoteka_runtime.storage.schema import Drift

# What a change is, as an English sentence; the pages of the web client have messages of their own.
WORDS: Mapping[str, str] = {
    "entity/add": "new record type {name}",
    "entity/rename": "record type {old} is renamed to {name}; its records stay",
    "entity/restore": "record type {name} comes back with its records",
    "entity/retire": "record type {name} is retired; its records are kept",
    "field/add": "new field {name}: {type}",
    "field/rename": "field {old} is renamed to {name}; its values stay",
    "field/restore": "field {name} comes back with its values",
    "field/retire": "field {name} is retired; its values are kept",
    "field/calculate": "field {name} is calculated from now on; what it held is kept",
    "field/recalculate": "field {name} is worked out for its records by a job",
    "field/convert": "field {name} becomes {after} (was {before})",
    "field/narrow": "field {name} can no longer name records of {gone}",
    "field/return": "field {name} becomes {after} again (was {before}); values from before return",
    "relationship/add": "new relationship {name}",
    "relationship/rename": "relationship {old} is renamed to {name}; its links stay",
    "relationship/restore": "relationship {name} comes back with its links",
    "relationship/retire": "relationship {name} is retired; its links are kept",
    "index/build": "index for {fields} is built",
    "index/drop": "index for {fields} is no longer needed",
    "definition": "{sentence}",
    "upgrade": "{sentence}",
    "drift": "{sentence}",
    "app": "this database belongs to the app {owner}; {name} takes it over",
    "purged": "{name} was purged; it comes back empty",
}


@dataclass(frozen=True, slots=True)
class Sample:
    """A stored value that does not convert: which record, the value as text, and why."""

    record_id: str
    value: str
    reason: str


@dataclass(frozen=True, slots=True)
class PlannedChange:
    """One change, with what it means for the data.

    Attributes:
        code: What kind of change, a key of ``WORDS``.
        params: What fills the sentence.
        entity: Logical name under which people look for it; "" for the whole app.
        rows: How many stored values or records it touches; None: that does not matter.
        unconverted: How many values do not convert; ``samples`` are up to five of them.
        lock: Whom it keeps waiting: none, brief (writers of the table for a moment) or table
            (every writer while it runs).
        rewrites: Whether stored values are written again.
        seconds: About how long it takes.
        retires: Whether something leaves the metadata and is kept.
        consent: The name that has to be consented to; "" when nobody is asked.
        blocked: Why it cannot be done; "" when it can.
        warning: What people should know beforehand.
        bundle: The bundle whose files say so.
    """

    code: str
    params: Mapping[str, Any]
    entity: str = ""
    rows: int | None = None
    unconverted: int = 0
    samples: tuple[Sample, ...] = ()
    lock: str = "none"
    rewrites: bool = False
    seconds: float = 0.0
    retires: bool = False
    consent: str = ""
    blocked: str = ""
    warning: str = ""
    bundle: str = ""

    @property
    def words(self) -> str:
        """Return the change as an English sentence."""
        return WORDS[self.code].format_map(self.params)

    @property
    def is_additive(self) -> bool:
        """Return whether nobody has to be asked: nothing leaves and nothing is stored otherwise."""
        return not (self.retires or self.consent or self.blocked or self.rewrites or self.warning)


def _change_from_json(said: Mapping[str, Any]) -> PlannedChange:
    facts: dict[str, Any] = {key: value for key, value in said.items() if key != "words"}
    facts["samples"] = tuple(Sample(**sample) for sample in said["samples"])
    return PlannedChange(**facts)


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything a publish will do, and the world it was made for.

    ``live`` and ``wanted`` are fingerprints of registries, ``schema`` that of the database.
    """

    live_number: int
    live: str
    wanted: str
    schema: str
    changes: tuple[PlannedChange, ...] = ()
    drift: tuple[Drift, ...] = ()
    notes: tuple[str, ...] = field(default=())

    @property
    def consents(self) -> tuple[str, ...]:
        """Return the names that have to be consented to."""
        return tuple(dict.fromkeys(item.consent for item in self.changes if item.consent))

    @property
    def blocked(self) -> tuple[PlannedChange, ...]:
        """Return what cannot be done."""
        return tuple(item for item in self.changes if item.blocked)

    @property
    def is_empty(self) -> bool:
        """Return whether a publish would do nothing."""
        return not self.changes and self.live_number > 0

    @property
    def is_additive(self) -> bool:
        """Return whether it may be published without asking anybody."""
        return all(item.is_additive for item in self.changes)

    @property
    def seconds(self) -> float:
        """Return about how long a publish takes."""
        return sum(item.seconds for item in self.changes)

    def is_for_same_world(self, other: Plan) -> bool:
        """Return whether both plan the same, from the same, with the same losses."""
        return self._world() == other._world()

    def _world(self) -> tuple[Any, ...]:
        losses = tuple(sorted((item.consent, item.unconverted) for item in self.changes))
        return self.live_number, self.live, self.wanted, self.schema, losses

    def to_json(self) -> dict[str, Any]:
        """Return the plan as JSON values, with each change's words."""
        said = asdict(self)
        for item, change in zip(said["changes"], self.changes, strict=True):
            item["words"] = change.words
        return {
            **said,
            "consents": list(self.consents),
            "is_additive": self.is_additive,
            "seconds": self.seconds,
        }

    @classmethod
    def from_json(cls, said: Mapping[str, Any]) -> Plan:
        """Return the plan that ``to_json`` was given.

        Raises:
            ValueError: It is no plan.
        """
        try:
            changes = tuple(_change_from_json(item) for item in said["changes"])
            drift = tuple(Drift(**item) for item in said["drift"])
            return cls(
                said["live_number"], said["live"], said["wanted"], said["schema"], changes, drift,
                tuple(said.get("notes", ())),
            )  # fmt: skip
        except (KeyError, TypeError) as error:
            raise ValueError(f"this is no plan: {error}") from error
