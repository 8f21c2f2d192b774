"""Whole definitions that are read and sent back: what is as it was is no change."""

from __future__ import annotations

import pytest

CRM = "Microsoft.Dynamics.CRM."


pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_what_is_sent_back_as_it_was_read_changes_nothing(shared, saying):
    c = shared
    files, number = c.files(), c.number
    for table in ("new_box", "new_crate", "account", "task"):
        address = saying.table_at(table)
        await c.put(address, await c.whole(address), **{"MSCRM.MergeLabels": "false"})
        for one in (await c.read(f"{address}/Attributes"))["value"]:
            await c.put(f"{address}/Attributes({one['MetadataId']})", one)
            assert c.number == number, one["LogicalName"]
    address = "GlobalOptionSetDefinitions(Name='new_sizes')"
    await c.put(address, await c.whole(address))
    for one in (await c.read(f"{saying.table_at('new_crate')}/ManyToOneRelationships"))["value"]:
        await c.put(f"RelationshipDefinitions({one['MetadataId']})", one)
    assert (c.files(), c.number) == (files, number)


async def test_what_is_changed_in_it_changes_and_the_rest_stays(shared, saying):
    c, label = shared, saying.label
    at = saying.table_at("new_box")
    table = await c.whole(at)
    table["DisplayName"] = label("Kiste", 1031)
    assert "de" in await c.refused("PUT", at, table)
    table["DisplayName"] = label("Pudło", 1045)
    table["HasNotes"] = True
    await c.put(at, table, **{"MSCRM.MergeLabels": "true"})
    texts = (await c.read(at))["DisplayName"]["LocalizedLabels"]
    assert {one["LanguageCode"]: one["Label"] for one in texts} == {1033: "Box", 1045: "Pudło"}

    code = saying.column_at("new_box", "new_code")
    whole = await c.whole(code)
    whole |= {"MaxLength": 40, "Description": label("A code"), "DisplayName": label("Number"),
              "RequiredLevel": {"Value": "ApplicationRequired"}}  # fmt: skip
    await c.put(code, whole, **{"If-Match": "*"})
    now = await c.whole(code)
    assert (now["MaxLength"], now["RequiredLevel"]["Value"]) == (40, "ApplicationRequired")
    assert now["FormatName"]["Value"] == "Email"

    # Others' columns are changed in a file that extends them.
    name = saying.column_at("account", "name")
    whole = await c.whole(name)
    whole["DisplayName"] = label("Firm")
    await c.put(name, whole, **{"MSCRM.MergeLabels": "true"})
    assert "Firm" in c.files()["entities/account.yaml"]


async def test_several_tables_are_made_in_one_call(shared, saying):
    """As published clients send them: with ``Complex`` in the names of types, and a solution."""
    c, column = shared, saying.column
    sizes = (await c.read("GlobalOptionSetDefinitions(Name='new_sizes')"))["MetadataId"]
    bound = {"GlobalOptionSet@odata.bind": f"/GlobalOptionSetDefinitions({sizes})"}
    tables = [
        saying.table("acme_Bin", column("Picklist", "acme_Size", **bound)),
        saying.table("new_Bag", column("Lookup", "new_BoxId", Targets=["contact", "new_box"])),
    ]
    for table in tables:
        for part in (table, *table["Attributes"]):
            part["@odata.type"] = part["@odata.type"].replace("CRM.", "CRM.Complex")
    number = c.number
    await c.post("CreateEntities?SolutionUniqueName=app", {"Entities": tables})
    assert c.number == number + 1
    assert "more_prefixes: [new, acme]" in c.files()["bundle.yaml"]
    listed = await c.read("EntityDefinitions?$filter=LogicalName eq 'new_bag'&$select=LogicalName")
    assert len(listed["value"]) == 1
    await c.make("acme_bins", new_name="A", acme_size=2)
    assert (
        await c.api.post("acme_bins", json={"new_name": "B", "acme_size": 3})
    ).status_code == 400
