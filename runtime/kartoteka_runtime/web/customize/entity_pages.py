"""An entity's own properties; its fields, forms and views as lists; who may do what with it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from starlette.responses import Response

from kartoteka.model.entity import Entity
from kartoteka.model.role import PRIVILEGES
from kartoteka_runtime.web.customize import definition_pages
from kartoteka_runtime.web.customize.customizing import Customizing, customize_address
from kartoteka_runtime.web.customize.definition_inputs import entity_groups
from kartoteka_runtime.web.customize.definition_pages import DefinitionPage


async def show_general(at: Customizing) -> Response:
    """Show an entity's own properties."""
    return definition_pages.show(at, _general(at))


async def save_general(at: Customizing) -> Response:
    """Save an entity's own properties."""
    return await definition_pages.save(at, _general(at), await at.page.post())


def _general(at: Customizing) -> DefinitionPage:
    entity = at.entity
    make = at.inputs_of("entity", entity.name)
    return DefinitionPage(
        template="pages/customize/definition.html",
        title=at.page.text(
            "customize.of", name=at.words.labels.entity(entity.name, at.page.language)
        ),
        part="general",
        address=customize_address(entity.name),
        groups=entity_groups(make, entity),
        origins=make.origins.without("fields"),
        more={"name": entity.name, "back": "", "kind": "entity", "can_retire": False},
    )


async def show_forms(at: Customizing) -> Response:
    """Show the entity's forms."""
    entity = at.entity
    forms = at.registry.forms_of[entity.name]
    rows = [(form.name, form.label, form.type, form.bundle) for form in forms]
    return _list(at, entity, "forms", rows)


async def show_views(at: Customizing) -> Response:
    """Show the entity's views."""
    entity = at.entity
    views = at.registry.views_of[entity.name]
    rows = [(view.name, view.label, view.type, view.bundle) for view in views]
    return _list(at, entity, "views", rows)


def _list(at: Customizing, entity: Entity, part: str, rows: list[Any]) -> Response:
    language, text = at.page.language, at.page.text
    return at.render(
        "pages/customize/parts.html",
        title=text(f"customize.part.{part}"),
        part=part,
        rows=[
            {
                "address": customize_address(entity.name, part, name),
                "label": at.words.labels.text(label, language) or name,
                "name": name,
                "type": text(f"customize.{part[:-1]}_type.{kind}"),
                "bundle": at.bundle(bundle),
            }
            for name, label, kind, bundle in rows
        ],
    )


async def show_access(at: Customizing) -> Response:
    """Show which roles may do what, and what the entity is linked with; changed in files only."""
    entity = at.entity
    return at.render(
        "pages/customize/access.html",
        title=at.page.text("customize.part.access"),
        part="access",
        verbs=[(verb, at.page.text(f"customize.privilege.{verb}")) for verb in PRIVILEGES],
        roles=list(_roles(at, entity)),
        relationships=list(_relationships(at, entity)),
    )


def _roles(at: Customizing, entity: Entity) -> Iterator[dict[str, Any]]:
    text = at.page.text
    for role in at.registry.roles.values():
        granted = next((one for one in role.privileges if one.entity == entity.name), None)
        if granted is None and not role.grants_all:
            continue
        levels = dict.fromkeys(PRIVILEGES, "organization") if granted is None else granted.levels
        yield {
            "label": at.words.labels.text(role.label, at.page.language) or role.name,
            "bundle": at.bundle(role.bundle),
            "levels": [text(f"customize.level.{levels.get(verb, 'none')}") for verb in PRIVILEGES],
        }


def _relationships(at: Customizing, entity: Entity) -> Iterator[dict[str, str]]:
    labels, language, text = at.words.labels, at.page.language, at.page.text
    for item in entity.fields:
        if item.is_lookup:
            yield {
                "kind": text("customize.relationship.many_to_one"),
                "label": labels.field(entity.name, item.name, language),
                "other": ", ".join(labels.entity(name, language) for name in item.targets),
                "bundle": at.bundle(item.bundle or entity.bundle),
            }
    for other, item in at.registry.lookups_to.get(entity.name, ()):
        yield {
            "kind": text("customize.relationship.one_to_many"),
            "label": labels.field(other.name, item.name, language),
            "other": labels.entities(other.name, language),
            "bundle": at.bundle(item.bundle or other.bundle),
        }
    for link in at.registry.relationships.values():
        if entity.name in (link.left, link.right):
            far = link.right if link.left == entity.name else link.left
            yield {
                "kind": text("customize.relationship.many_to_many"),
                "label": link.name,
                "other": labels.entities(far, language),
                "bundle": at.bundle(link.bundle),
            }
