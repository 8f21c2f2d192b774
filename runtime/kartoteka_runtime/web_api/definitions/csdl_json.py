"""``$metadata`` as CSDL JSON. Source: OData CSDL JSON Representation 4.01."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kartoteka_runtime.web_api.definitions.csdl_model import (
    ALIAS,
    NAMESPACE,
    EntitySet,
    EntityType,
    EnumType,
    Navigation,
    Operation,
    Property,
    Schema,
    TypeOf,
    of_schema,
)
from kartoteka_runtime.web_api.definitions.csdl_xml import CORE, CORE_ADDRESS
from kartoteka_runtime.web_api.serialize import to_json

_COMPUTED = f"@{CORE}.Computed"


def to_csdl_json(schema: Schema) -> bytes:
    """Return a schema as JSON."""
    said: dict[str, Any] = {"$Alias": ALIAS}
    for entity_type in schema.entity_types:
        said[entity_type.name] = _entity_type(entity_type)
    for complex_type in schema.complex_types:
        said[complex_type.name] = {
            "$Kind": "ComplexType",
            **({"$BaseType": of_schema(complex_type.base)} if complex_type.base else {}),
            **{item.name: _property(item) for item in complex_type.properties},
        }
    for enum_type in schema.enum_types:
        said[enum_type.name] = _enum_type(enum_type)
    for operation in schema.operations:
        said.setdefault(operation.name, []).append(_operation(operation))
    said["System"] = _container(schema)
    address = CORE_ADDRESS.removesuffix(".xml") + ".json"
    return to_json(
        {
            "$Version": "4.01",
            "$EntityContainer": f"{NAMESPACE}.System",
            "$Reference": {address: {"$Include": [{"$Namespace": CORE}]}},
            NAMESPACE: said,
        }
    )


def _entity_type(item: EntityType) -> dict[str, Any]:
    said: dict[str, Any] = {"$Kind": "EntityType"}
    if item.base:
        said["$BaseType"] = of_schema(item.base)
    if item.is_abstract:
        said["$Abstract"] = True
    if item.key:
        said["$Key"] = [item.key]
    for each in item.properties:
        said[each.name] = _property(each)
    for navigation in item.navigations:
        said[navigation.name] = _navigation(navigation)
    return said


def _property(item: Property) -> dict[str, Any]:
    said = _type(item.type)
    if item.is_computed:
        said[_COMPUTED] = True
    return said


def _navigation(item: Navigation) -> dict[str, Any]:
    said: dict[str, Any] = {"$Kind": "NavigationProperty", **_type(item.type)}
    if item.type.is_list:
        said.pop("$Nullable", None)
    if item.partner:
        said["$Partner"] = item.partner
    if item.referenced:
        said["$ReferentialConstraint"] = {item.column: item.referenced}
    return said


def _type(item: TypeOf) -> dict[str, Any]:
    """Return a type; that it is a text and has a value is what leaving it out means."""
    said: dict[str, Any] = {}
    if item.name != "Edm.String":
        said["$Type"] = item.name
    if item.is_list:
        said["$Collection"] = True
    if item.is_nullable:
        said["$Nullable"] = True
    if item.max_length is not None:
        said["$MaxLength"] = item.max_length
    if item.scale is not None:
        said["$Scale"] = item.scale
    return said


def _enum_type(item: EnumType) -> dict[str, Any]:
    flags = {"$IsFlags": True} if item.is_flags else {}
    return {"$Kind": "EnumType", **flags, **dict(item.members)}


def _operation(item: Operation) -> dict[str, Any]:
    said: dict[str, Any] = {"$Kind": "Function" if item.is_function else "Action"}
    if item.is_bound:
        said["$IsBound"] = True
    if item.parameters:
        said["$Parameter"] = [
            {"$Name": parameter.name, **_type(parameter.type)} for parameter in item.parameters
        ]
    if item.result is not None:
        said["$ReturnType"] = _type(item.result)
    return said


def _container(schema: Schema) -> dict[str, Any]:
    said: dict[str, Any] = {"$Kind": "EntityContainer"}
    for entity_set in schema.entity_sets:
        said[entity_set.name] = _entity_set(entity_set)
    for operation in schema.operations:
        if not operation.is_bound:
            kind = "$Function" if operation.is_function else "$Action"
            said[operation.name] = {kind: of_schema(operation.name)}
    return said


def _entity_set(item: EntitySet) -> Mapping[str, Any]:
    said: dict[str, Any] = {"$Collection": True, "$Type": item.type}
    if item.targets:
        said["$NavigationPropertyBinding"] = dict(item.targets)
    return said
