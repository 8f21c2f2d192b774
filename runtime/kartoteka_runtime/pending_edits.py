"""PendingEdits: what is being written into an app's files to be published at once, noted first.

A process that dies between the first file and the publish leaves the note behind; from it the files
get back what they held, so that a change is there as a whole or not at all.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from kartoteka.editing.customize import FileEdit, apply_edits
from kartoteka.yaml_text.write_file import write_file

_NOTE = Path(".kartoteka") / "pending_edits.json"  # beside other files of no use to anybody else


class PendingEdits:
    """The note of one app."""

    def __init__(self, folder: Path) -> None:
        """Keep it in the folder of the app."""
        self._folder = folder
        self._note = folder / _NOTE

    @property
    def are_there(self) -> bool:
        """Return whether somebody was at it, and did not come to an end."""
        return self._note.is_file()

    def note(self, edits: Sequence[FileEdit]) -> None:
        """Note edits that are about to be made.

        Raises:
            FileNotWritten: The folder cannot be written, or the disk is full.
        """
        said = [[str(self._told(edit.path)), edit.old_text, edit.new_text] for edit in edits]
        write_file(self._note, json.dumps(said))
        ignored = self._note.with_name(".gitignore")
        if not ignored.exists():
            write_file(ignored, "*\n")

    def forget(self) -> None:
        """Take the note away: the edits are published, or taken back."""
        self._note.unlink(missing_ok=True)

    def take_back(self) -> bool:
        """Put back what the files held, and forget; return whether something was put back.

        Files that hold something else by now are somebody's work: then nothing is touched.

        Raises:
            EditError: A file was changed at that very moment, or cannot be read.
            FileNotWritten: The folder cannot be written.
        """
        edits: list[FileEdit] = []
        for path, old, new in self._noted():
            now = path.read_bytes().decode("utf-8", "replace") if path.is_file() else None
            if now not in (old, new):
                edits = []
                break
            if now != old:
                edits.append(FileEdit(path, now, old))
        apply_edits(edits)
        self.forget()
        return bool(edits)

    def _noted(self) -> list[tuple[Path, str | None, str | None]]:
        try:
            said = json.loads(self._note.read_text(encoding="utf-8"))
            return [(self._folder / path, old, new) for path, old, new in said]
        except (OSError, ValueError, TypeError):  # no note of ours: nobody can go by it
            return []

    def _told(self, path: Path) -> Path:
        return path.relative_to(self._folder) if path.is_relative_to(self._folder) else path
