"""The properties that definitions of Dataverse have: another name in a body is a mistake.

Those that nothing here reads say what Dataverse's own pages may do with a definition; clients send
them as they read them, and they change nothing.
"""

from __future__ import annotations

from kartoteka.names import did_you_mean
from kartoteka_runtime.validation.value_checks import shorten
from kartoteka_runtime.web_api.altering.json_parts import Body
from kartoteka_runtime.web_api.altering.refusals import bad

_EVERY = "MetadataId HasChanged IntroducedVersion IsManaged IsCustomizable SolutionId"
COLUMN = frozenset(
    f"""{_EVERY} AttributeOf AttributeType AttributeTypeName AutoNumberFormat BehaviorValues
    CalculationOf CanBeSecuredForCreate CanBeSecuredForRead CanBeSecuredForUpdate
    CanChangeDateTimeBehavior CanModifyAdditionalSettings CanStoreFullImage
    ChildPicklistLogicalNames ColumnNumber CreatedOn DatabaseLength DateTimeBehavior
    DefaultFormValue DefaultValue DeprecatedVersion Description DisplayName
    EntityLogicalName EntityReferenceStored ExternalName Format FormatName FormulaDefinition
    GlobalOptionSet ImeMode InheritsFrom IsAuditEnabled IsBaseCurrency IsCustomAttribute
    IsDataSourceSecret IsEntityReferenceStored IsFilterable IsFormulaBased
    IsGlobalFilterEnabled IsLocalizable IsLogical IsPrimaryId IsPrimaryImage IsPrimaryName
    IsRenameable IsRequiredForForm IsRetrievable IsSearchable IsSecured IsSortableEnabled
    IsValidForAdvancedFind IsValidForCreate IsValidForForm IsValidForGrid IsValidForRead
    IsValidForUpdate IsValidODataAttribute LinkedAttributeId LogicalName MaxHeight MaxLength
    MaxSizeInKB MaxSupportedValue MaxValue MaxWidth MinSupportedValue MinValue ModifiedOn
    OptionSet ParentPicklistLogicalName Precision PrecisionSource RequiredLevel SchemaName SettingOf
    Settings SourceType SourceTypeMask Targets YomiOf""".split()
)
ENTITY = frozenset(
    f"""{_EVERY} ActivityTypeMask Attributes AutoCreateAccessTeams AutoRouteToOwnerQueue
    CanBeInCustomEntityAssociation CanBeInManyToMany CanBePrimaryEntityInRelationship
    CanBeRelatedEntityInRelationship CanChangeHierarchicalRelationship
    CanChangeTrackingBeEnabled CanCreateAttributes CanCreateCharts CanCreateForms
    CanCreateViews CanEnableSyncToExternalSearchIndex CanModifyAdditionalSettings
    CanTriggerWorkflow ChangeTrackingEnabled ClusterMode CollectionSchemaName SettingOf CreatedOn
    DataProviderId DataSourceId DaysSinceRecordLastModified Description
    DisplayCollectionName DisplayName EnforceStateTransitions EntityColor EntityHelpUrl
    EntityHelpUrlEnabled EntitySetName EntitySettings ExternalCollectionName ExternalName
    HasActivities HasEmailAddresses HasFeedback HasNotes IconLargeName IconMediumName
    IconSmallName IconVectorName IsAIRUpdated IsActivity IsActivityParty IsArchivalEnabled
    IsAuditEnabled IsAvailableOffline IsBPFEntity IsBusinessProcessEnabled IsChildEntity
    IsConnectionsEnabled IsCustomEntity IsDocumentManagementEnabled
    IsDocumentRecommendationsEnabled IsDuplicateDetectionEnabled IsEnabledForCharts
    IsEnabledForExternalChannels IsEnabledForTrace IsImportable IsInteractionCentricEnabled
    IsIntersect IsKnowledgeManagementEnabled IsLogicalEntity IsMSTeamsIntegrationEnabled
    IsMailMergeEnabled IsMappable IsOfflineInMobileClient IsOneNoteIntegrationEnabled
    IsOptimisticConcurrencyEnabled IsPrivate IsQuickCreateEnabled IsReadOnlyInMobileClient
    IsReadingPaneEnabled IsRenameable IsRetentionEnabled IsSLAEnabled IsSolutionAware
    IsStateModelAware IsValidForAdvancedFind IsValidForQueue IsVisibleInMobile
    IsVisibleInMobileClient Keys LogicalCollectionName LogicalName ManyToManyRelationships
    ManyToOneRelationships MobileOfflineFilters ModifiedOn ObjectTypeCode
    OneToManyRelationships OwnerId OwnerIdType OwnershipType OwningBusinessUnit
    PrimaryIdAttribute PrimaryImageAttribute PrimaryKey PrimaryNameAttribute Privileges
    RecurrenceBaseEntityLogicalName ReportViewName SchemaName SettingOf Settings
    SyncToExternalSearchIndex TableType UsesBusinessDataLabelTable""".split()
)
RELATIONSHIP = frozenset(
    f"""{_EVERY} AssociatedMenuConfiguration CascadeConfiguration DenormalizedAttributeName
    Entity1AssociatedMenuConfiguration Entity1IntersectAttribute Entity1LogicalName
    Entity1NavigationPropertyName Entity2AssociatedMenuConfiguration
    Entity2IntersectAttribute Entity2LogicalName Entity2NavigationPropertyName EntityKey
    IntersectAttribute IntersectEntityName IsCustomRelationship IsDenormalizedLookup
    IsHierarchical IsRelationshipAttributeDenormalized IsValidForAdvancedFind Lookup
    ReferencedAttribute ReferencedEntity ReferencedEntityNavigationPropertyName
    ReferencingAttribute ReferencingEntity ReferencingEntityNavigationPropertyName
    RelationshipAttributes RelationshipBehavior RelationshipType SchemaName SecurityTypes""".split()
)
KEY = frozenset(
    f"""{_EVERY} AsyncJob DisplayName EntityKeyIndexStatus EntityLogicalName IsExportKey
    IsSecondaryKey IsSynchronous KeyAttributes LogicalName SchemaName""".split()
)
OPTION_SET = frozenset(
    f"""{_EVERY} Description DisplayName ExternalTypeName FalseOption IsCustomOptionSet IsGlobal
    Name OptionSetType Options ParentOptionSetName TrueOption""".split()
)


def check_known(body: Body, known: frozenset[str]) -> None:
    """Refuse a property that such a definition does not have.

    Raises:
        CallRefused: It holds one.
    """
    for name in body:
        if "@" not in name and name not in known:
            hint = did_you_mean(name, known)
            raise bad(f'There is no property "{shorten(name)}" here{"; " + hint if hint else "."}')
