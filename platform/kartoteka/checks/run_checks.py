"""Every check, in one place: those of one object at a time, and those of all objects together."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import partial

from kartoteka.checks.access_test_checks import check_access_test
from kartoteka.checks.bundle_checks import check_field_prefixes, check_prefix
from kartoteka.checks.calculated_checks import check_calculated, check_rollup_count
from kartoteka.checks.choice_checks import check_choice
from kartoteka.checks.customizable_checks import check_customizable
from kartoteka.checks.entity_checks import check_entity, check_set_names
from kartoteka.checks.field_checks import check_fields
from kartoteka.checks.form_checks import check_form
from kartoteka.checks.label_checks import check_label_circles, check_messages, check_texts
from kartoteka.checks.merge_checks import check_merging
from kartoteka.checks.navigation_checks import check_area
from kartoteka.checks.relationship_checks import (
    check_link,
    check_lookups,
    check_relationship_names,
)
from kartoteka.checks.renamed_checks import check_former_names
from kartoteka.checks.role_checks import check_role
from kartoteka.checks.rule_checks import check_rule
from kartoteka.checks.schema_name_checks import check_schema_names
from kartoteka.checks.scope import Scope
from kartoteka.checks.secured_checks import (
    check_column_profile,
    check_secured,
    check_secured_in_rule,
    check_secured_in_view,
)
from kartoteka.checks.state_checks import check_states
from kartoteka.checks.view_checks import check_default_views, check_view
from kartoteka.diagnostics import Diagnostic
from kartoteka.remembered_steps import FORGETFUL, Steps

_CheckOfOne = Callable[[Scope, str], Iterator[Diagnostic]]
_CheckOfAll = Callable[[Scope], Iterator[Diagnostic]]

# What is asked of each object of a kind, by its name. Such a check may look at other objects, but
# only through its scope: what it looked at tells whether its answer still holds.
CHECKS_OF_ONE: Mapping[str, tuple[_CheckOfOne, ...]] = {
    "choice": (check_choice,),
    "entity": (
        check_field_prefixes,
        check_entity,
        check_fields,
        check_states,
        check_merging,
        check_lookups,
        check_calculated,
        check_secured,
    ),
    "access_test": (check_access_test,),
    "column_profile": (check_column_profile,),
    "field_group": (),
    "form": (check_form,),
    "navigation": (check_area,),
    "relationship": (check_link,),
    "role": (check_role,),
    "rule": (check_rule, check_secured_in_rule),
    "view": (check_view, check_secured_in_view),
}
# What can only be told from all objects; these run every time and must be quick.
CHECKS_OF_ALL: tuple[_CheckOfAll, ...] = (
    check_rollup_count,
    check_set_names,
    check_relationship_names,
    check_default_views,
    check_messages,
    check_label_circles,
    check_former_names,
    check_customizable,
)


def run_checks(scope: Scope, steps: Steps = FORGETFUL) -> Iterator[Diagnostic]:
    """Yield what all checks find; ``steps`` may remember what single objects' checks found."""
    watching = scope.watched(steps)
    for kind, checks in CHECKS_OF_ONE.items():
        for name in scope.tree.of_kind(kind):
            work = partial(_checked, watching, kind, name, checks)
            yield from steps.result(("check", kind, name), work)
    for check in CHECKS_OF_ALL:
        yield from check(scope)


def _checked(
    scope: Scope, kind: str, name: str, checks: tuple[_CheckOfOne, ...]
) -> tuple[Diagnostic, ...]:
    scope.registry.forget()  # what this check looks at is written down only if it looks itself
    found = [*check_prefix(scope, kind, name), *check_texts(scope, kind, name)]
    found += check_schema_names(scope, kind, name)
    for check in checks:
        found.extend(check(scope, name))
    return tuple(found)
