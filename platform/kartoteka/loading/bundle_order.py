"""Bundles in layer order: each after what it requires or works with, otherwise as given."""

from __future__ import annotations

from collections.abc import Sequence

from kartoteka.diagnostics import Diagnostics
from kartoteka.loading.load_bundle import LoadedBundle
from kartoteka.names import did_you_mean


def in_order(bundles: Sequence[LoadedBundle], diagnostics: Diagnostics) -> tuple[LoadedBundle, ...]:
    """Return the bundles, lowest layer first.

    Bundles of one name, missing requirements and circles are reported; the order is then still
    one that lets the other checks run.
    """
    by_name: dict[str, LoadedBundle] = {}
    for bundle in bundles:
        name = bundle.info.name
        if name in by_name:
            diagnostics.add(
                bundle.info.location, "bundle/duplicate-bundle",
                f'there is already a bundle "{name}", in {by_name[name].info.location}',
            )  # fmt: skip
        else:
            by_name[name] = bundle
    # A bundle whose bundle.yaml cannot be read may be the one that is missed.
    is_complete = all(bundle.is_readable for bundle in bundles)
    for bundle in by_name.values():
        for needed, place in zip(bundle.info.requires, bundle.requires_at, strict=True):
            if needed not in by_name and is_complete:
                diagnostics.add(
                    place, "bundle/missing-requirement",
                    f'bundle "{bundle.info.name}" requires "{needed}", which is not loaded',
                    did_you_mean(needed, by_name) or "add it to the plugins of the app",
                )  # fmt: skip
    return tuple(_sorted(by_name, diagnostics))


def _sorted(by_name: dict[str, LoadedBundle], diagnostics: Diagnostics) -> list[LoadedBundle]:
    ordered: list[LoadedBundle] = []
    done: set[str] = set()
    under_way: list[str] = []

    def visit(name: str) -> None:
        if name in done:
            return
        bundle = by_name[name]
        if name in under_way:
            circle = [*under_way[under_way.index(name) :], name]
            diagnostics.add(
                bundle.info.location, "bundle/cycle",
                f"bundles wait for one another in a circle: {' → '.join(circle)}",
            )  # fmt: skip
            return
        under_way.append(name)
        for earlier in (*bundle.info.requires, *bundle.info.works_with):
            if earlier in by_name:
                visit(earlier)
        under_way.pop()
        done.add(name)
        ordered.append(bundle)

    for name in by_name:
        visit(name)
    return ordered
