"""What rules make of a form that is shown, and of one that was sent."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kartoteka.conditions.asker import Asker
from kartoteka.errors import Violation
from kartoteka.model.field import Required
from kartoteka.record_values import Reference
from kartoteka.rules.outcome import Outcome
from kartoteka.rules.rule_json import key_of
from kartoteka_runtime.records.rules import violations_of
from kartoteka_runtime.web.form_input import FormInput
from kartoteka_runtime.web.form_rules import FormRules
from kartoteka_runtime.web.page_request import PageRequest

REQUIRED = "violation.required"


def shown_with_rules(
    page: PageRequest,
    rules: FormRules | None,
    record: Mapping[str, Any],
    typed: FormInput,
    *,
    is_new: bool,
    is_fresh: bool,
) -> tuple[Mapping[str, Any], dict[str, Any]]:
    """Return a record with what rules set in it, and what templates need to know of rules.

    A form that is shown again (not fresh) looks as its rules say of what was typed, and nothing is
    set in it: what was typed may be why it was refused.
    """
    if rules is None:
        return record, {}
    asker = asker_of_page(page)
    readable = _readable(page, record) if is_new else record  # an address may preset anything
    known = {**readable, **_readable(page, typed.values)}
    outcome = rules.outcome(known, asker, is_new=is_new)
    told = {
        "ruled": outcome,
        "proposed": {key_of(rule, name) for rule, name in outcome.proposed},
        "rules_request": rules.request_json(
            known, asker, user_name=page.principal.name, is_new=is_new, is_fresh=is_fresh
        ),
    }
    if not is_fresh:
        return record, told
    written = {name: _named(page, value) for name, value in outcome.written.items()}
    return {**record, **written}, told


def follow_rules(
    page: PageRequest,
    rules: FormRules,
    typed: FormInput,
    stored: Mapping[str, Any],
    *,
    is_new: bool,
) -> None:
    """Hold what was typed against the rules of the form, in place.

    A locked field takes no value from the form: it keeps what is stored (of a new record: what it
    came with), or what the rules give it. What rules insist on or refuse is a violation as soon as
    anything was typed; nobody insists on a hidden field.

    Args:
        page: The request.
        rules: Of the form.
        typed: What the form sent.
        stored: The record, or defaults and presets of a new one.
        is_new: Whether it is a new one.
    """
    if not typed.values and not is_new:
        return
    asker = asker_of_page(page)
    record = {
        **stored,
        **_readable(page, stored if is_new else {}),
        **_readable(page, typed.values),
    }
    outcome = rules.outcome(record, asker, is_new=is_new)
    if outcome.locked:
        _leave_locked(typed, outcome)
        for name in outcome.locked:
            record[name] = stored.get(name)
        outcome = rules.outcome(record, asker, is_new=is_new)
        for name in outcome.locked:
            if name in outcome.written or (is_new and stored.get(name) is not None):
                typed.values[name] = outcome.record[name]
    fields = page.entity.field_by_name
    lifted = outcome.hidden | {
        name for name, level in outcome.required.items() if level != "always"
    }
    typed.violations = [
        found for found in typed.violations
        if found.code != REQUIRED or found.field not in lifted
        or fields[found.field].required is Required.ALWAYS
    ]  # fmt: skip
    sent = {**stored, **typed.values}
    known = {found.field for found in typed.violations}
    typed.violations += [
        Violation(name, REQUIRED) for name in outcome.missing(sent) if name not in known
    ]
    known = {found.field for found in typed.violations}
    typed.violations += [
        found for found in violations_of(outcome.refusals)
        if found.field is None or found.field not in known
    ]  # fmt: skip


def asker_of_page(page: PageRequest) -> Asker:
    """Return who looks at a page."""
    principal = page.principal
    return Asker(principal.user_id, principal.business_unit_id, principal.time_zone)


def _leave_locked(typed: FormInput, outcome: Outcome) -> None:
    for name in outcome.locked:
        typed.values.pop(name, None)
    typed.violations = [found for found in typed.violations if found.field not in outcome.locked]


def _readable(page: PageRequest, values: Mapping[str, Any]) -> dict[str, Any]:
    """Return the values as records hold them; None for texts that are no value of their field."""
    checked, _ = page.validator.check_values(values, may_write_read_only=True)
    return {name: checked.get(name) for name in values}


def _named(page: PageRequest, value: Any) -> Any:
    """Return what a rule gives a field as a form shows it: who looks at the page by name."""
    if isinstance(value, Reference) and value.id == page.principal.user_id:
        return value._replace(name=page.principal.name)
    return value
