"""Adding, removing and moving one member of a list of named things, as a button asks for it."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from kartoteka.editing.customize import REMOVED, Customization
from kartoteka.loading.property_paths import join_path
from kartoteka_runtime.web.csrf import TOKEN
from kartoteka_runtime.web.customize.customizing import Customizing
from kartoteka_runtime.web.form_posts import Post, PostRefused

DO, WITHIN, ADDED = "_do", "_within", "_add"
_PLACING = ("after", "before", "remove")


def list_changes(
    at: Customizing,
    post: Post,
    of: tuple[str, str],
    path: tuple[str, ...],
    *,
    present: Sequence[str],
    known: Collection[str],
    is_own: bool,
    naming: Mapping[str, str] = MappingProxyType({}),
) -> list[Customization]:
    """Return the changes that a button asks for: ``add``, ``remove:x``, ``up:x`` or ``down:x``.

    Where an extension says it, the member stands at the end of the extension's list: what was
    moved last is moved last again when the layers are put together.

    Args:
        at: The request.
        post: From a form with those buttons.
        of: Kind and name of the definition.
        path: Of the list in it.
        present: The members in their order.
        known: What may be added.
        is_own: Whether the app's own files define the definition.
        naming: The key that names a member, where that is not ``field``.

    Raises:
        PostRefused: There is no such button or member.
    """
    post.check_names({TOKEN, DO, WITHIN, ADDED})
    name, value = _wanted(post, present, known)
    member = (*path, name)
    if is_own:
        return [Customization(*of, member, value)]
    said = at.files.said(*of, member)
    kept = {key: item for key, item in said.items() if key not in _PLACING}
    if "remove" in value:
        is_added_here = any(
            layer.bundle == at.own_bundle and layer.value == "added"
            for layer in at.registry.sources.get(join_path(*of, *member), ())
        )
        return [
            Customization(
                *of,
                member,
                REMOVED if is_added_here else {naming.get(name, "field"): name, "remove": True},
            )
        ]
    return [
        Customization(*of, member, REMOVED),
        Customization(*of, member, {naming.get(name, "field"): name, **kept, **value}),
    ]


def _wanted(
    post: Post, present: Sequence[str], known: Collection[str]
) -> tuple[str, dict[str, Any]]:
    """Return the member and what shall be said of its place."""
    do, _, name = post.text(DO).partition(":")
    if do == "add":
        name = post.text(ADDED)
        if name not in known:
            raise PostRefused(400, "error.bad_request", f"cannot be added: {name[:80]}")
        return name, {"field": name}
    if name not in present:
        raise PostRefused(400, "error.bad_request", f"no such member: {name[:80]}")
    place = present.index(name)
    if do == "remove":
        return name, {"remove": True}
    if do == "up" and place > 0:
        return name, {"before": present[place - 1]}
    if do == "down" and place < len(present) - 1:
        return name, {"after": present[place + 1]}
    raise PostRefused(400, "error.bad_request", f"no such button: {post.text(DO)[:80]}")
