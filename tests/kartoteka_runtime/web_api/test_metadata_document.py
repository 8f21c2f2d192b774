"""``$metadata`` and the service document: valid, complete, quick, and true to what answers hold."""

from __future__ import annotations

import base64
import gzip
import json
import re
import time
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any
from uuid import UUID

import jsonschema_rs
import pytest
from lxml import etree  # type: ignore[import-untyped]

from kartoteka.record_values import Reference

_SCHEMAS = Path(__file__).parents[3] / "node_modules" / "odata-csdl" / "schemas"
_EDM = "{http://docs.oasis-open.org/odata/ns/edm}"
_ALIAS, _NAMESPACE = "mscrm.", "Microsoft.Dynamics.CRM."
_PLUGINS = ("sales", "service", "marketing")


class Csdl:
    """The parts of ``$metadata`` by name."""

    def __init__(self, text: bytes) -> None:
        self.root = etree.fromstring(text)
        (self.schema,) = self.root.iter(f"{_EDM}Schema")
        self.types = {item.get("Name"): item for item in self.schema.findall(f"{_EDM}EntityType")}
        self.container = self.schema.find(f"{_EDM}EntityContainer")
        self.sets = {item.get("Name"): item for item in self.container.findall(f"{_EDM}EntitySet")}
        self.declared = {
            item.get("Name")
            for tag in ("EntityType", "ComplexType", "EnumType")
            for item in self.schema.findall(f"{_EDM}{tag}")
        }

    def properties(self, name: str) -> dict[str, str]:
        return {
            item.get("Name"): item.get("Type")
            for item in self.types[name].findall(f"{_EDM}Property")
        }

    def navigations(self, name: str) -> dict[str, etree._Element]:
        found = self.types[name].findall(f"{_EDM}NavigationProperty")
        return {item.get("Name"): item for item in found}


def _full(name: str) -> str:
    """Return the name of a type of the schema without its namespace or alias."""
    inner = re.sub(r"^Collection\((.*)\)$", r"\1", name)
    return inner.removeprefix(_NAMESPACE).removeprefix(_ALIAS)


async def _metadata(api, **options) -> bytes:
    answer = await api.get("$metadata", **options)
    assert answer.status_code == 200, answer.text
    text: bytes = answer.content
    return text


@pytest.fixture
def engine() -> str:
    """Give one engine, which matters to records alone."""
    return "sqlite"


@pytest.fixture
async def sample(start_app):
    """Give the app with the plugins that come along."""
    return await start_app(plugins=_PLUGINS)


async def test_the_document_is_valid_and_names_only_what_it_declares(sample):
    async with sample.api_as() as api:
        text = await _metadata(api)
    schema = etree.XMLSchema(etree.parse(_SCHEMAS / "edmx.xsd"))
    schema.assertValid(etree.fromstring(text))
    csdl = Csdl(text)
    assert csdl.root.get("Version") == "4.0"
    assert (csdl.schema.get("Namespace"), csdl.schema.get("Alias")) == (_NAMESPACE[:-1], "mscrm")
    first = csdl.schema.find(f"{_EDM}EntityType")
    assert (first.get("Name"), first.get("Abstract")) == ("crmbaseentity", "true")
    assert csdl.container.get("Name") == "System"

    for item in csdl.schema.iter(etree.Element):
        for key in ("Type", "BaseType", "EntityType"):
            said = item.get(key)
            if said is not None and not _full(said).startswith("Edm."):
                assert _full(said) in csdl.declared, (item.tag, said)
    for name, kind in csdl.types.items():
        members = [item.get("Name") for item in kind if item.get("Name")]
        assert len(members) == len(set(members)), name
        for item in csdl.navigations(name).values():
            _check_navigation(csdl, name, item)
    for name, item in csdl.sets.items():
        assert item.get("EntityType").startswith(_NAMESPACE), name
        navigations = csdl.navigations(_full(item.get("EntityType")))
        for binding in item:
            assert binding.get("Path").partition("/")[0] in navigations
            assert binding.get("Target") in csdl.sets
    _check_operations(csdl)


def _check_navigation(csdl: Csdl, name: str, item: etree._Element) -> None:
    target = _full(item.get("Type"))
    constraint = item.find(f"{_EDM}ReferentialConstraint")
    if constraint is not None:
        assert csdl.properties(name)[constraint.get("Property")] == "Edm.Guid"
        assert constraint.get("ReferencedProperty") in csdl.properties(target)
    if partner := item.get("Partner"):
        back = csdl.navigations(target)[partner]
        assert _full(back.get("Type")) == name, (name, item.get("Name"))
        assert back.get("Partner") in (item.get("Name"), None)


def _check_operations(csdl: Csdl) -> None:
    for kind in ("Action", "Function"):
        told = csdl.schema.findall(f"{_EDM}{kind}")
        assert told
        unbound = {_NAMESPACE + item.get("Name") for item in told if not item.get("IsBound")}
        imported = csdl.container.findall(f"{_EDM}{kind}Import")
        assert {item.get(kind) for item in imported} == unbound
        for item in told:
            if item.get("IsBound"):
                first = _full(item.find(f"{_EDM}Parameter").get("Type"))
                assert first in csdl.types, item.get("Name")


async def test_the_same_is_told_as_json(sample):
    async with sample.api_as() as api:
        csdl = Csdl(await _metadata(api))
        answer = await api.get("$metadata", params={"$format": "json"})
        wished = await api.get("$metadata", headers={"Accept": "application/json"})
        # Clients of OData 4.0 ask for JSON everywhere, and expect XML here.
        old = {"Accept": "application/json", "OData-MaxVersion": "4.0"}
        for headers in ({}, {"Accept": "*/*"}, {"Accept": "application/xml"}, old):
            plain = await api.get("$metadata", headers=headers)
            assert plain.headers["content-type"].startswith("application/xml")
        refused = await api.get("$metadata", params={"$format": "yaml"})
    assert refused.status_code == 400 and "$format" in refused.json()["error"]["message"]
    assert answer.headers["content-type"].startswith("application/json")
    assert wished.content == answer.content
    said = answer.json()
    _check_shape(said)
    assert said["$EntityContainer"] == f"{_NAMESPACE}System"
    types = said[_NAMESPACE[:-1]]
    for name in csdl.types:
        told = {key for key in types[name] if key[0] not in "$@"}
        assert told == {*csdl.properties(name), *csdl.navigations(name)}, name
    assert types["contact"]["$Key"] == ["contactid"]
    assert types["contact"]["_parentcustomerid_value"] == {"$Type": "Edm.Guid", "$Nullable": True}
    assert types["System"]["accounts"]["$Type"] == f"{_NAMESPACE}account"


def _check_shape(said: dict[str, Any]) -> None:
    """Check a document against the schema of CSDL JSON; its names are plain ASCII here."""
    text = (_SCHEMAS / "csdl.schema.json").read_text(encoding="utf-8")
    text = text.replace(r"(_|\\p{L}|\\p{Nl})", "[A-Za-z_]")
    text = re.sub(r"\(_\|\\\\p\{L\}[^)]*\)", "[A-Za-z0-9_]", text)
    jsonschema_rs.validator_for(json.loads(text)).validate(said)


async def test_navigation_is_named_as_addresses_and_bodies_write_it(sample):
    async with sample.api_as() as api:
        csdl = Csdl(await _metadata(api))
    account, contact = csdl.navigations("account"), csdl.navigations("contact")
    primary = account["primarycontactid"]
    assert (primary.get("Type"), primary.get("Partner")) == (
        "mscrm.contact", "account_primary_contact",
    )  # fmt: skip
    constraint = primary.find(f"{_EDM}ReferentialConstraint")
    assert (constraint.get("Property"), constraint.get("ReferencedProperty")) == (
        "_primarycontactid_value", "contactid",
    )  # fmt: skip
    children = account["contact_customer_accounts"]
    assert children.get("Type") == "Collection(mscrm.contact)"
    assert children.get("Partner") == "parentcustomerid_account"
    assert {"parentcustomerid_account", "parentcustomerid_contact"} <= contact.keys()
    assert "parentcustomerid" not in contact
    assert "regardingobjectid_account_task" in csdl.navigations("task")
    assert "teammembership_association" in csdl.navigations("systemuser")
    assert contact["ownerid"].get("Type") == "mscrm.principal"
    computed = [
        item.get("Name")
        for item in csdl.types["account"].findall(f"{_EDM}Property")
        if item.find(f"{_EDM}Annotation") is not None
    ]
    assert "createdon" in computed and "name" not in computed
    assert csdl.properties("task")["activityid"] == "Edm.Guid"


_DEFINITIONS = {"EntityDefinitions", "RelationshipDefinitions", "GlobalOptionSetDefinitions"}
_CHECKS = {
    "Edm.String": lambda value: isinstance(value, str),
    "Edm.Boolean": lambda value: isinstance(value, bool),
    "Edm.Int32": lambda value: type(value) is int and -(2**31) <= value < 2**31,
    "Edm.Int64": lambda value: type(value) is int,
    "Edm.Decimal": lambda value: type(value) in (int, float),
    "Edm.Double": lambda value: type(value) in (int, float),
    "Edm.Guid": lambda value: str(UUID(value)) == value,
    "Edm.Date": lambda value: date.fromisoformat(value).isoformat() == value,
    "Edm.DateTimeOffset": lambda value: bool(
        re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ", value)
    ),
    "Edm.Binary": lambda value: base64.b64decode(value, validate=True) != b"",
}


@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
async def test_every_member_of_every_record_is_declared_and_of_its_type(sample):
    await _fill(sample)
    async with sample.api_as() as api:
        csdl = Csdl(await _metadata(api))
        listed = {item["name"]: item for item in (await api.get("")).json()["value"]}
        assert listed.keys() == csdl.sets.keys() - _DEFINITIONS
        seen: set[str] = set()
        for name in listed:
            item = csdl.sets[name]
            answer = await api.get(name, params={"$top": "20"})
            assert answer.status_code == 200, (name, answer.text)
            declared = csdl.properties(_full(item.get("EntityType")))
            for record in answer.json()["value"]:
                _check_record(name, record, declared, seen)
    assert {"Edm.Guid", "Edm.String", "Edm.Int32", "Edm.DateTimeOffset", "Edm.Date",
            "Edm.Decimal", "Edm.Boolean", "Edm.Int64"} <= seen  # fmt: skip


def _check_record(
    name: str, record: dict[str, Any], declared: dict[str, str], seen: set[str]
) -> None:
    members = {key for key in record if "@" not in key}
    asked_for_only = {key for key, kind in declared.items() if kind == "Edm.Binary"}  # images
    assert members == declared.keys() - asked_for_only, (name, members ^ declared.keys())
    for key in members:
        value, kind = record[key], declared[key]
        if value is not None:
            assert _CHECKS[kind](value), (name, key, kind, value)
            seen.add(kind)


async def test_every_member_of_every_definition_is_declared(sample):
    async with sample.api_as() as api:
        csdl = Csdl(await _metadata(api))
        entity = "EntityDefinitions(LogicalName='account')"
        parts = {
            "Attributes": "", "Keys": "EntityKeyMetadata",
            "OneToManyRelationships": "OneToManyRelationshipMetadata",
            "ManyToManyRelationships": "ManyToManyRelationshipMetadata",
        }  # fmt: skip
        whole = (await api.get(entity, params={"$expand": ",".join(parts)})).json()
        found = [("EntityMetadata", whole)]
        for part, known in parts.items():
            found += [(known or item["@odata.type"], item) for item in whole[part]]
        for options in (await api.get("GlobalOptionSetDefinitions")).json()["value"]:
            found.append((options["@odata.type"], options))
        for named, item in found:
            name = _full(named.lstrip("#"))
            declared = _members(csdl, name)
            assert {key for key in item if "@" not in key} <= declared.keys(), name
            for key, kind in declared.items():
                value = item.get(key)
                if kind in _CHECKS and value is not None:
                    assert _CHECKS[kind](value), (name, key, kind, value)
    # What only definitions' own clients call is told as well.
    told = {item.get("Name") for tag in ("Action", "Function")
            for item in csdl.schema.findall(f"{_EDM}{tag}")}  # fmt: skip
    assert {"CreateEntities", "InsertStatusValue", "OrderOption", "RetrieveMetadataChanges",
            "CreatePolymorphicLookupAttribute", "PublishAllXml"} <= told  # fmt: skip


def _members(csdl: Csdl, name: str) -> dict[str, str]:
    """Return the members of a type and of those that it extends, with their types."""
    base = csdl.types[name].get("BaseType")
    inherited = _members(csdl, _full(base)) if base else {}
    reached = {key: item.get("Type") for key, item in csdl.navigations(name).items()}
    return {**inherited, **csdl.properties(name), **reached}


async def _fill(app) -> None:
    """Make a record of every entity that people may make one of, with every value they may give."""
    records = app.system_records
    me = Reference("systemuser", (await app.principal()).user_id)
    for entity in app.parts.live_registry.current.registry.entities.values():
        values = {"ownerid": me} if "ownerid" in entity.field_by_name else {}
        for item in entity.fields:
            value = None if item.read_only or item.unique else _value(item)
            if value is not None and item.name != entity.primary_id:
                values[item.name] = value
        for attempt in (values, {entity.primary_field: "A", "ownerid": values.get("ownerid")}):
            try:
                await records.create(
                    entity.name, {key: said for key, said in attempt.items() if said is not None}
                )
                break
            except Exception:  # noqa: BLE001, S112 - what cannot be made so has other records, or none
                continue


def _value(item):
    match item.type:
        case "text":
            return "a@example.org" if item.format == "email" else "A"[: item.max_length]
        case "whole_number":
            return 1033 if item.format in ("language", "time_zone") else max(1, int(item.min or 0))
        case "decimal" | "money":
            return max(Decimal("1.25"), item.min or Decimal(0))
        case "float":
            return 1.5
        case "yes_no":
            return True
        case "multi_choice":
            return [option.value for option in item.options[:2]] or None
        case "choice":
            return item.options[0].value if item.options else None
        case "date":
            return date(2031, 5, 6)
        case "date_time":
            return datetime.fromisoformat("2031-05-06T07:08:09+00:00")
    return None


async def test_the_service_document_lists_the_sets(sample):
    async with sample.api_as() as api:
        root = str(api.base_url)
        answers = [await api.get(address) for address in (root, root.rstrip("/"))]
        for answer in answers:
            assert answer.status_code == 200, answer.text
            assert answer.headers["content-type"].startswith("application/json")
            said = answer.json()
            assert said["@odata.context"] == f"{root}$metadata"
            entry = {"name": "accounts", "kind": "EntitySet", "url": "accounts"}
            assert entry in said["value"]
        assert (await api.post("")).status_code == 405
        assert (await api.post("$metadata")).status_code == 405
        assert (await api.get("$metadata/x")).status_code == 404


async def test_the_document_is_kept_and_sent_once(sample):
    async with sample.api_as() as api:
        plain = await api.get("$metadata", headers={"Accept-Encoding": "identity"})
        assert "content-encoding" not in plain.headers
        tag = plain.headers["etag"]
        packed = await api.get("$metadata", headers={"Accept-Encoding": "gzip, deflate"})
        assert packed.headers["content-encoding"] == "gzip"
        assert packed.content == plain.content and packed.headers["etag"] == tag
        assert len(gzip.compress(plain.content)) < len(plain.content) / 5
        for value in (tag, f"W/{tag}", f'"x", {tag}', "*"):
            same = await api.get("$metadata", headers={"If-None-Match": value})
            assert (same.status_code, same.content) == (304, b""), value
            assert same.headers["etag"] == tag
        other = await api.get("$metadata", headers={"If-None-Match": "null"})
        assert other.status_code == 200
        as_json = await api.get("$metadata", params={"$format": "json"})
        assert as_json.headers["etag"] != tag
        took = []
        for _ in range(5):
            start = time.perf_counter()
            await api.get("$metadata")
            took.append(time.perf_counter() - start)
    assert min(took) < 0.05  # written anew it takes many times that
