"""Whatever is done, what records inherit equals what working it out from nothing gives."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path
from typing import Any

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from kartoteka.access.rights import ALL_RIGHTS, mask_of
from kartoteka.record_values import Reference
from kartoteka_runtime.publishing.bootstrap import add_user
from kartoteka_runtime.records.acting_records import ActingRecords
from kartoteka_runtime.testing.running_app import (
    RunningApp,
    publish_folder,
    running_app,
    write_app,
)

# Boxes hang below boxes and crates, crates below boxes: circles of one kind and of both.
_FIELD = "  - {{ name: {name}, type: lookup, label: {{ en: {name} }}, {to}, relation: parental }}\n"


def _entity(name: str, fields: str) -> str:
    return (
        f"kind: entity\nformat: 1\nname: {name}\nlabel: {{ en: {name} }}\n"
        f"plural_label: {{ en: {name}s }}\nprimary_field: name\nownership: user\nfields:\n"
        "  - { name: name, type: text, label: { en: Name }, required: true }\n" + fields
    )


METADATA = {
    "entities/box.yaml": _entity("box", _FIELD.format(name="outer", to="targets: [box, crate]")),
    "entities/crate.yaml": _entity("crate", _FIELD.format(name="box", to="target: box")),
}
LOOKUPS = {"box": ("outer", ("box", "crate")), "crate": ("box", ("box",))}
KINDS = ("box", "crate")
_MASKS = (("read",), ("read", "write"), ("share",), ("delete", "assign"))
_DEEDS = (
    "create", "create", "share", "share", "change", "unshare", "assign", "move", "move", "delete",
)  # fmt: skip
Draw = Callable[..., Any]


async def _expected(app: RunningApp) -> dict[tuple[str, str, str], int]:
    """Return what is inherited, worked out from owners, lookups and explicit shares alone."""
    system, shares = app.system_records, app.parts.records.model.shares
    records = {
        (kind, str(row[f"{kind}id"])): row
        for kind in KINDS
        for row in await system.list(kind, fields=(f"{kind}id", "ownerid", LOOKUPS[kind][0]))
    }
    explicit: dict[tuple[str, str], dict[str, int]] = {}
    async with app.parts.database.reading() as connection:
        for kind, record_id in records:
            explicit[kind, record_id] = {
                share.principal_id: share.explicit_rights
                for share in await shares.of_record(connection, kind, record_id)
                if share.explicit_rights
            }
    inherited: dict[tuple[str, str], dict[str, int]] = {node: {} for node in records}
    is_done = False
    while not is_done:
        is_done = True
        for node, row in records.items():
            above = row.get(LOOKUPS[node[0]][0])
            if above is None:
                continue
            parent = (above.entity, above.id)
            passed = [*inherited[parent].items(), *explicit[parent].items()]
            passed.append((records[parent]["ownerid"].id, ALL_RIGHTS))
            for principal, rights in passed:
                known = inherited[node].get(principal, 0)
                if principal != row["ownerid"].id and known | rights != known:
                    inherited[node][principal] = known | rights
                    is_done = False
    return {
        (*node, principal): rights
        for node, found in inherited.items()
        for principal, rights in found.items()
    }


async def _stored(app: RunningApp) -> dict[tuple[str, str, str], int]:
    async with app.parts.database.reading() as connection:
        rows = await connection.fetch_all(
            "SELECT entity, record_id, principal_id, inherited_rights, explicit_rights, rights"
            " FROM kartoteka_share", {},
        )  # fmt: skip
    assert all(row[3] | row[4] == row[5] != 0 for row in rows)
    return {(row[0], str(row[1]), str(row[2])): row[3] for row in rows if row[3]}


async def _tell(draw: Draw, app: RunningApp, users: list[Reference], steps: int) -> None:
    """Do something, and compare, again and again."""
    system = app.system_records
    nodes: list[tuple[str, str]] = []
    for number in range(steps):
        done = draw(st.sampled_from(_DEEDS))
        kind = draw(st.sampled_from(KINDS))
        if done == "create" or not nodes:
            values: dict[str, Any] = {"name": f"{number}", "ownerid": draw(st.sampled_from(users))}
            values |= _places(draw, kind, nodes)
            nodes.append((kind, await system.create(kind, values)))
        else:
            entity, record_id = draw(st.sampled_from(nodes))
            user = draw(st.sampled_from(users))
            rights = draw(st.sampled_from(_MASKS))
            match done:
                case "share":
                    await system.share(entity, record_id, user, rights)
                case "change":
                    await system.change_share(entity, record_id, user, rights)
                case "unshare":
                    await system.unshare(entity, record_id, user)
                case "assign":
                    await system.update(entity, record_id, {"ownerid": user})
                case "move":
                    await system.update(entity, record_id, _places(draw, entity, nodes))
                case "delete":  # with everything below
                    await system.delete(entity, record_id)
                    nodes = [left for left in nodes if await _is_there(system, left)]
        assert await _stored(app) == await _expected(app), f"after {done}"


async def _is_there(system: ActingRecords, node: tuple[str, str]) -> bool:
    return await system.count(node[0], filter=f"{node[0]}id eq {node[1]}") == 1


def _places(draw: Draw, kind: str, nodes: list[tuple[str, str]]) -> dict[str, Reference | None]:
    """Return the lookup set or emptied, to a record that may lie below."""
    lookup, targets = LOOKUPS[kind]
    choices = [None, *(Reference(*node) for node in nodes if node[0] in targets)]
    return {lookup: draw(st.sampled_from(choices))}


async def _run(draw: Draw, folder: Path, url: str, steps: int) -> None:
    async with running_app(folder, url) as app:
        system = app.system_records
        found = await system.list("systemuser", fields=("systemuserid",))
        users = [Reference("systemuser", str(item["systemuserid"])) for item in found]
        for kind in KINDS:
            for item in await system.list(kind, fields=(f"{kind}id",)):
                if await _is_there(system, (kind, str(item[f"{kind}id"]))):
                    await system.delete(kind, str(item[f"{kind}id"]))
        assert await _stored(app) == {}
        await _tell(draw, app, users, steps)


@settings(
    max_examples=10,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)
@given(data=st.data())
def test_inheritance_is_what_working_it_out_anew_gives(data, empty_database, tmp_path):
    folder = tmp_path / "app"
    if not (folder / "published").exists():
        write_app(folder, metadata=METADATA, languages=("en",))
        asyncio.run(_prepare(folder, empty_database))
        (folder / "published").touch()
    asyncio.run(_run(data.draw, folder, empty_database, 14))


async def _prepare(folder: Path, url: str) -> None:
    await publish_folder(folder, url)
    async with running_app(folder, url) as app:
        for name in ("ann", "bob", "eve"):
            await add_user(
                app.parts.records, user_name=name, first_name=name, last_name="X",
                roles=["system_administrator"],
            )  # fmt: skip


async def test_a_circle_keeps_nothing_alive_that_nobody_gives(start_app):
    app = await start_app(metadata=METADATA, languages=("en",))
    system = app.system_records
    owner = Reference("systemuser", (await app.principal()).user_id)
    user_id = await add_user(
        app.parts.records, user_name="bob", first_name="B", last_name="X",
        roles=["system_administrator"],
    )  # fmt: skip
    bob = Reference("systemuser", user_id)
    box = await system.create("box", {"name": "1", "ownerid": owner})
    inner = await system.create(
        "box", {"name": "2", "ownerid": owner, "outer": Reference("box", box)}
    )
    crate = await system.create(
        "crate", {"name": "3", "ownerid": owner, "box": Reference("box", inner)}
    )
    await system.update("box", box, {"outer": Reference("crate", crate)})
    await system.share("box", box, bob, ["read", "write"])
    assert (await _stored(app))["box", box, bob.id] == mask_of(("read", "write"))
    await system.change_share("box", box, bob, ["read"])
    assert set((await _stored(app)).values()) == {mask_of(("read",))}
    await system.unshare("box", box, bob)
    assert await _stored(app) == {}
