"""Subjects: what ``account.name``, ``form:account_main`` and the like mean."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from rapidfuzz import process
from rapidfuzz.distance import JaroWinkler

from kartoteka.explanation import explain
from kartoteka.identities import SECTIONS
from kartoteka.loading.named_lists import NAMED_LISTS
from kartoteka.loading.property_paths import UNSPOKEN_LISTS, join_path, spoken_name
from kartoteka.loading.sources import MESSAGES
from kartoteka.registry import Registry

KINDS = (*SECTIONS, MESSAGES)

_LAYOUT_LISTS = frozenset({"groups", "sections", "tabs"})  # controls and entries bear names enough


@dataclass(frozen=True, slots=True)
class Subject:
    """An object, or with a path one of its parts or properties."""

    kind: str
    name: str
    path: tuple[str, ...] = ()

    def __str__(self) -> str:
        """Return it as people write it: ``account.name``, ``form:account_main.summary``."""
        return spoken_name(join_path(self.kind, self.name, *self.path))


def find_subjects(registry: Registry, text: str) -> tuple[Subject, ...]:
    """Return everything that a text may mean, best first; empty when there is nothing like it.

    ``kind:`` in front narrows it. Steps follow the object's name after dots; names of lists may
    be left out (``account.name`` for ``account.fields.name``), and in forms and navigation those
    of tabs, sections and groups.
    """
    return tuple(
        Subject(kind, name, path)
        for kind, name, steps in _objects(registry, text)
        for path in _parts(registry, kind, name, steps)
    )


def nearest_subjects(registry: Registry, text: str, *, limit: int = 3) -> tuple[str, ...]:
    """Return what a text that means nothing was perhaps meant to be, nearest first."""
    for kind, name, _ in _objects(registry, text):
        known = [str(Subject(kind, name, path)) for path in _paths(registry, kind, name)]
        return _nearest(text, known, limit)
    kind, colon, _ = text.partition(":")
    kinds = [kind] if colon and kind in KINDS else KINDS
    return _nearest(
        text, (str(Subject(of, name)) for of in kinds for name in _names(registry, of)), limit
    )


def _nearest(text: str, known: Iterable[str], limit: int) -> tuple[str, ...]:
    found = process.extract(
        text, sorted(set(known)), scorer=JaroWinkler.similarity, score_cutoff=0.8, limit=limit
    )
    return tuple(name for name, _, _ in found)


def _names(registry: Registry, kind: str) -> Iterable[str]:
    return registry.messages if kind == MESSAGES else getattr(registry, SECTIONS[kind])


def _objects(registry: Registry, text: str) -> Iterator[tuple[str, str, tuple[str, ...]]]:
    """Yield kind, name and further steps of each object that a text may begin with."""
    kind, colon, rest = text.partition(":")
    if not colon:
        kind, rest = "", text
    for candidate in KINDS:
        if kind and kind != candidate:
            continue
        names = _names(registry, candidate)
        parts = rest.split(".")
        # Keys of messages hold dots themselves; the longest one that exists is meant.
        for length in range(len(parts) if candidate == MESSAGES else 1, 0, -1):
            name = ".".join(parts[:length])
            if name in names:
                yield candidate, name, tuple(parts[length:])
                break


def _parts(
    registry: Registry, kind: str, name: str, steps: tuple[str, ...]
) -> Iterable[tuple[str, ...]]:
    """Return the paths of an object that steps may mean: as written if that exists, else all."""
    if not steps:
        return ((),)
    known = _paths(registry, kind, name)
    if steps in known:
        return (steps,)
    spoken = [path for path in known if _spoken(path, UNSPOKEN_LISTS, frozenset()) == steps]
    return (
        spoken
        or [path for path in known if _spoken(path, frozenset(NAMED_LISTS), frozenset()) == steps]
        or [path for path in known if _spoken(path, UNSPOKEN_LISTS, _LAYOUT_LISTS) == steps]
    )


def _spoken(
    path: tuple[str, ...], lists: frozenset[str], unnamed: frozenset[str]
) -> tuple[str, ...]:
    """Return a path without the names of some lists, and of others without the items' names too."""
    kept: list[str] = []
    index = 0
    while index < len(path):
        step = path[index]
        if step in NAMED_LISTS and index + 1 < len(path):
            kept += [] if step in lists else [step]
            kept += [] if step in unnamed else [path[index + 1]]
            index += 2
        else:
            kept += path[index:]
            break
    return tuple(kept)


def _paths(registry: Registry, kind: str, name: str) -> tuple[tuple[str, ...], ...]:
    """Return the path of everything in an object that has properties, in the order of its files."""
    found: dict[tuple[str, ...], None] = {}
    for explained in explain(registry, kind, name):
        for length in range(1, len(explained.path) + 1):
            found.setdefault(explained.path[:length])
    return tuple(found)
