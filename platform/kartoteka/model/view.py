"""View: a saved list with its columns, filter and order."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from kartoteka.location import NOWHERE, Location
from kartoteka.model.label import NO_LABEL, Label


@dataclass(frozen=True, slots=True)
class ViewColumn:
    """One column: a field, or a field over a lookup (``primarycontactid/emailaddress1``)."""

    field: str
    label: Label = NO_LABEL
    width: int = 0  # CSS pixels; 0: as wide as it needs
    location: Location = dataclasses.field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class SortKey:
    """One key of an order; ``descending`` from ``createdon desc``."""

    field: str
    descending: bool = False


@dataclass(frozen=True, slots=True)
class View:
    """A saved list. ``type`` is public, quick_find, lookup or associated.

    ``filter`` is text of the condition language, checked with the metadata; ``find`` are the
    fields that searching in this entity looks at (quick_find views only).
    """

    name: str
    entity: str
    type: str
    label: Label
    columns: tuple[ViewColumn, ...]
    filter: str = ""
    filter_location: Location = dataclasses.field(default=NOWHERE, compare=False)
    order: tuple[SortKey, ...] = ()
    find: tuple[str, ...] = ()
    is_default: bool = False
    bundle: str = ""
    renamed_from: tuple[str, ...] = dataclasses.field(default=(), compare=False)
    location: Location = dataclasses.field(default=NOWHERE, compare=False)
