"""Attributes: fields as the Web API defines them.

Source: reference web-api, section 12.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kartoteka.model.entity import Entity
from kartoteka.model.field import Field, Required
from kartoteka_runtime.web_api.definitions.attribute_types import (
    attribute_type_of,
    calculation,
)
from kartoteka_runtime.web_api.definitions.definition import (
    Definition,
    LabelText,
    Related,
    managed,
)
from kartoteka_runtime.web_api.metadata_ids import ATTRIBUTE, MetadataIds
from kartoteka_runtime.web_api.metadata_names import SchemaNames

REQUIRED_LEVELS = {
    Required.NO: "None",
    Required.RECOMMENDED: "Recommended",
    Required.ON_FORM: "ApplicationRequired",
    Required.ALWAYS: "SystemRequired",
}
NEVER = "1900-01-01T00:00:00Z"  # when a definition was made: nobody keeps that
_ENUMS = frozenset({"yes_no", "choice", "multi_choice", "state", "status"})


def attribute(
    field: Field,
    entity: Entity,
    number: int,
    ids: MetadataIds,
    names: SchemaNames,
    *,
    option_set: Callable[[], Related],
    shared: Callable[[], Related],
) -> Definition:
    """Return the definition of a field.

    Args:
        field: The field.
        entity: Whose it is.
        number: Its place in the entity, from 1.
        ids: The ids of the publication.
        names: The schema names of the publication.
        option_set: Gives its option set, wherever that comes from.
        shared: Gives the same when it is a shared one.
    """
    kind = attribute_type_of(field)
    said = {**_of_all(field, entity, number, ids, names), **kind.said(field)}
    if field.type == "image":
        said["IsPrimaryImage"] = field.name == entity.picture
    said |= {
        "AttributeType": kind.code,
        "AttributeTypeName": {"Value": kind.name},
    }
    bases: tuple[str, ...] = ("AttributeMetadata", "MetadataBase")
    related: dict[str, Callable[[], Related]] = {}
    inline: tuple[str, ...] = ()
    if field.type in _ENUMS:
        bases = ("EnumAttributeMetadata", *bases)
        related = {"OptionSet": option_set, "GlobalOptionSet": shared}
        inline = ("OptionSet",)
    return Definition(kind.metadata, bases, said, related, inline)


def attribute_order(entity: Entity) -> tuple[Field, ...]:
    """Return the fields of an entity in the order in which they are told."""
    return tuple(sorted(entity.fields, key=lambda item: item.name))


def _of_all(
    field: Field, entity: Entity, number: int, ids: MetadataIds, names: SchemaNames
) -> dict[str, Any]:
    identity = ids.of(ATTRIBUTE, entity.name, field.name)
    is_id = field.name == entity.primary_id
    is_written = not field.read_only
    is_read = field.type != "party_list"
    level = "SystemRequired" if is_id else REQUIRED_LEVELS[field.required]
    return {
        "MetadataId": identity,
        "HasChanged": None,
        "AttributeOf": _owner_of(field, entity),
        "ColumnNumber": number,
        "LogicalName": field.name,
        "SchemaName": names.field(field, entity),
        "EntityLogicalName": entity.name,
        "ExternalName": None,
        "DeprecatedVersion": None,
        "IntroducedVersion": "1.0.0.0",
        "InheritsFrom": None,
        "LinkedAttributeId": None,
        "SettingOf": "",
        "AutoNumberFormat": field.number_format,
        "CreatedOn": NEVER,
        "ModifiedOn": NEVER,
        "DisplayName": LabelText(f"{identity}/name", field.label),
        "Description": LabelText(f"{identity}/help", field.help),
        "RequiredLevel": managed(
            level, "canmodifyrequirementlevelsettings", can_be_changed=not is_id
        ),
        "IsPrimaryId": is_id,
        "IsPrimaryName": field.name == entity.primary_field,
        "IsCustomAttribute": names.is_custom_field(field, entity),
        "IsCustomizable": managed(True, "iscustomizable"),
        "IsRenameable": managed(True, "isrenameable"),
        "IsManaged": False,
        "IsLogical": False,
        "IsDataSourceSecret": False,
        "IsValidODataAttribute": is_read,
        "IsValidForCreate": is_written or is_id,
        "IsValidForRead": is_read,
        "IsValidForUpdate": is_written and not is_id,
        "IsValidForForm": is_read,
        "IsValidForGrid": is_read,
        "IsRequiredForForm": False,
        "IsRetrievable": is_read,
        "IsFilterable": field.searchable,
        "IsSearchable": field.searchable,
        "IsValidForAdvancedFind": managed(field.searchable, "canmodifysearchsettings"),
        "IsGlobalFilterEnabled": managed(False, "canmodifyglobalfiltersettings"),
        "IsSortableEnabled": managed(False, "canmodifyissortablesettings"),
        "IsAuditEnabled": managed(field.audited, "canmodifyauditsettings"),
        "CanModifyAdditionalSettings": managed(True, "canmodifyadditionalsettings"),
        "IsSecured": field.secured,
        "CanBeSecuredForCreate": is_written,
        "CanBeSecuredForRead": is_read,
        "CanBeSecuredForUpdate": is_written,
        "SourceType": calculation(field)["SourceTypeMask"],
    }


def _owner_of(field: Field, entity: Entity) -> str | None:
    """Return the attribute that this one tells more about."""
    owner = entity.file_marks.get(field.name)
    return None if owner == field.name else owner
