"""EventRecords: security events as records of the entity ``securityevent``, where an app has it."""

from __future__ import annotations

import re

from kartoteka.plugin_api.contexts import Principal
from kartoteka.record_values import Reference
from kartoteka_runtime.records.acting_records import ActingRecords
from kartoteka_runtime.records.record_service import RecordService
from kartoteka_runtime.security.events import SecurityEvent

ENTITY = "securityevent"
_SYSTEM = Principal(user_id="", name="system", is_system=True)
_USER_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class EventRecords:
    """Keeps each event in a transaction of its own, as the platform."""

    def __init__(self, service: RecordService) -> None:
        """Write by ``service``."""
        self._service = service

    async def keep(self, event: SecurityEvent) -> None:
        """Create the record; an app of its own without the entity has the log alone."""
        model = self._service.model
        compiled = model.entities.get(ENTITY)
        if compiled is None:
            return
        fields = compiled.entity.field_by_name
        kinds = {option.name: option.value for option in fields["kind"].options}
        values: dict[str, object] = {
            "name": f"{event.kind} {event.user_name}".strip(),
            "kind": kinds.get(event.kind),
            "occurredon": event.occurred_on,
            "username": event.user_name or None,
            "address": event.address or None,
            "entityname": event.entity or None,
            "recordid": event.record_id or None,
            "detail": "\n".join(f"{key}: {value}" for key, value in event.detail.items()) or None,
        }
        async with self._service.acting_as(_SYSTEM).transaction() as records:
            if await _is_user(records, event.user_id):
                values["userid"] = Reference("systemuser", event.user_id)
            await records.create(ENTITY, {k: v for k, v in values.items() if k in fields})


async def _is_user(records: ActingRecords, user_id: str) -> bool:
    """Return whether a user is there; events of those who are gone keep their name alone."""
    if not _USER_ID.fullmatch(user_id) or "systemuser" not in records.model.entities:
        return False
    found = await records.list(
        "systemuser",
        filter=f"systemuserid eq {user_id}", fields=("systemuserid",), limit=1,
    )  # fmt: skip
    return bool(found)
