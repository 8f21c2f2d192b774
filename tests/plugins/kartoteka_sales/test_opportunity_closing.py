"""Win, lose and reopen an opportunity."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal

import pytest

from kartoteka import RecordInvalid, Reference

WON, LOST, PIPELINE = 100000005, 100000006, 100000001


@pytest.fixture
async def opportunity_id(records):
    """Give an open opportunity worth 80,000."""
    account = Reference("account", await records.create("account", {"name": "Alpine"}))
    return await records.create(
        "opportunity",
        {"name": "Rental skis", "customerid": account, "estimatedvalue": Decimal("80000")},
    )


async def closings_of(records, opportunity_id):
    return await records.list("opportunityclose", filter=f"opportunityid eq {opportunity_id}")


async def test_win_takes_the_estimate_and_today_when_nothing_else_is_said(records, opportunity_id):
    result = await records.execute("opportunity", opportunity_id, "win", {})
    opportunity = await records.read("opportunity", opportunity_id)
    assert (opportunity["statecode"], opportunity["statuscode"]) == (1, 3)
    assert opportunity["actualvalue"] == Decimal("80000")
    today = datetime.now(UTC).date()
    assert opportunity["actualclosedate"] in (today, today - timedelta(days=1))
    assert opportunity["forecastcategory"] == WON
    assert result.message == "sales.opportunity_won"


async def test_win_takes_the_sum_of_lines_when_the_system_calculates(crm, records, opportunity_id):
    await crm.system_records.update(
        "opportunity",
        opportunity_id,
        {"isrevenuesystemcalculated": True, "totalamount": Decimal("75000")},
    )
    await records.execute("opportunity", opportunity_id, "win", {})
    opportunity = await records.read("opportunity", opportunity_id)
    assert opportunity["actualvalue"] == Decimal("75000")


async def test_closing_files_a_completed_activity_with_what_was_said(records, opportunity_id):
    competitor = Reference("competitor", await records.create("competitor", {"name": "Fabrikam"}))
    await records.execute(
        "opportunity",
        opportunity_id,
        "lose",
        {
            "reason": 5,
            "actualvalue": Decimal("10"),
            "actualclosedate": date(2031, 3, 31),
            "competitorid": competitor,
            "description": "Too late.",
        },
    )
    opportunity = await records.read("opportunity", opportunity_id)
    assert (opportunity["statecode"], opportunity["statuscode"]) == (2, 5)
    assert opportunity["actualvalue"] == Decimal("10")
    assert opportunity["actualclosedate"] == date(2031, 3, 31)
    assert opportunity["forecastcategory"] == LOST
    (closing,) = await closings_of(records, opportunity_id)
    assert (closing["statecode"], closing["statuscode"]) == (1, 2)
    assert closing["regardingobjectid"].id == opportunity_id
    assert closing["actualrevenue"] == Decimal("10")
    assert closing["competitorid"].is_same(competitor)
    assert closing["description"] == "Too late."
    assert closing["actualend"].date() in (date(2031, 3, 30), date(2031, 3, 31))


async def test_a_lost_opportunity_earned_nothing(records, opportunity_id):
    await records.execute("opportunity", opportunity_id, "lose", {"reason": 4})
    opportunity = await records.read("opportunity", opportunity_id)
    assert (opportunity["statuscode"], opportunity["actualvalue"]) == (4, Decimal(0))


async def test_closed_opportunities_are_read_only(records, opportunity_id):
    await records.execute("opportunity", opportunity_id, "win", {})
    with pytest.raises(RecordInvalid):
        await records.update("opportunity", opportunity_id, {"name": "Other"})
    with pytest.raises(RecordInvalid):
        await records.execute("opportunity", opportunity_id, "lose", {"reason": 4})


async def test_reopen_clears_the_result_and_keeps_the_history(records, opportunity_id):
    await records.execute("opportunity", opportunity_id, "win", {})
    await records.execute("opportunity", opportunity_id, "reopen", {})
    opportunity = await records.read("opportunity", opportunity_id)
    assert (opportunity["statecode"], opportunity["statuscode"]) == (0, 1)
    assert opportunity["actualvalue"] is None
    assert opportunity["actualclosedate"] is None
    assert opportunity["forecastcategory"] == PIPELINE
    assert len(await closings_of(records, opportunity_id)) == 1
    await records.execute("opportunity", opportunity_id, "lose", {"reason": 5})
    assert len(await closings_of(records, opportunity_id)) == 2


@pytest.mark.parametrize("category", [WON, LOST])
async def test_only_closing_gives_the_closed_forecast_categories(records, opportunity_id, category):
    with pytest.raises(RecordInvalid) as refused:
        await records.update("opportunity", opportunity_id, {"forecastcategory": category})
    (violation,) = refused.value.violations
    assert (violation.field, violation.code) == ("forecastcategory", "sales.category_needs_closing")
