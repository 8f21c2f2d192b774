"""``$ref``: the addresses of the records that one is linked with, and the links themselves.

Source: reference web-api, sections 2 and 4.
"""

from __future__ import annotations

from typing import Any

from starlette.responses import Response

from kartoteka.conditions.typed import Collection
from kartoteka.model.field import Field
from kartoteka.query.of_view import path_of
from kartoteka.query.query import Query
from kartoteka.record_values import Reference
from kartoteka_runtime.web_api.addresses import link_to
from kartoteka_runtime.web_api.api_call import ApiCall
from kartoteka_runtime.web_api.api_errors import CallRefused, MethodNotTaken
from kartoteka_runtime.web_api.collection_link import CollectionLink
from kartoteka_runtime.web_api.preconditions import preconditions
from kartoteka_runtime.web_api.preferences import read_preferences
from kartoteka_runtime.web_api.record_address import record_at
from kartoteka_runtime.web_api.record_links import link, unlink
from kartoteka_runtime.web_api.record_reads import JSON, ODATA
from kartoteka_runtime.web_api.request_body import BAD_PAYLOAD, read_object
from kartoteka_runtime.web_api.serialize import to_json

_MOST = 5_000  # addresses of one page
_ID = "@odata.id"


class RefEndpoint:
    """Answers requests for ``$ref``."""

    async def single(
        self,
        call: ApiCall,
        owner: Reference,
        item: Field,
        targets: tuple[str, ...],
        named: Reference | None,
    ) -> Response:
        """Answer for a lookup; ``named`` is the record it names, if it is of the targets.

        Raises:
            CallRefused: The body names no record of a target.
            MethodNotTaken: The address does not take the method.
        """
        entity = call.registry.entities[owner.entity]
        match call.method:
            case "GET" | "HEAD":
                if named is None:
                    return Response(status_code=204, headers=ODATA)
                return _told({"@odata.context": _context(call), _ID: _address(call, named)})
            case "PUT":
                value: Reference | None = await _said(call, targets)
            case "DELETE":
                value = None
                if named is None:
                    return Response(status_code=204, headers=ODATA)
            case _:
                raise MethodNotTaken("GET, PUT, DELETE")
        taken = preconditions(call, entity)
        await call.records.update(entity.name, owner.id, {item.name: value}, version=taken.version)
        return Response(status_code=204, headers=ODATA)

    async def collection(
        self, call: ApiCall, owner: Reference, collection: Collection, within: CollectionLink
    ) -> Response:
        """Answer for a collection as a whole; ``?$id=`` names the record to take out.

        Raises:
            RecordNotFound: The record does not belong to it.
            CallRefused: The body, or ``$id``, names no record of the collection.
            MethodNotTaken: The address does not take the method.
        """
        targets = (collection.entity,)
        match call.method:
            case "GET" | "HEAD":
                return await _list(call, collection, within)
            case "POST":
                item = await _said(call, targets)
                await link(call.records, collection, owner, item)
            case "DELETE":
                said = call.request.query_params.get("$id")
                if said is None:
                    raise CallRefused(400, "Say with $id which record is to be taken out.")
                item = _of(call, await record_at(call, said), targets)
                await unlink(call.records, collection, owner, item)
            case _:
                raise MethodNotTaken("GET, POST, DELETE")
        return Response(status_code=204, headers=ODATA)

    async def member(
        self, call: ApiCall, owner: Reference, collection: Collection, item: Reference
    ) -> Response:
        """Answer for one record of a collection, which its address names.

        Raises:
            RecordNotFound: The record does not belong to it.
            MethodNotTaken: The address does not take the method.
        """
        if call.method != "DELETE":
            raise MethodNotTaken("DELETE")
        await unlink(call.records, collection, owner, item)
        return Response(status_code=204, headers=ODATA)


async def _said(call: ApiCall, targets: tuple[str, ...]) -> Reference:
    """Return the record that the body names."""
    body = await read_object(call)
    if _ID not in body:
        raise CallRefused(400, f'The body is {{"{_ID}": "…"}}.', code=BAD_PAYLOAD)
    return _of(call, await record_at(call, body[_ID]), targets)


def _of(call: ApiCall, found: Reference, targets: tuple[str, ...]) -> Reference:
    if found.entity not in targets:
        sets = " or ".join(call.registry.entities[target].set_name for target in targets[:3])
        raise CallRefused(400, f"A record of {sets} is needed here.", code=BAD_PAYLOAD)
    return found


async def _list(call: ApiCall, collection: Collection, within: CollectionLink) -> Response:
    entity = call.registry.entities[collection.entity]
    identity = path_of(call.registry, entity.name, entity.primary_id)
    query = within.narrowed(Query(entity.name, (identity,), with_labels=False))
    token = call.request.query_params.get("$skiptoken", "")
    size = min(read_preferences(call.header("prefer")).page_size or _MOST, _MOST)
    page = await call.records.query(query, after=token, limit=size)
    found = [Reference(entity.name, str(row[identity.key])) for row in page.rows]
    body: dict[str, Any] = {
        "@odata.context": f"{call.root}$metadata#Collection($ref)",
        "value": [{_ID: _address(call, item)} for item in found],
    }
    if page.next_after:
        address = f"{call.root}{within.address}/$ref"
        body["@odata.nextLink"] = f"{address}?$skiptoken={page.next_after}"
    return _told(body)


def _told(body: dict[str, Any]) -> Response:
    return Response(to_json(body), 200, ODATA, media_type=JSON)


def _context(call: ApiCall) -> str:
    return f"{call.root}$metadata#$ref"


def _address(call: ApiCall, named: Reference) -> str:
    return link_to(call.root, call.registry.entities[named.entity], named.id)


def own_address(call: ApiCall, record: Reference) -> Response:
    """Return the address of a record itself: ``accounts(…)/$ref``.

    Raises:
        MethodNotTaken: The address does not take the method.
    """
    if call.method not in ("GET", "HEAD"):
        raise MethodNotTaken("GET")
    return _told({"@odata.context": _context(call), _ID: _address(call, record)})
