"""Who may do what with a record, told and changed; members of teams.

Source: reference web-api, section 10; reference platform, section 6.5.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from kartoteka.access.rights import RIGHTS
from kartoteka.errors import RecordNotFound
from kartoteka.model.relationship import Relationship
from kartoteka.plugin_api.operations import (
    FUNCTION,
    TO_RECORD,
    ApiOperation,
    ApiValue,
)
from kartoteka.query.query import LinkedTo
from kartoteka.record_values import Reference
from kartoteka_runtime.web_api.api_errors import CallRefused
from kartoteka_runtime.web_api.operations.invocation import Invocation, OwnOperation

USER, TEAM = "systemuser", "team"
_MEMBERSHIP = "teammembership"
_MOST_MEMBERS = 5_000
_WORDS = {
    "read": "ReadAccess", "write": "WriteAccess", "append": "AppendAccess",
    "append_to": "AppendToAccess", "create": "CreateAccess", "delete": "DeleteAccess",
    "share": "ShareAccess", "assign": "AssignAccess",
}  # fmt: skip
_PRIVILEGES = {word: privilege for privilege, word in _WORDS.items()}
_NONE = "None"
_CREATE = 32  # a right of Dataverse's that cannot be shared


async def retrieve_principal_access(invocation: Invocation) -> Mapping[str, Any]:
    """Return the rights that a user or team has on a record.

    Raises:
        RecordNotFound: There is no such record, user or team, or it may not be read.
    """
    target: Reference = invocation.parameters["Target"]
    principal = Reference(invocation.entity, invocation.record_id)
    if principal.id != invocation.call.principal.user_id:
        await invocation.records.read_fields(principal.entity, principal.id)
    found = await invocation.records.principal_access(principal, target.entity, target.id)
    return {"AccessRights": _words(found)}


async def retrieve_shared_principals(invocation: Invocation) -> Mapping[str, Any]:
    """Return whom a record is shared with."""
    target: Reference = invocation.parameters["Target"]
    shares = await invocation.records.shares_of(target.entity, target.id)
    return {
        "PrincipalAccesses": [
            {"AccessMask": _words(share.privileges), "Principal": share.principal}
            for share in shares
        ]
    }


async def grant_access(invocation: Invocation) -> None:
    """Share a record, with rights beside those that were shared before."""
    target, principal, privileges = _given(invocation)
    await invocation.records.share(target.entity, target.id, principal, privileges)


async def modify_access(invocation: Invocation) -> None:
    """Let a share give exactly these rights."""
    target, principal, privileges = _given(invocation)
    await invocation.records.change_share(target.entity, target.id, principal, privileges)


async def revoke_access(invocation: Invocation) -> None:
    """Take back everything that was shared of a record."""
    target: Reference = invocation.parameters["Target"]
    revokee: Reference = invocation.parameters["Revokee"]
    await invocation.records.unshare(target.entity, target.id, revokee)


async def add_members(invocation: Invocation) -> None:
    """Make users members of a team; those who are stay."""
    known = await _members(invocation)
    for user in dict.fromkeys(invocation.parameters["Members"]):
        if user.id not in known:
            await invocation.records.associate(*_link(invocation, user))


async def remove_members(invocation: Invocation) -> None:
    """Let users leave a team."""
    for user in dict.fromkeys(invocation.parameters["Members"]):
        await invocation.records.disassociate(*_link(invocation, user))


async def add_to_record_team(invocation: Invocation) -> Mapping[str, Any]:
    """Make a user a member of a record's access team, and return that team."""
    record, template = invocation.parameters["Record"], invocation.parameters["TeamTemplate"]
    records = invocation.records
    await records.add_member(record.entity, record.id, template.id, invocation.record_id)
    return {"AccessTeamId": await _team_of(invocation, record, template)}


async def remove_from_record_team(invocation: Invocation) -> Mapping[str, Any]:
    """Let a user leave a record's access team, and return that team."""
    record, template = invocation.parameters["Record"], invocation.parameters["TeamTemplate"]
    team_id = await _team_of(invocation, record, template)
    records = invocation.records
    await records.remove_member(record.entity, record.id, template.id, invocation.record_id)
    return {"AccessTeamId": team_id}


def _given(invocation: Invocation) -> tuple[Reference, Reference, Sequence[str]]:
    """Return the record, whom it is for, and the privileges.

    Raises:
        CallRefused: Create is among them, which is no right on a record that there is.
    """
    said = invocation.parameters["PrincipalAccess"]
    privileges = [_PRIVILEGES[word] for word in said["AccessMask"] if word != _NONE]
    if "create" in privileges:
        raise CallRefused(400, f"AccessMask: {_WORDS['create']} cannot be shared.")
    return invocation.parameters["Target"], said["Principal"], privileges


def _words(privileges: Iterable[str]) -> tuple[str, ...]:
    found = set(privileges)
    return tuple(word for privilege, word in _WORDS.items() if privilege in found) or (_NONE,)


async def _members(invocation: Invocation) -> set[str]:
    relationship = _relationship(invocation)
    rows = await invocation.records.list(
        USER, linked_to=LinkedTo(relationship.name, invocation.record_id),
        fields=(f"{USER}id",), limit=_MOST_MEMBERS,
    )  # fmt: skip
    return {str(row[f"{USER}id"]) for row in rows}


def _link(invocation: Invocation, user: Reference) -> tuple[str, str, str]:
    relationship = _relationship(invocation)
    ids = {USER: user.id, TEAM: invocation.record_id}
    return relationship.name, ids[relationship.left], ids[relationship.right]


def _relationship(invocation: Invocation) -> Relationship:
    found = invocation.call.registry.relationship_by_intersect.get(_MEMBERSHIP)
    if found is None:
        raise RecordNotFound(TEAM, invocation.record_id)
    return found


async def _team_of(invocation: Invocation, record: Reference, template: Reference) -> str | None:
    """Return the id of a record's access team; None when it has none."""
    rows = await invocation.records.as_system().list(
        TEAM, filter=f"regardingid eq {record.id} and teamtemplateid eq {template.id}",
        fields=(f"{TEAM}id",), limit=1,
    )  # fmt: skip
    return str(rows[0][f"{TEAM}id"]) if rows else None


def _rights(name: str) -> ApiValue:
    numbers = {_WORDS[privilege]: number for privilege, number in RIGHTS.items()}
    options = {_NONE: 0, **numbers, _WORDS["create"]: _CREATE}
    return ApiValue(
        name, "enum", type_name="AccessRights", is_flags=True,
        options=tuple(sorted(options.items(), key=lambda option: option[1])),
    )  # fmt: skip


_TARGET = ApiValue("Target", "reference")
_PRINCIPAL_ACCESS = (
    ApiValue("Principal", "reference", (USER, TEAM, "organization")),
    _rights("AccessMask"),
)


def _principal_access(name: str, *, is_list: bool = False) -> ApiValue:
    return ApiValue(
        name, "object", members=_PRINCIPAL_ACCESS, type_name="PrincipalAccess", is_list=is_list
    )


_SHARING = (_TARGET, _principal_access("PrincipalAccess"))
_RECORD_TEAM = (
    ApiValue("Record", "reference"),
    ApiValue("TeamTemplate", "reference", ("teamtemplate",)),
)
_TEAM_ID = (ApiValue("AccessTeamId", "unique_id", is_optional=True),)
_MEMBERS = (ApiValue("Members", "reference", (USER,), is_list=True),)

ACCESS_OPERATIONS: tuple[OwnOperation, ...] = (
    *(
        OwnOperation(
            ApiOperation(
                "RetrievePrincipalAccess", FUNCTION, TO_RECORD, entity,
                (_TARGET,), (_rights("AccessRights"),),
            ),
            retrieve_principal_access,
        )
        for entity in (USER, TEAM)
    ),
    OwnOperation(
        ApiOperation(
            "RetrieveSharedPrincipalsAndAccess", FUNCTION,
            parameters=(_TARGET,),
            result=(_principal_access("PrincipalAccesses", is_list=True),),
        ),
        retrieve_shared_principals,
    ),
    OwnOperation(ApiOperation("GrantAccess", parameters=_SHARING), grant_access),
    OwnOperation(ApiOperation("ModifyAccess", parameters=_SHARING), modify_access),
    OwnOperation(
        ApiOperation("RevokeAccess", parameters=(
            _TARGET, ApiValue("Revokee", "reference", (USER, TEAM, "organization")),
        )),
        revoke_access,
    ),
    OwnOperation(
        ApiOperation("AddMembersTeam", "action", TO_RECORD, TEAM, _MEMBERS), add_members
    ),
    OwnOperation(
        ApiOperation("RemoveMembersTeam", "action", TO_RECORD, TEAM, _MEMBERS), remove_members
    ),
    OwnOperation(
        ApiOperation("AddUserToRecordTeam", "action", TO_RECORD, USER, _RECORD_TEAM, _TEAM_ID),
        add_to_record_team,
    ),
    OwnOperation(
        ApiOperation("RemoveUserFromRecordTeam", "action", TO_RECORD, USER, _RECORD_TEAM, _TEAM_ID),
        remove_from_record_team,
    ),
)  # fmt: skip
