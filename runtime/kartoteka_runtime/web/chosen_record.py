"""What was chosen in the lookup of a dialog, or what the name that was typed there may mean."""

from __future__ import annotations

from collections.abc import Sequence

from kartoteka.record_values import Reference
from kartoteka_runtime.web.form_input import find_by_name
from kartoteka_runtime.web.form_posts import Post
from kartoteka_runtime.web.form_values import OF, PICK, REF, read_reference
from kartoteka_runtime.web.page_request import PageRequest


async def chosen_record(
    page: PageRequest, post: Post, name: str, targets: Sequence[str]
) -> tuple[Reference | None, Sequence[Reference]]:
    """Return the record of ``targets`` that was chosen or named, or those that were meant perhaps.

    Both are nothing when no record is called so.
    """
    typed = post.text(name).strip()
    picked = post.text(name + PICK)
    if not picked and typed and typed == post.text(name + OF):
        picked = post.text(name + REF)
    reference = read_reference(picked)
    if reference is not None and reference.entity in targets:
        return reference, ()
    found = await find_by_name(page.records, list(targets), typed) if typed else []
    return (found[0], ()) if len(found) == 1 else (None, found)
