"""The addresses of the customize pages."""

from __future__ import annotations

from collections.abc import Callable

from starlette.routing import BaseRoute

from kartoteka_runtime.web.customize import (
    entity_pages,
    field_pages,
    form_pages,
    overview_pages,
    plan_pages,
    view_pages,
)
from kartoteka_runtime.web.customize.endpoints import Handler, for_customizers

MakeRoute = Callable[[str, Handler, Handler | None], BaseRoute]


def customize_routes(route: MakeRoute) -> list[BaseRoute]:
    """Return the routes; those of the plan come before an entity that is called so."""
    entity = "/customize/{entity}"
    pages = {
        "/customize": (overview_pages.show_overview, None),
        "/customize/plan": (plan_pages.show_plan, plan_pages.publish),
        "/customize/plan/progress": (plan_pages.show_progress, None),
        entity: (entity_pages.show_general, entity_pages.save_general),
        f"{entity}/general": (entity_pages.show_general, entity_pages.save_general),
        f"{entity}/fields": (field_pages.show_fields, field_pages.add_field),
        f"{entity}/fields/{{name}}": (field_pages.show_field, field_pages.save_field),
        f"{entity}/forms": (entity_pages.show_forms, None),
        f"{entity}/forms/{{name}}": (form_pages.show_form, form_pages.save_form),
        f"{entity}/views": (entity_pages.show_views, None),
        f"{entity}/views/{{name}}": (view_pages.show_view, view_pages.save_view),
        f"{entity}/access": (entity_pages.show_access, None),
    }
    return [
        route(path, for_customizers(get), None if post is None else for_customizers(post))
        for path, (get, post) in pages.items()
    ]
