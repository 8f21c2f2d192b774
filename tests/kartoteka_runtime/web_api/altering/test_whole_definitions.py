"""Whole definitions that are read and sent back: what is as it was is no change."""

from __future__ import annotations

from urllib.parse import quote

import pytest

CRM = "Microsoft.Dynamics.CRM."


async def read_whole(c, address: str):
    found = await c.read(address)
    found.pop("@odata.context")
    return found


@pytest.fixture
async def boxes(customizer, saying):
    """Give a customizer who has made a table and a shared choice."""
    options = {"IsGlobal": True, "Name": "new_Sizes", "DisplayName": saying.label("Sizes"),
               "Options": [{"Value": 1, "Label": saying.label("Small")},
                           {"Value": 2, "Label": saying.label("Large")}]}  # fmt: skip
    customizer.sizes = await customizer.post("GlobalOptionSetDefinitions", options)
    own = {"IsGlobal": False, "Options": [{"Value": 7, "Label": saying.label("Red")}]}
    column = saying.column
    body = {"Entities": [
        {**saying.table(
            "new_Box",
            column("String", "new_Code", MaxLength=20, FormatName={"Value": "Email"}),
            column("Picklist", "new_Color", OptionSet=own),
            column("Picklist", "new_Size", **{
                "GlobalOptionSet@odata.bind": f"/GlobalOptionSetDefinitions({customizer.sizes})"
            }),
        ), "@odata.type": f"{CRM}ComplexEntityMetadata"},
        saying.table("new_Crate", column("Lookup", "new_BoxId", Targets=["contact", "account"])),
    ]}  # fmt: skip
    for table in body["Entities"]:
        for part in table["Attributes"]:
            part["@odata.type"] = part["@odata.type"].replace("CRM.", "CRM.Complex")
    await customizer.post("CreateEntities?SolutionUniqueName=app", body, Consistency="Strong")
    return customizer


async def test_what_is_sent_back_as_it_was_read_changes_nothing(boxes):
    c = boxes
    files, number = c.files(), c.number
    for table in ("new_box", "new_crate", "account", "task"):
        address = f"EntityDefinitions(LogicalName='{table}')"
        await c.put(address, await read_whole(c, address), **{"MSCRM.MergeLabels": "false"})
        for one in (await c.read(f"{address}/Attributes"))["value"]:
            await c.put(f"{address}/Attributes({one['MetadataId']})", one)
            assert c.number == number, one["LogicalName"]
    address = f"GlobalOptionSetDefinitions({c.sizes})"
    await c.put(address, await read_whole(c, address))
    for one in (await c.read("EntityDefinitions(LogicalName='new_crate')/"
                             "ManyToOneRelationships"))["value"]:  # fmt: skip
        await c.put(f"RelationshipDefinitions({one['MetadataId']})", one)
    assert (c.files(), c.number) == (files, number)


async def test_what_is_changed_in_it_changes_and_the_rest_stays(boxes, saying):
    c, label = boxes, saying.label
    at = "EntityDefinitions(LogicalName='new_box')"
    table = await read_whole(c, at)
    table["DisplayName"] = label("Kiste", 1031)
    assert "de" in await c.refused("PUT", at, table)
    table["DisplayName"] = label("Pudło", 1045)
    table["HasNotes"] = True
    await c.put(at, table, **{"MSCRM.MergeLabels": "true"})
    texts = (await c.read(at))["DisplayName"]["LocalizedLabels"]
    assert {one["LanguageCode"]: one["Label"] for one in texts} == {1033: "Box", 1045: "Pudło"}

    code = f"{at}/Attributes(LogicalName='new_code')"
    whole = await read_whole(c, code)
    whole |= {"MaxLength": 40, "Description": label("A code"), "DisplayName": label("Number"),
              "RequiredLevel": {"Value": "ApplicationRequired"}}  # fmt: skip
    await c.put(code, whole, **{"If-Match": "*"})
    now = await read_whole(c, code)
    assert (now["MaxLength"], now["RequiredLevel"]["Value"]) == (40, "ApplicationRequired")
    assert now["FormatName"]["Value"] == "Email"

    # Others' columns are changed in a file that extends them.
    name = "EntityDefinitions(LogicalName='account')/Attributes(LogicalName='name')"
    whole = await read_whole(c, name)
    whole["DisplayName"] = label("Firm")
    await c.put(name, whole, **{"MSCRM.MergeLabels": "true"})
    assert "Firm" in c.files()["entities/account.yaml"]
    for key, value in (("SchemaName", "Other"), ("AttributeType", None)):
        broken = {**whole, key: value}
        if key == "AttributeType":
            broken["@odata.type"] = f"#{CRM}IntegerAttributeMetadata"
        assert "cannot" in await c.refused("PUT", name, broken)


async def test_options_come_change_and_go(boxes, saying):
    c, label = boxes, saying.label
    color = {"EntityLogicalName": "new_box", "AttributeLogicalName": "new_color"}
    sizes = {"OptionSetName": "new_sizes"}
    made = await c.api.post("InsertOptionValue", json={**color, "Label": label("Blue")})
    assert (made.status_code, made.json()["NewOptionValue"]) == (200, 100_000_000)
    await c.post("UpdateOptionValue",
                 {**sizes, "Value": 2, "Label": label("Big"), "MergeLabels": True})  # fmt: skip
    await c.post("DeleteOptionValue", {**color, "Value": 7})
    box = await c.make("new_boxes", new_name="A", new_color=100_000_000, new_size=2)
    shown = (await c.api.get(f"new_boxes({box})", headers={
        "Prefer": 'odata.include-annotations="*"'
    })).json()  # fmt: skip
    formatted = "OData.Community.Display.V1.FormattedValue"
    assert (shown[f"new_color@{formatted}"], shown[f"new_size@{formatted}"]) == ("Blue", "Big")
    refused = await c.api.post("new_boxes", json={"new_name": "B", "new_color": 7})
    assert refused.status_code == 400
    assert "new_box.new_size" in await c.refused("DELETE", f"GlobalOptionSetDefinitions({c.sizes})")
    await c.delete("EntityDefinitions(LogicalName='new_box')/Attributes(LogicalName='new_size')")
    await c.delete("GlobalOptionSetDefinitions(Name='new_Sizes')")
    gone = await c.api.get(f"GlobalOptionSetDefinitions({quote(c.sizes)})")
    assert gone.status_code == 404
