"""The "Why?" page: what a user may do with one record, and the cause of each answer."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import PurePath

from starlette.responses import Response

from kartoteka.access.explain import Answer, Cause, ColumnAnswer
from kartoteka.errors import AccessDenied, RecordNotFound
from kartoteka.location import NOWHERE, Location
from kartoteka.record_values import Reference
from kartoteka_runtime.known_ids import role_id
from kartoteka_runtime.records.access_sentences import AccessSentences
from kartoteka_runtime.records.explain_access import USER, RecordExplanation
from kartoteka_runtime.web.form_input import find_by_name
from kartoteka_runtime.web.form_values import OF, PICK, REF, read_reference
from kartoteka_runtime.web.page_request import PageRequest, address_of

_WHO, METADATA = "who", "metadata"
_LONGEST = 200


@dataclass(frozen=True, slots=True)
class Link:
    """Something with a page of its own; "" where there is none."""

    name: str
    address: str = ""


@dataclass(frozen=True, slots=True)
class AnswerRow:
    """One privilege as the page shows it; ``also`` has the weaker causes."""

    privilege: str
    is_allowed: bool
    text: str
    also: tuple[str, ...]
    links: tuple[Link, ...]
    places: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ColumnRow:
    """One secured field as the page shows it."""

    label: str
    read: str
    create: bool
    update: bool
    profiles: tuple[str, ...]


async def show_why(page: PageRequest) -> Response:
    """Ask for a user, and tell what that user may do with the record of the page.

    Administrators and auditors ask for everybody, others for themselves.
    """
    entity, typed = page.entity, page.query.get(_WHO, "")[:_LONGEST].strip()
    user, candidates = await _chosen(page, typed)
    if user is None and not page.may_explain:
        user = Reference(USER, page.principal.user_id, page.principal.name)
    found = None
    if user is not None:
        explain = page.client.parts.explainer.explain
        try:
            found = await explain(page.records, user.id, entity.name, page.record_id)
        except RecordNotFound as missing:
            if missing.entity != USER or entity.name == USER:
                raise
    name = found.record.reference.name if found else await _name(page)
    is_missing = found is None and bool(typed or user) and not candidates
    return page.render(
        "pages/why.html",
        status=404 if is_missing else 200,
        title=page.text("access_why.title", name=name or page.text("list.no_name")),
        record_address=address_of(entity.name, page.record_id),
        kind=page.pages.entity_model(entity.name),
        may_choose=page.may_explain,
        who=found.user.name if found else typed,
        who_ref=f"{USER}:{found.user.id}" if found else "",
        candidates=[(f"{one.entity}:{one.id}", one.name) for one in candidates],
        is_missing=is_missing,
        **(_told(page, found) if found else {"user_link": None}),
    )


async def _name(page: PageRequest) -> str:
    """Return what the record is called, to who may read it."""
    try:
        record = await page.records.read_fields(page.entity.name, page.record_id)
    except (AccessDenied, RecordNotFound):
        if not page.may_explain:
            raise
        await page.records.as_system().read_fields(page.entity.name, page.record_id)
        return ""  # it is there, but its name is not for who asks
    return str(record.get(page.entity.primary_field) or "")


async def _chosen(page: PageRequest, typed: str) -> tuple[Reference | None, list[Reference]]:
    """Return the user that was chosen or named, or those that the typed name may mean."""
    picked = page.query.get(_WHO + PICK, "")
    if not picked and typed == page.query.get(_WHO + OF, typed):
        picked = page.query.get(_WHO + REF, "")
    reference = read_reference(picked) if picked else None
    if reference is not None and reference.entity == USER:
        return reference, []
    if not typed or not page.allows("read", USER):
        return None, []
    found = await find_by_name(page.records, [USER], typed)
    return (found[0], []) if len(found) == 1 else (None, list(found))


def _told(page: PageRequest, found: RecordExplanation) -> dict[str, object]:
    words = AccessSentences(
        page.registry, page.words.labels, page.language, found.names, found.user.id
    )
    owner, unit = found.record.owner, found.record.unit_id
    facts = [
        ("access_why.owner", [_link(page, owner, found.names)] if owner else []),
        ("access_why.unit", _known(page, "businessunit", [unit], found.names)),
        ("access_why.roles", list(_roles(page, found))),
    ]
    return {
        "user_link": Link(found.user.name, _address(page, USER, found.user.id)),
        "see_as_address": _see_as(page, found.user.id),
        "told_of": page.text("access_why.of_user", user=found.user.name),
        "facts": [(page.text(key), links) for key, links in facts if links],
        "rows": [_row(page, words, answer, found.names) for answer in found.answers.values()],
        "columns": [_column(page, found, column) for column in found.columns],
    }


def _see_as(page: PageRequest, user_id: str) -> str:
    access = page.access
    if access is None or not access.is_administrator or user_id == page.principal.user_id:
        return ""
    return f"/see-as?user={user_id}"


def _row(
    page: PageRequest, words: AccessSentences, answer: Answer, names: Mapping[str, str]
) -> AnswerRow:
    cause = answer.cause
    return AnswerRow(
        privilege=words.privilege(answer.privilege),
        is_allowed=answer.is_allowed,
        text=words.of(answer, cause),
        also=tuple(words.of(answer, other) for other in answer.causes[1:]),
        links=tuple(_links(page, words, cause, names)),
        places=tuple(_places(cause)),
    )


def _links(
    page: PageRequest, words: AccessSentences, cause: Cause, names: Mapping[str, str]
) -> Iterable[Link]:
    """Yield what is behind a cause: its role, its team, and people."""
    if cause.grant is not None:
        yield Link(words.role(cause.grant), _role_address(page, cause.grant.role))
        yield from _known(page, "team", [cause.grant.team_id], names)
    if cause.below is not None:
        yield _link(page, cause.below, names)
    if cause.share is not None:
        yield from _known(page, USER, [cause.share.shared_by], names)
        yield _link(page, cause.share.principal, names)


def _roles(page: PageRequest, found: RecordExplanation) -> Iterable[Link]:
    labels = page.words.labels
    for name in dict.fromkeys(given.role for given in found.facts.roles):
        role = page.registry.roles.get(name)
        label = labels.text(role.label, page.language) if role is not None else ""
        yield Link(label or name, _role_address(page, name))


def _column(page: PageRequest, found: RecordExplanation, column: ColumnAnswer) -> ColumnRow:
    read = "access_why.no"
    if column.read:
        read = "access_why.yes"
        if column.is_masked:
            read = "access_why.unmaskable" if column.may_unmask else "access_why.masked"
    profiles = dict.fromkeys(
        f"{name} ({_place(where)})" if where != NOWHERE else name
        for places in column.profiles.values()
        for name, where in places
    )
    entity = found.record.reference.entity
    return ColumnRow(
        label=page.words.labels.field(entity, column.field, page.language),
        read=page.text(read),
        create=column.create,
        update=column.update,
        profiles=tuple(profiles),
    )


def _places(cause: Cause) -> Iterable[str]:
    grants = (cause.grant,) if cause.grant is not None else cause.roles
    locations: dict[Location, None] = dict.fromkeys(grant.location for grant in grants)
    for place in locations:
        if place != NOWHERE:
            yield _place(place)


def _place(location: Location) -> str:
    """Return file and line; of where the file lies only the folder that holds the metadata."""
    parts = PurePath(location.file).parts
    index = parts.index(METADATA) if METADATA in parts else 0
    return f"{PurePath(*parts[max(index - 1, 0) :]).as_posix()}:{location.line}"


def _known(
    page: PageRequest, entity: str, ids: Iterable[str], names: Mapping[str, str]
) -> list[Link]:
    return [_link(page, Reference(entity, one), names) for one in ids if one]


def _link(page: PageRequest, reference: Reference, names: Mapping[str, str]) -> Link:
    name = reference.name or names.get(reference.id) or reference.id
    return Link(name, _address(page, reference.entity, reference.id))


def _role_address(page: PageRequest, name: str) -> str:
    if name not in page.registry.roles:
        return ""
    return _address(page, "role", role_id(page.published, name))


def _address(page: PageRequest, entity: str, record_id: str) -> str:
    """Return where a record is, for who may see such records at all."""
    return address_of(entity, record_id) if page.allows("read", entity) else ""
