"""Rules about schema names: each is its logical name in other capitals, and nothing else."""

from __future__ import annotations

from collections.abc import Iterator

from kartoteka.checks.scope import Scope
from kartoteka.diagnostics import Diagnostic
from kartoteka.loading.positioned import YamlMap
from kartoteka.loading.read_label import maps_in


def check_schema_names(scope: Scope, kind: str, name: str) -> Iterator[Diagnostic]:
    """Yield schema names of an object, its fields and keys that are other names."""
    content = scope.content(kind, name)
    yield from _check(content, name)
    if kind == "entity":
        for item in (*maps_in(content, "fields"), *maps_in(content, "keys")):
            yield from _check(item, item.get("name", ""))


def _check(content: YamlMap, name: str) -> Iterator[Diagnostic]:
    said = content.get("schema_name")
    if isinstance(said, str) and said.lower() != name:
        yield Diagnostic(
            content.at("schema_name"), "name/schema-name",
            f'"{said}" is no way to write the name "{name}": a schema name differs from it in '
            "capitals alone",
        )  # fmt: skip
