"""Rules about entities whose records may be merged."""

from __future__ import annotations

from collections.abc import Iterator

from kartoteka.checks.scope import Scope
from kartoteka.diagnostics import Diagnostic
from kartoteka.model.merging import MASTER, MERGED, is_mergeable, state_after_merge


def check_merging(scope: Scope, name: str) -> Iterator[Diagnostic]:
    """Yield what keeps records from being merged although their entity says that they may be."""
    entity = scope.registry.entities[name]
    if not is_mergeable(entity):
        return
    if state_after_merge(entity) is None:
        yield Diagnostic(
            scope.where("entity", name, "features"), "entity/merge-state",
            f'records of "{name}" may be merged, and there is no state for the one that goes',
            'a state "inactive", or a reason "merged" of a state that is not the first',
        )  # fmt: skip
    master = entity.field_by_name.get(MASTER)
    if master is not None and (master.type != "lookup" or master.targets != (name,)):
        yield Diagnostic(
            scope.where("entity", name, "fields", MASTER), "entity/merge-field",
            f'"{MASTER}" names the record that another was merged into; it must be a lookup with '
            f"target: {name}",
        )  # fmt: skip
    merged = entity.field_by_name.get(MERGED)
    if merged is not None and merged.type != "yes_no":
        yield Diagnostic(
            scope.where("entity", name, "fields", MERGED), "entity/merge-field",
            f'"{MERGED}" says whether a record was merged into another; its type must be yes_no',
        )  # fmt: skip
