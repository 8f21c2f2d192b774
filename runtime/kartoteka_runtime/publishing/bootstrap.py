"""Bootstrap: the records without which nobody could sign in or own anything.

The organization, its root business unit and base currency, and one role record a role of the
registry. Running it again changes only what is missing.
"""

from __future__ import annotations

import uuid
from collections.abc import Sequence
from decimal import Decimal

from kartoteka.plugin_api.contexts import Principal
from kartoteka.record_values import Reference
from kartoteka_runtime.live_registry import Published
from kartoteka_runtime.publishing.publish import publishing_alone
from kartoteka_runtime.records.record_service import ActingRecords, RecordService

SYSTEM = Principal(user_id="", name="system", is_system=True)
_NAMESPACE = uuid.UUID("6f1c2b0e-6c1b-5d0c-9d2a-0b6d5a6f7c11")


def known_id(kind: str, name: str) -> str:
    """Return the id of a record that every organization has, the same wherever it is made."""
    return str(uuid.uuid5(_NAMESPACE, f"{kind}/{name}"))


def role_id(published: Published, name: str) -> str:
    """Return the id of the record of a role; it stays when the role is renamed."""
    return known_id("role", published.identities.of("role", name))


ORGANIZATION = known_id("organization", "")
ROOT_UNIT = known_id("businessunit", "root")


async def bootstrap(
    service: RecordService, *, organization: str, currency: dict[str, object]
) -> None:
    """Create what is missing; ``currency`` has code, symbol, name and precision."""
    records = service.acting_as(SYSTEM)
    async with publishing_alone(service.database), records.transaction() as inside:
        if not await _exists(inside, "organization", ORGANIZATION):
            await _first_records(inside, organization, currency)
        for role in service.model.registry.roles.values():
            await _role(inside, service, role.name)


async def _first_records(
    records: ActingRecords, organization: str, currency: dict[str, object]
) -> None:
    base = known_id("transactioncurrency", str(currency["code"]))
    await records.create("organization", {"organizationid": ORGANIZATION, "name": organization})
    await records.create("businessunit", {"businessunitid": ROOT_UNIT, "name": organization})
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


async def _role(records: ActingRecords, service: RecordService, name: str) -> None:
    published = service.live_registry.current
    record_id = role_id(published, name)
    if await _exists(records, "role", record_id):
        return
    label = published.labels.text(
        published.registry.roles[name].label, published.registry.base_language
    )
    await records.create(
        "role",
        {
            "roleid": record_id,
            "name": label or name,
            "businessunitid": Reference("businessunit", ROOT_UNIT),
        },
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
