"""Nobody gives more than they have: roles, teams with roles, column security profiles."""

from __future__ import annotations

import pytest

from kartoteka.errors import RecordInvalid
from kartoteka.plugin_api.contexts import Principal
from kartoteka.record_values import Reference
from kartoteka_runtime.known_ids import ROOT_UNIT, role_id
from kartoteka_runtime.publishing.bootstrap import add_user

METADATA = {
    "security_roles/keeper.yaml": """\
kind: role
format: 1
name: keeper
label: { en: Keeper }
privileges:
  - { entity: systemuser, read: organization, append: organization, append_to: organization }
  - { entity: team, read: organization, append: organization, append_to: organization }
  - { entity: role, read: organization, append: organization, append_to: organization }
  - { entity: account, read: business_unit }
""",
    "security_roles/reader.yaml": """\
kind: role
format: 1
name: reader
label: { en: Reader }
privileges:
  - { entity: account, read: business_unit }
""",
    "security_roles/wide_reader.yaml": """\
kind: role
format: 1
name: wide_reader
label: { en: Wide reader }
privileges:
  - { entity: account, read: organization }
""",
}


async def _user(app, name: str, role: str) -> Principal:
    user_id = await add_user(
        app.parts.records, user_name=name, first_name=name, last_name=name, roles=[role]
    )
    return Principal(user_id, name, business_unit_id=ROOT_UNIT)


@pytest.mark.parametrize(
    ("role", "is_given"),
    [("reader", True), ("wide_reader", False), ("system_administrator", False)],
)
async def test_roles_pass_on_what_one_has_and_no_more(start_app, role, is_given):
    app = await start_app(metadata=METADATA)
    keeper = await _user(app, "keeper", "keeper")
    other = await _user(app, "other", "reader")
    records = app.parts.records.acting_as(keeper)
    given = role_id(app.parts.live_registry.current, role)
    team = await app.system_records.create(
        "team",
        {
            "name": "Readers",
            "businessunitid": Reference("businessunit", ROOT_UNIT),
            "administratorid": Reference("systemuser", keeper.user_id),
        },
    )
    await app.system_records.associate("teamroles_association", team, given)
    third = await _user(app, "third", "keeper")
    attempts = (
        lambda: records.associate("systemuserroles_association", keeper.user_id, given),
        lambda: records.associate("systemuserroles_association", third.user_id, given),
        lambda: records.associate("teammembership_association", other.user_id, team),
    )
    for attempt in attempts:
        if is_given:
            await attempt()
        else:
            with pytest.raises(RecordInvalid) as refused:
                await attempt()
            (violation,) = refused.value.violations
            assert violation.code == "violation.role_beyond_ones_own"
            assert violation.params["role"].texts["en"]
