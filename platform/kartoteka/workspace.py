"""Workspace: the same folders checked again and again, doing only what a change has touched.

Loaded files are kept by what they hold, merged objects by the documents that speak of them, read
objects and what their checks found by everything that was looked at for it. Whatever is not of that
form (bundles, field groups, mistakes between layers) makes it start anew; see decisions/0017.
"""

from __future__ import annotations

import hashlib
import time
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from kartoteka.assembly import AssemblyOptions, checked, in_layers, merged
from kartoteka.diagnostics import Diagnostic, Diagnostics
from kartoteka.errors import MetadataError
from kartoteka.loading.apply_labels import read_messages
from kartoteka.loading.bundle_files import BundleFile, BundleFiles, find_files
from kartoteka.loading.collection_pause import collection_paused
from kartoteka.loading.expand_entities import (
    BASE_AMOUNT_MESSAGE,
    STATE_MESSAGES,
    YES_NO_MESSAGES,
)
from kartoteka.loading.load_bundle import (
    Document,
    LoadedBundle,
    LoadedFile,
    bundle_of_files,
    load_data,
)
from kartoteka.loading.metadata_tree import MetadataTree
from kartoteka.loading.positioned import YamlList, YamlMap
from kartoteka.loading.yaml_reader import file_bytes
from kartoteka.model.bundle import BundleInfo
from kartoteka.registry import Registry
from kartoteka.remembered_steps import RememberedSteps

# A file changed this short a time (ns) before it was looked at may be changed once more without
# its time of change showing it; it is read again the next time.
_TOO_FRESH = 2_000_000_000

# Sections of a labels document that name objects, and the kind of these.
_LABELLED = {
    "choices": "choice", "column_profile_help": "column_profile",
    "column_profiles": "column_profile", "entities": "entity", "field_groups": "field_group",
    "forms": "form", "navigation": "navigation", "relationships": "relationship",
    "role_help": "role", "roles": "role", "rules": "rule", "views": "view",
}  # fmt: skip
_MESSAGES_IN_ENTITIES = (
    BASE_AMOUNT_MESSAGE, *STATE_MESSAGES.values(), *YES_NO_MESSAGES.values(),
)  # fmt: skip

_Object = tuple[str, str]  # kind and name


class Workspace:
    """Bundle folders whose registry is asked for again whenever a file may have changed."""

    def __init__(
        self,
        folders: Sequence[Path],
        *,
        command_handlers: frozenset[tuple[str, str]] | None = frozenset(),
        panels: frozenset[str] | None = frozenset(),
        languages: Sequence[str] = (),
        base_language: str = "en",
        shown_from: Path | None = None,
    ) -> None:
        """Take what ``load_bundles`` and ``assemble`` take; nothing is read yet."""
        self._folders = [_Folder(folder, shown_from) for folder in folders]
        self._options = AssemblyOptions(command_handlers, panels, tuple(languages), base_language)
        self._bundles: tuple[LoadedBundle, ...] | None = None
        self._merge = _Merge()
        self._outcome: Registry | tuple[Diagnostic, ...] = ()

    def assemble(self) -> Registry:
        """Return the registry of the files as they are now.

        Definitions that are what they were the last time are the same objects.

        Raises:
            MetadataError: With every mistake in every file, just as ``assemble`` tells them.
        """
        with collection_paused():
            bundles = tuple(folder.load() for folder in self._folders)
            if not _are_same(bundles, self._bundles or ()) or self._bundles is None:
                self._bundles = None  # until there is an outcome for them
                self._outcome = self._assembled(bundles)
                self._bundles = bundles
        if isinstance(self._outcome, Registry):
            return self._outcome
        raise MetadataError(self._outcome)

    def _assembled(self, bundles: tuple[LoadedBundle, ...]) -> Registry | tuple[Diagnostic, ...]:
        diagnostics = Diagnostics()
        layers = in_layers(bundles, diagnostics)
        merge = self._merge.next(_Parts.of(layers), diagnostics)
        if merge.can_go_on and not any(bundle.unreadable for bundle in layers):
            self._merge = merge  # else the last sound one stays: mending what broke is quick then
        try:
            return checked(
                merge.tree, merge.messages, layers, self._options, diagnostics, merge.steps
            )
        except MetadataError as error:
            return error.diagnostics


class _Folder:
    """One bundle folder and what its files said when they were last read."""

    def __init__(self, folder: Path, shown_from: Path | None) -> None:
        self._folder = folder
        self._shown_from = shown_from
        self._known: dict[str, _KnownFile] = {}
        self._found: BundleFiles | None = None
        self._bundle: LoadedBundle | None = None
        self._unnamed: BundleInfo | None = None  # what a bundle without bundle.yaml is called

    def load(self) -> LoadedBundle:
        """Return the bundle; the same object when nothing in its folder has changed."""
        found = find_files(self._folder, shown_from=self._shown_from)
        before = self._known
        self._known = {file.path: _known_file(file, before.get(file.path)) for file in found.files}
        is_as_it_was = (
            self._found is not None
            and found.diagnostics == self._found.diagnostics
            and [file.path for file in found.files] == [file.path for file in self._found.files]
            and all(known.loaded is before[path].loaded for path, known in self._known.items())
        )
        self._found = found
        if self._bundle is None or not is_as_it_was:
            files = [known.loaded for known in self._known.values()]
            self._bundle = bundle_of_files(found, files)
            if all(file.info is None for file in files):
                self._unnamed = self._unnamed or self._bundle.info
                self._bundle = replace(self._bundle, info=self._unnamed)
        return self._bundle


@dataclass(frozen=True, slots=True)
class _KnownFile:
    """A file as it was read; ``version`` is None when it may have changed unseen since."""

    version: tuple[int, int, int] | None
    digest: bytes | None
    loaded: LoadedFile


def _known_file(file: BundleFile, known: _KnownFile | None) -> _KnownFile:
    """Return what a file says now, which is ``known`` when it still holds the same bytes."""
    if known is not None and file.version is not None and known.version == file.version:
        return known
    version = file.version
    if version is not None and version[0] > time.time_ns() - _TOO_FRESH:
        version = None
    diagnostics = Diagnostics()
    data = file_bytes(Path(file.path), diagnostics, shown_as=file.shown_as)
    digest = None if data is None else hashlib.blake2b(data).digest()
    if known is not None and digest is not None and known.digest == digest:
        return replace(known, version=version)
    return _KnownFile(version, digest, load_data(file, data, diagnostics))


@dataclass(frozen=True, slots=True)
class _Parts:
    """Layers taken apart by object.

    ``about`` gives, for each object that is defined, the contents that speak of it, lowest layer
    first, texts last. ``frame`` are all things that every object may depend on. Where documents
    speak of what is not there, or in a way that is not known here, ``is_plain`` is false.
    """

    layers: tuple[LoadedBundle, ...] = ()
    about: dict[_Object, tuple[YamlMap, ...]] = field(default_factory=dict)
    frame: tuple[object, ...] = ()
    is_plain: bool = False

    @classmethod
    def of(cls, layers: tuple[LoadedBundle, ...]) -> _Parts:
        defined: dict[_Object, list[YamlMap]] = {}
        frame: list[object] = []
        for bundle in layers:
            frame += [bundle.info, bundle.unreadable]
            for document in bundle.documents:
                if not document.is_extension and document.kind != "labels":
                    defined[document.kind, document.name] = []
        is_plain = True
        documents = [document for bundle in layers for document in bundle.documents]
        for document in sorted(documents, key=lambda document: document.kind == "labels"):
            for spoken_of in _spoken_of(document):
                if spoken_of in defined:
                    defined[spoken_of].append(document.content)
                else:
                    is_plain = False
                if spoken_of[0] == "field_group":
                    frame.append(document.content)
        about = {name: tuple(contents) for name, contents in defined.items()}
        return cls(layers, about, tuple(frame), is_plain)

    def only(self, wanted: Collection[_Object]) -> tuple[LoadedBundle, ...]:
        """Return the layers with field groups, messages, and what is said of some objects."""

        def taken(documents: Sequence[Document]) -> Iterator[Document]:
            for document in documents:
                if document.kind == "labels":
                    yield replace(document, content=_texts_about(document.content, wanted))
                elif document.kind == "field_group" or (document.kind, document.name) in wanted:
                    yield document

        return tuple(
            replace(bundle, documents=tuple(taken(bundle.documents))) for bundle in self.layers
        )


def _spoken_of(document: Document) -> Iterator[_Object]:
    """Yield each object of which a document says something; one that nobody has for the unknown."""
    if document.kind != "labels":
        yield document.kind, document.name
        return
    found: dict[_Object, None] = {}
    for section, texts in document.content.items():
        if isinstance(texts, YamlMap) and section != "messages":
            kind = _LABELLED.get(section, "")
            found.update(dict.fromkeys((kind, name) for name in texts))
    yield from found


def _texts_about(content: YamlMap, wanted: Collection[_Object]) -> YamlMap:
    """Return a labels document with the texts of some objects, field groups and messages."""
    taken = YamlMap(content.mark)
    taken.key_marks, taken.value_marks = content.key_marks, content.value_marks
    taken.damaged = content.damaged
    for section, texts in content.items():
        kind = _LABELLED.get(section, "")
        if not kind or kind == "field_group":
            taken[section] = texts
            continue
        inner = taken[section] = YamlMap(texts.mark)
        inner.key_marks, inner.value_marks = texts.key_marks, texts.value_marks
        inner.damaged = texts.damaged
        inner.update({name: item for name, item in texts.items() if (kind, name) in wanted})
    return taken


@dataclass(frozen=True, slots=True)
class _Merge:
    """The merged tree of some layers, and what was read from it and checked in it.

    It ``can_go_on`` when it holds no mistake: then each object is what its own documents make of
    it, and another merge may take it over as it is.
    """

    parts: _Parts = field(default_factory=_Parts)
    tree: MetadataTree = field(default_factory=MetadataTree)
    messages: YamlMap = field(default_factory=YamlMap)
    steps: RememberedSteps = field(default_factory=RememberedSteps)
    can_go_on: bool = False

    def next(self, parts: _Parts, diagnostics: Diagnostics) -> _Merge:
        """Return the merge of other layers, taking over from this one what is the same."""
        if self.can_go_on and parts.is_plain and _are_same(parts.frame, self.parts.frame):
            found = Diagnostics()
            taken_over = self._patched(parts, found)
            if taken_over is not None and not len(found):
                return taken_over
        found = Diagnostics()
        tree, messages = merged(parts.layers, found)
        diagnostics.extend(found)
        return _Merge(parts, tree, messages, can_go_on=parts.is_plain and not len(found))

    def _patched(self, parts: _Parts, diagnostics: Diagnostics) -> _Merge | None:
        """Return the merge with only those objects merged anew of which other things are said."""
        before = self.parts.about
        changed = {
            name
            for name, contents in parts.about.items()
            if name not in before or not _are_same(contents, before[name])
        }
        part, _ = merged(parts.only(changed), diagnostics)
        labels = [
            item for layer in parts.layers for item in layer.documents if item.kind == "labels"
        ]
        layer_of = {
            document.content.mark.file: number
            for number, layer in enumerate(parts.layers)
            for document in layer.documents
        }
        objects: dict[str, dict[str, YamlMap]] = {}
        for kind, name in parts.about:
            source = part if (kind, name) in changed else self.tree
            objects.setdefault(kind, {})[name] = source.objects[kind][name]
        bundle_of = {
            name: (part if name in changed else self.tree).bundle_of[name] for name in parts.about
        }
        tree = replace(part, objects=objects, bundle_of=bundle_of, layer_of=layer_of, labels=labels)
        messages = self.messages
        if not _are_same([item.content for item in labels], [i.content for i in self.tree.labels]):
            messages = read_messages(tree)
            for key in _MESSAGES_IN_ENTITIES:
                if not _is_unmoved(messages.get(key), self.messages.get(key)):
                    return None
        return _Merge(parts, tree, messages, self.steps, can_go_on=True)


def _are_same(ones: Sequence[object], others: Sequence[object]) -> bool:
    """Return whether two sequences hold the same objects, or plain values that are equal."""
    return len(ones) == len(others) and all(
        one is other or (isinstance(one, frozenset) and one == other)
        for one, other in zip(ones, others, strict=True)
    )


def _is_unmoved(one: object, other: object) -> bool:
    """Return whether two values of a tree say the same and say it in the same places."""
    if isinstance(one, YamlMap) and isinstance(other, YamlMap):
        return (
            list(one) == list(other)
            and (one.mark, one.key_marks, one.value_marks, one.earlier, one.damaged)
            == (other.mark, other.key_marks, other.value_marks, other.earlier, other.damaged)
            and all(_is_unmoved(item, other[key]) for key, item in one.items())
        )
    return not isinstance(one, (YamlMap, YamlList)) and one == other
