"""Reach: how many members of a list each channel may be used for."""

from __future__ import annotations

from dataclasses import dataclass

from kartoteka import CommandContext, CommandResult, LinkedTo, Registry
from kartoteka_marketing.member_types import member_type_of
from kartoteka_marketing.membership import write_member_count


@dataclass(frozen=True, slots=True)
class Channel:
    """A way to reach people: what they say no with, and where it needs an address.

    ``refusals`` are yes/no fields that mean "do not"; of ``addresses`` one must be filled in.
    Fields that a kind of member does not have are passed over.
    """

    name: str
    refusals: tuple[str, ...]
    addresses: tuple[str, ...]


# Source: reference crm, sections 1.6 and 5.15
CHANNELS = (
    Channel("email", ("donotemail", "donotbulkemail", "donotsendmm"), ("emailaddress1",)),
    Channel("phone", ("donotphone", "donotsendmm"), ("telephone1", "mobilephone")),
    Channel("fax", ("donotfax", "donotsendmm"), ("fax",)),
    Channel(
        "mail",
        ("donotpostalmail", "donotbulkpostalmail", "donotsendmm"),
        ("address1_line1", "address1_postofficebox"),
    ),
)


async def count_reachable(context: CommandContext) -> CommandResult:
    """Tell how many members there are and how many of them each channel reaches."""
    kind = member_type_of(context.record)
    members = LinkedTo(kind.relationship, context.record_id)
    counts = {
        channel.name: await context.records.count(
            kind.entity,
            filter=reachable_condition(context.registry, kind.entity, channel),
            linked_to=members,
        )
        for channel in CHANNELS
    }
    total = await write_member_count(context.system_records, context.record_id)
    return CommandResult(message="marketing.reachable", params={"members": total, **counts})


def reachable_condition(registry: Registry, entity: str, channel: Channel) -> str:
    """Return the condition that active records meet which the channel may be used for."""
    fields = registry.entities[entity].field_by_name
    allowed = [f"{name} ne true" for name in channel.refusals if name in fields]
    addresses = [f"{name} ne null" for name in channel.addresses if name in fields]
    return " and ".join(["statecode eq 0", *allowed, f"({' or '.join(addresses)})"])
