"""``$apply``: ``filter(…)/groupby((…),aggregate(…))`` → groups and figures.

What follows them (``filter``, ``orderby``, ``top``, ``topcount``, ``bottomcount``) is about the
groups, by what these are called. Source: reference web-api, section 5; OData Aggregation 4.0.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field, replace

from kartoteka.conditions.typed import FieldPath, TypedCondition, ValueKind
from kartoteka.model.field import Field
from kartoteka.model.label import NO_LABEL
from kartoteka.names import did_you_mean
from kartoteka.query.aggregates import refusal_of
from kartoteka.query.group_filter import read_group_filter
from kartoteka.query.odata_filter import Aliases, both, read_filter
from kartoteka.query.odata_select import ordered_by_names, path_of
from kartoteka.query.option_text import Piece
from kartoteka.query.query import Aggregate, AggregateFunction, Group, OrderKey
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
_OF_RECORDS = ("filter", "groupby", "aggregate")
_OF_GROUPS = ("filter", "orderby", "top", "topcount", "bottomcount")


@dataclass(slots=True)
class Applied:
    """What a ``$apply`` says. ``names`` are ``{what an order may say: alias in the query}``.

    ``having``, ``order`` and ``top`` are about the groups.
    """

    condition: TypedCondition | None = None
    having: TypedCondition | None = None
    order: tuple[OrderKey, ...] = ()
    top: int | None = None
    groups: list[Group] = field(default_factory=list)
    aggregates: list[Aggregate] = field(default_factory=list)
    shown: list[Shown] = field(default_factory=list)
    names: dict[str, str] = field(default_factory=dict)

    def holders(self) -> tuple[Field, ...]:
        """Return fields that hold what groups do, by the aliases of the query."""
        groups = [replace(group.path.field, name=group.alias) for group in self.groups]
        figures = [replace(_holder(item), name=item.alias) for item in self.aggregates]
        return (*groups, *figures)


def read_apply(piece: Piece, registry: Registry, entity: str, aliases: Aliases) -> Applied:
    """Return the groups and figures that a ``$apply`` asks for.

    Raises:
        QueryError: It is no such text, or does not fit the entity.
    """
    applied = Applied()
    for part in piece.split("/"):
        called = part.call()
        known = _OF_GROUPS if applied.shown else _OF_RECORDS
        name = called[0] if called is not None else part.text
        if called is None or name not in known:
            if applied.shown and name in _OF_RECORDS:
                hint = "group once by all fields, and add up what is answered"
                raise part.error("groups are not grouped again", hint)
            hint = did_you_mean(name, known) or f"write {', '.join(known)}"
            raise part.error(f'"{name[:40]}" is no transformation here', hint)
        if applied.shown:
            _after_groups(name, called[1], registry, entity, applied, aliases)
            continue
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


def _after_groups(
    name: str, piece: Piece, registry: Registry, entity: str, applied: Applied, aliases: Aliases
) -> None:
    """Read one transformation of groups; what chooses some of them comes last."""
    if applied.top is not None:
        raise piece.error(f"{name} cannot follow top", "let top be the last one")
    match name:
        case "filter":
            condition = read_group_filter(piece, registry, entity, applied.holders(), aliases)
            applied.having = both(applied.having, condition)
        case "orderby":
            applied.order = joined_orders(ordered_by_names(piece, applied.names), applied.order)
        case "top":
            applied.top = piece.number("groups")
        case _:
            count, *by = piece.split(",")
            if len(by) != 1 or by[0].text not in applied.names:
                known = ", ".join(applied.names)
                raise piece.error(f"{name} takes a number and one of {known[:200]}")
            key = OrderKey(applied.names[by[0].text], name == "topcount")
            applied.order = joined_orders((key,), applied.order)
            applied.top = count.number("groups")


def joined_orders(
    first: tuple[OrderKey, ...], second: tuple[OrderKey, ...]
) -> tuple[OrderKey, ...]:
    """Return an order whose ties another one breaks."""
    found: dict[FieldPath | str, OrderKey] = {}
    for key in (*first, *second):
        found.setdefault(key.path, key)
    return tuple(found.values())


def _group(piece: Piece, registry: Registry, entity: str, applied: Applied) -> None:
    paths, *rest = piece.split(",")
    if not (paths.text.startswith("(") and paths.text.endswith(")")) or len(rest) > 1:
        raise piece.error("groupby takes fields in parentheses", "write groupby((a,b))")
    for part in paths.cut(1, len(paths.text) - 1).split(","):
        path = path_of(part, registry, entity)
        if path.kind is ValueKind.OPTIONS:
            raise part.error(f'"{part.text}" holds several options', "group by another field")
        group = Group(_alias(path), path)
        applied.groups.append(group)
        name = group.alias if path.steps else raw_name(path.field)
        _show(shown_group(group, name), part, applied)
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


def _holder(figure: Aggregate) -> Field:
    """Return a field that holds what a figure may be."""
    path = figure.path
    if path is None or figure.function is AggregateFunction.COUNT:
        return Field(figure.alias, "whole_number", NO_LABEL)
    if figure.function is AggregateFunction.AVG and path.kind is not ValueKind.FLOAT:
        return Field(figure.alias, "decimal", NO_LABEL, precision=10)
    return path.field


def _alias(path: FieldPath) -> str:
    """Return what a group is called: of a field over a lookup, after the entity it is of."""
    return f"{path.entity}_{path.field.name}" if path.steps else path.field.name


def _show(value: Shown, piece: Piece, applied: Applied) -> None:
    if any(value.name == known.name or value.key == known.key for known in applied.shown):
        raise piece.error(f'"{value.name}" is there twice')
    applied.shown.append(value)
    applied.names[value.name] = value.key
