"""A column in JSON → the field that metadata has of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from kartoteka.model.choice import Choice
from kartoteka.model.field import Required
from kartoteka_runtime.validation.value_checks import shorten
from kartoteka_runtime.web_api.altering.column_types import Says, column_type, own_properties, usual
from kartoteka_runtime.web_api.altering.ground import Ground
from kartoteka_runtime.web_api.altering.json_parts import (
    Body,
    flag_of,
    part_of,
    schema_name_of,
    text_of,
    value_of,
    whole_of,
)
from kartoteka_runtime.web_api.altering.known_properties import COLUMN, check_known
from kartoteka_runtime.web_api.altering.label_texts import new_texts, read_texts
from kartoteka_runtime.web_api.altering.option_values import (
    WantedOption,
    new_options,
    read_option,
    read_options,
)
from kartoteka_runtime.web_api.altering.refusals import bad
from kartoteka_runtime.web_api.metadata_ids import OPTION_SET

LEVELS = {
    "none": Required.NO,
    "recommended": Required.RECOMMENDED,
    "applicationrequired": Required.ON_FORM,
    "systemrequired": Required.ALWAYS,
}
SAID_AS: dict[Required, Any] = {
    Required.NO: False, Required.RECOMMENDED: "recommended", Required.ON_FORM: "on_form",
    Required.ALWAYS: True,
}  # fmt: skip
# Values of a new field that go without saying.
_USUAL: Mapping[str, tuple[Any, ...]] = {
    "audited": (True,), "behavior": ("user_local",), "format": ("plain", "none"),
    "full_image": (True,), "precision_source": ("field",), "searchable": (True,),
    "secured": (False,),
}  # fmt: skip
_WITH_OPTIONS = ("choice", "multi_choice")


@dataclass(frozen=True, slots=True)
class ReadColumn:
    """What a definition says of a column.

    ``texts`` are its labels by key (``label``, ``help``, ``true_label`` …), None where it has
    none; ``says`` is the rest, by key. ``choice`` is the shared choice that it names.
    """

    kind: str
    texts: dict[str, dict[str, str] | None]
    says: Says
    options: tuple[WantedOption, ...] | None = None
    choice: str = ""
    default: int | None = None
    level: Required | None = None
    is_primary: bool = False


def read_column(body: Body, ground: Ground) -> ReadColumn:
    """Return what a definition says of a column.

    Raises:
        CallRefused: A property is not known, of another type, or cannot be.
    """
    check_known(body, COLUMN)
    kind = column_type(body)
    says = own_properties(kind, body) if kind not in _LABELS_ALONE else {}
    for key, name in (("secured", "IsSecured"), ("searchable", "IsValidForAdvancedFind"),
                      ("audited", "IsAuditEnabled")):  # fmt: skip
        flag = flag_of(body, name)
        if flag is not None:
            says[key] = flag
    texts = {
        "label": read_texts(body, "DisplayName", ground),
        "help": read_texts(body, "Description", ground),
    }
    options, choice = None, ""
    if kind == "Boolean":
        texts |= _yes_no_texts(body, ground)
        flag = flag_of(body, "DefaultValue")
        default = None if flag is None else int(flag)
    else:
        default = whole_of(body, "DefaultFormValue")
        if says.get("type") in _WITH_OPTIONS:
            options, choice = _options(body, ground)
    return ReadColumn(
        kind,
        texts,
        says,
        options,
        choice,
        default,
        _level(body),
        flag_of(body, "IsPrimaryName") is True,
    )


_LABELS_ALONE = frozenset({"Owner", "State", "Status", "PartyList", "EntityName"})


def new_column(body: Body, ground: Ground) -> tuple[str, Says, bool]:
    """Return name and map of a new field, and whether it is the name of its records.

    Raises:
        CallRefused: It cannot be.
    """
    name, schema_name = schema_name_of(body, "a column")
    read = read_column(body, ground)
    if read.kind in _LABELS_ALONE:
        own_properties(read.kind, body)
    made: Says = {"name": name, "schema_name": schema_name, **usual(read.kind, read.says)}
    made |= {key: new_texts(texts, ground) for key, texts in read.texts.items() if texts}
    if read.level is not None and (read.level is not Required.NO or read.is_primary):
        made["required"] = SAID_AS[read.level]
    if read.choice:
        made["choice"] = read.choice
    elif read.says["type"] in _WITH_OPTIONS:
        if not read.options:
            raise bad(f'The column "{schema_name}" needs options: an OptionSet with Options, or a '
                      "GlobalOptionSet.")  # fmt: skip
        made["options"] = new_options(read.options, ground)
    _set_default(made, read, ground)
    if read.says["type"] == "lookup":
        _set_targets(made, ground)
    return name, _without_usual(made), read.is_primary


def _set_targets(made: Says, ground: Ground) -> None:
    targets = [ground.target(name, "Targets").name for name in made.pop("targets", ())]
    if not targets:
        raise bad(f'The lookup "{made["schema_name"]}" needs Targets, or make it with its '
                  "relationship in RelationshipDefinitions.")  # fmt: skip
    if len(targets) == 1:
        made["target"] = targets[0]
    else:
        made["targets"] = targets


def _set_default(made: Says, read: ReadColumn, ground: Ground) -> None:
    if read.default is None or (read.default == -1 and read.kind != "Boolean"):
        return
    if read.kind == "Boolean":
        made["default"] = bool(read.default)
    elif read.says.get("type") == "choice":
        known = {option["value"]: option["name"] for option in made.get("options", ())}
        if read.choice:
            shared = ground.registry.choices[read.choice].options
            known = {option.value: option.name for option in shared}
        if read.default not in known:
            raise bad(f"DefaultFormValue {read.default} is none of the options.")
        made["default"] = known[read.default]


def _without_usual(made: Says) -> Says:
    """Return a new field's map without what goes without saying."""
    return {key: value for key, value in made.items() if value not in _USUAL.get(key, ())}


def _level(body: Body) -> Required | None:
    said = value_of(body, "RequiredLevel")
    if not said:
        return None
    if said.lower() not in LEVELS:
        raise bad(f"RequiredLevel cannot be {shorten(said)}.")
    return LEVELS[said.lower()]


def _yes_no_texts(body: Body, ground: Ground) -> dict[str, dict[str, str] | None]:
    options = part_of(body, "OptionSet") or {}
    found: dict[str, dict[str, str] | None] = {}
    for key, name, value in (("true_label", "TrueOption", 1), ("false_label", "FalseOption", 0)):
        option = part_of(options, name)
        if option is None:
            continue
        wanted = read_option(option, ground)
        if wanted.value not in (None, value):
            raise bad(f"The Value of {name} is always {value}.")
        found[key] = None if wanted.texts is None else dict(wanted.texts)
    return found


def _options(body: Body, ground: Ground) -> tuple[tuple[WantedOption, ...] | None, str]:
    """Return the options that a column has of its own, or the shared choice that it names."""
    bound = text_of(body, "GlobalOptionSet@odata.bind")
    own, shared = part_of(body, "OptionSet"), part_of(body, "GlobalOptionSet")
    if bound:
        return None, _bound_choice(bound, ground)
    if own is not None and flag_of(own, "IsGlobal"):
        shared = own
    if shared is not None:
        return None, _choice(text_of(shared, "Name"), ground).name
    return (read_options(own, ground) if own is not None else None), ""


def _bound_choice(address: str, ground: Ground) -> str:
    """Return the choice that ``/GlobalOptionSetDefinitions(…)`` names, by its id or its name."""
    name = address.rpartition("(")[2].removesuffix(")").strip()
    if "=" in name:
        name = name.partition("=")[2].strip()
    found = ground.at(name)
    if found is not None and found.kind == OPTION_SET and not found.entity:
        return found.member
    return _choice(name.strip("'"), ground).name


def _choice(name: str, ground: Ground) -> Choice:
    found = ground.registry.choices.get(name.lower())
    if found is None:
        raise bad(f'There is no global option set "{shorten(name)}".')
    return found
