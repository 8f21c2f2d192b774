"""The secret of a webhook: since when there is one, a new one, which one answer alone shows."""

from __future__ import annotations

from datetime import datetime

from starlette.responses import Response

from kartoteka_runtime.records.webhook_rules import end_former_secret, make_secret
from kartoteka_runtime.records.webhooks import WEBHOOK
from kartoteka_runtime.web.csrf import TOKEN
from kartoteka_runtime.web.form_posts import PostRefused
from kartoteka_runtime.web.page_request import PageRequest, address_of
from kartoteka_runtime.web.security_pages import moment_writer

PLACE = "secret"  # last part of the address


async def show_secret(page: PageRequest) -> Response:
    """Show since when a webhook has a secret."""
    return await _render(page)


async def change_secret(page: PageRequest) -> Response:
    """Make a new secret, or end the former one."""
    post = await page.post()
    post.check_names({TOKEN, "_do"})
    records, secrets = page.records, page.client.parts.webhook_secrets
    match post.text("_do"):
        case "new":
            made = await make_secret(records, secrets, page.record_id)
            response = await _render(page, made=made)
            response.headers["Cache-Control"] = "no-store"
            return response
        case "end_former":
            await end_former_secret(records, secrets, page.record_id)
            address = address_of(WEBHOOK, page.record_id, PLACE)
            return page.redirect(address, "webhook.secret_ended")
    raise PostRefused(400, "error.bad_request", "no such button")


async def _render(page: PageRequest, *, made: str = "") -> Response:
    record = await page.records.read(WEBHOOK, page.record_id)
    write = moment_writer(page)
    since, former = record["secretcreatedon"], record["formersecretendson"]
    name = str(record["name"] or "")
    return page.render(
        "pages/webhook_secret.html",
        entity=WEBHOOK,
        title=page.text("webhook.secret_of", name=name),
        record_name=name,
        record_address=address_of(WEBHOOK, page.record_id),
        place=address_of(WEBHOOK, page.record_id, PLACE),
        made=made,
        since=write(since) if isinstance(since, datetime) else "",
        former=write(former) if isinstance(former, datetime) else "",
    )
