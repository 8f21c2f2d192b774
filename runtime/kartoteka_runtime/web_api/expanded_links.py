"""Links to what an expanded collection had no room for: ``nav@odata.nextLink``.

Source: reference web-api, section 5.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any
from urllib.parse import urlencode

from kartoteka.query.query import Query
from kartoteka.query.shown import ShownRecord
from kartoteka.registry import Registry
from kartoteka_runtime.records.paging import encode_token
from kartoteka_runtime.records.reading import list_mark


def add_links(
    rows: Sequence[Mapping[str, Any]],
    written: Sequence[dict[str, Any]],
    query: Query,
    shown: ShownRecord,
    registry: Registry,
    root: str,
) -> None:
    """Add to written rows where the collections go on that were cut in ``rows``.

    ``query`` is what the rows were read with, ``root`` the address of the API.
    """
    entity = registry.entities.get(shown.entity)
    if entity is None:
        return
    kinds = {kind.key: kind for inside in shown.inside for kind in inside.kinds}
    for expand in query.expands:
        inside = kinds[expand.key]
        for row, told in zip(rows, written, strict=True):
            cut = row.get(expand.cut_key)
            if cut is not None:
                token = encode_token(cut, list_mark(expand.query))
                owner = f"{entity.set_name}({row[entity.primary_id]})"
                options = urlencode({**dict(inside.options), "$skiptoken": token}, safe="$@")
                told[f"{inside.name}@odata.nextLink"] = f"{root}{owner}/{inside.name}?{options}"
            if inside.shown.inside and row[expand.key] is not None:
                items, items_told = row[expand.key], told[inside.name]
                if not inside.is_many:
                    items, items_told = [items], [items_told]
                add_links(items, items_told, expand.query, inside.shown, registry, root)
