"""Theme: what metadata says about looks, as one style sheet and one icon sprite a publication.

Colours of entities and options, and widths of columns, become classes here because a strict
content security policy forbids style attributes.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from kartoteka.registry import Registry
from kartoteka_runtime.web.entity_model import DEFAULT_ICON, color_class
from kartoteka_runtime.web.static_files import ICONS, StaticFile, digest

# Icons that the client's own templates use; metadata adds its own.
CLIENT_ICONS = (
    "arrow-down arrow-left arrow-right arrow-up arrow-up-right ban chevron-down "
    "chevrons-up-down circle-alert circle-check circle-user-round clock contrast download eye "
    "file-text house key-round layers lightbulb link link-2-off lock log-in log-out menu "
    "moon pencil-ruler play plus refresh-cw rocket rotate-ccw save search settings share-2 "
    "shield-check shield-question-mark sun table-2 trash-2 triangle-alert upload user-round-check"
).split()
_COLOR = re.compile(r"#[0-9a-fA-F]{6}")
_SHAPE = re.compile(r"<svg[^>]*>(.*)</svg>", re.DOTALL)
_ICON_NAME = re.compile(r"[a-z0-9-]+")


@dataclass(frozen=True, slots=True)
class Theme:
    """The two files and the digest that their addresses carry."""

    digest: str
    style_sheet: StaticFile
    icons: StaticFile

    def address(self, name: str) -> str:
        """Return the address of ``colors.css`` or ``icons.svg``."""
        return f"/theme/{self.digest}/{name}"


def build_theme(registry: Registry) -> Theme:
    """Return the theme of a registry."""
    rules = [f".{color_class(color)}{{--k-own:{color}}}" for color in sorted(_colors(registry))]
    rules += [f".k-width-{width}{{inline-size:{width}px}}" for width in sorted(_widths(registry))]
    styles = "\n".join(rules).encode()
    icons = _sprite(registry).encode()
    return Theme(
        digest=digest(styles, icons),
        style_sheet=StaticFile.of(styles, "text/css"),
        icons=StaticFile.of(icons, "image/svg+xml"),
    )


def _colors(registry: Registry) -> set[str]:
    colors = {entity.color for entity in registry.entities.values()}
    for entity in registry.entities.values():
        colors.update(option.color for item in entity.fields for option in item.options)
        colors.update(reason.color for state in entity.states for reason in state.reasons)
    return {color.lower() for color in colors if _COLOR.fullmatch(color)}


def _widths(registry: Registry) -> set[int]:
    views = registry.views.values()
    return {column.width for view in views for column in view.columns if column.width > 0}


def _icon_names(registry: Registry) -> Iterator[str]:
    yield from CLIENT_ICONS
    yield DEFAULT_ICON
    for entity in registry.entities.values():
        yield entity.icon
        yield from (command.icon for command in entity.commands)
    yield from (area.icon for area in registry.areas.values())


def _sprite(registry: Registry) -> str:
    """Return the icons that are used, one symbol each; an unknown one looks like the default."""
    symbols = []
    for name in sorted(set(_icon_names(registry)) - {""}):
        if not _ICON_NAME.fullmatch(name):
            continue
        shape = _shape(name) or _shape(DEFAULT_ICON)
        symbols.append(f'<symbol id="{name}" viewBox="0 0 24 24">{shape}</symbol>')
    return (
        '<svg xmlns="http://www.w3.org/2000/svg" fill="none" stroke="currentColor" '
        'stroke-width="1.75" stroke-linecap="round" stroke-linejoin="round">'
        + "".join(symbols)
        + "</svg>"
    )


def _shape(name: str) -> str:
    file = ICONS / f"{name}.svg"
    found = _SHAPE.search(file.read_text()) if file.is_file() else None
    return re.sub(r"\s*\n\s*", "", found[1]) if found else ""
