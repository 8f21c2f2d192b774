"""Calls on behalf of somebody else: ``MSCRMCallerID`` and ``CallerObjectId``.

Who calls needs the privilege ``act_on_behalf``. The call then acts as the user that is named, and
is allowed what both have the privilege for. Source: reference web-api, section 13; decisions/0044.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from kartoteka.errors import AccessDenied
from kartoteka.plugin_api.contexts import Principal
from kartoteka_runtime.records.record_service import RecordService
from kartoteka_runtime.security.sessions import Sessions
from kartoteka_runtime.validation.value_checks import Refused, compile_check, shorten
from kartoteka_runtime.web_api.api_errors import CallRefused

BY_ID, BY_DIRECTORY = "mscrmcallerid", "callerobjectid"
ACT_ON_BEHALF = "act_on_behalf"

_USER, _DIRECTORY_ID = "systemuser", "azureactivedirectoryobjectid"
_NO_MEMBER, _IS_DISABLED, _HAS_NO_ROLE = "0x80072560", "0x80040225", "0x80042f09"
_check_id = compile_check({"type": "string", "format": "uuid"})


class Impersonation:
    """Says as whom calls of one app act."""

    def __init__(self, records: RecordService, sessions: Sessions) -> None:
        """Look for users in ``records``; ``sessions`` know what they are allowed."""
        self._records = records
        self._sessions = sessions

    async def acting(self, caller: Principal, headers: Mapping[str, str]) -> Principal:
        """Return as whom somebody acts whose call has these headers.

        Raises:
            AccessDenied: The caller may not act on behalf of others.
            CallRefused: There is no such user, or one who cannot sign in.
        """
        by_id = headers.get(BY_ID, "").strip()
        by_directory = headers.get(BY_DIRECTORY, "").strip()
        if not by_id and not by_directory:
            return caller
        said = by_id or by_directory
        try:
            known_id = _check_id(said.strip("{}").lower())
        except Refused:
            raise CallRefused(400, f"{shorten(said)} is no id of a user.") from None
        if by_id and known_id == caller.user_id:
            return caller
        access = await self._records.bound_to_publication(caller).access()
        if not access.has(ACT_ON_BEHALF):
            raise AccessDenied("error.access_denied", {"privilege": ACT_ON_BEHALF})
        user_id = known_id if by_id else await self._with_directory_id(known_id)
        user = await self._sessions.known_user(user_id) if user_id else None
        if user is None:
            message = f"There is no user {shorten(said)} to act on behalf of."
            raise CallRefused(403, message, code=_NO_MEMBER)
        acting = self._sessions.principal_of(user)
        if acting is None:
            raise CallRefused(403, f"The user {shorten(said)} is disabled.", code=_IS_DISABLED)
        if not acting.roles:
            raise CallRefused(403, f"The user {shorten(said)} has no role.", code=_HAS_NO_ROLE)
        return replace(acting, scopes=caller.scopes, on_behalf_of=caller)

    async def _with_directory_id(self, directory_id: str) -> str:
        """Return the id of the user that another directory knows by an id; or ""."""
        system = self._records.acting_as(Principal(user_id="", name="system", is_system=True))
        found = await system.list(
            _USER,
            filter=f"{_DIRECTORY_ID} eq {directory_id}",
            fields=("systemuserid",),
            limit=2,
        )
        return str(found[0]["systemuserid"]) if len(found) == 1 else ""
