"""Commands and state changes that a record's page offers, in one language."""

from __future__ import annotations

from dataclasses import dataclass

from kartoteka.model.entity import Command, Entity, State
from kartoteka_runtime.web.build_form import field_control
from kartoteka_runtime.web.entity_model import OptionModel, Words, option_models
from kartoteka_runtime.web.form_model import ControlModel


@dataclass(frozen=True, slots=True)
class ActionModel:
    """One button. ``path`` is the last part of its address: ``command/close`` or ``state/won``.

    ``states`` are the statecodes in which it is offered (None: all). ``is_direct`` when nothing
    has to be asked first. ``reasons`` may be chosen for a state change.
    """

    path: str
    label: str
    help: str
    icon: str
    states: tuple[int, ...] | None
    is_direct: bool
    confirm: str = ""
    controls: tuple[ControlModel, ...] = ()
    reasons: tuple[OptionModel, ...] = ()


def build_actions(entity: Entity, words: Words) -> tuple[ActionModel, ...]:
    """Return what can be done with records of an entity: commands first, then state changes."""
    commands = tuple(_command(entity, command, words) for command in entity.commands)
    return (*commands, *_state_changes(entity, words))


def _command(entity: Entity, command: Command, words: Words) -> ActionModel:
    states = {state.name: state.value for state in entity.states}
    controls = tuple(field_control(None, item, words) for item in command.parameters)
    confirm = words.labels.text(command.confirm, words.language)
    return ActionModel(
        path=f"command/{command.name}",
        label=words.labels.text(command.label, words.language) or command.name,
        help=words.labels.text(command.help, words.language),
        icon=command.icon or "play",
        states=tuple(states[name] for name in command.from_states) or None,
        is_direct=not controls and not confirm,
        confirm=confirm,
        controls=controls,
    )


def _state_changes(entity: Entity, words: Words) -> tuple[ActionModel, ...]:
    """Return one action a state that plain updates may move to."""
    found = []
    for state in entity.states:
        origins = _origins(entity, state)
        if not origins:
            continue
        label = words.labels.text(state.label, words.language) or state.name
        reasons = tuple(option for option in _reasons(entity, words) if option.state == state.value)
        found.append(
            ActionModel(
                path=f"state/{state.name}",
                label=words.message("action.set_state", state=label),
                help="",
                icon="ban" if state.read_only else "rotate-ccw",
                states=origins,
                is_direct=False,
                confirm=words.message("form.confirm_state", state=label),
                reasons=reasons if len(reasons) > 1 else (),
            )
        )
    return tuple(found)


def _origins(entity: Entity, state: State) -> tuple[int, ...]:
    values = {other.name: other.value for other in entity.states}
    if entity.transitions is None:
        return tuple(value for name, value in values.items() if name != state.name)
    return tuple(
        values[move.from_state]
        for move in entity.transitions
        if move.to_state == state.name and move.from_state != state.name
    )


def _reasons(entity: Entity, words: Words) -> tuple[OptionModel, ...]:
    status = next((item for item in entity.fields if item.type == "status"), None)
    return option_models(entity, status, words) if status else ()
