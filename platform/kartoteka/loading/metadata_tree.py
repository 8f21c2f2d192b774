"""MetadataTree: all documents of all bundles, one map an object."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from kartoteka.loading.load_bundle import Document
from kartoteka.loading.positioned import Mark, YamlMap


@dataclass(slots=True)
class MetadataTree:
    """All documents after layering: ``{kind: {name: content}}`` in the order they appeared.

    ``bundle_of`` names the bundle that defined an object; ``layer_of`` gives each file's layer,
    counted from 0 for the lowest; ``labels`` are the labels documents in layer order;
    ``customizable`` is what each bundle lets later ones change, as its ``bundle.yaml`` has it.
    """

    objects: dict[str, dict[str, YamlMap]] = field(default_factory=dict)
    bundle_of: dict[tuple[str, str], str] = field(default_factory=dict)
    layer_of: dict[str, int] = field(default_factory=dict)
    labels: list[Document] = field(default_factory=list)
    unreadable: set[tuple[str, str]] = field(default_factory=set)
    bundle_of_layer: list[str] = field(default_factory=list)
    customizable: dict[str, Any] = field(default_factory=dict)

    def of_kind(self, kind: str) -> dict[str, YamlMap]:
        """Return ``{name: content}`` of one document kind."""
        return self.objects.setdefault(kind, {})

    def bundle_at(self, mark: Mark, default: str = "") -> str:
        """Return the bundle whose file holds a mark."""
        layer = self.layer_of.get(mark.file)
        return default if layer is None else self.bundle_of_layer[layer]
