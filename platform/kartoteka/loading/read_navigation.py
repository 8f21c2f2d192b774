"""A navigation document's map → Area."""

from __future__ import annotations

from kartoteka.loading.positioned import YamlMap
from kartoteka.loading.read_label import maps_in, read_former_names, read_label
from kartoteka.model.navigation import Area, Entry, Group


def read_area(name: str, content: YamlMap, *, bundle: str) -> Area:
    """Return the area that a map describes."""
    return Area(
        name=name,
        label=read_label(content),
        icon=content.get("icon", ""),
        order=content.get("order", 100),
        groups=tuple(
            Group(
                name=group["name"],
                label=read_label(group),
                entries=tuple(
                    Entry(
                        name=entry["name"],
                        entity=entry["entity"],
                        view=entry.get("view", ""),
                        label=read_label(entry),
                        location=entry.at("name"),
                    )
                    for entry in maps_in(group, "entries")
                    if "name" in entry and "entity" in entry
                ),
                location=group.at("name"),
            )
            for group in maps_in(content, "groups")
            if "name" in group
        ),
        bundle=bundle,
        renamed_from=read_former_names(content),
        location=content.at("name"),
    )
