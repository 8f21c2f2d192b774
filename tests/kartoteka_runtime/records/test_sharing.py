"""Sharing: who may give what of a record to whom, and what hangs below the record inherits."""

from __future__ import annotations

import pytest

from kartoteka.errors import AccessDenied, RecordInvalid, RecordNotFound
from kartoteka.record_values import Reference
from kartoteka_runtime.known_ids import ORGANIZATION, ROOT_UNIT
from kartoteka_runtime.publishing.bootstrap import add_user

FOLDERS = {
    "entities/folder.yaml": """\
kind: entity
format: 1
name: folder
label: { en: Folder }
plural_label: { en: Folders }
primary_field: name
ownership: user
fields:
  - { name: name, type: text, label: { en: Name }, required: true }
  - { name: above, type: lookup, label: { en: Above }, target: folder, relation: parental }
""",
    "entities/paper.yaml": """\
kind: entity
format: 1
name: paper
label: { en: Paper }
plural_label: { en: Papers }
primary_field: name
ownership: user
features: [notes]
fields:
  - { name: name, type: text, label: { en: Name }, required: true }
  - { name: folder, type: lookup, label: { en: Folder }, target: folder, relation: parental }
""",
    "entities/stamp.yaml": """\
kind: entity
format: 1
name: stamp
label: { en: Stamp }
plural_label: { en: Stamps }
primary_field: name
ownership: user
fields:
  - { name: name, type: text, label: { en: Name }, required: true }
  - name: folder
    type: lookup
    label: { en: Folder }
    target: folder
    on_share: active
    on_unshare: none
    on_assign: user_owned
""",
    "entities/rate.yaml": """\
kind: entity
format: 1
name: rate
label: { en: Rate }
plural_label: { en: Rates }
primary_field: name
ownership: organization
fields:
  - { name: name, type: text, label: { en: Name }, required: true }
""",
    "security_roles/clerk.yaml": """\
kind: role
format: 1
name: clerk
label: { en: Clerk }
privileges:
  - { entity: systemuser, read: organization, append_to: organization }
  - { entity: team, read: organization }
""" + "".join(
        f"""\
  - entity: {entity}
    create: user
    read: user
    write: user
    delete: user
    append: user
    append_to: user
    assign: user
    share: user
"""
        for entity in ("folder", "paper", "stamp", "annotation")
    ),
}  # fmt: skip


@pytest.fixture
async def app(start_app):
    """Give an app whose papers lie in folders, and folders in one another."""
    return await start_app(metadata=FOLDERS)


async def clerk(app, name: str, *, roles: tuple[str, ...] = ("clerk",)) -> Reference:
    user_id = await add_user(
        app.parts.records, user_name=name, first_name=name, last_name="Clerk", roles=list(roles)
    )
    return Reference("systemuser", user_id)


async def records_of(app, user: Reference):
    token = await app.parts.sessions.start(user.id)
    principal = await app.parts.sessions.principal(token)
    return app.parts.records.acting_as(principal)


async def given(records, entity: str, record_id: str) -> dict[str, tuple[set[str], set[str]]]:
    shares = await records.shares_of(entity, record_id)
    return {
        item.principal.name.split()[0]: (set(item.explicit), set(item.inherited)) for item in shares
    }


async def test_what_is_shared_is_added_changed_and_taken_back(app):
    ann, bob = await clerk(app, "Ann"), await clerk(app, "Bob")
    anns, bobs = await records_of(app, ann), await records_of(app, bob)
    folder = await anns.create("folder", {"name": "F"})
    with pytest.raises(RecordNotFound):
        await bobs.read("folder", folder)
    await anns.share("folder", folder, bob, ["read"])
    await anns.share("folder", folder, bob, ["write"])
    assert await given(anns, "folder", folder) == {"Bob": ({"read", "write"}, set())}
    await bobs.update("folder", folder, {"name": "by Bob"})
    with pytest.raises(AccessDenied):
        await bobs.delete("folder", folder)
    assert await anns.principal_access(bob, "folder", folder) == {"read", "write"}
    await anns.change_share("folder", folder, bob, ["read"])
    with pytest.raises(AccessDenied):
        await bobs.update("folder", folder, {"name": "no more"})
    await anns.unshare("folder", folder, bob)
    assert await given(anns, "folder", folder) == {}
    with pytest.raises(RecordNotFound):
        await bobs.read("folder", folder)


async def test_nobody_gives_what_they_do_not_have_or_to_whom_it_is_no_use(app):
    ann, bob, eve = [await clerk(app, name) for name in ("Ann", "Bob", "Eve")]
    guest = await clerk(app, "Guest", roles=())
    anns, bobs, system = await records_of(app, ann), await records_of(app, bob), app.system_records
    folder = await anns.create("folder", {"name": "F"})
    await anns.share("folder", folder, bob, ["read"])
    with pytest.raises(AccessDenied):  # without Share
        await bobs.share("folder", folder, eve, ["read"])
    await anns.share("folder", folder, bob, ["share"])
    await bobs.share("folder", folder, eve, ["read"])
    with pytest.raises(AccessDenied):  # Bob may not write himself
        await bobs.share("folder", folder, eve, ["read", "write"])
    with pytest.raises(RecordInvalid, match="receiver_may_not_read"):
        await anns.share("folder", folder, guest, ["read"])
    await system.update("systemuser", eve.id, {"isdisabled": True})
    with pytest.raises(RecordInvalid, match="receiver_disabled"):
        await anns.share("folder", folder, eve, ["write"])
    with pytest.raises(RecordInvalid, match="not_a_right"):
        await anns.share("folder", folder, bob, ["create"])
    rate = await system.create("rate", {"name": "R"})
    with pytest.raises(RecordInvalid, match="never_shared"):
        await system.share("rate", rate, bob, ["read"])
    await anns.share("folder", folder, Reference("organization", ORGANIZATION), ["read"])
    deb = await records_of(app, await clerk(app, "Deb"))
    assert (await deb.read("folder", folder))["name"] == "F"


async def test_what_lies_below_inherits_and_keeps_what_it_was_given_itself(app):
    ann, bob = await clerk(app, "Ann"), await clerk(app, "Bob")
    anns, bobs = await records_of(app, ann), await records_of(app, bob)
    top = await anns.create("folder", {"name": "top"})
    sub = await anns.create("folder", {"name": "sub", "above": Reference("folder", top)})
    paper = await anns.create("paper", {"name": "P", "folder": Reference("folder", sub)})
    await anns.share("folder", top, bob, ["read", "append_to"])
    await anns.share("paper", paper, bob, ["read"])
    both = {"read", "append_to"}
    assert await given(anns, "paper", paper) == {"Bob": ({"read"}, both)}
    late = await anns.create("paper", {"name": "late", "folder": Reference("folder", sub)})
    assert await given(bobs, "paper", late) == {"Bob": (set(), both)}
    note = await anns.create("annotation", {"subject": "N", "objectid": Reference("paper", late)})
    assert (await bobs.read("annotation", note))["subject"] == "N"
    await anns.unshare("folder", top, bob)
    assert await given(anns, "paper", paper) == {"Bob": ({"read"}, set())}
    with pytest.raises(RecordNotFound):
        await bobs.read("annotation", note)


async def test_a_moved_record_leaves_what_it_inherited_behind(app):
    ann, bob, eve = [await clerk(app, name) for name in ("Ann", "Bob", "Eve")]
    anns, system = await records_of(app, ann), app.system_records
    for_bob = await anns.create("folder", {"name": "B"})
    for_eve = await anns.create("folder", {"name": "E"})
    await anns.share("folder", for_bob, bob, ["read"])
    await anns.share("folder", for_eve, eve, ["write"])
    paper = await anns.create("paper", {"name": "P", "folder": Reference("folder", for_bob)})
    await anns.update("paper", paper, {"folder": Reference("folder", for_eve)})
    assert await given(anns, "paper", paper) == {"Eve": (set(), {"write"})}
    await system.delete("folder", for_bob)
    await anns.update("paper", paper, {"folder": None})
    assert await given(anns, "paper", paper) == {}


async def test_the_owner_of_what_lies_above_reaches_what_others_put_there(app):
    ann, bob = await clerk(app, "Ann"), await clerk(app, "Bob")
    anns, bobs = await records_of(app, ann), await records_of(app, bob)
    folder = await anns.create("folder", {"name": "F"})
    await anns.share("folder", folder, bob, ["read", "append_to"])
    paper = await bobs.create("paper", {"name": "P", "folder": Reference("folder", folder)})
    assert (await anns.read("paper", paper))["name"] == "P"
    assert set(await given(anns, "paper", paper)) == {"Ann"}
    await anns.update("folder", folder, {"ownerid": bob})  # and with it what lies in it
    assert await given(bobs, "paper", paper) == {}
    with pytest.raises(RecordNotFound):
        await anns.read("paper", paper)


async def test_who_owned_a_record_keeps_it_where_the_organization_says_so(app):
    ann, bob = await clerk(app, "Ann"), await clerk(app, "Bob")
    anns, system = await records_of(app, ann), app.system_records
    await system.update("organization", ORGANIZATION, {"sharetopreviousowneronassign": True})
    folder = await anns.create("folder", {"name": "F"})
    paper = await anns.create("paper", {"name": "P", "folder": Reference("folder", folder)})
    await anns.update("folder", folder, {"ownerid": bob})
    await anns.update("paper", paper, {"name": "still mine"})
    assert "write" in (await given(anns, "folder", folder))["Ann"][0]


async def test_nobody_owns_what_they_may_not_read_and_cascades_ask_for_every_record(app):
    ann, bob = await clerk(app, "Ann"), await clerk(app, "Bob")
    guest, gone = await clerk(app, "Guest", roles=()), await clerk(app, "Gone")
    anns, bobs, system = await records_of(app, ann), await records_of(app, bob), app.system_records
    await system.update("systemuser", gone.id, {"isdisabled": True})
    folder = await anns.create("folder", {"name": "F"})
    for owner, code in ((guest, "receiver_may_not_read"), (gone, "receiver_disabled")):
        with pytest.raises(RecordInvalid, match=code):
            await anns.update("folder", folder, {"ownerid": owner})
    team = await system.create(
        "team",
        {"name": "T", "teamtype": 1, "businessunitid": Reference("businessunit", ROOT_UNIT),
         "administratorid": ann},
    )  # fmt: skip
    with pytest.raises(RecordInvalid, match="access_team_owns_nothing"):
        await anns.update("folder", folder, {"ownerid": Reference("team", team)})
    await anns.share("folder", folder, bob, ["read", "write", "assign", "delete", "append_to"])
    paper = await anns.create("paper", {"name": "P", "folder": Reference("folder", folder)})
    await system.change_share("paper", paper, bob, [])
    await anns.create("paper", {"name": "Q"})
    shares = app.parts.records.model.shares  # Bob has nothing of the paper, as after an import
    async with app.parts.database.writing() as connection:
        await shares.remove_records(connection, "paper", [paper])
    with pytest.raises(AccessDenied, match="access_denied_below"):
        await bobs.update("folder", folder, {"ownerid": bob})
    with pytest.raises(AccessDenied, match="access_denied_below"):
        await bobs.delete("folder", folder)
    assert (await anns.read("folder", folder))["ownerid"].id == ann.id


async def test_active_and_user_owned_are_looked_at_when_it_happens(app):
    ann, bob, eve = [await clerk(app, name) for name in ("Ann", "Bob", "Eve")]
    anns, system = await records_of(app, ann), app.system_records
    folder = await anns.create("folder", {"name": "F"})
    stamp = {"name": "S", "folder": Reference("folder", folder)}
    used, unused = await anns.create("stamp", stamp), await anns.create("stamp", stamp)
    others = await system.create("stamp", {**stamp, "ownerid": eve})
    await anns.update("stamp", used, {"statecode": 1})
    await anns.share("folder", folder, bob, ["read"])
    assert await given(anns, "stamp", used) == {}
    assert await given(anns, "stamp", unused) == {"Bob": (set(), {"read"})}
    await anns.unshare("folder", folder, bob)
    assert await given(anns, "stamp", unused) == {"Bob": (set(), {"read"})}  # unshare: none
    await anns.update("folder", folder, {"ownerid": bob})
    assert (await system.read("stamp", unused))["ownerid"].id == bob.id
    assert (await system.read("stamp", others))["ownerid"].id == eve.id


async def test_shares_go_with_records_and_people(app):
    ann, bob = await clerk(app, "Ann"), await clerk(app, "Bob")
    anns, system = await records_of(app, ann), app.system_records
    task = await system.create("task", {"subject": "T", "ownerid": ann})
    await system.share("task", task, await clerk(app, "Sal", roles=("salesperson",)), ["read"])
    folder = await anns.create("folder", {"name": "F"})
    await anns.share("folder", folder, bob, ["read"])
    shares = app.parts.records.model.shares
    async with app.parts.database.reading() as connection:
        assert len(await shares.of_record(connection, "activitypointer", task)) == 1
        assert len(await shares.of_principal(connection, bob.id)) == 1
    await system.delete("task", task)
    await system.delete("systemuser", bob.id)
    async with app.parts.database.reading() as connection:
        for entity in ("task", "activitypointer"):
            assert not await shares.of_record(connection, entity, task)
        assert not await shares.of_principal(connection, bob.id)
