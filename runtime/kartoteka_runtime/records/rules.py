"""Business rules on a write: they set values and refuse, whoever writes and from wherever.

They run after the before-hooks, so that what is written is right by them whatever a hook did, and
before derived values are worked out. What they set is validated like everything else. What they
say of forms (locks, requirements, what is seen) has no meaning here. See decisions/0030.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kartoteka.errors import RecordInvalid, Violation
from kartoteka.model.entity import Entity
from kartoteka.rules.outcome import Refusal
from kartoteka.rules.rule_set import RuleSet
from kartoteka_runtime.records.operation import Operation
from kartoteka_runtime.records.state_model import REASON, STATE
from kartoteka_runtime.validation.validate_record import RecordValidator

REFUSED = "violation.rule"


def run_rules(
    op: Operation,
    rules: RuleSet,
    entity: Entity,
    validator: RecordValidator,
    values: dict[str, Any],
    before: Mapping[str, Any] | None,
) -> None:
    """Let the rules change ``values``.

    An update that touches nothing that they look at or set leaves them alone, so that records
    from before a rule can still be changed elsewhere.

    Raises:
        RecordInvalid: A rule refuses the record, or sets what a field cannot hold.
    """
    if before is not None and rules.decided_by.isdisjoint(values):
        return
    record = {**(before or {}), **_state_to_be(entity, values, before), **values}
    outcome = rules.run(record, op.asker, is_new=before is None)
    refused = violations_of(outcome.refusals)
    if refused:
        raise RecordInvalid(entity.name, refused)
    if outcome.written:
        checked, violations = validator.check_values(outcome.written, may_write_read_only=False)
        if violations:
            raise RecordInvalid(entity.name, violations)
        values.update(checked)


def violations_of(refusals: list[Refusal]) -> list[Violation]:
    """Return what rules refuse as violations, at most one a field."""
    found: dict[str, Violation] = {}
    for item in refusals:
        params = {"message": item.message, "rule": item.rule}
        key = item.field or f"{item.rule}.{item.name}"
        found.setdefault(key, Violation(item.field or None, REFUSED, params))
    return list(found.values())


def _state_to_be(
    entity: Entity, values: Mapping[str, Any], before: Mapping[str, Any] | None
) -> dict[str, Any]:
    """Return the half of state and reason that nobody supplied, as it will be completed."""
    if not entity.states:
        return {}
    state, reason = values.get(STATE), values.get(REASON)
    if reason is not None:
        states = (s for s in entity.states if any(r.value == reason for r in s.reasons))
        return {STATE: next(states).value}
    if state is None and before is not None:
        return {}
    to_be = entity.states[0] if state is None else entity.state_by_value[state]
    if before is not None and before.get(STATE) == to_be.value:
        return {}
    return {STATE: to_be.value, REASON: to_be.reasons[0].value}
