"""Alterations: changes of definitions that are checked, planned, written and published as one.

What the Customize pages do in steps, with somebody who looks at the plan in between, is done here
in one go: a change that would lose something, or that cannot be made, is refused with what the
plan says, and the app's files are then as they were. What a DELETE names may be lost.
"""

from __future__ import annotations

import asyncio
import logging
import re
from collections.abc import Callable, Collection, Iterable, Sequence
from dataclasses import dataclass

from kartoteka.editing.customize import Customization
from kartoteka.editing.edit_error import EditError
from kartoteka.errors import AccessDenied, KartotekaError, PublishFailed
from kartoteka.names import has_prefix
from kartoteka_runtime.app_files import FilesUnusable, Tried
from kartoteka_runtime.publishing.plan import Plan, PlannedChange
from kartoteka_runtime.publishing.publish import PlanRefused, no_progress, refresh
from kartoteka_runtime.publishing.purge import purge
from kartoteka_runtime.records.compiled_model import CompiledModel
from kartoteka_runtime.runtime_parts import Publisher, RuntimeParts
from kartoteka_runtime.web_api.altering.ground import Ground
from kartoteka_runtime.web_api.altering.refusals import bad
from kartoteka_runtime.web_api.api_call import ApiCall
from kartoteka_runtime.web_api.api_errors import CallRefused
from kartoteka_runtime.web_api.metadata_ids import metadata_ids

_log = logging.getLogger(__name__)
_PRIVILEGES = ("customize", "publish")
_SOLUTION = "SolutionUniqueName"
_NO_SOLUTION = ("default", "active")  # what clients send who mean none in particular
_PREFIX = re.compile(r"([a-z][a-z0-9]{1,14})_")
_MOST_TOLD = 5  # mistakes, or changes of a plan, in one message
_CONFLICT = "0x80040203"


@dataclass(frozen=True, slots=True)
class Alteration:
    """What is to be done.

    Attributes:
        changes: Of the app's files.
        adds: New names that need the prefix of the app's bundle.
        loses: The names, as ``purge`` takes them, of what goes with its stored values.
        empties: Those of fields some of whose values may go, as a plan's consents name them.
    """

    changes: tuple[Customization, ...]
    adds: tuple[str, ...] = ()
    loses: tuple[str, ...] = ()
    empties: tuple[str, ...] = ()


class Alterations:
    """Carries out alterations, one at a time."""

    def __init__(self, parts: RuntimeParts, publisher: Publisher) -> None:
        """Change the files of the app that ``parts`` make up, and publish with ``publisher``."""
        self._parts = parts
        self._publisher = publisher

    async def require(self, call: ApiCall) -> None:
        """Return when the caller may change definitions.

        Raises:
            AccessDenied: No role of theirs lets them customize and publish.
        """
        access = await call.records.access()
        for privilege in _PRIVILEGES:
            if not access.has(privilege):
                raise AccessDenied("error.forbidden", {"privilege": privilege})

    async def carry_out(
        self, call: ApiCall, make: Callable[[Ground], Alteration], *, solution: str = ""
    ) -> CompiledModel:
        """Do what ``make`` asks for and return the publication that is live then.

        A caller who goes away does not leave it half done. ``solution`` is what the body names.

        Raises:
            CallRefused: It cannot be done; nothing was changed.
            AccessDenied: The caller may not.
        """
        await self.require(call)
        self._check_solution(call, solution)
        if call.records.is_in_transaction:
            raise bad("Definitions cannot change inside of a change set; send this by itself.")
        return await asyncio.shield(asyncio.create_task(self._in_turn(call, make)))

    async def _in_turn(self, call: ApiCall, make: Callable[[Ground], Alteration]) -> CompiledModel:
        try:
            async with self._parts.app_files.alone():
                await self._once(call, make)
                return self._parts.records.model
        except FilesUnusable as unusable:
            raise self._unusable(unusable) from unusable

    async def _once(self, call: ApiCall, make: Callable[[Ground], Alteration]) -> None:
        parts = self._parts
        await refresh(parts.database, parts.live_registry)
        try:
            await parts.app_files.settle(parts.live_registry.current.fingerprint)
        except EditError as conflict:
            raise _meanwhile() from conflict
        ground = await self._ground(call)
        alteration = make(ground)
        changes = (*alteration.changes, *_more_prefixes(alteration.adds, ground))
        if not changes:
            return
        tried = await self._tried(changes)
        registry = tried.assembled.registry
        live = parts.live_registry.current
        if registry is None or tried.assembled.fingerprint == live.fingerprint:
            return
        plan = await self._publisher.plan(registry)
        _check_plan(plan, alteration.loses, alteration.empties)
        await self._publish(tried, plan)
        emptied = [name for name in alteration.empties if name in plan.consents]
        for name in (*alteration.loses, *emptied):
            await self._destroy(name)

    async def _ground(self, call: ApiCall) -> Ground:
        """Return what is live, once it is known to be what the files say.

        Raises:
            CallRefused: They say something else: publishing would publish that as well.
        """
        files, live = self._parts.app_files, self._parts.live_registry.current
        assembled = await files.assembled()
        if assembled.registry is None:
            told = "; ".join(str(one.message) for one in assembled.mistakes[:_MOST_TOLD])
            raise CallRefused(409, f"The app's files have mistakes: {told}.", code=_CONFLICT)
        if assembled.fingerprint != live.fingerprint:
            raise CallRefused(
                409,
                "The app's files are not what is live: they hold changes that are not published, "
                "or somebody published other files. Publish them, or take the changes back, before "
                "definitions are changed here.",
                code=_CONFLICT,
            )
        model = self._parts.records.model
        return Ground(
            assembled.registry,
            model.labels,
            assembled.own,
            metadata_ids(model),
            call.principal.language,
            merges_labels=call.header("MSCRM.MergeLabels").strip().lower() == "true",
        )

    async def _tried(self, changes: Sequence[Customization]) -> Tried:
        try:
            tried = await self._parts.app_files.tried(changes)
        except EditError as error:
            raise bad(self._plain(error)) from error
        if tried.assembled.registry is None:
            told = "; ".join(
                f"{one.message}{f' ({one.hint})' if one.hint else ''} [{one.file}:{one.line}]"
                for one in tried.assembled.mistakes[:_MOST_TOLD]
            )
            raise bad(f"This cannot be: {told}.")
        return tried

    async def _publish(self, tried: Tried, plan: Plan) -> None:
        """Write the files and publish; put them back when nothing was published.

        Raises:
            CallRefused: Somebody changed files or published meanwhile, or it cannot be done.
        """
        registry = tried.assembled.registry
        assert registry is not None
        try:
            await self._parts.app_files.write_to_publish(tried)
        except EditError as conflict:
            raise _meanwhile() from conflict
        try:
            await self._publisher.publish(
                registry, plan=plan, consents=frozenset(plan.consents), progress=no_progress
            )
        except Exception as error:
            if await self._is_live(tried):
                _log.warning("published from the API, though not to the end: %s", error)
                self._parts.app_files.published()
                return
            try:
                await self._parts.app_files.take_back(tried)
            except EditError as conflict:  # they hold somebody's work by now
                raise _meanwhile() from conflict
            if isinstance(error, PlanRefused):
                raise _meanwhile() from error
            if isinstance(error, PublishFailed):
                raise bad(str(error)) from error
            raise
        self._parts.app_files.published()

    async def _is_live(self, tried: Tried) -> bool:
        """Return whether what was tried is what is published, whoever did it."""
        try:
            await refresh(self._parts.database, self._parts.live_registry)
        except KartotekaError as error:
            _log.warning("it is not known what is published: %s", error)
        return self._parts.live_registry.current.fingerprint == tried.assembled.fingerprint

    async def _destroy(self, name: str) -> None:
        """Destroy the values of what was deleted; what cannot be now stays retired."""
        try:
            live = self._parts.live_registry.current.registry
            await purge(self._parts.database, name, known=(live,))
        except KartotekaError as error:
            _log.warning("%s is deleted, its values are kept: %s", name, error)

    def _check_solution(self, call: ApiCall, solution: str) -> None:
        """Refuse the name of a solution that is no bundle of the app.

        Raises:
            CallRefused: There is no such one.
        """
        said = call.header(f"MSCRM.{_SOLUTION}") or call.request.query_params.get(_SOLUTION, "")
        said = said or solution
        name = said.strip().strip("'").lower()
        if not name or name in _NO_SOLUTION:
            return
        own = call.registry.bundles[-1].name if self._parts.app_files.bundle_folder.is_dir() else ""
        if name not in (own, self._parts.app_folder.name.lower()):
            raise bad(
                f'There is no solution "{name[:80]}" to change; the app\'s own is "{own or "app"}".'
            )

    def _unusable(self, error: FilesUnusable) -> CallRefused:
        text = self._plain(error)
        if re.search("Permission denied|Read-only file system|Operation not permitted", text):
            return CallRefused(
                403,
                f"The app's files cannot be changed on this server ({text}); change them where "
                "they are kept, and publish from there.",
            )
        return CallRefused(503, f"The app's files cannot be used now: {text}.")

    def _plain(self, error: Exception) -> str:
        """Return what an error says, files named from the app's folder."""
        return str(error).replace(f"{self._parts.app_folder.folder}/", "")


def _meanwhile() -> CallRefused:
    return CallRefused(
        409, "Somebody else changed definitions meanwhile; nothing was done.", code=_CONFLICT
    )


def _check_plan(plan: Plan, loses: Collection[str], empties: Collection[str]) -> None:
    """Refuse a plan that cannot be carried out, or that loses what nobody asked to lose.

    Raises:
        CallRefused: With what the plan says.
    """
    if plan.blocked:
        raise bad(f"This cannot be: {_told(plan.blocked, 'blocked')}.")
    refused = [one for one in plan.changes if one.consent and one.consent not in empties]
    if refused:
        raise bad(
            f"This would lose something: {_told(refused, 'warning')}. Over the API nothing "
            "confirms that: change the app's files, and publish with the plan looked at."
        )
    gone = [one for one in plan.changes if one.retires and str(one.params["name"]) not in loses]
    if gone:
        raise bad(f"This would take more away: {_told(gone, 'warning')}.")


def _told(changes: Iterable[PlannedChange], why: str) -> str:
    found = []
    for one in changes:
        reason = getattr(one, why)
        found.append(f"{one.words}{f': {reason}' if reason else ''}")
    return "; ".join(found[:_MOST_TOLD])


def _more_prefixes(adds: Iterable[str], ground: Ground) -> Iterable[Customization]:
    """Yield what lets the app's bundle have names with the prefixes that clients chose.

    Raises:
        CallRefused: A name has no prefix, or that of another bundle.
    """
    own = next((one for one in ground.registry.bundles if one.name == ground.own), None)
    if own is None or not own.prefix:
        return
    known = [own.prefix, *own.more_prefixes]
    others = {one.prefix: one.name for one in ground.registry.bundles if one.name != own.name}
    new: list[str] = []
    for name in adds:
        if any(has_prefix(name, prefix) for prefix in (*known, *new)):
            continue
        found = _PREFIX.match(name)
        if found is None:
            raise bad(f'"{name}" needs a prefix and an underscore before it, such as "new_{name}".')
        if found[1] in others:
            raise bad(f'"{found[1]}_" is the prefix of the bundle "{others[found[1]]}".')
        new.append(found[1])
    if new:
        wanted = [*own.more_prefixes, *new]
        yield Customization("bundle", own.name, ("more_prefixes",), wanted)
