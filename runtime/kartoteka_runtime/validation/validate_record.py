"""Compiled validation of what someone wants to write to one entity's records."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from kartoteka.errors import Violation
from kartoteka.model.entity import Entity
from kartoteka.model.field import Required
from kartoteka_runtime.validation.record_schema import field_schema
from kartoteka_runtime.validation.value_checks import Refused, compile_check, shorten


class RecordValidator:
    """Checks values of one entity against its JSON Schema; every method reports all it finds."""

    def __init__(self, entity: Entity) -> None:
        """Compile a check for each field."""
        self.entity = entity
        self._checks = {item.name: compile_check(field_schema(item)) for item in entity.fields}
        self._read_only = frozenset(
            item.name
            for item in entity.fields
            if (item.read_only or item.type == "autonumber") and item.name != entity.primary_id
        )
        self._calculated = frozenset(item.name for item in entity.fields if item.is_calculated)
        self._required = tuple(
            item.name
            for item in entity.fields
            if item.required is Required.ALWAYS and item.name not in self._read_only
        )

    def check_values(
        self, values: Mapping[str, Any], *, may_write_read_only: bool
    ) -> tuple[dict[str, Any], list[Violation]]:
        """Return the values in record form and what is wrong with them, one violation a field."""
        checked: dict[str, Any] = {}
        violations: list[Violation] = []
        checks = self._checks
        for name, value in values.items():
            check = checks.get(name)
            if check is None:
                violations.append(
                    Violation(None, "violation.unknown_field", {"value": shorten(name)})
                )
            elif name in self._calculated:
                violations.append(Violation(name, "violation.calculated"))
            elif name in self._read_only and not may_write_read_only:
                violations.append(Violation(name, "violation.read_only"))
            elif value is None or value == "":
                checked[name] = None
            else:
                try:
                    checked[name] = check(value)
                except Refused as refused:
                    violations.append(Violation(name, f"violation.{refused.rule}", refused.params))
        return checked, violations

    def missing(self, values: Mapping[str, Any], supplied_only: bool) -> Iterable[Violation]:
        """Yield a violation for each required field that would be empty.

        ``supplied_only`` looks at the named fields alone, as an update does.
        """
        for name in self._required:
            if supplied_only and name not in values:
                continue
            if values.get(name) is None:
                yield Violation(name, "violation.required")
