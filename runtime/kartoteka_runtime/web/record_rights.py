"""What a record's page may offer: the privileges that its reader has on that record.

The record service decides (decisions/0040); pages only do not offer what it would refuse.
"""

from __future__ import annotations

from collections.abc import Collection

from kartoteka.access.reach import Everything
from kartoteka.model.relationship import Relationship
from kartoteka_runtime.records.record_access import denied
from kartoteka_runtime.web.page_request import PageRequest

_PRIVILEGES = ("write", "delete", "append", "append_to", "assign", "share")


async def record_rights(page: PageRequest) -> frozenset[str]:
    """Return the privileges on the page's record, but for reading: at most one statement."""
    name, access = page.entity.name, page.access
    if access is None:
        return frozenset()
    reaches = {privilege: access.reach(name, privilege) for privilege in _PRIVILEGES}
    given = [privilege for privilege, reach in reaches.items() if reach is not None]
    if all(isinstance(reaches[privilege], Everything) for privilege in given):
        return frozenset(given)
    return await page.records.allowed(name, page.record_id, given)


async def require_right(page: PageRequest, privilege: str) -> None:
    """Return when the reader has a privilege on the page's record.

    Raises:
        AccessDenied: Before anything is asked that could not be done anyhow.
    """
    if privilege not in await record_rights(page):
        raise denied(privilege, page.entity.name)


def may_link(page: PageRequest, relationship: Relationship, rights: Collection[str]) -> bool:
    """Return whether the page's record may be linked with some record by an N:N relationship."""
    is_left = relationship.left == page.entity_name
    other = relationship.right if is_left else relationship.left
    return ("append" in rights and page.allows("append_to", other)) or (
        "append_to" in rights and page.allows("append", other)
    )
