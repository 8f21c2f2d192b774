"""Field: one value slot of an entity."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from decimal import Decimal
from enum import IntEnum, StrEnum
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
    merge: str = "all"  # of records that may be merged; of others nothing follows


# What the names of the fields end in that the platform adds to each rollup: when it was last
# worked out, and a RollupState.
ROLLUP_DATE, ROLLUP_STATE = "_date", "_state"


# What the names of the fields end in that the platform adds to each file and image: the file's
# name; an image's id, the number that changes with it, and its address.
FILE_NAME = "_name"
IMAGE_ID, IMAGE_TIMESTAMP, IMAGE_URL = "id", "_timestamp", "_url"
FILE_MARKS = {"file": (FILE_NAME,), "image": (IMAGE_ID, IMAGE_TIMESTAMP, IMAGE_URL)}


class RollupState(IntEnum):
    """How the last calculation of a rollup ended. Source: reference platform, section 1.9."""

    NOT_CALCULATED = 0
    CALCULATED = 1
    OVERFLOW = 2  # the value has no place in the field
    OTHER_ERROR = 3
    RETRY_LIMIT = 4  # it failed again and again
    HIERARCHY_LIMIT = 5  # the tree below is too deep
    LOOP = 6  # the tree below comes back to the record


@dataclass(frozen=True, slots=True)
class Rollup:
    """What a field sums up of the records that belong to its own record.

    ``over`` names one of ``kartoteka.conditions.entity_collections``; ``function`` is sum, count,
    min, max or avg of ``field`` (empty: of the records themselves). ``filter`` is a condition on
    those records. With ``hierarchy`` those of everything below in the entity's tree count too.
    """

    over: str
    function: str
    field: str = ""
    filter: str = ""
    hierarchy: bool = False


@dataclass(frozen=True, slots=True)
class Mask:
    """How much of a secured value is shown: what ``pattern`` finds becomes ``character``."""

    pattern: str
    character: str = "*"


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
    secured: bool = False  # only who a column profile lets may use it
    mask: Mask | None = None
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
    # calculated fields, which nobody writes
    formula: str = ""  # the value is worked out of this, whenever it is read
    stored: bool = False  # or kept, and worked out again whenever what it is made of changes
    rollup: Rollup | None = None
    # file, image: the value is the id of what is stored
    max_size_kb: int | None = None
    allowed_extensions: tuple[str, ...] = ()  # of files; none: all that are not blocked
    full_image: bool = True  # whether an image is kept as it came, beside its thumbnail
    # party_list
    participation: int | None = None  # participation mask of the parties it holds
    schema_name: str = ""  # the name in other capitals, where the Web API spells it so
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
    def is_calculated(self) -> bool:
        """Return whether the platform works the value out, so that nobody may write it."""
        return bool(self.formula) or self.rollup is not None

    @property
    def is_on_read(self) -> bool:
        """Return whether the value is worked out whenever it is read, and stored nowhere."""
        return bool(self.formula) and not self.stored

    @property
    def is_file(self) -> bool:
        """Return whether the value is the id of a file or an image, which are stored elsewhere."""
        return self.type in ("file", "image")

    @property
    def is_choice(self) -> bool:
        """Return whether the value is one option's number."""
        return self.type in ("choice", "state", "status")
