"""Images and attachments among rows: of the records themselves, of links and of expanded ones.

Source: reference web-api, section 3.
"""

from __future__ import annotations

from collections.abc import Iterator, MutableMapping, Sequence
from dataclasses import dataclass
from typing import Any

from kartoteka.model.entity import Entity
from kartoteka.query.query_error import QueryError
from kartoteka.query.shown import ShownRecord
from kartoteka.registry import Registry
from kartoteka_runtime.records.acting_records import ActingRecords
from kartoteka_runtime.records.content_fields import contents_of
from kartoteka_runtime.records.file_values import give_contents
from kartoteka_runtime.records.record_files import RecordFiles

MOST_CONTENTS = 10_000  # images and attachments of one answer

Rows = Sequence[MutableMapping[str, Any]]


@dataclass(frozen=True, slots=True)
class _Lot:
    """Rows of one kind, and the keys at which they hold contents."""

    entity: Entity
    keys: frozenset[str]
    rows: Rows


def holds_contents(shown: ShownRecord, registry: Registry) -> bool:
    """Return whether answers hold what lies in files, records inside of records included."""
    return bool(_keys(shown, registry)) or any(
        holds_contents(one.shown, registry) for inside in shown.inside for one in inside.kinds
    )


async def give_all_contents(
    files: RecordFiles, records: ActingRecords, registry: Registry, shown: ShownRecord, rows: Rows
) -> None:
    """Let rows, and the records inside them, hold contents in place of what they have there.

    Raises:
        QueryError: There are too many.
        RecordInvalid: They are too large.
    """
    lots = list(_lots(shown, registry, rows))
    if sum(len(lot.rows) * len(lot.keys) for lot in lots) > MOST_CONTENTS:
        hint = "ask for fewer records a page"
        raise QueryError(f"an answer holds at most {MOST_CONTENTS} images and files", hint=hint)
    for lot in lots:
        await give_contents(files, records, lot.entity, lot.rows, lot.keys)


def _lots(shown: ShownRecord, registry: Registry, rows: Rows) -> Iterator[_Lot]:
    entity, keys = registry.entities.get(shown.entity), _keys(shown, registry)
    if entity is not None and keys and rows:
        yield _Lot(entity, keys, rows)
    for inside in shown.inside:
        for one in inside.kinds:
            found = [row[one.key] for row in rows if row[one.key] is not None]
            if one.is_many:
                found = [item for items in found for item in items]
            yield from _lots(one.shown, registry, found)


def _keys(shown: ShownRecord, registry: Registry) -> frozenset[str]:
    """Return where rows hold contents: their own, and images of records that are linked."""
    entity = registry.entities.get(shown.entity)
    own = contents_of(entity) if entity is not None else frozenset()
    return frozenset(
        value.key
        for value in shown.values
        if value.key in own or (value.field is not None and value.field.type == "image")
    )
