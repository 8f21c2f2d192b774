"""`kartoteka fmt` for one text: its canonical form, or why it has none."""

from __future__ import annotations

from kartoteka.diagnostics import Diagnostics
from kartoteka.loading.document_schemas import KINDS
from kartoteka.loading.positioned import YamlMap
from kartoteka.loading.shape_check import check_shape
from kartoteka.loading.yaml_reader import read_yaml_bytes
from kartoteka.names import did_you_mean
from kartoteka.yaml_text.canonical_order import to_canonical
from kartoteka.yaml_text.read_source import read_source
from kartoteka.yaml_text.schema_line import BEGIN
from kartoteka.yaml_text.source_tree import Entry, Node, Source
from kartoteka.yaml_text.write_text import document_text

# Parts of a document that an empty line sets off, once they hold something.
_SET_OFF = frozenset({
    "branches", "choices", "column_profile_help", "column_profiles", "commands", "entities",
    "field_groups", "fields", "forms", "messages", "relationships", "role_help", "roles", "rules",
    "states", "views",
})  # fmt: skip


def format_document(
    data: bytes,
    diagnostics: Diagnostics,
    *,
    shown_as: str,
    base_language: str = "en",
    inherited_fields: frozenset[str] = frozenset(),
) -> str | None:
    """Return the canonical form of a file, or None when it has mistakes.

    Args:
        data: What the file holds.
        diagnostics: Receives the mistakes.
        shown_as: The file's name in diagnostics.
        base_language: Stands first in labels.
        inherited_fields: Names of fields that groups define; their defaults stay.
    """
    before = len(diagnostics)
    content = read_yaml_bytes(data, diagnostics, shown_as=shown_as)
    if content is not None:
        _check(content, diagnostics)
    if content is None or len(diagnostics) > before:
        return None
    source = read_source(data.decode("utf-8-sig").replace("\r\n", "\n").replace("\r", "\n"))
    to_canonical(source.root, base_language=base_language, inherited_fields=inherited_fields)
    return source_text(source)


def source_text(source: Source) -> str:
    """Return a document whose keys are in order as text, its parts set off from one another."""
    _set_off_parts(source.root)
    _lift_comments(source.root)
    first = source.root.entries[0]
    above = [*first.before, *first.inside]
    first.before, first.inside = [], []
    return document_text(source.root, _head([*source.head, *above]))


def _check(content: YamlMap, diagnostics: Diagnostics) -> None:
    kind = content.get("kind")
    if isinstance(kind, str) and kind in KINDS:
        check_shape(content, kind, diagnostics)
        return
    diagnostics.add(
        content.at("kind", "kind"), "shape/unknown-kind",
        f'"{kind[:60]}" is not a document kind' if isinstance(kind, str)
        else "kind does not name a document kind",
        did_you_mean(str(kind), KINDS) or f"one of {', '.join(KINDS)}",
    )  # fmt: skip


def _head(lines: list[str]) -> list[str]:
    """Return the comments above the first key, the line for editors first."""
    schema = [line for line in lines if line.startswith(BEGIN)]
    rest = [line for line in lines if not line.startswith(BEGIN)]
    while rest and not rest[0]:
        del rest[0]
    while rest and not rest[-1]:
        del rest[-1]
    kept = [line for index, line in enumerate(rest) if line or rest[index - 1]]
    return [*schema, *kept]


def _lift_comments(node: Node) -> None:
    """Move comments between a dash and the first key of its map above the dash."""
    for entry in node.entries:
        inner = entry.value.entries
        if node.kind == "list" and entry.value.kind == "map" and inner:
            entry.before += [line for line in (*inner[0].before, *inner[0].inside) if line]
            inner[0].before, inner[0].inside = [], []
        _lift_comments(entry.value)


def is_set_off(kind: str, entry: Entry) -> bool:
    """Return whether an empty line stands above a part of a document."""
    is_part = kind in ("entity", "field_group", "labels") and entry.key in _SET_OFF
    return is_part and bool(entry.value.entries)


def _set_off_parts(root: Node) -> None:
    kind = root.text("kind")
    for entry in root.entries[1:]:
        if is_set_off(kind, entry) and not (entry.before and not entry.before[0]):
            entry.before.insert(0, "")
