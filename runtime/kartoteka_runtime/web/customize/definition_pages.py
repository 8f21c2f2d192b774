"""Pages that change one definition: an input for each property, saved in the app's files."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson
from starlette.responses import Response

from kartoteka.editing.customize import Customization
from kartoteka_runtime.app_files import Mistake
from kartoteka_runtime.web.csrf import TOKEN
from kartoteka_runtime.web.customize.customizing import Customizing, NotSaved
from kartoteka_runtime.web.customize.inputs import (
    ORIGINAL,
    InputGroup,
    Typed,
    all_inputs,
    filled,
    read_inputs,
)
from kartoteka_runtime.web.customize.origins import Origins
from kartoteka_runtime.web.form_posts import Post


@dataclass(frozen=True, slots=True)
class DefinitionPage:
    """What a page about one definition shows beside its inputs.

    ``address`` is the page's own; ``more`` goes to the template as it is; ``below`` is the path
    of which every property is listed with its origins.
    """

    template: str
    title: str
    part: str
    address: str
    groups: tuple[InputGroup, ...]
    origins: Origins
    below: tuple[str, ...] = ()
    more: Mapping[str, Any] = field(default_factory=dict)


def show(at: Customizing, about: DefinitionPage) -> Response:
    """Show a definition as the files have it."""
    return _render(at, about, about.groups)


async def save(at: Customizing, about: DefinitionPage, post: Post) -> Response:
    """Write what was changed; show the page again, as it was typed, when that cannot be."""
    post.check_names({TOKEN, ORIGINAL, *(one.name for one in all_inputs(about.groups))})
    typed = read_inputs(post, about.groups)
    if typed.bad:
        status = (
            409 if any(m == "customize.changed_meanwhile" for m, _ in typed.bad.values()) else 422
        )
        return _again(at, about, post, typed, NotSaved(status, at.page.text("form.not_saved")))
    if not typed.edits:
        return at.page.redirect(about.address, "customize.nothing_changed")
    try:
        await at.save(*typed.edits.values())
    except NotSaved as refused:
        return _again(at, about, post, typed, refused)
    return at.page.redirect(about.address, "customize.saved")


def _again(
    at: Customizing, about: DefinitionPage, post: Post, typed: Typed, refused: NotSaved
) -> Response:
    bad = {name: at.page.text(key, **params) for name, (key, params) in typed.bad.items()}
    if refused.mistakes and len(typed.edits) == 1:
        bad[next(iter(typed.edits))] = said(refused.mistakes)
    groups = filled(about.groups, typed.texts, bad)
    original = {**_original(about.groups), **_kept_original(post, typed)}
    return _render(at, about, groups, original=original, refused=refused)


async def carry_out(
    at: Customizing, about: DefinitionPage, changes: Sequence[Customization]
) -> Response:
    """Write changes that a button asked for and show what came of them."""
    try:
        await at.save(*changes)
    except NotSaved as refused:
        return refuse(at, about, refused)
    return at.page.redirect(about.address, "customize.saved")


def refuse(at: Customizing, about: DefinitionPage, refused: NotSaved) -> Response:
    """Show a definition as it is, and why something was not done to it."""
    return _render(at, about, about.groups, refused=refused)


def _kept_original(post: Post, typed: Typed) -> dict[str, str]:
    """Return what changed inputs came with; where files changed too, what is there now."""
    before = post.mapping(ORIGINAL)
    return {name: before[name] for name in typed.texts if name not in typed.bad}


def _original(groups: Sequence[InputGroup]) -> dict[str, str]:
    return {one.name: one.text for one in all_inputs(groups)}


def _render(
    at: Customizing,
    about: DefinitionPage,
    groups: tuple[InputGroup, ...],
    *,
    original: Mapping[str, str] | None = None,
    refused: NotSaved | None = None,
) -> Response:
    properties = about.origins.below(*about.below) if about.below else about.origins.properties
    start = len(about.below)
    return at.render(
        about.template,
        title=about.title,
        part=about.part,
        status=refused.status if refused else 200,
        problem=refused.message if refused else "",
        mistakes=refused.mistakes if refused else (),
        address=about.address,
        groups=groups,
        original=orjson.dumps(original or _original(groups)).decode(),
        lists=about.more.get("lists", ()),
        properties=[(" / ".join(one.path[start:]), one.value, one.origins) for one in properties],
        **{key: value for key, value in about.more.items() if key != "lists"},
    )


def said(mistakes: Sequence[Mistake]) -> str:
    """Return what the first mistakes say, for one input."""
    return " ".join(
        f"{one.message}; {one.hint}." if one.hint else f"{one.message}." for one in mistakes[:3]
    )
