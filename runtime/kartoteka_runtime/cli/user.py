"""`kartoteka user add|password`: who may sign in."""

from __future__ import annotations

import secrets
import sys
from collections.abc import Sequence
from typing import Annotated

import typer

from kartoteka.errors import RecordInvalid
from kartoteka_runtime.cli.app_argument import HERE, AppArgument
from kartoteka_runtime.cli.console import answers, remarks
from kartoteka_runtime.cli.known_users import as_mistake, check_roles, user_called
from kartoteka_runtime.cli.opened_app import with_published_app
from kartoteka_runtime.publishing.bootstrap import add_user
from kartoteka_runtime.runtime_parts import RuntimeParts
from kartoteka_runtime.security.sessions import check_password

user = typer.Typer(help="Add users and set their passwords.", no_args_is_help=True)

UserName = Annotated[str, typer.Argument(metavar="NAME", help="The name the user signs in with.")]
GenerateOption = Annotated[
    bool, typer.Option("--generate", help="Make a password and print it, instead of asking.")
]
StdinOption = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input.")
]


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
        check_roles(parts, role or [])
        _check(parts, password, (name, first_name, last_name, email))
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
    if not role:
        remarks.print(f"{name} has no role yet, and cannot enter without one.")
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
        user_id = await user_called(parts, name)
        try:
            await parts.sessions.set_password(user_id, password)
        except RecordInvalid as invalid:
            raise as_mistake(parts, invalid) from invalid

    with_published_app(app, work)
    answers.print(f"Done.{f' The password of {name} is {password}' if generate else ''}")


@user.command("forget-factors")
def forget_factors(name: UserName, app: AppArgument = HERE) -> None:
    """Forget the codes and passkeys of a user who has lost them all."""

    async def work(parts: RuntimeParts) -> int:
        user_id = await user_called(parts, name)
        count = await parts.sign_in.store.forget_factors(user_id)
        if count:
            await parts.security_events.record(
                "second_factor_removed", user_id=user_id, user_name=name, detail={"by": "operator"}
            )
        return count

    count = with_published_app(app, work)
    answers.print(f"Forgot {count} of {name}." if count else f"{name} has no second factor.")


@user.command("unlink")
def unlink(name: UserName, app: AppArgument = HERE) -> None:
    """Forget which accounts at identity providers are a user's."""

    async def work(parts: RuntimeParts) -> bool:
        return await parts.sign_in.store.unlink_all(await user_called(parts, name))

    is_done = with_published_app(app, work)
    answers.print(f"Unlinked {name}." if is_done else f"{name} is linked to no account.")


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
    return password


def _check(parts: RuntimeParts, password: str, about: Sequence[str]) -> None:
    """Return when a password may be chosen, before there is a user who has it."""
    try:
        check_password(password, about)
    except RecordInvalid as invalid:
        raise as_mistake(parts, invalid) from invalid
