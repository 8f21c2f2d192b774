"""Which record types a search goes through, and where in their records it looks.

Those are the record types with a quick find view, as far as who asks may read them; it looks in the
fields that the view names. Secured columns that are kept from who asks, or masked, take no part.
"""

from __future__ import annotations

from dataclasses import dataclass

from kartoteka.access.grants import ACTIVITIES
from kartoteka.conditions.typed import (
    Compared,
    FieldPath,
    InPeriod,
    Like,
    Quantified,
    Related,
    TextRelated,
    TextTest,
    TypedCondition,
    ValueKind,
    kind_of,
)
from kartoteka.conditions.walk import parts_of
from kartoteka.model.entity import Entity
from kartoteka.names import did_you_mean
from kartoteka.query.odata_filter import both, read_filter
from kartoteka.query.odata_select import order_words
from kartoteka.query.odata_select import path_of as ordered_path
from kartoteka.query.of_view import path_of
from kartoteka.query.query_error import QueryError
from kartoteka.registry import Registry
from kartoteka_runtime.records.compiled_model import CompiledModel
from kartoteka_runtime.records.reading import find_paths
from kartoteka_runtime.security.access import Access
from kartoteka_runtime.validation.value_checks import shorten
from kartoteka_runtime.web_api.search.search_body import Scope, SearchBody

SCORE = "@search.score"
_MOST_TESTS = 50  # comparisons of the filters of one record type
_TESTS = Compared | InPeriod | Like | Quantified | Related | TextRelated | TextTest
_LONG_TEXT = 1000  # characters; what fields may hold beyond is found, but decides no rank


@dataclass(frozen=True, slots=True)
class Sorted:
    """One key of an order; an entity without the field has no ``path`` for it."""

    path: FieldPath | None
    descending: bool


@dataclass(frozen=True, slots=True)
class Searched:
    """One record type of a search.

    Attributes:
        entity: It.
        identity: The path of its primary id.
        name: Its primary name, when it is looked in.
        others: What else is looked in.
        long: Those of the others that may hold much text.
        shown: What is told of each record.
        condition: The filters that were asked for.
        order: In which order, beside or instead of the rank.
        is_ranked: Whether the rank comes first.
    """

    entity: Entity
    identity: FieldPath
    name: FieldPath | None
    others: tuple[FieldPath, ...]
    long: tuple[FieldPath, ...]
    shown: tuple[FieldPath, ...]
    condition: TypedCondition | None
    order: tuple[Sorted, ...]
    is_ranked: bool

    @property
    def paths(self) -> tuple[FieldPath, ...]:
        """Return all that is looked in, the primary name first."""
        return (*((self.name,) if self.name is not None else ()), *self.others)

    @property
    def short(self) -> tuple[FieldPath, ...]:
        """Return the others whose texts are short enough to decide the rank."""
        return tuple(path for path in self.others if path not in self.long)


def field_name(path: FieldPath) -> str:
    """Return the entity's own field that a path stands for: of a lookup's name, the lookup."""
    return path.steps[0].field.name if path.steps else path.field.name


def searchable_entities(registry: Registry, access: Access) -> tuple[str, ...]:
    """Return the record types that who asks can search, by name."""
    return tuple(
        name
        for name in sorted(registry.entities)
        if _has_find(registry, name) and access.allows("read", name)
    )


def usual_entities(registry: Registry, access: Access) -> tuple[str, ...]:
    """Return those that a search goes through that names none, each record once.

    Each activity is also of a type of its own.
    """
    return tuple(name for name in searchable_entities(registry, access) if name != ACTIVITIES)


def looked_in(model: CompiledModel, entity: str, access: Access) -> tuple[FieldPath, ...]:
    """Return where a search looks in the records of a type, as far as who asks sees it."""
    return tuple(path for path in find_paths(model, entity) if not is_kept_from(access, path))


def is_kept_from(access: Access, path: FieldPath) -> bool:
    """Return whether who asks does not see a column, or sees it masked."""
    limits = access.columns.limits(path.entity)
    return path.field.name in limits.hidden or path.field.name in limits.masked


def searched_entities(
    body: SearchBody, model: CompiledModel, access: Access
) -> tuple[Searched, ...]:
    """Return the record types that a search goes through, in the order in which they are told.

    A filter or an order is wrong only if it fits none of them. Those that a filter does not fit are
    left out; where an order does not fit, the field counts as empty.

    Raises:
        QueryError: A record type or column cannot be searched; a filter or order fits none.
        AccessDenied: Who asks may not read a record type that was named.
    """
    registry = model.registry
    found: list[Searched] = []
    refused: QueryError | None = None
    fitting: set[int] = set()
    everything = (Scope(name, "entities") for name in usual_entities(registry, access))
    for scope in body.scopes or everything:
        _require(scope, registry, access)
        try:
            condition = _filtered(body, scope, registry)
        except QueryError as error:
            if scope.filter is not None and error.part == scope.filter.option:
                raise
            refused = refused or error
            continue
        _require_quick(condition)
        searched, misfit = _searched(body, scope, condition, model, access)
        found.append(searched)
        fitting |= {at for at, key in enumerate(searched.order) if key.path is not None}
        refused = refused or misfit
    if refused is not None and (not found or len(fitting) < len(found[0].order)):
        raise refused
    return tuple(found)


def _has_find(registry: Registry, name: str) -> bool:
    view = registry.view_of_type(name, "quick_find")
    return view is not None and bool(view.find)


def _require(scope: Scope, registry: Registry, access: Access) -> None:
    entity = registry.entities.get(scope.name)
    if entity is None:
        hint = did_you_mean(scope.name, registry.entities)
        message = f'there is no record type "{shorten(scope.name)}"'
        raise QueryError(message, part=scope.part, hint=hint)
    access.require("read", entity)
    if not _has_find(registry, scope.name):
        hint = "add a quick find view to it"
        raise QueryError(f'"{scope.name}" cannot be searched', part=scope.part, hint=hint)


def _filtered(body: SearchBody, scope: Scope, registry: Registry) -> TypedCondition | None:
    condition = None
    for piece in (scope.filter, body.filter):
        if piece is not None:
            condition = both(condition, read_filter(piece, registry, scope.name, {}))
    return condition


def _require_quick(condition: TypedCondition | None) -> None:
    """Return when a filter has not too many comparisons: each statement makes them all again."""
    parts = parts_of(condition) if condition is not None else ()
    tests = sum(isinstance(part, _TESTS) for part in parts)
    if tests > _MOST_TESTS:
        message = f"{tests} comparisons are too many here; at most {_MOST_TESTS} are made"
        raise QueryError(message, part="filter", hint="name many values with in (…)")


def _searched(
    body: SearchBody,
    scope: Scope,
    condition: TypedCondition | None,
    model: CompiledModel,
    access: Access,
) -> tuple[Searched, QueryError | None]:
    """Return one record type, and what is wrong with an order that does not fit it."""
    registry, entity = model.registry, model.registry.entities[scope.name]
    paths = looked_in(model, entity.name, access)
    if scope.looked_in:
        known = dict.fromkeys(field_name(path) for path in paths)
        for column in scope.looked_in:
            if column not in known:
                hint = did_you_mean(column, known)
                message = f'search does not look in "{shorten(column)}" of "{entity.name}"'
                raise QueryError(message, part=f"{scope.part}.searchColumns", hint=hint)
        paths = tuple(path for path in paths if field_name(path) in scope.looked_in)
    name = next((path for path in paths if path.key == entity.primary_field), None)
    others = tuple(path for path in paths if path is not name)
    order, is_ranked, misfit = _order(body, registry, entity.name)
    searched = Searched(
        entity,
        path_of(registry, entity.name, entity.primary_id),
        name,
        others,
        tuple(path for path in others if (path.field.max_length or 0) > _LONG_TEXT),
        _shown(scope, registry, entity, access),
        condition,
        order,
        is_ranked,
    )
    return searched, misfit


def _shown(
    scope: Scope, registry: Registry, entity: Entity, access: Access
) -> tuple[FieldPath, ...]:
    view = registry.view_of_type(entity.name, "quick_find")
    columns = [column.field for column in view.columns] if view is not None else []
    names = scope.shown or [entity.primary_field, *columns]
    found: dict[str, FieldPath] = {}
    for name in names:
        field = entity.field_by_name.get(name)
        if field is None and scope.shown:
            hint = did_you_mean(name, entity.field_by_name)
            message = f'"{shorten(name)}" is not a field of "{entity.name}"'
            raise QueryError(message, part=f"{scope.part}.selectColumns", hint=hint)
        kind = kind_of(field) if field is not None else None
        if field is not None and kind is not None and field.type != "image":
            found[name] = FieldPath((), entity.name, field, kind)
    return tuple(path for path in found.values() if not is_kept_from(access, path))


def _order(
    body: SearchBody, registry: Registry, entity: str
) -> tuple[tuple[Sorted, ...], bool, QueryError | None]:
    """Return the keys of an order, whether the rank comes first, and the first that does not fit.

    A rank that does not come first says nothing: hardly two records share what comes before.
    """
    keys: list[Sorted] = []
    misfit: QueryError | None = None
    words = order_words(body.order)
    is_ranked = not words or words[0][1].lower() == SCORE
    for part, name, descending in words:
        if name.lower() == SCORE:
            if not descending:
                raise part.error("the best come first", f"write {SCORE} desc")
            continue
        try:
            path = ordered_path(part.cut(0, len(name)), registry, entity)
        except QueryError as error:
            misfit = misfit or error
            keys.append(Sorted(None, descending))
            continue
        if path.kind is ValueKind.OPTIONS:
            raise part.error(f'"{name[:60]}" holds several options')
        keys.append(Sorted(path, descending))
    return tuple(keys), is_ranked, misfit
