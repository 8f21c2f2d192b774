"""What else concerns this customer: open cases and deals, on the forms where people meet them."""

from __future__ import annotations

from kartoteka import PanelContext, PanelRows, Records, Reference, WriteContext


async def other_cases(context: PanelContext) -> PanelRows | None:
    """Show the other active cases of a case's customer, newest first."""
    condition = await customer_condition(context.records, context.record.get("customerid"))
    if not condition:
        return None
    return PanelRows(
        "incident",
        view="incident_of_customer",
        filter=f"statecode eq 'active' and incidentid ne {context.record['incidentid']}"
        f" and ({condition})",
        empty_message="service.no_other_cases",
    )


async def active_cases(context: PanelContext) -> PanelRows | None:
    """Show the active cases of an account or contact, or of a lead's or deal's customer."""
    customer: Reference | None = context.record.get("customerid")
    if context.entity in ("account", "contact"):
        customer = Reference(context.entity, context.record[f"{context.entity}id"])
    condition = await customer_condition(context.records, customer)
    if not condition:
        return None
    return PanelRows(
        "incident",
        view="incident_of_customer",
        filter=f"statecode eq 'active' and ({condition})",
        empty_message="service.no_active_cases",
    )


async def open_deals(context: PanelContext) -> PanelRows | None:
    """Show the open opportunities of a case's customer: a large deal may depend on the case."""
    condition = await customer_condition(context.records, context.record.get("customerid"))
    if not condition:
        return None
    return PanelRows(
        "opportunity",
        view="opportunity_of_customer",
        filter=f"statecode eq 'open' and ({condition})",
        empty_message="service.no_open_deals",
    )


async def customer_condition(records: Records, customer: Reference | None) -> str:
    """Return the condition on ``customerid`` that a customer and its closest share.

    An account's contacts count with it, and a contact's account with them. Empty: no customer.
    """
    if customer is None:
        return ""
    if customer.entity == "account":
        return (
            f"customerid eq {customer.id} or customerid_contact/parentcustomerid eq {customer.id}"
        )
    found = await records.list(
        "contact", filter=f"contactid eq {customer.id}", fields=["parentcustomerid"]
    )
    company = found[0]["parentcustomerid"] if found else None
    if company is not None and company.entity == "account":
        return f"customerid eq {customer.id} or customerid eq {company.id}"
    return f"customerid eq {customer.id}"


async def keep_customer_parts(context: WriteContext) -> None:
    """Set the customer's two plain ids, which older clients read."""
    customer: Reference | None = context.value("customerid")
    for entity in ("account", "contact"):
        is_one = customer is not None and customer.entity == entity
        context.values[f"{entity}id"] = customer.id if customer is not None and is_one else None
