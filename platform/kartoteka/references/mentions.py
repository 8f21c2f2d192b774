"""The names inside one scalar: field paths, conditions, placeholders → what each of them means.

A mention is ``(target, offset)``; what is not known to the registry is passed over.
"""

from __future__ import annotations

import re
from collections.abc import Generator, Iterator

from kartoteka.conditions.condition_error import ConditionError
from kartoteka.conditions.entity_collections import OTHER_DIRECTION, collections_of
from kartoteka.conditions.parser import parse, parse_expression
from kartoteka.conditions.syntax import (
    THE_RECORD,
    And,
    Arithmetic,
    Call,
    Cases,
    Comparison,
    Condition,
    Literal,
    Membership,
    Negative,
    Not,
    Or,
    Path,
    Quantifier,
)
from kartoteka.conditions.typed import Collection, Linked, Match
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


def in_formula(
    text: str, entity: str, registry: Registry, *, options_of: str = ""
) -> Iterator[Mention]:
    """Yield the fields of a formula, and the options that it names in quotes.

    ``options_of`` is the owner of the options that may be its result, of a choice's formula.
    """
    try:
        formula = parse_expression(text)
    except ConditionError:
        return
    yield from _Condition(text, entity, registry).mentions(formula)
    if options_of:
        for literal in _results(formula):
            if isinstance(literal.value, str):
                yield ObjectName("option", literal.value, options_of), literal.offset + 1


def _results(node: Condition) -> Iterator[Literal]:
    """Yield the values written out that may be the result of a formula."""
    match node:
        case Literal():
            yield node
        case Cases(branches):
            for _, value in branches:
                yield from _results(value)
        case Call("coalesce", arguments):
            for argument in arguments:
                yield from _results(argument)


_LastField = tuple[str, Field]  # a field with options, perhaps, and its entity


class _Condition:
    """Looks through the parts of one condition."""

    def __init__(self, text: str, entity: str, registry: Registry) -> None:
        self._text = text
        self._registry = registry
        self._variables = {"": entity, THE_RECORD: entity}

    def mentions(self, node: Condition, beside: _LastField | None = None) -> Iterator[Mention]:
        """Yield what a node names; ``beside`` is a field whose options its texts may be."""
        match node:
            case And(terms) | Or(terms):
                for term in terms:
                    yield from self.mentions(term)
            case Not(term) | Negative(term):
                yield from self.mentions(term)
            case Comparison(left, _, right) | Arithmetic(left, _, right):
                yield from self._together((left, right))
            case Membership(left, items):
                yield from self._together((left, *items))
            case Call(function, arguments):
                is_one_of_them = function == "coalesce"
                yield from self._together(arguments, beside if is_one_of_them else None)
            case Cases(branches):
                for condition, _ in branches:
                    yield from self.mentions(condition)
                yield from self._together(tuple(value for _, value in branches), beside)
            case Quantifier(collection, _, variable, term):
                entity = yield from self._collection(collection)
                if term is not None:
                    self._variables[variable] = entity
                    yield from self.mentions(term)
            case Path():
                yield from self._path(node)[0]
            case Literal(value=str(text)) if beside is not None:
                yield from self._options(text, node.offset + 1, *beside)

    def _together(
        self, operands: tuple[Condition, ...], beside: _LastField | None = None
    ) -> Iterator[Mention]:
        """Yield what operands name; texts beside a field with options are options."""
        own: _LastField | None = None
        for operand in operands:
            if isinstance(operand, Path):
                mentions, last = self._path(operand)
                yield from mentions
                own = own or last
        beside = own or beside
        for operand in operands:
            if not isinstance(operand, Path):
                yield from self.mentions(operand, beside)

    def _collection(self, path: Path) -> Generator[Mention, None, str]:
        """Yield what the path before ``/any`` names; return the entity of its records."""
        offsets = self._offsets(path)
        entity, first = self._beginning(path)
        steps, places = path.steps[first:-1], offsets[first:-1]
        mentions, last = _followed(steps, places, entity, self._registry)
        yield from mentions
        if steps:
            entity = "" if last is None else _target_of(steps[-1], last[1])
        if entity not in self._registry.entities:
            return ""
        found = collections_of(self._registry, entity).get(path.steps[-1])
        if found is None:
            return ""
        yield from in_collection(path.steps[-1], offsets[-1], found)
        return found.entity

    def _options(self, text: str, offset: int, entity: str, field: Field) -> Iterator[Mention]:
        kind = _OPTION_KINDS.get(field.type)
        if kind is None:
            return
        of = option_owner(entity, field) if kind == "option" else entity
        for word in _WORD.finditer(text):
            yield ObjectName(kind, word.group(), of), offset + word.start()

    def _path(self, path: Path) -> tuple[list[Mention], _LastField | None]:
        entity, first = self._beginning(path)
        return _followed(path.steps[first:], self._offsets(path)[first:], entity, self._registry)

    def _beginning(self, path: Path) -> tuple[str, int]:
        """Return the entity of a path's first field, and which step that is."""
        if path.steps[0] in self._variables:
            return self._variables[path.steps[0]], 1
        return self._variables[""], 0

    def _offsets(self, path: Path) -> list[int]:
        offsets, at = [], path.offset
        for step in path.steps:  # blanks may stand around the strokes
            at = self._text.index(step, at)
            offsets.append(at)
            at += len(step)
        return offsets


def in_collection(name: str, offset: int, collection: Collection) -> Iterator[Mention]:
    """Yield what the name of a collection is made of.

    That is an N:N relationship, or the entities and the lookup that a 1:N one is called after.
    """
    match collection.via:
        case Linked(relationship):
            if name.endswith(relationship.name):
                at = offset + len(name) - len(relationship.name)
                yield ObjectName("relationship", relationship.name), at
        case Match(field):
            items = collection.entity
            parts: tuple[tuple[ObjectName, str], ...] = (
                (ObjectName("entity", collection.owner), f"{collection.owner}_"),
                (ObjectName("entity", items), f"{items}_"),
                (ObjectName("field", field.name, items), field.name),
            )
            plain = name.removeprefix(OTHER_DIRECTION)
            if field.relationship != "".join(text for _, text in parts):
                parts = parts[1:]  # of a lookup with several targets
            text = "".join(text for _, text in parts)
            if field.relationship.endswith(text) and text in plain:
                at = offset + name.index(text)
                for target, part in parts:
                    yield target, at
                    at += len(part)


_OPTION_KINDS = {
    "choice": "option", "multi_choice": "option", "state": "state", "status": "reason",
}  # fmt: skip


def _followed(
    steps: list[str] | tuple[str, ...],
    offsets: int | list[int],
    entity_name: str,
    registry: Registry,
) -> tuple[list[Mention], _LastField | None]:
    """Return the mentions of a path, and the last field with its entity if it is known."""
    found: list[Mention] = []
    last: _LastField | None = None
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


def _target_of(step: str, field: Field) -> str:
    """Return the entity that a step over a lookup reaches, "" when that is not said."""
    if len(field.targets) == 1:
        return field.targets[0]
    return next((target for target in field.targets if step == f"{field.name}_{target}"), "")


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
