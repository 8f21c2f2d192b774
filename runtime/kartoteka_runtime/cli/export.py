"""`kartoteka export [APP] --to DIR`: the live registry as the files of a standalone app."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from kartoteka.loading.load_bundle import APP_BUNDLE
from kartoteka.registry import Registry
from kartoteka.registry_documents.documents import documents
from kartoteka.yaml_text.source_tree import node_of
from kartoteka.yaml_text.write_text import document_text
from kartoteka_runtime.app_folder import AppFolder
from kartoteka_runtime.cli.app_argument import HERE, AppArgument
from kartoteka_runtime.cli.console import answers, counted
from kartoteka_runtime.cli.exported_folder import write_exported
from kartoteka_runtime.cli.opened_app import with_published_app
from kartoteka_runtime.runtime_parts import RuntimeParts

_HEAD = [
    "# Made by `kartoteka export`: what was live, in files that need neither base nor plugins'",
    "# metadata. Plugins are named for what they do.",
]


def export(
    to: Annotated[
        Path,
        typer.Option(
            "--to", metavar="DIR", help="Folder to write to: new, empty, or an earlier export."
        ),
    ],
    app: AppArgument = HERE,
) -> None:
    """Write what is live as an app of its own, one canonical file an object."""

    async def work(parts: RuntimeParts) -> dict[str, str]:
        return exported_files(parts.app_folder, parts.live_registry.current.registry)

    files = with_published_app(app, work)
    write_exported(to, files)
    answers.print(f"Wrote {counted(len(files), 'file')} to {to}.")


def exported_files(app_folder: AppFolder, registry: Registry) -> dict[str, str]:
    """Return ``{path: text}`` of an app that means what ``registry`` means."""
    files = {f"metadata/{path}": text for path, text in documents(registry)}
    bundle = {
        "kind": "bundle", "format": 1, "name": APP_BUNDLE,
        "label": {registry.base_language: app_folder.label},
    }  # fmt: skip
    return {
        "kartoteka.yaml": _app_file(app_folder, registry),
        "metadata/bundle.yaml": document_text(node_of(bundle), []),
        **files,
    }


def _app_file(app_folder: AppFolder, registry: Registry) -> str:
    currency = app_folder.currency
    root = node_of({
        "name": app_folder.name,
        "label": app_folder.label,
        "standalone": True,
        "plugins": [plugin.name for plugin in app_folder.plugins],
        "languages": list(registry.languages),
        "base_language": registry.base_language,
        "currency": {
            "code": currency.code, "symbol": currency.symbol, "name": currency.name,
            "precision": currency.precision,
        },
    })  # fmt: skip
    return document_text(root, _HEAD)
