"""`kartoteka user add|password` and `kartoteka token create`: who may sign in."""

from __future__ import annotations

import secrets
import sys
from typing import Annotated

import typer

from kartoteka.errors import KartotekaError
from kartoteka.names import did_you_mean
from kartoteka_runtime.cli.app_argument import HERE, AppArgument
from kartoteka_runtime.cli.console import answers
from kartoteka_runtime.cli.opened_app import with_published_app
from kartoteka_runtime.publishing.bootstrap import SYSTEM, add_user
from kartoteka_runtime.runtime_parts import RuntimeParts
from kartoteka_runtime.security.passwords import LONGEST, SHORTEST

user = typer.Typer(help="Add users and set their passwords.", no_args_is_help=True)
token = typer.Typer(help="Make tokens for programs that use the API.", no_args_is_help=True)

UserName = Annotated[str, typer.Argument(metavar="NAME", help="The name the user signs in with.")]
GenerateOption = Annotated[
    bool, typer.Option("--generate", help="Make a password and print it, instead of asking.")
]
StdinOption = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input.")
]


class UnknownUser(KartotekaError):
    """There is no user of that name."""


@user.command("add")
def add(
    name: UserName,
    app: AppArgument = HERE,
    role: Annotated[
        list[str] | None, typer.Option(help="A security role; may be given several times.")
    ] = None,
    first_name: Annotated[str, typer.Option(help="First name.")] = "",
    last_name: Annotated[str, typer.Option(help="Last name.", show_default="the NAME")] = "",
    email: Annotated[str, typer.Option(help="Mail address.")] = "",
    generate: GenerateOption = False,
    password_stdin: StdinOption = False,
) -> None:
    """Add a user who can sign in."""
    password = _new_password(generate, password_stdin)

    async def work(parts: RuntimeParts) -> None:
        _check_roles(parts, role or [])
        user_id = await add_user(
            parts.records,
            user_name=name,
            first_name=first_name,
            last_name=last_name or name,
            roles=role or [],
            email=email,
        )
        await parts.sessions.set_password(user_id, password)

    with_published_app(app, work)
    answers.print(f"Added {name}." + (f" The password is {password}" if generate else ""))


@user.command("password")
def set_password(
    name: UserName,
    app: AppArgument = HERE,
    generate: GenerateOption = False,
    password_stdin: StdinOption = False,
) -> None:
    """Give a user a new password."""
    password = _new_password(generate, password_stdin)

    async def work(parts: RuntimeParts) -> None:
        await parts.sessions.set_password(await _user_id(parts, name), password)

    with_published_app(app, work)
    answers.print(f"Done.{f' The password of {name} is {password}' if generate else ''}")


@token.command("create")
def create_token(
    user: Annotated[str, typer.Option(help="The user as whom the program acts.")],
    app: AppArgument = HERE,
    name: Annotated[str, typer.Option(help="What the token is for.")] = "token",
) -> None:
    """Make an API token; it is printed this once and nothing else is."""

    async def work(parts: RuntimeParts) -> str:
        return await parts.sessions.create_token(await _user_id(parts, user), name)

    answers.print(with_published_app(app, work))


def generated_password() -> str:
    """Return a random password that can be read aloud and typed."""
    letters = "abcdefghijkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(letters) for _ in range(4)) for _ in range(4))


def _new_password(generate: bool, from_stdin: bool) -> str:
    if generate:
        return generated_password()
    if from_stdin:
        password = sys.stdin.readline().rstrip("\n")
    elif sys.stdin.isatty():
        password = typer.prompt("Password", hide_input=True, confirmation_prompt=True)
    else:
        raise typer.BadParameter(
            "there is no terminal to ask for a password: use --generate or --password-stdin."
        )
    if not SHORTEST <= len(password) <= LONGEST:
        raise typer.BadParameter(f"a password has {SHORTEST} to {LONGEST} characters.")
    return password


def _check_roles(parts: RuntimeParts, roles: list[str]) -> None:
    known = parts.live_registry.current.registry.roles
    for role in roles:
        if role not in known:
            hint = did_you_mean(role, known) or f"there are {', '.join(sorted(known))}"
            raise typer.BadParameter(f'there is no role "{role}"; {hint}')


async def _user_id(parts: RuntimeParts, name: str) -> str:
    quoted = name.replace("'", "''")
    found = await parts.records.acting_as(SYSTEM).list(
        "systemuser", filter=f"domainname eq '{quoted}'", fields=("systemuserid",), limit=1
    )
    if not found:
        raise UnknownUser(f'there is no user "{name}"')
    return str(found[0]["systemuserid"])
