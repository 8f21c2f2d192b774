"""What ``$metadata`` describes, before it is written as XML or as JSON.

Source: OData CSDL 4.01.
"""

from __future__ import annotations

from dataclasses import dataclass

from kartoteka_runtime.web_api.definitions.definition import NAMESPACE as _PREFIX

NAMESPACE = _PREFIX.removesuffix(".")
ALIAS = "mscrm"
BASE_TYPE = "crmbaseentity"


@dataclass(frozen=True, slots=True)
class TypeOf:
    """The type of a value; ``name`` is ``Edm.String`` or a name of the schema, as it is written.

    ``scale`` are the decimal places of ``Edm.Decimal``, ``max_length`` the characters of a text.
    """

    name: str
    is_list: bool = False
    is_nullable: bool = True
    max_length: int | None = None
    scale: int | None = None

    @property
    def written(self) -> str:
        """Return the type as XML names it."""
        return f"Collection({self.name})" if self.is_list else self.name


@dataclass(frozen=True, slots=True)
class Property:
    """A value that records or objects have; clients do not send one that is computed."""

    name: str
    type: TypeOf
    is_computed: bool = False


@dataclass(frozen=True, slots=True)
class Navigation:
    """A record, or records, that are reached from a record.

    ``partner`` is the way back; ``column`` the property that holds the id of the record, which is
    its ``referenced`` property.
    """

    name: str
    type: TypeOf
    partner: str = ""
    column: str = ""
    referenced: str = ""


@dataclass(frozen=True, slots=True)
class EntityType:
    """A kind of record."""

    name: str
    base: str = ""
    is_abstract: bool = False
    key: str = ""
    properties: tuple[Property, ...] = ()
    navigations: tuple[Navigation, ...] = ()


@dataclass(frozen=True, slots=True)
class ComplexType:
    """An object that operations take or answer, or that stands inside of another."""

    name: str
    properties: tuple[Property, ...]
    base: str = ""


@dataclass(frozen=True, slots=True)
class EnumType:
    """A closed list that operations take or answer."""

    name: str
    members: tuple[tuple[str, int], ...]
    is_flags: bool = False


@dataclass(frozen=True, slots=True)
class Operation:
    """An action or a function; the first parameter of a bound one is what it is called on."""

    name: str
    is_function: bool
    is_bound: bool
    parameters: tuple[Property, ...]
    result: TypeOf | None = None


@dataclass(frozen=True, slots=True)
class EntitySet:
    """A set of records, and the sets of the records that its navigations reach."""

    name: str
    type: str
    targets: tuple[tuple[str, str], ...]


@dataclass(frozen=True, slots=True)
class Schema:
    """Everything that ``$metadata`` tells."""

    entity_types: tuple[EntityType, ...]
    complex_types: tuple[ComplexType, ...]
    enum_types: tuple[EnumType, ...]
    operations: tuple[Operation, ...]
    entity_sets: tuple[EntitySet, ...]


def of_schema(name: str) -> str:
    """Return how a type of the schema is named inside it."""
    return f"{ALIAS}.{name}"
