"""Pieces of a document's text replaced, put in and taken out by where its tree says they stand."""

from __future__ import annotations

from kartoteka.yaml_text.format_document import is_set_off
from kartoteka.yaml_text.scalars import block_lines, scalar_text
from kartoteka.yaml_text.source_tree import Entry, Node, Source
from kartoteka.yaml_text.write_text import WIDTH, comment_lines, item_lines, pair_lines


def replace_scalar(source: Source, old: Node, new: Node, *, in_flow: bool) -> str | None:
    """Return the text with one plain value in place of another, or None when that does not do.

    It does not when either spans several lines, or when the line of a map or list in braces would
    become longer than lines may be.
    """
    if old.kind != "scalar" or new.kind != "scalar" or old.start >= old.end:
        return None
    text = source.text
    if "\n" in text[old.start : old.end] or text[old.start] in "|>":
        return None
    if isinstance(new.value, str) and block_lines(new.value) is not None:
        return None
    written = new.written or scalar_text(new.value, in_flow=in_flow)
    edited = text[: old.start] + written + text[old.end :]
    begin = text.rfind("\n", 0, old.start) + 1
    line = edited[begin : edited.find("\n", begin) if "\n" in edited[begin:] else len(edited)]
    return None if in_flow and len(line) > WIDTH else edited


def rewrite_entry(source: Source, holder: Node, entry: Entry, *, key: str, is_root: bool) -> str:
    """Return the text with one entry of a block map or list written anew, comments included."""
    text = source.text
    if holder.kind == "map":
        lines = pair_lines(entry, entry.column, is_root=is_root)
    else:
        lines = item_lines(entry, entry.column, key=key)
    begin = text.rfind("\n", 0, entry.start) + 1
    before = text[begin : entry.start]
    column = entry.column
    if before.strip():  # the first key behind a dash
        lines[0] = before + lines[0].lstrip()
        column = len(before) - len(before.lstrip())
    lines = [*comment_lines(entry.inside, column), *lines]
    end = _end_of(text, entry)
    return text[:begin] + "\n".join(lines) + (text[end:] or "\n")


def insert_entry(
    source: Source, holder: Node, index: int, *, key: str, is_root: bool, kind: str
) -> str:
    """Return the text with the new entry ``holder.entries[index]`` on lines of its own."""
    text = source.text
    new = holder.entries[index]
    column = next(entry.column for entry in holder.entries if entry.start >= 0)
    if holder.kind == "map":
        lines = pair_lines(new, column, is_root=is_root)
    else:
        lines = item_lines(new, column, key=key)
    if is_root and is_set_off(kind, new):
        lines.insert(0, "")
    if index == 0:
        place = _above(text, holder.entries[1])
        return text[:place] + "\n".join(lines) + "\n" + text[place:]
    place = _end_of(text, holder.entries[index - 1])
    return text[:place] + "\n" + "\n".join(lines) + (text[place:] or "\n")


def leave_out_entry(source: Source, holder: Node, entry: Entry) -> str:
    """Return the text without the lines of one entry of a block map or list."""
    text = source.text
    holder.entries.remove(entry)
    begin = text.rfind("\n", 0, entry.start) + 1
    return text[:begin] + text[_end_of(text, entry) :].removeprefix("\n")


def is_behind_dash(source: Source, entry: Entry) -> bool:
    """Return whether an entry begins in the middle of a line: the first key of a list's item."""
    begin = source.text.rfind("\n", 0, entry.start) + 1
    return bool(source.text[begin : entry.start].strip())


def _end_of(text: str, entry: Entry) -> int:
    """Return where the last line of an entry ends, with the comments after what it holds."""
    return _line_end(text, max(entry.end - 1, entry.start, entry.tail))


def _above(text: str, entry: Entry) -> int:
    """Return where the first line of an entry begins, with the comments right above it."""
    begin = text.rfind("\n", 0, entry.start) + 1
    while begin:
        above = text.rfind("\n", 0, begin - 1) + 1
        line = text[above : begin - 1].strip()
        if not line.startswith("#"):
            break
        begin = above
    return begin


def _line_end(text: str, place: int) -> int:
    end = text.find("\n", place)
    return end if end >= 0 else len(text)
