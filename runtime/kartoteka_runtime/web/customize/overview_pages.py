"""The record types of the app, where each comes from, and a search among them."""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from kartoteka.model.entity import Entity
from kartoteka.text_folding import fold
from kartoteka_runtime.web.customize.customizing import Customizing


async def show_overview(at: Customizing) -> Response:
    """Show the record types whose names the search finds, by label."""
    page = at.page
    wanted = fold(page.query.get("q", "").strip())
    rows = [_row(at, entity) for entity in at.registry.entities.values()]
    found = [row for row in rows if wanted in fold(f"{row['label']} {row['plural']} {row['name']}")]
    template = "fragments/_customize_entities.html"
    return at.render(
        template if page.is_fragment else "pages/customize/overview.html",
        title=page.text("customize.title"),
        rows=sorted(found, key=lambda row: fold(str(row["plural"]))),
        q=page.query.get("q", "").strip(),
    )


def _row(at: Customizing, entity: Entity) -> dict[str, Any]:
    return {
        **at.about(entity),
        "fields": len(entity.fields),
        "forms": len(at.registry.forms_of[entity.name]),
        "views": len(at.registry.views_of[entity.name]),
        "is_own": entity.bundle == at.own_bundle,
        "is_changed": entity.name in at.changed_entities,
    }
