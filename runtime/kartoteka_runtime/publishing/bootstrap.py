"""Bootstrap: the records without which nobody could sign in or own anything.

The organization, its root business unit and base currency, and one record each for the roles and
the column profiles of the registry. Running it again changes only what is missing.
"""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal

from kartoteka.model.label import Label
from kartoteka.plugin_api.contexts import Principal
from kartoteka.record_values import Reference
from kartoteka.registry import Registry
from kartoteka_runtime.known_ids import (
    ORGANIZATION,
    ROOT_UNIT,
    known_id,
    profile_id,
    role_id,
)
from kartoteka_runtime.live_registry import Published
from kartoteka_runtime.publishing.publish import publishing_alone
from kartoteka_runtime.records.acting_records import ActingRecords
from kartoteka_runtime.records.organization_rules.default_teams import ensure_default_teams
from kartoteka_runtime.records.record_service import RecordService

SYSTEM = Principal(user_id="", name="system", is_system=True)


async def bootstrap(
    service: RecordService, *, organization: str, currency: dict[str, object]
) -> None:
    """Create what is missing; ``currency`` has code, symbol, name and precision.

    An app need not have every standard entity, nor all its fields: what it lacks is passed over.
    """
    records = service.acting_as(SYSTEM)
    async with publishing_alone(service.database), records.transaction() as inside:
        made = _Records(inside, service.model.registry)
        if not await made.has_first_records():
            await _first_records(made, organization, currency)
        for role in service.model.registry.roles.values():
            await _role(made, service, role.name)
        await ensure_default_teams(inside)
        for profile in service.model.registry.column_profiles.values():
            await _profile(made, service, profile.name)


class _Records:
    """Creates records of the entities that the app has, with the values that they have."""

    def __init__(self, records: ActingRecords, registry: Registry) -> None:
        self._records = records
        self._registry = registry

    async def has_first_records(self) -> bool:
        """Return whether an earlier publish made the records that come once."""
        for entity, record_id in (("organization", ORGANIZATION), ("businessunit", ROOT_UNIT)):
            if entity in self._registry.entities:
                return await _exists(self._records, entity, record_id)
        return False

    async def exist(self, entity: str, record_id: str) -> bool:
        """Return whether the record is there; one that cannot be made counts as there."""
        return entity not in self._registry.entities or await _exists(
            self._records, entity, record_id
        )

    async def create(self, entity: str, values: dict[str, object]) -> None:
        """Create a record, unless there is no such entity."""
        if entity in self._registry.entities:
            await self._records.create(entity, self._known(entity, values))

    async def update(self, entity: str, record_id: str, values: dict[str, object]) -> None:
        """Set those values that the record can have."""
        if known := self._known(entity, values):
            await self._records.update(entity, record_id, known)

    def _known(self, entity: str, values: dict[str, object]) -> dict[str, object]:
        """Return the values whose fields are there, and whose references name what is there."""
        found = self._registry.entities.get(entity)
        fields = found.field_by_name if found is not None else {}
        return {
            name: value
            for name, value in values.items()
            if name in fields
            and (not isinstance(value, Reference) or value.entity in fields[name].targets)
        }


async def _first_records(records: _Records, organization: str, currency: dict[str, object]) -> None:
    base = known_id("transactioncurrency", str(currency["code"]))
    await records.create("organization", {"organizationid": ORGANIZATION, "name": organization})
    await records.create("businessunit", {"businessunitid": ROOT_UNIT, "name": organization})
    if await records.exist("transactioncurrency", base):
        return
    await records.create(
        "transactioncurrency",
        {
            "transactioncurrencyid": base,
            "currencyname": currency["name"],
            "isocurrencycode": currency["code"],
            "currencysymbol": currency["symbol"],
            "currencyprecision": currency["precision"],
            "exchangerate": Decimal(1),
        },
    )
    await records.update(
        "organization",
        ORGANIZATION,
        {"basecurrencyid": Reference("transactioncurrency", base)},
    )


def _base_text(published: Published, label: Label) -> str:
    return published.labels.text(label, published.registry.base_language)


async def _role(records: _Records, service: RecordService, name: str) -> None:
    published = service.live_registry.current
    record_id = role_id(published, name)
    if await records.exist("role", record_id):
        return
    label = _base_text(published, published.registry.roles[name].label)
    await records.create(
        "role",
        {
            "roleid": record_id,
            "name": label or name,
            "businessunitid": Reference("businessunit", ROOT_UNIT),
        },
    )


async def _profile(records: _Records, service: RecordService, name: str) -> None:
    published = service.live_registry.current
    record_id = profile_id(published, name)
    if await records.exist("fieldsecurityprofile", record_id):
        return
    label = _base_text(published, published.registry.column_profiles[name].label)
    await records.create(
        "fieldsecurityprofile",
        {"fieldsecurityprofileid": record_id, "name": label or name, "logicalname": name},
    )


async def add_user(
    service: RecordService,
    *,
    user_name: str,
    first_name: str,
    last_name: str,
    roles: Sequence[str],
    business_unit_id: str = ROOT_UNIT,
    email: str = "",
) -> str:
    """Create a user with roles (logical names) and return its id; a password is set apart.

    Raises:
        RecordInvalid: The user name is taken, or a value is wrong.
    """
    async with service.acting_as(SYSTEM).transaction() as records:
        user_id = await records.create(
            "systemuser",
            {
                "domainname": user_name,
                "firstname": first_name,
                "lastname": last_name,
                "internalemailaddress": email or None,
                "businessunitid": Reference("businessunit", business_unit_id),
            },
        )
        published = service.live_registry.current
        for role in roles:
            await records.associate(
                "systemuserroles_association", user_id, role_id(published, role)
            )
    return user_id


async def _exists(records: ActingRecords, entity: str, record_id: str) -> bool:
    compiled_id = f"{entity}id"
    found = await records.list(
        entity, filter=f"{compiled_id} eq {record_id}", fields=(compiled_id,), limit=1
    )
    return bool(found)
