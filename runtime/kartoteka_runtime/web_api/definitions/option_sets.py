"""Option sets: the closed lists of fields, shared ones and those of a single field.

Source: reference web-api, section 12.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kartoteka.model.choice import Choice, Option
from kartoteka.model.entity import Entity
from kartoteka.model.field import Field
from kartoteka.model.label import NO_LABEL
from kartoteka_runtime.web_api.definitions.definition import (
    NAMESPACE,
    Definition,
    LabelText,
    managed,
)
from kartoteka_runtime.web_api.metadata_ids import OPTION_SET, MetadataIds

_TYPES = {
    "yes_no": ("BooleanOptionSetMetadata", "Boolean"),
    "state": ("OptionSetMetadata", "State"),
    "status": ("OptionSetMetadata", "Status"),
}


def shared_option_set(choice: Choice, ids: MetadataIds, *, is_custom: bool) -> Definition:
    """Return the definition of a shared choice."""
    identity = ids.of(OPTION_SET, "", choice.name)
    said = {
        **_head(identity, choice.name, "Picklist"),
        "IsGlobal": True,
        "IsCustomOptionSet": is_custom,
        "DisplayName": LabelText(f"{identity}/name", choice.label),
        "Description": LabelText(f"{identity}/help", NO_LABEL),
        "Options": [_option(option, identity) for option in choice.options],
    }
    return Definition("OptionSetMetadata", ("OptionSetMetadataBase", "MetadataBase"), said)


def own_option_set(
    field: Field, entity: Entity, ids: MetadataIds, *, is_custom: bool
) -> Definition:
    """Return the definition of the options that a single field has for itself."""
    type_name, kind = _TYPES.get(field.type, ("OptionSetMetadata", "Picklist"))
    identity = ids.of(OPTION_SET, entity.name, field.name)
    said = {
        **_head(identity, f"{entity.name}_{field.name}", kind),
        "IsGlobal": False,
        "IsCustomOptionSet": is_custom,
        "DisplayName": LabelText(f"{identity}/name", field.label),
        "Description": LabelText(f"{identity}/help", field.help),
        **_options(field, entity, identity),
    }
    return Definition(type_name, ("OptionSetMetadataBase", "MetadataBase"), said)


def _head(identity: str, name: str, kind: str) -> dict[str, Any]:
    return {
        "MetadataId": identity,
        "HasChanged": None,
        "Name": name,
        "OptionSetType": kind,
        "IsManaged": False,
        "IsCustomizable": managed(True, "iscustomizable"),
        "ExternalTypeName": None,
        "IntroducedVersion": "1.0.0.0",
        "ParentOptionSetName": None,
    }


def _options(field: Field, entity: Entity, identity: str) -> dict[str, Any]:
    by_value = {option.value: option for option in field.options}
    match field.type:
        case "yes_no":
            return {
                "TrueOption": _option(by_value[1], identity),
                "FalseOption": _option(by_value[0], identity),
            }
        case "state":
            return {"Options": [_state(option, entity, identity) for option in field.options]}
        case "status":
            return {"Options": [_status(option, entity, identity) for option in field.options]}
    return {"Options": [_option(option, identity) for option in field.options]}


def _option(option: Option, identity: str, **more: Any) -> dict[str, Any]:
    key = f"{identity}/{option.value}"
    return {
        "Value": option.value,
        "Color": option.color or None,
        "IsManaged": False,
        "ExternalValue": "",
        "ParentValues": [],
        "Tag": None,
        "IsHidden": False,
        "MetadataId": None,
        "HasChanged": None,
        "Label": LabelText(f"{key}/name", option.label),
        "Description": LabelText(f"{key}/help", NO_LABEL),
        **more,
    }


def _state(option: Option, entity: Entity, identity: str) -> dict[str, Any]:
    state = entity.state_by_value[option.value]
    default = state.reasons[0].value if state.reasons else None
    return _typed(
        "StateOptionMetadata",
        _option(option, identity, DefaultStatus=default, InvariantName=option.name),
    )


def _status(option: Option, entity: Entity, identity: str) -> dict[str, Any]:
    state = next(
        state.value
        for state in entity.states
        if any(reason.value == option.value for reason in state.reasons)
    )
    return _typed(
        "StatusOptionMetadata", _option(option, identity, State=state, TransitionData=None)
    )


def _typed(name: str, said: Mapping[str, Any]) -> dict[str, Any]:
    return {"@odata.type": f"#{NAMESPACE}{name}", **said}
