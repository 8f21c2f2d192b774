"""RecordService: the only door to records. Every path of the program goes through it."""

from __future__ import annotations

from kartoteka.plugin_api.contexts import Principal
from kartoteka_runtime.records.acting_records import ActingRecords
from kartoteka_runtime.records.operation import JobOrigin
from kartoteka_runtime.records.service_parts import ServiceParts


class RecordService(ServiceParts):
    """Creates, reads, changes and lists records of the live publication."""

    def acting_as(self, principal: Principal, *, origin: JobOrigin | None = None) -> ActingRecords:
        """Return the record service as someone uses it, on behalf of the job ``origin``."""
        return ActingRecords(self, principal, origin=origin)

    def bound_to_publication(self, principal: Principal) -> ActingRecords:
        """Return the same for one request, which stays with what is live now to its end."""
        return ActingRecords(self, principal, model=self.model)
