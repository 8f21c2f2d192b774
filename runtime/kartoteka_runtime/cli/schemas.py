"""`kartoteka schemas [APP]`: what editors need to complete and mark the names of an app."""

from __future__ import annotations

from kartoteka.assembly import load_bundles
from kartoteka_runtime.app_folder import load_app_folder
from kartoteka_runtime.cli.app_argument import HERE, AppArgument
from kartoteka_runtime.cli.console import answers, counted
from kartoteka_runtime.editor_files import FOLDER, write_editor_files


def schemas(app: AppArgument = HERE) -> None:
    """Write JSON Schemas with the app's own names, and in each file the line that editors read."""
    folder = load_app_folder(app)
    registry = folder.registry()
    written = write_editor_files(folder, load_bundles((app / "metadata",))[0], registry)
    for path in written.changed:
        answers.print(str(path))
    answers.print(
        f"Wrote {counted(written.schemas, 'schema')} into {app / FOLDER}; "
        f"{counted(len(written.changed), 'file')} got the line that names its schema."
    )
