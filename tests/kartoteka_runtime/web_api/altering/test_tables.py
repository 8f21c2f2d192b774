"""Definitions over the Web API: made, used at once, changed, deleted; failures leave nothing."""

from __future__ import annotations

import tempfile

from kartoteka_runtime.testing.running_app import publish_folder

CRM = "Microsoft.Dynamics.CRM."


async def test_a_table_is_made_used_extended_and_deleted(customizer, saying):
    """One life of a table, since each step publishes: make, write, add, link, take away."""
    c, column, label = customizer, saying.column, saying.label
    colors = {"OptionSet": {"IsGlobal": False, "Options": [
        {"Value": 1, "Label": label("Red")}, {"Value": 2, "Label": label("Blue")},
    ]}}  # fmt: skip
    shut = {"TrueOption": {"Value": 1, "Label": label("Open")},
            "FalseOption": {"Value": 0, "Label": label("Shut")}}  # fmt: skip
    box = await c.post("EntityDefinitions", saying.table(
        "new_Box",
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
    ))  # fmt: skip
    first = await c.make("new_boxes", new_name="A", new_count=3, new_color=2, new_colors="1,2",
                         new_price=3.5, new_weight=1.125, new_day="2031-05-06",
                         new_when="2031-05-06T07:08:09Z", new_big=2**40)  # fmt: skip
    row = await c.read(f"new_boxes({first})")
    assert (row["new_open"], row["new_colors"], row["new_weight"]) == (True, "1,2", 1.125)
    assert "more_prefixes: [new]" in c.files()["bundle.yaml"]

    code = await c.post(f"EntityDefinitions({box})/Attributes",
                        column("String", "new_Code", MaxLength=20))  # fmt: skip
    key = await c.post("EntityDefinitions(LogicalName='new_box')/Keys",
                       {"SchemaName": "new_ByCode", "KeyAttributes": ["new_code"],
                        "DisplayName": label("By code")})  # fmt: skip
    await c.make("new_boxes", new_name="B", new_code="b")
    assert (await c.read("new_boxes(new_code='b')"))["new_name"] == "B"

    lookup = await c.post("RelationshipDefinitions", {
        "@odata.type": f"{CRM}OneToManyRelationshipMetadata",
        "SchemaName": "new_Account_Box", "ReferencedEntity": "account",
        "ReferencedAttribute": "accountid", "ReferencingEntity": "new_box",
        "ReferencingEntityNavigationPropertyName": "new_AccountId",
        "CascadeConfiguration": {"Delete": "RemoveLink", "Assign": "NoCascade"},
        "Lookup": column("Lookup", "new_AccountId"),
    })  # fmt: skip
    account = await c.make("accounts", name="Acme")
    await c.make(
        "new_boxes", **{"new_name": "C", "new_AccountId@odata.bind": f"/accounts({account})"}
    )
    linked = await c.read("new_boxes?$filter=new_name eq 'C'&$expand=new_AccountId($select=name)")
    assert linked["value"][0]["new_AccountId"]["name"] == "Acme"

    links = await c.post("RelationshipDefinitions", {
        "@odata.type": f"{CRM}ManyToManyRelationshipMetadata",
        "SchemaName": "new_Box_Contact", "Entity1LogicalName": "new_box",
        "Entity2LogicalName": "contact", "IntersectEntityName": "new_box_contact",
    })  # fmt: skip
    shown = await c.read(f"new_boxes({first})?$expand=new_Box_Contact($select=fullname)")
    assert shown["new_Box_Contact"] == []

    await c.delete(f"RelationshipDefinitions({links})")
    await c.delete(f"EntityDefinitions({box})/Keys({key})")
    await c.delete(f"EntityDefinitions({box})/Attributes({code})")
    await c.delete(f"RelationshipDefinitions({lookup})")
    row = await c.read(f"new_boxes({first})")
    assert row.keys().isdisjoint({"new_code", "_new_accountid_value"})

    # What a deleted column held is gone: another one of its name begins empty.
    again = column("String", "new_Code", MaxLength=20)
    await c.post(f"EntityDefinitions({box})/Attributes", again)
    rows = (await c.read("new_boxes?$select=new_code"))["value"]
    assert [one["new_code"] for one in rows] == [None] * 3

    await c.delete("EntityDefinitions(LogicalName='new_box')")
    assert (await c.api.get("new_boxes")).status_code == 404
    assert list(c.files()) == ["bundle.yaml"]


async def test_what_cannot_be_leaves_nothing_behind(customizer, saying):
    c, column = customizer, saying.column
    made = saying.table("new_Box", column("String", "new_Code", MaxLength=20))
    box = await c.post("EntityDefinitions", made)
    await c.make("new_boxes", new_name="A", new_code="long enough")
    at = f"EntityDefinitions({box})"
    tables, columns = "EntityDefinitions", f"{at}/Attributes"

    assert "new_box" in await c.refused("POST", tables, made, status=409)
    assert "already" in await c.refused("POST", columns, made["Attributes"][1], status=409)
    assert "base" in await c.refused("DELETE", "EntityDefinitions(LogicalName='account')")
    assert "without it" in await c.refused("DELETE", f"{columns}(LogicalName='new_name')")
    assert "prefix" in await c.refused("POST", tables, saying.table("box"))
    assert "IsPrimaryName" in await c.refused(
        "POST", tables, {**saying.table("new_Crate"), "Attributes": []}
    )
    assert "SchemaName" in await c.refused("POST", columns, column("String", "new_Ą"))
    assert "options" in await c.refused("POST", columns, column("Picklist", "new_Color"))
    assert "MaxLenght" in await c.refused("POST", columns, column("String", "new_X", MaxLenght=2))
    assert "Owner" in await c.refused("POST", columns, column("Owner", "new_Owner"))
    assert "4000" in await c.refused("POST", columns, column("String", "new_X", MaxLength=9999))
    assert "pt" in await c.refused(
        "POST", columns, column("String", "new_X", DisplayName=saying.label("Xis", 1046))
    )
    assert await c.refused("POST", columns, [1], status=400)
    assert await c.refused("DELETE", f"{columns}(LogicalName='new_gone')", status=404)
    assert await c.refused("PUT", columns, made["Attributes"][1], status=405)
    assert "solution" in await c.refused(
        "POST", columns, column("String", "new_X"), **{"MSCRM.SolutionUniqueName": "other"}
    )
    whole = {**made["Attributes"][1], "@odata.type": f"{CRM}IntegerAttributeMetadata"}
    assert "cannot become" in await c.refused("PUT", f"{columns}(LogicalName='new_code')", whole)


async def test_who_may_not_customize_changes_nothing(customizer, saying):
    c = customizer
    async with c.app.api_as("privacy_officer") as api:
        for method, address in (
            ("POST", "EntityDefinitions"), ("POST", "CreateEntities"), ("POST", "PublishAllXml"),
            ("DELETE", "EntityDefinitions(LogicalName='account')"),
        ):  # fmt: skip
            answer = await api.request(method, address, json=saying.table("new_Box"))
            assert answer.status_code == 403, answer.text
    assert list(c.files()) == ["bundle.yaml"]
    await c.post("PublishAllXml", {})


async def test_unpublished_changes_of_others_are_not_published_along(customizer, saying):
    c = customizer
    role = "kind: role\nformat: 1\nname: harbour_clerk\nlabel: { en: Clerk }\n"
    (c.folder / "harbour_clerk.yaml").write_text(role, encoding="utf-8")
    told = await c.refused("POST", "EntityDefinitions", saying.table("new_Box"), status=409)
    assert "not published" in told
    await publish_folder(c.app.parts.settings.app_folder, c.app.parts.settings.database_url)
    await c.post("EntityDefinitions", saying.table("new_Box"))
    assert "harbour_clerk" in c.app.registry.roles


async def test_a_publish_that_fails_puts_the_files_back(customizer, saying, monkeypatch):
    """A fake stands at the edge: the database is lost at the moment of the publish."""
    c = customizer

    def lost(database):
        raise OSError("the disk is on fire")

    with monkeypatch.context() as patch:
        patch.setattr(type(c.app.parts.database), "publishing", lost)
        told = await c.refused("POST", "EntityDefinitions", saying.table("new_Box"), status=500)
    assert "fire" not in told
    await c.post("EntityDefinitions", saying.table("new_Box"))


async def test_files_that_cannot_be_written_are_a_refusal(customizer, saying, monkeypatch):
    c = customizer

    def read_only(*args, **kwargs):
        """Refuse every file that is written beside another, as a read-only folder does."""
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(tempfile, "NamedTemporaryFile", read_only)
    told = await c.refused("POST", "EntityDefinitions", saying.table("new_Box"), status=403)
    assert "where they are kept" in told and str(c.folder.parent) not in told
