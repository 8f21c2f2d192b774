"""``$batch``: many requests in one, and change sets that work out as a whole or not at all.

A request outside change sets is a transaction of its own; a change set is one of the record
service. Each is carried out on the publication that is live when its turn comes, and is run again
by itself when another one came meanwhile: what was committed is never run twice. Source: reference
web-api, section 11; decisions/0044.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass, field

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import Response

from kartoteka.errors import KartotekaError
from kartoteka.plugin_api.contexts import Principal
from kartoteka_runtime.publishing.publish import refresh
from kartoteka_runtime.records.acting_records import ActingRecords
from kartoteka_runtime.runtime_parts import RuntimeParts
from kartoteka_runtime.storage.database import DatabaseBusy, Overtaken, SchemaMoved
from kartoteka_runtime.validation.value_checks import shorten
from kartoteka_runtime.web_api import impersonation, json_batch, multipart_batch
from kartoteka_runtime.web_api.api_call import ApiCall
from kartoteka_runtime.web_api.api_errors import (
    CallRefused,
    MethodNotTaken,
    NoSuchAddress,
    SavedButMoved,
)
from kartoteka_runtime.web_api.api_router import ApiRouter
from kartoteka_runtime.web_api.batch_parts import BatchPart, ChangeSet, parts_of
from kartoteka_runtime.web_api.error_answers import ErrorAnswers
from kartoteka_runtime.web_api.impersonation import Impersonation
from kartoteka_runtime.web_api.part_answer import PartAnswer, answer_of
from kartoteka_runtime.web_api.part_call import request_of
from kartoteka_runtime.web_api.request_body import read_bytes
from kartoteka_runtime.web_api.resource_path import read_path

NAME = "$batch"
MOST_ANSWER_BYTES = 64 * 1024 * 1024  # of all answers; what would read after that is refused
MOST_SECONDS = 60.0  # that a change set may take: on SQLite it holds the one who writes

_CONTINUE = re.compile(r"(?:^|[,;\s])odata\.continue-on-error(?:=true)?(?:$|[,;\s])")
_READING = frozenset({"GET", "HEAD"})
_ACTING = frozenset({impersonation.BY_ID, impersonation.BY_DIRECTORY})


@dataclass(slots=True)
class _Run:
    """One batch under way: ``call`` is its own, ``created`` what its requests have made so far."""

    call: ApiCall
    goes_on: bool
    answers: list[tuple[BatchPart | ChangeSet, list[PartAnswer]]] = field(default_factory=list)
    size: int = 0
    failed: set[str] = field(default_factory=set)  # ids and groups
    created: dict[str, str] = field(default_factory=dict)


@dataclass(slots=True)
class _Turn:
    """Which request is under way, and as whom."""

    part: BatchPart
    request: Request
    principal: Principal


class _Undone(Exception):
    """A request of a change set was answered with an error: nothing of the set is kept."""

    def __init__(self, answer: PartAnswer) -> None:
        self.answer = answer
        super().__init__(answer.status)


class BatchEndpoint:
    """Answers batches for one app."""

    def __init__(self, parts: RuntimeParts, router: ApiRouter) -> None:
        """Let ``router`` answer what is in them."""
        self._parts = parts
        self._router = router
        self._errors = ErrorAnswers(parts)
        self._impersonation = Impersonation(parts.records, parts.sessions)

    async def __call__(self, call: ApiCall) -> Response:
        """Answer a batch; nothing of it is carried out before all of it is read."""
        if len(call.segments) > 1 or call.segments[0].arguments is not None:
            raise NoSuchAddress(shorten(call.request.path_params["path"]))
        if call.method != "POST":
            raise MethodNotTaken("POST")
        content_type = call.header("content-type")
        kind = content_type.partition(";")[0].strip().lower()
        if kind == multipart_batch.MEDIA_TYPE:
            batch = multipart_batch.read_multipart(await read_bytes(call.request), content_type)
        elif kind == json_batch.MEDIA_TYPE:
            batch = json_batch.read_json_batch(await read_bytes(call.request))
        else:
            message = "A batch is multipart/mixed with a boundary, or application/json."
            raise CallRefused(415, message)
        self._errors.take_more(call.principal, sum(len(parts_of(item)) for item in batch) - 1)
        run = _Run(call, _CONTINUE.search(call.header("prefer").lower()) is not None)
        for item in batch:
            if not await self._next(item, run):
                break
            await asyncio.sleep(0)  # others have a turn
        if kind == json_batch.MEDIA_TYPE:
            body = json_batch.write_json_batch(run.answers)
            return Response(body, 200, media_type=json_batch.ANSWER_TYPE)
        body, media_type = multipart_batch.write_multipart(run.answers)
        status = 400 if run.failed and not run.goes_on else 200
        return Response(body, status, media_type=media_type)

    async def _next(self, item: BatchPart | ChangeSet, run: _Run) -> bool:
        """Carry out what comes next; return whether the batch goes on after it."""
        parts = parts_of(item)
        if any(name in run.failed for part in parts for name in part.depends_on):
            answers = [json_batch.not_tried(part) for part in parts]
        elif isinstance(item, ChangeSet):
            answers = await self._change_set(item, run)
        else:
            answers = [await self._alone(item, run)]
        run.answers.append((item, answers))
        run.size += sum(len(answer.body) for answer in answers)
        if not any(answer.has_failed for answer in answers):
            return True
        run.failed.update(part.content_id for part in parts)
        if isinstance(item, ChangeSet):
            run.failed.add(item.name)
        return run.goes_on

    async def _alone(self, part: BatchPart, run: _Run) -> PartAnswer:
        """Carry out a request that stands by itself."""
        turn = _Turn(part, run.call.request, run.call.principal)
        created = {name: run.created[name] for name in part.depends_on if name in run.created}
        try:
            if part.method in _READING and run.size > MOST_ANSWER_BYTES:
                raise CallRefused(413, "The answers to this batch are too long by now.")
            turn.principal = await self._acting(part, run.call)
            for is_last in (False, True):
                records = self._parts.records.bound_to_publication(turn.principal)
                try:
                    answer = await self._answer(turn, run.call, records, created)
                except SchemaMoved as moved:
                    await self._move_on(records, moved)
                    continue
                except Overtaken:
                    if is_last or records.has_written:
                        raise
                    continue
                if address := _address_of(answer, run.call.root):
                    run.created[part.content_id] = address
                return answer
            raise _moved()
        except Exception as error:  # the rest of the batch is not its victim
            return await self._told(error, turn)

    async def _change_set(self, item: ChangeSet, run: _Run) -> list[PartAnswer]:
        """Carry out a change set; one that fails leaves nothing and comes to one answer."""
        if not item.parts:
            return []
        turn = _Turn(item.parts[0], run.call.request, run.call.principal)
        try:
            turn.principal = await self._acting_in(item, run.call)
            for is_last in (False, True):
                records = self._parts.records.bound_to_publication(turn.principal)
                try:
                    return await self._together(item, run, records, turn)
                except SchemaMoved as moved:
                    await self._move_on(records, moved)
                except Overtaken:
                    if is_last:
                        raise
            raise _moved()
        except _Undone as undone:
            return [undone.answer]
        except Exception as error:
            return [await self._told(error, turn)]

    async def _together(
        self, item: ChangeSet, run: _Run, records: ActingRecords, turn: _Turn
    ) -> list[PartAnswer]:
        """Carry out the requests of a change set in one transaction.

        Raises:
            _Undone: One was answered with an error.
            KartotekaError: One was refused; which of them, ``turn`` knows.
        """
        needed = {name for part in item.parts for name in part.depends_on}
        created = {name: run.created[name] for name in needed if name in run.created}
        answers: list[PartAnswer] = []
        try:
            async with asyncio.timeout(MOST_SECONDS), records.transaction() as inside:
                for part in item.parts:
                    turn.part, turn.request = part, run.call.request
                    if part.method in _READING:
                        raise CallRefused(400, "A change set holds no GET.")
                    answer = await self._answer(turn, run.call, inside, created, is_inside=True)
                    if answer.has_failed:
                        raise _Undone(answer)
                    if address := _address_of(answer, run.call.root):
                        created[part.content_id] = address
                    answers.append(answer)
                    await asyncio.sleep(0)  # others may read
        except TimeoutError:
            raise DatabaseBusy(f"a change set took more than {MOST_SECONDS:.0f} seconds") from None
        run.created.update(created)
        return answers

    async def _answer(
        self,
        turn: _Turn,
        outer: ApiCall,
        records: ActingRecords,
        created: Mapping[str, str],
        *,
        is_inside: bool = False,
    ) -> PartAnswer:
        """Let the router answer the request whose turn it is."""
        request = turn.request = request_of(turn.part, outer, created)
        path = read_path(request.path_params["path"])
        first = path[0].name if path else ""
        if first == NAME:
            raise CallRefused(400, "A batch holds no batch.")
        if is_inside and first in self._router.first:
            raise CallRefused(400, f"A change set holds requests for records, not for {first}.")
        call = ApiCall(request, path, turn.principal, records, outer.root, dict(created))
        response = await self._router.dispatch(call)
        return await answer_of(response, request, turn.part.content_id)

    async def _move_on(self, records: ActingRecords, moved: SchemaMoved) -> None:
        """Take up the newest publication, unless something was committed on the one before.

        Raises:
            SavedButMoved: Something was; it must not be done twice.
        """
        if records.has_written:
            raise SavedButMoved(str(moved)) from moved
        await refresh(self._parts.database, self._parts.live_registry)

    async def _acting(self, part: BatchPart, outer: ApiCall) -> Principal:
        """Return as whom a request acts: as its own headers say, else as those of the batch."""
        own = {name: value for name, value in part.headers if name in _ACTING}
        if not own:
            return outer.principal
        caller = outer.principal.on_behalf_of or outer.principal
        return await self._impersonation.acting(caller, Headers(own))

    async def _acting_in(self, item: ChangeSet, outer: ApiCall) -> Principal:
        """Return as whom a change set acts."""
        found = [await self._acting(part, outer) for part in item.parts]
        if len({principal.user_id for principal in found}) > 1:
            raise CallRefused(400, "The requests of a change set act as one user.")
        return found[0]

    async def _told(self, error: Exception, turn: _Turn) -> PartAnswer:
        if isinstance(error, KartotekaError):
            response = await self._errors.answer(error, turn.request, turn.principal)
        else:
            response = self._errors.failed(error, turn.request)
        return await answer_of(response, turn.request, turn.part.content_id)


def _moved() -> SchemaMoved:
    return SchemaMoved("publications follow one another too quickly")


def _address_of(answer: PartAnswer, root: str) -> str:
    """Return where a request has created or changed something, below the address of the API."""
    said = answer.header("OData-EntityId") or answer.header("Location")
    return said.removeprefix(root) if said.startswith(root) else ""
