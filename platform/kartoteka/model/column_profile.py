"""ColumnProfile: what its members may do with the secured columns of entities."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from kartoteka.location import NOWHERE, Location
from kartoteka.model.label import NO_LABEL, Label

UNMASKED = ("none", "one_record", "all_records")


@dataclass(frozen=True, slots=True)
class ColumnPrivileges:
    """What a profile grants on one secured field; what is not said is not granted.

    ``read_unmasked`` says whether a masked value may be asked for as it is: never (``none``), of
    one record at a time, or of all.
    """

    field: str
    read: bool = False
    create: bool = False
    update: bool = False
    read_unmasked: str = "none"
    location: Location = dataclasses.field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class EntityColumns:
    """What a profile grants on the columns of one entity."""

    entity: str
    columns: tuple[ColumnPrivileges, ...] = ()
    location: Location = dataclasses.field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class ColumnProfile:
    """A column security profile; users and teams are its members. It reaches no record."""

    name: str
    label: Label
    help: Label = NO_LABEL
    privileges: tuple[EntityColumns, ...] = ()
    bundle: str = ""
    renamed_from: tuple[str, ...] = dataclasses.field(default=(), compare=False)
    location: Location = dataclasses.field(default=NOWHERE, compare=False)
