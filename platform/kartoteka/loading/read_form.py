"""A form's map → Form."""

from __future__ import annotations

from kartoteka.loading.named_lists import identity_of
from kartoteka.loading.positioned import YamlMap
from kartoteka.loading.read_label import maps_in, read_former_names, read_label, read_names
from kartoteka.model.form import Control, Form, Section, Tab


def read_form(name: str, content: YamlMap, *, bundle: str) -> Form | None:
    """Return the form that a map describes, or None when it does not say of which entity."""
    if "entity" not in content:
        return None
    return Form(
        name=name,
        entity=content["entity"],
        type=content.get("type", "main"),
        label=read_label(content),
        header=read_names(content, "header"),
        tabs=tuple(_tab(item) for item in maps_in(content, "tabs") if "name" in item),
        roles=read_names(content, "roles"),
        order=content.get("order", 100),
        bundle=bundle,
        renamed_from=read_former_names(content),
        location=content.at("name"),
    )


def _tab(content: YamlMap) -> Tab:
    return Tab(
        name=content["name"],
        label=read_label(content),
        columns=content.get("columns", 1),
        sections=tuple(_section(item) for item in maps_in(content, "sections") if "name" in item),
        location=content.at("name"),
    )


def _section(content: YamlMap) -> Section:
    return Section(
        name=content["name"],
        label=read_label(content),
        columns=content.get("columns", 1),
        controls=tuple(_control(item) for item in maps_in(content, "controls")),
        location=content.at("name"),
    )


def _control(content: YamlMap) -> Control:
    identity = identity_of("controls", content)
    return Control(
        field=content.get("field", ""),
        label=read_label(content),
        read_only=content.get("read_only", False),
        width=content.get("width", 1),
        rows=content.get("rows", 0),
        subgrid=content.get("subgrid", ""),
        entity=content.get("entity", ""),
        by=content.get("by", ""),
        relationship=content.get("relationship", ""),
        view=content.get("view", ""),
        quick_view=content.get("quick_view", ""),
        form=content.get("form", ""),
        panel=content.get("panel", ""),
        location=content.at(identity[0]) if identity else content.mark.location(),
    )
