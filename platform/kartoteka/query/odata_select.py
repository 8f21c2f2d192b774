"""``$select`` and ``$orderby`` → columns and order."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from kartoteka.conditions.condition_error import ConditionError
from kartoteka.conditions.paths import resolve_path
from kartoteka.conditions.syntax import Path
from kartoteka.conditions.typed import FieldPath, kind_of
from kartoteka.model.entity import Entity
from kartoteka.model.field import Field
from kartoteka.names import did_you_mean
from kartoteka.query.option_text import Piece
from kartoteka.query.query import OrderKey
from kartoteka.query.query_error import QueryError
from kartoteka.registry import Registry

VERSION = "versionnumber"
MOST_KEYS = 20  # of an order


def selected(piece: Piece | None, entity: Entity) -> tuple[FieldPath, ...]:
    """Return the fields that a ``$select`` names, the primary id among them.

    Without one it is all but images, which are told only to who asks for them.

    Lookups may be written either way: ``primarycontactid``, ``_primarycontactid_value``.
    """
    if piece is None or not piece.text or piece.text == "*":
        return tuple(
            _path(entity, item)
            for item in entity.fields
            if kind_of(item) is not None and item.type != "image"
        )
    found = {entity.primary_id: _path(entity, entity.field_by_name[entity.primary_id])}
    for part in piece.split(","):
        if part.text:
            item = _field(part, entity)
            found.setdefault(item.name, _path(entity, item))
    return tuple(found.values())


def selected_of_several(
    piece: Piece | None, entities: Sequence[Entity], also: str
) -> tuple[tuple[FieldPath, ...], ...]:
    """Return the fields that a ``$select`` names of records of one of several entities.

    The result has an item for each entity, with the primary id first. A field must be one of at
    least one entity; without a ``$select`` it is all that every entity has. ``also`` is a name that
    stands for the primary id.
    """
    if piece is None or not piece.text or piece.text == "*":
        shared = set.intersection(*(set(entity.field_by_name) for entity in entities))
        wanted = [[path for path in selected(None, one) if path.key in shared] for one in entities]
    else:
        wanted = [[] for _ in entities]
        for part in piece.split(","):
            if part.text and part.text != also:
                for paths, path in zip(wanted, _of_any(part, entities), strict=True):
                    paths += path
    found = []
    for entity, paths in zip(entities, wanted, strict=True):
        first = _path(entity, entity.field_by_name[entity.primary_id])
        found.append(tuple({path.key: path for path in (first, *paths)}.values()))
    return tuple(found)


def _of_any(piece: Piece, entities: Sequence[Entity]) -> list[list[FieldPath]]:
    """Return what a name means in each entity, of which one must have it."""
    found: list[list[FieldPath]] = []
    refusals = []
    for entity in entities:
        try:
            found.append([_path(entity, _field(piece, entity))])
        except QueryError as error:
            found.append([])
            refusals.append(error)
    if len(refusals) == len(entities):
        raise refusals[0]
    return found


def with_version(paths: Sequence[FieldPath], entity: Entity) -> tuple[FieldPath, ...]:
    """Return the columns with the record's version, which its ETag is made of."""
    version = entity.field_by_name.get(VERSION)
    if version is None or any(path.key == VERSION for path in paths):
        return tuple(paths)
    return (*paths, _path(entity, version))


def ordered(piece: Piece | None, registry: Registry, entity: str) -> tuple[OrderKey, ...]:
    """Return the order that an ``$orderby`` asks for, each field once."""
    found: dict[str, OrderKey] = {}
    for part, name, descending in order_words(piece):
        path = path_of(part.cut(0, len(name)), registry, entity)
        found.setdefault(path.key, OrderKey(path, descending))
    return tuple(found.values())


def ordered_by_names(piece: Piece | None, known: Mapping[str, str]) -> tuple[OrderKey, ...]:
    """Return an order by groups and figures; ``known`` is ``{name: alias in the query}``."""
    found: dict[str, OrderKey] = {}
    for part, name, descending in order_words(piece):
        if name not in known:
            hint = did_you_mean(name, list(known))
            raise part.error(f'$apply gives nothing called "{name[:60]}"', hint)
        found.setdefault(known[name], OrderKey(known[name], descending))
    return tuple(found.values())


def order_words(piece: Piece | None) -> list[tuple[Piece, str, bool]]:
    """Return the keys of an order: the piece, the name in it, whether it descends."""
    if piece is None:
        return []
    found = []
    for part in piece.split(","):
        if not part.text:
            continue
        name, *direction = part.text.split()
        if direction not in ([], ["asc"], ["desc"]):
            word = " ".join(direction)[:40]
            raise part.error(f'"{word}" is no direction', "write asc or desc", at=len(name) + 1)
        found.append((part, name, direction == ["desc"]))
    if len(found) > MOST_KEYS:
        raise piece.error(f"an order has at most {MOST_KEYS} keys")
    return found


def path_of(piece: Piece, registry: Registry, entity: str) -> FieldPath:
    """Return a field, also one over lookups."""
    try:
        return resolve_path(Path(tuple(piece.text.split("/"))), registry, entity)
    except ConditionError as error:
        raise piece.error(error.message, error.hint, at=error.offset) from None


def _field(piece: Piece, entity: Entity) -> Field:
    name = piece.text
    found = entity.field_by_name.get(name)
    if found is None and name.startswith("_") and name.endswith("_value"):
        found = entity.field_by_name.get(name[1:-6])
        found = found if found is not None and found.is_lookup else None
    if found is None:
        hint = did_you_mean(name, entity.field_by_name)
        raise piece.error(f'"{name[:60]}" is not a field of "{entity.name}"', hint)
    if kind_of(found) is None:
        raise piece.error(f'lists do not show "{name}" ({found.type})')
    return found


def _path(entity: Entity, item: Field) -> FieldPath:
    kind = kind_of(item)
    assert kind is not None
    return FieldPath((), entity.name, item, kind)
