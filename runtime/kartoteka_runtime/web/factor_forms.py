"""What the pages of second factors show: the code to scan, and recovery codes, once."""

from __future__ import annotations

from typing import Any

from markupsafe import Markup
from starlette.responses import Response

from kartoteka_runtime.security.totp import qr_code
from kartoteka_runtime.web.csrf import TOKEN
from kartoteka_runtime.web.form_posts import Post
from kartoteka_runtime.web.kept_posts import KEPT, unpack_post
from kartoteka_runtime.web.page_request import PageRequest
from kartoteka_runtime.web.sign_in_flow import Way
from kartoteka_runtime.web.sign_in_form import local_address

TOTP_INPUTS = frozenset({TOKEN, "attempt", "code", "password"})
NEW_PASSKEY_INPUTS = frozenset({TOKEN, "attempt", "answer", "name", "password"})


async def totp_facts(
    page: PageRequest, user_id: str, user_name: str, post: Post | None
) -> dict[str, Any]:
    """Return what shows a secret that is not in use yet: the one shown before, or a new one."""
    sign_in = page.client.parts.sign_in
    token = post.text("attempt") if post else ""
    attempt = await sign_in.attempts.find("totp", token, page.token)
    if attempt is not None and attempt.user_id == user_id:
        secret = attempt.data["secret"]
    else:
        secret = sign_in.totp.new_secret(user_id)
        token = await sign_in.attempts.begin(
            "totp", page.token, user_id=user_id, data={"secret": secret}
        )
    app = page.client.parts.app_folder.label
    address = sign_in.totp.address(secret, user_id, user_name=user_name, app=app)
    picture = Markup(qr_code(address))  # noqa: S704 - made here, of numbers alone
    return {"attempt": token, "picture": picture, "key": sign_in.totp.key(secret, user_id)}


def codes_page(page: PageRequest, codes: tuple[str, ...], way: Way) -> Response:
    """Return the page that shows recovery codes, this once, and then goes on."""
    response = page.render(
        "pages/recovery_codes.html",
        title=page.text("factors.recovery_codes"),
        codes=codes,
        goal=local_address(way.kept_for if way.kept else way.next_address),
        inputs=unpack_post(Post({KEPT: (way.kept,)})) if way.kept else None,
    )
    response.headers["Cache-Control"] = "no-store"
    return response
