"""Who calls, what runs here, what it speaks, how much it holds: unbound functions and publishing.

Source: reference web-api, section 10.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kartoteka.model.field import ROLLUP_DATE, ROLLUP_STATE
from kartoteka.plugin_api.operations import FUNCTION, ApiOperation, ApiValue, RecordValues
from kartoteka.record_values import Reference
from kartoteka_runtime.known_ids import ORGANIZATION
from kartoteka_runtime.localization.codes import LANGUAGE_CODES
from kartoteka_runtime.web_api.operations.invocation import Invocation, OwnOperation

VERSION = "9.2.0.0"
_MOST_COUNTED = 100  # entities of one call
_ACCESS = (("Default", 0), ("Internet", 1), ("Intranet", 2))


async def who_am_i(invocation: Invocation) -> Mapping[str, Any]:
    """Return the ids of who calls, of their unit and of the organization."""
    principal = invocation.call.principal
    return {
        "BusinessUnitId": principal.business_unit_id or None,
        "UserId": principal.user_id,
        "OrganizationId": ORGANIZATION,
    }


async def retrieve_version(invocation: Invocation) -> Mapping[str, Any]:
    """Return the version of Dataverse's Web API that this one follows."""
    return {"Version": VERSION}


async def retrieve_total_record_count(invocation: Invocation) -> Mapping[str, Any]:
    """Return how many records of each entity there are that the caller may read."""
    names = list(dict.fromkeys(invocation.parameters["EntityNames"]))[:_MOST_COUNTED]
    counts = [await invocation.records.count(name) for name in names]
    collection = {"Count": len(names), "IsReadOnly": False, "Keys": names, "Values": counts}
    return {"EntityRecordCountCollection": collection}


async def retrieve_languages(invocation: Invocation) -> Mapping[str, Any]:
    """Return the numbers of the languages that the app has texts in."""
    return {"LocaleIds": _language_codes(invocation)}


async def retrieve_provisioned_languages(invocation: Invocation) -> Mapping[str, Any]:
    """Return the same under the name that this function has for it."""
    return {"RetrieveProvisionedLanguages": _language_codes(invocation)}


async def retrieve_current_organization(invocation: Invocation) -> Mapping[str, Any]:
    """Return what the organization is called and where it is reached."""
    call = invocation.call
    rows = await invocation.records.as_system().list("organization", fields=("name",), limit=1)
    name = str(rows[0]["name"] or "") if rows else ""
    origin = call.root.partition("/api/")[0]
    host = call.root.partition("://")[2].partition("/")[0]
    endpoints = {
        "Count": 2,
        "IsReadOnly": False,
        "Keys": ["WebApplication", "OrganizationService"],
        "Values": [f"{origin}/", call.root],
    }
    return {"Detail": {
        "OrganizationId": ORGANIZATION,
        "FriendlyName": name,
        "OrganizationVersion": VERSION,
        "EnvironmentId": ORGANIZATION,
        "UniqueName": host.partition(":")[0].partition(".")[0] or "organization",
        "UrlName": host.partition(":")[0],
        "State": "Enabled",
        "Endpoints": endpoints,
    }}  # fmt: skip


async def calculate_rollup_field(invocation: Invocation) -> Mapping[str, Any]:
    """Work out a rollup of a record now and return it with when and how that went."""
    target: Reference = invocation.parameters["Target"]
    field: str = invocation.parameters["FieldName"]
    entity = invocation.call.registry.entities[target.entity]
    values = await invocation.records.calculate_rollup(target.entity, target.id, field)
    record = await invocation.records.read_fields(target.entity, target.id)
    found = {**record, **values}
    told_of = (field, f"{field}{ROLLUP_DATE}", f"{field}{ROLLUP_STATE}")
    names = ("versionnumber", entity.primary_id, *told_of)
    told = {name: found[name] for name in names if name in entity.field_by_name}
    return {"": RecordValues(target.entity, target.id, told)}


def _language_codes(invocation: Invocation) -> list[int]:
    codes = {name: code for code, name in LANGUAGE_CODES.items()}
    codes["pt"] = codes["pt_PT"]
    known = invocation.call.registry.languages
    return sorted({codes[name] for name in known if name in codes}) or [codes["en"]]


def _id(name: str) -> ApiValue:
    return ApiValue(name, "unique_id", is_optional=True)


def _collection(name: str, type_name: str, keys: ApiValue, values: ApiValue) -> ApiValue:
    members = (
        ApiValue("Count", "whole_number"), ApiValue("IsReadOnly", "yes_no"), keys, values,
    )  # fmt: skip
    return ApiValue(name, "object", members=members, type_name=type_name)


_COUNTS = _collection(
    "EntityRecordCountCollection",
    "EntityRecordCountCollection",
    ApiValue("Keys", "text", is_list=True),
    ApiValue("Values", "big_integer", is_list=True),
)
_ENDPOINTS = _collection(
    "Endpoints",
    "EndpointCollection",
    ApiValue("Keys", "text", is_list=True),
    ApiValue("Values", "text", is_list=True),
)
_DETAIL = ApiValue(
    "Detail",
    "object",
    type_name="OrganizationDetail",
    members=(
        _id("OrganizationId"), ApiValue("FriendlyName"), ApiValue("OrganizationVersion"),
        ApiValue("EnvironmentId"), ApiValue("UniqueName"), ApiValue("UrlName"), ApiValue("State"),
        _ENDPOINTS,
    ),
)  # fmt: skip
_LOCALES = (ApiValue("LocaleIds", "whole_number", is_list=True),)

ORGANIZATION_OPERATIONS: tuple[OwnOperation, ...] = (
    OwnOperation(
        ApiOperation(
            "WhoAmI", FUNCTION,
            result=(_id("BusinessUnitId"), _id("UserId"), _id("OrganizationId")),
        ),
        who_am_i,
    ),
    OwnOperation(
        ApiOperation("RetrieveVersion", FUNCTION, result=(ApiValue("Version"),)), retrieve_version
    ),
    OwnOperation(
        ApiOperation(
            "RetrieveTotalRecordCount", FUNCTION,
            parameters=(ApiValue("EntityNames", is_list=True),), result=(_COUNTS,),
        ),
        retrieve_total_record_count,
    ),
    OwnOperation(
        ApiOperation("RetrieveAvailableLanguages", FUNCTION, result=_LOCALES), retrieve_languages
    ),
    OwnOperation(
        ApiOperation("RetrieveProvisionedLanguages", FUNCTION, result=(
            ApiValue("RetrieveProvisionedLanguages", "whole_number", is_list=True),
        )),
        retrieve_provisioned_languages,
    ),
    OwnOperation(
        ApiOperation(
            "RetrieveCurrentOrganization", FUNCTION,
            parameters=(ApiValue(
                "AccessType", "enum", options=_ACCESS, type_name="EndpointAccessType",
                is_optional=True,
            ),),
            result=(_DETAIL,),
        ),
        retrieve_current_organization,
    ),
    OwnOperation(
        ApiOperation(
            "CalculateRollupField", FUNCTION,
            parameters=(ApiValue("Target", "reference"), ApiValue("FieldName")),
            result=(ApiValue("", "record"),),
        ),
        calculate_rollup_field,
    ),
)  # fmt: skip
