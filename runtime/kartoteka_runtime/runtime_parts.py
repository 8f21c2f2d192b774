"""RuntimeParts: what pages and endpoints work with, put together once by ``app``."""

from __future__ import annotations

from dataclasses import dataclass

from kartoteka_runtime.app_folder import AppFolder
from kartoteka_runtime.live_registry import LiveRegistry
from kartoteka_runtime.records.record_service import RecordService
from kartoteka_runtime.security.sessions import Sessions
from kartoteka_runtime.settings import Settings
from kartoteka_runtime.storage.database import Database


@dataclass(frozen=True, slots=True)
class RuntimeParts:
    """The parts of one running app."""

    settings: Settings
    app_folder: AppFolder
    database: Database
    live_registry: LiveRegistry
    records: RecordService
    sessions: Sessions
