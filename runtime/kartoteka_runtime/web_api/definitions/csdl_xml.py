"""``$metadata`` as CSDL XML. Source: OData CSDL XML Representation 4.01, read by 4.0 as well."""

from __future__ import annotations

from collections.abc import Iterator
from xml.sax.saxutils import quoteattr

from kartoteka_runtime.web_api.definitions.csdl_model import (
    ALIAS,
    NAMESPACE,
    ComplexType,
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

CORE = "Org.OData.Core.V1"
CORE_ADDRESS = "https://oasis-tcs.github.io/odata-vocabularies/vocabularies/Org.OData.Core.V1.xml"
_HEAD = (
    '<?xml version="1.0" encoding="utf-8"?>'
    '<edmx:Edmx Version="4.0" xmlns:edmx="http://docs.oasis-open.org/odata/ns/edmx">'
    f'<edmx:Reference Uri="{CORE_ADDRESS}"><edmx:Include Namespace="{CORE}"/></edmx:Reference>'
    "<edmx:DataServices>"
    f'<Schema Namespace="{NAMESPACE}" Alias="{ALIAS}"'
    ' xmlns="http://docs.oasis-open.org/odata/ns/edm">'
)
_TAIL = "</Schema></edmx:DataServices></edmx:Edmx>"
_COMPUTED = f'<Annotation Term="{CORE}.Computed" Bool="true"/>'


def to_xml(schema: Schema) -> bytes:
    """Return a schema as XML."""
    return "".join(_parts(schema)).encode()


def _parts(schema: Schema) -> Iterator[str]:
    yield _HEAD
    for entity_type in schema.entity_types:
        yield from _entity_type(entity_type)
    for complex_type in schema.complex_types:
        yield from _complex_type(complex_type)
    for enum_type in schema.enum_types:
        yield from _enum_type(enum_type)
    for operation in schema.operations:
        yield from _operation(operation)
    yield '<EntityContainer Name="System">'
    for entity_set in schema.entity_sets:
        yield from _entity_set(entity_set)
    imported = set()
    for operation in schema.operations:
        if not operation.is_bound and operation.name not in imported:
            imported.add(operation.name)
            kind = "Function" if operation.is_function else "Action"
            full = f"{NAMESPACE}.{operation.name}"
            yield f"<{kind}Import{_attributes(Name=operation.name, **{kind: full})}/>"
    yield f"</EntityContainer>{_TAIL}"


def _entity_type(item: EntityType) -> Iterator[str]:
    base = of_schema(item.base) if item.base else ""
    yield f"<EntityType{_attributes(Name=item.name, BaseType=base, Abstract=item.is_abstract)}>"
    if item.key:
        yield f"<Key><PropertyRef{_attributes(Name=item.key)}/></Key>"
    for each in item.properties:
        yield _property("Property", each)
    for navigation in item.navigations:
        yield _navigation(navigation)
    yield "</EntityType>"


def _complex_type(item: ComplexType) -> Iterator[str]:
    base = of_schema(item.base) if item.base else ""
    yield f"<ComplexType{_attributes(Name=item.name, BaseType=base)}>"
    for each in item.properties:
        yield _property("Property", each)
    yield "</ComplexType>"


def _enum_type(item: EnumType) -> Iterator[str]:
    yield f"<EnumType{_attributes(Name=item.name, IsFlags=item.is_flags)}>"
    for name, value in item.members:
        yield f"<Member{_attributes(Name=name, Value=str(value))}/>"
    yield "</EnumType>"


def _operation(item: Operation) -> Iterator[str]:
    kind = "Function" if item.is_function else "Action"
    yield f"<{kind}{_attributes(Name=item.name, IsBound=item.is_bound)}>"
    for parameter in item.parameters:
        yield _property("Parameter", parameter)
    if item.result is not None:
        yield f"<ReturnType{_type(item.result)}/>"
    yield f"</{kind}>"


def _entity_set(item: EntitySet) -> Iterator[str]:
    yield f"<EntitySet{_attributes(Name=item.name, EntityType=item.type)}>"
    for path, target in item.targets:
        yield f"<NavigationPropertyBinding{_attributes(Path=path, Target=target)}/>"
    yield "</EntitySet>"


def _property(tag: str, item: Property) -> str:
    head = f"<{tag}{_attributes(Name=item.name)}{_type(item.type)}"
    return f"{head}>{_COMPUTED}</{tag}>" if item.is_computed else f"{head}/>"


def _navigation(item: Navigation) -> str:
    head = _attributes(Name=item.name, Type=item.type.written, Partner=item.partner)
    if not item.referenced:
        return f"<NavigationProperty{head}/>"
    ends = _attributes(Property=item.column, ReferencedProperty=item.referenced)
    return f"<NavigationProperty{head}><ReferentialConstraint{ends}/></NavigationProperty>"


def _type(item: TypeOf) -> str:
    return _attributes(
        Type=item.written,
        Nullable="" if item.is_nullable else "false",
        MaxLength="" if item.max_length is None else str(item.max_length),
        Scale="" if item.scale is None else str(item.scale),
    )


def _attributes(**values: str | bool) -> str:
    """Return attributes with a space before each; empty and false ones are left out."""
    return "".join(
        f" {name}={quoteattr('true' if value is True else str(value))}"
        for name, value in values.items()
        if value
    )
