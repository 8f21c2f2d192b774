"""A view's map → View."""

from __future__ import annotations

from kartoteka.loading.positioned import YamlMap
from kartoteka.loading.read_label import maps_in, read_former_names, read_label, read_names
from kartoteka.model.view import SortKey, View, ViewColumn


def read_view(name: str, content: YamlMap, *, bundle: str) -> View | None:
    """Return the view that a map describes, or None when it does not say of which entity."""
    if "entity" not in content:
        return None
    return View(
        name=name,
        entity=content["entity"],
        type=content.get("type", "public"),
        label=read_label(content),
        columns=tuple(
            ViewColumn(item["field"], read_label(item), item.get("width", 0), item.at("field"))
            for item in maps_in(content, "columns")
            if "field" in item
        ),
        filter=content.get("filter", ""),
        filter_location=content.at("filter"),
        order=tuple(_sort_key(text) for text in read_names(content, "order")),
        find=read_names(content, "find"),
        is_default=content.get("default", False),
        bundle=bundle,
        renamed_from=read_former_names(content),
        location=content.at("name"),
    )


def _sort_key(text: str) -> SortKey:
    field, _, direction = text.partition(" ")
    return SortKey(field, direction == "desc")
