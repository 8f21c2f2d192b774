"""One bundle folder → LoadedBundle: every document read, its shape checked, its mistakes noted."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from kartoteka.diagnostics import Diagnostic, Diagnostics
from kartoteka.loading.collection_pause import collection_paused
from kartoteka.loading.document_schemas import KINDS
from kartoteka.loading.positioned import Mark, YamlList, YamlMap
from kartoteka.loading.shape_check import check_shape
from kartoteka.loading.yaml_reader import read_yaml
from kartoteka.location import Location
from kartoteka.model.bundle import BundleInfo
from kartoteka.model.label import Label
from kartoteka.names import did_you_mean

APP_BUNDLE = "app"  # name of a bundle without bundle.yaml: a customizer's first folder

_FOLDER_KINDS = {
    "choices": "choice", "entities": "entity", "field_groups": "field_group", "forms": "form",
    "labels": "labels", "navigation": "navigation", "relationships": "relationship",
    "security_roles": "role", "views": "view",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Document:
    """One file of a bundle; ``name`` is what it defines, or extends.

    ``only_with`` names the bundle without which the file takes no part; empty: it always does.
    """

    kind: str
    name: str
    is_extension: bool
    content: YamlMap
    bundle: str
    only_with: str = ""


@dataclass(frozen=True, slots=True)
class LoadedBundle:
    """A bundle as its files say it, before any other bundle is known.

    ``unreadable`` names objects ``(kind, name)`` that are there but cannot be read, so that what
    refers to them is not reported as well. ``requires_at`` are the places of ``info.requires``.
    """

    info: BundleInfo
    documents: tuple[Document, ...]
    diagnostics: tuple[Diagnostic, ...] = ()
    unreadable: frozenset[tuple[str, str]] = frozenset()
    requires_at: tuple[Location, ...] = ()

    @property
    def is_readable(self) -> bool:
        """Return whether it is known what the bundle is called and what comes before it."""
        return {("", "bundle"), ("bundle", "bundle")}.isdisjoint(self.unreadable)


def load_bundle(folder: Path, *, shown_from: Path | None = None) -> LoadedBundle:
    """Return what a bundle's files say.

    Args:
        folder: Holds ``bundle.yaml`` and, at any depth, the other documents.
        shown_from: Files are named relative to it where possible; the working folder by default.
    """
    diagnostics = Diagnostics()
    documents: list[Document] = []
    unreadable: set[tuple[str, str]] = set()
    info: BundleInfo | None = None
    requires_at: tuple[Location, ...] = ()
    shown_from = (shown_from or Path.cwd()).resolve()
    if not folder.is_dir():
        place = Mark(_shown(folder, shown_from), 1, 1).location()
        diagnostics.add(place, "bundle/no-folder", "there is no such folder")
    for path in _yaml_files(folder, diagnostics, shown_from):
        shown_as = _shown(path, shown_from)
        content = read_yaml(path, diagnostics, shown_as=shown_as)
        guessed = _FOLDER_KINDS.get(path.parent.name, "")
        if content is None:
            unreadable.add((guessed, path.stem))
            continue
        kind = _kind_of(content, diagnostics)
        if not kind:
            unreadable.add((guessed, path.stem))
            continue
        _spell_out_items(content, kind)
        check_shape(content, kind, diagnostics)
        name = content.get("extends" if "extends" in content else "name", "")
        if not name:
            unreadable.add((kind, path.stem))
            continue
        _check_file_name(path, kind, content, diagnostics)
        if kind == "bundle":
            info = _bundle_info(content)
            requires_at = _places_of(content.get("requires"))
            if any(_is_damaged(content, key) for key in ("requires", "works_with")):
                unreadable.add((kind, path.stem))
            continue
        if "only_with" in content.damaged:
            unreadable.add((kind, name))
            continue
        is_extension, only_with = "extends" in content, content.get("only_with", "")
        documents.append(Document(kind, name, is_extension, content, "", only_with))
    if info is None:
        info = BundleInfo(APP_BUNDLE, location=Mark(_shown(folder, shown_from), 1, 1).location())
    named = tuple(replace(item, bundle=info.name) for item in documents)
    return LoadedBundle(info, named, tuple(diagnostics), frozenset(unreadable), requires_at)


def load_bundles(
    folders: Sequence[Path], *, shown_from: Path | None = None
) -> tuple[LoadedBundle, ...]:
    """Return the bundles of several folders, in the order given."""
    with collection_paused():
        return tuple(load_bundle(folder, shown_from=shown_from) for folder in folders)


def _yaml_files(folder: Path, diagnostics: Diagnostics, shown_from: Path) -> list[Path]:
    found: list[Path] = []
    for parent, folders, files in os.walk(folder):
        folders[:] = sorted(name for name in folders if not name.startswith("."))
        for name in sorted(files):
            path = Path(parent, name)
            if name.startswith("."):
                continue
            if path.suffix == ".yaml":
                found.append(path)
            elif path.suffix.lower() in (".yml", ".yaml"):
                diagnostics.add(
                    Mark(_shown(path, shown_from), 1, 1).location(), "bundle/file-ending",
                    f'the file ends in "{path.suffix}" and would not be read',
                    f'call it "{path.stem}.yaml"',
                )  # fmt: skip
    return found


def _shown(path: Path, shown_from: Path) -> str:
    resolved = path.resolve()
    if resolved.is_relative_to(shown_from):
        return resolved.relative_to(shown_from).as_posix()
    return resolved.as_posix()


def _kind_of(content: YamlMap, diagnostics: Diagnostics) -> str:
    if "kind" not in content:
        diagnostics.add(
            content.mark.location(), "shape/missing-key", 'the document needs "kind"',
            f"one of {', '.join(KINDS)}",
        )  # fmt: skip
        return ""
    kind = content["kind"]
    if kind not in KINDS:
        hint = did_you_mean(kind, KINDS) if isinstance(kind, str) else ""
        diagnostics.add(
            content.at("kind", "kind"), "shape/unknown-kind",
            "kind does not name a document kind" if not isinstance(kind, str)
            else f'"{kind[:60]}" is not a document kind',
            hint or f"one of {', '.join(KINDS)}",
        )  # fmt: skip
        return ""
    return str(kind)


def _check_file_name(path: Path, kind: str, content: YamlMap, diagnostics: Diagnostics) -> None:
    if "extends" in content:
        return
    expected = "bundle" if kind == "bundle" else content["name"]
    if path.stem != expected:
        diagnostics.add(
            content.at("name", "name"), "bundle/file-name",
            f'the file is called "{path.name}" but is the {kind} "{content["name"][:60]}"',
            f'call it "{expected[:60]}.yaml"',
        )  # fmt: skip


def _bundle_info(content: YamlMap) -> BundleInfo:
    return BundleInfo(
        name=content["name"],
        label=Label(dict(content.get("label") or {})),
        prefix=content.get("prefix", ""),
        requires=tuple(content.get("requires", ())),
        works_with=tuple(content.get("works_with", ())),
        version=content.get("version", ""),
        location=content.at("name", "name"),
    )


def _is_damaged(content: YamlMap, key: str) -> bool:
    items = content.get(key)
    return key in content.damaged or (isinstance(items, YamlList) and items.is_damaged)


def _places_of(items: object) -> tuple[Location, ...]:
    marks = items.item_marks if isinstance(items, YamlList) else ()
    return tuple(mark.location() for mark in marks)


def _spell_out_items(value: YamlMap, kind: str) -> None:
    """Turn a bare field name among controls or columns into the map it stands for."""
    if kind == "view":
        _spell_out(value.get("columns"))
    elif kind == "form":
        for tab in _maps(value.get("tabs")):
            for section in _maps(tab.get("sections")):
                _spell_out(section.get("controls"))


def _maps(value: object) -> list[YamlMap]:
    items = value if isinstance(value, YamlList) else ()
    return [item for item in items if isinstance(item, YamlMap)]


def _spell_out(items: object) -> None:
    if not isinstance(items, YamlList):
        return
    for index, (item, mark) in enumerate(items.marked()):
        if isinstance(item, str):
            spelled = YamlMap(mark)
            spelled.put("field", item, key_mark=mark, value_mark=mark)
            items[index] = spelled
