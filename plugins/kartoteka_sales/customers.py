"""Customers of leads and opportunities: one lookup, kept equal to the parent account or contact."""

from __future__ import annotations

from kartoteka import Reference, WriteContext

CUSTOMER_FIELDS = ("customerid", "parentaccountid", "parentcontactid")


async def keep_in_step(context: WriteContext) -> None:
    """Make the customer the parent account, else the parent contact, whichever was written.

    A customer that is written alone becomes the parent of its kind; a contact as customer leaves
    no parent account, because an account would come before it.
    """
    if not any(_changes(context, name) for name in CUSTOMER_FIELDS):
        return
    values = context.values
    if _changes(context, "customerid"):
        customer = values["customerid"]
        if not _changes(context, "parentaccountid"):
            values["parentaccountid"] = _if_of(customer, "account")
        if not _changes(context, "parentcontactid") and _if_of(customer, "account") is None:
            values["parentcontactid"] = customer
    customer = context.value("parentaccountid") or context.value("parentcontactid")
    values["customerid"] = customer
    for entity in ("account", "contact"):  # two plain ids, which older clients read
        part = _if_of(customer, entity)
        values[f"{entity}id"] = part.id if part is not None else None


def _changes(context: WriteContext, name: str) -> bool:
    """Return whether the write gives the lookup another record than the stored one."""
    if name not in context.values:
        return False
    new: Reference | None = context.values[name]
    stored: Reference | None = context.before[name] if context.before is not None else None
    if new is None:
        return stored is not None
    return not new.is_same(stored)


def _if_of(customer: Reference | None, entity: str) -> Reference | None:
    return customer if customer is not None and customer.entity == entity else None
