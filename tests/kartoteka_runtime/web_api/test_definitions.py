"""Definitions over the Web API: EntityDefinitions and their like, RetrieveMetadataChanges."""

from __future__ import annotations

import json
from typing import Any

import pytest

from kartoteka_runtime.publishing.publish import refresh
from kartoteka_runtime.testing.running_app import publish_folder

CRM = "Microsoft.Dynamics.CRM."
_BUNDLE = """\
kind: bundle
format: 1
name: harbour
label: { en: Harbour, pl: Port }
prefix: new
requires: [base]
"""
_SHIP = """\
kind: entity
format: 1
name: new_ship
label: { en: Ship, pl: Statek }
plural_label: { en: Ships, pl: Statki }
help: { en: What swims. }
schema_name: new_Ship
set_name: new_shipses
primary_field: new_name
ownership: user
features: [notes, change_tracking]

fields:
  - { name: new_name, type: text, label: { en: Name }, max_length: 60, schema_name: new_Name }
  - { name: new_mail, type: text, format: email, label: { en: Mail }, required: on_form }
  - { name: new_tons, type: decimal, label: { en: Tons }, precision: 3, min: 0, max: 5000 }
  - { name: new_price, type: money, label: { en: Price } }
  - { name: new_flags, type: multi_choice, label: { en: Flags }, options: [
      { name: red, value: 1, label: { en: Red, pl: Czerwona }, color: "#cc0000" },
      { name: blue, value: 2, label: { en: Blue } } ] }
  - { name: new_kind, type: choice, label: { en: Kind }, choice: new_kind, default: ferry }
  - { name: new_armed, type: yes_no, label: { en: Armed } }
  - { name: new_built, type: date, label: { en: Built } }
  - { name: new_opens, type: date_time, label: { en: Opens }, behavior: time_zone_independent }
  - { name: new_seen, type: date_time, label: { en: Seen } }
  - name: new_ownerfirmid
    type: lookup
    label: { en: Firm }
    target: account
    schema_name: new_OwnerFirmId
    relationship: new_account_ships
    on_delete: restrict
  - { name: new_payer, type: customer, label: { en: Payer } }
keys:
  - { name: new_by_mail, label: { en: By mail }, fields: [new_mail] }
"""
_KIND = """\
kind: choice
format: 1
name: new_kind
label: { en: Kind of ship }
options:
  - { name: tug, value: 1, label: { en: Tug } }
  - { name: ferry, value: 2, label: { en: Ferry } }
"""
HARBOUR = {
    "bundle.yaml": _BUNDLE,
    "entities/new_ship.yaml": _SHIP,
    "choices/new_kind.yaml": _KIND,
}


class Definitions:
    """A client, and short ways to ask."""

    def __init__(self, app, api) -> None:
        self.app = app
        self.api = api

    async def one(self, address: str, **options):
        params = {f"${name}": value for name, value in options.items()}
        answer = await self.api.get(address, params=params or None)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def many(self, address: str, **options):
        return (await self.one(address, **options))["value"]

    async def names(self, address: str, key: str = "LogicalName", **options):
        return [item[key] for item in await self.many(address, **options)]

    async def refused(self, address: str, **options):
        params = {f"${name}": value for name, value in options.items()}
        answer = await self.api.get(address, params=params)
        error = answer.json()["error"]
        assert isinstance(error["code"], str) and error["message"]
        return answer.status_code, error["message"]


@pytest.fixture
def engine() -> str:
    """Give one engine: definitions never come from the database."""
    return "sqlite"


@pytest.fixture
async def ask(start_app):
    app = await start_app(metadata=HARBOUR)
    async with app.api_as() as api:
        yield Definitions(app, api)


SHIP = "EntityDefinitions(LogicalName='new_ship')"


async def test_entities_are_found_by_every_filter_that_clients_write(ask):
    select = "LogicalName,EntitySetName,PrimaryIdAttribute"
    (found,) = await ask.many(
        "EntityDefinitions", select=select, filter="LogicalName eq 'new_ship'"
    )
    identity = found.pop("MetadataId")
    assert found == {
        "LogicalName": "new_ship",
        "EntitySetName": "new_shipses",
        "PrimaryIdAttribute": "new_shipid",
    }
    assert await ask.many("EntityDefinitions", filter="LogicalName eq 'new_boat'") == []

    custom = await ask.names("EntityDefinitions", filter="IsCustomEntity eq true")
    assert custom == ["new_ship"]
    for condition in (
        "startswith(SchemaName,'new_')",
        "contains(SchemaName,'EW_sH')",
        "IsPrivate eq false and (LogicalName eq 'new_ship' or LogicalName eq 'new_boat')",
        f"MetadataId eq {identity}",
        "IsCustomizable/Value eq true and not (IsCustomEntity eq false)",
        "LogicalName in ('new_ship','x')",
        "DisplayName/UserLocalizedLabel/Label eq 'Ship'",
        "Attributes/any(a:a/LogicalName eq 'new_tons')",
    ):
        assert await ask.names("EntityDefinitions", filter=condition) == custom, condition

    owned = await ask.names(
        "EntityDefinitions", filter=f"OwnershipType eq {CRM}OwnershipTypes'UserOwned'"
    )
    assert "new_ship" in owned and "businessunit" not in owned
    assert owned == await ask.names("EntityDefinitions", filter="OwnershipType eq 'UserOwned'")

    every = await ask.many("EntityDefinitions", select="EntitySetName,LogicalName")
    assert {item["LogicalName"]: item["EntitySetName"] for item in every}["account"] == "accounts"
    ordered = await ask.one(
        "EntityDefinitions", orderby="LogicalName desc", top="2", count="true", select="LogicalName"
    )
    assert ordered["@odata.count"] == len(every)
    expected = sorted((item["LogicalName"] for item in every), reverse=True)[:2]
    assert [item["LogicalName"] for item in ordered["value"]] == expected
    assert (await ask.api.get("EntityDefinitions/$count")).text == str(len(every))


async def test_an_entity_is_there_under_its_id_and_its_names(ask):
    ship = await ask.one(SHIP)
    assert ship["@odata.context"].endswith("/api/data/v9.2/$metadata#EntityDefinitions/$entity")
    identity = ship["MetadataId"]
    for address in (
        f"EntityDefinitions({identity})",
        f"EntityDefinitions({identity.upper()})",
        f"EntityDefinitions(MetadataId={identity})",
        "EntityDefinitions(SchemaName='new_Ship')",
        "EntityDefinitions(LogicalName='NEW_SHIP')",
        f"EntityDefinitions(@p1)?@p1={identity}",
        "EntityDefinitions(LogicalName=@p1)?@p1='new_ship'",
    ):
        assert await ask.one(address) == ship
    for name, value in {
        "SchemaName": "new_Ship",
        "EntitySetName": "new_shipses",
        "LogicalCollectionName": "new_shipses",
        "PrimaryIdAttribute": "new_shipid",
        "PrimaryNameAttribute": "new_name",
        "OwnershipType": "UserOwned",
        "IsActivity": False,
        "IsCustomEntity": True,
        "IsPrivate": False,
        "ChangeTrackingEnabled": True,
        "PrimaryImageAttribute": None,
        "IsOptimisticConcurrencyEnabled": True,
        "HasNotes": True,
        "HasActivities": False,
    }.items():
        assert ship[name] == value, name
    assert isinstance(ship["ObjectTypeCode"], int)
    assert "Attributes" not in ship and "@odata.type" not in ship
    said = ship["DisplayCollectionName"]
    labels = {item["LanguageCode"]: item["Label"] for item in said["LocalizedLabels"]}
    assert labels == {1033: "Ships", 1045: "Statki"}
    assert said["UserLocalizedLabel"]["Label"] == "Ships"
    assert set(said["UserLocalizedLabel"]) == {
        "Label", "LanguageCode", "IsManaged", "MetadataId", "HasChanged",
    }  # fmt: skip

    account = await ask.one("EntityDefinitions(LogicalName='account')", select="SchemaName")
    assert account["SchemaName"] == "Account" and len(account) == 3
    unknown = "EntityDefinitions(00000000-0000-0000-0000-000000000001)"
    for address in (unknown, "EntityDefinitions(LogicalName='new_boat')"):
        assert (await ask.refused(address))[0] == 404


async def test_labels_are_in_the_readers_language(ask):
    principal = await ask.app.principal()
    await ask.app.parts.sessions.set_preferences(principal.user_id, language="pl")
    ship = await ask.one(SHIP, select="DisplayName,Description")
    assert ship["DisplayName"]["UserLocalizedLabel"]["Label"] == "Statek"
    assert ship["DisplayName"]["UserLocalizedLabel"]["LanguageCode"] == 1045
    # What has no text in that language is told in the base language.
    assert ship["Description"]["UserLocalizedLabel"]["LanguageCode"] == 1033


async def test_an_attribute_tells_all_that_its_type_knows(ask):
    attributes = f"{SHIP}/Attributes"
    kind = await ask.one(f"{attributes}(LogicalName='new_kind')")
    assert kind["@odata.type"] == f"#{CRM}PicklistAttributeMetadata"
    options = kind["OptionSet"]["Options"]
    assert [(item["Value"], item["Label"]["UserLocalizedLabel"]["Label"]) for item in options] == [
        (1, "Tug"), (2, "Ferry"),
    ]  # fmt: skip
    assert kind["OptionSet"]["IsGlobal"] is True and kind["OptionSet"]["Name"] == "new_kind"
    assert kind["DefaultFormValue"] == 2
    assert kind["Description"] == {"LocalizedLabels": [], "UserLocalizedLabel": None}

    expected: dict[str, tuple[str, str, str, dict[str, Any]]] = {
        "new_name": ("String", "StringType", "StringAttributeMetadata",
                     {"MaxLength": 60, "Format": "Text", "IsPrimaryName": True,
                      "SchemaName": "new_Name", "IsCustomAttribute": True}),
        "new_mail": ("String", "StringType", "StringAttributeMetadata",
                     {"FormatName": {"Value": "Email"}}),
        "new_tons": ("Decimal", "DecimalType", "DecimalAttributeMetadata",
                     {"MinValue": 0, "MaxValue": 5000, "Precision": 3}),
        "new_price": ("Money", "MoneyType", "MoneyAttributeMetadata", {"Precision": 2}),
        "new_flags": ("Virtual", "MultiSelectPicklistType",
                      "MultiSelectPicklistAttributeMetadata", {}),
        "new_armed": ("Boolean", "BooleanType", "BooleanAttributeMetadata",
                      {"DefaultValue": False}),
        "new_built": ("DateTime", "DateTimeType", "DateTimeAttributeMetadata",
                      {"Format": "DateOnly", "DateTimeBehavior": {"Value": "DateOnly"}}),
        "new_opens": ("DateTime", "DateTimeType", "DateTimeAttributeMetadata",
                      {"DateTimeBehavior": {"Value": "TimeZoneIndependent"}}),
        "new_seen": ("DateTime", "DateTimeType", "DateTimeAttributeMetadata",
                     {"Format": "DateAndTime", "DateTimeBehavior": {"Value": "UserLocal"}}),
        "new_ownerfirmid": ("Lookup", "LookupType", "LookupAttributeMetadata",
                            {"Targets": ["account"], "SchemaName": "new_OwnerFirmId"}),
        "new_payer": ("Customer", "CustomerType", "LookupAttributeMetadata",
                      {"Targets": ["account", "contact"]}),
        "ownerid": ("Owner", "OwnerType", "LookupAttributeMetadata",
                    {"IsCustomAttribute": False, "SchemaName": "OwnerId"}),
        "new_shipid": ("Uniqueidentifier", "UniqueidentifierType",
                       "UniqueIdentifierAttributeMetadata",
                       {"IsPrimaryId": True, "IsValidForUpdate": False}),
        "statecode": ("State", "StateType", "StateAttributeMetadata", {}),
        "statuscode": ("Status", "StatusType", "StatusAttributeMetadata", {}),
        "versionnumber": ("BigInt", "BigIntType", "BigIntAttributeMetadata",
                          {"IsValidForCreate": False, "IsValidForUpdate": False}),
    }  # fmt: skip
    found = {item["LogicalName"]: item for item in await ask.many(attributes)}
    for name, (code, type_name, metadata, more) in expected.items():
        item = found[name]
        assert item["AttributeType"] == code and item["AttributeTypeName"] == {"Value": type_name}
        assert item["@odata.type"] == f"#{CRM}{metadata}"
        assert item["EntityLogicalName"] == "new_ship"
        for key, value in more.items():
            assert item[key] == value, (name, key)
    assert found["new_mail"]["RequiredLevel"]["Value"] == "ApplicationRequired"
    assert found["new_flags"]["OptionSet"]["Options"][0]["Color"] == "#cc0000"
    assert found["new_armed"]["OptionSet"]["TrueOption"]["Value"] == 1
    state, reasons = found["statecode"]["OptionSet"], found["statuscode"]["OptionSet"]
    assert {item["State"] for item in reasons["Options"]} == {0, 1}
    assert state["Options"][0]["InvariantName"] == "active"
    contact = await ask.one(
        "EntityDefinitions(LogicalName='account')/Attributes(LogicalName='primarycontactid')"
    )
    assert contact["SchemaName"] == "PrimaryContactId"


async def test_attributes_are_found_by_type_name_and_id_with_casts(ask):
    attributes = f"{SHIP}/Attributes"
    tons = await ask.one(f"{attributes}(LogicalName='new_tons')")
    identity = tons["MetadataId"]
    assert await ask.one(f"{attributes}({identity})") == tons
    cast = await ask.one(f"{attributes}({identity})/{CRM}DecimalAttributeMetadata")
    assert "@odata.type" not in cast and cast["Precision"] == 3
    assert (await ask.refused(f"{attributes}({identity})/{CRM}StringAttributeMetadata"))[0] == 404
    assert (await ask.refused(f"{attributes}(LogicalName='new_none')"))[0] == 404
    assert await ask.many(attributes, filter="LogicalName eq 'new_none'") == []

    # Under $select the type is told all the same: clients write whole definitions back.
    (short,) = await ask.many(attributes, select="LogicalName", filter="LogicalName eq 'new_mail'")
    assert short == {
        "@odata.type": f"#{CRM}StringAttributeMetadata",
        "MetadataId": short["MetadataId"],
        "LogicalName": "new_mail",
    }
    plain = await ask.names(attributes, filter="AttributeType eq 'Decimal'")
    assert "new_tons" in plain and "new_name" not in plain
    as_enum = f"AttributeType eq {CRM}AttributeTypeCode'Decimal'"
    assert await ask.names(attributes, filter=as_enum) == plain
    assert "new_flags" not in await ask.names(attributes, filter="AttributeType ne 'Virtual'")
    required = "RequiredLevel/Value eq 'ApplicationRequired'"
    assert await ask.names(attributes, filter=required) == ["new_mail"]

    picklists = await ask.many(
        f"{attributes}/{CRM}PicklistAttributeMetadata",
        select="LogicalName",
        expand="OptionSet($select=Options),GlobalOptionSet",
    )
    (kind,) = (item for item in picklists if item["LogicalName"] == "new_kind")
    assert set(kind) == {"MetadataId", "LogicalName", "OptionSet", "GlobalOptionSet"}
    assert set(kind["OptionSet"]) == {"MetadataId", "Options"}
    assert kind["GlobalOptionSet"]["Name"] == "new_kind"
    local = await ask.one(
        f"EntityDefinitions(LogicalName='account')/Attributes(LogicalName='customertypecode')/"
        f"{CRM}PicklistAttributeMetadata",
        select="LogicalName",
        expand="OptionSet,GlobalOptionSet",
    )
    assert local["GlobalOptionSet"] is None
    assert local["OptionSet"]["Name"] == "account_customertypecode"
    direct = await ask.one(
        f"{attributes}(LogicalName='new_kind')/{CRM}PicklistAttributeMetadata/OptionSet",
        select="Options",
    )
    assert [item["Value"] for item in direct["Options"]] == [1, 2]


async def test_expand_has_options_of_its_own(ask):
    ship = await ask.one(
        SHIP,
        select="LogicalName",
        expand=f"Attributes($select=LogicalName;$filter=AttributeType eq {CRM}AttributeTypeCode"
        "'Decimal' and startswith(LogicalName,'new_')),Keys,OneToManyRelationships,"
        "ManyToOneRelationships($select=SchemaName;$filter=ReferencedEntity eq 'account'),"
        "ManyToManyRelationships",
    )
    assert [item["LogicalName"] for item in ship["Attributes"]] == ["new_tons"]
    assert ship["Attributes"][0]["@odata.type"] == f"#{CRM}DecimalAttributeMetadata"
    (key,) = ship["Keys"]
    assert key["KeyAttributes"] == ["new_mail"] and key["EntityKeyIndexStatus"] == "Active"
    parents = {item["SchemaName"] for item in ship["ManyToOneRelationships"]}
    assert len(parents) == 2 and "new_account_ships" in parents
    assert ship["ManyToManyRelationships"] == []
    (again,) = await ask.many(f"{SHIP}/Keys")
    assert again == key == await _without_context(ask, f"{SHIP}/Keys({key['MetadataId']})")


async def _without_context(ask, address: str):
    found = await ask.one(address)
    found.pop("@odata.context")
    return found


async def test_relationships_tell_both_ends_as_addresses_write_them(ask):
    (found,) = await ask.many("RelationshipDefinitions", filter="SchemaName eq 'new_account_ships'")
    assert found["@odata.type"] == f"#{CRM}OneToManyRelationshipMetadata"
    for name, value in {
        "RelationshipType": "OneToManyRelationship",
        "ReferencedEntity": "account",
        "ReferencedAttribute": "accountid",
        "ReferencingEntity": "new_ship",
        "ReferencingAttribute": "new_ownerfirmid",
        "ReferencingEntityNavigationPropertyName": "new_OwnerFirmId",
        "ReferencedEntityNavigationPropertyName": "new_account_ships",
        "IsCustomRelationship": True,
    }.items():
        assert found[name] == value, name
    assert found["CascadeConfiguration"]["Delete"] == "Restrict"
    assert {"Assign", "Merge", "Reparent", "Share", "Unshare"} <= set(found["CascadeConfiguration"])
    identity = found["MetadataId"]
    for address in (
        f"RelationshipDefinitions({identity})",
        "RelationshipDefinitions(SchemaName='new_account_ships')",
    ):
        assert await _without_context(ask, address) == found
    cast = await ask.one(f"RelationshipDefinitions({identity})/{CRM}OneToManyRelationshipMetadata")
    assert "@odata.type" not in cast and cast["SchemaName"] == "new_account_ships"

    # A lookup with several targets is a relationship with each of them.
    payers = await ask.names(
        f"{SHIP}/ManyToOneRelationships",
        "ReferencingEntityNavigationPropertyName",
        filter="ReferencingAttribute eq 'new_payer'",
    )
    assert payers == ["new_payer_account", "new_payer_contact"]
    many = f"RelationshipType eq {CRM}RelationshipType'ManyToManyRelationship'"
    (team,) = await ask.many(
        "RelationshipDefinitions", filter=f"{many} and SchemaName eq 'teammembership_association'"
    )
    assert (team["Entity1LogicalName"], team["Entity2LogicalName"]) == ("systemuser", "team")
    assert team["IntersectEntityName"] == "teammembership"
    assert team["Entity1NavigationPropertyName"] == "teammembership_association"
    users = "EntityDefinitions(LogicalName='systemuser')"
    status, message = await ask.refused(
        f"{users}/ManyToManyRelationships", select="ReferencedEntity"
    )
    assert status == 400 and "ReferencedEntity" in message
    cast = await ask.many(
        f"RelationshipDefinitions/{CRM}ManyToManyRelationshipMetadata", select="Entity1LogicalName"
    )
    assert len(cast) == len(await ask.many("RelationshipDefinitions", filter=many))


async def test_every_navigation_property_that_is_told_can_be_used(ask):
    """What relationships call the ends of an entity is what ``$expand`` takes."""
    for entity in ("new_ship", "contact", "task"):
        address = f"EntityDefinitions(LogicalName='{entity}')"
        definition = await ask.one(
            address, select="EntitySetName", expand="ManyToOneRelationships,OneToManyRelationships"
        )
        lookups = {
            item["ReferencingEntityNavigationPropertyName"]
            for item in definition["ManyToOneRelationships"]
            if item["ReferencingAttribute"] != "ownerid"
        }
        lists = {
            item["ReferencedEntityNavigationPropertyName"]
            for item in definition["OneToManyRelationships"]
        }
        for name in sorted(lookups)[:6] + sorted(lists)[:5]:
            answer = await ask.api.get(
                definition["EntitySetName"], params={"$top": "1", "$expand": name}
            )
            assert answer.status_code == 200, (entity, name, answer.text)


async def test_a_lookup_with_a_schema_name_is_written_with_its_capitals(ask):
    firm = await ask.api.post("accounts", json={"name": "Firm"})
    address = firm.headers["OData-EntityId"].rpartition("/")[2]
    made = await ask.api.post(
        "new_shipses", json={"new_name": "A", "new_OwnerFirmId@odata.bind": f"/{address}"}
    )
    assert made.status_code == 204, made.text
    await ask.api.post("new_shipses", json={"new_name": "B"})
    (ship,) = await ask.many(
        "new_shipses",
        select="_new_ownerfirmid_value",
        filter="new_OwnerFirmId/name eq 'Firm'",
        expand="new_OwnerFirmId($select=name)",
    )
    assert ship["new_OwnerFirmId"]["name"] == "Firm"
    prefer = {"Prefer": 'odata.include-annotations="*"'}
    answer = await ask.api.get(f"new_shipses({ship['new_shipid']})", headers=prefer)
    told = answer.json()
    name = f"_new_ownerfirmid_value@{CRM}associatednavigationproperty"
    assert told[name] == "new_OwnerFirmId"


async def test_shared_option_sets(ask):
    found = await ask.one("GlobalOptionSetDefinitions(Name='new_kind')")
    assert found["@odata.type"] == f"#{CRM}OptionSetMetadata"
    assert (found["Name"], found["IsGlobal"], found["OptionSetType"]) == (
        "new_kind", True, "Picklist",
    )  # fmt: skip
    assert [item["Value"] for item in found["Options"]] == [1, 2]
    by_id = f"GlobalOptionSetDefinitions({found['MetadataId']})"
    assert await ask.one(by_id) == found
    cast = await ask.one(f"{by_id}/{CRM}OptionSetMetadata", select="Options")
    assert set(cast) == {"@odata.context", "MetadataId", "Options"}
    assert "new_kind" in await ask.names("GlobalOptionSetDefinitions", "Name")
    assert (await ask.refused("GlobalOptionSetDefinitions(Name='none')"))[0] == 404


_BAD_OPTIONS: tuple[tuple[str, dict[str, str], str], ...] = (
    ("EntityDefinitions", {"select": "LogicalNam"}, "LogicalNam"),
    ("EntityDefinitions", {"filter": "Nothing eq 1"}, "Nothing"),
    ("EntityDefinitions", {"filter": "LogicalName eq"}, "$filter"),
    ("EntityDefinitions", {"filter": "tolower(LogicalName) eq 'a'"}, "tolower"),
    ("EntityDefinitions", {"filter": "ObjectTypeCode add 1 eq 2"}, "$filter"),
    ("EntityDefinitions", {"filter": "(" * 300}, "$filter"),
    ("EntityDefinitions", {"expand": "Nothing"}, "Nothing"),
    ("EntityDefinitions", {"expand": "Attributes($skip=1)"}, "$skip"),
    ("EntityDefinitions", {"orderby": "LogicalName down"}, "$orderby"),
    ("EntityDefinitions", {"top": "-1"}, "$top"),
    ("EntityDefinitions", {"skip": "1"}, "$skip"),
    ("EntityDefinitions(name)", {}, "name"),
    ("EntityDefinitions(LogicalName=@p1)", {}, "@p1"),
    ("EntityDefinitions(Nothing='a')", {}, "Nothing"),
    ("EntityDefinitions(LogicalName='a',SchemaName='b')", {}, "one key"),
    (SHIP, {"filter": "LogicalName eq 'a'"}, "$filter"),
)


async def test_what_cannot_be_asked_is_refused_by_name(ask):
    for address, options, named in _BAD_OPTIONS:
        status, message = await ask.refused(address, **options)
        assert (status, named in message) == (400, True), (address, options, message)


async def test_addresses_that_lead_nowhere(ask):
    for address in (
        f"{SHIP}/Nothing",
        f"{SHIP}/Attributes(LogicalName='new_tons')/Nothing",
        f"{SHIP}/{CRM}Nothing",
        "EntityDefinitions/LogicalName",
        f"{SHIP}/LogicalName/x",
        f"{SHIP}/$count",
    ):
        assert (await ask.refused(address))[0] == 404, address


async def test_a_single_property_of_a_definition(ask):
    assert (await ask.one(f"{SHIP}/EntitySetName"))["value"] == "new_shipses"
    label = await ask.one(f"{SHIP}/DisplayName")
    assert label["UserLocalizedLabel"]["Label"] == "Ship"
    assert (await ask.api.get(f"{SHIP}/PrimaryImageAttribute")).status_code == 204


async def _changes(ask, query, **more):
    params = {"@p1": json.dumps(query), **{f"@{name}": said for name, said in more.items()}}
    extra = "".join(f",{name}=@{name}" for name in more)
    return await ask.api.get(f"RetrieveMetadataChanges(Query=@p1{extra})", params=params)


async def test_changes_of_definitions_are_asked_for_as_clients_do(ask):
    """The query is what a published client sends to read typed columns."""

    def named(name, operator="Equals", kind="System.String"):
        return {
            "Conditions": [
                {
                    "PropertyName": "LogicalName",
                    "ConditionOperator": operator,
                    "Value": {"Type": kind, "Value": name},
                }
            ]
        }

    query = {
        "Properties": {"PropertyNames": ["LogicalName", "Attributes"]},
        "Criteria": named("new_ship"),
        "AttributeQuery": {
            "Properties": {"PropertyNames": ["LogicalName", "MaxLength", "MinValue", "Precision"]},
            "Criteria": named(["new_tons", "new_name"], "In", "System.String[]"),
        },
    }
    answer = await _changes(ask, query)
    assert answer.status_code == 200, answer.text
    said = answer.json()
    (ship,) = said["EntityMetadata"]
    assert ship["LogicalName"] == "new_ship" and "EntitySetName" not in ship
    columns = {item["LogicalName"]: item for item in ship["Attributes"]}
    assert columns["new_name"]["MaxLength"] == 60 and "MaxLength" not in columns["new_tons"]
    assert columns["new_tons"]["Precision"] == 3 and columns["new_tons"]["MinValue"] == 0
    assert columns["new_tons"]["@odata.type"] == f"#{CRM}ComplexDecimalAttributeMetadata"
    assert set(columns) == {"new_name", "new_tons"}

    none = (await _changes(ask, {**query, "Criteria": named("new_boat")})).json()
    assert none["EntityMetadata"] == []
    stamp = said["ServerVersionStamp"]
    same = await _changes(ask, query, ClientVersionStamp=f"'{stamp}'")
    assert same.json()["EntityMetadata"] == [] and same.json()["ServerVersionStamp"] == stamp
    older = await _changes(ask, query, ClientVersionStamp="'0'")
    assert older.json()["EntityMetadata"] == said["EntityMetadata"]

    labels = {
        "Properties": {"PropertyNames": ["DisplayName", "ManyToOneRelationships"]},
        "Criteria": named("new_ship"),
        "RelationshipQuery": {"Properties": {"PropertyNames": ["SchemaName"]}},
        "LabelQuery": {"FilterLanguages": [1045]},
    }
    (ship,) = (await _changes(ask, labels)).json()["EntityMetadata"]
    (label,) = ship["DisplayName"]["LocalizedLabels"]
    assert label["Label"] == "Statek"
    assert "new_account_ships" in [item["SchemaName"] for item in ship["ManyToOneRelationships"]]


async def test_queries_for_changes_that_cannot_be_read(ask):
    queries: tuple[Any, ...] = (
        "nonsense",
        [],
        {"Criteria": []},
        {"Criteria": {"Conditions": [{}]}},
        {"Criteria": {"Conditions": [{"PropertyName": "LogicalName", "Value": {"Value": {}}}]}},
        {"Criteria": {"Conditions": [{"PropertyName": "a", "ConditionOperator": "Like"}]}},
        {"Criteria": {"FilterOperator": "Xor", "Conditions": [{"PropertyName": "a"}] * 2}},
        {"Properties": {"PropertyNames": "LogicalName"}},
        {"Properties": {"PropertyNames": ["Nothing"]}},
        {"LabelQuery": {"FilterLanguages": ["pl"]}},
    )
    for query in queries:
        answer = await _changes(ask, query)
        assert answer.status_code == 400 and answer.json()["error"]["message"], query


async def test_ids_of_definitions_outlive_a_rename_and_names_lead_to_what_is_there_now(ask):
    ids = {
        name: (await ask.one(f"EntityDefinitions(LogicalName='{name}')"))["MetadataId"]
        for name in ("new_ship", "account")
    }
    column = (await ask.one(f"{SHIP}/Attributes(LogicalName='new_tons')"))["MetadataId"]
    folder = ask.app.parts.app_folder.folder / "metadata" / "entities"
    renamed = (
        _SHIP.replace("name: new_ship\n", "name: new_boat\nrenamed_from: new_ship\n", 1)
        .replace("schema_name: new_Ship\n", "")
        .replace("name: new_tons,", "name: new_load, renamed_from: new_tons,")
    )
    (folder / "new_ship.yaml").unlink()
    (folder / "new_boat.yaml").write_text(renamed, encoding="utf-8")
    settings = ask.app.parts.settings
    await publish_folder(settings.app_folder, settings.database_url, consents_to_all=True)
    await refresh(ask.app.parts.database, ask.app.parts.live_registry)
    boat = await ask.one(f"EntityDefinitions({ids['new_ship']})")
    assert (boat["LogicalName"], boat["SchemaName"]) == ("new_boat", "new_boat")
    load = await ask.one(f"EntityDefinitions({ids['new_ship']})/Attributes({column})")
    assert load["LogicalName"] == "new_load"
    assert (await ask.refused(SHIP))[0] == 404
    same = await ask.one("EntityDefinitions(LogicalName='account')")
    assert same["MetadataId"] == ids["account"]
