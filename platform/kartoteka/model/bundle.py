"""BundleInfo: what a bundle says of itself."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any

from kartoteka.location import NOWHERE, Location
from kartoteka.model.label import NO_LABEL, Label


@dataclass(frozen=True, slots=True)
class BundleInfo:
    """A metadata folder with ``bundle.yaml``; a later layer may change what an earlier one says."""

    name: str
    label: Label = NO_LABEL
    prefix: str = ""  # what the logical names it adds begin with; empty for standard bundles
    more_prefixes: tuple[str, ...] = ()  # what they may begin with as well
    requires: tuple[str, ...] = ()
    works_with: tuple[str, ...] = ()  # come before it when they are there
    version: str = ""
    base_language: str = "en"
    customizable: Any = dataclasses.field(default=True, compare=False)  # as bundle.yaml has it
    location: Location = dataclasses.field(default=NOWHERE, compare=False)
