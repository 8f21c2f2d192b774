"""ServiceParts: what the record service works with, the same for everybody who uses it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime

from kartoteka_runtime.identity import UserChanges
from kartoteka_runtime.live_registry import LiveRegistry
from kartoteka_runtime.records.compiled_model import CompiledModel
from kartoteka_runtime.records.hook_table import HookTable
from kartoteka_runtime.records.operation import present
from kartoteka_runtime.records.record_files import RecordFiles
from kartoteka_runtime.security.events import SecurityEvents
from kartoteka_runtime.storage.database import Database
from kartoteka_runtime.storage.job_outbox import JobOutbox


class ServiceParts:
    """A database, the live publication compiled, the plugins' hooks, and who is told of what."""

    def __init__(
        self,
        database: Database,
        live_registry: LiveRegistry,
        hooks: HookTable,
        *,
        user_changes: UserChanges | None = None,
        clock: Callable[[], datetime] = present,
    ) -> None:
        """Work on ``database`` as ``live_registry`` describes it, with the plugins' ``hooks``.

        ``user_changes`` is told what was written, for whoever keeps in mind what users may do.
        ``clock`` says what time it is, in UTC and whole seconds.
        """
        self.clock = clock
        self.user_changes = user_changes or UserChanges()
        self.database = database
        self.live_registry = live_registry
        self.hooks = hooks
        self.outbox = JobOutbox(database.dialect)
        self.security_events: SecurityEvents | None = None  # set by whoever keeps such events
        self.files: RecordFiles | None = None  # set by whoever keeps files
        self._model: CompiledModel | None = None

    @property
    def model(self) -> CompiledModel:
        """Return the live publication, compiled on its first use."""
        published = self.live_registry.current
        if self._model is None or self._model.number != published.number:
            self._model = CompiledModel(
                published, self.database.engine, self.database.dialect, self.hooks
            )
        return self._model

    def forget_compiled(self) -> None:
        """Compile the live publication anew on its next use: the hooks are others now."""
        self._model = None
