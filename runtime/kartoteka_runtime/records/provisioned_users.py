"""Finds or makes the user whom an identity provider has proved. Decision: docs/decisions/0037."""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from kartoteka.errors import KartotekaError, RecordInvalid
from kartoteka.plugin_api.contexts import Principal
from kartoteka.record_values import Reference
from kartoteka_runtime.known_ids import ROOT_UNIT, role_id
from kartoteka_runtime.records.acting_records import ActingRecords
from kartoteka_runtime.records.record_service import RecordService
from kartoteka_runtime.security.oidc import ProvedIdentity
from kartoteka_runtime.security.sign_in_settings import ClaimRule, ProviderSettings, Provisioning
from kartoteka_runtime.storage.sign_in_store import SignInStore

_SYSTEM = Principal(user_id="", name="system", is_system=True)
_LONGEST_NAME = 64

Origin = Literal["known", "linked", "provisioned"]


class UserRefused(KartotekaError):
    """Nobody here is the person that the provider has proved.

    ``reason`` is the end of a message key below ``sign_in.provider_``; the text is for the log.
    """

    def __init__(self, reason: str, text: str) -> None:
        """Keep both."""
        self.reason = reason
        super().__init__(text)


@dataclass(frozen=True, slots=True)
class FoundUser:
    """A user, and how the identity led to them."""

    user_id: str
    origin: Origin


class ProvisionedUsers:
    """Users behind identities: known by a link, found by a verified address, or made anew."""

    def __init__(self, service: RecordService, store: SignInStore) -> None:
        """Make users by ``service`` and keep links in ``store``."""
        self._service = service
        self._store = store

    async def user_of(self, identity: ProvedIdentity, settings: ProviderSettings) -> FoundUser:
        """Return the user of an identity.

        Raises:
            UserRefused: There is none, and the settings let nobody be found or made.
        """
        linked = await self._store.linked_user(identity.issuer, identity.subject)
        if linked is not None:
            if await self._exists(linked):
                return FoundUser(linked, "known")
            await self._store.unlink(identity.issuer, identity.subject, linked)
        if settings.link_by_email and identity.verified_email:
            found = await self._by_email(identity)
            if found is not None:
                return await self._linked(identity, found)
        if settings.provisioning is None:
            raise UserRefused("unknown", f"{identity.subject!r} is no user")
        return await self._provisioned(identity, settings.provisioning)

    async def _by_email(self, identity: ProvedIdentity) -> str | None:
        """Return the one user with the verified address who is nobody else at this provider.

        An address that several users have finds none of them.
        """
        records = self._service.acting_as(_SYSTEM)
        quoted = identity.verified_email.replace("'", "''")
        found = await records.list(
            "systemuser",
            filter=f"internalemailaddress eq '{quoted}'",
            fields=("systemuserid",),
            limit=2,
        )
        if len(found) != 1:
            return None
        user_id = str(found[0]["systemuserid"])
        if await self._store.is_linked(user_id, identity.issuer):
            raise UserRefused("taken", f"user {user_id} is somebody else at {identity.issuer}")
        return user_id

    async def _linked(self, identity: ProvedIdentity, user_id: str) -> FoundUser:
        if await self._store.link(identity.issuer, identity.subject, user_id):
            return FoundUser(user_id, "linked")
        known = await self._store.linked_user(identity.issuer, identity.subject)
        if known is None:
            raise UserRefused("again", "the link was made and removed meanwhile")
        return FoundUser(known, "known")

    async def _provisioned(self, identity: ProvedIdentity, settings: Provisioning) -> FoundUser:
        """Return a new user made of the claims.

        The link comes first, so that of two sign-ins at once one makes the user; a user that
        cannot be made leaves no link.
        """
        user_id = str(uuid.uuid4())
        values = self._values(identity, settings)
        roles = self._roles(identity, settings)
        if not await self._store.link(identity.issuer, identity.subject, user_id):
            raise UserRefused("again", "another sign-in of the same person is under way")
        try:
            async with self._service.acting_as(_SYSTEM).transaction() as records:
                unit = await self._unit(records, identity, settings)
                await records.create(
                    "systemuser",
                    {
                        "systemuserid": user_id,
                        "businessunitid": Reference("businessunit", unit),
                        **values,
                    },
                )
                for role in roles:
                    await records.associate("systemuserroles_association", user_id, role)
                for team in await self._teams(records, identity, settings):
                    await records.associate("teammembership_association", user_id, team)
        except BaseException as error:
            await self._store.unlink(identity.issuer, identity.subject, user_id)
            if isinstance(error, RecordInvalid):
                texts = ", ".join(f"{one.field} {one.code}" for one in error.violations)
                raise UserRefused("invalid", f"the claims make no user: {texts}") from error
            raise
        return FoundUser(user_id, "provisioned")

    def _values(self, identity: ProvedIdentity, settings: Provisioning) -> dict[str, object]:
        """Return the fields of a new user; a name is made of what there is.

        An address that the provider has not verified is not taken over: whoever has it could be
        led to a user that somebody else made in advance.
        """
        names = settings.claims
        email = identity.text(names.email)
        if not settings.trusts_email and email != identity.verified_email:
            email = ""
        user_name = identity.text(names.user_name) or email
        if not user_name:
            raise UserRefused("invalid", f"the claim {names.user_name} is missing")
        last_name = identity.text(names.last_name) or identity.text("name") or user_name
        return {
            "domainname": user_name,
            "firstname": identity.text(names.first_name)[:_LONGEST_NAME] or None,
            "lastname": last_name[:_LONGEST_NAME],
            "internalemailaddress": email or None,
        }

    def _roles(self, identity: ProvedIdentity, settings: Provisioning) -> tuple[str, ...]:
        """Return ids of the roles that claims give, else of the default ones."""
        published = self._service.live_registry.current
        names = _given(identity, settings.roles) or settings.default_roles
        if not names:
            raise UserRefused("no_role", f"no claim of {identity.subject!r} gives a role")
        for name in names:
            if name not in published.registry.roles:
                raise UserRefused("settings", f"the settings name an unknown role {name!r}")
        return tuple(role_id(published, name) for name in names)

    async def _teams(
        self, records: ActingRecords, identity: ProvedIdentity, settings: Provisioning
    ) -> list[str]:
        return [await _named(records, "team", name) for name in _given(identity, settings.teams)]

    async def _unit(
        self, records: ActingRecords, identity: ProvedIdentity, settings: Provisioning
    ) -> str:
        """Return the id of the unit that the claims name; an unknown one is refused.

        The root unit instead would give more than the unit that was meant.
        """
        claim = settings.claims.business_unit
        name = (identity.text(claim) if claim else "") or settings.default_business_unit
        return await _named(records, "businessunit", name) if name else ROOT_UNIT

    async def _exists(self, user_id: str) -> bool:
        found = await self._service.acting_as(_SYSTEM).list(
            "systemuser", filter=f"systemuserid eq {user_id}", fields=("systemuserid",), limit=1
        )
        return bool(found)


def _given(identity: ProvedIdentity, rules: Sequence[ClaimRule]) -> tuple[str, ...]:
    """Return what the rules that fit give, each once, in their order."""
    found = [rule.gives for rule in rules if rule.value in identity.texts(rule.claim)]
    return tuple(dict.fromkeys(found))


async def _named(records: ActingRecords, entity: str, name: str) -> str:
    """Return the id of the one record of a name."""
    quoted = name.replace("'", "''")
    found = await records.list(
        entity, filter=f"name eq '{quoted}'", fields=(f"{entity}id",), limit=2
    )
    if len(found) != 1:
        raise UserRefused("settings", f"there is not exactly one {entity} called {name!r}")
    return str(found[0][f"{entity}id"])
