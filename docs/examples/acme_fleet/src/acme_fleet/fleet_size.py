"""Fleet size: how many vehicles in use an account has."""

from __future__ import annotations

from kartoteka import Reference, WriteContext


async def count_vehicles(write: WriteContext) -> None:
    """Write the number of vehicles in use on the account that has, or had, this one."""
    before: Reference | None = write.before["accountid"] if write.before is not None else None
    after: Reference | None = write.value("accountid")
    for account_id in {account.id for account in (before, after) if account is not None}:
        count = await write.system_records.count(
            "acme_vehicle", filter=f"accountid eq {account_id} and statecode eq 'in_use'"
        )
        await write.system_records.update("account", account_id, {"acme_fleet_size": count})
