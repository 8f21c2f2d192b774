"""Entities and their alternate keys as the Web API defines them.

Source: reference web-api, section 12.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

from kartoteka.model.entity import Entity, Key
from kartoteka_runtime.web_api.definitions.attributes import NEVER
from kartoteka_runtime.web_api.definitions.definition import (
    Definition,
    LabelText,
    Related,
    managed,
)
from kartoteka_runtime.web_api.metadata_ids import ENTITY, KEY, MetadataIds
from kartoteka_runtime.web_api.metadata_names import SchemaNames

OWNERSHIPS: Mapping[str, str] = {
    "user": "UserOwned",
    "organization": "OrganizationOwned",
    "business_unit": "BusinessOwned",
    "none": "None",
}
_FIRST_CUSTOM_CODE = 10_000
_CODES = 2_000_000_000


def type_code(identity: str) -> int:
    """Return the number that stands for an entity, worked out of its id so that it stays."""
    return _FIRST_CUSTOM_CODE + UUID(identity).int % _CODES


def entity_definition(
    entity: Entity,
    ids: MetadataIds,
    names: SchemaNames,
    related: Mapping[str, Callable[[], Related]],
) -> Definition:
    """Return the definition of an entity; ``related`` gives what belongs to it."""
    identity = ids.of(ENTITY, entity.name)
    schema_name = names.entity(entity)
    said = {
        "MetadataId": identity,
        "HasChanged": None,
        "LogicalName": entity.name,
        "SchemaName": schema_name,
        "EntitySetName": entity.set_name,
        "LogicalCollectionName": entity.set_name,
        "CollectionSchemaName": _plural(schema_name, entity),
        "PrimaryIdAttribute": entity.primary_id,
        "PrimaryNameAttribute": entity.primary_field or None,
        "PrimaryImageAttribute": entity.picture or None,
        "ObjectTypeCode": type_code(identity),
        "OwnershipType": _ownership(entity),
        "TableType": "Standard",
        "DisplayName": LabelText(f"{identity}/name", entity.label),
        "DisplayCollectionName": LabelText(f"{identity}/names", entity.plural_label),
        "Description": LabelText(f"{identity}/help", entity.help),
        "IntroducedVersion": "1.0.0.0",
        "CreatedOn": NEVER,
        "ModifiedOn": NEVER,
        "IsManaged": False,
        "IsIntersect": False,
        "IsLogicalEntity": False,
        "IsPrivate": False,
        **_switches(entity, is_custom=names.is_custom(entity)),
        "EntityColor": entity.color or None,
        "IconVectorName": entity.icon or None,
        "IconSmallName": None,
        "IconMediumName": None,
        "IconLargeName": None,
        "EntityHelpUrl": None,
        "EntityHelpUrlEnabled": False,
        "DataProviderId": None,
        "DataSourceId": None,
        "ExternalName": None,
        "ExternalCollectionName": None,
        "DaysSinceRecordLastModified": 0,
        "ActivityTypeMask": int(entity.is_activity),
        "RecurrenceBaseEntityLogicalName": None,
        "ReportViewName": f"Filtered{schema_name}",
        "MobileOfflineFilters": "",
        "Settings": [],
        "Privileges": [],
    }
    return Definition("EntityMetadata", ("MetadataBase",), said, related)


def key_definition(key: Key, entity: Entity, ids: MetadataIds, names: SchemaNames) -> Definition:
    """Return the definition of an alternate key."""
    identity = ids.of(KEY, entity.name, key.name)
    said = {
        "MetadataId": identity,
        "HasChanged": None,
        "LogicalName": key.name,
        "SchemaName": names.key(key),
        "EntityLogicalName": entity.name,
        "KeyAttributes": list(key.fields),
        "DisplayName": LabelText(f"{identity}/name", key.label),
        "EntityKeyIndexStatus": "Active",
        "IntroducedVersion": "1.0.0.0",
        "IsCustomizable": managed(True, "iscustomizable"),
        "IsManaged": False,
        "IsExportKey": False,
        "IsSecondaryKey": False,
        "IsSynchronous": True,
        "AsyncJob": None,
    }
    return Definition("EntityKeyMetadata", ("MetadataBase",), said)


def _switches(entity: Entity, *, is_custom: bool) -> dict[str, Any]:
    """Return what an entity can do or have, and whether customizers may change that."""
    has = entity.features.__contains__
    return {
        "IsActivity": entity.is_activity,
        "IsActivityParty": has("email"),
        "IsChildEntity": bool(entity.parent_field),
        "IsCustomEntity": is_custom,
        "IsEnabledForCharts": True,
        "IsImportable": True,
        "IsQuickCreateEnabled": has("quick_create"),
        "IsOptimisticConcurrencyEnabled": "versionnumber" in entity.field_by_name,
        "IsStateModelAware": bool(entity.states),
        "EnforceStateTransitions": entity.transitions is not None,
        "IsValidForAdvancedFind": True,
        "IsReadingPaneEnabled": True,
        "IsDocumentManagementEnabled": False,
        "IsKnowledgeManagementEnabled": False,
        "IsBusinessProcessEnabled": False,
        "IsSLAEnabled": False,
        "IsAIRUpdated": True,
        "IsAvailableOffline": False,
        "IsSolutionAware": False,
        "AutoCreateAccessTeams": False,
        "AutoRouteToOwnerQueue": False,
        "HasActivities": has("activities"),
        "HasNotes": has("notes"),
        "HasFeedback": False,
        "HasEmailAddresses": has("email"),
        "CanTriggerWorkflow": True,
        "ChangeTrackingEnabled": has("change_tracking"),
        "SyncToExternalSearchIndex": False,
        "UsesBusinessDataLabelTable": False,
        "IsCustomizable": managed(True, "iscustomizable"),
        "IsRenameable": managed(True, "isrenameable"),
        "IsMappable": managed(True, "ismappable"),
        "IsAuditEnabled": managed(has("audit"), "canmodifyauditsettings"),
        "IsConnectionsEnabled": managed(has("connections"), "canmodifyconnectionsettings"),
        "IsDuplicateDetectionEnabled": managed(
            has("duplicate_detection"), "canmodifyduplicatedetectionsettings"
        ),
        "IsValidForQueue": managed(has("queues"), "canmodifyqueuesettings"),
        "IsMailMergeEnabled": managed(False, "canmodifymailmergesettings"),
        "IsVisibleInMobile": managed(True, "canmodifymobilevisibility"),
        "IsVisibleInMobileClient": managed(True, "canmodifymobileclientvisibility"),
        "IsReadOnlyInMobileClient": managed(False, "canmodifymobileclientreadonly"),
        "IsOfflineInMobileClient": managed(False, "canmodifymobileclientoffline"),
        "CanCreateAttributes": managed(True, "cancreateattributes"),
        "CanCreateForms": managed(True, "cancreateforms"),
        "CanCreateViews": managed(True, "cancreateviews"),
        "CanCreateCharts": managed(True, "cancreatecharts"),
        "CanBeRelatedEntityInRelationship": managed(True, "canberelatedentityinrelationship"),
        "CanBePrimaryEntityInRelationship": managed(True, "canbeprimaryentityinrelationship"),
        "CanBeInManyToMany": managed(True, "canbeinmanytomany"),
        "CanBeInCustomEntityAssociation": managed(True, "canbeincustomentityassociation"),
        "CanModifyAdditionalSettings": managed(True, "canmodifyadditionalsettings"),
        "CanChangeHierarchicalRelationship": managed(True, "canchangehierarchicalrelationship"),
        "CanChangeTrackingBeEnabled": managed(True, "canchangetrackingbeenabled"),
        "CanEnableSyncToExternalSearchIndex": managed(
            False, "canenablesynctoexternalsearchindex", can_be_changed=False
        ),
    }


def _ownership(entity: Entity) -> str:
    return "BusinessParented" if entity.parent_field else OWNERSHIPS[entity.ownership]


def _plural(schema_name: str, entity: Entity) -> str:
    """Return the set name in the capitals of the schema name."""
    common = schema_name if entity.set_name.startswith(entity.name) else ""
    return common + entity.set_name[len(common) :]
