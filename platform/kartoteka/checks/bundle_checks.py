"""Rules about bundles: what a bundle adds bears its prefix."""

from __future__ import annotations

from collections.abc import Iterator

from kartoteka.checks.scope import Scope
from kartoteka.diagnostics import Diagnostic
from kartoteka.loading.read_label import maps_in
from kartoteka.names import has_prefix

_PREFIXED_KINDS = (
    "choice", "entity", "field_group", "form", "navigation", "relationship", "role", "view",
)  # fmt: skip


def check_bundles(scope: Scope) -> Iterator[Diagnostic]:
    """Yield names that lack the prefix of the bundle that adds them.

    In its own entities a bundle names fields as it likes: nobody else's can meet them.
    """
    prefixes = {bundle.name: bundle.prefix for bundle in scope.registry.bundles}
    for kind in _PREFIXED_KINDS:
        for name, content in scope.tree.of_kind(kind).items():
            prefix = prefixes.get(scope.tree.bundle_of.get((kind, name), ""), "")
            if not has_prefix(name, prefix):
                yield Diagnostic(
                    content.at("name"), "bundle/prefix",
                    f'the {kind.replace("_", " ")} "{name}" must begin with "{prefix}_", '
                    "the prefix of its bundle", f'call it "{prefix}_{name}"',
                )  # fmt: skip
    for name, content in scope.tree.of_kind("entity").items():
        owner = scope.tree.bundle_of["entity", name]
        for item in maps_in(content, "fields"):
            if "name" not in item or item["name"].endswith("_base") and "base_of" in item:
                continue
            adder = scope.tree.bundle_at(item.value_marks["name"], owner)
            prefix = prefixes.get(adder, "")
            if adder != owner and not has_prefix(item["name"], prefix):
                yield Diagnostic(
                    item.at("name"), "bundle/prefix",
                    f'the field "{item["name"]}" of another bundle\'s "{name}" must begin '
                    f'with "{prefix}_"', f'call it "{prefix}_{item["name"]}"',
                )  # fmt: skip
