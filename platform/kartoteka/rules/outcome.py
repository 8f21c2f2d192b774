"""Outcome: what the rules of an entity make of one record's values."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from kartoteka.model.label import Label
from kartoteka.record_values import Reference


@dataclass(frozen=True, slots=True)
class Refusal:
    """What an error says; ``field`` is empty when it is about the whole record."""

    rule: str
    name: str
    message: Label
    field: str = ""


@dataclass(slots=True)
class Outcome:
    """What rules have done so far; later rules overrule earlier ones.

    ``record`` are the values as the rules see them, ``written`` what they changed of them.
    ``required`` is ``{field: always, recommended or no}``. ``proposed`` are the recommendations
    that stand, as ``(rule, name)``.
    """

    record: dict[str, Any]
    written: dict[str, Any] = field(default_factory=dict)
    required: dict[str, str] = field(default_factory=dict)
    hidden: set[str] = field(default_factory=set)
    locked: set[str] = field(default_factory=set)
    hidden_sections: set[str] = field(default_factory=set)
    hidden_tabs: set[str] = field(default_factory=set)
    refusals: list[Refusal] = field(default_factory=list)
    proposed: list[tuple[str, str]] = field(default_factory=list)

    def put(self, name: str, value: Any) -> None:
        """Write a value that differs from what the field has."""
        before = self.record.get(name)
        same = value.is_same(before) if isinstance(value, Reference) else value == before
        if not same:
            self.record[name] = self.written[name] = value

    def missing(self, record: Mapping[str, Any]) -> Iterator[str]:
        """Yield the fields that rules insist on, show, and ``record`` has no value for."""
        for name, level in self.required.items():
            if level == "always" and name not in self.hidden and record.get(name) is None:
                yield name
