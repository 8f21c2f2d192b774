"""Documents that say ``only_with: sales``: without that bundle they take no part."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kartoteka.diagnostics import Diagnostics
from kartoteka.loading.load_bundle import Document, LoadedBundle
from kartoteka.names import did_you_mean


def taking_part(
    bundles: Sequence[LoadedBundle], diagnostics: Diagnostics
) -> tuple[LoadedBundle, ...]:
    """Return the bundles without the documents that are meant for bundles which are not there.

    What is left out by mistake (its own bundle does not know the one it names, needs it, or it may
    be there but cannot be read) counts as unreadable, so that nothing else is reported.
    """
    loaded = {bundle.info.name for bundle in bundles}
    is_complete = all(bundle.is_readable for bundle in bundles)
    found: list[LoadedBundle] = []
    for bundle in bundles:
        known = {*bundle.info.requires, *bundle.info.works_with}
        kept: list[Document] = []
        lost: set[tuple[str, str]] = set()
        for document in bundle.documents:
            wanted = document.only_with
            if not wanted or (wanted in known and wanted in loaded):
                kept.append(document)
                continue
            if wanted not in known and bundle.is_readable:
                diagnostics.add(
                    document.content.at("only_with", "only_with"), "bundle/unknown-companion",
                    f'bundle "{bundle.info.name}" neither requires nor works with "{wanted}"',
                    did_you_mean(wanted, known) or "name it in works_with of bundle.yaml",
                )  # fmt: skip
            if wanted not in bundle.info.works_with or not is_complete:
                lost.add((document.kind, document.name))
        found.append(replace(bundle, documents=tuple(kept), unreadable=bundle.unreadable | lost))
    return tuple(found)
