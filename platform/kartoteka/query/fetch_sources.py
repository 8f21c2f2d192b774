"""The entities of a FetchXML query: the one asked for and those that it links, with their names."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from kartoteka.conditions.typed import Match, ValueKind, kind_of
from kartoteka.model.entity import Entity
from kartoteka.model.field import Field
from kartoteka.model.field_types import has_column
from kartoteka.names import did_you_mean
from kartoteka.query.fetch_errors import attribute, fetch_error, refuse_unknown
from kartoteka.query.query import MOST_JOINS
from kartoteka.query.xml_elements import Element
from kartoteka.registry import Registry

ROW_LINKS = ("inner", "outer", "natural", "matchfirstrowusingcrossapply")
FILTER_LINKS = ("any", "not any", "all", "not all", "exists", "in")
FIRST_ROW = "matchfirstrowusingcrossapply"
MOST_CONDITIONS = 500
MOST_LEVELS = 5  # of links that filter, inside one another
_LINK_TYPES = (*ROW_LINKS, *FILTER_LINKS)
_TOO_MANY_LINKS = "0x8004430D"  # Source: reference platform, section 4.3
_TOO_MANY_CONDITIONS = "0x8004430C"
_ALIAS = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,99}")
_LINK_ATTRIBUTES = (
    "name",
    "from",
    "to",
    "alias",
    "link-type",
    "intersect",
    "visible",
    "enableprefiltering",
    "prefilterparametername",
)


@dataclass(frozen=True, slots=True)
class Source:
    """An ``entity`` or ``link-entity``.

    ``variable`` is what paths that begin here carry (empty for the entity asked for), ``alias``
    what the query calls it. ``is_row`` tells that its records stand beside those asked for, so
    that others may name it.
    """

    element: Element
    entity: Entity
    variable: str = ""
    alias: str = ""
    link_type: str = ""
    parent: Source | None = None
    via: Match | None = None
    is_row: bool = True
    level: int = 0  # links around it, itself among them, since one that filters

    @property
    def is_to_one(self) -> bool:
        """Return whether a record has at most one of these."""
        return self.via is not None and self.via.item_field.name == self.entity.primary_id


@dataclass(slots=True)
class Sources:
    """Every source of a query, in the order in which they are written; the first is the root."""

    registry: Registry
    found: list[Source] = field(default_factory=list)
    by_element: dict[int, Source] = field(default_factory=dict)

    @property
    def root(self) -> Source:
        """Return the entity that is asked for."""
        return self.found[0]

    def of(self, element: Element) -> Source:
        """Return the source that an element makes."""
        return self.by_element[id(element)]

    def links_of(self, source: Source) -> Iterator[Source]:
        """Yield the links that stand directly in a source, outside of its filters."""
        for child in source.element.children:
            if child.name == "link-entity":
                yield self.of(child)

    def named(self, name: str, element: Element, *, near: Source) -> Source:
        """Return the link that an ``entityname`` means: by alias, else by entity.

        ``near`` is where the name stands: links that are only filters are seen from inside alone.
        """
        seen = [source for source in self.found if source.is_row and source.alias]
        around: Source | None = near
        while around is not None:
            if around.alias and around not in seen:
                seen.append(around)
            around = around.parent
        for source in seen:
            if source.alias == name:
                return source
        for source in seen:
            if source.entity.name == name:
                return source
        hint = did_you_mean(name, [source.alias for source in seen])
        raise fetch_error(element, f'no link is called "{name[:60]}"', hint)

    def variables(self) -> Mapping[str, str]:
        """Return ``{variable: entity}`` of every link."""
        return {item.variable: item.entity.name for item in self.found if item.variable}


def read_sources(element: Element, registry: Registry) -> Sources:
    """Return the sources of an ``entity`` element, link entities of N:N relationships included.

    Raises:
        QueryError: Something named is not there, or there are too many links or conditions.
    """
    sources = Sources(registry)
    refuse_unknown(element, ("name",))
    root = Source(element, _entity(element, registry))
    _keep(sources, element, root)
    _limit(element)
    _add_links(sources, element, root, is_row=True)
    return sources


def field_of(entity: Entity, name: str, element: Element) -> Field:
    """Return a field that the query asks about, which must be one that conditions can read."""
    found = entity.field_by_name.get(name)
    if found is None and name.startswith("_") and name.endswith("_value"):
        found = entity.field_by_name.get(name[1:-6])
    if found is None:
        hint = did_you_mean(name, entity.field_by_name)
        raise fetch_error(
            element, f'"{name[:60]}" is not an attribute of "{entity.name}"', hint, "0x80041103"
        )
    if kind_of(found) is None:
        raise fetch_error(element, f'queries cannot ask for "{name}" ({found.type})')
    return found


def _keep(sources: Sources, element: Element, source: Source) -> None:
    sources.found.append(source)
    sources.by_element[id(element)] = source


def _limit(element: Element) -> None:
    links, conditions = 0, 0
    for part in _everything(element):
        links += part.name == "link-entity"
        conditions += part.name == "condition"
        if links > MOST_JOINS:
            raise fetch_error(part, f"a query has at most {MOST_JOINS} links", code=_TOO_MANY_LINKS)
        if links + conditions > MOST_CONDITIONS:
            message = f"a query has at most {MOST_CONDITIONS} conditions and links"
            raise fetch_error(part, message, code=_TOO_MANY_CONDITIONS)


def _everything(element: Element) -> Iterator[Element]:
    for child in element.children:
        yield child
        yield from _everything(child)


def _add_links(sources: Sources, element: Element, parent: Source, *, is_row: bool) -> None:
    """Add the links below an element, those inside of filters too."""
    for child in element.children:
        if child.name == "filter":
            _add_links(sources, child, parent, is_row=False)
        elif child.name == "link-entity":
            link = _link(sources, child, parent, is_row=is_row)
            _keep(sources, child, link)
            _add_links(sources, child, link, is_row=link.is_row)


def _link(sources: Sources, element: Element, parent: Source, *, is_row: bool) -> Source:
    refuse_unknown(element, _LINK_ATTRIBUTES)
    entity = _entity(element, sources.registry)
    link_type = element.attributes.get("link-type", "inner").strip().lower()
    if link_type not in _LINK_TYPES:
        hint = did_you_mean(link_type, _LINK_TYPES)
        raise fetch_error(element, f'"{link_type[:40]}" is not a link type', hint)
    alias = element.attributes.get("alias") or _unused(
        f"{entity.name}{len(sources.found)}", sources
    )
    if not _ALIAS.fullmatch(alias):
        raise fetch_error(element, f'"{alias[:60]}" is no alias', "write letters, digits and _")
    if any(source.alias == alias for source in sources.found):
        raise fetch_error(element, f'two links are called "{alias}"')
    is_row = is_row and link_type in ROW_LINKS
    level = parent.level + 1 if parent.level or not is_row or link_type == FIRST_ROW else 0
    if level > MOST_LEVELS:
        raise fetch_error(element, f"more than {MOST_LEVELS} links that filter inside one another")
    return Source(
        element,
        entity,
        _variable(alias, sources, entity),
        alias,
        link_type,
        parent,
        _via(element, entity, parent),
        is_row,
        level,
    )


def _via(element: Element, entity: Entity, parent: Source) -> Match:
    item = field_of(entity, attribute(element, "from"), element)
    owner = field_of(parent.entity, attribute(element, "to"), element)
    kinds = (kind_of(item), kind_of(owner))
    if kinds[0] is not kinds[1] or ValueKind.OPTIONS in kinds:
        raise fetch_error(
            element,
            f'"{item.name}" ({item.type}) and "{owner.name}" ({owner.type}) cannot link records',
            "both sides must hold values of one kind",
        )
    for side in (item, owner):
        if not has_column(side):
            raise fetch_error(element, f'"{side.name}" is calculated and cannot link records')
    return Match(item, owner)


def _entity(element: Element, registry: Registry) -> Entity:
    name = attribute(element, "name")
    entity = registry.entities.get(name)
    if entity is None:
        hint = did_you_mean(name, registry.entities)
        raise fetch_error(element, f'"{name[:60]}" is not an entity', hint, "0x80041102")
    return entity


def _unused(alias: str, sources: Sources) -> str:
    while any(source.alias == alias for source in sources.found):
        alias += "_"
    return alias


def _variable(alias: str, sources: Sources, entity: Entity) -> str:
    """Return the alias as a variable that no field is called, so that paths mean one thing."""
    entities = [entity, *(source.entity for source in sources.found)]
    while any(alias in item.field_by_name for item in entities):
        alias += "_"
    return alias
