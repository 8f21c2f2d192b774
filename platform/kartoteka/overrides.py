"""Overrides: what later layers say of earlier ones' objects, and what an upgrade does to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from kartoteka.loading.named_lists import NAMED_LISTS
from kartoteka.loading.property_paths import item_steps, join_path, split_path, spoken_name
from kartoteka.loading.sources import layered_paths
from kartoteka.model.set_by import SetBy
from kartoteka.registry import Registry

HIDDEN, NEEDLESS, ALONE = "hidden", "needless", "alone"

Overrides = Mapping[str, Sequence[Sequence[Any]]]  # path → (bundle, value) pairs, lowest first
_NOTHING = object()


@dataclass(frozen=True, slots=True)
class UpgradeNote:
    """What a change of a lower layer means for a property that an upper one changed.

    ``kind`` is ``hidden`` (the lower layer's new value is not seen), ``needless`` (both now say
    the same) or ``alone`` (the lower layer no longer says anything). The lower values are None
    where nothing was, or is, said.
    """

    path: str
    lower: str
    lower_before: Any
    lower_now: Any
    upper: str
    upper_value: Any
    kind: str

    @property
    def sentence(self) -> str:
        """Return the note in English."""
        name = spoken_name(self.path)
        now, before = _shown(self.lower_now), _shown(self.lower_before)
        kept = _shown(self.upper_value)
        match self.kind:
            case "needless":
                return f"{name}: {self.lower} now says {now} itself; {self.upper} need not say it"
            case "alone":
                return (
                    f"{name}: {self.lower} no longer says {before}; what {self.upper} says, "
                    f"{kept}, stands by itself"
                )
            case _ if self.lower_before is None:
                return f"{name}: {self.lower} now says {now}; {self.upper} keeps {kept}"
            case _:
                return f"{name}: {self.lower} changed {before} to {now}; {self.upper} keeps {kept}"


def overrides(registry: Registry) -> dict[str, tuple[tuple[str, Any], ...]]:
    """Return what each bundle says of objects that an earlier bundle defines.

    The keys are paths of ``Registry.sources``; the values are ``(bundle, value)``, lowest layer
    first, each bundle once. A path with several bundles is a property that one sets and another
    changes; one with a single bundle is something it added to another's object, or the name of an
    item of which a later bundle says something. Values are JSON. Empty for a registry that was
    not made from files. Worked out once a registry.
    """
    if "overrides" not in registry.kept:
        registry.kept["overrides"] = _overrides(registry)
    known: dict[str, tuple[tuple[str, Any], ...]] = registry.kept["overrides"]
    return known


def _overrides(registry: Registry) -> dict[str, tuple[tuple[str, Any], ...]]:
    sources = registry.sources
    layer_of = {bundle.name: layer for layer, bundle in enumerate(registry.bundles)}
    found: dict[str, tuple[tuple[str, Any], ...]] = {}
    for path in layered_paths(sources):
        layers = sources[path]
        owner = _owner(registry, path, layers)
        pairs = _each_bundle_once(layers)
        if len(pairs) > 1 or layer_of.get(pairs[0][0], -1) > layer_of.get(owner, -1):
            found[path] = pairs
            for naming in _naming_paths(path):
                if naming in sources:
                    found[naming] = _each_bundle_once(sources[naming])
    return found


def _naming_paths(path: str) -> Iterator[str]:
    """Yield the paths that may name the item of a list to which a property belongs."""
    item = item_steps(split_path(path))
    if item:
        for key in NAMED_LISTS[item[-2]][0]:
            yield join_path(*item, key)


def _owner(registry: Registry, path: str, layers: tuple[SetBy, ...]) -> str:
    """Return the bundle that defines the object a path is about."""
    kind, name, *_ = split_path(path)
    if kind == "messages":
        own = registry.sources.get(join_path(kind, name, registry.base_language), layers)
    else:
        own = registry.sources.get(join_path(kind, name, "name"), layers)
    return own[0].bundle


def _each_bundle_once(layers: tuple[SetBy, ...]) -> tuple[tuple[str, Any], ...]:
    last: dict[str, Any] = {}
    for layer in layers:
        last.pop(layer.bundle, None)
        last[layer.bundle] = layer.value
    return tuple(last.items())


def upgrade_notes(before: Overrides, after: Overrides) -> tuple[UpgradeNote, ...]:
    """Return what changed below properties that an upper layer had changed before already.

    Args:
        before: The overrides of what is published; also as JSON gave them back.
        after: Those of what is going to be.
    """
    return tuple(
        note for path in sorted({*before, *after}) for note in _notes_of(path, before, after)
    )


def _notes_of(path: str, before: Overrides, after: Overrides) -> Iterator[UpgradeNote]:
    old, new = dict(_pairs(before.get(path, ()))), dict(_pairs(after.get(path, ())))
    if not new:
        return
    *lower, upper = new
    if upper not in old:
        if old and not lower and _names_an_item(path):
            # Something was said of another layer's item; that layer took it out, and so what was
            # said has become an item by itself.
            gone = list(old)[-1]
            yield UpgradeNote(path, gone, old[gone], None, upper, new[upper], ALONE)
        return  # otherwise the upper layer's own change is new, made with this in view
    value = new[upper]
    if not lower:
        for gone in list(old)[: list(old).index(upper)][-1:]:
            yield UpgradeNote(path, gone, old[gone], None, upper, value, ALONE)
        return
    for bundle in lower:
        was = old.get(bundle, _NOTHING)
        if was == new[bundle]:
            continue
        told = None if was is _NOTHING else was
        is_needless = bundle == lower[-1] and new[bundle] == value
        kind = NEEDLESS if is_needless else HIDDEN
        yield UpgradeNote(path, bundle, told, new[bundle], upper, value, kind)


def _names_an_item(path: str) -> bool:
    *item, key = split_path(path)
    return tuple(item) == item_steps(tuple(item)) and key in NAMED_LISTS[item[-2]][0]


def _pairs(told: Sequence[Sequence[Any]]) -> list[tuple[str, Any]]:
    return [(bundle, value) for bundle, value in told]


def _shown(value: Any) -> str:
    match value:
        case None:
            return "nothing"
        case bool():
            return "true" if value else "false"
        case str():
            return f'"{value}"'
        case list():
            return f"[{', '.join(_shown(item) for item in value)}]"
        case _:
            return str(value)
