"""Actions that change single options: ``InsertOptionValue`` and its two companions."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from starlette.responses import Response

from kartoteka.editing.customize import REMOVED, Customization
from kartoteka.model.choice import Option
from kartoteka_runtime.web_api.altering.alterations import Alteration, Alterations
from kartoteka_runtime.web_api.altering.ground import Ground
from kartoteka_runtime.web_api.altering.json_parts import Body, flag_of, text_of, whole_of
from kartoteka_runtime.web_api.altering.option_values import (
    FIRST_VALUE,
    changes_of,
    new_options,
    read_option,
)
from kartoteka_runtime.web_api.altering.refusals import bad, missing, taken
from kartoteka_runtime.web_api.api_call import ApiCall, Handler
from kartoteka_runtime.web_api.api_errors import MethodNotTaken
from kartoteka_runtime.web_api.request_body import read_object
from kartoteka_runtime.web_api.serialize import to_json


@dataclass(frozen=True, slots=True)
class _List:
    """A list of options: where it stands, what is in it, and the bundle that it comes from."""

    kind: str
    name: str
    path: tuple[str, ...]
    options: Sequence[Option]
    bundle: str

    def option(self, value: int | None) -> Option:
        found = next((option for option in self.options if option.value == value), None)
        if found is None:
            raise missing("option with the Value", str(value))
        return found


class OptionActions:
    """Adds, changes and removes an option of a column's own list, or of a shared one."""

    def __init__(self, alterations: Alterations) -> None:
        """Change what ``alterations`` change."""
        self._alterations = alterations

    @property
    def handlers(self) -> Mapping[str, Handler]:
        """Return the actions by name."""
        return {
            "InsertOptionValue": self.insert,
            "UpdateOptionValue": self.update,
            "DeleteOptionValue": self.delete,
        }

    async def insert(self, call: ApiCall) -> Response:
        """Add an option and answer with its value."""
        body = await _body(call)
        values: list[int] = []

        def make(ground: Ground) -> Alteration:
            place = _list(body, ground)
            wanted = read_option(body, ground)
            if wanted.value is None:
                known = [option.value for option in place.options]
                wanted = replace(wanted, value=max([FIRST_VALUE - 1, *known]) + 1)
            if any(option.value == wanted.value for option in place.options):
                raise taken("an option with the Value", str(wanted.value))
            (made,) = new_options([wanted], ground, place.options)
            values.append(made["value"])
            path = (*place.path, str(made.pop("name")))
            return Alteration((Customization(place.kind, place.name, path, made),))

        await self._alterations.carry_out(call, make)
        answer = "Microsoft.Dynamics.CRM.InsertOptionValueResponse"
        content: dict[str, Any] = {
            "@odata.context": f"{call.root}$metadata#{answer}",
            "NewOptionValue": values[-1],
        }
        return Response(
            to_json(content),
            headers={"OData-Version": "4.0"},
            media_type="application/json; odata.metadata=minimal",
        )

    async def update(self, call: ApiCall) -> Response:
        """Change the label or color of an option."""
        body = await _body(call)

        def make(ground: Ground) -> Alteration:
            place = _list(body, ground)
            wanted = read_option(body, ground)
            merges = flag_of(body, "MergeLabels")
            if merges is not None:
                ground = replace(ground, merges_labels=merges)
            old = place.option(wanted.value)
            found = changes_of(place.kind, place.name, place.path, old, wanted, ground)
            return Alteration(tuple(found))

        await self._alterations.carry_out(call, make)
        return Response(status_code=204, headers={"OData-Version": "4.0"})

    async def delete(self, call: ApiCall) -> Response:
        """Take an option away; records that have it keep its number."""
        body = await _body(call)

        def make(ground: Ground) -> Alteration:
            place = _list(body, ground)
            option = place.option(whole_of(body, "Value"))
            if not ground.is_own(place.bundle):
                raise bad(f"The option {option.value} comes with another bundle and stays.")
            path = (*place.path, option.name)
            return Alteration((Customization(place.kind, place.name, path, REMOVED),))

        await self._alterations.carry_out(call, make)
        return Response(status_code=204, headers={"OData-Version": "4.0"})


async def _body(call: ApiCall) -> dict[str, Any]:
    if call.method != "POST":
        raise MethodNotTaken("POST")
    return await read_object(call)


def _list(body: Body, ground: Ground) -> _List:
    """Return the list of options that a body names."""
    shared = text_of(body, "OptionSetName").lower()
    if shared:
        choice = ground.registry.choices.get(shared)
        if choice is None:
            raise missing("global option set", shared)
        return _List("choice", choice.name, ("options",), choice.options, choice.bundle)
    entity = ground.entity(text_of(body, "EntityLogicalName").lower())
    field = ground.field(entity, text_of(body, "AttributeLogicalName").lower())
    if field.type not in ("choice", "multi_choice"):
        raise bad(f"{entity.name}.{field.name} has no options that could change.")
    if field.choice:
        choice = ground.registry.choices[field.choice]
        return _List("choice", choice.name, ("options",), choice.options, choice.bundle)
    path = ("fields", field.name, "options")
    return _List("entity", entity.name, path, field.options, ground.bundle_of(field, entity))
