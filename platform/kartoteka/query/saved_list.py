"""SavedList: a list that somebody saved, which the options of a request go on from."""

from __future__ import annotations

from dataclasses import dataclass

from kartoteka.model.view import View
from kartoteka.query.fetch_xml import FetchQuery
from kartoteka.query.odata_select import VERSION
from kartoteka.query.of_view import query_of_view
from kartoteka.query.query import Query
from kartoteka.query.shown import ShownRecord, raw_name, shown_path
from kartoteka.registry import Registry


@dataclass(frozen=True, slots=True)
class SavedList:
    """A saved list as a query, and how its rows are told.

    ``top`` is how many records it has at most, 0 without a limit.
    """

    query: Query
    shown: ShownRecord
    top: int = 0

    @property
    def is_plain(self) -> bool:
        """Return whether its rows are records, not groups or distinct values."""
        return not (self.query.is_aggregate or self.query.distinct)


def list_of_view(registry: Registry, view: View) -> SavedList:
    """Return a view; a column over lookups is called ``primarycontactid.emailaddress1``."""
    query = query_of_view(registry, view)
    unique = {path.key: path for path in query.columns}
    values = tuple(
        shown_path(path, path.key.replace("/", ".") if path.steps else raw_name(path.field))
        for path in unique.values()
    )
    has_version = VERSION in registry.entities[view.entity].field_by_name
    return SavedList(query, ShownRecord(view.entity, values, has_version=has_version))


def list_of_fetch(found: FetchQuery) -> SavedList:
    """Return a FetchXML query that somebody saved; its pages are those of every list."""
    return SavedList(found.query, found.shown, found.top)
