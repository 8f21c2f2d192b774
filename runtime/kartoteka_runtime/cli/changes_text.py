"""What a publish changes, told to a person."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence

from kartoteka.changes import (
    AddField,
    Change,
    ChangeField,
    CreateEntity,
    CreateRelationship,
    RetireEntity,
    RetireField,
    RetireRelationship,
    UpdateDefinition,
)
from kartoteka_runtime.cli.console import counted

_MOST_OF_A_KIND = 12  # named one by one; more are only counted
_PARTS = {
    "bundles": ("bundle", "bundles"),
    "entities": ("record type", "record types"),
    "choices": ("choice", "choices"),
    "relationships": ("relationship", "relationships"),
    "forms": ("form", "forms"),
    "views": ("view", "views"),
    "roles": ("role", "roles"),
    "areas": ("navigation area", "navigation areas"),
    "messages": ("message", "messages"),
    "languages": ("language", "languages"),
}


def describe_changes(changes: Sequence[Change]) -> Iterator[str]:
    """Yield one line a change, or one line for many of a kind; what touches tables comes first."""
    named: dict[str, list[str]] = {}
    for change in changes:
        match change:
            case CreateEntity(entity):
                named.setdefault("new record type", []).append(entity)
            case AddField(entity, field):
                named.setdefault("new field", []).append(f"{entity}.{field}")
            case ChangeField(entity, field, what):
                named.setdefault("changed field", []).append(f"{entity}.{field} ({what})")
            case CreateRelationship(relationship):
                named.setdefault("new relationship", []).append(relationship)
            case RetireEntity(entity):
                named.setdefault("retired record type, records kept", []).append(entity)
            case RetireField(entity, field):
                named.setdefault("retired field, values kept", []).append(f"{entity}.{field}")
            case RetireRelationship(relationship):
                named.setdefault("retired relationship, links kept", []).append(relationship)
    for title, names in named.items():
        if len(names) > _MOST_OF_A_KIND:
            yield f"{title}: {len(names):,}, among them {', '.join(names[:5])}"
        else:
            yield from (f"{title}: {name}" for name in names)
    definitions = Counter(change.kind for change in changes if isinstance(change, UpdateDefinition))
    if definitions:
        parts = (counted(number, *_PARTS[kind]) for kind, number in definitions.items())
        yield f"definitions: {', '.join(parts)}"
