"""Entity: the definition of one kind of record, with its keys, states and commands."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property

from kartoteka.location import NOWHERE, Location
from kartoteka.model.choice import Option
from kartoteka.model.field import FILE_MARKS, ROLLUP_DATE, ROLLUP_STATE, Field
from kartoteka.model.label import NO_LABEL, Label

_USUAL_PICTURE = "entityimage"  # Dataverse's name of it


@dataclass(frozen=True, slots=True)
class Key:
    """An alternate key: fields whose values together name one record."""

    name: str
    fields: tuple[str, ...]
    label: Label = NO_LABEL
    schema_name: str = ""
    location: Location = dataclasses.field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Reason:
    """A status reason: one ``statuscode`` value, which belongs to one state.

    ``next`` names the reasons that may follow; None allows every reason of the same state and
    whatever state changes allow.
    """

    value: int
    name: str
    label: Label
    color: str = ""
    next: tuple[str, ...] | None = None


@dataclass(frozen=True, slots=True)
class State:
    """One ``statecode`` value with its reasons; the first reason is the default one."""

    value: int
    name: str
    label: Label
    reasons: tuple[Reason, ...]
    read_only: bool = False  # records in this state may not be changed, except by commands
    location: Location = dataclasses.field(default=NOWHERE, compare=False)


def state_options(states: Iterable[State]) -> tuple[Option, ...]:
    """Return the options of a field that holds states."""
    return tuple(Option(item.value, item.name, item.label) for item in states)


def reason_options(states: Iterable[State]) -> tuple[Option, ...]:
    """Return the options of a field that holds the reasons of states."""
    return tuple(
        Option(reason.value, reason.name, reason.label, reason.color)
        for state in states
        for reason in state.reasons
    )


@dataclass(frozen=True, slots=True)
class Transition:
    """A change of state that any update may make, without a command."""

    from_state: str
    to_state: str


@dataclass(frozen=True, slots=True)
class Command:
    """A named action on one record: a button, and a message of the record service.

    ``from_states`` are the states in which it is offered (empty: all). With ``to_state`` and no
    plugin behind it, the command changes state and reason and nothing else. ``parameters`` are
    asked for in a dialog first.
    """

    name: str
    label: Label
    help: Label = NO_LABEL
    icon: str = ""
    from_states: tuple[str, ...] = ()
    to_state: str = ""
    to_reason: str = ""
    confirm: Label = NO_LABEL
    parameters: tuple[Field, ...] = ()
    bundle: str = ""
    location: Location = dataclasses.field(default=NOWHERE, compare=False)


@dataclass(frozen=True)
class Entity:
    """One kind of record. ``fields`` holds every field, the platform's own included.

    ``ownership`` is ``user``, ``organization``, ``business_unit`` or ``none``; ``parent_field``
    names the lookup to the record whose access rules this child entity follows. ``features`` may
    hold activities, notes, connections, queues, quick_create, audit, duplicate_detection,
    change_tracking, email, customer, owner, merge, kept_by_platform. ``transitions`` None means:
    any state may follow any.
    """

    name: str
    set_name: str
    label: Label
    plural_label: Label
    primary_id: str
    primary_field: str
    ownership: str
    fields: tuple[Field, ...]
    help: Label = NO_LABEL
    icon: str = ""
    color: str = ""
    is_activity: bool = False
    parent_field: str = ""
    features: frozenset[str] = frozenset()
    keys: tuple[Key, ...] = ()
    states: tuple[State, ...] = ()
    transitions: tuple[Transition, ...] | None = None
    commands: tuple[Command, ...] = ()
    primary_image: str = ""  # as it is said; see ``picture``
    schema_name: str = ""  # the name in other capitals, where the Web API spells it so
    bundle: str = ""
    renamed_from: tuple[str, ...] = field(default=(), compare=False)
    location: Location = field(default=NOWHERE, compare=False)

    @cached_property
    def field_by_name(self) -> Mapping[str, Field]:
        """Return ``{logical name: field}``."""
        return {item.name: item for item in self.fields}

    @cached_property
    def secured_fields(self) -> frozenset[str]:
        """Return the fields that only who a column profile lets may use.

        The amount in base currency follows its amount, what tells of a file the file.
        """
        secured = {item.name for item in self.fields if item.secured}
        return frozenset(
            item.name
            for item in self.fields
            if item.name in secured
            or item.base_of in secured
            or self.file_marks.get(item.name) in secured
        )

    @cached_property
    def rollup_marks(self) -> Mapping[str, str]:
        """Return ``{field: rollup}`` of the fields that tell when and how rollups went."""
        return {
            f"{item.name}{suffix}": item.name
            for item in self.fields
            if item.rollup is not None
            for suffix in (ROLLUP_DATE, ROLLUP_STATE)
        }

    @cached_property
    def file_fields(self) -> tuple[Field, ...]:
        """Return the fields that hold files and images."""
        return tuple(item for item in self.fields if item.is_file)

    @cached_property
    def picture(self) -> str:
        """Return the image field that stands for a record; "" when there is none."""
        images = [item.name for item in self.fields if item.type == "image"]
        usual = _USUAL_PICTURE if _USUAL_PICTURE in images else next(iter(images), "")
        return self.primary_image or usual

    @cached_property
    def file_marks(self) -> Mapping[str, str]:
        """Return ``{field: file or image}`` of the fields that tell of what is stored."""
        return {
            f"{item.name}{suffix}": item.name
            for item in self.file_fields
            for suffix in FILE_MARKS[item.type]
        }

    @cached_property
    def marks(self) -> Mapping[str, str]:
        """Return ``{field: field}`` of those that the platform adds to rollups, files, images."""
        return {**self.rollup_marks, **self.file_marks}

    @cached_property
    def state_by_value(self) -> Mapping[int, State]:
        """Return ``{statecode: state}``."""
        return {item.value: item for item in self.states}

    @cached_property
    def reason_by_value(self) -> Mapping[int, Reason]:
        """Return ``{statuscode: reason}``."""
        return {reason.value: reason for state in self.states for reason in state.reasons}

    @cached_property
    def command_by_name(self) -> Mapping[str, Command]:
        """Return ``{name: command}``."""
        return {item.name: item for item in self.commands}
