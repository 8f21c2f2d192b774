"""AppFiles: what the app's files say now, assembled beside the requests and kept until they change.

Who customizes reads the files, not the live registry: what is saved here is published later.
"""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from kartoteka.assembly import LoadedBundle, load_bundles
from kartoteka.diagnostics import Diagnostic
from kartoteka.editing.customize import Customization, FileEdit, apply_edits, customize_all
from kartoteka.editing.edit_text import value_at
from kartoteka.errors import KartotekaError, MetadataError
from kartoteka.labels import LabelResolver
from kartoteka.loading.property_paths import split_path
from kartoteka.registry import Registry
from kartoteka.registry_codec import fingerprint
from kartoteka.yaml_text.write_file import FileNotWritten
from kartoteka_runtime.app_folder import AppFolder, load_app_folder
from kartoteka_runtime.files_turn import FilesTurn, TurnTaken
from kartoteka_runtime.pending_edits import PendingEdits

METADATA = "metadata"
_Stamp = tuple[tuple[str, int, int], ...]


class FilesUnusable(KartotekaError):
    """The app's files cannot be read or written; the message says which and why."""


@dataclass(frozen=True, slots=True)
class Mistake:
    """A diagnostic as pages show it, with the line of YAML that it is about."""

    file: str
    line: int
    column: int
    code: str
    message: str
    hint: str
    text: str


@dataclass(frozen=True)
class Assembled:
    """What files mean; ``registry`` is None when they have mistakes.

    ``own`` is the name of the app's own bundle, "" while it has none.
    ``root`` is the folder whose ``metadata`` was read: the app's, or a copy of it.
    """

    registry: Registry | None
    root: Path = Path()
    mistakes: tuple[Mistake, ...] = ()
    fingerprint: str = ""
    own: str = ""
    labels: LabelResolver = field(default_factory=lambda: LabelResolver(Registry()))

    @cached_property
    def own_says(self) -> frozenset[tuple[str, ...]]:
        """Return kind and name of every definition that the app's own files say something of."""
        return frozenset(
            split_path(path)[:2]
            for path, layers in (self.registry.sources if self.registry else {}).items()
            if any(layer.bundle == self.own for layer in layers)
        )


@dataclass(frozen=True, slots=True)
class Tried:
    """What the files would mean after a change, and the edits that bring it about.

    ``stamp`` is what the files looked like before.
    """

    assembled: Assembled
    edits: tuple[FileEdit, ...]
    stamp: _Stamp


class AppFiles:
    """Reads and changes the metadata of one app."""

    def __init__(self, app_folder: AppFolder) -> None:
        """Work on the files of ``app_folder``."""
        self._app_folder = app_folder
        self._alone = FilesTurn(app_folder.folder)
        self._pending = PendingEdits(app_folder.folder)
        self._turn = asyncio.Lock()
        self._stamp: _Stamp | None = None
        self._assembled = Assembled(None)
        self._lower: tuple[_Stamp, tuple[LoadedBundle, ...]] = ((), ())

    @property
    def bundle_folder(self) -> Path:
        """Return the folder of the app's own bundle."""
        return self._app_folder.folder / METADATA

    @asynccontextmanager
    async def alone(self, *, patience: float | None = None) -> AsyncIterator[None]:
        """Let nobody else write and publish in one go meanwhile, in any process.

        Raises:
            FilesUnusable: Somebody else still is at it after ``patience`` seconds.
        """
        try:
            async with self._alone.taken(patience=patience):
                yield
        except TurnTaken:
            raise FilesUnusable("another process is changing them; try again") from None

    async def settle(self, live: str) -> None:
        """End what a process that died left half done; for who is ``alone``.

        Files that say what the registry with the fingerprint ``live`` says stay; others get back
        what they held before.

        Raises:
            EditError: Somebody changes one of them right now.
            FilesUnusable: They cannot be read or written.
        """
        if not self._pending.are_there:
            return
        if (await self.assembled()).fingerprint == live:
            self._pending.forget()
            return
        async with self._turn:
            self._stamp = None
            try:
                await asyncio.to_thread(self._pending.take_back)
            except FileNotWritten as error:
                raise FilesUnusable(str(error)) from error

    async def assembled(self) -> Assembled:
        """Return what the files say now.

        Raises:
            FilesUnusable: ``kartoteka.yaml`` or a folder cannot be read.
        """
        async with self._turn:
            stamp = await asyncio.to_thread(self._look)
            if stamp != self._stamp:
                self._assembled = await asyncio.to_thread(self._assemble)
                self._stamp = stamp
            return self._assembled

    async def tried(self, changes: Sequence[Customization]) -> Tried:
        """Return what changes would make of the files; nothing of the app is written.

        Raises:
            FilesUnusable: The files cannot be read.
            EditError: A change cannot be made.
        """
        return await asyncio.to_thread(self._try, changes)

    async def write_to_publish(self, tried: Tried) -> None:
        """Write all edits or none, of which nothing is left should nobody publish them.

        After that either ``published`` or ``take_back`` is due.

        Raises:
            EditError: A file is no longer what the edits were made from.
            FilesUnusable: The folder cannot be written, or the disk is full.
        """
        try:
            await asyncio.to_thread(self._pending.note, tried.edits)
        except FileNotWritten as error:
            raise FilesUnusable(str(error)) from error
        try:
            await self.write(tried)
        except BaseException:
            self._pending.forget()
            raise

    def published(self) -> None:
        """Let what ``write_to_publish`` wrote stay: it is live."""
        self._pending.forget()

    async def write(self, tried: Tried) -> None:
        """Write all edits or none; what was tried is then what the files say.

        Raises:
            EditError: A file is no longer what the edits were made from.
            FilesUnusable: The folder cannot be written, or the disk is full.
        """
        async with self._turn:
            before = await asyncio.to_thread(self._look)
            try:
                await asyncio.to_thread(apply_edits, tried.edits)
            except FileNotWritten as error:
                raise FilesUnusable(str(error)) from error
            after = await asyncio.to_thread(self._look)
            written = {str(edit.path) for edit in tried.edits}
            if before == tried.stamp and _without(before, written) == _without(after, written):
                self._stamp, self._assembled = after, tried.assembled

    async def take_back(self, tried: Tried) -> None:
        """Put back what the files held before ``tried`` was written; all of it or nothing.

        Raises:
            EditError: Somebody changed one of them since.
            FilesUnusable: The folder cannot be written.
        """
        edits = [FileEdit(one.path, one.new_text, one.old_text) for one in reversed(tried.edits)]
        async with self._turn:
            self._stamp = None
            try:
                await asyncio.to_thread(apply_edits, edits)
            except FileNotWritten as error:
                raise FilesUnusable(str(error)) from error
            self._pending.forget()

    def said(self, kind: str, name: str, path: Sequence[str]) -> dict[str, Any]:
        """Return the map that the app's own document of a definition has at a path; {} if none."""
        for file in sorted(self.bundle_folder.rglob("*.yaml")):
            text = file.read_text(encoding="utf-8", errors="replace")
            if name not in text or value_at(text, ("kind",)) != kind:
                continue
            if name in (value_at(text, ("extends",)), value_at(text, ("name",))):
                found = value_at(text, path)
                if isinstance(found, dict):
                    return found
        return {}

    def _look(self) -> _Stamp:
        files = [self._app_folder.folder / "kartoteka.yaml"]
        for bundle in self._app_folder.bundle_folders:
            files += sorted(bundle.rglob("*.y*ml"))
        return self._stamp_of(files)

    def _stamp_of(self, files: Sequence[Path]) -> _Stamp:
        try:
            found = [(str(file), file.stat()) for file in files]
        except OSError as error:
            raise FilesUnusable(f"{error.filename}: {error.strerror}") from error
        return tuple((name, one.st_mtime_ns, one.st_size) for name, one in found)

    def _assemble(self) -> Assembled:
        try:
            self._app_folder = load_app_folder(self._app_folder.folder)
            return self._read(self._app_folder)
        except (KartotekaError, OSError) as error:
            raise FilesUnusable(str(error)) from error

    def _loaded(self, app_folder: AppFolder) -> tuple[LoadedBundle, ...]:
        """Return what the bundles hold; those below the app's own change as good as never."""
        own = app_folder.folder / METADATA
        folders = [one for one in app_folder.bundle_folders if one != own]
        stamp = self._stamp_of([file for one in folders for file in sorted(one.rglob("*.y*ml"))])
        known, lower = self._lower
        if known != stamp:
            lower = load_bundles(folders)
            self._lower = stamp, lower
        return (*lower, *load_bundles([own])) if own.is_dir() else lower

    def _read(self, app_folder: AppFolder) -> Assembled:
        try:
            registry = app_folder.registry(self._loaded(app_folder))
        except MetadataError as error:
            found = tuple(self._mistake(one, app_folder.folder) for one in error.diagnostics)
            return Assembled(None, app_folder.folder, found)
        has_own = (app_folder.folder / METADATA).is_dir()
        own = registry.bundles[-1].name if has_own else ""
        texts = LabelResolver(registry)
        return Assembled(registry, app_folder.folder, (), fingerprint(registry), own, texts)

    def _try(self, changes: Sequence[Customization]) -> Tried:
        own = self.bundle_folder
        stamp = self._look()
        try:
            edits = customize_all(own, changes)
            with TemporaryDirectory(prefix="kartoteka-") as name:
                copy = Path(name).resolve()
                if own.is_dir():
                    shutil.copytree(own, copy / METADATA)
                for edit in edits:
                    _put(copy / METADATA / edit.path.relative_to(own), edit.new_text)
                assembled = self._read(replace(self._app_folder, folder=copy))
        except OSError as error:
            raise FilesUnusable(f"{error.filename or own}: {error.strerror}") from error
        return Tried(assembled, edits, stamp)

    def _mistake(self, found: Diagnostic, root: Path) -> Mistake:
        place = found.location
        try:
            lines = Path(place.file).read_text(encoding="utf-8").splitlines()
        except (OSError, UnicodeDecodeError):
            lines = []
        return Mistake(
            file=self.shown(place.file, root),
            line=place.line,
            column=place.column,
            code=found.code,
            message=found.message,
            hint=found.hint,
            text=lines[place.line - 1] if 0 < place.line <= len(lines) else "",
        )

    def shown(self, file: str, root: Path) -> str:
        """Return a file as people know it: from the app's folder, or from its bundle's."""
        path = Path(file).resolve()
        for folder in (root.resolve(), *(one.resolve() for one in self._app_folder.bundle_folders)):
            if path.is_relative_to(folder):
                return path.relative_to(folder).as_posix()
        return file


def _without(stamp: _Stamp, names: set[str]) -> _Stamp:
    return tuple(one for one in stamp if one[0] not in names)


def _put(file: Path, text: str | None) -> None:
    if text is None:
        file.unlink(missing_ok=True)
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_text(text, encoding="utf-8", newline="")
