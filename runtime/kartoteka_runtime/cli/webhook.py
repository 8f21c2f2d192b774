"""`kartoteka webhook secret`: what another system needs to check messages of a webhook with."""

from __future__ import annotations

from typing import Annotated

import typer

from kartoteka.errors import RecordNotFound
from kartoteka_runtime.cli.app_argument import HERE, AppArgument
from kartoteka_runtime.cli.console import answers
from kartoteka_runtime.cli.opened_app import with_published_app
from kartoteka_runtime.publishing.bootstrap import SYSTEM
from kartoteka_runtime.records.webhook_rules import make_secret
from kartoteka_runtime.records.webhooks import WEBHOOK
from kartoteka_runtime.runtime_parts import RuntimeParts

webhook = typer.Typer(help="Secrets of webhooks.", no_args_is_help=True)


@webhook.command("secret")
def secret(
    name: Annotated[str, typer.Argument(metavar="NAME", help="Name of the webhook.")],
    app: AppArgument = HERE,
) -> None:
    """Make a new secret of a webhook; it is printed this once and nothing else is."""

    async def work(parts: RuntimeParts) -> str:
        records = parts.records.acting_as(SYSTEM)
        quoted = name.replace("'", "''")
        found = await records.list(
            WEBHOOK, filter=f"name eq '{quoted}'", fields=("webhookid",), limit=2
        )
        if len(found) != 1:
            raise RecordNotFound(WEBHOOK, name)
        return await make_secret(records, parts.webhook_secrets, str(found[0]["webhookid"]))

    answers.print(with_published_app(app, work), soft_wrap=True)
