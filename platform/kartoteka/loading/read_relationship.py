"""Maps of relationships and choices → Relationship and Choice."""

from __future__ import annotations

from kartoteka.loading.positioned import YamlMap
from kartoteka.loading.read_field import read_options
from kartoteka.loading.read_label import read_former_names, read_label
from kartoteka.model.choice import Choice
from kartoteka.model.relationship import Relationship


def read_relationship(name: str, content: YamlMap, *, bundle: str) -> Relationship | None:
    """Return the N:N relationship of a map, or None when it lacks a side or its link table."""
    if not all(key in content for key in ("left", "right", "intersect")):
        return None
    return Relationship(
        name=name,
        left=content["left"],
        right=content["right"],
        intersect=content["intersect"],
        schema_name=content.get("schema_name", ""),
        left_label=read_label(content, "left_label"),
        right_label=read_label(content, "right_label"),
        bundle=bundle,
        renamed_from=read_former_names(content),
        location=content.at("name"),
    )


def read_choice(name: str, content: YamlMap, *, bundle: str) -> Choice:
    """Return the shared choice that a map describes."""
    return Choice(
        name=name,
        label=read_label(content),
        options=read_options(content),
        bundle=bundle,
        renamed_from=read_former_names(content),
        location=content.at("name"),
    )
