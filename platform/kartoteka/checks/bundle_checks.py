"""Rules about bundles: what a bundle adds bears its prefix."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from kartoteka.checks.scope import Scope
from kartoteka.diagnostics import Diagnostic
from kartoteka.loading.read_label import maps_in
from kartoteka.names import has_prefix


def check_prefix(scope: Scope, kind: str, name: str) -> Iterator[Diagnostic]:
    """Yield a diagnostic when an object's name lacks the prefix of the bundle that adds it."""
    prefixes = scope.prefixes.get(scope.tree.bundle_of.get((kind, name), ""), ())
    if _lacks_prefix(name, prefixes):
        prefix = prefixes[0]
        yield Diagnostic(
            scope.content(kind, name).at("name"), "bundle/prefix",
            f'the {kind.replace("_", " ")} "{name}" must begin with "{prefix}_", '
            "the prefix of its bundle", f'call it "{prefix}_{name}"',
        )  # fmt: skip


def check_field_prefixes(scope: Scope, name: str) -> Iterator[Diagnostic]:
    """Yield fields of an entity that lack the prefix of the bundle that adds them.

    In its own entities a bundle names fields as it likes: nobody else's can meet them.
    """
    owner = scope.tree.bundle_of["entity", name]
    for item in maps_in(scope.content("entity", name), "fields"):
        if "name" not in item or item["name"].endswith("_base") and "base_of" in item:
            continue
        adder = scope.tree.bundle_at(item.value_marks["name"], owner)
        prefixes = scope.prefixes.get(adder, ())
        if adder != owner and _lacks_prefix(item["name"], prefixes):
            prefix = prefixes[0]
            yield Diagnostic(
                item.at("name"), "bundle/prefix",
                f'the field "{item["name"]}" of another bundle\'s "{name}" must begin '
                f'with "{prefix}_"', f'call it "{prefix}_{item["name"]}"',
            )  # fmt: skip


def _lacks_prefix(name: str, prefixes: Sequence[str]) -> bool:
    return bool(prefixes) and not any(has_prefix(name, prefix) for prefix in prefixes)
