"""Rules about secured fields: what can be one, what would tell its values, and who grants them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from kartoteka.access.mask import UnsafePattern, check_pattern
from kartoteka.access.securable import what_keeps_from_securing
from kartoteka.checks.scope import Scope
from kartoteka.conditions.entity_collections import collections_of
from kartoteka.diagnostics import Diagnostic
from kartoteka.loading.positioned import Mark, YamlList, YamlMap
from kartoteka.loading.read_label import maps_in
from kartoteka.loading.read_rule import actions_in
from kartoteka.model.column_profile import ColumnPrivileges
from kartoteka.model.entity import Entity
from kartoteka.references.mentions import Mention, in_condition, in_formula, in_path, in_sort_key


def check_secured(scope: Scope, name: str) -> Iterator[Diagnostic]:
    """Yield fields of an entity that cannot be secured or masked so, or tell of one that is."""
    entity = scope.registry.entities[name]
    for content in maps_in(scope.content("entity", name), "fields"):
        if "name" not in content or scope.is_doubtful(content):
            continue
        field = entity.field_by_name[content["name"]]
        if field.secured:
            reason = what_keeps_from_securing(scope.registry, entity, field)
            if reason:
                yield Diagnostic(
                    content.at("secured"), "field/not-securable",
                    f'"{field.name}" cannot be secured: {reason}', "leave secured out",
                )  # fmt: skip
        yield from _check_mask(content)
        yield from _check_joined(entity, content)
        if field.formula and "formula" in content:
            yield from _told(
                scope, in_formula(field.formula, name, scope.registry),
                content.value_marks["formula"], "field/reads-secured", "the formula reads",
            )  # fmt: skip
        rollup = content.get("rollup")
        if field.rollup is not None and isinstance(rollup, YamlMap):
            yield from _check_rollup(scope, name, rollup)


def check_secured_in_view(scope: Scope, name: str) -> Iterator[Diagnostic]:
    """Yield what a view is filtered, ordered or searched by although it is secured."""
    view = scope.registry.views.get(name)
    if view is None or view.entity not in scope.registry.entities:
        return
    content = scope.content("view", name)
    for text, mark in _marked(content, "order"):
        found = in_sort_key(text, view.entity, scope.registry)
        yield from _told(scope, found, mark, "view/secured-field", "the view is ordered by")
    for text, mark in _marked(content, "find"):
        found = in_path(text, 0, view.entity, scope.registry)
        yield from _told(scope, found, mark, "view/secured-field", "quick find searches in")
    if view.filter and "filter" in content:
        yield from _told(
            scope, in_condition(view.filter, view.entity, scope.registry),
            content.value_marks["filter"], "view/secured-field", "the view is filtered by",
        )  # fmt: skip


def check_secured_in_rule(scope: Scope, name: str) -> Iterator[Diagnostic]:
    """Yield what a business rule looks at although it is secured."""
    rule = scope.registry.rules.get(name)
    if rule is None or rule.entity not in scope.registry.entities:
        return
    content = scope.content("rule", name)
    actions = [*actions_in(content, "otherwise")]
    for branch in maps_in(content, "branches"):
        actions += actions_in(branch, "then")
        if isinstance(branch.get("when"), str):
            found = in_condition(branch["when"], rule.entity, scope.registry)
            mark = branch.value_marks["when"]
            yield from _told(scope, found, mark, "rule/secured-field", "the rule looks at")
    for action in actions:
        for inner in (action, *maps_in(action, "then")):
            if isinstance(inner.get("formula"), str):
                found = in_formula(inner["formula"], rule.entity, scope.registry)
                mark = inner.value_marks["formula"]
                yield from _told(scope, found, mark, "rule/secured-field", "the formula reads")


def check_column_profile(scope: Scope, name: str) -> Iterator[Diagnostic]:
    """Yield what a column profile grants that there is not, or that is not secured."""
    for granted in scope.registry.column_profiles[name].privileges:
        entity = scope.entity(granted.entity)
        if entity is None:
            yield from scope.unknown(
                "entity", granted.entity, granted.location, "column_profile/unknown-entity"
            )
            continue
        for column in granted.columns:
            if column.field not in entity.field_by_name:
                yield from scope.unknown_field(
                    entity, column.field, column.location, "column_profile/unknown-field"
                )
            elif column.field not in scope.doubtful_fields(entity.name):
                yield from _check_column(scope, name, entity, column)


def _check_column(
    scope: Scope, profile: str, entity: Entity, column: ColumnPrivileges
) -> Iterator[Diagnostic]:
    field = entity.field_by_name[column.field]
    if not field.secured:
        followed = field.base_of or entity.file_marks.get(field.name, "")
        follows = f'grant "{followed}", which it follows' if followed else ""
        yield Diagnostic(
            column.location, "column_profile/not-secured",
            f'"{column.field}" of "{entity.name}" is not secured, so there is nothing to grant',
            follows or "add secured: true to the field",
        )  # fmt: skip
    elif column.read_unmasked != "none" and field.mask is None:
        path = ("privileges", entity.name, "columns", column.field, "read_unmasked")
        yield Diagnostic(
            scope.where("column_profile", profile, *path), "column_profile/no-mask",
            f'"{column.field}" of "{entity.name}" has no mask: whoever reads it reads all of it',
            "leave read_unmasked out, or add a mask to the field",
        )  # fmt: skip
    elif column.read_unmasked != "none" and not column.read:
        yield Diagnostic(
            column.location, "column_profile/unmasked-without-read",
            f'"{column.field}" of "{entity.name}" may be read unmasked, but not read',
            "add read: true",
        )  # fmt: skip


def _check_mask(content: YamlMap) -> Iterator[Diagnostic]:
    mask = content.get("mask")
    if not isinstance(mask, YamlMap) or mask.damaged:
        return
    if "secured" not in content:
        yield Diagnostic(
            content.at_key("mask"), "field/mask-not-secured",
            f'"{content["name"]}" has a mask, but everybody sees its values',
            "add secured: true",
        )  # fmt: skip
    if isinstance(mask.get("pattern"), str):
        try:
            check_pattern(mask["pattern"])
        except UnsafePattern as error:
            place = mask.value_marks["pattern"].inside(error.offset)
            yield Diagnostic(
                place, "field/bad-mask", f"the pattern cannot be a mask: {error.message}"
            )


def _check_joined(entity: Entity, content: YamlMap) -> Iterator[Diagnostic]:
    for name, mark in _marked(content, "joined_from"):
        if name in entity.secured_fields:
            yield Diagnostic(
                mark.location(), "field/reads-secured",
                f'the text is joined from "{name}", which is secured: whoever reads it would '
                f'learn "{name}"', "leave it out, or secure neither",
            )  # fmt: skip


def _check_rollup(scope: Scope, entity: str, rollup: YamlMap) -> Iterator[Diagnostic]:
    collection = collections_of(scope.registry, entity).get(rollup.get("over", ""))
    if collection is None:
        return
    for key, find in (("field", in_sort_key), ("filter", in_condition)):
        if isinstance(rollup.get(key), str):
            found = find(rollup[key], collection.entity, scope.registry)
            mark = rollup.value_marks[key]
            yield from _told(scope, found, mark, "field/reads-secured", "the rollup sums up")


def _told(
    scope: Scope, mentions: Iterable[Mention], mark: Mark, code: str, what: str
) -> Iterator[Diagnostic]:
    """Yield a diagnostic for the first secured field that a text names."""
    for target, offset in mentions:
        entity = scope.registry.entities.get(target.of) if target.kind == "field" else None
        if entity is not None and target.name in entity.secured_fields:
            yield Diagnostic(
                mark.inside(offset), code,
                f'{what} "{target.name}" of "{entity.name}", which is secured: whoever may not '
                "read it would learn of its values", "use another field, or do not secure it",
            )  # fmt: skip
            return


def _marked(content: YamlMap, key: str) -> Iterator[tuple[str, Mark]]:
    items = content.get(key)
    if isinstance(items, YamlList):
        yield from ((item, mark) for item, mark in items.marked() if isinstance(item, str))
