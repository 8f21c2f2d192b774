"""What hostile people with an account tried once, and what must go on failing."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

import httpx
import pytest

from kartoteka.errors import AccessDenied, RecordInvalid, RecordNotFound
from kartoteka.plugin_api.contexts import Principal
from kartoteka.record_values import Reference
from kartoteka_runtime.known_ids import ORGANIZATION, ROOT_UNIT, profile_id, role_id
from kartoteka_runtime.publishing.bootstrap import add_user
from kartoteka_runtime.records.acting_records import ActingRecords
from kartoteka_runtime.testing.running_app import ORIGIN, RunningApp

MEMBERS, USER_ROLES = "teammembership_association", "systemuserroles_association"
TEAM_ROLES, TEAM_PROFILES = "teamroles_association", "teamprofiles_association"


def _entity(name: str, fields: str = "", more: str = "") -> str:
    return (
        f"kind: entity\nformat: 1\nname: {name}\nlabel: {{ en: {name} }}\n"
        f"plural_label: {{ en: {name}s }}\nset_name: {name}s\nprimary_field: name\n{more}fields:\n"
        "  - { name: name, type: text, label: { en: Name }, required: true }\n"
        "  - { name: remark, type: text, label: { en: Remark } }\n"
        f"{fields}"
    )


def _role(name: str, **levels: str) -> str:
    verbs = ("create", "read", "write", "delete", "append", "append_to")
    lines = [f"kind: role\nformat: 1\nname: {name}\nlabel: {{ en: {name} }}\nprivileges:"]
    for entity, level in levels.items():
        said = level
        if ":" not in level:
            said = ", ".join(f"{verb}: {level}" for verb in verbs)
        lines.append(f"  - {{ entity: {entity}, {said} }}")
    return "\n".join(lines) + "\n"


_SEEN = "read: organization, append_to: organization"
METADATA = {
    "entities/dossier.yaml": _entity(
        "dossier",
        "  - { name: secret, type: text, label: { en: Secret }, secured: true }\n"
        "  - { name: above, type: lookup, label: { en: Above }, target: dossier,"
        " relationship: dossier_above, hierarchical: true }\n",
    ),
    "entities/page.yaml": _entity(
        "page",
        "  - { name: dossierid, type: lookup, label: { en: Dossier }, target: dossier,"
        " relationship: dossier_pages, relation: parental }\n",
        more="ownership: none\nparent: dossierid\n",
    ),
    "entities/marker.yaml": _entity("marker"),
    "relationships/dossier_marker.yaml": (
        "kind: relationship\nformat: 1\nname: dossier_marker\nleft: dossier\nright: marker\n"
        "intersect: dossiermarkers\nleft_label: { en: Dossiers }\nright_label: { en: Markers }\n"
    ),
    "security_roles/clerk.yaml": _role(
        "clerk", dossier="user", marker="user", systemuser=_SEEN, team=_SEEN, businessunit=_SEEN
    ),
    "security_roles/attacher.yaml": _role("attacher", dossier=_SEEN),
    "security_roles/unit_reader.yaml": _role("unit_reader", dossier="read: business_unit"),
    # What an organization may give whoever keeps its users, units and teams.
    "security_roles/keeper.yaml": _role(
        "keeper",
        dossier="read: business_unit, write: user",
        systemuser="organization", team="organization", businessunit="organization",
        role="organization", position="organization", fieldsecurityprofile="organization",
        organization="read: organization, write: organization",
    ),
    "column_profiles/seers.yaml": """\
kind: column_profile
format: 1
name: seers
label: { en: Seers }
privileges:
  - entity: dossier
    columns: [{ field: secret, read: true }]
""",
}  # fmt: skip


class Office:
    """People with little who want more."""

    def __init__(self, app: RunningApp) -> None:
        self.app = app
        self.people: dict[str, Principal] = {}

    async def hire(self, name: str, *roles: str, unit: str = ROOT_UNIT) -> Principal:
        user_id = await add_user(
            self.app.parts.records, user_name=name, first_name=name, last_name="X",
            roles=list(roles), business_unit_id=unit,
        )  # fmt: skip
        self.people[name] = Principal(user_id, name, business_unit_id=unit)
        return self.people[name]

    def of(self, name: str) -> ActingRecords:
        return self.app.parts.records.acting_as(self.people[name])

    def user(self, name: str) -> Reference:
        return Reference("systemuser", self.people[name].user_id)

    def role(self, name: str) -> str:
        return role_id(self.app.parts.live_registry.current, name)

    async def unit(self, name: str) -> tuple[str, str]:
        """Make a unit and return it with its own team."""
        system = self.app.system_records
        unit = await system.create("businessunit", {"name": name})
        found = await system.list("team", filter=f"businessunitid eq {unit} and isdefault eq true")
        return unit, str(found[0]["teamid"])

    async def fetch(self, name: str, query: str) -> httpx.Response:
        """Ask the API for dossiers with a FetchXML query."""
        tokens = self.app.parts.sessions.tokens
        token, _ = await tokens.create(self.people[name].user_id, "test")
        transport = httpx.ASGITransport(app=self.app.app)
        async with httpx.AsyncClient(transport=transport, base_url=ORIGIN) as client:
            return await client.get(
                "/api/data/v9.2/dossiers",
                params={"fetchXml": query},
                headers={"Authorization": f"Bearer {token}"},
            )


@pytest.fixture
async def office(start_app: Callable[..., Awaitable[RunningApp]]) -> Office:
    found = Office(await start_app(metadata=METADATA, languages=("en",)))
    await found.hire("root", "system_administrator")
    await found.hire("bob", "clerk")
    await found.hire("mal", "clerk", "attacher")
    await found.hire("keeper", "keeper")
    return found


async def _refused(attempt: Awaitable[Any], code: str) -> None:
    with pytest.raises(RecordInvalid) as refused:
        await attempt
    assert [violation.code for violation in refused.value.violations] == [f"violation.{code}"]


async def test_no_child_is_pushed_below_a_record_that_one_may_not_change(office: Office) -> None:
    theirs = await office.of("bob").create("dossier", {"name": "theirs"})
    mine = await office.of("mal").create("dossier", {"name": "mine"})
    other = await office.of("mal").create("dossier", {"name": "other"})
    values = {"name": "p", "dossierid": Reference("dossier", mine)}
    page = await office.of("mal").create("page", values)
    with pytest.raises(AccessDenied):
        await office.of("mal").update("page", page, {"dossierid": Reference("dossier", theirs)})
    await office.of("mal").update("page", page, {"dossierid": Reference("dossier", other)})


@pytest.mark.parametrize(
    "link",
    [
        '<link-entity name="dossier" from="secret" to="name"/>',
        '<link-entity name="dossier" from="name" to="secret" link-type="outer"/>',
        '<link-entity name="dossier" from="secret" to="name" link-type="exists"/>',
        '<link-entity name="dossier" from="secret" to="name" link-type="in"/>',
        '<link-entity name="dossier" from="secret" to="name"'
        ' link-type="matchfirstrowusingcrossapply"/>',
        '<filter><link-entity name="dossier" from="secret" to="name" link-type="any"/></filter>',
        '<filter><link-entity name="dossier" from="name" to="secret" link-type="all"/></filter>',
        '<link-entity name="dossier" from="above" to="dossierid"><filter>'
        '<link-entity name="dossier" from="name" to="secret" link-type="any"/></filter>'
        "</link-entity>",
    ],
)
async def test_no_link_compares_a_column_that_is_hidden(office: Office, link: str) -> None:
    await office.of("root").create("dossier", {"name": "A", "secret": "guess"})
    await office.of("mal").create("dossier", {"name": "guess"})
    query = f'<fetch><entity name="dossier"><attribute name="name"/>{link}</entity></fetch>'
    assert (await office.fetch("root", query)).status_code == 200
    answer = await office.fetch("mal", query)
    assert answer.status_code == 400, answer.text
    assert "violation.secured_column" in answer.text


async def test_links_to_records_out_of_sight_are_out_of_sight(office: Office) -> None:
    dossier = await office.of("bob").create("dossier", {"name": "d"})
    marker = await office.of("bob").create("marker", {"name": "m"})
    await office.of("bob").associate("dossier_marker", dossier, marker)
    query = (
        '<fetch><entity name="dossier"><attribute name="name"/>'
        '<link-entity name="dossiermarkers" from="dossierid" to="dossierid" alias="x" {}>'
        "{}</link-entity></entity></fetch>"
    )
    for link_type, inside in (
        ("", '<attribute name="markerid"/>'),
        ('link-type="exists"', ""),
        ("", f'<filter><condition attribute="markerid" operator="eq" value="{marker}"/></filter>'),
    ):
        asked = query.format(link_type, inside)
        assert len((await office.fetch("bob", asked)).json()["value"]) == 1
        assert (await office.fetch("mal", asked)).json()["value"] == []


async def test_nobody_takes_the_id_of_another_principal(office: Office) -> None:
    bobs = await office.of("bob").create("dossier", {"name": "bobs"})
    keeper, bob = office.of("keeper"), office.user("bob")
    root = Reference("businessunit", ROOT_UNIT)
    for taken in (bob.id, ORGANIZATION):
        values = {"name": "T", "businessunitid": root, "administratorid": office.user("keeper")}
        await _refused(keeper.create("team", {"teamid": taken, **values}), "not_unique")
    team = await keeper.create("team", values)
    named = {"domainname": "x", "lastname": "x", "businessunitid": root}
    await _refused(keeper.create("systemuser", {"systemuserid": team, **named}), "not_unique")
    await office.hire("other", "clerk")
    with pytest.raises(RecordNotFound):
        await office.of("other").read("dossier", bobs)


async def test_who_keeps_users_gets_no_further_by_units_and_teams(office: Office) -> None:
    north, norths_team = await office.unit("North")
    keeper, me = office.of("keeper"), office.user("keeper").id
    there = {"businessunitid": Reference("businessunit", north)}
    beyond = "role_beyond_ones_own"
    # A role that is one's own, of another unit.
    team = await keeper.create(
        "team", {"name": "T", **there, "administratorid": office.user("keeper")}
    )
    await _refused(keeper.associate(TEAM_ROLES, team, office.role("unit_reader")), beyond)
    at_home = await keeper.create(
        "team",
        {"name": "H", "businessunitid": Reference("businessunit", ROOT_UNIT),
         "administratorid": office.user("keeper")},
    )  # fmt: skip
    await keeper.associate(TEAM_ROLES, at_home, office.role("unit_reader"))
    await _refused(keeper.update("team", at_home, there), beyond)
    await office.app.system_records.associate(TEAM_ROLES, team, office.role("unit_reader"))
    await _refused(keeper.associate(MEMBERS, me, team), beyond)
    # A unit whose own team has more.
    administrator = office.role("system_administrator")
    await office.app.system_records.associate(TEAM_ROLES, norths_team, administrator)
    named = {"domainname": "x", "lastname": "x", **there}
    await _refused(keeper.create("systemuser", named), beyond)
    await _refused(keeper.update("systemuser", me, there), beyond)
    parameters = {**there, "roleid": Reference("role", office.role("keeper"))}
    await _refused(keeper.execute("systemuser", me, "move_to_unit", parameters), beyond)


async def test_who_keeps_users_gets_no_columns_by_teams(office: Office) -> None:
    north, norths_team = await office.unit("North")
    seers = profile_id(office.app.parts.live_registry.current, "seers")
    await office.app.system_records.associate(TEAM_PROFILES, norths_team, seers)
    there = {"businessunitid": Reference("businessunit", north)}
    team = await office.app.system_records.create(
        "team", {"name": "T", **there, "administratorid": office.user("keeper")}
    )
    await office.app.system_records.associate(TEAM_PROFILES, team, seers)
    keeper, me = office.of("keeper"), office.user("keeper").id
    await _refused(keeper.associate(MEMBERS, me, team), "profiles_are_given")
    await _refused(keeper.update("systemuser", me, there), "profiles_are_given")


@pytest.mark.parametrize("field", ["domainname", "internalemailaddress", "isdisabled"])
async def test_who_keeps_users_does_not_sign_in_as_who_may_more(office: Office, field: str) -> None:
    keeper = office.of("keeper")
    values: dict[str, Any] = {field: True if field == "isdisabled" else "evil@example.com"}
    await _refused(
        keeper.update("systemuser", office.user("root").id, values), "user_beyond_ones_own"
    )
    await office.hire("reader", "unit_reader")
    await keeper.update("systemuser", office.user("reader").id, values)
    await keeper.update("systemuser", office.user("root").id, {"jobtitle": "Root"})


async def test_what_decides_for_many_is_for_administrators(office: Office) -> None:
    keeper, bob = office.of("keeper"), office.user("bob").id
    decide = "administrators_decide"
    north, _ = await office.unit("North")
    south, _ = await office.unit("South")
    above = {"parentbusinessunitid": Reference("businessunit", south)}
    await _refused(keeper.update("businessunit", north, above), decide)
    await _refused(keeper.update("role", office.role("clerk"), {"isinherited": 0}), decide)
    is_on = {"ishierarchicalsecuritymodelenabled": True}
    await _refused(keeper.update("organization", ORGANIZATION, is_on), decide)
    below_me = {"parentsystemuserid": office.user("keeper")}
    await keeper.update("systemuser", bob, below_me)  # nothing follows from it
    await keeper.update("systemuser", bob, {"parentsystemuserid": None})
    await office.of("root").update("organization", ORGANIZATION, is_on)
    await _refused(keeper.update("systemuser", bob, below_me), decide)


async def test_nobody_deletes_the_role_of_the_last_administrator(office: Office) -> None:
    administrator = office.role("system_administrator")
    for name in ("keeper", "root"):
        await _refused(office.of(name).delete("role", administrator), "last_administrator")
    assert (await office.of("root").access()).is_administrator


async def test_commands_write_no_more_than_their_user_may(office: Office) -> None:
    """A state that a command sets brings values along; they are written as its user."""
    system, mal = office.app.system_records, office.of("mal")
    owned = {"name": "of bob", "secret": "1234", "ownerid": office.user("bob")}
    dossier = await system.create("dossier", owned)
    await system.share("dossier", dossier, office.user("mal"), ("read", "write"))
    for values in ({"ownerid": office.user("mal")}, {"secret": "mine"}):
        with pytest.raises((AccessDenied, RecordInvalid)):
            await mal.set_state("dossier", dossier, state="inactive", values=values)
    stored = await system.read("dossier", dossier)
    assert (stored["statecode"], stored["secret"]) == (0, "1234")
    await mal.set_state("dossier", dossier, state="inactive", values={"remark": "done"})
    stored = await system.read("dossier", dossier)
    assert (stored["statecode"], stored["remark"]) == (1, "done")
