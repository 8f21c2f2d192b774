"""Kartoteka, the platform: what partners import. Inside the platform, import modules."""

from kartoteka.diagnostics import Diagnostic
from kartoteka.errors import (
    AccessDenied,
    KartotekaError,
    MetadataError,
    PluginError,
    PublishFailed,
    RecordConflict,
    RecordInvalid,
    RecordNotFound,
    Violation,
)
from kartoteka.labels import LabelResolver
from kartoteka.location import Location
from kartoteka.model.bundle import BundleInfo
from kartoteka.model.choice import Choice, Option
from kartoteka.model.entity import Command, Entity, Key, Reason, State, Transition
from kartoteka.model.field import Cascade, Field, Required
from kartoteka.model.form import Control, Form, Section, Tab
from kartoteka.model.label import Label
from kartoteka.model.navigation import Area, Entry, Group
from kartoteka.model.relationship import Relationship
from kartoteka.model.role import EntityPrivileges, Role
from kartoteka.model.view import SortKey, View, ViewColumn
from kartoteka.plugin_api.contexts import (
    CommandContext,
    CommandHandler,
    CommandResult,
    LinkedTo,
    Panel,
    PanelContext,
    PanelRows,
    Principal,
    RecordHandler,
    Records,
    SampleData,
    SampleDataContext,
    WriteContext,
)
from kartoteka.plugin_api.hookspecs import hookimpl
from kartoteka.plugin_api.jobs import (
    JobCanceled,
    JobContext,
    JobFailed,
    JobHandler,
    JobQueue,
    Schedule,
)
from kartoteka.plugin_api.operations import (
    ApiOperation,
    ApiValue,
    OperationContext,
    RecordValues,
)
from kartoteka.plugin_api.plugin import Plugin
from kartoteka.record_values import Party, Record, Reference
from kartoteka.registry import Registry

__all__ = [
    "AccessDenied",
    "ApiOperation",
    "ApiValue",
    "Area",
    "BundleInfo",
    "Cascade",
    "Choice",
    "Command",
    "CommandContext",
    "CommandHandler",
    "CommandResult",
    "Control",
    "Diagnostic",
    "Entity",
    "EntityPrivileges",
    "Entry",
    "Field",
    "Form",
    "Group",
    "JobCanceled",
    "JobContext",
    "JobFailed",
    "JobHandler",
    "JobQueue",
    "KartotekaError",
    "Key",
    "Label",
    "LinkedTo",
    "LabelResolver",
    "Location",
    "MetadataError",
    "OperationContext",
    "Option",
    "Panel",
    "PanelContext",
    "PanelRows",
    "Party",
    "Plugin",
    "PluginError",
    "Principal",
    "PublishFailed",
    "Reason",
    "Record",
    "RecordConflict",
    "RecordHandler",
    "RecordInvalid",
    "RecordNotFound",
    "RecordValues",
    "Records",
    "Reference",
    "Registry",
    "Relationship",
    "Required",
    "Role",
    "SampleData",
    "SampleDataContext",
    "Schedule",
    "Section",
    "SortKey",
    "State",
    "Tab",
    "Transition",
    "View",
    "ViewColumn",
    "Violation",
    "WriteContext",
    "hookimpl",
]
