"""Sharing and assigning: whom a record is shared with, members of its access teams, its owner."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from starlette.responses import Response

from kartoteka.access.rights import RIGHTS
from kartoteka.errors import AccessDenied, RecordInvalid, RecordNotFound, Violation
from kartoteka.plugin_api.contexts import AccessTeam, SharedWith
from kartoteka.record_values import Reference
from kartoteka_runtime.records.share_paths import SharePaths
from kartoteka_runtime.web.chosen_record import chosen_record
from kartoteka_runtime.web.csrf import TOKEN
from kartoteka_runtime.web.form_posts import Post, PostRefused
from kartoteka_runtime.web.form_values import OF, PICK, REF, read_reference
from kartoteka_runtime.web.page_request import PageRequest, address_of
from kartoteka_runtime.web.record_rights import record_rights, require_right

_DO, _RIGHT, _PRINCIPAL, _TEMPLATE, _OTHER = "do", "right", "principal", "template", "other"
_LOOKUP = (_OTHER, _OTHER + REF, _OTHER + OF, _OTHER + PICK)
_INPUTS = frozenset({TOKEN, _DO, _RIGHT, _PRINCIPAL, _TEMPLATE, *_LOOKUP})
_MISSING_RIGHT = "error.share_of_missing_right"
_OWNERS, _PRINCIPALS = ("systemuser", "team"), ("systemuser", "team", "organization")


@dataclass(frozen=True, slots=True)
class ShareRow:
    """One principal's share as the dialog shows it; ``key`` names the principal in posts."""

    key: str
    name: str
    kind: str
    explicit: frozenset[str]
    inherited: str


@dataclass(frozen=True, slots=True)
class TeamRow:
    """One access team template with the record's members, as ``(id, name)``."""

    template_id: str
    name: str
    gives: str
    members: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class _Typed:
    """What was typed into a lookup that could not be taken, and what it may have meant."""

    texts: Mapping[str, str]
    rights: tuple[str, ...]
    template_id: str = ""
    candidates: Sequence[Reference] = ()


class _NotFound(Exception):
    """A typed name names nobody, or several."""

    def __init__(self, code: str, candidates: Sequence[Reference]) -> None:
        self.code = code
        self.candidates = candidates
        super().__init__(code)


async def show_sharing(page: PageRequest) -> Response:
    """Show whom the record is shared with, and what may be changed of it."""
    _require_shareable(page)
    return await _share_form(page)


async def change_sharing(page: PageRequest) -> Response:
    """Share, change what somebody may do, stop, or change the members of an access team."""
    _require_shareable(page)
    post = await page.post()
    post.check_names(_INPUTS, repeated={_RIGHT})
    rights = post.values.get(_RIGHT, ())
    typed = _Typed(
        {name: post.text(name) for name in _LOOKUP[:3]}, rights, template_id=post.text(_TEMPLATE)
    )
    try:
        await _do(page, post, rights)
    except _NotFound as missing:
        value, field = typed.texts[_OTHER][:80], page.text("share.principal")
        text = page.text(missing.code, value=value, field=field)
        found = _Typed(typed.texts, rights, typed.template_id, missing.candidates)
        return await _share_form(page, typed=found, problems=[text])
    except RecordInvalid as invalid:
        return await _share_form(page, typed=typed, problems=_texts(page, invalid))
    except AccessDenied as denied:
        if denied.code != _MISSING_RIGHT:
            raise
        return await _share_form(page, typed=typed, problems=[page.text(denied.code)])
    notice = "access_team.saved" if typed.template_id else "share.saved"
    if page.is_fragment:
        return await _share_form(page, saved=page.text(notice))
    return page.redirect(address_of(page.entity_name, page.record_id, "share"), notice)


async def show_members(page: PageRequest) -> Response:
    """Show the members of the record's access teams: a part of its form."""
    teams = await page.records.access_teams(page.entity_name, page.record_id)
    is_changed_here = SharePaths(page.registry).is_shareable(page.entity_name)
    template = "fragments/_members.html" if page.is_fragment else "pages/members.html"
    return page.render(
        f"{template}?entity={page.entity_name}",
        title=page.text("access_team.members"),
        record_id=page.record_id,
        teams=[_team_row(page, team) for team in teams],
        may_share=is_changed_here and "share" in await record_rights(page),
    )


async def show_assign(page: PageRequest) -> Response:
    """Ask who is to own the record."""
    _require_shareable(page)
    await require_right(page, "assign")
    return await _assign_form(page)


async def assign(page: PageRequest) -> Response:
    """Give the record to another owner."""
    _require_shareable(page)
    post = await page.post()
    post.check_names({TOKEN, *_LOOKUP})
    texts = {name: post.text(name) for name in _LOOKUP[:3]}
    entity = page.entity
    try:
        owner = await _chosen(page, post, _OWNERS)
        await page.records.update(entity.name, page.record_id, {"ownerid": owner})
    except _NotFound as missing:
        text = page.text(missing.code, value=texts[_OTHER][:80], field=page.text("assign.to"))
        return await _assign_form(page, texts, [text], missing.candidates)
    except RecordInvalid as invalid:
        return await _assign_form(page, texts, _texts(page, invalid))
    except AccessDenied as denied:
        if denied.code != "error.access_denied_below":
            raise
        return await _assign_form(page, texts, [page.text(denied.code)])
    try:
        await page.records.read(entity.name, page.record_id)
    except RecordNotFound:  # what is given away may be out of sight
        return page.redirect(address_of(entity.name), "assign.saved")
    return page.redirect(address_of(entity.name, page.record_id), "assign.saved")


async def _do(page: PageRequest, post: Post, rights: Sequence[str]) -> None:
    records, name, record_id = page.records, page.entity_name, page.record_id
    template_id = post.text(_TEMPLATE)
    match post.text(_DO):
        case "add":
            await records.share(name, record_id, await _chosen(page, post, _PRINCIPALS), rights)
        case "change":
            await records.change_share(name, record_id, _principal(post), rights)
        case "remove":
            await records.unshare(name, record_id, _principal(post))
        case "add_member":
            user = await _chosen(page, post, ("systemuser",))
            await records.add_member(name, record_id, _id(template_id), user.id)
        case "remove_member":
            await records.remove_member(name, record_id, _id(template_id), _principal(post).id)
        case _:
            raise PostRefused(400, "error.bad_request", "nothing to do")


def _principal(post: Post) -> Reference:
    found = read_reference(post.text(_PRINCIPAL))
    if found is None:
        raise PostRefused(400, "error.bad_request", "no principal")
    return found


def _id(text: str) -> str:
    found = read_reference(f"x:{text}")
    if found is None:
        raise PostRefused(400, "error.bad_request", "no id")
    return found.id


async def _chosen(page: PageRequest, post: Post, kinds: Sequence[str]) -> Reference:
    """Return who was chosen, or whom the typed name means.

    Raises:
        _NotFound: It is nobody, or may be several.
    """
    chosen, found = await chosen_record(page, post, _OTHER, _readable(page, kinds))
    if chosen is None:
        raise _NotFound("violation.ambiguous" if found else "violation.no_receiver", found)
    return chosen


def _readable(page: PageRequest, kinds: Sequence[str]) -> list[str]:
    return [kind for kind in kinds if page.allows("read", kind)]


def _require_shareable(page: PageRequest) -> None:
    if not SharePaths(page.registry).is_shareable(page.entity.name):
        raise RecordNotFound(page.entity.name, page.record_id)


def _texts(page: PageRequest, invalid: RecordInvalid) -> list[str]:
    texts = []
    for violation in invalid.violations:
        params = dict(violation.params)
        if "right" in params:
            params["right"] = page.text(f"share.right.{params['right']}")
        texts.append(
            page.violation(invalid.entity, Violation(violation.field, violation.code, params))
        )
    return texts


async def _share_form(
    page: PageRequest,
    *,
    typed: _Typed | None = None,
    problems: Sequence[str] = (),
    saved: str = "",
) -> Response:
    entity, record = page.entity, await page.records.read(page.entity_name, page.record_id)
    may_share = "share" in await record_rights(page)
    teams = await page.records.access_teams(entity.name, page.record_id)
    shares = await page.records.shares_of(entity.name, page.record_id)
    hidden = {f"{page.record_id}+{team.template.id}" for team in teams}
    name = str(record.get(entity.primary_field) or page.text("list.no_name"))
    owner = record.get("ownerid")
    template = "fragments/_share.html" if page.is_fragment else "pages/share.html"
    return page.render(
        f"{template}?entity={entity.name}",
        status=422 if problems else 200,
        title=page.text("share.title", name=name),
        record_id=page.record_id,
        record_name=name,
        owner=owner.name if isinstance(owner, Reference) else "",
        may_share=may_share,
        shares=[_row(page, item) for item in shares if item.principal.name not in hidden],
        teams=[_team_row(page, team) for team in teams],
        rights=tuple(RIGHTS),
        principals=",".join(_readable(page, _PRINCIPALS)),
        typed=typed or _Typed({_OTHER: "", _OTHER + REF: "", _OTHER + OF: ""}, ("read",)),
        candidates=_candidates(page, typed.candidates if typed else ()),
        problems=problems,
        saved=saved,
    )


async def _assign_form(
    page: PageRequest,
    texts: Mapping[str, str] | None = None,
    problems: Sequence[str] = (),
    candidates: Sequence[Reference] = (),
) -> Response:
    entity, record = page.entity, await page.records.read(page.entity_name, page.record_id)
    template = "fragments/_assign.html" if page.is_fragment else "pages/assign.html"
    name = str(record.get(entity.primary_field) or page.text("list.no_name"))
    return page.render(
        f"{template}?entity={entity.name}",
        status=422 if problems else 200,
        title=page.text("assign.title", name=name),
        record_id=page.record_id,
        record_name=name,
        owners=",".join(_readable(page, _OWNERS)),
        v={_OTHER: "", _OTHER + REF: "", _OTHER + OF: "", **(texts or {})},
        problems=problems,
        candidates=_candidates(page, candidates),
    )


def _candidates(page: PageRequest, found: Sequence[Reference]) -> list[tuple[str, str, str]]:
    return [
        (f"{one.entity}:{one.id}", one.name, page.text(f"share.kind.{one.entity}")) for one in found
    ]


def _row(page: PageRequest, shared: SharedWith) -> ShareRow:
    principal = shared.principal
    return ShareRow(
        key=f"{principal.entity}:{principal.id}",
        name=principal.name or principal.id,
        kind=page.text(f"share.kind.{principal.entity}"),
        explicit=frozenset(shared.explicit),
        inherited=_rights_text(page, shared.inherited),
    )


def _team_row(page: PageRequest, team: AccessTeam) -> TeamRow:
    return TeamRow(
        team.template.id,
        team.template.name,
        _rights_text(page, team.privileges),
        tuple((member.id, member.name) for member in team.members),
    )


def _rights_text(page: PageRequest, privileges: Sequence[str]) -> str:
    return ", ".join(page.text(f"share.right.{name}") for name in privileges)
