"""EntityModel and OptionModel: what pages say of an entity and of options, in one language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from kartoteka.labels import LabelResolver
from kartoteka.model.choice import Option
from kartoteka.model.entity import Entity, State
from kartoteka.model.field import Field
from kartoteka.registry import Registry
from kartoteka_runtime.localization.codes import language_names, time_zone_names
from kartoteka_runtime.records.share_paths import SharePaths

DEFAULT_ICON = "file-text"


@dataclass(frozen=True, slots=True)
class Words:
    """Everything that turns definitions into texts of one language."""

    registry: Registry
    labels: LabelResolver
    language: str

    def message(self, key: str, /, **params: object) -> str:
        """Return a text of the client."""
        return self.labels.message(key, self.language, **params)


@dataclass(frozen=True, slots=True)
class EntityModel:
    """An entity as pages name it; ``color`` is a CSS class of the theme or empty."""

    name: str
    label: str
    plural: str
    help: str
    icon: str
    color: str
    primary_id: str
    primary_field: str
    is_activity: bool
    has_quick_create: bool
    is_shareable: bool


@dataclass(frozen=True, slots=True)
class OptionModel:
    """One option as an input offers it: its value as text, and a CSS class for its colour.

    ``tone`` says what a state means at a glance: open or closed. ``state`` is the state that a
    status reason belongs to; ``after`` are the reasons it may follow (None: all of its state).
    """

    value: str
    label: str
    color: str = ""
    tone: str = ""
    state: int | None = None
    after: tuple[str, ...] | None = field(default=None)


def color_class(color: str) -> str:
    """Return the CSS class that the theme defines for a colour of the metadata, or nothing."""
    digits = color.lstrip("#").lower()
    return f"k-color-{digits}" if digits.isalnum() else ""


def entity_model(name: str, words: Words) -> EntityModel:
    """Return what pages say of an entity."""
    entity = words.registry.entities[name]
    return EntityModel(
        name=name,
        label=words.labels.entity(name, words.language),
        plural=words.labels.entities(name, words.language),
        help=words.labels.text(entity.help, words.language),
        icon=entity.icon or DEFAULT_ICON,
        color=color_class(entity.color),
        primary_id=entity.primary_id,
        primary_field=entity.primary_field,
        is_activity=entity.is_activity,
        has_quick_create=words.registry.form_of_type(name, "quick_create") is not None,
        is_shareable=SharePaths(words.registry).is_shareable(name),
    )


def option_models(entity: Entity | None, item: Field, words: Words) -> tuple[OptionModel, ...]:
    """Return the options of a choice, yes/no, state or status field in the metadata's order."""
    if entity is not None and item.type == "state":
        return tuple(_state_option(state, words) for state in entity.states)
    if entity is not None and item.type == "status":
        return tuple(option for state in entity.states for option in _reason_options(state, words))
    return tuple(
        OptionModel(
            value=str(option.value),
            label=words.labels.text(option.label, words.language) or _usual(item, option, words),
            color=color_class(option.color),
        )
        for option in item.options
    )


def _usual(item: Field, option: Option, words: Words) -> str:
    """Return what an option without a label is called: Yes and No, else its name."""
    if item.type == "yes_no":
        return words.message("form.true" if option.value else "form.false")
    return option.name


def code_options(widget: str, words: Words) -> tuple[OptionModel, ...]:
    """Return the options of a number that means a language or a time zone."""
    match widget:
        case "language":
            names = language_names(words.language)
        case "time_zone":
            names = time_zone_names()
        case _:
            return ()
    return tuple(OptionModel(str(code), name) for code, name in names.items())


def option_by_value(options: tuple[OptionModel, ...]) -> Mapping[int, OptionModel]:
    """Return ``{stored value: option}``."""
    return {int(option.value): option for option in options}


def _tone(state: State) -> str:
    return "closed" if state.read_only else "open"


def _state_option(state: State, words: Words) -> OptionModel:
    label = words.labels.text(state.label, words.language) or state.name
    return OptionModel(str(state.value), label, tone=_tone(state))


def _reason_options(state: State, words: Words) -> tuple[OptionModel, ...]:
    limited = any(reason.next is not None for reason in state.reasons)
    return tuple(
        OptionModel(
            value=str(reason.value),
            label=words.labels.text(reason.label, words.language) or reason.name,
            color=color_class(reason.color),
            tone=_tone(state),
            state=state.value,
            after=tuple(
                str(earlier.value)
                for earlier in state.reasons
                if earlier.next is None or reason.name in earlier.next or earlier is reason
            )
            if limited
            else None,
        )
        for reason in state.reasons
    )
