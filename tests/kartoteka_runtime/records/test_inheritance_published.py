"""What records inherited by a lookup goes, and comes again, with what a publish lets it name."""

from __future__ import annotations

from kartoteka.access.rights import mask_of
from kartoteka.record_values import Reference
from kartoteka_runtime.testing.running_app import publish_folder, running_app, write_app


def entity(name: str, fields: str = "") -> str:
    return (
        f"kind: entity\nformat: 1\nname: {name}\nlabel: {{ en: {name} }}\n"
        f"plural_label: {{ en: {name}s }}\nprimary_field: name\nownership: user\nfields:\n"
        "  - { name: name, type: text, label: { en: Name }, required: true }\n" + fields
    )


def metadata(targets: str) -> dict[str, str]:
    lookup = (
        f"  - {{ name: inside, type: lookup, label: {{ en: In }}, targets: [{targets}], "
        "relation: parental }\n"
    )
    role = "kind: role\nformat: 1\nname: keeper\nlabel: { en: Keeper }\nprivileges:\n" + "".join(
        f"  - {{ entity: {name}, read: user }}\n" for name in ("crate", "shelf", "room", "tin")
    )
    return {
        "security_roles/keeper.yaml": role,
        "entities/crate.yaml": entity("crate"),
        "entities/shelf.yaml": entity("shelf"),
        "entities/room.yaml": entity("room"),
        "entities/tin.yaml": entity("tin", lookup),
    }


async def test_shares_follow_what_a_lookup_can_name(empty_database, tmp_path):
    folder, three = tmp_path / "app", "crate, shelf, room"
    write_app(folder, metadata=metadata(three), languages=("en",))
    await publish_folder(folder, empty_database)
    async with running_app(folder, empty_database) as app:
        admin = await app.records_as()
        user = (await app.principal("keeper")).user_id
        tins = []
        for kind in ("crate", "shelf"):
            above = Reference(kind, await admin.create(kind, {"name": kind}))
            tins.append(await admin.create("tin", {"name": "T", "inside": above}))
            await admin.share(kind, above.id, Reference("systemuser", user), ["read"])

    async def inherited(targets: str) -> list[int]:
        write_app(folder, metadata=metadata(targets), languages=("en",))
        await publish_folder(folder, empty_database, consents_to_all=True)
        async with running_app(folder, empty_database) as app:
            await app.run_jobs()
            shares = app.parts.records.model.shares
            async with app.parts.database.reading() as connection:
                found = [await shares.of_record(connection, "tin", tin) for tin in tins]
            return [
                sum(one.inherited_rights for one in shares if one.principal_id == user)
                for shares in found
            ]

    read = mask_of(["read"])
    assert await inherited(three) == [read, read]
    assert await inherited("shelf, room") == [0, read]
    assert await inherited(three) == [read, read]
