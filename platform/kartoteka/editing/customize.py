"""customize: which file of a bundle to change for one property of one object, and how.

The bundle may define the object, or extend it; when it does neither, a new document with
``extends`` is made. Nothing is written before ``apply_edits``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from kartoteka.diagnostics import Diagnostics
from kartoteka.editing.edit_error import EditError
from kartoteka.editing.edit_text import remove_value, set_value, value_at
from kartoteka.editing.label_documents import member_paths, text_path
from kartoteka.loading.load_bundle import folder_of_kind
from kartoteka.loading.yaml_reader import read_yaml_bytes
from kartoteka.yaml_text.canonical_order import to_canonical
from kartoteka.yaml_text.format_document import source_text
from kartoteka.yaml_text.schema_line import BEGIN, schema_line
from kartoteka.yaml_text.source_tree import Source, node_of
from kartoteka.yaml_text.write_file import FileNotWritten, write_file


class Removed:
    """The value of a property that is taken out again, so that lower layers decide."""


REMOVED: Final = Removed()


@dataclass(frozen=True, slots=True)
class Customization:
    """One property to set: ``path`` as in ``set_value``; ``REMOVED`` takes it out.

    An empty path means the object itself: a map becomes a new document that defines it, and
    ``REMOVED`` takes every document of the bundle about it away, with its texts.
    """

    kind: str
    name: str
    path: tuple[str, ...]
    value: Any


@dataclass(frozen=True, slots=True)
class FileEdit:
    """What one file shall hold; ``old_text`` None: it is new, ``new_text`` None: it goes."""

    path: Path
    old_text: str | None
    new_text: str | None


def customize(
    bundle_folder: Path, kind: str, name: str, path: Sequence[str], value: Any
) -> FileEdit:
    """Return the edit that sets one property of an object in a bundle.

    Args:
        bundle_folder: The folder with the bundle's documents.
        kind: Document kind: entity, choice, relationship, form, view, role, rule, navigation.
        name: Logical name of the object.
        path: Map keys, and names of members in lists of named things.
        value: Maps, lists and plain values, or ``REMOVED``.

    Raises:
        EditError: The file to change has mistakes, or the path does not fit it.
    """
    edits = customize_all(bundle_folder, [Customization(kind, name, tuple(path), value)])
    return edits[0]


def customize_all(
    bundle_folder: Path, customizations: Sequence[Customization]
) -> tuple[FileEdit, ...]:
    """Return the edits that set several properties, one a file, in the order first touched.

    Raises:
        EditError: A file to change has mistakes, or a path does not fit it.
    """
    files = _Files(bundle_folder)
    for item in customizations:
        files.set(item)
    return files.edits()


def apply_edits(edits: Sequence[FileEdit]) -> None:
    """Write what the edits say; all of it, or nothing.

    Raises:
        EditError: A file is not any more what the edit was made from.
        FileNotWritten: The disk is full, a folder may not be written to, or the like.
    """
    for edit in edits:
        if _text_of(edit.path) != edit.old_text:
            raise EditError(f"{edit.path} was changed meanwhile; nothing was written")
    done: list[FileEdit] = []
    try:
        for edit in edits:
            _write(edit.path, edit.new_text)
            done.append(edit)
    except FileNotWritten:
        for edit in reversed(done):
            _write(edit.path, edit.old_text)
        raise


class _Files:
    """The documents of one bundle, with the changes made so far."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._old: dict[Path, str | None] = {}
        self._new: dict[Path, str | None] = {}

    def edits(self) -> tuple[FileEdit, ...]:
        return tuple(FileEdit(path, self._old[path], new) for path, new in self._new.items())

    def set(self, item: Customization) -> None:
        try:
            self._set(item)
        except EditError as error:
            raise EditError(f"{item.kind} {item.name}: {error}") from error

    def _set(self, item: Customization) -> None:
        if not item.path:
            self._set_whole(item)
            return
        if isinstance(item.value, Removed):
            self._remove_texts(item)
        if self._set_in_labels(item):
            return
        path = self._document_of(item)
        text = self._new.get(path)
        is_new = text is None
        if text is None:
            text = self._old.get(path) or _extension(path, self._folder, item.kind, item.name)
        if isinstance(item.value, Removed):
            changed: str | None = remove_value(text, item.path)
            if changed is not None and _says_nothing(changed):
                changed = None
        else:
            changed = set_value(text, item.path, item.value)
        if changed is None and is_new and self._old.get(path) is None:
            self._new.setdefault(path, None)
            return
        self._new[path] = changed

    def _set_whole(self, item: Customization) -> None:
        documents = [
            (path, content)
            for path, _, content in self._documents(item.kind)
            if item.name in (content.get("name"), content.get("extends"))
        ]
        if isinstance(item.value, Removed):
            self._remove_texts(item)
            for path, _ in documents:
                self._new[path] = None
            return
        if any(content.get("name") == item.name for _, content in documents):
            raise EditError("it is defined already")
        path = self._folder / folder_of_kind(item.kind) / f"{item.name}.yaml"
        if path.exists() and self._new.get(path, "") is not None:
            raise EditError(f"there is a file {path.name} already")
        self._old.setdefault(path, _text_of(path))
        root = node_of({"kind": item.kind, "format": 1, "name": item.name, **item.value})
        to_canonical(root)
        head = schema_line(item.kind, path, self._folder).splitlines()
        self._new[path] = source_text(Source(root, head, ""))

    def _remove_texts(self, item: Customization) -> None:
        """Take the texts of what goes out of the labels documents."""
        places = member_paths(item.kind, item.name, item.path)
        for path, text, _ in self._documents("labels") if places else ():
            for place in places:
                text = remove_value(text, place)
            if text != self._new.get(path, self._old[path]):
                self._new[path] = text

    def _set_in_labels(self, item: Customization) -> bool:
        """Change a text where a labels document of the bundle says it, since that one decides."""
        place = text_path(item.kind, item.name, item.path)
        if place is None:
            return False
        language, inner = place
        for path, text, content in self._documents("labels"):
            if content.get("language") == language and value_at(text, inner) is not None:
                is_removed = isinstance(item.value, Removed)
                self._new[path] = (
                    remove_value(text, inner) if is_removed else set_value(text, inner, item.value)
                )
                return not is_removed
        return False

    def _document_of(self, item: Customization) -> Path:
        """Return the file to change; it may not exist yet."""
        extensions: list[tuple[bool, bool, Path]] = []
        for path, text, content in self._documents(item.kind):
            if content.get("name") == item.name:
                return path
            if content.get("extends") == item.name and "only_with" not in content:
                sets_it = value_at(text, item.path) is not None
                extensions.append((not sets_it, path.stem != item.name, path))
        if extensions:
            return min(extensions)[2]
        folder = self._folder / folder_of_kind(item.kind)
        path, number = folder / f"{item.name}.yaml", 2
        while path.exists():
            path, number = folder / f"{item.name}_{number}.yaml", number + 1
        self._old.setdefault(path, None)
        return path

    def _documents(self, kind: str) -> Iterator[tuple[Path, str, dict[str, Any]]]:
        paths = {*self._folder.rglob("*.yaml"), *(p for p, t in self._new.items() if t is not None)}
        for path in sorted(paths):
            if path not in self._old:
                self._old[path] = _text_of(path)
            text = self._new.get(path, self._old[path])
            if text is None or f"kind: {kind}" not in text:
                continue
            content = read_yaml_bytes(text.encode(), Diagnostics(), shown_as=path.name)
            if content is not None and content.get("kind") == kind:
                yield path, text, content


def _extension(path: Path, bundle_folder: Path, kind: str, name: str) -> str:
    line = schema_line(kind, path, bundle_folder)
    return f"{line}kind: {kind}\nformat: 1\nextends: {name}\n"


def _says_nothing(text: str) -> bool:
    """Return whether a document only extends something and adds nothing, not even a comment."""
    lines = [line for line in text.splitlines() if line.strip()]
    keys = {line.partition(":")[0] for line in lines if not line.startswith(BEGIN)}
    return keys == {"kind", "format", "extends"}


def _text_of(path: Path) -> str | None:
    try:
        return path.read_bytes().decode("utf-8")
    except (FileNotFoundError, NotADirectoryError):
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise EditError(f"{path} cannot be read: {error}") from error


def _write(path: Path, text: str | None) -> None:
    if text is not None:
        write_file(path, text)
        return
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        raise FileNotWritten(f"{path} cannot be removed: {error.strerror}") from error
