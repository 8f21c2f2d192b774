"""RuntimeParts: what pages and endpoints work with, put together once by ``app``."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from kartoteka.registry import Registry
from kartoteka_runtime.app_files import AppFiles
from kartoteka_runtime.app_folder import AppFolder
from kartoteka_runtime.live_registry import LiveRegistry
from kartoteka_runtime.publishing.plan import Plan
from kartoteka_runtime.records.explain_access import AccessExplainer
from kartoteka_runtime.records.record_files import RecordFiles
from kartoteka_runtime.records.record_service import RecordService
from kartoteka_runtime.security.events import SecurityEvents
from kartoteka_runtime.security.password_resets import PasswordResets
from kartoteka_runtime.security.request_limits import RequestLimits
from kartoteka_runtime.security.services import Services
from kartoteka_runtime.security.sessions import Sessions
from kartoteka_runtime.security.sign_in import SignIn
from kartoteka_runtime.security.webhook_secrets import WebhookSecrets
from kartoteka_runtime.settings import Settings
from kartoteka_runtime.storage.database import Database


@dataclass(frozen=True, slots=True)
class RuntimeParts:
    """The parts of one running app."""

    settings: Settings
    app_folder: AppFolder
    app_files: AppFiles
    database: Database
    live_registry: LiveRegistry
    records: RecordService
    files: RecordFiles
    explainer: AccessExplainer
    sessions: Sessions
    resets: PasswordResets
    services: Services
    webhook_secrets: WebhookSecrets
    security_events: SecurityEvents
    limits: RequestLimits
    sign_in: SignIn


class Publisher(Protocol):
    """Plans and publishes for whoever asks in the browser; ``app`` knows how."""

    async def plan(self, registry: Registry) -> Plan:
        """Return what publishing ``registry`` would do; nothing is written."""

    async def publish(
        self,
        registry: Registry,
        *,
        plan: Plan,
        consents: frozenset[str],
        progress: Callable[[str, int, int], None],
    ) -> int:
        """Do exactly what ``plan`` says, swap the registry in, and return its number.

        ``progress`` is told what is going on, how much of it is done, of how much.

        Raises:
            PublishFailed: It could not be done, or is no longer what was planned.
        """
