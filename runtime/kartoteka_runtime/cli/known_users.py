"""Users and roles as commands name them."""

from __future__ import annotations

from collections.abc import Sequence

import typer

from kartoteka.errors import KartotekaError, RecordInvalid
from kartoteka.names import did_you_mean
from kartoteka_runtime.publishing.bootstrap import SYSTEM
from kartoteka_runtime.runtime_parts import RuntimeParts

USER = "systemuser"


class UnknownUser(KartotekaError):
    """There is no user of that name."""


def check_roles(parts: RuntimeParts, roles: Sequence[str]) -> None:
    """Return when there are such roles.

    Raises:
        typer.BadParameter: One is unknown; the message has a hint.
    """
    known = parts.live_registry.current.registry.roles
    for role in roles:
        if role not in known:
            hint = did_you_mean(role, known) or f"there are {', '.join(sorted(known))}"
            raise typer.BadParameter(f'there is no role "{role}"; {hint}')


async def user_called(parts: RuntimeParts, name: str) -> str:
    """Return the id of a user.

    Raises:
        UnknownUser: There is none of that name.
    """
    quoted = name.replace("'", "''")
    found = await parts.records.acting_as(SYSTEM).list(
        USER, filter=f"domainname eq '{quoted}'", fields=("systemuserid",), limit=1
    )
    if not found:
        raise UnknownUser(f'there is no user "{name}"')
    return str(found[0]["systemuserid"])


async def user_names(parts: RuntimeParts) -> dict[str, str]:
    """Return ``{id: user name}`` of everybody."""
    found = await parts.records.acting_as(SYSTEM).list(
        USER, fields=("systemuserid", "domainname"), limit=100_000
    )
    return {str(one["systemuserid"]): str(one["domainname"]) for one in found}


def as_mistake(parts: RuntimeParts, invalid: RecordInvalid) -> typer.BadParameter:
    """Return a refusal in words."""
    published = parts.live_registry.current
    language = published.registry.base_language
    texts = [
        published.labels.message(one.code, language, **{"field": one.field or "", **one.params})
        for one in invalid.violations
    ]
    return typer.BadParameter(" ".join(texts))
