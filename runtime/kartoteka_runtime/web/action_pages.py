"""Commands and state changes: asking first where something must be asked, then doing it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import orjson
from starlette.responses import Response

from kartoteka.errors import RecordInvalid, RecordNotFound, Violation
from kartoteka.model.entity import Entity
from kartoteka_runtime.web.action_model import ActionModel
from kartoteka_runtime.web.csrf import TOKEN
from kartoteka_runtime.web.earlier_forms import PUBLICATION
from kartoteka_runtime.web.form_input import ORIGINAL, FormInput, read_form_input
from kartoteka_runtime.web.initial_values import default_value
from kartoteka_runtime.web.page_request import PageRequest, address_of
from kartoteka_runtime.web.record_rights import require_right
from kartoteka_runtime.web.violation_texts import violation_text

_REASON = "_reason"
_NOTHING_TYPED = FormInput()


async def show_action(page: PageRequest) -> Response:
    """Ask what a command or state change needs to know, or whether it is meant."""
    action = _action(page)
    await page.records.read(page.entity.name, page.record_id)
    await require_right(page, "write")
    return await _form(page, action)


async def do_action(page: PageRequest) -> Response:
    """Carry out a command or state change with what was answered."""
    action = _action(page)
    post = await page.post()
    if not action.path.startswith("command/"):
        post.check_names({TOKEN, PUBLICATION, ORIGINAL, _REASON})
        return await run_action(page, action, {}, reason=post.text(_REASON))
    values = page.pages.parameter_values(page.entity_name, action.path, page.zone)
    post.check_names(values.keys | {TOKEN, PUBLICATION, ORIGINAL}, repeated=values.several)
    typed = await read_form_input(post, values, page.records, is_new=True)
    if typed.violations:
        return await _form(page, action, typed, typed.violations)
    return await run_action(page, action, typed.values, typed=typed)


async def run_action(
    page: PageRequest,
    action: ActionModel,
    parameters: Mapping[str, Any],
    *,
    typed: FormInput = _NOTHING_TYPED,
    reason: str = "",
) -> Response:
    """Carry out an action and go where it points; ask again when it is refused."""
    entity = page.entity
    kind, _, name = action.path.partition("/")
    try:
        if kind == "state":
            await _change_state(page, entity, name, reason)
            return page.redirect(address_of(entity.name, page.record_id), "form.saved")
        result = await page.records.execute(entity.name, page.record_id, name, parameters)
    except RecordInvalid as invalid:
        return await _form(page, action, typed, invalid.violations)
    goal = result.open
    address = address_of(goal.entity, goal.id) if goal else address_of(entity.name, page.record_id)
    if result.message:
        return page.redirect(address, result.message, result.params)
    return page.redirect(address, "command.done", {"command": action.label})


async def _change_state(page: PageRequest, entity: Entity, name: str, reason: str) -> None:
    state = next(found for found in entity.states if found.name == name)
    values: dict[str, Any] = {"statecode": state.value}
    if reason:
        known = {str(found.value): found.value for found in state.reasons}
        if reason not in known:
            violation = Violation("statuscode", "violation.not_an_option", {"value": reason[:80]})
            raise RecordInvalid(entity.name, [violation])
        values["statuscode"] = known[reason]
    await page.records.update(entity.name, page.record_id, values)


def _action(page: PageRequest) -> ActionModel:
    params = page.request.path_params
    entity = page.entity
    action = page.pages.action(entity.name, f"{params['kind']}/{params['name']}")
    if action is None:
        raise RecordNotFound(entity.name, str(params["name"]))
    return action


async def _form(
    page: PageRequest,
    action: ActionModel,
    typed: FormInput = _NOTHING_TYPED,
    violations: Sequence[Violation] = (),
) -> Response:
    entity = page.entity
    record = await page.records.read(entity.name, page.record_id)
    inputs: dict[str, str] = {}
    shown: dict[str, Any] = {}
    if action.path.startswith("command/"):
        values = page.pages.parameter_values(entity.name, action.path, page.zone)
        command = entity.command_by_name[action.path.partition("/")[2]]
        defaults = {
            item.name: default_value(item)
            for item in command.parameters
            if item.default is not None
        }
        inputs = values.inputs(defaults)
        shown = values.shown_beside(defaults, await page.money())
    labels = {control.name: control.label for control in action.controls}
    texts = [
        (
            found.field or "",
            violation_text(found, entity.name, page.words, labels.get(found.field or "", "")),
        )
        for found in violations
    ]
    template = "fragments/_action.html" if page.is_fragment else "pages/action.html"
    mode = "new_correct" if violations else "new"
    return page.render(
        f"{template}?action={entity.name}.{action.path}&mode={mode}",
        status=422 if violations else 200,
        title=action.label,
        record_id=page.record_id,
        record_name=str(record.get(entity.primary_field) or ""),
        state=record.get("statecode"),
        reason="",
        v={**inputs, **typed.texts},
        s=shown,
        currency="",
        original=orjson.dumps(typed.original or inputs).decode(),
        bad={name: text for name, text in texts if name in labels},
        summary=[(name if name in labels else "", text) for name, text in texts],
        candidates={},
    )
