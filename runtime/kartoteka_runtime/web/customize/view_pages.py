"""A view: its texts, filter and order, and its columns, which are added, removed and moved."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from kartoteka.errors import RecordNotFound
from kartoteka.model.view import View
from kartoteka_runtime.web.customize import definition_pages
from kartoteka_runtime.web.customize.customizing import Customizing, customize_address
from kartoteka_runtime.web.customize.definition_inputs import view_groups
from kartoteka_runtime.web.customize.definition_pages import DefinitionPage
from kartoteka_runtime.web.customize.list_edits import DO, list_changes
from kartoteka_runtime.web.list_model import field_at


async def show_view(at: Customizing) -> Response:
    """Show a view's properties."""
    return definition_pages.show(at, _page(at))


async def save_view(at: Customizing) -> Response:
    """Save a view's properties, or add, remove or move a column."""
    post = await at.page.post()
    if not post.has(DO):
        return await definition_pages.save(at, _page(at), post)
    view = _view(at)
    changes = list_changes(
        at,
        post,
        ("view", view.name),
        ("columns",),
        present=[column.field for column in view.columns],
        known=[name for name, _ in _addable(at, view)],
        is_own=view.bundle == at.own_bundle,
    )
    return await definition_pages.carry_out(at, _page(at), changes)


def _page(at: Customizing) -> DefinitionPage:
    entity, view = at.entity, _view(at)
    make = at.inputs_of("view", view.name)
    return DefinitionPage(
        template="pages/customize/definition.html",
        title=at.words.labels.text(view.label, at.page.language) or view.name,
        part="views",
        address=customize_address(entity.name, "views", view.name),
        groups=view_groups(make, view),
        origins=make.origins,
        more={
            "name": view.name,
            "kind": "view",
            "back": customize_address(entity.name, "views"),
            "can_retire": False,
            "lists": [_columns(at, view)],
        },
    )


def _columns(at: Customizing, view: View) -> dict[str, Any]:
    return {
        "heading": at.page.text("customize.columns"),
        "add": at.page.text("customize.add_column"),
        "within": "",
        "members": [
            (column.field, label_at(at, view.entity, column.field)) for column in view.columns
        ],
        "addable": _addable(at, view),
    }


def _addable(at: Customizing, view: View) -> list[tuple[str, str]]:
    """Return the fields that are no column yet."""
    present = {column.field for column in view.columns}
    labels, language = at.words.labels, at.page.language
    fields = at.registry.entities[view.entity].fields
    found = [
        (item.name, labels.field(view.entity, item.name, language))
        for item in fields
        if item.name not in present and item.type != "party_list"
    ]
    return sorted(found, key=lambda pair: pair[1].casefold())


def label_at(at: Customizing, entity: str, path: str) -> str:
    """Return the label of a field, over a lookup too."""
    item, owner = field_at(path, entity, at.registry)
    label = at.words.labels.text(item.label, at.page.language) or path
    return (
        label if "/" not in path else f"{at.words.labels.entity(owner, at.page.language)}: {label}"
    )


def _view(at: Customizing) -> View:
    view = at.registry.views.get(str(at.page.request.path_params["name"]))
    if view is None or view.entity != at.entity.name:
        raise RecordNotFound(at.entity.name, "")
    return view
