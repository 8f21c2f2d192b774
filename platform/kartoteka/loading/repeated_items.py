"""Items of one list that bear the same name: reported, and the first is kept."""

from __future__ import annotations

from typing import Any

from kartoteka.diagnostics import Diagnostics
from kartoteka.loading.named_lists import NAMED_LISTS, Identity, holds_maps, identity_of
from kartoteka.loading.positioned import Mark, YamlList, YamlMap


def drop_repeated(content: YamlMap, kind: str, diagnostics: Diagnostics) -> None:
    """Report items of one list that bear the same name, and keep the first."""

    def look(value: Any, key: str) -> None:
        if isinstance(value, YamlMap):
            for inner_key, inner in value.items():
                if isinstance(inner, (YamlMap, YamlList)):
                    look(inner, inner_key)
        elif isinstance(value, YamlList) and key in NAMED_LISTS and holds_maps(value):
            _drop_repeated_items(value, key, kind, diagnostics)
            for item in value:
                look(item, "")

    look(content, "")


def _drop_repeated_items(items: YamlList, key: str, kind: str, diagnostics: Diagnostics) -> None:
    seen: dict[Identity, YamlMap] = {}
    kept: list[tuple[Any, Mark]] = []
    for item, mark in items.marked():
        identity = identity_of(key, item)
        if identity is None:
            if key == "controls" and isinstance(item, YamlMap) and not item.damaged:
                diagnostics.add(
                    mark.location(), "form/control-kind", "the control does not say what it shows",
                    "give it one of field, subgrid, quick_view, panel",
                )  # fmt: skip
            items.is_damaged = True
            continue  # its shape was refused
        if identity in seen:
            noun = NAMED_LISTS[key][1]
            line = seen[identity].mark.line
            diagnostics.add(
                item.at(identity[0]), f"{kind}/duplicate-{noun}",
                f'the {noun} "{identity[1]}" is already in this list, in line {line}',
            )  # fmt: skip
            continue
        seen[identity] = item
        kept.append((item, mark))
    items[:] = [item for item, _ in kept]
    items.item_marks = [mark for _, mark in kept]
