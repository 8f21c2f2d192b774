"""A global option set in JSON → the shared choice that metadata has of it, new or changed."""

from __future__ import annotations

from collections.abc import Iterator

from kartoteka.editing.customize import Customization
from kartoteka.model.choice import Choice
from kartoteka_runtime.validation.value_checks import shorten
from kartoteka_runtime.web_api.altering.column_types import Says
from kartoteka_runtime.web_api.altering.ground import Ground
from kartoteka_runtime.web_api.altering.json_parts import (
    Body,
    check_id,
    flag_of,
    schema_name_of,
    text_of,
    type_of,
)
from kartoteka_runtime.web_api.altering.known_properties import OPTION_SET, check_known
from kartoteka_runtime.web_api.altering.label_texts import (
    new_texts,
    read_texts,
    text_changes,
)
from kartoteka_runtime.web_api.altering.option_values import (
    new_options,
    option_changes,
    read_options,
)
from kartoteka_runtime.web_api.altering.refusals import bad, taken
from kartoteka_runtime.web_api.metadata_ids import OPTION_SET as OPTION_SET_KIND


def new_choice(body: Body, ground: Ground) -> tuple[str, Iterator[Customization]]:
    """Return the name of a new global option set and what makes it.

    Raises:
        CallRefused: Its name is taken, or it has no options.
    """
    _check(body)
    name, _ = schema_name_of(body, "a global option set", "Name")
    if name in ground.registry.choices:
        raise taken("a global option set", name)
    options = read_options(body, ground)
    if not options:
        raise bad("A global option set needs Options.")
    made: Says = {"options": new_options(options, ground)}
    if texts := new_texts(read_texts(body, "DisplayName", ground), ground):
        made["label"] = texts
    return name, iter([Customization("choice", name, (), made)])


def choice_changes(choice: Choice, body: Body, ground: Ground) -> Iterator[Customization]:
    """Yield what makes a shared choice the wanted one.

    Raises:
        CallRefused: Its name would change, or another bundle's option would go.
    """
    _check(body)
    check_id(body, ground.ids.of(OPTION_SET_KIND, "", choice.name))
    said = text_of(body, "Name")
    if said and said.lower() != choice.name:
        raise bad(f'Name cannot change: it is "{choice.name}", not "{shorten(said)}".')
    wanted = read_texts(body, "DisplayName", ground)
    yield from text_changes("choice", choice.name, ("label",), choice.label, wanted, ground)
    if "Options" in body:
        yield from option_changes(
            "choice", choice.name, ("options",), choice.options, read_options(body, ground),
            ground, is_own=ground.is_own(choice.bundle),
        )  # fmt: skip


def _check(body: Body) -> None:
    check_known(body, OPTION_SET)
    if type_of(body) not in ("", "OptionSetMetadata"):
        raise bad(f"A global option set cannot be of the type {shorten(type_of(body))}.")
    if flag_of(body, "IsGlobal") is False:
        raise bad("IsGlobal must be true here; a column brings options of its own.")
    if text_of(body, "OptionSetType") not in ("", "Picklist"):
        raise bad("OptionSetType must be Picklist.")
