"""Attributes and orders of FetchXML → what a query selects, groups by and sorts by."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from kartoteka.conditions.typed import FieldPath, ValueKind, kind_of
from kartoteka.model.field import Field
from kartoteka.names import did_you_mean
from kartoteka.query.aggregates import refusal_of
from kartoteka.query.fetch_errors import (
    attribute,
    fetch_error,
    is_set,
    refuse_children,
    refuse_unknown,
)
from kartoteka.query.fetch_sources import Source, Sources, field_of
from kartoteka.query.query import Aggregate, AggregateFunction, DatePart, Group, OrderKey
from kartoteka.query.shown import Shown, raw_name, shown_aggregate, shown_group, shown_path
from kartoteka.query.xml_elements import Element

_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_ATTRIBUTES = (
    "name", "alias", "aggregate", "groupby", "dategrouping", "distinct", "usertimezone",
    "rowaggregate", "build", "addedby",
)  # fmt: skip
_ORDER_ATTRIBUTES = ("attribute", "alias", "descending", "entityname")
_FUNCTIONS: Mapping[str, AggregateFunction] = {
    "count": AggregateFunction.COUNT,
    "countcolumn": AggregateFunction.COUNT,
    "sum": AggregateFunction.SUM,
    "avg": AggregateFunction.AVG,
    "min": AggregateFunction.MIN,
    "max": AggregateFunction.MAX,
}
_PARTS: Mapping[str, DatePart] = {part.value: part for part in DatePart}
_DATES = (ValueKind.DATE, ValueKind.INSTANT, ValueKind.LOCAL_TIME)


@dataclass(slots=True)
class Columns:
    """What a query tells of each row, gathered attribute by attribute.

    ``names`` holds what each name of the answer was given to, and by which element. ``children``
    are the keys under which rows hold how many records lie right below theirs.
    """

    shown: list[Shown] = field(default_factory=list)
    paths: dict[str, FieldPath] = field(default_factory=dict)
    groups: list[Group] = field(default_factory=list)
    aggregates: list[Aggregate] = field(default_factory=list)
    order: list[OrderKey] = field(default_factory=list)
    names: dict[str, tuple[Shown, Element]] = field(default_factory=dict)
    children: list[str] = field(default_factory=list)

    def show(self, value: Shown, element: Element) -> None:
        """Add one value under its name.

        Raises:
            QueryError: The name is taken.
        """
        if value.name in self.names:
            raise fetch_error(element, f'two columns are called "{value.name}"')
        self.names[value.name] = (value, element)
        self.shown.append(value)

    def show_also(self, path: FieldPath, name: str, element: Element) -> None:
        """Add a column that nobody named, unless it is there under its name.

        Raises:
            QueryError: An alias takes its name.
        """
        value = shown_path(path, name)
        if name in self.names:
            taken, by = self.names[name]
            if taken.key != value.key:
                raise fetch_error(
                    by, f'"{name}" is what another column is called; take another alias'
                )
            return
        self.paths.setdefault(path.key, path)
        self.show(value, element)


def read_columns(sources: Sources, *, is_aggregate: bool, is_distinct: bool) -> Columns:
    """Return the attributes and orders of a query's sources.

    Without any attribute all those of the entity that is asked for are there.
    """
    columns = Columns()
    rows = [source for source in sources.found if source.is_row]
    for source in rows:
        for child in source.element.children:
            if child.name == "attribute":
                _add(child, source, columns, is_aggregate=is_aggregate)
            elif child.name == "all-attributes":
                refuse_unknown(child, ())
                _add_all(child, source, columns, is_aggregate=is_aggregate)
    if not columns.shown:
        if is_aggregate:
            raise fetch_error(sources.root.element, "an aggregate query names its attributes")
        _add_all(sources.root.element, sources.root, columns, is_aggregate=False)
    elif not is_aggregate and not is_distinct:
        _add_identity(sources.root, columns)
    for source in rows:
        for child in source.element.children:
            if child.name == "order":
                _add_order(child, source, sources, columns, is_aggregate=is_aggregate)
    if is_distinct and not is_aggregate:
        if columns.children:
            raise fetch_error(sources.root.element, "rowaggregate does not go with distinct")
        _check_distinct(sources, columns)
    return columns


def _add(element: Element, source: Source, columns: Columns, *, is_aggregate: bool) -> None:
    refuse_unknown(element, _ATTRIBUTES)
    refuse_children(element, ())
    path = _path(source, field_of(source.entity, attribute(element, "name"), element))
    alias = element.attributes.get("alias", "")
    if alias and not _NAME.fullmatch(alias):
        raise fetch_error(element, f'"{alias[:60]}" is no alias', "write letters, digits and _")
    if "rowaggregate" in element.attributes:
        if is_aggregate:
            raise fetch_error(element, "rowaggregate does not belong into an aggregate query")
        _add_children(element, path, alias, source, columns)
        return
    if is_aggregate:
        _add_figure(element, path, alias, columns)
        return
    for name in ("aggregate", "groupby", "dategrouping", "distinct"):
        if name in element.attributes:
            hint = 'write <fetch aggregate="true">'
            raise fetch_error(element, f"{name} belongs into an aggregate query", hint)
    columns.paths.setdefault(path.key, path)
    columns.show(shown_path(path, alias or _plain_name(source, path.field)), element)


def _add_children(
    element: Element, path: FieldPath, alias: str, source: Source, columns: Columns
) -> None:
    """Add how many records lie right below each, in the hierarchy of their entity."""
    entity, kind = source.entity, element.attributes["rowaggregate"]
    if kind.lower() != "countchildren":
        hint = "write CountChildren"
        raise fetch_error(element, f'"{kind[:40]}" is no aggregate of a row', hint)
    if source.parent is not None or path.field.name != entity.primary_id:
        message = f'rowaggregate belongs to "{entity.primary_id}" of the entity asked for'
        raise fetch_error(element, message)
    if not any(item.hierarchical for item in entity.fields):
        raise fetch_error(element, f'"{entity.name}" has no hierarchy')
    if not alias:
        raise fetch_error(element, "rowaggregate needs an alias")
    key = f"{alias}@children"
    columns.children.append(key)
    columns.paths.setdefault(path.key, path)
    columns.show(Shown(key, alias, None), element)


def _add_all(element: Element, source: Source, columns: Columns, *, is_aggregate: bool) -> None:
    if is_aggregate:
        raise fetch_error(element, "an aggregate query names its attributes")
    for item in source.entity.fields:
        if kind_of(item) is not None and item.type != "image":
            columns.show_also(_path(source, item), _plain_name(source, item), element)


def _add_identity(root: Source, columns: Columns) -> None:
    """Add the primary id of the entity asked for, which every row tells."""
    item = root.entity.field_by_name.get(root.entity.primary_id)
    if item is not None:
        columns.show_also(_path(root, item), item.name, root.element)


def _add_figure(element: Element, path: FieldPath, alias: str, columns: Columns) -> None:
    if not alias:
        raise fetch_error(element, "each attribute of an aggregate query needs an alias")
    if is_set(element, "groupby"):
        if "aggregate" in element.attributes:
            raise fetch_error(element, "an attribute is either aggregated or grouped by")
        group = Group(alias, path, _part(element, path))
        columns.groups.append(group)
        columns.show(shown_group(group, alias), element)
        return
    name = element.attributes.get("aggregate", "")
    if name not in _FUNCTIONS:
        hint = did_you_mean(name, _FUNCTIONS) or f"write {', '.join(_FUNCTIONS)}"
        raise fetch_error(element, f'"{name[:40]}" is not an aggregate', hint)
    if "dategrouping" in element.attributes:
        raise fetch_error(element, 'dategrouping belongs beside groupby="true"')
    refusal = refusal_of(_FUNCTIONS[name], path)
    if refusal:
        raise fetch_error(element, refusal)
    is_distinct = is_set(element, "distinct")
    if is_distinct and name != "countcolumn":
        raise fetch_error(element, "distinct belongs beside countcolumn")
    figure = Aggregate(alias, _FUNCTIONS[name], None if name == "count" else path, is_distinct)
    columns.aggregates.append(figure)
    columns.show(shown_aggregate(figure), element)


def _part(element: Element, path: FieldPath) -> DatePart | None:
    name = element.attributes.get("dategrouping")
    if "usertimezone" in element.attributes and not is_set(element, "usertimezone"):
        raise fetch_error(element, "dates are grouped in the time zone of whoever asks")
    if path.kind is ValueKind.OPTIONS:
        raise fetch_error(element, f'"{path.field.name}" holds several options; group by another')
    if name is None:
        return None
    if name not in _PARTS:
        hint = did_you_mean(name, _PARTS) or f"write {', '.join(_PARTS)}"
        raise fetch_error(element, f'"{name[:40]}" is not a part of a date', hint)
    if path.kind not in _DATES:
        raise fetch_error(element, f'"{path.field.name}" ({path.field.type}) is no date')
    return _PARTS[name]


def _add_order(
    element: Element, near: Source, sources: Sources, columns: Columns, *, is_aggregate: bool
) -> None:
    refuse_unknown(element, _ORDER_ATTRIBUTES)
    refuse_children(element, ())
    descending = is_set(element, "descending")
    alias = element.attributes.get("alias", "")
    if is_aggregate:
        if alias not in columns.names:
            hint = did_you_mean(alias, columns.names) or "name the alias of an attribute"
            raise fetch_error(element, f'no attribute has the alias "{alias[:60]}"', hint)
        columns.order.append(OrderKey(alias, descending))
        return
    if alias:
        path = _aliased(alias, columns, element)
    else:
        source = near
        if named := element.attributes.get("entityname"):
            source = sources.named(named, element, near=near)
        if not source.is_row:
            raise fetch_error(element, "a link that filters gives no order")
        path = _path(source, field_of(source.entity, attribute(element, "attribute"), element))
    if path.key not in _ordered_by(columns):
        columns.order.append(OrderKey(path, descending))


def _aliased(alias: str, columns: Columns, element: Element) -> FieldPath:
    for value in columns.shown:
        if value.name == alias:
            return columns.paths[value.key]
    hint = did_you_mean(alias, columns.names)
    raise fetch_error(element, f'no attribute has the alias "{alias[:60]}"', hint)


def _ordered_by(columns: Columns) -> set[str]:
    """Return the keys of the paths that an order has already."""
    return {key.path.key for key in columns.order if not isinstance(key.path, str)}


def _check_distinct(sources: Sources, columns: Columns) -> None:
    for key in columns.order:
        if not isinstance(key.path, str) and key.path.key not in columns.paths:
            raise fetch_error(
                sources.root.element,
                f'a distinct query is sorted by "{key.path.field.name}", which it does not show',
                "add the attribute",
            )


def _path(source: Source, item: Field) -> FieldPath:
    kind = kind_of(item)
    assert kind is not None
    return FieldPath((), source.entity.name, item, kind, source.variable)


def _plain_name(source: Source, item: Field) -> str:
    return f"{source.alias}.{item.name}" if source.alias else raw_name(item)
