"""Options written by name or number → their numbers."""

from __future__ import annotations

from collections.abc import Mapping
from decimal import Decimal

from kartoteka.conditions.condition_error import ConditionError
from kartoteka.conditions.syntax import Literal
from kartoteka.conditions.typed import FieldPath
from kartoteka.names import did_you_mean
from kartoteka.registry import Registry


def option_names(path: FieldPath, registry: Registry) -> Mapping[str, int]:
    """Return ``{option name: number}`` of a choice, multi-choice, state or status field."""
    entity = registry.entities[path.entity]
    match path.field.type:
        case "state":
            return {state.name: state.value for state in entity.states}
        case "status":
            return {r.name: r.value for state in entity.states for r in state.reasons}
        case _:
            return {option.name: option.value for option in path.field.options}


def option_number(literal: Literal, path: FieldPath, registry: Registry) -> int:
    """Return the number of the option that a literal names.

    Raises:
        ConditionError: There is no such option, or the literal is neither text nor number.
    """
    value = literal.value
    if isinstance(value, Decimal):
        value = format(value, "f")
    if isinstance(value, str):
        return _number(value, path, registry, offset=literal.offset)
    raise ConditionError(
        f'"{path.key}" ({path.field.type}) is compared with its options',
        literal.offset,
        _offer(option_names(path, registry)),
    )


def option_numbers(literal: Literal, path: FieldPath, registry: Registry) -> tuple[int, ...]:
    """Return the set that a literal names: one option, or a text of several with commas."""
    if not isinstance(literal.value, str) or "," not in literal.value:
        return (option_number(literal, path, registry),)
    names = [name.strip() for name in literal.value.split(",")]
    return tuple(sorted({_number(n, path, registry, offset=literal.offset) for n in names}))


def _number(name: str, path: FieldPath, registry: Registry, *, offset: int) -> int:
    known = option_names(path, registry)
    if name in known:
        return known[name]
    for number in known.values():
        if str(number) == name:
            return number
    raise ConditionError(
        f'"{path.key}" has no option {name[:60]}',
        offset,
        did_you_mean(name, known) or _offer(known),
    )


def _offer(known: Mapping[str, int]) -> str:
    names = ", ".join(f"'{name}'" for name in list(known)[:8])
    return f"its options are {names}" + (" …" if len(known) > 8 else "") if known else ""
