"""assemble(bundles) -> Registry: the only road to a Registry, in stages that ``workspace`` uses."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from kartoteka.checks.run_checks import run_checks
from kartoteka.checks.scope import Scope
from kartoteka.diagnostics import Diagnostics
from kartoteka.errors import MetadataError
from kartoteka.loading.apply_labels import apply_group_labels, apply_labels, read_messages
from kartoteka.loading.bundle_order import in_order
from kartoteka.loading.collection_pause import collection_paused
from kartoteka.loading.expand_entities import expand_entities
from kartoteka.loading.extensions import merge_bundles
from kartoteka.loading.load_bundle import LoadedBundle, load_bundle, load_bundles
from kartoteka.loading.metadata_tree import MetadataTree
from kartoteka.loading.only_with import taking_part
from kartoteka.loading.positioned import YamlMap
from kartoteka.model.bundle import BundleInfo
from kartoteka.model.label import Label
from kartoteka.read_registry import read_registry
from kartoteka.registry import Registry
from kartoteka.remembered_steps import FORGETFUL, Steps

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
    options = AssemblyOptions(command_handlers, panels, tuple(languages), base_language)
    diagnostics = Diagnostics()
    layers = in_layers(bundles, diagnostics)
    tree, messages = merged(layers, diagnostics)
    return checked(tree, messages, layers, options, diagnostics)


@dataclass(frozen=True, slots=True)
class AssemblyOptions:
    """What a check knows beside the files: the options of ``assemble``."""

    command_handlers: frozenset[tuple[str, str]] | None = frozenset()
    panels: frozenset[str] | None = frozenset()
    languages: tuple[str, ...] = ()
    base_language: str = "en"


def in_layers(
    bundles: Sequence[LoadedBundle], diagnostics: Diagnostics
) -> tuple[LoadedBundle, ...]:
    """Return the bundles, lowest layer first, with the documents that take part."""
    for bundle in bundles:
        diagnostics.extend(bundle.diagnostics)
    return taking_part(in_order(bundles, diagnostics), diagnostics)


def merged(
    layers: tuple[LoadedBundle, ...], diagnostics: Diagnostics
) -> tuple[MetadataTree, YamlMap]:
    """Return what the layers say together, completed and labelled, and ``{message: texts}``.

    What becomes of an object depends on the documents about it, field groups, messages and the
    bundles, and on no other object: ``workspace`` merges only those that have changed.
    """
    tree = merge_bundles(layers, diagnostics)
    messages = read_messages(tree)
    apply_group_labels(tree, diagnostics)
    expand_entities(tree, messages)
    apply_labels(tree, diagnostics)
    return tree, messages


def checked(
    tree: MetadataTree,
    messages: YamlMap,
    layers: tuple[LoadedBundle, ...],
    options: AssemblyOptions,
    diagnostics: Diagnostics,
    steps: Steps = FORGETFUL,
) -> Registry:
    """Return the registry of a tree; ``steps`` may remember reading and checking single objects.

    Raises:
        MetadataError: With what the checks found and what was in ``diagnostics`` before.
    """
    registry = read_registry(
        tree,
        messages,
        tuple(_labelled(bundle, tree) for bundle in layers),
        languages=options.languages or _languages_in(tree, options.base_language),
        base_language=options.base_language,
        steps=steps,
    )
    scope = Scope(
        registry,
        tree,
        command_handlers=options.command_handlers,
        panels=options.panels,
    )
    diagnostics.extend(run_checks(scope, steps))
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
