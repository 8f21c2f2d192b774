"""Two people edit the same record: the second sees both versions and loses nothing typed."""

from __future__ import annotations

import pytest


@pytest.mark.parametrize("language", ["en", "pl"])
async def test_nothing_typed_is_lost_when_two_edit_an_account(crm, reader, language):
    records = await crm.records_as()
    account = await records.create("account", {"name": "Rax Seilbahn", "telephone1": "111"})
    address = f"/e/account/{account}"
    anna, bo = await reader(crm, language=language), await reader(crm, "sales_manager")
    hers, his = (await anna.open(address)).form, (await bo.open(address)).form

    saved = await bo.send(his, telephone1="222", address1_city="Hirschwang", description="From Bo")
    assert saved.status == 303
    story = "Called twice.\nNobody answered – again tomorrow & the day after <soon>."
    conflict = await anna.send(
        hers, telephone1="333", websiteurl="https://rax.example", description=story
    )

    assert conflict.status == 409
    labels = crm.parts.live_registry.current.labels
    assert labels.message("conflict.title", language) in conflict.text
    for field in ("telephone1", "websiteurl", "description", "address1_city"):
        assert labels.field("account", field, language) in conflict.text
    for text in ("111", "222", "333", "https://rax.example", "From Bo", "Hirschwang"):
        assert text in conflict.text
    assert " ".join(story.split()) in conflict.text
    assert conflict.form.values["description"] == story
    stored = await records.read("account", account)
    assert (stored["telephone1"], stored["description"]) == ("222", "From Bo")

    solved = await anna.send(conflict.form, **{"_keep.telephone1": "theirs"})

    assert solved.status == 303
    stored = await records.read("account", account)
    assert stored["telephone1"] == "222"
    assert stored["address1_city"] == "Hirschwang"
    assert stored["websiteurl"] == "https://rax.example"
    assert stored["description"].splitlines() == story.splitlines()


async def test_people_who_change_different_fields_still_hear_of_one_another(crm, reader):
    records = await crm.records_as()
    account = await records.create("account", {"name": "Rax Seilbahn"})
    address = f"/e/account/{account}"
    anna, bo = await reader(crm), await reader(crm, "sales_manager")
    hers, his = (await anna.open(address)).form, (await bo.open(address)).form

    await bo.send(his, address1_city="Hirschwang")
    answer = await anna.send(hers, telephone1="333")

    assert answer.status == 409
    assert "Hirschwang" in answer.text
    assert (await anna.send(answer.form)).status == 303
    stored = await records.read("account", account)
    assert (stored["telephone1"], stored["address1_city"]) == ("333", "Hirschwang")
