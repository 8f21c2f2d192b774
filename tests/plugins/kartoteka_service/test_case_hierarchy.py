"""Parent and child cases: one level, counted on the parent."""

from __future__ import annotations

import pytest

from kartoteka import RecordInvalid, Reference


@pytest.fixture
async def new_case(records):
    """Give a function that makes a case, below a parent if one is given."""
    account = Reference("account", await records.create("account", {"name": "Alpine"}))

    async def make(parent=None):
        values = {"title": "Case", "customerid": account, "parentcaseid": parent}
        return Reference("incident", await records.create("incident", values))

    return make


async def children_of(records, case):
    return (await records.read("incident", case.id))["numberofchildincidents"]


async def test_the_parent_knows_how_many_children_it_has(records, new_case):
    parent, other = await new_case(), await new_case()
    child = await new_case(parent)
    await new_case(parent)
    assert await children_of(records, parent) == 2
    await records.update("incident", child.id, {"parentcaseid": other})
    assert await children_of(records, parent) == 1
    assert await children_of(records, other) == 1
    await records.update("incident", child.id, {"parentcaseid": None})
    assert await children_of(records, other) == 0


async def test_a_deleted_child_is_not_counted_any_more(records, new_case):
    parent = await new_case()
    child = await new_case(parent)
    await records.execute("incident", parent.id, "resolve", {"subject": "Done"})
    await records.delete("incident", child.id)
    assert await children_of(records, parent) == 0


async def test_a_child_cannot_have_children(records, new_case):
    child = await new_case(await new_case())
    with pytest.raises(RecordInvalid) as refused:
        await new_case(child)
    assert [v.code for v in refused.value.violations] == ["service.parent_is_a_child"]


async def test_a_parent_cannot_become_a_child(records, new_case):
    parent, other = await new_case(), await new_case()
    await new_case(parent)
    with pytest.raises(RecordInvalid) as refused:
        await records.update("incident", parent.id, {"parentcaseid": other})
    assert [v.code for v in refused.value.violations] == ["service.has_children"]


async def test_a_case_is_not_its_own_parent(records, new_case):
    case = await new_case()
    with pytest.raises(RecordInvalid):
        await records.update("incident", case.id, {"parentcaseid": case})


async def test_deleting_a_customer_takes_parents_and_children_along(records, new_case):
    parent = await new_case()
    await new_case(parent)
    customer = (await records.read("incident", parent.id))["customerid"]
    await records.delete("account", customer.id)
    assert await records.count("incident") == 0
