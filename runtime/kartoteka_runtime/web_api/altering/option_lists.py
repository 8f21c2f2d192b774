"""Which list of options a body names: a column's own, a shared one, states or status reasons."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kartoteka.editing.customize import Customization
from kartoteka.model.choice import Option
from kartoteka.model.entity import Entity, Reason, State
from kartoteka.model.field import Field
from kartoteka.model.label import Label
from kartoteka_runtime.web_api.altering.ground import Ground
from kartoteka_runtime.web_api.altering.json_parts import Body, text_of
from kartoteka_runtime.web_api.altering.refusals import bad, missing

Path = tuple[str, ...]
# States of an entity whose files say nothing of states: value, name and the value of their reason.
_UNSAID = ((0, "active", 1), (1, "inactive", 2))


@dataclass(frozen=True, slots=True)
class OptionList:
    """A list of options, and where each of them stands.

    ``path`` is that of the list; of states and reasons there is none, since each state has a list
    of its own. ``before`` are changes without which nothing stands at its paths.
    """

    called: str
    kind: str
    name: str
    type: str
    options: Sequence[Option]
    bundle: str
    path: Path = ()
    places: Mapping[int, Path] | None = None
    before: tuple[Customization, ...] = ()

    def option(self, value: int | None) -> Option:
        """Return an option by its value.

        Raises:
            CallRefused: There is none.
        """
        found = next((option for option in self.options if option.value == value), None)
        if found is None:
            raise missing(f"option of {self.called} with the Value", str(value))
        return found

    def place(self, option: Option) -> Path:
        """Return where an option stands."""
        if self.places is not None:
            return self.places[option.value]
        return (*self.path, option.name)

    def holder(self, option: Option) -> Path:
        """Return where the list stands that holds an option."""
        return self.place(option)[:-1]


def option_list(body: Body, ground: Ground) -> OptionList:
    """Return the list that a body names by ``OptionSetName``, or by its table and column.

    Raises:
        CallRefused: It names none.
    """
    shared = text_of(body, "OptionSetName").lower()
    entity_name = text_of(body, "EntityLogicalName").lower()
    if shared and not entity_name:
        return _shared(shared, ground)
    entity = ground.entity(entity_name)
    field = ground.field(entity, text_of(body, "AttributeLogicalName").lower())
    called = f"{entity.name}.{field.name}"
    if field.type in ("state", "status"):
        return _of_states(entity, called, field, ground)
    if field.type not in ("choice", "multi_choice"):
        raise bad(f"{called} has no options that could change.")
    if field.choice:
        return _shared(field.choice, ground)
    bundle = ground.bundle_of(field, entity)
    path = ("fields", field.name, "options")
    return OptionList(called, "entity", entity.name, field.type, field.options, bundle, path)


def state_at(entity: Entity, value: int | None) -> State:
    """Return the state that a ``StateCode`` names.

    Raises:
        CallRefused: There is none.
    """
    found = None if value is None else entity.state_by_value.get(value)
    if found is None:
        known = ", ".join(str(state.value) for state in entity.states)
        raise bad(f"StateCode must be one of {entity.name}: {known}.")
    return found


def spelled_out(entity: Entity, ground: Ground) -> Iterator[Customization]:
    """Yield what writes down the states of an entity that has them without saying so."""
    told = tuple(
        (state.value, state.name, state.reasons[0].value if len(state.reasons) == 1 else -1)
        for state in entity.states
    )
    if told == _UNSAID:
        wanted = [_said_state(state, ground) for state in entity.states]
        yield Customization("entity", entity.name, ("states",), wanted)


def _shared(name: str, ground: Ground) -> OptionList:
    choice = ground.registry.choices.get(name)
    if choice is None:
        raise missing("global option set", name)
    return OptionList(
        name, "choice", name, "choice", choice.options, choice.bundle, ("options",)
    )  # fmt: skip


def _of_states(entity: Entity, called: str, field: Field, ground: Ground) -> OptionList:
    places: dict[int, Path] = {
        reason.value: ("states", state.name, "reasons", reason.name)
        for state in entity.states
        for reason in state.reasons
    }
    if field.type == "state":
        places = {state.value: ("states", state.name) for state in entity.states}
    return OptionList(
        called, "entity", entity.name, field.type, field.options, entity.bundle, places=places,
        before=tuple(spelled_out(entity, ground)),
    )  # fmt: skip


def _said_state(state: State, ground: Ground) -> dict[str, Any]:
    said: dict[str, Any] = {"name": state.name, "value": state.value, **_label(state.label, ground)}
    if state.read_only:
        said["read_only"] = True
    return {**said, "reasons": [_said_reason(reason, ground) for reason in state.reasons]}


def _said_reason(reason: Reason, ground: Ground) -> dict[str, Any]:
    said = {"name": reason.name, "value": reason.value, **_label(reason.label, ground)}
    return {**said, "color": reason.color} if reason.color else said


def _label(label: Label, ground: Ground) -> dict[str, Any]:
    texts = {one: text for one, text in label.texts.items() if one in ground.registry.languages}
    return {"label": texts} if texts else {}
