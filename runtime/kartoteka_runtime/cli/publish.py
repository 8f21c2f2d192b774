"""`kartoteka publish [APP]`: make the checked metadata the live one."""

from __future__ import annotations

import asyncio

from kartoteka_runtime.app import publish_app
from kartoteka_runtime.app_folder import load_app_folder
from kartoteka_runtime.cli.app_argument import HERE, AppArgument
from kartoteka_runtime.cli.changes_text import describe_changes
from kartoteka_runtime.cli.console import answers, remarks
from kartoteka_runtime.cli.opened_app import opened_app
from kartoteka_runtime.publishing.publish import PublishResult


def publish(app: AppArgument = HERE) -> None:
    """Check an app, change its database to match, and make it live; running servers follow."""
    with remarks.status("Checking …") as status:
        registry = load_app_folder(app).registry()
        status.update("Publishing …")

        async def run() -> PublishResult:
            async with opened_app(app) as parts:
                return await publish_app(parts, registry)

        result = asyncio.run(run())
    if not result.changes:
        answers.print(f"Nothing changed: publication {result.number} is live.")
        return
    for line in describe_changes(result.changes):
        answers.print(f"  {line}")
    answers.print(f"Publication {result.number} is live.")
