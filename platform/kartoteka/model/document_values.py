"""Values of definitions under the keys that YAML has for them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import asdict
from typing import Any

from kartoteka.model.entity import Entity
from kartoteka.model.field import Field, Required
from kartoteka.model.label import NO_LABEL, Label
from kartoteka.model.role import PRIVILEGES
from kartoteka.model.rule import Action
from kartoteka.model.view import View


def value_of(found: Any, of: str, key: str) -> Any:
    """Return what a definition has under a key of its YAML; None when it keeps nothing there.

    Args:
        found: A dataclass of ``kartoteka.model``.
        of: Its document kind, or the list it stands in (``fields``, ``controls``).
        key: A key of that shape.
    """
    if of == "parameters":
        of = "fields"
    read = _READINGS.get((of, key))
    return read(found) if read is not None else getattr(found, key, None)


def action_map(action: Action) -> dict[str, Any]:
    """Return an action as YAML has it, with None and empty values where nothing is said."""
    targets = list(action.targets)
    return {
        action.verb: targets[0] if len(targets) == 1 else targets,
        "value": action.value,
        "formula": action.formula,
        "level": None if action.level == "always" else action.level,
        "label" if action.verb == "recommend" else "message": dict(action.message.texts),
        "details": dict(action.details.texts),
        "field": action.field,
        "then": [action_map(inner) for inner in action.then],
    }


def _actions(attribute: str) -> Callable[[Any], Any]:
    def read(found: Any) -> list[dict[str, Any]]:
        maps = [action_map(action) for action in getattr(found, attribute)]
        return [{key: item for key, item in one.items() if item not in (None, "", [], {})}
                for one in maps]  # fmt: skip

    return read


def _required(field: Field) -> Any:
    match field.required:
        case Required.ALWAYS:
            return True
        case Required.NO:
            return False
        case required:
            return required.value


def _default(field: Field) -> Any:
    """Return the default as YAML says it: an option by its name."""
    if field.type in ("choice", "multi_choice"):
        named = (item.name for item in field.options if item.value == field.default)
        return next(named, field.default)
    return field.default


def _yes_no_label(value: int) -> Callable[[Field], Label]:
    def read(field: Field) -> Label:
        return next((item.label for item in field.options if item.value == value), NO_LABEL)

    return read


def _rollup(field: Field) -> dict[str, Any] | None:
    if field.rollup is None:
        return None
    return {key: value for key, value in asdict(field.rollup).items() if value}


def _mask(field: Field) -> dict[str, Any] | None:
    return None if field.mask is None else asdict(field.mask)


def _own_options(field: Field) -> Any:
    return field.options if field.type in ("choice", "multi_choice") and not field.choice else ()


def _target(field: Field) -> Any:
    return field.targets[0] if field.type == "lookup" and len(field.targets) == 1 else None


def _targets(field: Field) -> Any:
    return () if _target(field) else field.targets


def _transitions(entity: Entity) -> Any:
    if entity.transitions is None:
        return None
    return [{"from": item.from_state, "to": item.to_state} for item in entity.transitions]


def _order(view: View) -> Any:
    return [f"{key.field} desc" if key.descending else key.field for key in view.order]


def _renamed(attribute: str) -> Callable[[Any], Any]:
    return lambda found: getattr(found, attribute)


def _level(verb: str) -> Callable[[Any], Any]:
    return lambda granted: granted.levels.get(verb, "none")


def _cascade(action: str) -> Callable[[Field], str]:
    def read(field: Field) -> str:
        value: str = getattr(field.cascade, action)
        return value

    return read


_CASCADES = ("delete", "assign", "share", "unshare", "reparent", "merge")
_READINGS: Mapping[tuple[str, str], Callable[[Any], Any]] = {
    ("entity", "activity"): _renamed("is_activity"),
    ("entity", "parent"): _renamed("parent_field"),
    ("entity", "transitions"): _transitions,
    ("fields", "required"): _required,
    ("fields", "default"): _default,
    ("fields", "true_label"): _yes_no_label(1),
    ("fields", "false_label"): _yes_no_label(0),
    ("fields", "options"): _own_options,
    ("fields", "rollup"): _rollup,
    ("fields", "mask"): _mask,
    ("fields", "target"): _target,
    ("fields", "targets"): _targets,
    **{("fields", f"on_{action}"): _cascade(action) for action in _CASCADES},
    ("commands", "from"): _renamed("from_states"),
    ("commands", "to"): _renamed("to_state"),
    ("commands", "reason"): _renamed("to_reason"),
    ("rule", "enabled"): _renamed("is_enabled"),
    ("rule", "otherwise"): _actions("otherwise"),
    ("branches", "then"): _actions("then"),
    ("view", "default"): _renamed("is_default"),
    ("view", "order"): _order,
    **{("privileges", verb): _level(verb) for verb in PRIVILEGES},
}
