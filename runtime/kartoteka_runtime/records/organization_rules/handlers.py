"""The handlers and commands that keep the rules of the organization, in the order they run."""

from __future__ import annotations

from kartoteka.plugin_api.contexts import CommandHandler, RecordHandler
from kartoteka_runtime.records.organization_rules.administrators import (
    after_links_changed,
    after_principal_went,
    after_role_went,
    after_user_disabled,
)
from kartoteka_runtime.records.organization_rules.owned_records import reassign_all
from kartoteka_runtime.records.organization_rules.team_rules import (
    before_team_goes,
    guard_links_of_team,
    guard_team,
    move_team,
)
from kartoteka_runtime.records.organization_rules.unit_rules import (
    before_unit_goes,
    give_default_team,
    guard_unit,
    place_unit,
    rename_default_team,
)
from kartoteka_runtime.records.organization_rules.user_rules import (
    before_user_goes,
    join_default_team,
    move_user,
    move_with_role,
)
from kartoteka_runtime.storage.access_facts import ROLE, TEAM, UNIT, USER

RECORD_HANDLERS: tuple[RecordHandler, ...] = (
    RecordHandler(UNIT, "before_create", place_unit, rank=10),
    RecordHandler(UNIT, "after_create", give_default_team, rank=10),
    RecordHandler(
        UNIT, "before_update", guard_unit, ("parentbusinessunitid", "isdisabled"), rank=10
    ),
    RecordHandler(UNIT, "after_update", rename_default_team, ("name",), rank=10),
    RecordHandler(UNIT, "before_delete", before_unit_goes, rank=10),
    RecordHandler(USER, "after_create", join_default_team, rank=10),
    RecordHandler(USER, "after_update", move_user, ("businessunitid",), rank=10),
    RecordHandler(USER, "after_update", after_user_disabled, ("isdisabled",), rank=11),
    RecordHandler(USER, "before_delete", before_user_goes, rank=10),
    RecordHandler(USER, "after_delete", after_principal_went, rank=10),
    RecordHandler(TEAM, "before_update", guard_team, rank=10),
    RecordHandler(TEAM, "after_update", move_team, ("businessunitid",), rank=10),
    RecordHandler(TEAM, "before_delete", before_team_goes, rank=10),
    RecordHandler(TEAM, "after_delete", after_principal_went, rank=10),
    RecordHandler(TEAM, "before_associate", guard_links_of_team, rank=10),
    RecordHandler(TEAM, "before_disassociate", guard_links_of_team, rank=10),
    RecordHandler(TEAM, "after_disassociate", after_links_changed, rank=10),
    RecordHandler(USER, "after_disassociate", after_links_changed, rank=10),
    RecordHandler(ROLE, "after_delete", after_role_went, rank=10),
)
COMMAND_HANDLERS: tuple[CommandHandler, ...] = (
    CommandHandler(USER, "reassign_all", reassign_all),
    CommandHandler(TEAM, "reassign_all", reassign_all),
    CommandHandler(USER, "move_to_unit", move_with_role),
)
