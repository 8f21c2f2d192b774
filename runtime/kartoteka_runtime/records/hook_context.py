"""WriteContext of an operation: what the hooks of plugins are handed."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kartoteka.plugin_api.contexts import WriteContext
from kartoteka_runtime.records.operation import Operation


def hook_context(
    op: Operation,
    entity: str,
    message: str,
    record_id: str,
    values: dict[str, Any],
    before: Mapping[str, Any] | None,
    subordinate: Mapping[str, Any] | None = None,
) -> WriteContext:
    """Return the context of one write; its record services go on one level deeper.

    Raises:
        TooDeep: Hooks have called one another too often.
    """
    inner = op.deeper()
    return WriteContext(
        message=message,
        entity=entity,
        record_id=record_id,
        values=values,
        before=before,
        principal=op.principal,
        records=op.records_for(inner),
        system_records=op.records_for(inner.as_system()),
        registry=op.model.registry,
        subordinate=subordinate,
    )
