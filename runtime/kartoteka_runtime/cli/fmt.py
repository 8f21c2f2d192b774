"""`kartoteka fmt [APP or FILES]`: metadata files in their canonical form."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from kartoteka.base_metadata import base_folder
from kartoteka.diagnostics import Diagnostics
from kartoteka.errors import MetadataError
from kartoteka.loading.positioned import YamlList, YamlMap
from kartoteka.loading.yaml_reader import read_yaml
from kartoteka.yaml_text.format_document import format_document
from kartoteka.yaml_text.write_file import write_file
from kartoteka_runtime.app_folder import load_app_folder
from kartoteka_runtime.cli.app_argument import APP_FILE
from kartoteka_runtime.cli.console import answers, counted, remarks


@dataclass(frozen=True, slots=True)
class _Folder:
    """Files that are formatted alike: those of one app, or of none."""

    files: tuple[Path, ...]
    base_language: str = "en"
    inherited_fields: frozenset[str] = frozenset()


def fmt(
    places: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[APP | FILES]",
            help="An app, or metadata files and folders.",
            show_default="the app in the current folder",
        ),
    ] = None,
    check: Annotated[
        bool,
        typer.Option("--check", help="Write nothing; print the files that would change."),
    ] = False,
) -> None:
    """Rewrite metadata files in one form: order of keys, no defaults, comments kept."""
    diagnostics = Diagnostics()
    changed, seen = 0, 0
    for folder in _folders([Path(place) for place in places or ["."]]):
        for file in folder.files:
            seen += 1
            before = _bytes_of(file)
            text = format_document(
                before,
                diagnostics,
                shown_as=str(file),
                base_language=folder.base_language,
                inherited_fields=folder.inherited_fields,
            )
            if text is None or text.encode() == before:
                continue
            changed += 1
            answers.print(str(file))
            if not check:
                write_file(file, text)
    if len(diagnostics):
        raise MetadataError(diagnostics)
    if check and changed:
        remarks.print(f"{counted(changed, 'file')} of {seen:,} would change; `kartoteka fmt`")
        raise typer.Exit(1)
    remarks.print(f"{changed:,} of {counted(seen, 'file')} changed.")


def _folders(places: Sequence[Path]) -> Iterator[_Folder]:
    """Return the files of all places, each with what its app says."""
    by_app: dict[Path | None, list[Path]] = {}
    for place in places:
        if (place / APP_FILE).is_file():
            by_app.setdefault(place, []).extend(_yaml_files(place / "metadata"))
        elif place.is_dir():
            by_app.setdefault(_app_around(place), []).extend(_yaml_files(place))
            if place == Path(".") and len(places) == 1 and _app_around(place) is None:
                raise typer.BadParameter(
                    f"this folder is no app: it holds no {APP_FILE}. Name files or a folder."
                )
        elif place.is_file():
            by_app.setdefault(_app_around(place), []).append(place)
        else:
            raise typer.BadParameter(f'there is no file or folder "{place}".')
    for app, files in by_app.items():
        wanted = tuple(dict.fromkeys(files))
        if app is None:
            yield _Folder(wanted, inherited_fields=_group_fields([base_folder(), *_beside(wanted)]))
        else:
            app_folder = load_app_folder(app)
            groups = _group_fields(app_folder.bundle_folders)
            yield _Folder(wanted, app_folder.base_language, groups)


def _app_around(place: Path) -> Path | None:
    resolved = place.resolve()
    for folder in (resolved, *resolved.parents):
        if (folder / APP_FILE).is_file():
            return folder
    return None


def _beside(files: Iterable[Path]) -> list[Path]:
    """Return the bundles in which files without an app lie."""
    bundles = {parent for file in files for parent in file.resolve().parents}
    return sorted(folder for folder in bundles if (folder / "bundle.yaml").is_file())


def _yaml_files(folder: Path) -> list[Path]:
    found = sorted(folder.rglob("*.yaml"))
    return [
        file for file in found
        if not any(part.startswith(".") for part in file.relative_to(folder).parts)
    ]  # fmt: skip


def _group_fields(bundles: Iterable[Path]) -> frozenset[str]:
    """Return the names of all fields that groups define in some bundles."""
    names: set[str] = set()
    for bundle in bundles:
        for file in _yaml_files(bundle):
            if b"kind: field_group" not in file.read_bytes():
                continue
            content = read_yaml(file, Diagnostics(), shown_as=str(file))
            fields = content.get("fields") if content is not None else None
            items = fields if isinstance(fields, YamlList) else ()
            names.update(
                item["name"] for item in items
                if isinstance(item, YamlMap) and isinstance(item.get("name"), str)
            )  # fmt: skip
    return frozenset(names)


def _bytes_of(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise typer.BadParameter(f'"{file}" cannot be read: {error.strerror}.') from error
