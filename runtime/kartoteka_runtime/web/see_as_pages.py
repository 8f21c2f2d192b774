"""Seeing the app as another user: beginning it, ending it, and what is closed meanwhile."""

from __future__ import annotations

from collections.abc import Sequence

from starlette.requests import Request
from starlette.responses import Response

from kartoteka.errors import AccessDenied
from kartoteka.record_values import Reference
from kartoteka_runtime.records.explain_access import USER
from kartoteka_runtime.security.refusals import client_address
from kartoteka_runtime.security.see_as import SeeingRefused
from kartoteka_runtime.web.chosen_record import chosen_record
from kartoteka_runtime.web.csrf import TOKEN
from kartoteka_runtime.web.form_values import OF, PICK, REF
from kartoteka_runtime.web.page_request import PageRequest
from kartoteka_runtime.web.sign_in_form import SESSION_COOKIE, SIGN_OUT

PLACE, END = "/see-as", "/see-as/end"
_OWN_PAGES = ("/settings", PLACE)  # of the user alone: passwords, tokens, second factors
_WHO, _REASON = "who", "reason"
_INPUTS = frozenset({TOKEN, _REASON, _WHO, _WHO + REF, _WHO + OF, _WHO + PICK})


def refusal_of_looking(request: Request) -> str:
    """Return why a request is refused while the app is seen as somebody else; "": it is not."""
    path = request.url.path
    if request.method == "POST":
        return "" if path in (END, SIGN_OUT) else "error.only_looking"
    is_own = any(path == place or path.startswith(f"{place}/") for place in _OWN_PAGES)
    return "see_as.not_here" if is_own else ""


async def show_see_as(page: PageRequest) -> Response:
    """Ask whom to see the app as, and why."""
    _require_administrator(page)
    user_id = page.query.get("user", "")
    typed: dict[str, str] = {}
    if user_id:
        known = await page.client.parts.sessions.known_user(user_id)
        if known is not None:
            typed = {_WHO: known.name, _WHO + OF: known.name, _WHO + REF: f"{USER}:{user_id}"}
    return _form(page, typed)


async def start(page: PageRequest) -> Response:
    """See the app as somebody else from now on."""
    _require_administrator(page)
    post = await page.post()
    post.check_names(_INPUTS)
    typed = {name: post.text(name) for name in (_WHO, _WHO + REF, _WHO + OF, _REASON)}
    user, candidates = await chosen_record(page, post, _WHO, (USER,))
    if candidates:
        return _form(page, typed, candidates=candidates)
    try:
        other = await page.client.parts.sessions.seeing.start(
            page.request.cookies.get(SESSION_COOKIE, ""),
            page.principal,
            user.id if user is not None else "",
            typed[_REASON],
            address=client_address(page.request.scope),
        )
    except SeeingRefused as refused:
        return _form(page, typed, problem=refused.code)
    return page.redirect("/", "see_as.started", {"name": other.name})


async def end(page: PageRequest) -> Response:
    """Be oneself again."""
    post = await page.post()
    post.check_names({TOKEN})
    token = page.request.cookies.get(SESSION_COOKIE, "")
    address = client_address(page.request.scope)
    await page.client.parts.sessions.seeing.end(token, address=address)
    return page.redirect("/", "see_as.ended")


def _require_administrator(page: PageRequest) -> None:
    if page.access is None or not page.access.is_administrator:
        raise AccessDenied("error.forbidden")


def _form(
    page: PageRequest,
    typed: dict[str, str],
    *,
    candidates: Sequence[Reference] = (),
    problem: str = "",
) -> Response:
    bad_reason = problem == "see_as.no_reason"
    return page.render(
        "pages/see_as.html",
        status=422 if problem or candidates else 200,
        title=page.text("see_as.title"),
        who=typed.get(_WHO, ""),
        who_ref=typed.get(_WHO + REF, ""),
        who_of=typed.get(_WHO + OF, ""),
        reason=typed.get(_REASON, ""),
        candidates=[(f"{one.entity}:{one.id}", one.name) for one in candidates],
        problem=page.text(problem) if problem else "",
        bad="reason" if bad_reason else "who" if problem else "",
    )
