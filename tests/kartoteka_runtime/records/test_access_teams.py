"""Access teams: members of one record, who share the rights of a template."""

from __future__ import annotations

import pytest

from kartoteka.errors import AccessDenied, RecordInvalid, RecordNotFound
from kartoteka_runtime.publishing.bootstrap import add_user


async def test_the_first_member_makes_the_team_and_the_last_ends_it(start_app):
    app = await start_app(languages=("en",))
    records, system = await app.records_as(), app.system_records
    ann, bob, guest = [
        await add_user(
            app.parts.records, user_name=name, first_name=name, last_name="X", roles=roles
        )
        for name, roles in (("ann", ["salesperson"]), ("bob", ["salesperson"]), ("guest", []))
    ]
    template = await records.create(
        "teamtemplate",
        {"teamtemplatename": "Helpers", "objecttypecode": "task", "defaultaccessrights": (1, 2)},
    )
    with pytest.raises(RecordInvalid, match="never_shared"):
        await records.create(
            "teamtemplate",
            {"teamtemplatename": "X", "objecttypecode": "role", "defaultaccessrights": (1,)},
        )
    task = await records.create("task", {"subject": "T"})
    [team] = await records.access_teams("task", task)
    assert (team.template.name, team.privileges, team.members) == ("Helpers", ("read", "write"), ())
    with pytest.raises(RecordInvalid, match="receiver_may_not_read"):
        await records.add_member("task", task, template, guest)
    for user_id in (ann, bob):
        await records.add_member("task", task, template, user_id)
    with pytest.raises(RecordInvalid, match="already_linked"):
        await records.add_member("task", task, template, ann)
    [team] = await records.access_teams("task", task)
    assert [member.id for member in team.members] == [ann, bob]
    [share] = await records.shares_of("task", task)
    assert await records.find("team", share.principal.name) == []  # nobody chooses it elsewhere
    assert share.explicit == ("read", "write")
    with pytest.raises(RecordInvalid, match="team_of_record"):
        await records.unshare("task", task, share.principal)
    token = await app.parts.sessions.start(ann)
    anns = app.parts.records.acting_as(await app.parts.sessions.principal(token))
    await anns.update("task", task, {"subject": "by Ann"})
    with pytest.raises(AccessDenied):
        await anns.delete("task", task)
    await records.remove_member("task", task, template, ann)
    with pytest.raises(RecordNotFound):
        await records.remove_member("task", task, template, ann)
    await records.remove_member("task", task, template, bob)
    assert await records.shares_of("task", task) == []
    assert await system.count("team", filter="systemmanaged eq true") == 0
    await records.add_member("task", task, template, ann)
    other = await records.create("task", {"subject": "U"})
    await records.add_member("task", other, template, bob)
    await records.delete("task", other)
    assert await system.count("team", filter="systemmanaged eq true") == 1
    await records.delete("teamtemplate", template)
    assert await system.count("team", filter="systemmanaged eq true") == 0
    assert await records.shares_of("task", task) == []
