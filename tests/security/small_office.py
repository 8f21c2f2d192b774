"""A small organization of people with little who want more: its metadata, and what they send."""

from __future__ import annotations

import json
from typing import Any

import httpx

from kartoteka.plugin_api.contexts import Principal
from kartoteka.record_values import Reference
from kartoteka_runtime.known_ids import ROOT_UNIT
from kartoteka_runtime.publishing.bootstrap import add_user
from kartoteka_runtime.records.acting_records import ActingRecords
from kartoteka_runtime.testing.running_app import ORIGIN, RunningApp

ALL = ("create", "read", "write", "delete", "append", "append_to", "assign", "share")
_DATA = "/api/data/v9.2/"


def entity_text(name: str, fields: str = "", more: str = "ownership: user\n") -> str:
    """Return an entity with a name and the fields of some lines of YAML."""
    return (
        f"kind: entity\nformat: 1\nname: {name}\nlabel: {{ en: {name} }}\n"
        f"plural_label: {{ en: {name}s }}\nset_name: {name}s\nprimary_field: name\n{more}fields:\n"
        f"  - {{ name: name, type: text, label: {{ en: Name }}, max_length: 100 }}\n{fields}"
    )


def role_text(name: str, more: str = "", **levels: str) -> str:
    """Return a role: a level for all verbs of an entity, or some verbs each with its own."""
    lines = [f"kind: role\nformat: 1\nname: {name}\nlabel: {{ en: {name} }}\nprivileges:"]
    for entity, level in levels.items():
        said = level if ":" in level else ", ".join(f"{verb}: {level}" for verb in ALL)
        lines.append(f"  - {{ entity: {entity}, {said} }}")
    return "\n".join(lines) + f"\n{more}"


class Office:
    """People with little who want more, and their tokens."""

    def __init__(self, app: RunningApp) -> None:
        """Employ nobody yet."""
        self.app = app
        self.people: dict[str, Principal] = {}
        self._tokens: dict[tuple[str, str], str] = {}

    async def staff(self) -> None:
        """Hire an administrator, two clerks of whom one is in the North, and an agent."""
        await self.hire("root", "system_administrator")
        north = await self.of("root").create("businessunit", {"name": "North"})
        await self.hire("bob", "clerk", unit=north)
        await self.hire("mal", "clerk")
        await self.hire("agent", "agent")

    async def hire(self, name: str, *roles: str, unit: str = ROOT_UNIT) -> None:
        """Add a user with roles."""
        user_id = await add_user(
            self.app.parts.records, user_name=name, first_name=name, last_name="X",
            roles=list(roles), business_unit_id=unit,
        )  # fmt: skip
        self.people[name] = Principal(user_id, name)

    def of(self, name: str) -> ActingRecords:
        """Return the record service as somebody uses it."""
        return self.app.parts.records.acting_as(self.people[name])

    def user(self, name: str) -> Reference:
        """Return somebody's user record."""
        return Reference("systemuser", self.people[name].user_id)

    async def ask(
        self,
        name: str,
        method: str,
        path: str,
        body: Any = None,
        *,
        scope: str = "",
        instead_of: str = "",
        params: dict[str, str] | None = None,
        headers: dict[str, str] | None = None,
    ) -> httpx.Response:
        """Send a call to a path of the data service, or to one that begins with a slash.

        ``body`` is bytes, or what becomes JSON.
        """
        if (name, scope) not in self._tokens:
            tokens, user = self.app.parts.sessions.tokens, self.people[name].user_id
            scopes = frozenset({scope}) if scope else None
            self._tokens[name, scope], _ = await tokens.create(user, "test", scopes=scopes)
        sent = {"Authorization": f"Bearer {self._tokens[name, scope]}"}
        content = body if isinstance(body, bytes) or body is None else json.dumps(body).encode()
        if content is not None and not isinstance(body, bytes):
            sent["Content-Type"] = "application/json"
        if instead_of:
            sent["MSCRMCallerID"] = self.people[instead_of].user_id
        transport = httpx.ASGITransport(app=self.app.app)
        async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
            path = path if path.startswith("/") else _DATA + path
            return await client.request(
                method, path, params=params, headers={**sent, **(headers or {})}, content=content
            )
