"""Settings of one's own API tokens: which there are, a new one, revoking one."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from starlette.responses import Response

from kartoteka_runtime.identity import KnownToken
from kartoteka_runtime.security.scopes import ScopeUnknown, read_scopes
from kartoteka_runtime.security.tokens import DAYS, MOST_DAYS
from kartoteka_runtime.web.csrf import TOKEN
from kartoteka_runtime.web.form_posts import Post, PostRefused
from kartoteka_runtime.web.page_request import PageRequest
from kartoteka_runtime.web.security_pages import moment_writer

PLACE = "/settings/tokens"
_LONGEST_NAME = 100
_CHOICES = (7, 30, 90, 180, 365)  # days
_ALL = "all"  # everything that the user may


@dataclass(frozen=True, slots=True)
class TokenRow:
    """One token as its user sees it."""

    id: str
    name: str
    scopes: str
    created: str
    expires: str
    used: str
    state: str  # what it is by now
    holds: bool


async def show_tokens(page: PageRequest) -> Response:
    """Show every token, and the form for a new one."""
    return await _render(page)


async def change_tokens(page: PageRequest) -> Response:
    """Make a token, which this answer alone shows, or revoke one."""
    post = await page.post()
    post.check_names({TOKEN, "name", "scope", "scopes", "days", "revoke"})
    if post.has("revoke"):
        tokens, user_id = page.client.parts.sessions.tokens, page.principal.user_id
        is_revoked = await tokens.revoke(post.text("revoke"), user_id=user_id)
        return page.redirect(PLACE, "tokens.revoked" if is_revoked else "tokens.no_token")
    return await _create(page, post)


async def _create(page: PageRequest, post: Post) -> Response:
    name, days = post.text("name").strip(), post.number("days")
    scope = post.text("scope")
    if not name or len(name) > _LONGEST_NAME:
        problem = page.text("tokens.name_needed", max=_LONGEST_NAME)
        return await _render(page, problem=problem, entered=post, status=422)
    if not 1 <= days <= MOST_DAYS or scope not in (_ALL, "read", "write", "some"):
        raise PostRefused(400, "error.bad_request", "no such lifetime or scope")
    try:
        said = [post.text("scopes")] if scope == "some" else [scope]
        scopes = None if scope == _ALL else read_scopes(said, page.registry)
    except ScopeUnknown as unknown:
        problem = page.text("tokens.scope_unknown", scope=unknown.scope)
        return await _render(page, problem=problem, entered=post, status=422)
    if scope == "some" and scopes is None:
        problem = page.text("tokens.scopes_needed")
        return await _render(page, problem=problem, entered=post, status=422)
    token, _ = await page.client.parts.sessions.tokens.create(
        page.principal.user_id, name, scopes=scopes, lifetime=timedelta(days=days)
    )
    response = await _render(page, token=token, made=name)
    response.headers["Cache-Control"] = "no-store"
    return response


async def _render(
    page: PageRequest,
    *,
    problem: str = "",
    entered: Post | None = None,
    token: str = "",
    made: str = "",
    status: int = 200,
) -> Response:
    known = await page.client.parts.sessions.tokens.of(page.principal.user_id)
    typed = entered or Post({})
    return page.render(
        "pages/tokens.html",
        status=status,
        title=page.text("page.tokens"),
        settings_place=PLACE,
        problem=problem,
        new_token=token,
        made=made,
        tokens=[_row(page, one) for one in known],
        choices=_CHOICES,
        days=int(typed.text("days", str(DAYS))),
        name=typed.text("name"),
        scope=typed.text("scope", _ALL),
        scopes=typed.text("scopes"),
    )


def _row(page: PageRequest, token: KnownToken) -> TokenRow:
    write = moment_writer(page)
    state = "tokens.holds"
    if token.revoked_on is not None:
        state = "tokens.is_revoked"
    elif token.expires_on <= datetime.now(UTC):
        state = "tokens.has_expired"
    everything = page.text("tokens.everything")
    return TokenRow(
        id=token.id,
        name=token.name,
        scopes=everything if token.scopes is None else ", ".join(sorted(token.scopes)),
        created=write(token.created_on),
        expires=write(token.expires_on),
        used=write(token.used_on),
        state=page.text(state),
        holds=state == "tokens.holds",
    )
