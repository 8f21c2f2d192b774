"""Node → canonical text: two spaces, small maps and lists on one line where they fit."""

from __future__ import annotations

from kartoteka.yaml_text.scalars import block_lines, scalar_text
from kartoteka.yaml_text.source_tree import Entry, Node

WIDTH = 100

# Lists whose maps are read top to bottom, however short they are.
_BLOCK_ITEMS = frozenset({
    "branches", "commands", "fields", "groups", "keys", "parameters", "sections", "states", "tabs",
})  # fmt: skip
# Lists that stand one item a line even when they hold nothing but names.
_BLOCK_LISTS = frozenset({"controls"})
# Maps by name that stand one entry a line: a language's texts.
_BLOCK_MAPS = frozenset({
    "choices", "column_profile_help", "column_profiles", "entities", "field_groups", "forms",
    "messages", "navigation", "relationships", "role_help", "roles", "rules", "views",
})  # fmt: skip
_COMMENT_GAP = 2


def document_text(root: Node, head: list[str]) -> str:
    """Return a whole document; ``head`` are the comments above its first key."""
    return "\n".join([*head, *block_entries(root, 0, is_root=True), ""])


def block_entries(node: Node, indent: int, *, key: str = "", is_root: bool = False) -> list[str]:
    """Return the lines of a map's or list's entries, in block style.

    Args:
        node: The map or list; it has entries.
        indent: Column in which keys and dashes stand.
        key: Of which key it is the value.
        is_root: It is the document itself.
    """
    lines: list[str] = []
    for index, entry in enumerate(node.entries):
        above = entry.before if index else _without_leading_blanks(entry.before)
        lines += comment_lines([*above, *entry.inside], indent)
        if node.kind == "map":
            lines += pair_lines(entry, indent, is_root=is_root)
        else:
            lines += item_lines(entry, indent, key=key)
    return lines + comment_lines(node.after, indent)


def pair_lines(entry: Entry, indent: int, *, is_root: bool = False) -> list[str]:
    """Return a key with its value; the comments above it are left to the caller."""
    space = " " * indent
    key = scalar_text(entry.key) if entry.key else '""'
    value = entry.value
    if value.kind == "scalar":
        block = block_lines(value.value) if isinstance(value.value, str) else None
        if block is not None:
            header = _with_comment(f"{space}{key}: {block[0]}", entry)
            inner = " " * (indent + 2)
            return [header, *(f"{inner}{line}" if line else "" for line in block[1:])]
        written = "" if value.value is None else f" {_scalar(value, in_flow=False)}"
        return [_with_comment(f"{space}{key}:{written}", entry)]
    if not value.entries or not (is_root and value.kind == "map" and entry.key in _BLOCK_MAPS):
        flow = flow_text(value, entry.key) if _is_flat(value) else None
        if flow is not None and (not value.entries or indent + len(key) + 2 + len(flow) <= WIDTH):
            return [_with_comment(f"{space}{key}: {flow}", entry)]
    first = _with_comment(f"{space}{key}:", entry)
    return [first, *block_entries(value, indent + 2, key=entry.key)]


def item_lines(entry: Entry, indent: int, *, key: str) -> list[str]:
    """Return one item of the list at ``key``; comments above it are left to the caller."""
    space = " " * indent
    value = entry.value
    if value.kind == "scalar":
        return [_with_comment(f"{space}- {_scalar(value, in_flow=False)}", entry)]
    if not value.entries or key not in _BLOCK_ITEMS:
        flow = flow_text(value, key)
        if flow is not None and (not value.entries or indent + 2 + len(flow) <= WIDTH):
            return [_with_comment(f"{space}- {flow}", entry)]
    above = [entry.comment] if entry.comment else []
    first = value.entries[0]
    above += [line for line in (*first.before, *first.inside) if line]
    kept = first.before, first.inside
    first.before, first.inside = [], []
    lines = block_entries(value, indent + 2)
    first.before, first.inside = kept
    lines[0] = f"{space}- {lines[0].lstrip()}"
    return [*comment_lines(above, indent), *lines]


def flow_text(node: Node, key: str) -> str | None:
    """Return a map or list on one line, or None when it must stand on several.

    It must when it holds comments, texts of several lines, or more than plain values, labels and
    lists of names.
    """
    if node.holds_comments:
        return None
    if node.kind == "list":
        if node.entries and key in _BLOCK_LISTS:
            return None
        items = [_flow_scalar(entry.value) for entry in node.entries]
        return None if None in items else f"[{', '.join(str(item) for item in items)}]"
    parts: list[str] = []
    for entry in node.entries:
        value = entry.value
        written = _flow_scalar(value) if value.kind == "scalar" else _flow_inner(value, entry.key)
        if written is None:
            return None
        name = scalar_text(entry.key, in_flow=True) if entry.key else '""'
        parts.append(f"{name}: {written}")
    return f"{{ {', '.join(parts)} }}" if parts else "{}"


def _flow_inner(node: Node, key: str) -> str | None:
    return flow_text(node, key) if _is_flat(node) else None


def _is_flat(node: Node) -> bool:
    return all(entry.value.kind == "scalar" for entry in node.entries)


def _flow_scalar(node: Node) -> str | None:
    if node.kind != "scalar":
        return None
    if isinstance(node.value, str) and block_lines(node.value) is not None:
        return None
    return _scalar(node, in_flow=True)


def _scalar(node: Node, *, in_flow: bool) -> str:
    return node.written or scalar_text(node.value, in_flow=in_flow)


def _with_comment(line: str, entry: Entry) -> str:
    if not entry.comment:
        return line
    return f"{line:<{max(entry.comment_column, len(line) + _COMMENT_GAP)}}{entry.comment}"


def comment_lines(lines: list[str], indent: int) -> list[str]:
    """Return comments in a column, with at most one empty line between them."""
    found: list[str] = []
    for line in lines:
        if line or (found and found[-1] != "") or not found:
            found.append(" " * indent + line if line else "")
    return found


def _without_leading_blanks(lines: list[str]) -> list[str]:
    first = next((index for index, line in enumerate(lines) if line), len(lines))
    return lines[first:]
