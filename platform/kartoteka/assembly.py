"""assemble(bundles) -> Registry: the only road to a Registry."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from kartoteka.checks.run_checks import run_checks
from kartoteka.checks.scope import Scope
from kartoteka.diagnostics import Diagnostics
from kartoteka.errors import MetadataError
from kartoteka.loading.apply_labels import apply_group_labels, apply_labels, read_messages
from kartoteka.loading.bundle_order import in_order
from kartoteka.loading.collection_pause import collection_paused
from kartoteka.loading.expand_entities import expand_entities
from kartoteka.loading.extensions import MetadataTree, merge_bundles
from kartoteka.loading.load_bundle import LoadedBundle, load_bundle, load_bundles
from kartoteka.loading.only_with import taking_part
from kartoteka.model.bundle import BundleInfo
from kartoteka.model.label import Label
from kartoteka.read_registry import read_registry
from kartoteka.registry import Registry

__all__ = ["LoadedBundle", "assemble", "load_bundle", "load_bundles"]


@collection_paused()
def assemble(
    bundles: Sequence[LoadedBundle],
    *,
    command_handlers: frozenset[tuple[str, str]] | None = frozenset(),
    panels: frozenset[str] | None = frozenset(),
    languages: Sequence[str] = (),
    base_language: str = "en",
) -> Registry:
    """Return the registry that bundles make together.

    Args:
        bundles: In any order that suits; ``requires`` moves a bundle behind what it needs, and
            ``works_with`` behind what it can do without.
        command_handlers: ``(entity, command)`` that plugins carry out, whether or not the entity
            is there; None: not known, so that commands which nobody carries out are let pass.
        panels: Names of the panels that plugins provide, whether or not a form places them;
            None: not known, every name passes.
        languages: What people may choose; by default all that any bundle has texts in.
        base_language: What is shown where a language has no text.

    Raises:
        MetadataError: With every mistake in every file, in file order.
    """
    diagnostics = Diagnostics()
    for bundle in bundles:
        diagnostics.extend(bundle.diagnostics)
    ordered = taking_part(in_order(bundles, diagnostics), diagnostics)
    tree = merge_bundles(ordered, diagnostics)
    messages = read_messages(tree)
    apply_group_labels(tree, diagnostics)
    expand_entities(tree, messages)
    apply_labels(tree, diagnostics)
    registry = read_registry(
        tree,
        messages,
        tuple(_labelled(bundle, tree) for bundle in ordered),
        languages=tuple(languages) or _languages_in(tree, base_language),
        base_language=base_language,
    )
    scope = Scope(registry, tree, command_handlers=command_handlers, panels=panels)
    diagnostics.extend(run_checks(scope))
    if len(diagnostics):
        raise MetadataError(diagnostics)
    return registry


def _labelled(bundle: LoadedBundle, tree: MetadataTree) -> BundleInfo:
    texts = dict(bundle.info.label.texts)
    for document in tree.labels:
        if document.bundle == bundle.info.name and "bundle_label" in document.content:
            texts[document.content.get("language", "")] = document.content["bundle_label"]
    return replace(bundle.info, label=Label(texts))


def _languages_in(tree: MetadataTree, base_language: str) -> tuple[str, ...]:
    found = {document.content.get("language", base_language) for document in tree.labels}
    return (base_language, *sorted(found - {base_language}))
