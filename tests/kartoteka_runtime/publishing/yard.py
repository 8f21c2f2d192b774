"""Yard: a database and small definitions for it, written in a few words."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

from kartoteka.assembly import assemble, load_bundles
from kartoteka.registry import Registry
from kartoteka_runtime.live_registry import LiveRegistry
from kartoteka_runtime.publishing.bootstrap import SYSTEM
from kartoteka_runtime.publishing.publish import PublishResult, publish, refresh
from kartoteka_runtime.records.acting_records import ActingRecords
from kartoteka_runtime.records.hook_table import HookTable
from kartoteka_runtime.records.record_service import RecordService

HEAD = (
    "kind: entity\nformat: 1\nname: {name}\nlabel: {{ en: {name} }}\nownership: none\nstates: []\n"
)


class Yard:
    """A database and the definitions that are published in it, written in a few words."""

    def __init__(self, database: Any, folder: Path) -> None:
        """Write definitions to ``folder`` and publish them in ``database``."""
        self.database = database
        self.folder = folder

    def registry(self, **entities: str) -> Registry:
        """Return the registry of entities: ``boat="name: text; masts: whole_number"``.

        A part ``renamed_from=x`` is the entity's own; ``masts(was=poles): …`` a field's.
        """
        shutil.rmtree(self.folder, ignore_errors=True)
        (self.folder / "entities").mkdir(parents=True)
        (self.folder / "bundle.yaml").write_text(
            "kind: bundle\nformat: 1\nname: yard\nlabel: { en: Yard }\n"
        )
        for name, said in entities.items():
            (self.folder / "entities" / f"{name}.yaml").write_text(_entity(name, said))
        return assemble(load_bundles([self.folder]))

    async def publish(self, *, consents: tuple[str, ...] = (), **entities: str) -> PublishResult:
        """Publish entities and return the result."""
        return await publish(self.database, self.registry(**entities), consents=consents)

    async def records(self) -> ActingRecords:
        """Return the records as the system sees them."""
        live = LiveRegistry()
        await refresh(self.database, live)
        return RecordService(self.database, live, HookTable()).acting_as(SYSTEM)

    async def create(self, entity: str, **values: Any) -> str:
        return str(await (await self.records()).create(entity, values))

    async def read(self, entity: str, record_id: str) -> dict[str, Any]:
        return dict(await (await self.records()).read(entity, record_id))


def _entity(name: str, said: str) -> str:
    parts = [part.strip() for part in said.split(";")]
    own = [part for part in parts if ":" not in part]
    lines = [HEAD.format(name=name), "primary_field: name\n"]
    lines += [f"{part.replace('=', ': ', 1)}\n" for part in own]
    lines.append("fields:\n")
    for part in parts:
        if ":" in part:
            head, kind = (piece.strip() for piece in part.split(":", 1))
            field, _, was = head.partition("(was=")
            kind, *rest = kind.split(" ", 1)
            more = f", {rest[0]}" if rest else ""
            renamed = f", renamed_from: {was.rstrip(')')}" if was else ""
            lines.append(
                f"  - {{ name: {field}{renamed}, type: {kind}, label: {{ en: {field} }}{more} }}\n"
            )
    return "".join(lines)
