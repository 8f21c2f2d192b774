"""Forms, views and areas of the navigation as documents have them."""

from __future__ import annotations

from kartoteka.model.form import Control, Form
from kartoteka.model.navigation import Area
from kartoteka.model.view import View
from kartoteka.registry_documents.sparse_map import Map, Said, label_map, sparse, unless


def form_map(form: Form) -> Map:
    """Return the content of a form."""
    return {
        "label": label_map(form.label),
        "entity": form.entity,
        "type": form.type,
        "order": unless(form.order, 100),
        "roles": list(form.roles),
        "header": list(form.header),
        "tabs": Said([
            sparse({
                "name": tab.name,
                "label": label_map(tab.label),
                "columns": unless(tab.columns, 1),
                "sections": Said([
                    sparse({
                        "name": section.name,
                        "label": label_map(section.label),
                        "columns": unless(section.columns, 1),
                        "controls": Said([_control(control) for control in section.controls]),
                    })
                    for section in tab.sections
                ]),
            })
            for tab in form.tabs
        ]),
    }  # fmt: skip


def _control(control: Control) -> Map | str:
    found = sparse({
        "field": control.field,
        "subgrid": control.subgrid,
        "quick_view": control.quick_view,
        "panel": control.panel,
        "label": label_map(control.label),
        "read_only": control.read_only,
        "width": unless(control.width, 1),
        "rows": unless(control.rows, 0),
        "entity": control.entity,
        "by": control.by,
        "relationship": control.relationship,
        "view": control.view,
        "form": control.form,
    })  # fmt: skip
    return control.field if found.keys() == {"field"} else found


def view_map(view: View) -> Map:
    """Return the content of a view."""
    columns = [
        sparse(
            {"field": column.field, "label": label_map(column.label), "width": column.width or None}
        )
        for column in view.columns
    ]
    return {
        "label": label_map(view.label),
        "entity": view.entity,
        "type": view.type,
        "default": view.is_default,
        "filter": view.filter,
        "order": [f"{key.field} desc" if key.descending else key.field for key in view.order],
        "columns": Said([
            column["field"] if column.keys() == {"field"} else column for column in columns
        ]),
        "find": list(view.find),
    }  # fmt: skip


def area_map(area: Area) -> Map:
    """Return the content of an area of the navigation."""
    return {
        "label": label_map(area.label),
        "icon": area.icon,
        "order": unless(area.order, 100),
        "groups": Said([
            sparse({
                "name": group.name,
                "label": label_map(group.label),
                "entries": Said([
                    sparse({
                        "name": entry.name, "label": label_map(entry.label), "entity": entry.entity,
                        "view": entry.view,
                    })
                    for entry in group.entries
                ]),
            })
            for group in area.groups
        ]),
    }  # fmt: skip
