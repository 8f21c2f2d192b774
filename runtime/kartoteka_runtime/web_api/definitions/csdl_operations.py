"""Operations → actions, functions and the types that only they use.

Source: reference web-api, sections 10 and 12.
"""

from __future__ import annotations

from collections.abc import Iterable

from kartoteka.plugin_api.operations import FUNCTION, TO_COLLECTION, ApiOperation, ApiValue
from kartoteka_runtime.web_api.definitions.csdl_model import (
    BASE_TYPE,
    ComplexType,
    EnumType,
    Operation,
    Property,
    TypeOf,
    of_schema,
)

_EDM_TYPES = {
    "text": "Edm.String",
    "whole_number": "Edm.Int32",
    "big_integer": "Edm.Int64",
    "decimal": "Edm.Decimal",
    "float": "Edm.Double",
    "yes_no": "Edm.Boolean",
    "date": "Edm.Date",
    "date_time": "Edm.DateTimeOffset",
    "unique_id": "Edm.Guid",
}
_SCALE = 10  # decimal places of numbers whose operation does not say how many they have
_UNTYPED = BASE_TYPE


class OperationTypes:
    """Collects operations with the types that they name, each type once."""

    def __init__(self, entities: Iterable[str]) -> None:
        """Begin with none; ``entities`` are those that have a type of their own."""
        self._entities = frozenset(entities)
        self.complex_types: dict[str, ComplexType] = {}
        self.enum_types: dict[str, EnumType] = {}

    def operation(self, said: ApiOperation) -> Operation:
        """Return what one operation is told as."""
        parameters = tuple(self._property(value) for value in said.parameters)
        if said.binding:
            parameters = (self._bound(said), *parameters)
        return Operation(
            said.name,
            is_function=said.kind == FUNCTION,
            is_bound=bool(said.binding),
            parameters=parameters,
            result=self._result(said),
        )

    def _bound(self, said: ApiOperation) -> Property:
        is_list = said.binding == TO_COLLECTION
        name = said.entity if said.entity in self._entities else _UNTYPED
        bound = TypeOf(of_schema(name), is_list=is_list, is_nullable=False)
        return Property("entityset" if is_list else "entity", bound)

    def _result(self, said: ApiOperation) -> TypeOf | None:
        itself = said.answers_itself
        if itself is not None:
            return self._type(itself)
        if not said.result and said.kind != FUNCTION:
            return None
        name = f"{said.name}Response"
        self._keep(ComplexType(name, tuple(self._property(value) for value in said.result)))
        return TypeOf(of_schema(name), is_nullable=False)

    def _property(self, value: ApiValue) -> Property:
        return Property(value.name, self._type(value))

    def _type(self, value: ApiValue) -> TypeOf:
        scale = _SCALE if value.type == "decimal" else None
        return TypeOf(self._name(value), value.is_list, is_nullable=value.is_optional, scale=scale)

    def _name(self, value: ApiValue) -> str:
        match value.type:
            case "reference" | "record":
                one = value.entities[0] if len(value.entities) == 1 else ""
                return of_schema(one if one in self._entities else _UNTYPED)
            case "object":
                inner = tuple(self._property(member) for member in value.members)
                self._keep(ComplexType(value.type_name, inner))
                return of_schema(value.type_name)
            case "enum":
                self.enum_types.setdefault(
                    value.type_name, EnumType(value.type_name, value.options, value.is_flags)
                )
                return of_schema(value.type_name)
        return _EDM_TYPES[value.type]

    def _keep(self, found: ComplexType) -> None:
        self.complex_types.setdefault(found.name, found)
