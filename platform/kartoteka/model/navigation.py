"""Navigation: areas with groups of entries, from which the menu is made."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from kartoteka.location import NOWHERE, Location
from kartoteka.model.label import NO_LABEL, Label


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of the menu: the list of an entity, opened with ``view`` or its default view."""

    name: str
    entity: str
    view: str = ""
    label: Label = NO_LABEL  # empty: the entity's plural label
    location: Location = dataclasses.field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Group:
    """A titled group of entries."""

    name: str
    label: Label = NO_LABEL
    entries: tuple[Entry, ...] = ()
    location: Location = dataclasses.field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Area:
    """A part of the application; areas are shown by ``order``, lowest first."""

    name: str
    label: Label
    icon: str = ""
    order: int = 100
    groups: tuple[Group, ...] = ()
    bundle: str = ""
    renamed_from: tuple[str, ...] = dataclasses.field(default=(), compare=False)
    location: Location = dataclasses.field(default=NOWHERE, compare=False)
