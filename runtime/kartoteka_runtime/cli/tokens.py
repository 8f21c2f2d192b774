"""`kartoteka token create|list|revoke`: what programs carry that act as a user."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from json import dumps
from typing import Annotated, Any

import typer
from rich.table import Table

from kartoteka.errors import KartotekaError
from kartoteka_runtime.cli.app_argument import HERE, AppArgument
from kartoteka_runtime.cli.console import answers
from kartoteka_runtime.cli.known_users import user_called, user_names
from kartoteka_runtime.cli.opened_app import with_published_app
from kartoteka_runtime.identity import KnownToken
from kartoteka_runtime.runtime_parts import RuntimeParts
from kartoteka_runtime.security.scopes import ScopeUnknown, read_scopes
from kartoteka_runtime.security.tokens import DAYS, MOST_DAYS

token = typer.Typer(
    help="Make, list and revoke tokens of programs that use the API.", no_args_is_help=True
)

UserOption = Annotated[str, typer.Option("--user", help="The user as whom the program acts.")]
JsonOption = Annotated[bool, typer.Option("--json", help="Print JSON.")]


class UnknownToken(KartotekaError):
    """There is no such token in force."""


@token.command("create")
def create(
    user: UserOption,
    app: AppArgument = HERE,
    name: Annotated[str, typer.Option(help="What the token is for.")] = "token",
    scope: Annotated[
        list[str] | None,
        typer.Option(
            help="What it may do of what the user may: read, write, or such as account:read; "
            "may be given several times.",
            show_default="whatever the user may",
        ),
    ] = None,
    expires: Annotated[
        int, typer.Option(help="For how many days it holds.", min=1, max=MOST_DAYS)
    ] = DAYS,
) -> None:
    """Make an API token; it is printed this once and nothing else is."""

    async def work(parts: RuntimeParts) -> str:
        try:
            scopes = read_scopes(scope or (), parts.live_registry.current.registry)
        except ScopeUnknown as unknown:
            raise typer.BadParameter(str(unknown)) from unknown
        made, _ = await parts.sessions.tokens.create(
            await user_called(parts, user), name, scopes=scopes, lifetime=timedelta(days=expires)
        )
        return made

    answers.print(with_published_app(app, work), soft_wrap=True)


@token.command("list")
def show_list(
    app: AppArgument = HERE,
    user: Annotated[str, typer.Option("--user", help="Only those of this user.")] = "",
    json: JsonOption = False,
) -> None:
    """List tokens, the newest first; what opens anything is not among it."""

    async def work(parts: RuntimeParts) -> tuple[list[KnownToken], dict[str, str]]:
        owner = await user_called(parts, user) if user else ""
        return list(await parts.sessions.tokens.of(owner)), await user_names(parts)

    found, names = with_published_app(app, work)
    rows = [_shown(one, names) for one in found]
    if json:
        answers.print_json(dumps(rows))
        return
    table = Table("id", "user", "name", "scopes", "expires", "used", "state")
    for row in rows:
        scopes = "everything" if row["scopes"] is None else " ".join(row["scopes"])
        table.add_row(
            row["id"], row["user"], row["name"], scopes, row["expires_on"][:10],
            (row["used_on"] or "never")[:10], row["state"],
        )  # fmt: skip
    answers.print(table)


@token.command("revoke")
def revoke(
    token_id: Annotated[str, typer.Argument(metavar="ID", help="As `token list` shows it.")],
    app: AppArgument = HERE,
) -> None:
    """Revoke a token; the next request that carries it is refused, in every process."""

    async def work(parts: RuntimeParts) -> bool:
        return await parts.sessions.tokens.revoke(token_id)

    if not with_published_app(app, work):
        raise UnknownToken(f'no token "{token_id}" is in force; `kartoteka token list` shows all')
    answers.print("Revoked.")


def _shown(token: KnownToken, names: dict[str, str]) -> dict[str, Any]:
    state = "in force"
    if token.revoked_on is not None:
        state = "revoked"
    elif token.expires_on <= datetime.now(UTC):
        state = "expired"
    return {
        "id": token.id,
        "user": names.get(token.user_id, token.user_id),
        "name": token.name,
        "scopes": None if token.scopes is None else sorted(token.scopes),
        "created_on": token.created_on.isoformat(),
        "expires_on": token.expires_on.isoformat(),
        "used_on": token.used_on.isoformat() if token.used_on else None,
        "state": state,
    }
