"""One bundle folder → LoadedBundle: every document read, its shape checked, its mistakes noted."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from kartoteka.diagnostics import Diagnostic, Diagnostics
from kartoteka.loading.bundle_files import BundleFile, BundleFiles, find_files
from kartoteka.loading.collection_pause import collection_paused
from kartoteka.loading.document_schemas import KINDS
from kartoteka.loading.positioned import Mark, YamlList, YamlMap
from kartoteka.loading.shape_check import check_shape
from kartoteka.loading.yaml_reader import file_bytes, read_yaml_bytes
from kartoteka.location import Location
from kartoteka.model.bundle import BundleInfo
from kartoteka.model.label import Label
from kartoteka.names import did_you_mean

APP_BUNDLE = "app"  # name of a bundle without bundle.yaml: a customizer's first folder

_FOLDER_KINDS = {
    "access_tests": "access_test", "choices": "choice", "column_profiles": "column_profile",
    "entities": "entity", "field_groups": "field_group", "forms": "form", "labels": "labels",
    "navigation": "navigation", "relationships": "relationship", "rules": "rule",
    "security_roles": "role", "views": "view",
}  # fmt: skip


def folder_of_kind(kind: str) -> str:
    """Return the folder in which documents of a kind lie by custom; "" for the bundle's own."""
    return next((folder for folder, found in _FOLDER_KINDS.items() if found == kind), "")


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
class LoadedFile:
    """What one file says, before anything else of its bundle is known.

    Either ``document`` or ``info`` is there, neither when the file cannot be used; ``document``
    does not know its bundle yet. The other parts are those of ``LoadedBundle``.
    """

    document: Document | None = None
    info: BundleInfo | None = None
    diagnostics: tuple[Diagnostic, ...] = ()
    unreadable: frozenset[tuple[str, str]] = frozenset()
    requires_at: tuple[Location, ...] = ()


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
    found = find_files(folder, shown_from=shown_from)
    return bundle_of_files(found, [load_file(file) for file in found.files])


def load_bundles(
    folders: Sequence[Path], *, shown_from: Path | None = None
) -> tuple[LoadedBundle, ...]:
    """Return the bundles of several folders, in the order given."""
    with collection_paused():
        return tuple(load_bundle(folder, shown_from=shown_from) for folder in folders)


def load_file(file: BundleFile) -> LoadedFile:
    """Return what one file of a bundle says."""
    diagnostics = Diagnostics()
    data = file_bytes(Path(file.path), diagnostics, shown_as=file.shown_as)
    return load_data(file, data, diagnostics)


def load_data(file: BundleFile, data: bytes | None, diagnostics: Diagnostics) -> LoadedFile:
    """Return what the bytes of a file say, and nothing else decides.

    Args:
        file: Where they were read.
        data: None when they could not be read, which ``diagnostics`` then tell.
        diagnostics: What was found while reading them; it becomes part of the answer.
    """
    path = Path(file.path)
    content = None if data is None else read_yaml_bytes(data, diagnostics, shown_as=file.shown_as)
    kind = "" if content is None else _kind_of(content, diagnostics)
    if content is None or not kind:
        guessed = _FOLDER_KINDS.get(path.parent.name, "")
        return _unusable(guessed, path.stem, diagnostics)
    _spell_out_items(content, kind)
    check_shape(content, kind, diagnostics)
    name = content.get("extends" if "extends" in content else "name", "")
    if not name:
        return _unusable(kind, path.stem, diagnostics)
    _check_file_name(path, kind, content, diagnostics)
    if kind == "bundle":
        is_whole = not any(_is_damaged(content, key) for key in ("requires", "works_with"))
        return LoadedFile(
            info=_bundle_info(content),
            diagnostics=tuple(diagnostics),
            unreadable=frozenset() if is_whole else frozenset({(kind, path.stem)}),
            requires_at=_places_of(content.get("requires")),
        )
    if "only_with" in content.damaged:
        return _unusable(kind, name, diagnostics)
    is_extension, only_with = "extends" in content, content.get("only_with", "")
    document = Document(kind, name, is_extension, content, "", only_with)
    return LoadedFile(document=document, diagnostics=tuple(diagnostics))


def bundle_of_files(found: BundleFiles, files: Sequence[LoadedFile]) -> LoadedBundle:
    """Return the bundle that the files of a folder make."""
    diagnostics = Diagnostics()
    diagnostics.extend(found.diagnostics)
    info = BundleInfo(APP_BUNDLE, location=Mark(found.shown_as, 1, 1).location())
    requires_at: tuple[Location, ...] = ()
    unreadable: set[tuple[str, str]] = set()
    for file in files:
        diagnostics.extend(file.diagnostics)
        unreadable |= file.unreadable
        if file.info is not None:
            info, requires_at = file.info, file.requires_at
    documents = tuple(
        Document(one.kind, one.name, one.is_extension, one.content, info.name, one.only_with)
        for one in (file.document for file in files)
        if one is not None
    )
    return LoadedBundle(info, documents, tuple(diagnostics), frozenset(unreadable), requires_at)


def _unusable(kind: str, name: str, diagnostics: Diagnostics) -> LoadedFile:
    return LoadedFile(diagnostics=tuple(diagnostics), unreadable=frozenset({(kind, name)}))


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
        more_prefixes=tuple(content.get("more_prefixes", ())),
        requires=tuple(content.get("requires", ())),
        works_with=tuple(content.get("works_with", ())),
        version=content.get("version", ""),
        customizable=content.get("customizable", True),
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
