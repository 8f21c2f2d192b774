"""What can be searched, and how much of it there is: there is no index to wait for."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from kartoteka_runtime.web_api.api_call import ApiCall
from kartoteka_runtime.web_api.definitions.entities import type_code
from kartoteka_runtime.web_api.metadata_ids import ENTITY, definition_id
from kartoteka_runtime.web_api.search.patience import let_others, patience
from kartoteka_runtime.web_api.search.searched import (
    field_name,
    looked_in,
    searchable_entities,
    usual_entities,
)


async def search_status(call: ApiCall) -> dict[str, Any]:
    """Return the record types that who asks can search, with the fields that are looked in."""
    model, access = call.records.model, await call.records.access()
    results = []
    for name in searchable_entities(call.registry, access):
        fields = dict.fromkeys(field_name(path) for path in looked_in(model, name, access))
        results.append({
            "entitylogicalname": name,
            "objecttypecode": type_code(definition_id(model, ENTITY, name)),
            "primarynamefield": call.registry.entities[name].primary_field,
            "entitystatus": "EntitySyncComplete",
            "searchableindexedfieldinfomap": {
                field: {"indexfieldname": field} for field in fields
            },
        })  # fmt: skip
    return {"value": {
        "status": "provisioned", "lockboxstatus": "Disabled", "cmkstatus": "Disabled",
        "entitystatusresults": results, "manytomanyrelationshipsyncstatus": [],
    }}  # fmt: skip


async def search_statistics(call: ApiCall) -> dict[str, Any]:
    """Return how many records a search may find for who asks; nothing is stored for it.

    Raises:
        CallRefused: Counting them takes too long.
    """
    count = 0
    async with patience():
        for name in usual_entities(call.registry, await call.records.access()):
            await let_others()
            count += await call.records.count(name)
    return {"value": {"storagesizeinbytes": 0, "storagesizeinmb": 0, "documentcount": count}}


ASKED: Mapping[str, Callable[[ApiCall], Awaitable[dict[str, Any]]]] = {
    "status": search_status,
    "statistics": search_statistics,
}
