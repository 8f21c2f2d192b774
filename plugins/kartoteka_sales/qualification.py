"""Qualify: a lead becomes an account, a contact and an opportunity."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress

from kartoteka import AccessDenied, CommandContext, CommandResult, Reference
from kartoteka_sales.mapping import mapped_values


async def qualify(context: CommandContext) -> CommandResult:
    """Create what was asked for and is not there yet, link it, and close the lead as qualified.

    A parent account or contact that the lead already names is used instead of a new one; a new
    account needs a company name on the lead, a new contact a last name. All of it is one
    transaction: when one record is refused, nothing has happened.
    """
    lead, asked = context.record, context.parameters
    created: list[Reference] = []
    account: Reference | None = lead["parentaccountid"]
    if account is None and asked.get("createaccount") and lead["companyname"]:
        account = await _create_customer(context, "account", {})
        created.append(account)
    contact: Reference | None = lead["parentcontactid"]
    if contact is None and asked.get("createcontact") and lead["lastname"]:
        contact = await _create_customer(context, "contact", {"parentcustomerid": account})
        created.append(contact)
    if account is not None and contact is not None:
        await _offer_as_primary_contact(context, account, contact)
    results: dict[str, Reference | None] = {
        "parentaccountid": account,
        "parentcontactid": contact,
    }
    if asked.get("createopportunity"):
        opportunity = await _create_opportunity(context, results)
        created.append(opportunity)
        results["qualifyingopportunityid"] = opportunity
    await context.records.set_state("lead", context.record_id, state="qualified", values=results)
    return CommandResult(
        open=_most_telling(created),
        message="sales.lead_qualified",
        params={"name": lead["fullname"]},
        created=tuple(created),
    )


async def _create_customer(
    context: CommandContext, entity: str, links: Mapping[str, Reference | None]
) -> Reference:
    """Create an account or contact from the lead and remember where it came from.

    Nobody may write its originating lead by hand, hence the second write.
    """
    values = mapped_values(context.record, entity) | dict(links)
    made = Reference(entity, await context.records.create(entity, values))
    origin = {"originatingleadid": Reference("lead", context.record_id)}
    await context.system_records.update(entity, made.id, origin)
    return made


async def _create_opportunity(
    context: CommandContext, parents: Mapping[str, Reference | None]
) -> Reference:
    values = mapped_values(context.record, "opportunity") | dict(parents)
    values["originatingleadid"] = Reference("lead", context.record_id)
    return Reference("opportunity", await context.records.create("opportunity", values))


async def _offer_as_primary_contact(
    context: CommandContext, account: Reference, contact: Reference
) -> None:
    """Make the contact the account's primary one when it has none and is active.

    Whoever may not change the account leaves that to those who may.
    """
    stored = await context.records.read("account", account.id)
    if stored["primarycontactid"] is None and stored["statecode"] == 0:
        with suppress(AccessDenied):
            await context.records.update("account", account.id, {"primarycontactid": contact})


def _most_telling(created: list[Reference]) -> Reference | None:
    """Return the record to show next: the opportunity, else the account, else the contact."""
    by_entity = {reference.entity: reference for reference in created}
    wanted = ("opportunity", "account", "contact")
    return next((by_entity[entity] for entity in wanted if entity in by_entity), None)
