"""The names inside one scalar: field paths, conditions, placeholders → what each of them means.

A mention is ``(target, offset)``; what is not known to the registry is passed over.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from kartoteka.conditions.condition_error import ConditionError
from kartoteka.conditions.parser import parse
from kartoteka.conditions.syntax import (
    And,
    Call,
    Comparison,
    Condition,
    Literal,
    Membership,
    Not,
    Or,
    Path,
)
from kartoteka.labels import PLACEHOLDER
from kartoteka.model.entity import Entity
from kartoteka.model.field import Field
from kartoteka.references.reference import ObjectName
from kartoteka.registry import Registry

Mention = tuple[ObjectName, int]

_WORD = re.compile(r"\w+", re.ASCII)


def option_owner(entity: str, field: Field) -> str:
    """Return what the options of a field belong to: their shared choice, or the field."""
    return f"choice:{field.choice}" if field.choice else f"{entity}.{field.name}"


def in_path(text: str, offset: int, entity: str, registry: Registry) -> Iterator[Mention]:
    """Yield the fields, and the targets spelled out, of ``primarycontactid/fullname``."""
    mentions, _ = _followed(text.split("/"), offset, entity, registry)
    yield from mentions


def in_sort_key(text: str, entity: str, registry: Registry) -> Iterator[Mention]:
    """Yield the field of ``createdon desc``."""
    yield from in_path(text.partition(" ")[0], 0, entity, registry)


def in_text(text: str) -> Iterator[Mention]:
    """Yield what the placeholders of a label or message name."""
    for found in PLACEHOLDER.finditer(text):
        name, start = found["name"], found.start("name")
        match found["kind"]:
            case "entity" | "entities":
                yield ObjectName("entity", name), start
            case "field":
                entity, _, field = name.partition(".")
                yield ObjectName("entity", entity), start
                yield ObjectName("field", field, entity), start + len(entity) + 1


def in_condition(text: str, entity: str, registry: Registry) -> Iterator[Mention]:
    """Yield the fields of a condition, and the options that it names in quotes."""
    try:
        condition = parse(text)
    except ConditionError:
        return
    yield from _Condition(text, entity, registry).mentions(condition)


class _Condition:
    """Looks through the parts of one condition."""

    def __init__(self, text: str, entity: str, registry: Registry) -> None:
        self._text = text
        self._entity = entity
        self._registry = registry

    def mentions(self, node: Condition) -> Iterator[Mention]:
        match node:
            case And(terms) | Or(terms):
                for term in terms:
                    yield from self.mentions(term)
            case Not(term):
                yield from self.mentions(term)
            case Comparison(left, _, right):
                yield from self._together((left, right))
            case Membership(left, items):
                yield from self._together((left, *items))
            case Call(_, arguments):
                yield from self._together(arguments)
            case Path():
                yield from self._path(node)[0]

    def _together(self, operands: tuple[Condition, ...]) -> Iterator[Mention]:
        """Yield what operands name; texts beside a field with options are options."""
        owners: list[tuple[str, Field]] = []
        for operand in operands:
            if isinstance(operand, Path):
                mentions, last = self._path(operand)
                yield from mentions
                owners += [last] if last is not None else []
            elif not isinstance(operand, Literal):
                yield from self.mentions(operand)
        for literal in operands:
            if owners and isinstance(literal, Literal) and isinstance(literal.value, str):
                yield from self._options(literal.value, literal.offset + 1, *owners[0])

    def _options(self, text: str, offset: int, entity: str, field: Field) -> Iterator[Mention]:
        kind = _OPTION_KINDS.get(field.type)
        if kind is None:
            return
        of = option_owner(entity, field) if kind == "option" else entity
        for word in _WORD.finditer(text):
            yield ObjectName(kind, word.group(), of), offset + word.start()

    def _path(self, path: Path) -> tuple[list[Mention], tuple[str, Field] | None]:
        offsets, at = [], path.offset
        for step in path.steps:  # blanks may stand around the strokes
            at = self._text.index(step, at)
            offsets.append(at)
            at += len(step)
        return _followed(path.steps, offsets, self._entity, self._registry)


_OPTION_KINDS = {
    "choice": "option", "multi_choice": "option", "state": "state", "status": "reason",
}  # fmt: skip


def _followed(
    steps: list[str] | tuple[str, ...],
    offsets: int | list[int],
    entity_name: str,
    registry: Registry,
) -> tuple[list[Mention], tuple[str, Field] | None]:
    """Return the mentions of a path, and the last field with its entity if it is known."""
    found: list[Mention] = []
    last: tuple[str, Field] | None = None
    at = offsets if isinstance(offsets, int) else 0
    for number, step in enumerate(steps):
        entity = registry.entities.get(entity_name)
        if entity is None:
            return found, None
        offset = at if isinstance(offsets, int) else offsets[number]
        at = offset + len(step) + 1
        field, target, shift = _field_of_step(entity, step)
        if field is None:
            return found, None
        found.append((ObjectName("field", field.name, entity.name), offset + shift))
        if target:
            found.append((ObjectName("entity", target), offset + len(field.name) + 1))
        last = entity.name, field
        entity_name = target or (field.targets[0] if len(field.targets) == 1 else "")
    return found, last


def _field_of_step(entity: Entity, step: str) -> tuple[Field | None, str, int]:
    """Return the field of a step, the target it spells out, and where in it the name begins."""
    field = entity.field_by_name.get(step)
    if field is not None:
        return field, "", 0
    if step.startswith("_") and step.endswith("_value"):
        return entity.field_by_name.get(step[1:-6]), "", 1
    for field in entity.fields:
        for target in field.targets:
            if step == f"{field.name}_{target}":
                return field, target, 0
    return None, "", 0
