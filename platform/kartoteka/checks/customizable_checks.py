"""Rules about managed parts: later bundles change only what the bundle below lets them change."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from kartoteka.checks.scope import Scope
from kartoteka.diagnostics import Diagnostic
from kartoteka.loading.customizable import Permission, changed_key, permission_of
from kartoteka.loading.document_schemas import schema_of
from kartoteka.loading.positioned import ADDED, MOVED, REMOVED, YamlList, YamlMap, marks_in
from kartoteka.loading.property_paths import item_steps, join_path, split_path, spoken_name
from kartoteka.loading.read_label import maps_in
from kartoteka.loading.sources import MESSAGES, sources_of
from kartoteka.model.set_by import SetBy
from kartoteka.names import did_you_mean

_HEAD_KEYS = frozenset({
    "kind", "format", "name", "renamed_from", "extends", "only_with", "customizable",
})  # fmt: skip
_TEXT_KEYS = frozenset({
    "confirm", "details", "false_label", "help", "label", "left_label", "message", "plural_label",
    "right_label", "true_label",
})  # fmt: skip
_ARTICLES = {"entity": "an"}
_INNER_LISTS = {"form": ("sections", "controls"), "navigation": ("entries",)}


def check_customizable(scope: Scope) -> Iterator[Diagnostic]:
    """Yield changes that the bundle which defines something does not let others make.

    Costs next to nothing while no bundle keeps anything to itself.
    """
    yield from _check_bundle_keys(scope)
    restricting = any(said is not True for said in scope.tree.customizable.values())
    for kind, objects in scope.tree.objects.items():
        for name, content in objects.items():
            own = _declarations(content)
            for holder, declared in own:
                of = "field" if holder is not content else kind
                yield from _check_keys(declared, of)
            if (own or restricting) and _is_layered(scope, content):
                yield from _check_object(scope, kind, name)
    if restricting:
        for key, label in scope.registry.messages.items():
            if label.texts:
                yield from _check_object(scope, MESSAGES, key)


def _declarations(content: YamlMap) -> list[tuple[YamlMap, Any]]:
    """Return what an object and its fields say of themselves."""
    holders = [content, *maps_in(content, "fields")]
    return [(item, item["customizable"]) for item in holders if "customizable" in item]


def _check_bundle_keys(scope: Scope) -> Iterator[Diagnostic]:
    for said in scope.tree.customizable.values():
        if isinstance(said, YamlMap):
            for kind, declared in said.items():
                yield from _check_keys(declared, kind)


def _check_keys(declared: Any, kind: str) -> Iterator[Diagnostic]:
    if not isinstance(declared, YamlList):
        return
    known = _keys_of(kind)
    for key, mark in declared.marked():
        if key not in known:
            yield Diagnostic(
                mark.location(), "shape/unknown-key",
                f'"{key}" is not a key of {_ARTICLES.get(kind, "a")} {kind.replace("_", " ")}',
                did_you_mean(key, known) or f"known here: {', '.join(sorted(known))}",
            )  # fmt: skip


def _keys_of(kind: str) -> frozenset[str]:
    if kind == "field":
        properties = schema_of("entity")["$defs"]["field"]["properties"]
    else:
        properties = schema_of(kind)["properties"]
    return frozenset(properties) - _HEAD_KEYS | frozenset(_INNER_LISTS.get(kind, ()))


def _is_layered(scope: Scope, content: YamlMap) -> bool:
    """Return whether files of several bundles have a say in an object."""
    return len({scope.tree.layer_of.get(mark.file, 0) for mark in marks_in(content)}) > 1


def _check_object(scope: Scope, kind: str, name: str) -> Iterator[Diagnostic]:
    found = {
        split_path(path)[2:]: layers
        for path, layers in sources_of(scope.registry.sources, kind, name).items()
    }
    for path, layers in found.items():
        if path[0] in _HEAD_KEYS or path[-1] == "customizable":
            continue
        if _is_item(kind, name, path):
            yield from _check_item(scope, (kind, name), path, layers)
            continue
        permission = permission_of(scope.tree, kind, name, *path)
        if permission.allows(changed_key(kind, path)):
            continue
        above = _layers_above(scope, permission, layers)
        is_text = kind == MESSAGES or (len(path) > 1 and path[-2] in _TEXT_KEYS)
        if above and not (is_text and _is_translation(scope, permission, path, found)):
            for layer in above:
                yield _refused(kind, name, path, permission, layer, "change")


def _is_item(kind: str, name: str, path: tuple[str, ...]) -> bool:
    steps = (kind, name, *path)
    return kind != MESSAGES and item_steps(steps) == steps


def _check_item(
    scope: Scope, of: tuple[str, str], path: tuple[str, ...], layers: tuple[SetBy, ...]
) -> Iterator[Diagnostic]:
    """Judge an item added to, removed from or moved in a list by the one that holds the list."""
    permission = permission_of(scope.tree, *of, *path[:-2])
    if permission.allows(changed_key(of[0], path)):
        return
    verbs = {ADDED: "add", MOVED: "move", REMOVED: "remove"}
    for layer in _layers_above(scope, permission, layers):
        verb = verbs[layer.value.partition(" ")[0]]
        yield _refused(*of, path, permission, layer, verb)


def _layers_above(
    scope: Scope, permission: Permission, layers: tuple[SetBy, ...]
) -> tuple[SetBy, ...]:
    order = scope.tree.bundle_of_layer
    level = order.index(permission.bundle) if permission.bundle in order else -1
    return tuple(
        layer for layer in layers
        if not layer.is_derived and layer.bundle in order and order.index(layer.bundle) > level
    )  # fmt: skip


def _is_translation(
    scope: Scope,
    permission: Permission,
    path: tuple[str, ...],
    found: dict[tuple[str, ...], tuple[SetBy, ...]],
) -> bool:
    """Return whether a text is in a language that its owner lacks, having it in another one."""

    def has(path: tuple[str, ...]) -> bool:
        return len(_layers_above(scope, permission, found[path])) < len(found[path])

    others = [other for other in found if other[:-1] == path[:-1] and other != path]
    return not has(path) and any(has(other) for other in others)


def _refused(
    kind: str, name: str, path: tuple[str, ...], permission: Permission, layer: SetBy, verb: str
) -> Diagnostic:
    subject = spoken_name(join_path(kind, name, *path))
    if isinstance(permission.allowed, tuple):
        hint = f"it lets them change {', '.join(permission.allowed)}"
    else:
        hint = "leave it out; another language may always be added" if (
            len(path) > 1 and path[-2] in _TEXT_KEYS
        ) else "leave it out"  # fmt: skip
    return Diagnostic(
        layer.location, "extension/not-customizable",
        f'bundle "{permission.bundle}" does not let later bundles {verb} "{subject}"', hint,
    )  # fmt: skip
