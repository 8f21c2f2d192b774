"""Role: a security role and what it grants."""

from __future__ import annotations

import dataclasses
from collections.abc import Mapping
from dataclasses import dataclass

from kartoteka.location import NOWHERE, Location
from kartoteka.model.label import NO_LABEL, Label

PRIVILEGES = ("create", "read", "write", "delete", "append", "append_to", "assign", "share")
ACCESS_LEVELS = ("none", "user", "business_unit", "parent_child", "organization")


@dataclass(frozen=True, slots=True)
class EntityPrivileges:
    """What a role grants on one entity: ``{privilege: access level}``; what is left out is none."""

    entity: str
    levels: Mapping[str, str]
    location: Location = dataclasses.field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Role:
    """A security role; ``grants_all`` is the administrator, who may do everything everywhere."""

    name: str
    label: Label
    help: Label = NO_LABEL
    privileges: tuple[EntityPrivileges, ...] = ()
    miscellaneous: tuple[str, ...] = ()
    grants_all: bool = False
    bundle: str = ""
    renamed_from: tuple[str, ...] = dataclasses.field(default=(), compare=False)
    location: Location = dataclasses.field(default=NOWHERE, compare=False)
