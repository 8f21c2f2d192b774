"""What the members of a definition's lists are called, so that lists are compared by name."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from kartoteka.model.choice import Option
from kartoteka.model.column_profile import ColumnPrivileges, EntityColumns
from kartoteka.model.entity import Reason, State, Transition
from kartoteka.model.form import Control
from kartoteka.model.role import EntityPrivileges
from kartoteka.model.rule import Action
from kartoteka.model.view import SortKey, ViewColumn

Member = Any  # as registry_codec writes it: a map, or a text that is its own name

_NUMBERED = (Option, State, Reason)  # the number is what is stored; a name may change


def named(kind: Any, members: Sequence[Member]) -> dict[str, Member]:
    """Return ``{name: member}`` in order; what is there twice is numbered from 2.

    Args:
        kind: The model class of the members, or str.
        members: As ``registry_codec`` writes them.
    """
    name_of = _NAME_OF.get(kind, _by_name)
    found: dict[str, Member] = {}
    for member in members:
        name = plain = name_of(member)
        number = 1
        while name in found:
            number += 1
            name = f"{plain} ({number})"
        found[name] = member
    return found


def same_numbers(
    kind: Any, before: Mapping[str, Member], after: Mapping[str, Member]
) -> dict[str, str]:
    """Return ``{name before: name after}`` of options, states and reasons of another name now."""
    if kind not in _NUMBERED:
        return {}
    come = {member["value"]: name for name, member in after.items() if name not in before}
    return {
        name: come[member["value"]]
        for name, member in before.items()
        if name not in after and member["value"] in come
    }


def control_name(control: Member) -> str:
    """Return what a control is called in its section: ``name``, ``subgrid contacts``."""
    for key in ("subgrid", "quick_view", "panel"):
        if control.get(key):
            return f"{key.replace('_', ' ')} {control[key]}"
    return str(control.get("field", ""))


def _by_name(member: Member) -> str:
    return str(member["name"])


_NAME_OF: Mapping[Any, Callable[[Member], str]] = {
    str: str,
    Action: lambda member: f"{member['verb']} {', '.join(member['targets'])}",
    ColumnPrivileges: lambda member: str(member["field"]),
    Control: control_name,
    EntityColumns: lambda member: str(member["entity"]),
    EntityPrivileges: lambda member: str(member["entity"]),
    SortKey: lambda member: str(member["field"]),
    Transition: lambda member: f"{member['from_state']} to {member['to_state']}",
    ViewColumn: lambda member: str(member["field"]),
}
