"""Form, Tab, Section and Control: how one record is laid out."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from kartoteka.location import NOWHERE, Location
from kartoteka.model.label import NO_LABEL, Label


@dataclass(frozen=True, slots=True)
class Control:
    """One thing in a section: exactly one of ``field subgrid quick_view panel`` is set.

    ``subgrid`` is this control's name: it lists records of ``entity`` whose lookup ``by`` names
    this record (or, with ``relationship``, those linked by that N:N relationship), with ``view``.
    ``quick_view`` is a lookup field of the form's entity, shown through form ``form``.
    ``panel`` names a panel that a plugin provides.
    """

    field: str = ""
    label: Label = NO_LABEL
    read_only: bool = False
    width: int = 1  # section columns
    rows: int = 0  # height of multi-line text; 0: the widget's own
    subgrid: str = ""
    entity: str = ""
    by: str = ""
    relationship: str = ""
    view: str = ""
    quick_view: str = ""
    form: str = ""
    panel: str = ""
    location: Location = dataclasses.field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Section:
    """A titled group of controls, in 1 to 4 columns."""

    name: str
    label: Label = NO_LABEL
    columns: int = 1
    controls: tuple[Control, ...] = ()
    location: Location = dataclasses.field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Tab:
    """A titled page of a form, in 1 to 3 columns of sections."""

    name: str
    label: Label = NO_LABEL
    columns: int = 1
    sections: tuple[Section, ...] = ()
    location: Location = dataclasses.field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Form:
    """The layout of one entity's records. ``type`` is main, quick_create or quick_view.

    ``roles`` are the roles that see a main form (empty: everyone); forms are offered by ``order``,
    lowest first.
    """

    name: str
    entity: str
    type: str
    label: Label
    header: tuple[str, ...] = ()  # up to four fields
    tabs: tuple[Tab, ...] = ()
    roles: tuple[str, ...] = ()
    order: int = 100
    bundle: str = ""
    renamed_from: tuple[str, ...] = dataclasses.field(default=(), compare=False)
    location: Location = dataclasses.field(default=NOWHERE, compare=False)
