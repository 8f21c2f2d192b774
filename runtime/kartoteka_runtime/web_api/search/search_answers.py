"""What is told of the records that a search found."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from kartoteka.conditions.typed import FieldPath, OneOf
from kartoteka.query.query import Query
from kartoteka.record_values import Reference
from kartoteka.text_folding import fold
from kartoteka_runtime.records.acting_records import ActingRecords
from kartoteka_runtime.web_api.formatted_values import Reader, formatted_value
from kartoteka_runtime.web_api.search.highlights import marked
from kartoteka_runtime.web_api.search.ranking import Hit
from kartoteka_runtime.web_api.search.search_text import SearchText
from kartoteka_runtime.web_api.search.searched import Searched, field_name

_WORD = re.compile(r"\w[\w'-]*")
_READABLE = ("yes_no", "multi_choice")

Row = Mapping[str, Any]


async def read_rows(
    records: ActingRecords, hits: Sequence[Hit]
) -> list[tuple[Hit, dict[str, Any]]]:
    """Return hits with the rest of their records; those that are gone meanwhile are left out."""
    ids: dict[str, tuple[Searched, list[str]]] = {}
    for hit in hits:
        name = hit.searched.entity.name
        ids.setdefault(name, (hit.searched, []))[1].append(hit.record_id)
    rows: dict[tuple[str, str], dict[str, Any]] = {}  # an id may be there in several types
    for name, (searched, wanted) in ids.items():
        paths = {path.key: path for path in (searched.identity, *searched.paths, *searched.shown)}
        query = Query(name, tuple(paths.values()), OneOf(searched.identity, tuple(wanted)))
        page = await records.query(query, limit=len(wanted))
        rows |= {(name, row[searched.identity.key]): row for row in page.rows}
    keys = ((hit, (hit.searched.entity.name, hit.record_id)) for hit in hits)
    return [(hit, rows[key]) for hit, key in keys if key in rows]


def attributes(searched: Searched, row: Row, reader: Reader) -> dict[str, Any]:
    """Return what is told of a record: values, and beside ids and options how people read them."""
    found: dict[str, Any] = {}
    for path in searched.shown:
        name, value = path.field.name, row[path.key]
        readable = _readable(path, searched, value, reader)
        if isinstance(value, Reference):
            value = value.id
        elif isinstance(value, tuple):
            value = ",".join(map(str, value))
        found[name] = value
        if readable and f"{name}name" not in searched.entity.field_by_name:
            found[f"{name}name"] = readable
    return found


def _readable(path: FieldPath, searched: Searched, value: Any, reader: Reader) -> str:
    if isinstance(value, Reference):
        return value.name
    if value is None or not (path.field.is_choice or path.field.type in _READABLE):
        return ""
    write = formatted_value(path.field, searched.entity, reader)
    return write(value) if write is not None else ""


def highlights(searched: Searched, row: Row, text: SearchText) -> dict[str, list[str]]:
    """Return the fields in which something was found, with the hits marked."""
    words = [fold(word) for word in text.sought]
    found: dict[str, list[str]] = {}
    for path in searched.paths:
        value = row[path.key]
        if isinstance(value, str) and (shown := marked(value, words)):
            found.setdefault(field_name(path), []).append(shown)
    return found


def completed(rows: Sequence[tuple[Hit, Row]], text: SearchText) -> str | None:
    """Return a search with its last word completed by the first record that has such a word."""
    if not text.sought:
        return None
    *before, last = text.sought
    begun = fold(last)
    for hit, row in rows:
        for path in hit.searched.paths:
            value = row[path.key]
            if not isinstance(value, str):
                continue
            if fold(value[: 2 * len(last)]).startswith(begun) and " " in last:
                return " ".join([*before, value[:200]])
            for word in _WORD.finditer(value[:1000]):
                if fold(word[0]).startswith(begun):
                    return " ".join([*before, word[0]])
    return None
