"""A map of texts by language → Label; and small readings that every document kind needs."""

from __future__ import annotations

from kartoteka.loading.positioned import YamlList, YamlMap
from kartoteka.model.label import NO_LABEL, Label


def read_label(content: YamlMap, key: str = "label") -> Label:
    """Return the label under ``key``, NO_LABEL when there is none."""
    texts = content.get(key)
    return Label(dict(texts)) if texts else NO_LABEL


def read_names(content: YamlMap, key: str) -> tuple[str, ...]:
    """Return a list of plain names, empty when there is none."""
    found = content.get(key)
    return tuple([item for item in found if isinstance(item, str)]) if found else ()


def read_former_names(content: YamlMap) -> tuple[str, ...]:
    """Return the names under which something was published before, newest last."""
    former = content.get("renamed_from")
    return (former,) if isinstance(former, str) else read_names(content, "renamed_from")


def maps_in(content: YamlMap, key: str) -> list[YamlMap]:
    """Return the maps of a list, empty when there is none."""
    found = content.get(key)
    if not isinstance(found, YamlList):
        return []
    return [item for item in found if isinstance(item, YamlMap)]
