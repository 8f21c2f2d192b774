"""The composition root: the only module that knows every part."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Collection, Iterable
from contextlib import asynccontextmanager
from dataclasses import asdict

from starlette.applications import Starlette
from starlette.middleware import Middleware
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from kartoteka.editing.edit_error import EditError
from kartoteka.plugin_api.jobs import JobHandler, JobQueue, Schedule
from kartoteka.registry import Registry
from kartoteka_runtime.app_files import AppFiles, FilesUnusable
from kartoteka_runtime.app_folder import load_app_folder
from kartoteka_runtime.file_store.open_store import store_for
from kartoteka_runtime.forwarded_host import ForwardedHost
from kartoteka_runtime.identity import UserChanges
from kartoteka_runtime.jobs.file_jobs import FORGET_HOURLY, file_jobs
from kartoteka_runtime.jobs.housekeeping import FORGET_DAILY, FORGET_JOBS
from kartoteka_runtime.jobs.keeper import Pace
from kartoteka_runtime.jobs.password_mails import password_mail_jobs
from kartoteka_runtime.jobs.webhook_jobs import KEEP_HOURLY, webhook_jobs
from kartoteka_runtime.jobs.webhook_jobs import QUEUE as SENDING_QUEUE
from kartoteka_runtime.jobs.webhook_sender import WebhookSender
from kartoteka_runtime.jobs.worker import AT_ONCE, JobWorker
from kartoteka_runtime.known_ids import role_id
from kartoteka_runtime.live_registry import LiveRegistry
from kartoteka_runtime.mail import Mailer
from kartoteka_runtime.publication_refresh import PublicationRefresh
from kartoteka_runtime.publishing.bootstrap import bootstrap
from kartoteka_runtime.publishing.plan import Plan
from kartoteka_runtime.publishing.publish import (
    PublishResult,
    no_progress,
    plan,
    publish,
    refresh,
)
from kartoteka_runtime.publishing.rollback import rollback
from kartoteka_runtime.records.bulk_delete import BULK_DELETE
from kartoteka_runtime.records.explain_access import AccessExplainer
from kartoteka_runtime.records.hook_table import with_jobs, with_record_handlers
from kartoteka_runtime.records.recalculation import recalculation_jobs
from kartoteka_runtime.records.record_files import RecordFiles
from kartoteka_runtime.records.record_service import RecordService
from kartoteka_runtime.records.reinheritance import REINHERITANCE
from kartoteka_runtime.records.security_events import EventRecords
from kartoteka_runtime.records.webhook_rules import webhook_handlers
from kartoteka_runtime.request_guard import RequestGuard, refusal_of
from kartoteka_runtime.runtime_parts import RuntimeParts
from kartoteka_runtime.security.events import SecurityEvents
from kartoteka_runtime.security.password_resets import PasswordResets
from kartoteka_runtime.security.request_limits import RequestLimits
from kartoteka_runtime.security.services import Services
from kartoteka_runtime.security.sessions import Sessions
from kartoteka_runtime.security.sign_in import build_sign_in
from kartoteka_runtime.security.webhook_secrets import WebhookSecrets
from kartoteka_runtime.settings import Settings
from kartoteka_runtime.storage.identity_store import DatabaseIdentityStore
from kartoteka_runtime.storage.open_database import database_for
from kartoteka_runtime.storage.reshape_postgresql import Progress
from kartoteka_runtime.web.routes import web_routes
from kartoteka_runtime.web.web_client import WebClient
from kartoteka_runtime.web_api.routes import api_routes

_log = logging.getLogger(__name__)

# Jobs of the runtime itself; those that need parts of an app are made with it.
OWN_JOB_HANDLERS: tuple[JobHandler, ...] = (
    *recalculation_jobs(), REINHERITANCE, FORGET_JOBS, BULK_DELETE,
)  # fmt: skip
OWN_SCHEDULES: tuple[Schedule, ...] = (FORGET_DAILY, FORGET_HOURLY, KEEP_HOURLY)


def build_parts(
    settings: Settings,
    *,
    job_handlers: Iterable[JobHandler] = (),
    job_queues: Iterable[JobQueue] = (),
    beside: RuntimeParts | None = None,
    serves: bool = False,
) -> RuntimeParts:
    """Return the parts of the app in ``settings.app_folder``; nothing is opened yet.

    Args:
        settings: Where the app and its records lie.
        job_handlers: What carries out jobs beside those of the app's plugins.
        job_queues: Queues with a limit beside theirs.
        beside: Parts in the same process that work with the same publication; only connections
            are not shared with them.
        serves: They are for requests, which do not read for longer than the settings say.

    Raises:
        AppFolderError: The folder is no app.
        PluginError: A plugin is missing.
        DatabaseUnavailable: The database address is not understood.
    """
    app_folder = load_app_folder(settings.app_folder)
    database = database_for(
        settings.database_url, reading_seconds=settings.reading_seconds if serves else 0
    )
    live_registry, user_changes = LiveRegistry(), UserChanges()
    store = DatabaseIdentityStore(database, has_team_roles=TeamRoles(live_registry))
    sessions = Sessions(
        store,
        RoleNames(live_registry),
        secret=settings.secret,
        hours=settings.session_hours,
        idle_minutes=settings.session_idle_minutes,
        base_language=app_folder.base_language,
        user_changes=user_changes,
        administers=Administers(live_registry),
    )
    resets = PasswordResets(
        store,
        sessions,
        mailer=Mailer(settings.mail) if settings.mail else None,
        public_url=settings.public_url,
        labels=lambda: live_registry.current.labels,
        app_label=app_folder.label,
        base_language=app_folder.base_language,
    )
    places = settings.file_settings
    files = RecordFiles(store_for(places), most_bytes=places.most_bytes)
    webhook_secrets = WebhookSecrets(database.dialect, secret=settings.secret)
    sender = WebhookSender(settings.webhook_networks, allows_http=settings.webhooks_over_http)
    own = (
        *OWN_JOB_HANDLERS,
        *password_mail_jobs(resets),
        *file_jobs(files),
        *webhook_jobs(webhook_secrets, sender),
        *job_handlers,
    )
    hooks = with_jobs(app_folder.hooks(), own, (SENDING_QUEUE, *job_queues), OWN_SCHEDULES)
    hooks = with_record_handlers(
        hooks, webhook_handlers(webhook_secrets, allows_http=settings.webhooks_over_http)
    )
    records = RecordService(database, live_registry, hooks, user_changes=user_changes)
    records.files = files
    security_events = SecurityEvents(EventRecords(records))
    records.security_events = security_events
    sessions.tell(security_events)
    limits = RequestLimits(
        users=settings.requests_per_user,
        addresses=settings.requests_per_address,
        visitors=settings.visits_per_address,
    )
    return RuntimeParts(
        settings=settings,
        app_folder=app_folder,
        app_files=AppFiles(app_folder),
        database=database,
        live_registry=live_registry,
        records=records,
        files=files,
        explainer=AccessExplainer(records, app_folder.registry),
        sessions=sessions,
        security_events=security_events,
        limits=limits,
        resets=resets,
        services=Services(store, sessions),
        webhook_secrets=webhook_secrets,
        sign_in=build_sign_in(app_folder.sign_in, database, settings.secret),
    )


def build_worker(
    settings: Settings,
    *,
    at_once: int = AT_ONCE,
    pace: Pace | None = None,
    job_handlers: Iterable[JobHandler] = (),
    job_queues: Iterable[JobQueue] = (),
    beside: RuntimeParts | None = None,
) -> JobWorker:
    """Return what runs the jobs of the app in ``settings.app_folder``, ``at_once`` at a time.

    It has connections of its own, so that it may run ``beside`` a web application.
    """
    parts = build_parts(settings, job_handlers=job_handlers, job_queues=job_queues, beside=beside)
    return JobWorker(parts, database_for(settings.database_url), at_once=at_once, pace=pace)


def build_app(settings: Settings) -> Starlette:
    """Return the web application of the app in ``settings.app_folder``."""
    parts = build_parts(settings, serves=True)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:
        await parts.database.open()
        await refresh(parts.database, parts.live_registry)
        await _settle_files(parts)
        parts.records.model  # noqa: B018 - compiles the publication before the first request
        try:
            yield
        finally:
            await parts.database.close()

    publisher = AppPublisher(parts)
    app = Starlette(
        routes=[*api_routes(parts, publisher), *web_routes(WebClient(parts, publisher))],
        lifespan=lifespan,
        middleware=[
            *guards(settings),
            Middleware(PublicationRefresh, parts=parts, refusal=refusal_of),
        ],
    )
    app.state.parts = parts
    return app


async def _settle_files(parts: RuntimeParts) -> None:
    """End what a process left half done that died while it changed files and published them."""
    try:
        async with parts.app_files.alone(patience=0):
            await parts.app_files.settle(parts.live_registry.current.fingerprint)
    except (FilesUnusable, EditError) as error:  # somebody is at it; the next change settles it
        _log.warning("the app's files are left as they are: %s", error)


def guards(settings: Settings) -> list[Middleware]:
    """Return what stands before every request: proxies that may speak for others, and the guard."""
    guard = Middleware(RequestGuard, settings=settings)
    if not settings.trusted_proxies:
        return [guard]
    proxies = list(settings.trusted_proxies)
    return [
        Middleware(ForwardedHost, proxies=proxies),
        Middleware(ProxyHeadersMiddleware, trusted_hosts=proxies),
        guard,
    ]


async def plan_app(parts: RuntimeParts, registry: Registry) -> Plan:
    """Return what publishing ``registry`` would do; reads files and the database alone."""
    live = parts.live_registry.current.registry
    return await plan(parts.database, registry, app=parts.app_folder.name, live=live)


async def publish_app(
    parts: RuntimeParts,
    registry: Registry,
    *,
    consents: Collection[str] = (),
    shown: Plan | None = None,
    progress: Progress = no_progress,
) -> PublishResult:
    """Publish ``registry`` and create the records that every organization needs.

    Raises:
        PlanRefused: Something is blocked, consents are missing, or the world is no longer that of
            the plan that was shown.
        PublishFailed: It cannot be carried out; nothing was changed.
    """
    result = await publish(
        parts.database, registry, app=parts.app_folder.name, consents=consents, shown=shown,
        progress=progress, live=parts.live_registry.current.registry,
    )  # fmt: skip
    await _take_up(parts, registry)
    return result


async def rollback_app(
    parts: RuntimeParts,
    *,
    to: int | None = None,
    consents: Collection[str] = (),
    shown: Plan | None = None,
    progress: Progress = no_progress,
) -> PublishResult:
    """Go back to an earlier publication; see ``kartoteka_runtime.publishing.rollback``."""
    result = await rollback(
        parts.database, to=to, consents=consents, shown=shown, progress=progress
    )
    await _take_up(parts)
    return result


async def _take_up(parts: RuntimeParts, registry: Registry | None = None) -> None:
    """Swap the new publication in, and make the records it cannot do without."""
    await refresh(parts.database, parts.live_registry, known=registry)
    await bootstrap(
        parts.records,
        organization=parts.app_folder.label,
        currency=asdict(parts.app_folder.currency),
    )


class AppPublisher:
    """Plans and publishes for the pages of customizers."""

    def __init__(self, parts: RuntimeParts) -> None:
        """Publish the app that ``parts`` make up."""
        self._parts = parts

    async def plan(self, registry: Registry) -> Plan:
        """Return what publishing ``registry`` would do."""
        return await plan_app(self._parts, registry)

    async def publish(
        self, registry: Registry, *, plan: Plan, consents: frozenset[str], progress: Progress
    ) -> int:
        """Do exactly what was shown and return the number that is live now."""
        result = await publish_app(
            self._parts, registry, consents=consents, shown=plan, progress=progress
        )
        return result.number


class Administers:
    """Whether roles of the live publication grant everything."""

    def __init__(self, live_registry: LiveRegistry) -> None:
        """Follow ``live_registry``."""
        self._live_registry = live_registry

    def __call__(self, roles: Collection[str]) -> bool:
        """Return whether one of the roles does."""
        known = self._live_registry.current.registry.roles
        return any(known[name].grants_all for name in roles if name in known)


class TeamRoles:
    """Whether the live publication has teams that are given roles."""

    def __init__(self, live_registry: LiveRegistry) -> None:
        """Follow ``live_registry``."""
        self._live_registry = live_registry
        self._number = -1
        self._has_them = False

    def __call__(self) -> bool:
        """Return whether it has."""
        current = self._live_registry.current
        if self._number != current.number:
            links = {item.intersect for item in current.registry.relationships.values()}
            self._has_them = {"teammembership", "teamroles"} <= links
            self._number = current.number
        return self._has_them


class RoleNames:
    """The logical names of the live roles by record id, worked out once a publication."""

    def __init__(self, live_registry: LiveRegistry) -> None:
        """Follow ``live_registry``."""
        self._live_registry = live_registry
        self._number = -1
        self._names: dict[str, str] = {}

    def __call__(self) -> dict[str, str]:
        """Return ``{id of the role's record: logical name}``."""
        current = self._live_registry.current
        if self._number != current.number:
            self._names = {role_id(current, name): name for name in current.registry.roles}
            self._number = current.number
        return self._names
