"""An entity's fields: the list, one field's properties, a new field, and taking one away."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

from starlette.responses import Response

from kartoteka.editing.customize import REMOVED, Customization
from kartoteka.errors import RecordNotFound
from kartoteka.model.field import Field
from kartoteka.names import MAX_NAME_LENGTH
from kartoteka.text_folding import fold
from kartoteka_runtime.web.csrf import TOKEN
from kartoteka_runtime.web.customize import definition_pages
from kartoteka_runtime.web.customize.customizing import Customizing, NotSaved, customize_address
from kartoteka_runtime.web.customize.definition_inputs import field_groups
from kartoteka_runtime.web.customize.definition_pages import DefinitionPage, said
from kartoteka_runtime.web.form_posts import Post

# Types that a field made in the browser may have; the others need what only files can say.
NEW_TYPES = (
    "text", "multi_line", "whole_number", "decimal", "money", "yes_no", "choice", "multi_choice",
    "date", "date_time", "lookup",
)  # fmt: skip
_WITH_OPTIONS = ("choice", "multi_choice")
_NO_NAME = re.compile(r"[^a-z0-9]+")
_MAX_PLAIN = 100
_FIRST_OPTION = 1


async def show_fields(at: Customizing) -> Response:
    """Show the entity's fields, and a form for a new one."""
    return _render(at, {})


async def add_field(at: Customizing) -> Response:
    """Add a field to the entity, in a file of the app."""
    entity, post = at.entity, await at.page.post()
    labels = {f"label.{language}" for language in at.registry.languages}
    post.check_names({TOKEN, "type", "name", "options", "target", *labels})
    typed = {name: post.text(name).strip() for name in post.values if name != TOKEN}
    name = typed.get("name") or _name_from(at, typed)
    bad = _bad(at, typed, name)
    if bad:
        return _render(at, typed, bad=bad, status=422)
    edit = Customization("entity", entity.name, ("fields", name), _definition(at, typed))
    try:
        await at.save(edit)
    except NotSaved as refused:
        bad = {"name": said(refused.mistakes)} if refused.mistakes else {}
        return _render(at, typed, bad=bad, refused=refused)
    return at.page.redirect(
        customize_address(entity.name, "fields", name), "customize.field_added", {"name": name}
    )


async def show_field(at: Customizing) -> Response:
    """Show a field's properties."""
    return definition_pages.show(at, _page(at))


async def save_field(at: Customizing) -> Response:
    """Save a field's properties, or take the field away."""
    post = await at.page.post()
    if post.text("_do") == "retire":
        return await _retire(at, post)
    return await definition_pages.save(at, _page(at), post)


async def _retire(at: Customizing, post: Post) -> Response:
    post.check_names({TOKEN, "_do"})
    entity, item = at.entity, _field(at)
    if item.bundle != at.own_bundle:
        raise RecordNotFound(entity.name, item.name)
    edit = Customization("entity", entity.name, ("fields", item.name), REMOVED)
    try:
        await at.save(edit)
    except NotSaved as refused:
        about = _page(at)
        return definition_pages.refuse(at, about, refused)
    address = customize_address(entity.name, "fields")
    return at.page.redirect(address, "customize.field_retired", {"name": item.name})


def _page(at: Customizing) -> DefinitionPage:
    entity, item = at.entity, _field(at)
    make = at.inputs_of("entity", entity.name)
    choice = at.inputs_of("choice", item.choice) if item.choice else None
    label = at.words.labels.field(entity.name, item.name, at.page.language)
    return DefinitionPage(
        template="pages/customize/definition.html",
        title=label,
        part="fields",
        address=customize_address(entity.name, "fields", item.name),
        groups=field_groups(make, item, choice),
        origins=make.origins,
        below=("fields", item.name),
        more={
            "name": item.name,
            "kind": "field",
            "back": customize_address(entity.name, "fields"),
            "can_retire": bool(at.own_bundle)
            and item.bundle == at.own_bundle
            and item.name not in (entity.primary_field, entity.primary_id),
        },
    )


def _field(at: Customizing) -> Field:
    entity, name = at.entity, str(at.page.request.path_params["name"])
    item = entity.field_by_name.get(name)
    if item is None:
        raise RecordNotFound(entity.name, name)
    return item


def _render(
    at: Customizing,
    typed: Mapping[str, str],
    *,
    bad: Mapping[str, str] | None = None,
    status: int = 200,
    refused: NotSaved | None = None,
) -> Response:
    text, language = at.page.text, at.page.language
    return at.render(
        "pages/customize/fields.html",
        title=text("customize.part.fields"),
        part="fields",
        status=refused.status if refused else status,
        problem=refused.message if refused else text("form.not_saved") if bad else "",
        mistakes=refused.mistakes if refused else (),
        rows=list(_rows(at)),
        typed=typed,
        bad=bad or {},
        types=[(name, text(f"customize.type.{name}")) for name in NEW_TYPES],
        languages_here=[(code, text(f"language.{code}")) for code in at.registry.languages],
        targets=sorted(
            (at.words.labels.entity(name, language), name) for name in at.registry.entities
        ),
        prefix=at.prefix,
    )


def _rows(at: Customizing) -> Iterator[dict[str, Any]]:
    entity, text = at.entity, at.page.text
    for item in sorted(
        entity.fields,
        key=lambda one: fold(at.words.labels.field(entity.name, one.name, at.page.language)),
    ):
        kind = "multi_line" if item.format == "multi_line" else item.type
        yield {
            "address": customize_address(entity.name, "fields", item.name),
            "label": at.words.labels.field(entity.name, item.name, at.page.language),
            "name": item.name,
            "type": text(f"customize.type.{kind}"),
            "required": ""
            if item.required == "no"
            else text(f"customize.required.{item.required}"),
            "bundle": at.bundle(item.bundle or entity.bundle),
        }


def _name_from(at: Customizing, typed: Mapping[str, str]) -> str:
    """Return a logical name made of the label, with the app's prefix where one is needed."""
    label = typed.get(f"label.{at.registry.base_language}", "")
    plain = _NO_NAME.sub("_", fold(label)).strip("_")
    prefix = f"{at.prefix}_" if at.prefix and at.entity.bundle != at.own_bundle else ""
    return (prefix + plain)[:MAX_NAME_LENGTH].strip("_")


def _bad(at: Customizing, typed: Mapping[str, str], name: str) -> dict[str, str]:
    """Return what is missing, before files are tried."""
    text, bad = at.page.text, {}
    base = f"label.{at.registry.base_language}"
    if not typed.get(base):
        bad[base] = text("customize.needs_label")
    elif name in at.entity.field_by_name:
        bad["name"] = text("customize.name_taken", name=name)
    kind = typed.get("type", "")
    if kind not in NEW_TYPES:
        bad["type"] = text("customize.needs_type")
    if kind in _WITH_OPTIONS and not _option_labels(typed):
        bad["options"] = text("customize.needs_options")
    if kind == "lookup" and typed.get("target") not in at.registry.entities:
        bad["target"] = text("customize.needs_target")
    return bad


def _definition(at: Customizing, typed: Mapping[str, str]) -> dict[str, Any]:
    """Return the new field as YAML says it."""
    kind = typed["type"]
    field_type = "text" if kind == "multi_line" else kind
    labels = {
        language: text
        for language in at.registry.languages
        if (text := typed.get(f"label.{language}", ""))
    }
    made: dict[str, Any] = {"type": field_type, "label": labels}
    if kind == "text":
        made["max_length"] = _MAX_PLAIN
    if kind == "multi_line":
        made |= {"format": "multi_line", "max_length": 2000}
    if kind in _WITH_OPTIONS:
        made["options"] = _options(at, typed)
    if kind == "lookup":
        made["target"] = typed["target"]
    return made


def _option_labels(typed: Mapping[str, str]) -> list[str]:
    return [line.strip() for line in typed.get("options", "").split("\n") if line.strip()]


def _options(at: Customizing, typed: Mapping[str, str]) -> list[dict[str, Any]]:
    base, found, names = at.registry.base_language, [], set()
    for value, label in enumerate(_option_labels(typed), start=_FIRST_OPTION):
        plain = _NO_NAME.sub("_", fold(label)).strip("_") or f"option_{value}"
        name = plain if plain not in names else f"{plain}_{value}"
        names.add(name)
        found.append({"name": name, "value": value, "label": {base: label}})
    return found
