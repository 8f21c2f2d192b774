"""Relationship: an N:N link between two entities, stored in a link table."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

from kartoteka.location import NOWHERE, Location
from kartoteka.model.label import NO_LABEL, Label


@dataclass(frozen=True, slots=True)
class Relationship:
    """Any number of records of ``left`` linked with any number of ``right``, each pair once.

    ``intersect`` is the link entity's logical name (Dataverse: ``listmember``,
    ``teammembership``); ``left_label`` heads the list of left records on the right one's form.
    """

    name: str
    left: str
    right: str
    intersect: str
    left_label: Label = NO_LABEL
    right_label: Label = NO_LABEL
    schema_name: str = ""  # the name in other capitals, where the Web API spells it so
    bundle: str = ""
    renamed_from: tuple[str, ...] = dataclasses.field(default=(), compare=False)
    location: Location = dataclasses.field(default=NOWHERE, compare=False)
