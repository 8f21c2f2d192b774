"""Actions that change single options: ``InsertOptionValue``, ``OrderOption`` and their companions.

They work on a column's own list, on a shared one, and on states and status reasons.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from starlette.responses import Response

from kartoteka.editing.customize import REMOVED, Customization
from kartoteka_runtime.web_api.altering.alterations import Alteration, Alterations
from kartoteka_runtime.web_api.altering.answers import action_body, done, solution_of, told
from kartoteka_runtime.web_api.altering.ground import Ground
from kartoteka_runtime.web_api.altering.json_parts import Body, flag_of, whole_of, wholes_of
from kartoteka_runtime.web_api.altering.option_lists import OptionList, option_list, state_at
from kartoteka_runtime.web_api.altering.option_values import (
    FIRST_VALUE,
    WantedOption,
    changes_of,
    new_options,
    read_option,
    reordered,
)
from kartoteka_runtime.web_api.altering.refusals import bad, taken
from kartoteka_runtime.web_api.api_call import ApiCall, Handler

_CUSTOM_REASON = 100_000_000  # values of status reasons that come without one


class OptionActions:
    """Adds, changes, moves and removes options."""

    def __init__(self, alterations: Alterations) -> None:
        """Change what ``alterations`` change."""
        self._alterations = alterations

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """Return the actions by name."""
        return {
            "InsertOptionValue": self.insert,
            "InsertStatusValue": self.insert_status,
            "UpdateOptionValue": self.update,
            "UpdateStateValue": self.update,
            "DeleteOptionValue": self.delete,
            "OrderOption": self.order,
        }

    async def insert(self, call: ApiCall) -> Response:
        """Add an option and answer with its value."""
        body = await action_body(call)
        values: list[int] = []

        def make(ground: Ground) -> Alteration:
            place = option_list(body, ground)
            if place.places is not None:
                raise bad(f"{place.called} gets values by InsertStatusValue, which says the state.")
            wanted = _new_value(place, read_option(body, ground), FIRST_VALUE)
            (made,) = new_options([wanted], ground, place.options)
            values.append(made["value"])
            path = (*place.path, str(made.pop("name")))
            return Alteration((Customization(place.kind, place.name, path, made),))

        await self._alterations.carry_out(call, make, solution=solution_of(body))
        return told(call, "InsertOptionValue", {"NewOptionValue": values[-1]})

    async def insert_status(self, call: ApiCall) -> Response:
        """Add a status reason to a state and answer with its value."""
        body = await action_body(call)
        values: list[int] = []

        def make(ground: Ground) -> Alteration:
            place = option_list({"AttributeLogicalName": "statuscode", **body}, ground)
            if place.type != "status":
                raise bad(f"{place.called} is no status; its values come by InsertOptionValue.")
            state = state_at(ground.entity(place.name), whole_of(body, "StateCode"))
            wanted = _new_value(place, read_option(body, ground), _CUSTOM_REASON)
            (made,) = new_options([wanted], ground, place.options)
            values.append(made["value"])
            path = ("states", state.name, "reasons", str(made.pop("name")))
            change = Customization("entity", place.name, path, made)
            return Alteration((*place.before, change))

        await self._alterations.carry_out(call, make, solution=solution_of(body))
        return told(call, "InsertStatusValue", {"NewOptionValue": values[-1]})

    async def update(self, call: ApiCall) -> Response:
        """Change the label or color of an option, a state or a status reason."""
        body = await action_body(call)

        def make(ground: Ground) -> Alteration:
            place = option_list(body, ground)
            wanted = read_option(body, ground)
            merges = flag_of(body, "MergeLabels")
            if merges is not None:
                ground = replace(ground, merges_labels=merges)
            old = place.option(wanted.value)
            _check_default_status(place, body, ground)
            if place.type == "state" and wanted.color:
                raise bad("A state has no Color; its status reasons have.")
            holder = place.holder(old)
            found = tuple(changes_of(place.kind, place.name, holder, old, wanted, ground))
            return Alteration((*place.before, *found) if found else ())

        await self._alterations.carry_out(call, make, solution=solution_of(body))
        return done()

    async def delete(self, call: ApiCall) -> Response:
        """Take an option away; records that have it keep its number."""
        body = await action_body(call)

        def make(ground: Ground) -> Alteration:
            place = option_list(body, ground)
            option = place.option(whole_of(body, "Value"))
            if place.type == "state":
                raise bad(f"{place.called} keeps its states.")
            if not ground.is_own(place.bundle):
                raise bad(f"The option {option.value} comes with another bundle and stays.")
            holder = place.holder(option)
            if sum(place.holder(one) == holder for one in place.options) < 2:
                raise bad(f"The option {option.value} is the last one of {place.called}.")
            change = Customization(place.kind, place.name, place.place(option), REMOVED)
            return Alteration((*place.before, change))

        await self._alterations.carry_out(call, make, solution=solution_of(body))
        return done()

    async def order(self, call: ApiCall) -> Response:
        """Put options in an order."""
        body = await action_body(call)

        def make(ground: Ground) -> Alteration:
            place = option_list(body, ground)
            if place.places is not None:
                raise bad(
                    f"{place.called} keeps its order: the first reason of a state is what records "
                    "get with it."
                )
            present = [option.value for option in place.options]
            wanted = wholes_of(body, "Values")
            if sorted(wanted) != sorted(present):
                raise bad(
                    f"Values must name each of the {len(present)} options of {place.called} once."
                )
            by_value = {option.value: option for option in place.options}
            if wanted == present:
                return Alteration(())
            found = reordered(place.kind, place.name, place.path, by_value, wanted)
            return Alteration(tuple(found))

        await self._alterations.carry_out(call, make, solution=solution_of(body))
        return done()


def _new_value(place: OptionList, wanted: WantedOption, first: int) -> WantedOption:
    """Return a new option with a value that no other one has."""
    known = [option.value for option in place.options]
    if wanted.value is None:
        return replace(wanted, value=max([first - 1, *known]) + 1)
    if wanted.value in known:
        raise taken("an option with the Value", str(wanted.value))
    return wanted


def _check_default_status(place: OptionList, body: Body, ground: Ground) -> None:
    said = whole_of(body, "DefaultStatusCode")
    if said is None or place.type != "state":
        return
    state = state_at(ground.entity(place.name), whole_of(body, "Value"))
    if not state.reasons or state.reasons[0].value != said:
        raise bad("DefaultStatusCode cannot change here: it is the first reason of the state.")
