"""Rule, Branch and Action: what follows when something holds of a record."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from kartoteka.location import NOWHERE, Location
from kartoteka.model.label import NO_LABEL, Label

# What an action may do, by the key that says it; the value is the keys that go with it.
VERBS: dict[str, frozenset[str]] = {
    "set": frozenset({"value", "formula"}),
    "set_default": frozenset({"value", "formula"}),
    "clear": frozenset(),
    "require": frozenset({"level"}),
    "show": frozenset(),
    "hide": frozenset(),
    "show_section": frozenset(),
    "hide_section": frozenset(),
    "show_tab": frozenset(),
    "hide_tab": frozenset(),
    "lock": frozenset(),
    "unlock": frozenset(),
    "error": frozenset({"message", "field"}),
    "recommend": frozenset({"label", "details", "field", "then"}),
}
SETTING = frozenset({"set", "set_default"})
ON_FIELDS = frozenset({
    "set", "set_default", "clear", "require", "show", "hide", "lock", "unlock",
})  # fmt: skip
SPEAKING = frozenset({"error", "recommend"})  # these have a name and texts


@dataclass(frozen=True, slots=True)
class Action:
    """One thing that a rule does; ``verb`` is a key of ``VERBS``.

    ``targets`` are the fields, sections or tabs that it is about; of an error or recommendation
    its name alone. ``value`` is as written: an option by name or number, a date as text.
    ``message`` is what an error says and what a recommendation proposes.
    """

    verb: str
    targets: tuple[str, ...]
    value: Any = None
    formula: str = ""
    level: str = "always"  # of require: always, recommended or no
    message: Label = NO_LABEL
    details: Label = NO_LABEL
    field: str = ""  # beside which an error or recommendation stands
    then: tuple[Action, ...] = ()  # of a recommendation: what accepting it does
    location: Location = dataclasses.field(default=NOWHERE, compare=False)

    @property
    def name(self) -> str:
        """Return the name of an error or recommendation, else its one field."""
        return self.targets[0]

    @property
    def fields(self) -> tuple[str, ...]:
        """Return the fields that it names; what its formulas look at comes on top."""
        named = self.targets if self.verb in ON_FIELDS else ()
        beside = (self.field,) if self.field else ()
        return (*named, *beside, *(name for action in self.then for name in action.fields))


@dataclass(frozen=True, slots=True)
class Branch:
    """What is done when ``when`` (text of the condition language) holds."""

    name: str
    when: str
    then: tuple[Action, ...] = ()
    location: Location = dataclasses.field(default=NOWHERE, compare=False)


@dataclass(frozen=True, slots=True)
class Rule:
    """A business rule: the first branch that holds counts, ``otherwise`` when none does.

    ``scope`` is entity (forms and every write), all_forms, or form (then ``form`` names it).
    """

    name: str
    entity: str
    label: Label
    help: Label = NO_LABEL
    scope: str = "entity"
    form: str = ""
    order: int = 100
    is_enabled: bool = True
    branches: tuple[Branch, ...] = ()
    otherwise: tuple[Action, ...] = ()
    bundle: str = ""
    renamed_from: tuple[str, ...] = dataclasses.field(default=(), compare=False)
    location: Location = dataclasses.field(default=NOWHERE, compare=False)

    @property
    def actions(self) -> Iterator[Action]:
        """Yield every action of every branch, those of ``otherwise`` last."""
        for branch in self.branches:
            yield from branch.then
        yield from self.otherwise
