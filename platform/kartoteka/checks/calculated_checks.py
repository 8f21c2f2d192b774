"""Rules about calculated fields: formulas that mean something, rollups of what there is.

Source of the limits: reference platform, section 1.9.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from kartoteka.calculated.formulas import (
    MOST_DEPTH,
    FormulaCircle,
    formula_depth,
    option_sources,
    read_formula,
    what_keeps_from_storing,
)
from kartoteka.calculated.rollups import (
    MOST_OF_AN_APP,
    MOST_OF_AN_ENTITY,
    RollupError,
    check_rollup,
)
from kartoteka.checks.scope import Scope
from kartoteka.conditions.condition_error import ConditionError
from kartoteka.conditions.typed import Expression
from kartoteka.diagnostics import Diagnostic
from kartoteka.loading.positioned import YamlMap
from kartoteka.loading.read_label import maps_in
from kartoteka.model.entity import Entity
from kartoteka.model.field import Field, Required
from kartoteka.model.field_types import FIELD_TYPES

_CALCULATING = frozenset({"formula", "stored", "rollup"})
# Keys that say something about values which people write.
_FOR_WRITTEN_VALUES = ("default", "joined_from")


@dataclass(frozen=True, slots=True)
class _Subject:
    """One calculated field with its map."""

    scope: Scope
    entity: Entity
    field: Field
    content: YamlMap

    def formula_problem(self, code: str, message: str, hint: str, offset: int = 0) -> Diagnostic:
        mark = self.content.value_marks.get("formula", self.content.mark)
        return Diagnostic(mark.inside(offset), code, message, hint)


def check_calculated(scope: Scope, name: str) -> Iterator[Diagnostic]:
    """Yield what is wrong with the formulas and rollups of an entity."""
    entity = scope.registry.entities[name]
    rollups = 0
    for content in maps_in(scope.content("entity", name), "fields"):
        if "name" not in content or scope.is_doubtful(content):
            continue
        if not _CALCULATING.intersection(content) <= FIELD_TYPES[content["type"]].keys:
            continue  # told with the keys of the type
        subject = _Subject(scope, entity, entity.field_by_name[content["name"]], content)
        if content.get("stored") and "formula" not in content:
            yield Diagnostic(
                content.at_key("stored"), "field/calculated",
                "stored says how a formula is kept, and there is none", "add a formula",
            )  # fmt: skip
        if subject.field.is_calculated:
            yield from _check_keys(subject)
        if subject.field.formula:
            yield from _check_formula(subject)
        if subject.field.rollup is not None:
            rollups += 1
            yield from _check_rollup(subject)
            if rollups == MOST_OF_AN_ENTITY + 1:
                yield Diagnostic(
                    content.at_key("rollup"), "field/too-many-rollups",
                    f'"{name}" has more than {MOST_OF_AN_ENTITY} rollups',
                )  # fmt: skip
    yield from _check_uses(scope, entity)


def check_rollup_count(scope: Scope) -> Iterator[Diagnostic]:
    """Yield the rollup with which an app has more than it may have."""
    found = 0
    for entity in scope.registry.entities.values():
        for field in entity.fields:
            found += field.rollup is not None
            if field.rollup is not None and found == MOST_OF_AN_APP + 1:
                yield Diagnostic(
                    scope.where("entity", entity.name, "fields", field.name),
                    "field/too-many-rollups",
                    f"the app has more than {MOST_OF_AN_APP} rollups",
                )  # fmt: skip


def _check_keys(subject: _Subject) -> Iterator[Diagnostic]:
    content, field = subject.content, subject.field
    for key in _FOR_WRITTEN_VALUES:
        if key in content:
            yield Diagnostic(
                content.at_key(key), "field/calculated",
                f'"{field.name}" is calculated, so it has no {key}', "leave one of the two out",
            )  # fmt: skip
    if "required" in content and field.required is not Required.NO:
        is_primary = field.name == subject.entity.primary_field
        if not is_primary:
            yield Diagnostic(
                content.at_key("required"), "field/calculated",
                f'nobody can fill in "{field.name}", which is calculated', "leave required out",
            )  # fmt: skip
    if field.formula and field.rollup is not None:
        yield Diagnostic(
            content.at_key("rollup"), "field/calculated",
            f'"{field.name}" has a formula and a rollup', "keep one of the two",
        )  # fmt: skip
    if field.unique and (field.is_on_read or field.rollup is not None):
        hint = "add stored: true" if field.formula else ""
        yield Diagnostic(
            content.at_key("unique"), "field/cannot-be-unique",
            f'"{field.name}" is not stored when its record is, so it cannot be unique', hint,
        )  # fmt: skip


def _check_uses(scope: Scope, entity: Entity) -> Iterator[Diagnostic]:
    """Yield keys and a primary field that are calculated on read, and so stored nowhere."""
    for key in entity.keys:
        for name in key.fields:
            field = entity.field_by_name.get(name)
            if field is not None and field.is_on_read:
                yield Diagnostic(
                    scope.where("entity", entity.name, "keys", key.name, "fields", name),
                    "field/calculated-on-read",
                    f'"{name}" is calculated on read, so it cannot be part of a key',
                    "add stored: true to it",
                )  # fmt: skip
    primary = entity.field_by_name.get(entity.primary_field)
    if primary is not None and primary.is_on_read:
        yield Diagnostic(
            scope.where("entity", entity.name, "primary_field"), "field/calculated-on-read",
            f'"{primary.name}" is calculated on read, so it cannot be the name of records',
            "add stored: true to it",
        )  # fmt: skip


def _check_formula(subject: _Subject) -> Iterator[Diagnostic]:
    scope, field, entity = subject.scope, subject.field, subject.entity
    try:
        expression = read_formula(field, scope.registry, entity.name)
    except ConditionError as error:
        if not scope.mentions_doubtful_field(entity.name, field.formula):
            yield subject.formula_problem(
                "field/bad-formula", error.message, error.hint, error.offset
            )
        return
    yield from _check_options(subject, expression)
    try:
        depth = formula_depth(field, scope.registry, entity.name)
        reason = what_keeps_from_storing(expression, scope.registry, entity.name)
    except FormulaCircle as circle:
        if circle.chain[0] == f"{entity.name}.{field.name}":
            yield subject.formula_problem("field/formula-circle", circle.message, "")
        return
    except ConditionError:
        return  # told where that formula stands
    if depth > MOST_DEPTH:
        yield subject.formula_problem(
            "field/formula-too-deep",
            f"{depth} formulas lie behind one another; at most {MOST_DEPTH} are possible",
            "put some of them into one",
        )
    if field.stored and reason:
        yield subject.formula_problem(
            "field/formula-not-storable", f"the formula cannot be stored: {reason}",
            "leave stored out",
        )  # fmt: skip


def _check_options(subject: _Subject, expression: Expression) -> Iterator[Diagnostic]:
    """Yield choices whose options the field does not have."""
    field = subject.field
    if field.type != "choice":
        return
    known = {option.value for option in field.options}
    for path in option_sources(expression):
        if not known >= {option.value for option in path.field.options}:
            yield subject.formula_problem(
                "field/bad-formula",
                f'"{path.key}" has options that "{field.name}" does not have',
                "let both have the same choice",
            )


def _check_rollup(subject: _Subject) -> Iterator[Diagnostic]:
    rollup = subject.content.get("rollup")
    if not isinstance(rollup, YamlMap) or rollup.damaged or not {"over", "function"} <= set(rollup):
        return
    tuple(subject.scope.registry.entities.values())  # each may have lookups to this one
    try:
        check_rollup(subject.field, subject.scope.registry, subject.entity)
    except RollupError as error:
        code = "field/rollup-over" if error.key == "over" else "field/bad-rollup"
        mark = rollup.value_marks.get(error.key, rollup.mark)
        place = mark.inside(error.offset) if error.key in rollup else mark.location()
        yield Diagnostic(place, code, error.message, error.hint)
