"""ListModel: a view as its template needs it, in one language; made once a publication."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace

from kartoteka.model.field import Field
from kartoteka.model.field_types import FIELD_TYPES
from kartoteka.model.view import View, ViewColumn
from kartoteka.registry import Registry
from kartoteka_runtime.localization.money_writers import CURRENCY
from kartoteka_runtime.web.build_form import creatable_entities, field_control
from kartoteka_runtime.web.entity_model import EntityModel, Words, entity_model
from kartoteka_runtime.web.form_model import ControlModel

_NUMERIC = frozenset({"whole_number", "decimal", "money", "duration"})


@dataclass(frozen=True, slots=True)
class ColumnModel:
    """One column. ``cell`` is the name that the template gives its value.

    ``control`` says how the value looks; ``width`` is in CSS pixels (0: as wide as it needs).
    """

    path: str
    label: str
    cell: str
    control: ControlModel
    width: int
    is_number: bool
    is_sortable: bool
    is_title: bool  # links to the record


@dataclass(frozen=True, slots=True)
class ListModel:
    """A whole list: the view, the entity it shows, and the views one may change to."""

    view: str
    label: str
    entity: EntityModel
    columns: tuple[ColumnModel, ...]
    others: tuple[tuple[str, str], ...]  # (name, label) of the public views, the default one first
    creatable: tuple[EntityModel, ...]  # kinds of records that the list offers to create


def build_list_model(view: View, words: Words) -> ListModel:
    """Return a view's model in the language of ``words``."""
    columns = tuple(
        _column(view, column, number, words) for number, column in enumerate(view.columns)
    )
    if columns and not any(column.is_title for column in columns):
        columns = (replace(columns[0], is_title=True), *columns[1:])
    public = [other for other in words.registry.views_of[view.entity] if other.type == "public"]
    return ListModel(
        view=view.name,
        label=words.labels.text(view.label, words.language) or view.name,
        entity=entity_model(view.entity, words),
        columns=columns,
        others=tuple(
            (other.name, words.labels.text(other.label, words.language) or other.name)
            for other in public
        ),
        creatable=creatable_entities(view.entity, words),
    )


def field_at(path: str, entity: str, registry: Registry) -> tuple[Field, str]:
    """Return the field that a column's path ends at, and the entity it belongs to.

    A lookup with several targets says which one it means: ``parentcustomerid_account/name``.
    """
    step, _, rest = path.partition("/")
    fields = registry.entities[entity].field_by_name
    if not rest:
        return fields[step], entity
    if step in fields:
        return field_at(rest, fields[step].targets[0], registry)
    return field_at(rest, _named_target(step, fields), registry)


def _named_target(step: str, fields: Mapping[str, Field]) -> str:
    for item in fields.values():
        for target in item.targets:
            if step == f"{item.name}_{target}":
                return target
    raise KeyError(step)


def with_currency(view: View, registry: Registry) -> View:
    """Return the view, with the record's currency as a further column when it shows money."""
    entity = registry.entities[view.entity]
    paths = {column.field for column in view.columns}
    if CURRENCY in paths or CURRENCY not in entity.field_by_name:
        return view
    if any(field_at(path, view.entity, registry)[0].type == "money" for path in paths):
        return replace(view, columns=(*view.columns, ViewColumn(CURRENCY)))
    return view


def _column(view: View, column: ViewColumn, number: int, words: Words) -> ColumnModel:
    item, owner = field_at(column.field, view.entity, words.registry)
    control = field_control(words.registry.entities[owner], item, words)
    label = words.labels.text(column.label, words.language) or control.label
    lookup = words.registry.entities[view.entity].field_by_name.get(column.field.split("/")[0])
    if lookup is not None and "/" in column.field and not column.label:
        label = f"{control.label} ({words.labels.text(lookup.label, words.language)})"
    own = words.registry.entities[view.entity]
    return ColumnModel(
        path=column.field,
        label=label,
        cell=f"c{number}",
        control=control,
        width=column.width,
        is_number=control.widget in _NUMERIC,
        is_sortable=FIELD_TYPES[item.type].can_be_sorted,
        is_title=column.field == own.primary_field,
    )
