"""``sentence``: a difference in one plain English sentence, in the words of the files."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from kartoteka.definition_changes.definition_change import ABSENT, DefinitionChange

_MOST_SHOWN = 60  # characters of a value

# What one member of a list is called, by the list; the keys of files where they differ.
_MEMBERS: Mapping[str, str] = {
    "branches": "branch",
    "bundles": "bundle",
    "columns": "column",
    "commands": "command",
    "controls": "field",
    "entries": "entry",
    "features": "feature",
    "fields": "field",
    "find": "find field",
    "from_states": "from state",
    "groups": "group",
    "header": "header field",
    "joined_from": "joined field",
    "keys": "key",
    "languages": "language",
    "miscellaneous": "privilege",
    "next": "next reason",
    "options": "option",
    "otherwise": "otherwise action",
    "order": "sort key",
    "parameters": "parameter",
    "privileges": "privileges on",
    "reasons": "reason",
    "requires": "required bundle",
    "roles": "role",
    "sections": "section",
    "states": "state",
    "tabs": "tab",
    "targets": "target",
    "then": "action",
    "transitions": "transition",
    "works_with": "optional bundle",
}
_KEYS: Mapping[str, str] = {
    "is_activity": "activity",
    "is_default": "default",
    "is_enabled": "enabled",
    "parent_field": "parent",
    "to_reason": "reason",
    "to_state": "to",
}
_TEXTS = frozenset({
    "label", "plural_label", "help", "confirm", "left_label", "right_label", "message",
    "details",
})  # fmt: skip

_TEXT_KEYS = _TEXTS | {"text", "filter", "formula"}


def sentence(change: DefinitionChange) -> str:
    """Return what a change does, such as ``view active_accounts: filter changes from … to …``.

    Texts stand in quotes and are cut to 60 characters; an empty value is called nothing.
    """
    subject, path = _subject(change)
    if not path:
        return f"{subject} {_comes_or_goes(change)}"
    told = _told(change, path)
    return f"{subject}: {told}"


def _subject(change: DefinitionChange) -> tuple[str, tuple[str, ...]]:
    """Return what the sentence is about, and the rest of the path."""
    path = change.path
    if change.kind == "app":
        return "app", path
    if change.kind == "messages":
        return f"message {change.name}", ("text", *path) if path else ()
    if change.kind == "entity" and path[:1] == ("fields",) and not _is_order(change):
        return f"field {change.name}.{path[1]}", path[2:]
    return f"{change.kind.replace('_', ' ')} {change.name}", path


def _comes_or_goes(change: DefinitionChange) -> str:
    if change.before is ABSENT:
        return f"is added{_place(change)}"
    return "is removed"


def _told(change: DefinitionChange, path: tuple[str, ...]) -> str:
    members, rest = _split(path, change)
    if _is_order(change):
        return _moved(change, members, rest)
    if not rest:
        return _member_told(change, members)
    container = ""
    if members:
        what = _member(members[-1])
        container = f" of {what}"
        if members[-1][0] == "privileges":
            container = f" on {members[-1][1]}"
        elif members[-1][0] == "columns" and len(members) > 1:
            container += f" on {members[-2][1]}"
        elif members[-1][0] == "controls" and len(members) > 1:
            container += f" in section {members[-2][1]}"
    values = f" changes from {_shown(change.before, rest)} to {_shown(change.after, rest)}"
    return f"{_property(rest)}{container}{values}"


def _member_told(change: DefinitionChange, members: Sequence[tuple[str, str]]) -> str:
    what = _member(members[-1])
    inside = _inside(members)
    is_plural = members[-1][0] == "privileges"
    verb = "are" if is_plural else "is"
    if change.before is ABSENT:
        to = f" to {inside}" if inside else ""
        granted = f": {_granted(change.after)}" if is_plural else ""
        return f"{what} {verb} added{to}{'' if is_plural else _place(change)}{granted}"
    return f"{what} {verb} removed{f' from {inside}' if inside else ''}"


def _moved(
    change: DefinitionChange, members: Sequence[tuple[str, str]], rest: Sequence[str]
) -> str:
    listed = rest[0]
    inside = _inside([*members, (listed, "")])
    where = f" in {inside}" if inside else ""
    moved = moved_member(change.before, change.after)
    if moved is None:
        before, after = _shown(change.before, ("order",)), _shown(change.after, ("order",))
        return f"order of {_plural(_MEMBERS[listed])}{where} changes from {before} to {after}"
    index = change.after.index(moved)
    target = f"behind {change.after[index - 1]}" if index else "to the front"
    return f"{_MEMBERS[listed]} {moved} moves {target}{where}"


def moved_member(before: Sequence[str], after: Sequence[str]) -> str | None:
    """Return the one member that has another place; None when several have."""
    for name in after:
        if [item for item in before if item != name] == [item for item in after if item != name]:
            return name
    return None


def _split(
    path: tuple[str, ...], change: DefinitionChange
) -> tuple[list[tuple[str, str]], tuple[str, ...]]:
    """Return ``(list, member)`` pairs from the outermost on, and the property within the last."""
    members: list[tuple[str, str]] = []
    last = len(path) - 1 if _is_order(change) else len(path)
    index = 0
    while index + 1 < last and path[index] in _MEMBERS:
        members.append((path[index], path[index + 1]))
        index += 2
    return members, path[index:last] if _is_order(change) else path[index:]


def _is_order(change: DefinitionChange) -> bool:
    return (
        len(change.path) > 1
        and change.path[-1] == "order"
        and isinstance(change.before, list)
        and isinstance(change.after, list)
    )


def _member(pair: tuple[str, str]) -> str:
    listed, name = pair
    if listed == "controls" and " " in name:
        return name  # says itself what it is: subgrid contacts
    return f"{_MEMBERS[listed]} {name}"


def _inside(members: Sequence[tuple[str, str]]) -> str:
    """Return what a member stands in: ``section general``, or "" for the object itself."""
    return f"{_MEMBERS[members[-2][0]]} {members[-2][1]}" if len(members) > 1 else ""


def _place(change: DefinitionChange) -> str:
    if change.behind is None:
        return ""
    return f" after {change.behind}" if change.behind else " in the first place"


def _granted(privileges: Mapping[str, Any]) -> str:
    if "columns" in privileges:
        return ", ".join(str(column["field"]) for column in privileges["columns"])
    levels: Mapping[str, str] = privileges.get("levels", {})
    return ", ".join(f"{name} {level}" for name, level in levels.items()) or "none"


def _property(rest: Sequence[str]) -> str:
    """Return a property's name as files write it, with the language of a text."""
    if rest[0] == "levels":
        return rest[1]
    if rest[0] == "cascade":
        return f"on_{rest[1]}"
    name = _KEYS.get(rest[0], rest[0])
    return f"{name} ({rest[1]})" if len(rest) > 1 else name


def _shown(value: Any, rest: Sequence[str]) -> str:
    if value is ABSENT and rest[0] == "levels":
        return "none"
    if value is ABSENT or value in ("", None) or value == []:
        return "nothing"
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict) and value.keys() == {"decimal"}:
        return str(value["decimal"])
    if isinstance(value, dict) and "over" in value:
        return f"{value['function']} over {value['over']}"
    if isinstance(value, dict) and "pattern" in value:
        return f'"{_shortened(value["pattern"])}"'
    if isinstance(value, list):
        return _shortened(", ".join(_listed(value)))
    if isinstance(value, str) and (
        not _TEXT_KEYS.isdisjoint(rest) or not value.replace("_", "").isalnum()
    ):
        return f'"{_shortened(value)}"'
    return _shortened(str(value))


def _listed(values: Sequence[Any]) -> Iterator[str]:
    for value in values:
        if isinstance(value, dict):
            yield str(value.get("name") or " to ".join(map(str, value.values())))
        else:
            yield str(value)


def _shortened(text: str) -> str:
    text = re.sub(r"\s+", " ", text)
    return text if len(text) <= _MOST_SHOWN else text[: _MOST_SHOWN - 1] + "…"


def _plural(word: str) -> str:
    return f"{word[:-1]}ies" if word.endswith("y") else f"{word}s"
