"""Single options over the Web API: of a column, of a shared list, of states."""

from __future__ import annotations

import pytest

_FORMATTED = "OData.Community.Display.V1.FormattedValue"
_COLOR = {"EntityLogicalName": "new_box", "AttributeLogicalName": "new_color"}
_STATUS = {"EntityLogicalName": "new_box", "AttributeLogicalName": "statuscode"}
_SIZES = {"OptionSetName": "new_sizes"}


pytestmark = pytest.mark.asyncio(loop_scope="module")


async def options_of(c, address: str) -> list[int]:
    options = (await c.read(f"{address}?$expand=OptionSet"))["OptionSet"]["Options"]
    return [option["Value"] for option in options]


async def added(c, action: str, body) -> int:
    answer = await c.api.post(action, json=body)
    assert answer.status_code == 200, answer.text
    return int(answer.json()["NewOptionValue"])


async def test_options_come_change_move_and_go(shared, saying):
    c, label = shared, saying.label
    cast = "Microsoft.Dynamics.CRM.PicklistAttributeMetadata"
    at = f"{saying.column_at('new_box', 'new_color')}/{cast}"
    assert await added(c, "InsertOptionValue", {**_COLOR, "Label": label("Blue")}) == 100_000_000
    await c.post("OrderOption", {**_COLOR, "Values": [100_000_000, 8, 7]})
    assert await options_of(c, at) == [100_000_000, 8, 7]
    await c.post("UpdateOptionValue",
                 {**_SIZES, "Value": 2, "Label": label("Big"), "MergeLabels": True})  # fmt: skip
    await c.post("DeleteOptionValue", {**_COLOR, "Value": 7})
    box = await c.make("new_boxes", new_name="A", new_color=100_000_000, new_size=2)
    shown = (await c.api.get(f"new_boxes({box})", headers={
        "Prefer": 'odata.include-annotations="*"'
    })).json()  # fmt: skip
    assert (shown[f"new_color@{_FORMATTED}"], shown[f"new_size@{_FORMATTED}"]) == ("Blue", "Big")
    assert (await c.api.post("new_boxes", json={"new_color": 7})).status_code == 400
    for said, action, body in (
        ("Values", "OrderOption", {**_COLOR, "Values": [8]}),
        ("Values", "OrderOption", {**_COLOR, "Values": [8, 8]}),
        ("whole numbers", "OrderOption", {**_COLOR, "Values": ["8", None]}),
        ("no options", "OrderOption",
         {"EntityLogicalName": "new_box", "AttributeLogicalName": "new_code", "Values": []}),
        ("stays", "DeleteOptionValue", {"OptionSetName": "industry", "Value": 1}),
        ("Coler", "InsertOptionValue", {**_COLOR, "Coler": "#ffffff"}),
    ):  # fmt: skip
        assert said in await c.refused("POST", action, body)
    await c.refused("POST", "UpdateOptionValue", {**_COLOR, "Value": 9}, status=404)
    await c.refused("POST", "InsertOptionValue", {**_COLOR, "Value": 8}, status=409)


async def test_status_reasons_come_change_and_go(shared, saying):
    c, label = shared, saying.label
    waiting = {**_STATUS, "StateCode": 0, "Label": label("Waiting")}
    value = await added(c, "InsertStatusValue", waiting)
    pending = {**_STATUS, "Value": value, "Label": label("Pending"), "MergeLabels": True}
    await c.post("UpdateOptionValue", pending)
    await c.post("UpdateStateValue", {
        "EntityLogicalName": "new_box", "AttributeLogicalName": "statecode", "Value": 1,
        "Label": label("Gone"), "DefaultStatusCode": 2, "MergeLabels": True,
    })  # fmt: skip
    box = await c.make("new_boxes", new_name="A", statuscode=value)
    await c.api.patch(f"new_boxes({box})", json={"statecode": 1})
    shown = (await c.api.get(f"new_boxes({box})?$select=statecode,statuscode", headers={
        "Prefer": 'odata.include-annotations="*"'
    })).json()  # fmt: skip
    assert (shown[f"statecode@{_FORMATTED}"], shown["statuscode"]) == ("Gone", 2)

    # Another bundle's table gets one in a file that extends it.
    of_account = {
        "EntityLogicalName": "account",
        "StateCode": 1,
        "Value": 77,
        "Label": label("Old"),
    }
    assert await added(c, "InsertStatusValue", of_account) == 77
    await c.make("accounts", name="Acme", statecode=1, statuscode=77)
    refused = await c.api.post("accounts", json={"name": "B", "statecode": 0, "statuscode": 77})
    assert refused.status_code == 400
    assert "extends: account" in c.files()["entities/account.yaml"]

    await c.post("DeleteOptionValue", {**_STATUS, "Value": value})
    for said, action, body in (
        ("StateCode", "InsertStatusValue", {**_STATUS, "Label": label("X"), "StateCode": 9}),
        ("InsertOptionValue", "InsertStatusValue", {**_COLOR, "Label": label("X"), "StateCode": 0}),
        ("InsertStatusValue", "InsertOptionValue", {**_STATUS, "Label": label("X")}),
        ("last one", "DeleteOptionValue", {**_STATUS, "Value": 1}),
        ("DefaultStatusCode", "UpdateStateValue", {
            "EntityLogicalName": "new_box", "AttributeLogicalName": "statecode", "Value": 1,
            "DefaultStatusCode": 1,
        }),
        ("first reason", "OrderOption", {**_STATUS, "Values": [2, 1]}),
    ):  # fmt: skip
        assert said in await c.refused("POST", action, body)
