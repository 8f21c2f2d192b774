"""Choice and Option: a named closed list and one value in it."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from kartoteka.location import NOWHERE, Location
from kartoteka.model.label import NO_LABEL, Label


@dataclass(frozen=True, slots=True)
class Option:
    """One value of a choice: the number that is stored, a name for conditions, and its label."""

    value: int
    name: str
    label: Label
    color: str = ""


@dataclass(frozen=True, slots=True)
class Choice:
    """A closed list that several fields may share."""

    name: str
    label: Label = NO_LABEL
    options: tuple[Option, ...] = ()
    bundle: str = ""
    renamed_from: tuple[str, ...] = dataclasses.field(default=(), compare=False)
    location: Location = dataclasses.field(default=NOWHERE, compare=False)
