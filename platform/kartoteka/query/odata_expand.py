"""``$expand`` → the records inside each record, with options of their own."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

from kartoteka.conditions.entity_collections import collections_of
from kartoteka.conditions.typed import Collection, LookupStep, TypedCondition
from kartoteka.model.entity import Entity
from kartoteka.model.field import Field
from kartoteka.names import did_you_mean
from kartoteka.query.navigation_names import navigation_name
from kartoteka.query.odata_filter import Aliases, aliases_in, read_filter
from kartoteka.query.odata_select import (
    VERSION,
    ordered,
    selected,
    selected_of_several,
    with_version,
)
from kartoteka.query.option_text import MOST_CHARACTERS, Piece
from kartoteka.query.query import (
    MOST_EXPAND_DEPTH,
    MOST_EXPANDS,
    MOST_ITEMS_EXPANDED,
    Expand,
    Query,
)
from kartoteka.query.shown import Inside, ShownRecord, raw_name, shown_path
from kartoteka.registry import Registry

_OF_ONE = ("$select", "$expand")
_OF_MANY = ("$select", "$expand", "$filter", "$orderby", "$top")


@dataclass(slots=True)
class ExpandReader:
    """Reads the expands of one query, and counts them."""

    registry: Registry
    aliases: Aliases
    count: int = 0
    characters: int = 0  # of filters

    def read(
        self, piece: Piece, entity: Entity, *, depth: int = 1
    ) -> tuple[tuple[Expand, ...], tuple[Inside, ...]]:
        """Return what a ``$expand`` asks for, and how it is told.

        Raises:
            QueryError: Something named does not exist, or there are too many.
        """
        return self._read(_parts(piece, depth), entity, depth)

    def _read(
        self, parts: Sequence[Piece], entity: Entity, depth: int
    ) -> tuple[tuple[Expand, ...], tuple[Inside, ...]]:
        expands: dict[str, Expand] = {}
        inside: list[Inside] = []
        for part in parts:
            self.count += 1
            if self.count > MOST_EXPANDS:
                raise part.error(f"more than {MOST_EXPANDS} expands")
            found, told = self._one(part, entity, depth)
            if told.name in (known.name for known in inside):
                raise part.error(f'"{told.name}" is expanded twice')
            expands |= {expand.key: expand for expand in found}
            inside.append(told)
        return tuple(expands.values()), tuple(inside)

    def _one(self, piece: Piece, entity: Entity, depth: int) -> tuple[tuple[Expand, ...], Inside]:
        name, options = _name_and_options(piece)
        item = entity.field_by_name.get(name)
        if item is not None and item.type == "owner":
            return self._owner(item, _options(options, _OF_ONE), depth)
        over = self._over(name, piece, entity)
        is_many = isinstance(over, Collection)
        target = over.entity if isinstance(over, Collection) else over.target
        chosen = _options(options, _OF_MANY if is_many else _OF_ONE)
        query, shown = self._query(chosen, target, depth)
        key = f"{name}()"  # a row holds the lookup itself under its name
        said = {option: text.text for option, text in chosen.items()}
        if options is not None:
            said |= aliases_in(options.text, self.aliases)
        expand = Expand(key, over, query, goes_on=is_many and "$top" not in chosen)
        return (expand,), Inside(key, name, is_many, shown, tuple(said.items()))

    def _owner(
        self, item: Field, options: Mapping[str, Piece], depth: int
    ) -> tuple[tuple[Expand, ...], Inside]:
        """Return what reads an owner, whose id is told as ``ownerid`` whoever it is."""
        entities = [self.registry.entities[target] for target in item.targets]
        self.count += len(entities) - 1
        selects = selected_of_several(options.get("$select"), entities, item.name)
        inner = self._of_several(options.get("$expand"), entities, depth + 1)
        expands, kinds = [], []
        for entity, columns, parts in zip(entities, selects, inner, strict=True):
            key = f"{item.name}/{entity.name}()"
            inner_expands, inside = self._read(parts, entity, depth + 1)
            query = Query(entity.name, with_version(columns, entity), expands=inner_expands)
            identity = shown_path(columns[0], item.name)
            values = (identity, *(shown_path(path, raw_name(path.field)) for path in columns))
            has_version = VERSION in entity.field_by_name
            shown = ShownRecord(entity.name, values, inside, has_version, says_type=True)
            expands.append(Expand(key, LookupStep(item, entity.name), query))
            kinds.append(Inside(key, item.name, False, shown))
        return tuple(expands), replace(kinds[0], others=tuple(kinds[1:]))

    def _of_several(
        self, piece: Piece | None, entities: Sequence[Entity], depth: int
    ) -> list[list[Piece]]:
        """Return for each entity what of an ``$expand`` it has; one of them must have each part."""
        found: list[list[Piece]] = [[] for _ in entities]
        for part in _parts(piece, depth) if piece is not None else ():
            name, _ = _name_and_options(part)
            having = [self._has(name, entity) for entity in entities]
            if not any(having):
                self._over(name, part, entities[0])  # says what is wrong
            for parts, is_there in zip(found, having, strict=True):
                if is_there:
                    parts.append(part)
        return found

    def _has(self, name: str, entity: Entity) -> bool:
        item = entity.field_by_name.get(name)
        if item is not None and item.type == "owner":
            return True
        return name in navigations_of(entity) or name in collections_of(self.registry, entity.name)

    def _over(self, name: str, piece: Piece, entity: Entity) -> LookupStep | Collection:
        steps = navigations_of(entity)
        if name in steps:
            return steps[name]
        collections = collections_of(self.registry, entity.name)
        if name in collections:
            return collections[name]
        item = entity.field_by_name.get(name)
        if item is not None and item.is_lookup:
            forms = " or ".join(f"{name}_{target}" for target in item.targets[:3])
            raise piece.error(f'"{name}" points to several entities', f"write {forms}")
        hint = did_you_mean(name, [*steps, *collections])
        raise piece.error(f'"{name[:60]}" is no navigation property of "{entity.name}"', hint)

    def _query(
        self, options: Mapping[str, Piece], target: str, depth: int
    ) -> tuple[Query, ShownRecord]:
        entity = self.registry.entities[target]
        columns = selected(options.get("$select"), entity)
        expands: tuple[Expand, ...] = ()
        inside: tuple[Inside, ...] = ()
        if "$expand" in options:
            expands, inside = self.read(options["$expand"], entity, depth=depth + 1)
        condition = None
        if "$filter" in options:
            condition = self._filter(options["$filter"], target)
        query = Query(
            target,
            with_version(columns, entity),
            condition,
            ordered(options.get("$orderby"), self.registry, target),
            expands,
            limit=_top(options.get("$top")),
        )
        values = tuple(shown_path(path, raw_name(path.field)) for path in columns)
        return query, ShownRecord(target, values, inside, VERSION in entity.field_by_name)

    def _filter(self, piece: Piece, target: str) -> TypedCondition:
        named = aliases_in(piece.text, self.aliases)
        self.characters += len(piece.text) + sum(map(len, named.values()))
        if self.characters > MOST_CHARACTERS:
            raise piece.error(f"more than {MOST_CHARACTERS} characters of filters")
        return read_filter(piece, self.registry, target, self.aliases)


def navigations_of(entity: Entity) -> Mapping[str, LookupStep]:
    """Return ``{navigation property: lookup}``; one with several targets has one for each.

    What an activity is about is also called after both ends (``regardingobjectid_account_task``).
    """
    found = {}
    for item in entity.fields:
        if not item.is_lookup:
            continue
        if len(item.targets) == 1:
            found[item.name] = LookupStep(item, item.targets[0])
        for target in item.targets:
            step = LookupStep(item, target)
            if item.type != "owner":
                found.setdefault(navigation_name(item, target, entity), step)
            found.setdefault(f"{item.name}_{target}", step)
            found.setdefault(f"{item.name}_{target}_{entity.name}", step)
    return found


def _parts(piece: Piece, depth: int) -> list[Piece]:
    if depth > MOST_EXPAND_DEPTH:
        raise piece.error(f"more than {MOST_EXPAND_DEPTH} expands inside one another")
    return [part for part in piece.split(",") if part.text]


def _name_and_options(piece: Piece) -> tuple[str, Piece | None]:
    called = piece.call()
    return (piece.text, None) if called is None else called


def _options(piece: Piece | None, known: tuple[str, ...]) -> dict[str, Piece]:
    found: dict[str, Piece] = {}
    if piece is None:
        return found
    for part in piece.split(";"):
        if not part.text:
            continue
        name, equals, _ = part.text.partition("=")
        name = name.strip()
        if not equals or name not in known:
            raise part.error(f'"{name[:40]}" is no option here', f"write {', '.join(known)}")
        if name in found:
            raise part.error(f"{name} is there twice")
        found[name] = part.cut(part.text.index("=") + 1)
    return found


def _top(piece: Piece | None) -> int:
    if piece is None:
        return MOST_ITEMS_EXPANDED
    number = piece.number("records")
    if not number:
        raise piece.error("$top is a number from 1")
    return min(number, MOST_ITEMS_EXPANDED)
