"""What ``extends: account`` adds: the documents of all bundles, layer over layer, as one tree."""

from __future__ import annotations

from kartoteka.diagnostics import Diagnostics
from kartoteka.loading.load_bundle import Document, LoadedBundle
from kartoteka.loading.merge_documents import merge_extension
from kartoteka.loading.metadata_tree import MetadataTree
from kartoteka.loading.positioned import YamlMap, copy_of
from kartoteka.loading.repeated_items import drop_repeated
from kartoteka.loading.shape_check import check_complete
from kartoteka.names import did_you_mean

# What an extension cannot change: it would be another object.
FIXED_KEYS: dict[str, tuple[str, ...]] = {
    "entity": ("activity", "ownership", "primary_id"),
    "form": ("entity", "type"),
    "relationship": ("left", "right", "intersect"),
    "rule": ("entity",),
    "view": ("entity", "type"),
}


def merge_bundles(bundles: tuple[LoadedBundle, ...], diagnostics: Diagnostics) -> MetadataTree:
    """Return the layers as one tree; mistakes between them go to ``diagnostics``.

    Args:
        bundles: Lowest layer first.
        diagnostics: Receives objects defined twice, extensions of nothing, names given twice.
    """
    tree = MetadataTree()
    for layer, bundle in enumerate(bundles):
        tree.bundle_of_layer.append(bundle.info.name)
        tree.customizable[bundle.info.name] = bundle.info.customizable
        for document in bundle.documents:
            tree.layer_of[document.content.mark.file] = layer
    defined_in = {
        (document.kind, document.name): bundle.info.name
        for bundle in bundles
        for document in bundle.documents
        if not document.is_extension
    }
    extended: set[tuple[str, str]] = set()
    for bundle in bundles:
        tree.unreadable |= bundle.unreadable
        for document in bundle.documents:
            if document.kind == "labels":
                tree.labels.append(document)
            elif not document.is_extension:
                _define(tree, document, diagnostics)
        for document in bundle.documents:
            if document.kind != "labels" and document.is_extension:
                if _extend(tree, document, defined_in, diagnostics):
                    extended.add((document.kind, document.name))
    for kind, name in sorted(extended):
        check_complete(tree.objects[kind][name], kind, diagnostics)
    return tree


def _define(tree: MetadataTree, document: Document, diagnostics: Diagnostics) -> None:
    objects = tree.of_kind(document.kind)
    if document.name in objects:
        other = objects[document.name].at("name")
        diagnostics.add(
            document.content.at("name", "name"), "bundle/duplicate-object",
            f'the {_spoken(document.kind)} "{document.name}" is already defined in {other}',
            f"to change it, write extends: {document.name} instead of name",
        )  # fmt: skip
        return
    content = copy_of(document.content)
    drop_repeated(content, document.kind, diagnostics)
    objects[document.name] = content
    tree.bundle_of[document.kind, document.name] = document.bundle


def _extend(
    tree: MetadataTree,
    document: Document,
    defined_in: dict[tuple[str, str], str],
    diagnostics: Diagnostics,
) -> bool:
    target = tree.of_kind(document.kind).get(document.name)
    if target is None:
        if (document.kind, document.name) in tree.unreadable:
            return False
        later = defined_in.get((document.kind, document.name), "")
        hint = did_you_mean(document.name, tree.of_kind(document.kind))
        if later:
            hint = (
                f'bundle "{later}" defines it; '
                "name that bundle in requires or works_with of bundle.yaml"
            )
        diagnostics.add(
            document.content.at("extends", "extends"), "extension/unknown-object",
            f'there is no {_spoken(document.kind)} "{document.name}" to extend', hint,
        )  # fmt: skip
        return False
    content = copy_of(document.content)
    _drop_fixed(content, target, document, diagnostics)
    drop_repeated(content, document.kind, diagnostics)
    owner = tree.bundle_of[document.kind, document.name]
    _drop_owners_keys(content, target, document, owner, tree, diagnostics)
    fields = _fields_of(tree, document.kind, target)
    merge_extension(target, content, document.kind, diagnostics, fields=fields)
    return True


def _fields_of(tree: MetadataTree, kind: str, content: YamlMap) -> dict[str, YamlMap]:
    """Return the fields of the entity that an object is, or is about, by name."""
    entities = tree.of_kind("entity")
    entity = content if kind == "entity" else entities.get(content.get("entity", ""), YamlMap())
    return {item["name"]: item for item in entity.get("fields") or () if "name" in item}


def _drop_fixed(
    content: YamlMap, target: YamlMap, document: Document, diagnostics: Diagnostics
) -> None:
    """Report what an extension wants to change that makes the object what it is."""
    for key in FIXED_KEYS.get(document.kind, ()):
        if key in content and content[key] != target.get(key):
            diagnostics.add(
                content.at(key, key), "extension/fixed-key",
                f'the {key} of the {_spoken(document.kind)} "{document.name}" cannot change',
                f"define a {_spoken(document.kind)} of another name",
            )  # fmt: skip
            content.take_out(key)


def _drop_owners_keys(
    content: YamlMap,
    target: YamlMap,
    document: Document,
    owner: str,
    tree: MetadataTree,
    diagnostics: Diagnostics,
) -> None:
    """Report what only the bundle that defines an object or field may say of it."""

    def refuse(item: YamlMap, bundle: str, noun: str, name: str) -> None:
        if bundle == document.bundle:
            return
        if "customizable" in item:
            diagnostics.add(
                item.at_key("customizable"), "extension/not-customizable",
                f'the {noun} "{name}" belongs to bundle "{bundle}", which alone says what may be '
                "changed of it", "leave it out",
            )  # fmt: skip
            item.take_out("customizable")
        if "renamed_from" in item:
            diagnostics.add(
                item.at_key("renamed_from"), "renamed/elsewhere",
                f'the {noun} "{name}" belongs to bundle "{bundle}", which alone can rename it',
                "leave it out; to call it something else, give it another label",
            )  # fmt: skip
            item.take_out("renamed_from")

    refuse(content, owner, _spoken(document.kind), document.name)
    known = {item.get("name"): item for item in target.get("fields") or ()}
    for item in content.get("fields") or ():
        if item.get("name") in known:
            adder = tree.bundle_at(known[item["name"]].value_marks["name"], owner)
            refuse(item, adder, "field", item["name"])


def _spoken(kind: str) -> str:
    return kind.replace("_", " ")
