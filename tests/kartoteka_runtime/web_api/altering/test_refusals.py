"""What cannot be changed over the Web API is refused, says why, and leaves nothing behind."""

from __future__ import annotations

import tempfile

import pytest

from kartoteka_runtime.testing.running_app import publish_folder

CRM = "Microsoft.Dynamics.CRM."
_LARGE = [{"Value": 1}] * 2001


pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_what_cannot_be_leaves_nothing_behind(shared, saying):
    c, column, table = shared, saying.column, saying.table
    tables, links = "EntityDefinitions", "RelationshipDefinitions"
    at, columns = saying.table_at("new_box"), f"{saying.table_at('new_box')}/Attributes"
    for said, body, status in (
        ("new_box", table("new_Box"), 409),
        ("EntitySetName", {**table("new_Bin"), "EntitySetName": 5}, 400),
        ("accounts", {**table("new_Bin"), "EntitySetName": "accounts"}, 409),
        ("sdkmessagefilters", {**table("new_Bin"), "EntitySetName": "sdkmessagefilters"}, 409),
        ("prefix", table("bin"), 400),
        ("pg_", table("pg_bin"), 400),
        ("new__bin", table("new__bin"), 400),
        ("IsPrimaryName", {**table("new_Bin"), "Attributes": []}, 400),
        ("list of objects", {**table("new_Bin"), "Attributes": {"a": 1}}, 400),
        ("Attributes", {**table("new_Bin"), "Attributes": [{}] * 1001}, 400),
        ("type", {**table("new_Bin"), "@odata.type": f"{CRM}StringAttributeMetadata"}, 400),
        ("OwnershipType", {**table("new_Bin"), "OwnershipType": "Mine"}, 400),
    ):
        assert said in await c.refused("POST", tables, body, status=status)
    for said, body, status in (
        ("already", column("String", "new_Code"), 409),
        ("createdon", column("String", "CreatedOn"), 409),
        ("SchemaName", column("String", "new_Ą"), 400),
        ("SchemaName", {"@odata.type": f"{CRM}StringAttributeMetadata"}, 400),
        ("@odata.type", {"SchemaName": "new_X"}, 400),
        ("not known", column("Teapot", "new_X"), 400),
        ("Owner", column("Owner", "new_Owner"), 400),
        ("options", column("Picklist", "new_X"), 400),
        ("2,000", column("Picklist", "new_X", OptionSet={"Options": _LARGE}), 400),
        ("Value twice", column("Picklist", "new_X", OptionSet={"Options": _LARGE[:2]}), 400),
        ("MaxLenght", column("String", "new_X", MaxLenght=2), 400),
        ("4000", column("String", "new_X", MaxLength=9999), 400),
        ("MaxLength", column("String", "new_X", MaxLength="2"), 400),
        ("Targets", column("Lookup", "new_X", Targets=["nobody"]), 400),
        ("pt", column("String", "new_X", DisplayName=saying.label("Xis", 1046)), 400),
        ("99999", column("String", "new_X", DisplayName=saying.label("X", 99999)), 400),
        ("2000", column("String", "new_X", DisplayName=saying.label("X" * 90_000)), 400),
        ("Label", column("String", "new_X", DisplayName={"LocalizedLabels": [{"Label": 1}]}), 400),
        ("JSON object", [1], 400),
    ):
        assert said in await c.refused("POST", columns, body, status=status)
    for said, place, body, status in (
        ("twice", f"{at}/Keys",
         {"SchemaName": "new_K", "KeyAttributes": ["new_code", "new_code"]}, 400),
        ("KeyAttributes", f"{at}/Keys",
         {"SchemaName": "new_K", "KeyAttributes": ["new_code"] * 17}, 400),
        ("Lookup", links, {"SchemaName": "new_R", "ReferencedEntity": "account",
                           "ReferencingEntity": "new_box"}, 400),
        ("nobody", links, {"SchemaName": "new_R", "Entity1LogicalName": "new_box",
                           "Entity2LogicalName": "nobody"}, 400),
        ("OneToMany", "CreatePolymorphicLookupAttribute", {"Lookup": {}}, 400),
        ("already", "GlobalOptionSetDefinitions",
         {"Name": "new_Sizes", "Options": [{"Value": 1}]}, 409),
        ("Entities", "CreateEntities", {"Entities": [{}] * 51}, 400),
        ("already", "CreateEntities", {"Entities": [table("new_A"), table("new_A")]}, 409),
        ("Nonsense", "CreateEntities", {"Nonsense": 1}, 400),
        ("solution", "CreateEntities",
         {"Entities": [table("new_A")], "SolutionUniqueName": "other"}, 400),
    ):  # fmt: skip
        assert said in await c.refused("POST", place, body, status=status)
    assert await c.refused("DELETE", f"{columns}(LogicalName='new_gone')", status=404)
    assert await c.refused("PUT", columns, column("String", "new_X"), status=405)
    assert await c.refused("PATCH", at, {}, status=405)
    assert "solution" in await c.refused(
        "POST", columns, column("String", "new_X"), **{"MSCRM.SolutionUniqueName": "other"}
    )


async def test_a_whole_definition_that_would_be_another_is_refused(shared, saying):
    c = shared
    address = saying.column_at("new_box", "new_weight")
    whole = await c.whole(address)
    other = await c.whole(saying.column_at("new_box", "new_code"))
    for said, changed in (
        ("cannot become", {"@odata.type": f"#{CRM}IntegerAttributeMetadata"}),
        ("SchemaName", {"SchemaName": "new_Other"}),
        ("MetadataId", {"MetadataId": other["MetadataId"]}),
        ("EntityLogicalName", {"EntityLogicalName": "account"}),
        ("RequiredLevel", {"RequiredLevel": {"Value": "Often"}}),
    ):
        assert said in await c.refused("PUT", address, {**whole, **changed})
    at = saying.table_at("new_box")
    table = await c.whole(at)
    for said, changed in (
        ("MetadataId", {"MetadataId": whole["MetadataId"]}),
        ("PrimaryNameAttribute", {"PrimaryNameAttribute": "new_code"}),
        ("PrimaryImageAttribute", {"PrimaryImageAttribute": "new_code"}),
        ("IsActivity", {"IsActivity": True}),
        ("accounts", {"EntitySetName": "accounts"}),
    ):
        assert said in await c.refused("PUT", at, {**table, **changed})
    of_another = f"{saying.table_at('account')}/Attributes({whole['MetadataId']})"
    await c.refused("PUT", of_another, whole, status=404)
    await c.refused("PUT", f"EntityDefinitions({whole['MetadataId']})", table, status=404)


async def test_what_would_lose_values_is_refused_with_what_it_would_lose(shared, saying):
    c = shared
    await c.make("new_boxes", new_name="A", new_weight=1.125)
    address = saying.column_at("new_box", "new_weight")
    whole = await c.whole(address)
    told = await c.refused("PUT", address, {**whole, "Precision": 1})
    assert "new_box.new_weight" in told and "1 of 1 values" in told and "nothing confirms" in told
    # Without such values the same change is no loss.
    (row,) = (await c.read("new_boxes?$select=new_weight"))["value"]
    await c.api.patch(f"new_boxes({row['new_boxid']})", json={"new_weight": 1.5})
    await c.put(address, {**whole, "Precision": 1})
    assert (await c.whole(address))["Precision"] == 1


async def test_what_others_refer_to_stays_and_says_where(shared, saying):
    c, at = shared, saying.column_at
    for column, place in (
        ("new_code", "metadata/forms/new_box_main.yaml:12"),
        ("new_weight", "metadata/views/new_box_heavy.yaml:8"),
        ("new_secret", "metadata/column_profiles/new_secrets.yaml:6"),
    ):
        told = await c.refused("DELETE", at("new_box", column))
        assert column in told and place in told
    assert "without it" in await c.refused("DELETE", at("new_box", "new_name"))
    assert "base" in await c.refused("DELETE", saying.table_at("account"))
    sizes = "GlobalOptionSetDefinitions(Name='new_Sizes')"
    assert "new_box.new_size" in await c.refused("DELETE", sizes)
    # A table takes along what is about it, and leaves its name nowhere.
    assert "views/new_lid_all.yaml" in c.files()
    await c.delete(saying.table_at("new_lid"))
    assert not [name for name, text in c.files().items() if "new_lid" in text]


async def test_who_may_not_customize_changes_nothing(shared, saying):
    c, files = shared, shared.files()
    async with c.app.api_as("privacy_officer") as api:
        for method, address in (
            ("POST", "EntityDefinitions"), ("POST", "CreateEntities"), ("POST", "PublishAllXml"),
            ("POST", "OrderOption"), ("POST", "CreatePolymorphicLookupAttribute"),
            ("DELETE", "EntityDefinitions(LogicalName='account')"),
        ):  # fmt: skip
            answer = await api.request(method, address, json={})
            assert answer.status_code == 403, answer.text
    assert c.files() == files
    await c.post("PublishAllXml", {})


async def test_unpublished_changes_of_others_are_not_published_along(shared, saying):
    c, url = shared, shared.app.parts.settings.database_url
    role = "kind: role\nformat: 1\nname: harbour_clerk\nlabel: { en: Clerk }\n"
    (c.folder / "harbour_clerk.yaml").write_text(role, encoding="utf-8")
    told = await c.refused("POST", "EntityDefinitions", saying.table("new_Tin"), status=409)
    assert "not published" in told
    await publish_folder(c.app.parts.settings.app_folder, url)
    await c.post("EntityDefinitions", saying.table("new_Tin"))
    assert "harbour_clerk" in c.app.registry.roles


async def test_a_publish_that_fails_puts_the_files_back(shared, saying, monkeypatch):
    """A fake stands at the edge: the database is lost at the moment of the publish."""
    c = shared

    def lost(database):
        raise OSError("the disk is on fire")

    with monkeypatch.context() as patch:
        patch.setattr(type(c.app.parts.database), "publishing", lost)
        told = await c.refused("POST", "EntityDefinitions", saying.table("new_Can"), status=500)
    assert "fire" not in told
    await c.post("EntityDefinitions", saying.table("new_Can"))


async def test_files_that_cannot_be_written_are_a_refusal(shared, saying, monkeypatch):
    c = shared

    def read_only(*args, **kwargs):
        """Refuse every file that is written beside another, as a read-only folder does."""
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(tempfile, "NamedTemporaryFile", read_only)
    told = await c.refused("POST", "EntityDefinitions", saying.table("new_Bin"), status=403)
    assert "where they are kept" in told and str(c.folder.parent) not in told
