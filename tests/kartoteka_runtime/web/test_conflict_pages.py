"""Two people change the same record at once."""

from __future__ import annotations

import pytest


@pytest.fixture
async def two(visit):
    """Give two people, each with the form of the same record open."""
    anna, bo = await visit(), await visit("sales_manager")
    address = await anna.create("sample", name="Lift", wheels="1", phone="111", story="old")
    return anna, (await anna.open(address)).form, bo, (await bo.open(address)).form, address


async def test_the_second_to_save_sees_both_versions(two):
    anna, hers, bo, his, _ = two
    assert (await bo.send(his, wheels="2", phone="222")).status == 303

    conflict = await anna.send(hers, wheels="3", story="new\nlines")

    assert conflict.status == 409
    for text in ("Someone else changed this record", "Wheels", "Story", "222"):
        assert text in conflict.text
    values = conflict.form.values
    assert values["wheels"] == "3"
    assert values["story"] == "new\nlines"


async def test_each_field_is_chosen_for_itself(two):
    anna, hers, bo, his, address = two
    await bo.send(his, wheels="2", phone="222")
    conflict = await anna.send(hers, wheels="3", story="new")

    solved = await anna.send(conflict.form, **{"_keep.wheels": "theirs"})

    assert solved.status == 303
    stored = (await anna.open(address)).form.values
    assert (stored["wheels"], stored["phone"], stored["story"]) == ("2", "222", "new")


async def test_what_is_chosen_by_default_is_ones_own(two):
    anna, hers, bo, his, address = two
    await bo.send(his, wheels="2")
    conflict = await anna.send(hers, wheels="3")

    await anna.send(conflict.form)

    assert (await anna.open(address)).form.values["wheels"] == "3"


async def test_a_third_change_meanwhile_is_a_conflict_again(two):
    anna, hers, bo, his, address = two
    await bo.send(his, wheels="2")
    conflict = await anna.send(hers, wheels="3")
    await bo.send((await bo.open(address)).form, wheels="4")

    again = await anna.send(conflict.form)

    assert again.status == 409
    assert again.form.values["wheels"] == "3"


async def test_a_record_deleted_meanwhile_shows_what_was_typed(two):
    anna, hers, bo, _, address = two
    await bo.send((await bo.open(f"{address}/delete")).form_to(f"{address}/delete"))

    answer = await anna.send(hers, story="long and careful")

    assert answer.status == 409
    assert "long and careful" in answer.text
