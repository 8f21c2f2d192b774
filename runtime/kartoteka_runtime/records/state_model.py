"""The state machine of an entity: which pairs of state and reason are, and which may follow."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kartoteka.errors import Violation
from kartoteka.model.entity import Entity, Reason, State

STATE = "statecode"
REASON = "statuscode"


class StateModel:
    """Completes and checks ``statecode`` and ``statuscode`` of one entity's records."""

    def __init__(self, entity: Entity) -> None:
        """Index the entity's states, reasons and transitions by value."""
        self.has_states = bool(entity.states)
        self._states: Mapping[int, State] = entity.state_by_value
        self._by_name = {state.name: state for state in entity.states}
        self._reasons: dict[int, tuple[State, Reason]] = {
            reason.value: (state, reason) for state in entity.states for reason in state.reasons
        }
        self._allowed: frozenset[tuple[int, int]] | None = None
        if entity.transitions is not None:
            self._allowed = frozenset(
                (self._by_name[move.from_state].value, self._by_name[move.to_state].value)
                for move in entity.transitions
            )
        initial = entity.states[0] if entity.states else None
        self._initial = initial.value if initial else 0

    def is_read_only(self, record: Mapping[str, Any]) -> bool:
        """Return whether a stored record is in a state in which it may not be changed."""
        state = self._states.get(record.get(STATE, -1))
        return state is not None and state.read_only

    def named(self, state: str, reason: str) -> tuple[int, int]:
        """Return the values of a state and one of its reasons (its first when none is named).

        Raises:
            KeyError: There is no such state or reason.
        """
        found = self._by_name[state]
        if not reason:
            return found.value, found.reasons[0].value
        return found.value, {item.name: item.value for item in found.reasons}[reason]

    def complete_new(self, values: dict[str, Any], *, any_state: bool) -> list[Violation]:
        """Fill state and reason of a new record from what was supplied; return what is wrong."""
        if not self.has_states:
            return []
        supplied: Any = values.get(STATE)
        reason: Any = values.get(REASON)
        state: int = self._initial if supplied is None else supplied
        if reason is not None:
            state = self._reasons[reason][0].value
            if supplied not in (None, state):
                return [Violation(REASON, "violation.reason_of_other_state")]
        else:
            values[REASON] = self._states[state].reasons[0].value
        values[STATE] = state
        if state != self._initial and not any_state and not self._may_follow(self._initial, state):
            return [self._forbidden(self._initial, state)]
        return []

    def complete_change(
        self, before: Mapping[str, Any], values: dict[str, Any], *, any_state: bool
    ) -> list[Violation]:
        """Fill in the half of a state change that was not supplied; return what is wrong."""
        if STATE not in values and REASON not in values:
            return []
        old_state: int = before[STATE]
        old_reason: int = before[REASON]
        supplied: Any = values.get(STATE)
        state: int = old_state if supplied is None else supplied
        reason: Any = values.get(REASON)
        if reason is not None and self._reasons[reason][0].value != state:
            return [Violation(REASON, "violation.reason_of_other_state")]
        if reason is None:
            reason = old_reason if state == old_state else self._states[state].reasons[0].value
        values[STATE], values[REASON] = state, reason
        if any_state:
            return []
        if state != old_state:
            return [] if self._may_follow(old_state, state) else [self._forbidden(old_state, state)]
        if reason != old_reason and old_reason in self._reasons:
            following = self._reasons[old_reason][1].next
            wanted = self._reasons[reason][1]
            if following is not None and wanted.name not in following:
                old = self._reasons[old_reason][1]
                params = {"from": old.label, "to": wanted.label}
                return [Violation(REASON, "violation.transition", params)]
        return []

    def offered_reasons(self, record: Mapping[str, Any]) -> tuple[Reason, ...]:
        """Return the reasons that a plain update may choose for a stored record, its own first."""
        state = self._states.get(record.get(STATE, -1))
        if state is None:
            return ()
        current = self._reasons.get(record.get(REASON, -1))
        if current is None or current[1].next is None:
            return state.reasons
        return tuple(
            item
            for item in state.reasons
            if item.value == current[1].value or item.name in (current[1].next or ())
        )

    def _may_follow(self, old: int, new: int) -> bool:
        return self._allowed is None or (old, new) in self._allowed

    def _forbidden(self, old: int, new: int) -> Violation:
        labels = {"from": self._states[old].label, "to": self._states[new].label}
        return Violation(STATE, "violation.transition", labels)
