"""Choices and options as documents have them."""

from __future__ import annotations

from kartoteka.model.choice import Choice, Option
from kartoteka.registry_documents.sparse_map import Map, Said, label_map, sparse


def choice_map(choice: Choice) -> Map:
    """Return the content of a choice that several fields use."""
    return {"label": label_map(choice.label), "options": Said(option_maps(choice.options))}


def option_maps(options: tuple[Option, ...]) -> list[Map]:
    """Return options in their order."""
    return [_option(option) for option in options]


def _option(option: Option) -> Map:
    return sparse({
        "name": option.name, "value": Said(option.value), "label": label_map(option.label),
        "color": option.color,
    })  # fmt: skip
