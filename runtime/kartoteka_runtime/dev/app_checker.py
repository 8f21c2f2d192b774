"""AppChecker: what the files of an app mean now; only what changed is read and checked again."""

from __future__ import annotations

from dataclasses import dataclass, fields
from pathlib import Path

from kartoteka.errors import KartotekaError, MetadataError
from kartoteka.registry import Registry
from kartoteka.workspace import Workspace
from kartoteka_runtime.app_folder import AppFolder, load_app_folder
from kartoteka_runtime.dev.mistakes import Mistake, with_lines


@dataclass(frozen=True, slots=True)
class Checked:
    """The outcome of a check: a registry, or mistakes."""

    registry: Registry | None = None
    mistakes: tuple[Mistake, ...] = ()


class AppChecker:
    """Checks one app again and again."""

    def __init__(self, app_folder: AppFolder) -> None:
        """Check the app as the server that runs has started it."""
        self._app_folder = app_folder
        self._workspace: Workspace | None = None
        self._folders: tuple[Path, ...] = ()

    def check(self) -> Checked:
        """Return what the files mean; takes a second the first time, far less from then on."""
        try:
            return Checked(self._assembled())
        except MetadataError as error:
            return Checked(mistakes=with_lines(error.diagnostics, self._app_folder.folder))

    def what_else_changed(self) -> str:
        """Return what ``kartoteka.yaml`` says otherwise than when the server started; "" nothing.

        None of that can be taken up by a server that runs.
        """
        started = self._app_folder
        try:
            now = load_app_folder(started.folder)
        except KartotekaError:
            return "kartoteka.yaml"
        changed = [
            item.name
            for item in fields(AppFolder)
            if item.name != "plugins" and getattr(now, item.name) != getattr(started, item.name)
        ]
        if [one.name for one in now.plugins] != [one.name for one in started.plugins]:
            changed.append("plugins")
        return f"kartoteka.yaml ({', '.join(changed)})" if changed else ""

    def _assembled(self) -> Registry:
        app_folder = self._app_folder
        if self._workspace is None or self._folders != app_folder.bundle_folders:
            hooks = app_folder.hooks()
            self._folders = app_folder.bundle_folders
            self._workspace = Workspace(
                self._folders,
                command_handlers=frozenset(hooks.command_handlers),
                panels=frozenset(hooks.panels),
                languages=app_folder.languages,
                base_language=app_folder.base_language,
            )
        return self._workspace.assemble()
