"""`kartoteka service add|secret|list|revoke`: programs that sign in by id and secret."""

from __future__ import annotations

import uuid
from datetime import UTC, datetime
from json import dumps
from typing import Annotated

import typer
from rich.table import Table

from kartoteka.errors import KartotekaError
from kartoteka.record_values import Reference
from kartoteka_runtime.cli.app_argument import HERE, AppArgument
from kartoteka_runtime.cli.console import answers
from kartoteka_runtime.cli.known_users import USER, check_roles, user_called, user_names
from kartoteka_runtime.cli.opened_app import with_published_app
from kartoteka_runtime.cli.tokens import JsonOption
from kartoteka_runtime.identity import ClientSecret
from kartoteka_runtime.known_ids import ROOT_UNIT, role_id
from kartoteka_runtime.publishing.bootstrap import SYSTEM
from kartoteka_runtime.runtime_parts import RuntimeParts
from kartoteka_runtime.security.services import MOST_SECRET_DAYS, SECRET_DAYS

service = typer.Typer(
    help="Let services sign in by client id and secret (OAuth2 client credentials).",
    no_args_is_help=True,
)

_APPLICATION = "applicationid"
_NON_INTERACTIVE = 4  # option of systemuser.accessmode
ServiceName = Annotated[str, typer.Argument(metavar="NAME", help="The user name of the service.")]
ExpiresOption = Annotated[
    int,
    typer.Option(
        "--expires", help="For how many days the secret holds.", min=1, max=MOST_SECRET_DAYS
    ),
]


class NoService(KartotekaError):
    """A user is no service, or nothing of it can be revoked."""


@service.command("add")
def add(
    name: ServiceName,
    app: AppArgument = HERE,
    role: Annotated[
        list[str] | None, typer.Option(help="A security role; may be given several times.")
    ] = None,
    expires: ExpiresOption = SECRET_DAYS,
) -> None:
    """Add a user of its own for a service; its id and secret are printed this once."""
    if not role:
        raise typer.BadParameter("a service without a role cannot enter: name one by --role.")

    async def work(parts: RuntimeParts) -> tuple[str, str]:
        check_roles(parts, role)
        client_id = str(uuid.uuid4())
        published = parts.live_registry.current
        async with parts.records.acting_as(SYSTEM).transaction() as records:
            fields = published.registry.entities[USER].field_by_name
            values = {
                "domainname": name,
                "lastname": name[:64],
                "businessunitid": Reference("businessunit", ROOT_UNIT),
                _APPLICATION: client_id,
                "accessmode": _NON_INTERACTIVE,
            }
            known = {key: value for key, value in values.items() if key in fields}
            user_id = await records.create(USER, known)
            for one in role:
                await records.associate(
                    "systemuserroles_association", user_id, role_id(published, one)
                )
        secret, _ = await parts.services.add_secret(user_id, client_id, name, days=expires)
        return client_id, secret

    _print_once(*with_published_app(app, work))


@service.command("secret")
def new_secret(
    name: ServiceName, app: AppArgument = HERE, expires: ExpiresOption = SECRET_DAYS
) -> None:
    """Give a service a further secret; earlier ones hold until they end or are revoked."""

    async def work(parts: RuntimeParts) -> tuple[str, str]:
        user_id = await user_called(parts, name)
        known = await parts.services.secrets_of(user_id)
        if not known:
            raise NoService(f'"{name}" is no service; `kartoteka service add` makes one')
        client_id = known[0].client_id
        secret, _ = await parts.services.add_secret(user_id, client_id, name, days=expires)
        return client_id, secret

    _print_once(*with_published_app(app, work))


@service.command("list")
def show_list(app: AppArgument = HERE, json: JsonOption = False) -> None:
    """List the secrets of services; what opens anything is not among it."""

    async def work(parts: RuntimeParts) -> tuple[list[ClientSecret], dict[str, str]]:
        return list(await parts.services.secrets_of("")), await user_names(parts)

    found, names = with_published_app(app, work)
    rows = [
        {
            "service": names.get(one.user_id, one.user_id),
            "client_id": one.client_id,
            "secret": one.id,
            "expires_on": one.expires_on.isoformat(),
            "used_on": one.used_on.isoformat() if one.used_on else None,
            "state": _state(one),
        }
        for one in found
    ]
    if json:
        answers.print_json(dumps(rows))
        return
    table = Table("service", "client id", "secret", "expires", "used", "state")
    for row in rows:
        used = (row["used_on"] or "never")[:10]
        table.add_row(
            row["service"], row["client_id"], row["secret"], str(row["expires_on"])[:10], used,
            row["state"],
        )  # fmt: skip
    answers.print(table)


@service.command("revoke")
def revoke(
    name: ServiceName,
    app: AppArgument = HERE,
    secret: Annotated[str, typer.Option(help="Only this secret, as `service list` names it.")] = "",
) -> None:
    """Revoke a service's secrets, and every access token that was given for them."""

    async def work(parts: RuntimeParts) -> int:
        return await parts.services.revoke(await user_called(parts, name), secret_id=secret)

    count = with_published_app(app, work)
    if not count:
        raise NoService(f'"{name}" has no such secret in force; `kartoteka service list` shows all')
    answers.print(f"Revoked {count} secret{'' if count == 1 else 's'}.")


def _state(secret: ClientSecret) -> str:
    if secret.revoked_on is not None:
        return "revoked"
    return "expired" if secret.expires_on <= datetime.now(UTC) else "in force"


def _print_once(client_id: str, secret: str) -> None:
    answers.print(f"client_id={client_id}", soft_wrap=True)
    answers.print(f"client_secret={secret}", soft_wrap=True)
