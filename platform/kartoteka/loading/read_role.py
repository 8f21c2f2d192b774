"""A role's map → Role."""

from __future__ import annotations

from kartoteka.loading.positioned import YamlMap
from kartoteka.loading.read_label import maps_in, read_former_names, read_label, read_names
from kartoteka.model.role import PRIVILEGES, EntityPrivileges, Role


def read_role(name: str, content: YamlMap, *, bundle: str) -> Role:
    """Return the security role that a map describes."""
    return Role(
        name=name,
        label=read_label(content),
        help=read_label(content, "help"),
        privileges=tuple(
            EntityPrivileges(
                entity=item["entity"],
                levels={
                    verb: item[verb] for verb in PRIVILEGES if item.get(verb, "none") != "none"
                },
                location=item.at("entity"),
            )
            for item in maps_in(content, "privileges")
            if "entity" in item
        ),
        miscellaneous=read_names(content, "miscellaneous"),
        grants_all=content.get("grants_all", False),
        bundle=bundle,
        renamed_from=read_former_names(content),
        location=content.at("name"),
    )
