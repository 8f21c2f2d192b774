"""Rules about security roles: entities exist, and levels suit who owns their records."""

from __future__ import annotations

from collections.abc import Iterator

from kartoteka.checks.scope import Scope
from kartoteka.diagnostics import Diagnostic
from kartoteka.model.entity import Entity
from kartoteka.model.role import EntityPrivileges, Role
from kartoteka.names import did_you_mean

# Privileges that are not about one entity.
MISCELLANEOUS = frozenset({
    "act_on_behalf", "audit", "bulk_delete", "customize", "export", "import", "merge",
    "override_created_on", "publish", "see_jobs",
})  # fmt: skip
_OWNED = ("user", "business_unit")


def check_role(scope: Scope, name: str) -> Iterator[Diagnostic]:
    """Yield what is wrong with a security role."""
    role = scope.registry.roles[name]
    if role.grants_all and role.privileges:
        yield Diagnostic(
            scope.where("role", role.name, "privileges"), "role/grants-all",
            f'"{role.name}" grants everything; its privileges would change nothing',
            "leave one of the two out",
        )  # fmt: skip
    for granted in role.privileges:
        entity = scope.entity(granted.entity)
        if entity is None:
            yield from scope.unknown(
                "entity", granted.entity, granted.location, "role/unknown-entity"
            )
        else:
            yield from _check_levels(scope, role, granted, entity)
    for privilege in role.miscellaneous:
        if privilege not in MISCELLANEOUS:
            yield Diagnostic(
                scope.where("role", role.name, "miscellaneous", privilege),
                "role/unknown-privilege", f'there is no privilege "{privilege}"',
                did_you_mean(privilege, MISCELLANEOUS)
                or f"one of {', '.join(sorted(MISCELLANEOUS))}",
            )  # fmt: skip


def _check_levels(
    scope: Scope, role: Role, granted: EntityPrivileges, entity: Entity
) -> Iterator[Diagnostic]:
    """Check levels; source: reference platform, sections 1.2 and 6.2."""
    if entity.parent_field:
        yield Diagnostic(
            granted.location, "role/child-entity",
            f'"{entity.name}" has no privileges of its own: it follows "{entity.parent_field}"',
            "leave it out",
        )  # fmt: skip
        return
    for verb, level in granted.levels.items():
        if verb in ("assign", "share") and entity.ownership != "user":
            yield Diagnostic(
                scope.where("role", role.name, "privileges", entity.name, verb),
                "role/verb-not-possible",
                f'records of "{entity.name}" belong to no user, so nobody can {verb} them',
            )  # fmt: skip
        elif level != "organization" and entity.ownership not in _OWNED:
            yield Diagnostic(
                scope.where("role", role.name, "privileges", entity.name, verb),
                "role/level-not-possible",
                f'records of "{entity.name}" have no owner: {verb} is organization or none, '
                f"not {level}",
            )  # fmt: skip
        elif level == "user" and entity.ownership == "business_unit":
            yield Diagnostic(
                scope.where("role", role.name, "privileges", entity.name, verb),
                "role/level-not-possible",
                f'records of "{entity.name}" belong to business units: {verb} is business_unit '
                "or wider, not user",
            )  # fmt: skip
