"""MarketingPlugin: which of this package's functions take part in what."""

from __future__ import annotations

from collections.abc import Iterable

from kartoteka import ApiOperation, CommandHandler, Plugin, RecordHandler, hookimpl
from kartoteka_marketing import api_operations, membership, reach


class MarketingPlugin(Plugin):
    """Marketing lists with static members, who are counted as what they allow."""

    name = "marketing"
    requires = ("sales",)

    @hookimpl
    def record_handlers(self) -> Iterable[RecordHandler]:
        """Fix the kind of members of a list, guard a locked one, and count who is on it."""
        kind = ("createdfromcode",)
        yield RecordHandler("list", "before_create", membership.note_member_type)
        yield RecordHandler("list", "before_update", membership.refuse_other_type, fields=kind)
        for message in ("associate", "disassociate"):
            yield RecordHandler("list", f"before_{message}", membership.check_member_change)
            yield RecordHandler("list", f"after_{message}", membership.count_members)

    @hookimpl
    def command_handlers(self) -> Iterable[CommandHandler]:
        """Carry out what marketing lists offer in their command bar."""
        yield CommandHandler("list", "lock", membership.lock)
        yield CommandHandler("list", "unlock", membership.unlock)
        yield CommandHandler("list", "count_reachable", reach.count_reachable)

    @hookimpl
    def api_operations(self) -> Iterable[ApiOperation]:
        """Offer what clients of Dataverse call to change members of lists."""
        yield from api_operations.OPERATIONS
