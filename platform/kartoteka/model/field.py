"""Field: one value slot of an entity."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum
from typing import Any

from kartoteka.location import NOWHERE, Location
from kartoteka.model.choice import Option
from kartoteka.model.label import NO_LABEL, Label


class Required(StrEnum):
    """Who insists on a value: nobody, a mark only, forms (Dataverse's business required), all."""

    NO = "no"
    RECOMMENDED = "recommended"
    ON_FORM = "on_form"
    ALWAYS = "always"


@dataclass(frozen=True, slots=True)
class Cascade:
    """What happens to the records that hold a lookup when the record it names is acted upon.

    ``delete`` is ``cascade``, ``clear`` or ``restrict``; the others are ``none``, ``all``,
    ``active`` or ``user_owned``. Source: reference platform, section 2.2.
    """

    delete: str = "clear"
    assign: str = "none"
    share: str = "none"
    unshare: str = "none"
    reparent: str = "none"
    merge: str = "none"


@dataclass(frozen=True, slots=True)
class Field:
    """One value slot; ``type`` is a key of ``kartoteka.model.field_types.FIELD_TYPES``.

    Keys that a type does not know keep their defaults. ``max_length`` counts characters,
    ``precision`` decimal places. ``targets`` are logical names of entities (resolved also for
    customer, owner and regarding lookups). ``options`` are resolved also when they come from a
    shared choice; yes/no fields have exactly the values 0 and 1 there.
    """

    name: str
    type: str
    label: Label
    help: Label = NO_LABEL
    required: Required = Required.NO
    unique: bool = False
    default: Any = None
    read_only: bool = False  # only the platform and plugins write it
    audited: bool = True
    searchable: bool = True
    # text, autonumber
    max_length: int | None = None
    format: str = ""
    joined_from: tuple[str, ...] = ()  # this text is these fields, joined; kept in step on write
    separator: str = " "
    number_format: str = ""  # autonumber: CAS-{SEQNUM:5}-{RANDSTRING:6}
    first_number: int = 1000
    # numbers
    min: Decimal | None = None
    max: Decimal | None = None
    precision: int | None = None
    precision_source: str = "field"  # money: field, organization or currency
    base_of: str = ""  # this is that money field's amount in base currency
    # choices
    choice: str = ""  # name of the shared choice the options come from
    options: tuple[Option, ...] = ()
    # date_time
    behavior: str = ""  # user_local, date_only or time_zone_independent
    # lookups
    targets: tuple[str, ...] = ()
    target_feature: str = ""  # targets are all entities with this feature
    cascade: Cascade = Cascade()
    hierarchical: bool = False
    relationship: str = ""  # name of the 1:N relationship this lookup stores
    # party_list
    participation: int | None = None  # participation mask of the parties it holds
    bundle: str = ""
    renamed_from: tuple[str, ...] = dataclasses.field(default=(), compare=False)
    location: Location = dataclasses.field(default=NOWHERE, compare=False)

    @property
    def is_lookup(self) -> bool:
        """Return whether the value names another record."""
        return self.type in ("lookup", "customer", "owner", "regarding")

    @property
    def is_multi_target(self) -> bool:
        """Return whether the value must carry the entity beside the id."""
        return self.is_lookup and (len(self.targets) > 1 or self.type != "lookup")

    @property
    def is_choice(self) -> bool:
        """Return whether the value is one option's number."""
        return self.type in ("choice", "state", "status")
