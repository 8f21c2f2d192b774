"""A column profile's map → ColumnProfile."""

from __future__ import annotations

from kartoteka.loading.positioned import YamlMap
from kartoteka.loading.read_label import maps_in, read_former_names, read_label
from kartoteka.model.column_profile import ColumnPrivileges, ColumnProfile, EntityColumns


def read_column_profile(name: str, content: YamlMap, *, bundle: str) -> ColumnProfile:
    """Return the column profile that a map describes."""
    return ColumnProfile(
        name=name,
        label=read_label(content),
        help=read_label(content, "help"),
        privileges=tuple(
            EntityColumns(
                entity=item["entity"],
                columns=tuple(
                    _privileges(column) for column in maps_in(item, "columns") if "field" in column
                ),
                location=item.at("entity"),
            )
            for item in maps_in(content, "privileges")
            if "entity" in item
        ),
        bundle=bundle,
        renamed_from=read_former_names(content),
        location=content.at("name"),
    )


def _privileges(content: YamlMap) -> ColumnPrivileges:
    return ColumnPrivileges(
        field=content["field"],
        read=content.get("read", False),
        create=content.get("create", False),
        update=content.get("update", False),
        read_unmasked=content.get("read_unmasked", "none"),
        location=content.at("field"),
    )
