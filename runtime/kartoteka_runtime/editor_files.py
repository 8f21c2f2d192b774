"""What editors need in an app's folder: schemas of its names, and in each file the line to one."""

from __future__ import annotations

import os
import re
from dataclasses import dataclass
from pathlib import Path

import orjson

from kartoteka.editor_schemas.editor_schemas import editor_schemas, entities_of, schema_file_of
from kartoteka.loading.load_bundle import LoadedBundle
from kartoteka.registry import Registry
from kartoteka_runtime.app_folder import AppFolder
from kartoteka_runtime.file_changes import FileChange, FilesNotWritten, write_changes

FOLDER = Path(".kartoteka/schemas")  # derived from the metadata; of no use to anybody else

_SCHEMA_LINE = re.compile(r"#[ \t]*yaml-language-server:[ \t]*\$schema=[^\r\n]*")
_HEAD = re.compile(
    r"\ufeff?(?:[ \t]*(?:#[^\r\n]*)?(?:\r\n|\n|\Z))*?(?=#[ \t]*yaml-language-server:)"
)


@dataclass(frozen=True, slots=True)
class EditorFiles:
    """What was written: how many schemas there are, and the files that got another line."""

    schemas: int
    changed: tuple[Path, ...]


def has_editor_files(app: Path) -> bool:
    """Return whether somebody asked for schemas in this app."""
    return (app / FOLDER).is_dir()


def write_editor_files(app: AppFolder, bundle: LoadedBundle, registry: Registry) -> EditorFiles:
    """Write schemas into an app, and into each of its files the line that names its schema.

    Args:
        app: The app; its metadata is right.
        bundle: The app's own bundle.
        registry: What it makes together with the others.

    Raises:
        FilesNotWritten: A file could not be written.
    """
    schemas = editor_schemas(
        registry, entities_of(bundle, registry), panels=sorted(app.hooks().panels)
    )
    folder = app.folder / FOLDER
    try:
        _write_schemas(folder, {name: orjson.dumps(schema) for name, schema in schemas.items()})
    except OSError as error:
        reason = error.strerror or type(error).__name__
        raise FilesNotWritten(f"{error.filename or folder} cannot be written: {reason}") from error
    files = {
        Path(document.content.mark.file).resolve(): schema_file_of(document, registry)
        for document in bundle.documents
    }
    own = app.folder.resolve() / "metadata" / "bundle.yaml"
    if own.is_file():
        files[own] = "bundle.json"
    changes = []
    for resolved, name in sorted(files.items()):
        path = app.folder / resolved.relative_to(app.folder.resolve())
        before = path.read_bytes().decode("utf-8")
        after = with_schema_line(before, _way(path.parent, folder / name))
        if after != before:
            changes.append(FileChange(path, path, after))
    write_changes(changes)
    return EditorFiles(len(schemas), tuple(change.path for change in changes))


def with_schema_line(text: str, address: str) -> str:
    """Return a file's text with the line that tells editors its schema; all else stays."""
    line = f"# yaml-language-server: $schema={address}"
    head = _HEAD.match(text)
    if head is not None and (found := _SCHEMA_LINE.match(text, head.end())):
        return text[: found.start()] + line + text[found.end() :]
    start = int(text.startswith("\ufeff"))
    breaks = "\r\n" if "\r\n" in text else "\n"
    return text[:start] + line + breaks + text[start:]


def _write_schemas(folder: Path, contents: dict[str, bytes]) -> None:
    """Write what differs, so that editors read no more than they must; take away the rest."""
    folder.mkdir(parents=True, exist_ok=True)
    (folder.parent / ".gitignore").write_text("*\n", encoding="ascii")
    for name, content in contents.items():
        path = folder / name
        if not path.is_file() or path.read_bytes() != content:
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(content)
    for path in folder.rglob("*.json"):
        if path.relative_to(folder).as_posix() not in contents:
            path.unlink()


def _way(start: Path, file: Path) -> str:
    return Path(os.path.relpath(file, start)).as_posix()
