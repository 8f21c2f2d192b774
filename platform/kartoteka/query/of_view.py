"""``query_of_view``: a saved list → the query it stands for."""

from __future__ import annotations

from collections.abc import Sequence

from kartoteka.conditions.check_condition import check_condition
from kartoteka.conditions.parser import parse
from kartoteka.conditions.paths import resolve_path
from kartoteka.conditions.syntax import Path
from kartoteka.conditions.typed import FieldPath, TypedCondition
from kartoteka.model.view import SortKey, View
from kartoteka.query.query import OrderKey, Query
from kartoteka.registry import Registry


def query_of_view(registry: Registry, view: View, sort: Sequence[SortKey] = ()) -> Query:
    """Return a view as a query, in its own order or another one."""
    columns = tuple(path_of(registry, view.entity, column.field) for column in view.columns)
    order = tuple(
        OrderKey(path_of(registry, view.entity, key.field), key.descending)
        for key in (tuple(sort) or view.order)
    )
    identity = path_of(registry, view.entity, registry.entities[view.entity].primary_id)
    condition = condition_of(registry, view.entity, view.filter)
    return Query(view.entity, (identity, *columns), condition, order)


def condition_of(registry: Registry, entity: str, text: str) -> TypedCondition | None:
    """Return the text of a condition in checked form; None for the empty text.

    Raises:
        ConditionError: It does not parse, or names what does not exist.
    """
    return check_condition(parse(text), registry, entity) if text.strip() else None


def path_of(registry: Registry, entity: str, text: str) -> FieldPath:
    """Return what a path such as ``primarycontactid/fullname`` means on an entity.

    Raises:
        ConditionError: It names what does not exist.
    """
    return resolve_path(Path(tuple(text.split("/"))), registry, entity)
