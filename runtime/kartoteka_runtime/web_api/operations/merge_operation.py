"""``Merge``: two records of one type become one. Source: reference web-api, section 10."""

from __future__ import annotations

from typing import Any

from kartoteka.plugin_api.operations import ApiOperation, ApiValue, RecordValues
from kartoteka.record_values import Reference
from kartoteka_runtime.web_api.api_errors import CallRefused
from kartoteka_runtime.web_api.operations.invocation import Invocation, OwnOperation
from kartoteka_runtime.web_api.record_address import BAD_PAYLOAD

_NO_ID = "00000000-0000-0000-0000-000000000000"  # what clients write of values for another record


async def merge(invocation: Invocation) -> None:
    """Merge the subordinate into the target.

    Raises:
        CallRefused: The two, or the values, are of different types.
        KartotekaError: They cannot be merged, or not by the caller.
    """
    parameters = invocation.parameters
    target: Reference = parameters["Target"]
    subordinate: Reference = parameters["Subordinate"]
    _require_same("Subordinate", subordinate.entity, target)
    await invocation.records.merge(
        target.entity, target.id, subordinate.id, _values(invocation, target),
        checks_parents=bool(parameters["PerformParentingChecks"]),
    )  # fmt: skip


def _values(invocation: Invocation, target: Reference) -> dict[str, Any]:
    """Return the values for the target, without its id.

    Raises:
        CallRefused: They are those of another record.
    """
    content: RecordValues | None = invocation.parameters["UpdateContent"]
    if content is None:
        return {}
    _require_same("UpdateContent", content.entity, target)
    primary_id = invocation.call.registry.entities[target.entity].primary_id
    if content.record_id not in ("", _NO_ID, target.id):
        raise _refused(f"UpdateContent, {primary_id}: it is not the id of the Target.")
    return {name: value for name, value in content.values.items() if name != primary_id}


def _require_same(name: str, entity: str, target: Reference) -> None:
    if entity != target.entity:
        raise _refused(f'{name} is of "{entity}", and Target of "{target.entity}".')


def _refused(message: str) -> CallRefused:
    return CallRefused(400, f"Merge, {message}", code=BAD_PAYLOAD)


MERGE_OPERATION = OwnOperation(
    ApiOperation(
        "Merge",
        parameters=(
            ApiValue("Target", "reference"),
            ApiValue("Subordinate", "reference"),
            ApiValue("UpdateContent", "record", is_optional=True),
            ApiValue("PerformParentingChecks", "yes_no", is_optional=True),
        ),
    ),
    merge,
)
