"""A form sent after the session ended: it waits while its sender signs in again."""

from __future__ import annotations

import orjson
from starlette.requests import Request

from kartoteka_runtime.web import csrf
from kartoteka_runtime.web.form_posts import Post, PostRefused, read_post

KEPT, KEPT_FOR = "_kept", "_kept_for"


async def keep_post(request: Request, expected_token: str) -> str:
    """Return what a form sent, packed for the sign-in page to carry along.

    ``expected_token`` is that of the session which has ended: only what a page of ours sent is
    kept.

    Raises:
        PostRefused: The post is damaged, or comes from elsewhere.
    """
    post = await read_post(request)
    csrf.check_token(request, post, expected_token)
    pairs = [
        (name, text) for name, texts in post.values.items() if name != csrf.TOKEN for text in texts
    ]
    return orjson.dumps(pairs).decode()


def unpack_post(post: Post) -> list[tuple[str, str]]:
    """Return the inputs that the sign-in page carried along.

    Raises:
        PostRefused: They are damaged.
    """
    try:
        return [(str(name), str(text)) for name, text in orjson.loads(post.text(KEPT))]
    except (orjson.JSONDecodeError, TypeError, ValueError):
        raise PostRefused(400, "error.bad_request", "damaged kept post") from None
