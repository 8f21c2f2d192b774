"""FormModel: a form as its template needs it, in one language; made once a publication.

It holds texts, widgets and facts and no values: a request only fills what this was compiled to.
"""

from __future__ import annotations

from dataclasses import dataclass

from kartoteka_runtime.web.entity_model import EntityModel, OptionModel

ACTIVITIES = "activitypointer"  # lists activities of every kind; nobody creates one of its own


@dataclass(frozen=True, slots=True)
class ControlModel:
    """One control. ``kind`` is field, subgrid, quick_view or panel; ``name`` tells it apart.

    For a field ``name`` is its logical name; for the others it is the last part of the address
    that the content is fetched from. ``is_editable`` is false for what a form only shows, and for
    the second place of a field that the form already edits.
    """

    kind: str
    name: str
    label: str
    help: str = ""
    widget: str = ""
    width: int = 1
    rows: int = 0
    max_length: int = 0
    is_editable: bool = False
    is_required: bool = False
    is_recommended: bool = False
    is_primary: bool = False
    is_rollup: bool = False  # it can be worked out now
    takes_files: bool = False  # a file or image that can be brought and removed
    limits: str = ""  # what one may be
    accept: str = ""  # and what its name ends in, as browsers are told it
    is_secured: bool = False  # some readers see a lock, or a part of the value
    options: tuple[OptionModel, ...] = ()
    targets: tuple[EntityModel, ...] = ()
    has_colors: bool = False
    entity: EntityModel | None = None  # of the records in a subgrid
    by: str = ""  # the lookup of those records that names this one
    relationship: str = ""  # or the N:N relationship that links them
    creatable: tuple[EntityModel, ...] = ()  # kinds of records that the subgrid offers to create

    @property
    def level(self) -> str:
        """Return how much the form insists on a value: always, recommended or no."""
        return "always" if self.is_required else "recommended" if self.is_recommended else "no"


@dataclass(frozen=True, slots=True)
class SectionModel:
    """A titled group of controls in ``columns`` columns."""

    name: str
    label: str
    columns: int
    controls: tuple[ControlModel, ...]

    @property
    def fields(self) -> tuple[ControlModel, ...]:
        """Return the controls of fields: what a record that is not stored yet can have."""
        return tuple(control for control in self.controls if control.kind == "field")

    @property
    def height(self) -> float:
        """Return about how many lines the section takes."""
        return 1.5 + sum(_height(control) for control in self.controls) / self.columns


@dataclass(frozen=True, slots=True)
class TabModel:
    """A tab with its sections side by side in ``columns`` stacks."""

    name: str
    label: str
    columns: int
    sections: tuple[SectionModel, ...]

    @property
    def stacks(self) -> tuple[tuple[SectionModel, ...], ...]:
        """Return the sections by stack, each in the stack that is shortest before it.

        Decided here and not by the browser: what is fetched later must not push a section from
        one side to the other.
        """
        stacks: list[list[SectionModel]] = [[] for _ in range(self.columns)]
        heights = [0.0] * self.columns
        for section in self.sections:
            shortest = heights.index(min(heights))
            stacks[shortest].append(section)
            heights[shortest] += section.height
        return tuple(tuple(stack) for stack in stacks if stack)

    @property
    def has_fields(self) -> bool:
        """Return whether any section has a field."""
        return any(section.fields for section in self.sections)


@dataclass(frozen=True, slots=True)
class FormModel:
    """A whole form; ``fields`` are the controls of fields, those of the header first."""

    name: str
    type: str
    label: str
    entity: EntityModel
    header: tuple[ControlModel, ...]
    tabs: tuple[TabModel, ...]
    fields: tuple[ControlModel, ...]

    @property
    def edited(self) -> tuple[ControlModel, ...]:
        """Return the controls whose values a post may carry."""
        return tuple(control for control in self.fields if control.is_editable)


def _height(control: ControlModel) -> float:
    if control.kind != "field":
        return 6.0
    if control.widget == "multi_line":
        return 1 + (control.rows or 3) / 2
    return float(control.width)
