"""What explanations of access say to people: one sentence a cause, in one language."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from kartoteka.access.explain import (
    MANAGER,
    NO_PRIVILEGE,
    OUT_OF_REACH,
    OWN,
    OWN_TEAM,
    POSITION,
    ROLE,
    SHARED,
    Answer,
    Cause,
    RoleGrant,
)
from kartoteka.labels import LabelResolver
from kartoteka.record_values import Reference
from kartoteka.registry import Registry


@dataclass(frozen=True)
class AccessSentences:
    """Tells causes in ``language``; ``names`` has users, teams, units and records by id."""

    registry: Registry
    labels: LabelResolver
    language: str
    names: Mapping[str, str]
    user_id: str

    def of(self, answer: Answer, cause: Cause) -> str:
        """Return why an answer is what it is."""
        text = self._of_cause(cause)
        if answer.about is None or answer.asked == answer.privilege:
            return text
        above = self._name(answer.about)
        return self._say("through_parent", right=self.privilege(answer.asked), record=above) + text

    def privilege(self, name: str) -> str:
        """Return what people call a privilege."""
        return self._say(f"verb.{name}")

    def level(self, name: str) -> str:
        """Return what people call an access level."""
        return self._say(f"level.{name}")

    def role(self, grant: RoleGrant) -> str:
        """Return a role by name, with the team that it comes through."""
        role = self.registry.roles.get(grant.role)
        label = self.labels.text(role.label, self.language) if role is not None else ""
        if not grant.team_id:
            return label or grant.role
        team = self._by_id(grant.team_id)
        return self._say("role_by_team", role=label or grant.role, team=team)

    def _of_cause(self, cause: Cause) -> str:
        role = self.role(cause.grant) if cause.grant is not None else ""
        unit, user = self._by_id(cause.unit_id), self._by_id(self.user_id)
        owner = "" if cause.owner is None else self._name(cause.owner)
        match cause.kind:
            case _ if cause.kind == ROLE and cause.grant is not None:
                return self._of_role(cause.grant, role, unit)
            case _ if cause.kind in (OWN, OWN_TEAM):
                return self._say(cause.kind, user=user, owner=owner, role=role)
            case _ if cause.kind == SHARED:
                return self._of_share(cause, role)
            case _ if cause.kind in (MANAGER, POSITION) and cause.below is not None:
                how = "owner" if cause.share is None else "shared"
                below = self._name(cause.below)
                return self._say(
                    f"{cause.kind}.{how}", user=user, below=below, level=cause.steps, role=role
                )
            case _ if cause.kind == NO_PRIVILEGE:
                if not cause.roles:
                    return self._say("no_role", user=user)
                listed = dict.fromkeys(self.role(grant) for grant in cause.roles)
                return self._say("no_privilege", roles=", ".join(listed))
            case _ if cause.kind == OUT_OF_REACH and cause.grant is not None:
                level = self.level(cause.grant.level)
                if cause.grant.is_team_bound:
                    return self._say("team_bound", role=role, owner=owner)
                key = "out_of_reach" if cause.owner is not None else "out_of_reach_unowned"
                return self._say(key, role=role, level=level, owner=owner, unit=unit)
            case _:
                return self._say(cause.kind, role=role, user=user)

    def _of_role(self, grant: RoleGrant, role: str, record_unit: str) -> str:
        known = ("business_unit", "parent_child")
        level = grant.level if grant.level in known else "organization"
        unit = self._by_id(grant.unit_id)
        return self._say(f"role.{level}", role=role, unit=unit, record_unit=record_unit)

    def _of_share(self, cause: Cause, role: str) -> str:
        share = cause.share
        if share is None:
            return ""
        receiver = self._name(share.principal)
        if share.principal.entity == "organization":
            receiver = self._say("everybody")
        if cause.is_inherited:
            above = ", ".join(map(self._name, share.inherited_from)) or "?"
            return self._say("inherited", receiver=receiver, above=above, role=role)
        if not share.shared_by:
            return self._say("shared_by_nobody", receiver=receiver, role=role)
        by = self._by_id(share.shared_by)
        return self._say("shared", receiver=receiver, by=by, role=role)

    def _name(self, reference: Reference) -> str:
        name = reference.name or self.names.get(reference.id) or reference.id
        if reference.entity in ("systemuser", "team", "organization"):
            return name
        return f"{self.labels.entity(reference.entity, self.language)} {name}"

    def _by_id(self, record_id: str) -> str:
        return self.names.get(record_id) or record_id or "–"

    def _say(self, key: str, **params: object) -> str:
        return self.labels.message(f"access_why.{key}", self.language, **params)
