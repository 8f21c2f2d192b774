"""Lists: a view with its search, order and pages; also the related records of one record."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlencode

from starlette.responses import Response

from kartoteka.errors import RecordNotFound
from kartoteka.model.view import SortKey, View
from kartoteka.plugin_api.contexts import LinkedTo
from kartoteka_runtime.localization.number_shapes import number_writer
from kartoteka_runtime.web.form_posts import PostRefused
from kartoteka_runtime.web.form_values import read_reference
from kartoteka_runtime.web.list_model import ListModel, with_currency
from kartoteka_runtime.web.page_request import PageRequest
from kartoteka_runtime.web.secured_values import locked_columns, rows_with_locks

PAGE_SIZE = 50
_LONGEST_SEARCH = 200


@dataclass(frozen=True, slots=True)
class ListAddress:
    """What the address of a list says.

    ``of`` (``entity:id``) narrows it to what belongs to a record: what names it in the lookup
    ``by``, or what the N:N relationship ``link`` links with it.
    """

    view: str
    search: str = ""
    sort: str = ""  # path of a column, after a minus sign for descending order
    after: str = ""
    by: str = ""
    link: str = ""
    of: str = ""

    def query(self, **changes: str) -> str:
        """Return the query of the address with some parts changed; empty parts are left out."""
        parts = {
            "view": self.view,
            "q": self.search,
            "sort": self.sort,
            "after": self.after,
            "by": self.by,
            "link": self.link,
            "of": self.of,
            **changes,
        }
        return "?" + urlencode({key: value for key, value in parts.items() if value})


@dataclass(frozen=True, slots=True)
class Head:
    """How a column's head sorts: where its link goes and what it says of the present order."""

    address: str
    order: str  # ascending, descending or none: as aria-sort wants it


async def show_list(page: PageRequest) -> Response:
    """Show a page of a view; htmx gets the table alone."""
    view = _view(page)
    model = page.pages.list_model(view.name)
    address = _address(page, view)
    related = read_reference(address.of) if address.of else None
    found = await page.records.page(
        page.entity_name,
        view=with_currency(view, page.registry),
        search=address.search,
        sort=_sort_keys(address.sort, model),
        after=address.after,
        limit=PAGE_SIZE,
        condition=_condition(page, address),
        linked_to=_linked_to(page, address),
    )
    name = ""
    if related is not None:
        record = await page.records.read(related.entity, related.id)
        name = str(record.get(page.entity_called(related.entity).primary_field) or related.id)
    template = "fragments/_list.html" if page.is_fragment else "pages/list.html"
    return page.render(
        f"{template}?view={view.name}",
        title=model.label,
        rows=await rows_of(page, view, found.rows),
        heads=_heads(address, model),
        unsortable=(await locked_columns(page, view.name))[1],
        q=address.search,
        sort=address.sort,
        by=address.by,
        link=address.link,
        of=address.of,
        related_name=name,
        related=related,
        kept=address.query(view="", q="", sort="", after="")[1:],
        count=number_writer(page.language, None)(found.count),
        total=found.count,
        is_capped=found.is_capped,
        next_address=address.query(after=found.next_after) if found.next_after else "",
        first_address=address.query(after="") if address.after else "",
        cleared_address=address.query(q="", after=""),
    )


async def rows_of(
    page: PageRequest, view: View, rows: Sequence[Mapping[str, Any]]
) -> list[tuple[Any, ...]]:
    """Return rows as templates show them: the id, then the columns of the view."""
    write = page.pages.list_rows(view.name, page.zone)
    money = await page.money()
    hidden, _ = await locked_columns(page, view.name)
    return rows_with_locks(page, [write(row, money) for row in rows], hidden)


def _view(page: PageRequest) -> View:
    """Return the view that the address names, or the entity's default one."""
    entity = page.entity
    name = page.query.get("view", "")
    if name:
        view = page.registry.views.get(name)
        if view is None or view.entity != entity.name:
            raise RecordNotFound("view", name)
        return view
    views = page.registry.views_of[entity.name]
    for view_type in ("public", "associated", "lookup"):
        view = next((found for found in views if found.type == view_type), None)
        if view is not None:
            return view
    raise RecordNotFound("view", entity.name)


def _address(page: PageRequest, view: View) -> ListAddress:
    get = page.query.get
    return ListAddress(
        view=view.name if get("view") else "",
        search=get("q", "").strip()[:_LONGEST_SEARCH],
        sort=get("sort", ""),
        after=get("after", ""),
        by=get("by", ""),
        link=get("link", ""),
        of=get("of", ""),
    )


def _sort_keys(sort: str, model: ListModel) -> tuple[SortKey, ...]:
    if not sort:
        return ()
    path = sort.removeprefix("-")
    if not any(column.path == path and column.is_sortable for column in model.columns):
        raise PostRefused(400, "error.bad_request", f"cannot sort by {path[:80]}")
    return (SortKey(path, sort.startswith("-")),)


def _condition(page: PageRequest, address: ListAddress) -> str:
    """Return the condition for the records whose lookup ``by`` names the record ``of``."""
    if not address.by:
        return ""
    reference = read_reference(address.of)
    field = page.entity.field_by_name.get(address.by)
    if reference is None or field is None or reference.entity not in field.targets:
        raise PostRefused(400, "error.bad_request", "by and of do not fit")
    return related_condition(address.by, reference.id)


def _linked_to(page: PageRequest, address: ListAddress) -> LinkedTo | None:
    """Return what narrows the list to the records linked with the record ``of``."""
    if not address.link:
        if address.of and not address.by:
            raise PostRefused(400, "error.bad_request", "of without by or link")
        return None
    reference = read_reference(address.of)
    relationship = page.registry.relationships.get(address.link)
    sides = {relationship.left, relationship.right} if relationship else set()
    if reference is None or not {page.entity_name, reference.entity} == sides:
        raise PostRefused(400, "error.bad_request", "link and of do not fit")
    return LinkedTo(address.link, reference.id)


def related_condition(lookup: str, record_id: str) -> str:
    """Return the condition for records whose lookup names a record; its id is known to be one."""
    return f"{lookup} eq {record_id}"


def _heads(address: ListAddress, model: ListModel) -> list[Head]:
    heads = []
    for column in model.columns:
        order = {column.path: "ascending", f"-{column.path}": "descending"}.get(
            address.sort, "none"
        )
        turned = f"-{column.path}" if order == "ascending" else column.path
        heads.append(Head(address.query(sort=turned, after=""), order))
    return heads
