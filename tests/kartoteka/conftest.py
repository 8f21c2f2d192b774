"""Bundles out of YAML in the test, on the small base of the golden cases."""

from __future__ import annotations

import textwrap
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from kartoteka.assembly import assemble, load_bundles
from kartoteka.errors import MetadataError
from kartoteka.registry import Registry

BASE = Path(__file__).parents[1] / "golden" / "_base"

Layer = Mapping[str, str]  # file below the bundle, without .yaml → its YAML
RegistryOf = Callable[..., Registry]


@pytest.fixture
def write_layers(tmp_path: Path) -> Callable[..., list[Path]]:
    """Give a function that writes each layer as a bundle folder and returns the folders."""

    def write(*layers: Layer) -> list[Path]:
        folders = []
        for number, layer in enumerate(layers):
            folder = tmp_path / f"layer_{number}"
            for name, text in layer.items():
                path = folder / f"{name}.yaml"
                path.parent.mkdir(parents=True, exist_ok=True)
                path.write_text(textwrap.dedent(text), "utf-8")
            folders.append(folder)
        return folders

    return write


@pytest.fixture
def registry_of(write_layers: Callable[..., list[Path]], tmp_path: Path) -> RegistryOf:
    """Give a function that assembles layers, lowest first, on the base of the golden cases."""

    def make(*layers: Layer, **options: Any) -> Registry:
        folders = [BASE, *write_layers(*layers)]
        return assemble(load_bundles(folders, shown_from=tmp_path), **options)

    return make


@pytest.fixture
def diagnostics_of(registry_of: RegistryOf) -> Callable[..., list[str]]:
    """Give a function that returns the diagnostics of layers, one text each."""

    def find(*layers: Layer, **options: Any) -> list[str]:
        try:
            registry_of(*layers, **options)
        except MetadataError as error:
            return [str(diagnostic) for diagnostic in error.diagnostics]
        return []

    return find
