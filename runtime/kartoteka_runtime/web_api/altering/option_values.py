"""Options of choices in JSON → options of metadata, and the changes between two lists."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kartoteka.editing.customize import REMOVED, Customization
from kartoteka.model.choice import Option
from kartoteka.names import MAX_OPTION_NAME_LENGTH
from kartoteka.text_folding import fold
from kartoteka_runtime.web_api.altering.ground import Ground
from kartoteka_runtime.web_api.altering.json_parts import Body, at_most, parts_of, text_of, whole_of
from kartoteka_runtime.web_api.altering.label_texts import (
    new_texts,
    read_texts,
    text_changes,
)
from kartoteka_runtime.web_api.altering.refusals import bad

FIRST_VALUE = 100_000_000  # of options that come without one
MOST_OPTIONS = 2_000
_NO_NAME = re.compile(r"[^a-z0-9]+")


@dataclass(frozen=True, slots=True)
class WantedOption:
    """An option as a definition has it; ``value`` None: it is to get one."""

    value: int | None
    texts: Mapping[str, str] | None
    color: str = ""


def read_options(body: Body, ground: Ground) -> tuple[WantedOption, ...]:
    """Return the options of an ``OptionSet``."""
    found = tuple(
        read_option(item, ground)
        for item in at_most(parts_of(body, "Options"), MOST_OPTIONS, "Options")
    )
    values = [option.value for option in found if option.value is not None]
    if len(set(values)) < len(values):
        raise bad("Options has a Value twice.")
    return found


def read_option(body: Body, ground: Ground) -> WantedOption:
    """Return one option."""
    return WantedOption(
        whole_of(body, "Value"),
        read_texts(body, "Label", ground),
        text_of(body, "Color").lower(),
    )


def new_options(
    wanted: Sequence[WantedOption], ground: Ground, present: Sequence[Option] = ()
) -> list[dict[str, Any]]:
    """Return options as metadata has them; ``present`` ones keep their names."""
    known = {option.value: option for option in present}
    names = {option.name for option in present}
    highest = max([FIRST_VALUE - 1, *(one.value for one in wanted if one.value is not None)])
    made = []
    for one in wanted:
        value = one.value
        if value is None:
            highest = value = highest + 1
        old = known.get(value)
        name = old.name if old is not None else _free_name(one, value, names, ground)
        names.add(name)
        option: dict[str, Any] = {"name": name, "value": value}
        if one.texts:
            option["label"] = new_texts(one.texts, ground)
        if one.color:
            option["color"] = one.color
        made.append(option)
    return made


def option_changes(
    kind: str,
    name: str,
    path: tuple[str, ...],
    present: Sequence[Option],
    wanted: Sequence[WantedOption],
    ground: Ground,
    *,
    is_own: bool,
) -> Iterator[Customization]:
    """Yield what makes a list of options the wanted one.

    Raises:
        CallRefused: An option of another bundle would go.
    """
    by_value = {option.value: option for option in present}
    for option in present:
        if option.value not in {one.value for one in wanted}:
            if not is_own:
                raise bad(
                    f"the option {option.value} comes with another bundle and cannot be removed."
                )
            yield Customization(kind, name, (*path, option.name), REMOVED)
    new = [one for one in wanted if one.value is None or one.value not in by_value]
    for option_map in new_options(wanted, ground, present):
        if option_map["value"] not in by_value:
            place = (*path, str(option_map.pop("name")))
            yield Customization(kind, name, place, option_map)
    for one in wanted:
        old = by_value.get(one.value) if one.value is not None else None
        if old is not None:
            yield from changes_of(kind, name, path, old, one, ground)
    kept = [one.value for one in wanted if one not in new]
    if kept != [option.value for option in present if option.value in kept] and is_own:
        yield from reordered(kind, name, path, by_value, kept)


def changes_of(
    kind: str,
    name: str,
    path: tuple[str, ...],
    old: Option,
    wanted: WantedOption,
    ground: Ground,
) -> Iterator[Customization]:
    """Yield what makes an option the wanted one."""
    place = (*path, old.name)
    yield from text_changes(kind, name, (*place, "label"), old.label, wanted.texts, ground)
    if wanted.color and wanted.color != old.color:
        yield Customization(kind, name, (*place, "color"), wanted.color)


def reordered(
    kind: str, name: str, path: tuple[str, ...], by_value: Mapping[int, Option], kept: Sequence[Any]
) -> Iterator[Customization]:
    """Yield what puts options in an order; ``kept`` are values of all of them."""
    for before, after in zip(kept, kept[1:], strict=False):
        place = (*path, by_value[after].name)
        yield Customization(kind, name, place, {"after": by_value[before].name})


def _free_name(one: WantedOption, value: int, names: set[str], ground: Ground) -> str:
    """Return a name made of the label in the base language, which no other option has."""
    label = new_texts(one.texts, ground).get(ground.registry.base_language, "")
    plain = _NO_NAME.sub("_", fold(label)).strip("_")[: MAX_OPTION_NAME_LENGTH - 15].strip("_")
    name = plain or f"option_{value}".replace("-", "minus_")
    return name if name not in names else f"{name}_{value}".replace("-", "minus_")
