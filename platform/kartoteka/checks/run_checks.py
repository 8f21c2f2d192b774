"""Every check, in one place."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from kartoteka.checks.bundle_checks import check_bundles
from kartoteka.checks.choice_checks import check_choices
from kartoteka.checks.entity_checks import check_entities
from kartoteka.checks.field_checks import check_fields
from kartoteka.checks.form_checks import check_forms
from kartoteka.checks.label_checks import check_labels
from kartoteka.checks.navigation_checks import check_navigation
from kartoteka.checks.relationship_checks import check_relationships
from kartoteka.checks.role_checks import check_roles
from kartoteka.checks.scope import Scope
from kartoteka.checks.state_checks import check_states
from kartoteka.checks.view_checks import check_views
from kartoteka.diagnostics import Diagnostic

CHECKS: tuple[Callable[[Scope], Iterator[Diagnostic]], ...] = (
    check_bundles,
    check_choices,
    check_entities,
    check_fields,
    check_states,
    check_relationships,
    check_forms,
    check_views,
    check_roles,
    check_navigation,
    check_labels,
)


def run_checks(scope: Scope) -> Iterator[Diagnostic]:
    """Yield what all checks find."""
    for check in CHECKS:
        yield from check(scope)
