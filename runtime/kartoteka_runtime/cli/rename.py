"""`kartoteka rename OLD NEW [APP]`: another name, in every file that mentions it."""

from __future__ import annotations

import difflib
from pathlib import Path
from typing import Annotated

import typer

from kartoteka.assembly import load_bundles
from kartoteka.references.reference import ObjectName
from kartoteka.registry import Registry
from kartoteka.renaming.rename import ChangedFile
from kartoteka.renaming.rename import rename as rename_in_texts
from kartoteka.renaming.renamed_names import read_object_name
from kartoteka_runtime.app_folder import load_app_folder
from kartoteka_runtime.cli.app_argument import HERE, AppArgument
from kartoteka_runtime.cli.console import answers, counted, remarks
from kartoteka_runtime.editor_files import has_editor_files, write_editor_files
from kartoteka_runtime.file_changes import FileChange, registry_with, write_changes


def rename(
    old: Annotated[
        str,
        typer.Argument(
            metavar="OLD",
            help="harbour_boat, harbour_boat.payer, harbour_boat.kind.sailing, or form:NAME, "
            "view:NAME, choice:NAME, role:NAME, column_profile:NAME, relationship:NAME, area:NAME.",
        ),
    ],
    new: Annotated[str, typer.Argument(metavar="NEW", help="The new name.")],
    app: AppArgument = HERE,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Show what would change, and write nothing.")
    ] = False,
) -> None:
    """Call an object something else: every file that mentions it changes, data stays."""
    registry = load_app_folder(app).registry()
    target = read_object_name(old, registry)
    name = _bare(new, target)
    bundle = load_bundles((app / "metadata",))[0]
    texts = {
        document.content.mark.file: _text(document.content.mark.file)
        for document in bundle.documents
    }
    changed = rename_in_texts(target, name, bundle, registry, texts)
    changes = [FileChange(_below(app, c.file), _below(app, c.new_file), c.text) for c in changed]
    renamed = registry_with(app, changes)
    if not dry_run:
        write_changes(changes)
        if has_editor_files(app):
            own = load_bundles((app / "metadata",))[0]
            write_editor_files(load_app_folder(app), own, renamed)
    for change in changed:
        _print(change, texts[change.file], with_lines=dry_run)
    _remark(target, name, registry, renamed)
    mentions = counted(sum(change.mentions for change in changed), "mention")
    files = counted(len(changed), "file")
    if dry_run:
        answers.print(f"Would change {mentions} in {files}; nothing was written.")
    else:
        answers.print(f"Changed {mentions} in {files}. `kartoteka publish` makes it so.")


def _bare(new: str, target: ObjectName) -> str:
    """Return a new name without the kind or entity that it may be written with, as the old one."""
    if target.of and new.startswith(f"{target.of}."):
        return new.removeprefix(f"{target.of}.")
    return new.rpartition(":")[2] if not target.of else new


def _text(file: str) -> str:
    return Path(file).read_bytes().decode("utf-8")


def _below(app: Path, file: str) -> Path:
    """Return a file of the app, below the app as it was named."""
    return app / Path(file).resolve().relative_to(app.resolve())


def _print(change: ChangedFile, before: str, *, with_lines: bool) -> None:
    moved = "" if change.new_file == change.file else f" → {Path(change.new_file).name}"
    answers.print(f"{change.file}{moved}: {counted(change.mentions, 'mention')}")
    if with_lines:
        lines = difflib.unified_diff(before.splitlines(), change.text.splitlines(), n=0)
        for line in lines:
            if line[0] in "+-" and line[:3] not in ("+++", "---"):
                answers.print(f"    {line}")


def _remark(target: ObjectName, name: str, before: Registry, after: Registry) -> None:
    if target.kind == "entity":
        old, new = before.entities[target.name].set_name, after.entities[name].set_name
        if old != new:
            remarks.print(
                f"Its address in the API changes from {old} to {new}; "
                f"set_name: {old} keeps the old one."
            )
