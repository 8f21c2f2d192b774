"""``$apply``: ``filter(…)/groupby((…),aggregate(…))`` → groups and figures."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from kartoteka.conditions.typed import FieldPath, TypedCondition, ValueKind
from kartoteka.names import did_you_mean
from kartoteka.query.aggregates import refusal_of
from kartoteka.query.odata_filter import Aliases, both, read_filter
from kartoteka.query.odata_select import path_of
from kartoteka.query.option_text import Piece
from kartoteka.query.query import Aggregate, AggregateFunction, Group
from kartoteka.query.shown import Shown, raw_name, shown_aggregate, shown_group
from kartoteka.registry import Registry

_COUNT = re.compile(r"\$count\s+as\s+([A-Za-z_][A-Za-z0-9_]*)", re.ASCII)
_FIGURE = re.compile(r"([A-Za-z_][\w/]*)\s+with\s+(\w+)\s+as\s+([A-Za-z_][A-Za-z0-9_]*)", re.ASCII)
_METHODS: Mapping[str, AggregateFunction] = {
    "sum": AggregateFunction.SUM,
    "average": AggregateFunction.AVG,
    "min": AggregateFunction.MIN,
    "max": AggregateFunction.MAX,
    "countdistinct": AggregateFunction.COUNT,
}
_TRANSFORMATIONS = ("filter", "groupby", "aggregate")


@dataclass(slots=True)
class Applied:
    """What a ``$apply`` says. ``names`` are ``{what an order may say: alias in the query}``."""

    condition: TypedCondition | None = None
    groups: list[Group] = field(default_factory=list)
    aggregates: list[Aggregate] = field(default_factory=list)
    shown: list[Shown] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)


def read_apply(piece: Piece, registry: Registry, entity: str, aliases: Aliases) -> Applied:
    """Return the groups and figures that a ``$apply`` asks for.

    Raises:
        QueryError: It is no such text, or does not fit the entity.
    """
    applied = Applied()
    for part in piece.split("/"):
        called = part.call()
        name = called[0] if called is not None else part.text
        if called is None or name not in _TRANSFORMATIONS:
            hint = did_you_mean(name, _TRANSFORMATIONS)
            raise part.error(
                f'"{name[:40]}" is no transformation', hint or "write filter, groupby or aggregate"
            )
        if applied.groups or applied.aggregates:
            raise part.error("nothing can follow groupby and aggregate")
        inside = called[1]
        match name:
            case "filter":
                condition = read_filter(inside, registry, entity, aliases)
                applied.condition = both(applied.condition, condition)
            case "groupby":
                _group(inside, registry, entity, applied)
            case _:
                _aggregate(inside, registry, entity, applied)
    if not applied.shown:
        raise piece.error("$apply gives nothing", "add groupby((…)) or aggregate(…)")
    return applied


def _group(piece: Piece, registry: Registry, entity: str, applied: Applied) -> None:
    paths, *rest = piece.split(",")
    if not (paths.text.startswith("(") and paths.text.endswith(")")) or len(rest) > 1:
        raise piece.error("groupby takes fields in parentheses", "write groupby((a,b))")
    for part in paths.cut(1, len(paths.text) - 1).split(","):
        path = path_of(part, registry, entity)
        if path.kind is ValueKind.OPTIONS:
            raise part.error(f'"{part.text}" holds several options', "group by another field")
        group = Group(path.key, path)
        applied.groups.append(group)
        _show(shown_group(group, _group_name(path)), part, applied)
        applied.names.setdefault(part.text, group.alias)
    if rest:
        called = rest[0].call()
        if called is None or called[0] != "aggregate":
            raise rest[0].error("groupby takes aggregate(…) after its fields")
        _aggregate(called[1], registry, entity, applied)


def _aggregate(piece: Piece, registry: Registry, entity: str, applied: Applied) -> None:
    for part in piece.split(","):
        figure = _figure(part, registry, entity)
        applied.aggregates.append(figure)
        _show(shown_aggregate(figure), part, applied)


def _figure(piece: Piece, registry: Registry, entity: str) -> Aggregate:
    if counted := _COUNT.fullmatch(piece.text):
        return Aggregate(counted[1], AggregateFunction.COUNT)
    figure = _FIGURE.fullmatch(piece.text)
    if figure is None:
        raise piece.error(
            "this is no aggregate", "write creditlimit with sum as total, or $count as total"
        )
    path = path_of(piece.cut(figure.start(1), figure.end(1)), registry, entity)
    method = figure[2]
    if method not in _METHODS:
        hint = did_you_mean(method, _METHODS) or f"write {', '.join(_METHODS)}"
        raise piece.error(f'"{method[:40]}" is no method', hint, at=figure.start(2))
    if refusal := refusal_of(_METHODS[method], path):
        raise piece.error(refusal)
    return Aggregate(figure[3], _METHODS[method], path, method == "countdistinct")


def _group_name(path: FieldPath) -> str:
    """Return what rows call a group: a field over a lookup is called after the entity it is of."""
    return f"{path.entity}_{path.field.name}" if path.steps else raw_name(path.field)


def _show(value: Shown, piece: Piece, applied: Applied) -> None:
    if any(value.name == known.name or value.key == known.key for known in applied.shown):
        raise piece.error(f'"{value.name}" is there twice')
    applied.shown.append(value)
    applied.names[value.name] = value.key
