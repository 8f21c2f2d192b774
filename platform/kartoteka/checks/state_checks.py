"""Rules about states, reasons, transitions and the commands that change them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kartoteka.checks.field_checks import check_own_value
from kartoteka.checks.scope import Scope
from kartoteka.diagnostics import Diagnostic
from kartoteka.loading.positioned import YamlMap
from kartoteka.loading.read_label import maps_in
from kartoteka.location import Location
from kartoteka.model.entity import Command, Entity
from kartoteka.names import did_you_mean

# Messages that every entity has; a command of that name could not be told from them.
BUILT_IN_COMMANDS = frozenset({"assign", "create", "delete", "merge", "new", "read", "update"})


def check_states(scope: Scope, name: str) -> Iterator[Diagnostic]:
    """Yield what is wrong with the state machine and the commands of an entity."""
    entity = scope.registry.entities[name]
    content = scope.content("entity", name)
    if entity.states:
        yield from _check_values(content)
        yield from _check_state_fields(scope, entity)
    yield from _check_nexts(entity, content)
    yield from _check_transitions(entity, content)
    for command in entity.commands:
        yield from _check_command(scope, entity, command)


def _check_state_fields(scope: Scope, entity: Entity) -> Iterator[Diagnostic]:
    for kind in ("state", "status"):
        fields = [field for field in entity.fields if field.type == kind]
        if not fields:
            yield Diagnostic(
                scope.where("entity", entity.name, "states"), "state/no-field",
                f'"{entity.name}" has states but no field of type {kind}',
                "take them from the field group stateful of the base bundle",
            )  # fmt: skip
        for extra in fields[1:]:
            yield Diagnostic(
                scope.where("entity", entity.name, "fields", extra.name), "state/second-field",
                f'"{fields[0].name}" is the {kind} field already; there can be only one',
            )  # fmt: skip


def _check_values(content: YamlMap) -> Iterator[Diagnostic]:
    states: dict[int, str] = {}
    reasons: dict[int, str] = {}
    names: dict[str, str] = {}
    for state in maps_in(content, "states"):
        yield from check_own_value(state, states, "state/duplicate-value", "state")
        found = maps_in(state, "reasons")
        if not found and "reasons" not in state.damaged:
            yield Diagnostic(
                state.at("reasons") if "reasons" in state else state.at("name"),
                "state/no-reasons", f'the state "{state.get("name", "")}" has no reasons',
                "each state needs at least one; the first is its default",
            )  # fmt: skip
        for reason in found:
            yield from check_own_value(reason, reasons, "state/duplicate-value", "reason")
            name = reason.get("name", "")
            other = names.setdefault(name, state.get("name", ""))
            if other != state.get("name", ""):
                yield Diagnostic(
                    reason.at("name"), "entity/duplicate-reason",
                    f'the state "{other}" already has a reason "{name}"',
                    "conditions name reasons without their state",
                )  # fmt: skip


def _check_nexts(entity: Entity, content: YamlMap) -> Iterator[Diagnostic]:
    reasons = [reason.name for state in entity.states for reason in state.reasons]
    for state in maps_in(content, "states"):
        for reason in maps_in(state, "reasons"):
            for name, mark in reason["next"].marked() if "next" in reason else ():
                place = mark.location()
                yield from _unknown(name, reasons, place, "reason", "state/unknown-reason")


def _check_transitions(entity: Entity, content: YamlMap) -> Iterator[Diagnostic]:
    states = [state.name for state in entity.states]
    for item in maps_in(content, "transitions"):
        for key in ("from", "to"):
            if key in item:
                yield from _unknown(item[key], states, item.at(key), "state", "state/unknown-state")


def _check_command(scope: Scope, entity: Entity, command: Command) -> Iterator[Diagnostic]:
    def at(key: str, *more: str) -> Location:
        return scope.where("entity", entity.name, "commands", command.name, key, *more)

    if command.name in BUILT_IN_COMMANDS:
        yield Diagnostic(
            command.location, "command/reserved-name",
            f'a command cannot be called "{command.name}", which every entity has',
        )  # fmt: skip
    states = {state.name: state for state in entity.states}
    for name in command.from_states:
        yield from _unknown(name, states, at("from", name), "state", "state/unknown-state")
    if command.to_state:
        yield from _unknown(command.to_state, states, at("to"), "state", "state/unknown-state")
    if command.to_reason:
        yield from _check_reason(entity, command, at("reason"))
    handled = scope.command_handlers
    if not command.to_state and handled is not None and (entity.name, command.name) not in handled:
        content = _command_content(scope, entity, command)
        if "to" not in content.damaged:
            yield Diagnostic(
                command.location, "command/nobody-carries-out",
                f'nothing carries out the command "{command.name}"',
                "give the state it ends in (to: …), or a plugin with a handler for it",
            )  # fmt: skip


def _check_reason(entity: Entity, command: Command, location: Location) -> Iterator[Diagnostic]:
    owners = {reason.name: state for state in entity.states for reason in state.reasons}
    owner = owners.get(command.to_reason)
    if owner is None:
        yield from _unknown(command.to_reason, owners, location, "reason", "state/unknown-reason")
    elif not command.to_state:
        yield Diagnostic(
            location, "command/reason-without-state",
            "a command with a reason must say the state it ends in", f"add to: {owner.name}",
        )  # fmt: skip
    elif owner.name != command.to_state:
        yield Diagnostic(
            location, "command/reason-of-other-state",
            f'the reason "{command.to_reason}" belongs to the state "{owner.name}", '
            f'not to "{command.to_state}"',
        )  # fmt: skip


def _command_content(scope: Scope, entity: Entity, command: Command) -> YamlMap:
    commands = maps_in(scope.content("entity", entity.name), "commands")
    return next(item for item in commands if item.get("name") == command.name)


def _unknown(
    name: str, known: Iterable[str], location: Location, noun: str, code: str
) -> Iterator[Diagnostic]:
    names = list(known)
    if name not in names:
        yield Diagnostic(
            location, code, f'there is no {noun} "{name}"',
            did_you_mean(name, names) or (f"one of {', '.join(names)}" if names else ""),
        )  # fmt: skip
