"""Tables over the Web API: made, used at once, extended, deleted with all that hangs on them."""

from __future__ import annotations

import base64

import pytest

CRM = "Microsoft.Dynamics.CRM."
PNG = base64.b64decode(
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJg"
    "gg=="
)


def things(saying):
    """Return a table with a column of every type."""
    column, label = saying.column, saying.label
    colors = {"OptionSet": {"IsGlobal": False, "Options": [
        {"Value": 1, "Label": label("Red")}, {"Value": 2, "Label": label("Blue")},
    ]}}  # fmt: skip
    shut = {"TrueOption": {"Value": 1, "Label": label("Open")},
            "FalseOption": {"Value": 0, "Label": label("Shut")}}  # fmt: skip
    return saying.table(
        "new_Thing",
        column("String", "new_Code", MaxLength=20),
        column("Memo", "new_Story", MaxLength=500),
        column("Integer", "new_Count", MinValue=0, MaxValue=10),
        column("BigInt", "new_Big"),
        column("Decimal", "new_Weight", Precision=3),
        column("Double", "new_Speed"),
        column("Money", "new_Price", Precision=2),
        column("Boolean", "new_Open", DefaultValue=True, OptionSet=shut),
        column("DateTime", "new_Day", DateTimeBehavior={"Value": "DateOnly"}),
        column("DateTime", "new_Opens", DateTimeBehavior={"Value": "TimeZoneIndependent"}),
        column("DateTime", "new_When", Format="DateAndTime"),
        column("Picklist", "new_Color", **colors),
        column("MultiSelectPicklist", "new_Colors", **colors),
        column("File", "new_Doc", MaxSizeInKB=100),
        column("Image", "new_Picture", CanStoreFullImage=True),
    )


def one_to_many(saying, name: str, referenced: str, referencing: str, lookup: str):
    """Return a 1:N relationship with the lookup that it creates."""
    return {
        "@odata.type": f"{CRM}OneToManyRelationshipMetadata",
        "SchemaName": name, "ReferencedEntity": referenced,
        "ReferencedAttribute": f"{referenced}id", "ReferencingEntity": referencing,
        "ReferencingEntityNavigationPropertyName": lookup,
        "CascadeConfiguration": {"Delete": "RemoveLink", "Assign": "NoCascade"},
        "Lookup": saying.column("Lookup", lookup),
    }  # fmt: skip


async def fill(c, table: str) -> str:
    """Make a record with a value in every column, files too; return its id."""
    first = await c.make(table, new_name="A", new_count=3, new_color=2, new_colors="1,2",
                         new_price=3.5, new_weight=1.125, new_day="2031-05-06", new_code="a",
                         new_when="2031-05-06T07:08:09Z", new_big=2**40)  # fmt: skip
    for name, file, content in (
        ("new_doc", "a.txt", b"some text"), ("new_picture", "a.png", PNG),
    ):  # fmt: skip
        headers = {"Content-Type": "application/octet-stream", "x-ms-file-name": file}
        address = f"{table}({first})/{name}"
        answer = await c.api.patch(address, content=content, headers=headers)
        assert answer.status_code == 204, answer.text
    return str(first)


async def test_a_table_is_made_used_and_deleted(customizer, saying):
    """One short life, since each change publishes: make, write, extend, take away."""
    c = customizer
    await c.post("EntityDefinitions", things(saying))
    first = await fill(c, "new_things")
    row = await c.read(f"new_things({first})")
    assert (row["new_open"], row["new_colors"], row["new_weight"]) == (True, "1,2", 1.125)
    assert row["new_doc"] and row["new_doc_name"] == "a.txt"
    document = await c.api.get(f"new_things({first})/new_doc/$value")
    assert document.content == b"some text"
    shown = await c.read(f"new_things({first})?$select=new_picture")
    assert base64.b64decode(shown["new_picture"])[:4] == PNG[:4]
    assert (await c.read(saying.table_at("new_thing")))["PrimaryImageAttribute"] == "new_picture"

    key = {"SchemaName": "new_ByCode", "KeyAttributes": ["new_code"]}
    await c.post(f"{saying.table_at('new_thing')}/Keys", key)
    assert (await c.read("new_things(new_code='a')"))["new_name"] == "A"
    await c.post(
        "RelationshipDefinitions",
        one_to_many(saying, "new_Thing_Box", "new_thing", "new_box", "new_ThingId"),
    )
    await c.make(
        "new_boxes", **{"new_name": "B", "new_ThingId@odata.bind": f"/new_things({first})"}
    )
    linked = await c.read("new_boxes?$expand=new_ThingId($select=new_name)")
    assert linked["value"][0]["new_ThingId"]["new_name"] == "A"

    # With the table go its records, its files and the lookup that held one of them.
    await c.delete(saying.table_at("new_thing"))
    assert (await c.api.get("new_things")).status_code == 404
    (box,) = (await c.read("new_boxes"))["value"]
    assert box["new_name"] == "B" and "_new_thingid_value" not in box


@pytest.mark.slow
async def test_the_whole_life_of_a_table(customizer, saying):
    """Every kind of part is added to a table with records, used, and taken away by itself."""
    c, column, label = customizer, saying.column, saying.label
    thing = await c.post("EntityDefinitions", things(saying))
    at = f"EntityDefinitions({thing})"
    first = await fill(c, "new_things")
    code = await c.post(f"{at}/Attributes", column("String", "new_Other", MaxLength=20))
    key = await c.post(f"{at}/Keys", {"SchemaName": "new_ByOther", "KeyAttributes": ["new_other"],
                                      "DisplayName": label("By other")})  # fmt: skip
    await c.make("new_things", new_name="B", new_other="b")
    assert (await c.read("new_things(new_other='b')"))["new_name"] == "B"

    lookup = await c.post("RelationshipDefinitions", one_to_many(
        saying, "new_Account_Thing", "account", "new_thing", "new_AccountId"
    ))  # fmt: skip
    account = await c.make("accounts", name="Acme")
    await c.make(
        "new_things", **{"new_name": "C", "new_AccountId@odata.bind": f"/accounts({account})"}
    )
    linked = await c.read("new_things?$filter=new_name eq 'C'&$expand=new_AccountId($select=name)")
    assert linked["value"][0]["new_AccountId"]["name"] == "Acme"
    links = await c.post("RelationshipDefinitions", {
        "@odata.type": f"{CRM}ManyToManyRelationshipMetadata",
        "SchemaName": "new_Thing_Contact", "Entity1LogicalName": "new_thing",
        "Entity2LogicalName": "contact", "IntersectEntityName": "new_thing_contact",
    })  # fmt: skip
    shown = await c.read(f"new_things({first})?$expand=new_Thing_Contact($select=fullname)")
    assert shown["new_Thing_Contact"] == []

    await c.delete(f"RelationshipDefinitions({links})")
    await c.delete(f"{at}/Keys({key})")
    await c.delete(f"{at}/Attributes({code})")
    await c.delete(f"RelationshipDefinitions({lookup})")
    await c.delete(f"{at}/Attributes(LogicalName='new_doc')")
    row = await c.read(f"new_things({first})")
    assert row.keys().isdisjoint({"new_other", "_new_accountid_value", "new_doc", "new_doc_name"})

    # What a deleted column held is gone: another one of its name begins empty.
    await c.post(f"{at}/Attributes", column("String", "new_Other", MaxLength=20))
    rows = (await c.read("new_things?$select=new_other"))["value"]
    assert [one["new_other"] for one in rows] == [None] * 3
    await c.delete(at)
    await c.post("EntityDefinitions", saying.table("new_Thing"))
    assert (await c.read("new_things"))["value"] == []


@pytest.mark.parametrize(
    "engine", ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)]
)  # fmt: skip
async def test_a_lookup_names_records_of_several_tables(customizer, saying):
    c = customizer
    made = await c.api.post("CreatePolymorphicLookupAttribute", json={
        "OneToManyRelationships": [
            {"@odata.type": f"{CRM}ComplexOneToManyRelationshipMetadata",
             "SchemaName": f"new_crate_{target}", "ReferencedEntity": target,
             "ReferencingEntity": "new_crate"}
            for target in ("new_box", "account")
        ],
        "Lookup": {**saying.column("Lookup", "new_WhatId"),
                   "@odata.type": f"{CRM}ComplexLookupAttributeMetadata"},
    })  # fmt: skip
    assert made.status_code == 200, made.text
    said = made.json()
    of_box, of_account = said["RelationshipIds"]
    column = await c.read(f"{saying.table_at('new_crate')}/Attributes({said['AttributeId']})")
    assert (column["SchemaName"], column["Targets"]) == ("new_WhatId", ["new_box", "account"])
    box = await c.make("new_boxes", new_name="A")
    bound = {"new_WhatId_new_box@odata.bind": f"/new_boxes({box})"}
    crate = await c.make("new_crates", new_name="C", **bound)
    shown = await c.read(f"new_crates({crate})?$expand=new_WhatId_new_box($select=new_name)")
    assert shown["new_WhatId_new_box"]["new_name"] == "A"

    # One more table, then two less: their values go, for who deletes consents.
    wanted = one_to_many(saying, "new_crate_contact", "contact", "new_crate", "new_WhatId")
    await c.post("RelationshipDefinitions", wanted)
    assert "already" in await c.refused("POST", "RelationshipDefinitions", wanted, status=409)
    await c.delete(f"RelationshipDefinitions({of_account})")
    await c.delete(f"RelationshipDefinitions({of_box})")
    shown = await c.read(f"new_crates({crate})?$select=_new_whatid_value")
    assert shown["_new_whatid_value"] is None
    assert (await c.read(f"new_boxes({box})"))["new_name"] == "A"
    column = await c.read(saying.column_at("new_crate", "new_whatid"))
    assert column["Targets"] == ["contact"]
