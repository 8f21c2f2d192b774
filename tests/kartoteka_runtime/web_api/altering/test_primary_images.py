"""Which Image column stands for records, and what a lookup held of a table that it loses."""

from __future__ import annotations

import base64

import pytest

pytestmark = pytest.mark.asyncio(loop_scope="module")

PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJg"
    "gg=="
)


async def pictures(c, saying, table: str) -> tuple[str | None, list[str]]:
    """Return the primary image of a table, and the columns that say they are it."""
    found = (await c.read(saying.table_at(table)))["PrimaryImageAttribute"]
    columns = await c.read(
        f"{saying.table_at(table)}/Attributes/Microsoft.Dynamics.CRM.ImageAttributeMetadata"
        "?$select=LogicalName,IsPrimaryImage"
    )
    said = [one["LogicalName"] for one in columns["value"] if one["IsPrimaryImage"]]
    return found, said


async def test_a_new_image_becomes_the_primary_one_and_another_takes_its_place(shared, saying):
    c, column = shared, saying.column
    at = saying.table_at("new_sail")
    first, second = column("Image", "new_First"), column("Image", "new_Second", IsPrimaryImage=True)
    await c.post("EntityDefinitions", saying.table("new_Sail", first, second))
    assert await pictures(c, saying, "new_sail") == ("new_second", ["new_second"])
    assert "primary_image: new_second" in c.files()["entities/new_sail.yaml"]

    whole = await c.whole(at)
    number = c.number
    await c.put(at, whole)
    assert c.number == number  # as it was read: nothing is published
    await c.put(at, {**whole, "PrimaryImageAttribute": "new_First"})
    assert await pictures(c, saying, "new_sail") == ("new_first", ["new_first"])

    await c.delete(saying.column_at("new_sail", "new_first"))
    assert await pictures(c, saying, "new_sail") == ("new_second", ["new_second"])
    assert "primary_image" not in c.files()["entities/new_sail.yaml"]


@pytest.mark.slow
async def test_a_column_says_whether_it_is_the_primary_image(shared, saying):
    """Of a table that comes with the platform, whose records show it on their pages."""
    c, at = shared, saying.column_at("account", "new_logo")
    await c.post(
        f"{saying.table_at('account')}/Attributes", saying.column("Image", "new_Logo")
    )  # fmt: skip
    assert await pictures(c, saying, "account") == ("entityimage", ["entityimage"])
    whole = await c.whole(at)
    await c.put(at, {**whole, "IsPrimaryImage": True})
    assert await pictures(c, saying, "account") == ("new_logo", ["new_logo"])
    account = await c.make("accounts", name="A", new_logo=base64.b64encode(PNG).decode())
    async with c.app.client_as() as browser:
        page = (await browser.get(f"/e/account/{account}")).text
        assert f"{account}/file/new_logo" in page
    await c.put(at, {**whole, "IsPrimaryImage": False})
    assert await pictures(c, saying, "account") == ("entityimage", ["entityimage"])
    more = saying.column("Image", "new_Badge", IsPrimaryImage=True)
    await c.post(f"{saying.table_at('account')}/Attributes", more)
    assert await pictures(c, saying, "account") == ("new_badge", ["new_badge"])


async def test_what_is_no_image_cannot_stand_for_records(shared, saying):
    c, column = shared, saying.column
    at = saying.table_at("new_box")
    weight = await c.whole(saying.column_at("new_box", "new_weight"))
    image = column("Image", "new_Picture", IsPrimaryImage=True)
    for said, method, address, body in (
        ("not an Image", "POST", f"{at}/Attributes", column("Memo", "new_X", IsPrimaryImage=True)),
        ("not an Image", "PUT", saying.column_at("new_box", "new_weight"),
         {**weight, "IsPrimaryImage": True}),
        ("no Image column of new_box", "PUT", at,
         {**await c.whole(at), "PrimaryImageAttribute": "new_gone"}),
        ("none of its Images", "POST", "EntityDefinitions",
         saying.table("new_Y", image, PrimaryImageAttribute="new_name")),
        ('Both "new_picture" and "new_other"', "POST", "EntityDefinitions",
         saying.table("new_Y", image, column("Image", "new_Other", IsPrimaryImage=True))),
        ('"new_picture" says', "POST", "EntityDefinitions",
         saying.table("new_Y", image, column("Image", "new_Other"),
                      PrimaryImageAttribute="new_other")),
    ):  # fmt: skip
        told = await c.refused(method, address, body)
        assert said in told, told


@pytest.mark.slow
async def test_a_table_that_goes_takes_what_lookups_of_every_kind_held_of_it(shared, saying):
    """Lookups that list it, and those that name every table of a kind."""
    c = shared
    await c.post("EntityDefinitions", saying.table("new_Quay", HasActivities=True))
    relationship = {
        "@odata.type": "#Microsoft.Dynamics.CRM.OneToManyRelationshipMetadata",
        "SchemaName": "new_Quay_Crate", "ReferencedEntity": "new_quay",
        "ReferencingEntity": "new_crate", "Lookup": saying.column("Lookup", "new_BoxId"),
    }  # fmt: skip
    await c.post("RelationshipDefinitions", relationship)
    quay = await c.make("new_quays", new_name="Q")
    account = await c.make("accounts", name="A")
    crates = [
        await c.make("new_crates", new_name="C", **{f"new_BoxId_{name}@odata.bind": address})
        for name, address in (
            ("new_quay", f"new_quays({quay})"), ("account", f"accounts({account})"),
        )
    ]  # fmt: skip
    task = await c.make(
        "tasks", subject="T", **{"regardingobjectid_new_quay@odata.bind": f"new_quays({quay})"}
    )
    await c.delete(saying.table_at("new_quay"))
    held = [(await c.read(f"new_crates({crate})"))["_new_boxid_value"] for crate in crates]
    assert held == [None, account]
    for address in (f"tasks({task})", f"activitypointers({task})"):
        assert (await c.read(address))["_regardingobjectid_value"] is None
