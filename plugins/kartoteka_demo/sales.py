"""Leads in all their states, and opportunities open, won and lost."""

from __future__ import annotations

from decimal import Decimal
from typing import Any

from kartoteka import Reference
from kartoteka_demo.business import DISQUALIFIED_COMMENTS, LEAD_TOPICS, WARES
from kartoteka_demo.companies import INDUSTRIES
from kartoteka_demo.countries.all_countries import COUNTRIES
from kartoteka_demo.countries.country import TRADES, Country
from kartoteka_demo.customers import address_values, number_of, person_values
from kartoteka_demo.loading import Contact, Loading, Subject, plain

QUALIFIED_NEW = 20  # leads that become account, contact and opportunity
QUALIFIED_KNOWN = 16  # leads of accounts that are there already
DISQUALIFIED_A_REASON = 6
REACTIVATED = 3
CONTACTED = 34
NEW = 53
OPPORTUNITIES = 164  # written here; qualified leads bring the others
WON = 46
LOST_A_REASON = 17
ON_HOLD = 14

_ON_HOLD = 2  # statuscode of an open opportunity
_NEW, _CONTACTED = 1, 2  # statuscode of an open lead
_STAGES = ("1-Qualify", "2-Develop", "3-Propose", "4-Close")
_LIKELY = (10, 30, 55, 80)  # percent, by stage


async def write_leads(loading: Loading) -> None:
    """Write leads and take most of the older ones to where they ended."""
    for _ in range(QUALIFIED_NEW):
        await _qualify(loading, await _write_lead(loading, _CONTACTED))
    for contact in loading.draws.some_of(_employed(loading), QUALIFIED_KNOWN):
        await _qualify(loading, await _write_lead(loading, _CONTACTED, contact))
    for reason, comment in DISQUALIFIED_COMMENTS.items():
        for _ in range(DISQUALIFIED_A_REASON):
            await _disqualify(loading, await _write_lead(loading, _NEW), reason, comment)
    for _ in range(REACTIVATED):
        lead = await _write_lead(loading, _NEW)
        await _disqualify(loading, lead, "no_longer_interested", "Asked to be left until spring.")
        await loading.execute("lead", lead.reference.id, "reactivate", lead.owner)
    for status, count in ((_CONTACTED, CONTACTED), (_NEW, NEW)):
        for _ in range(count):
            await _write_lead(loading, status)


async def write_opportunities(loading: Loading) -> None:
    """Write opportunities; those that are decided are closed when their activities are there."""
    people = _employed(loading)
    decided = [*["won"] * WON, *["canceled"] * LOST_A_REASON, *["out_sold"] * LOST_A_REASON]
    endings = [*decided, *["hold"] * ON_HOLD]
    endings += [""] * (OPPORTUNITIES - len(endings))
    for ending in loading.draws.shuffled(endings):
        await _write_opportunity(loading, loading.draws.one_of(people), ending)


def _employed(loading: Loading) -> list[Contact]:
    return [contact for contact in loading.contacts if contact.account is not None]


async def _write_lead(loading: Loading, status: int, contact: Contact | None = None) -> Subject:
    draws = loading.draws
    country = contact.country if contact else draws.one_of(list(COUNTRIES.values()))
    owner = contact.owner if contact else loading.colleague("sales", country)
    opened = draws.between(-220, -1)
    values: dict[str, Any] = {
        "subject": draws.one_of(LEAD_TOPICS),
        "statuscode": status,
        "leadsourcecode": draws.between(1, 10),
        "leadqualitycode": draws.weighted([(1, 25), (2, 45), (3, 30)]),
        "purchasetimeframe": draws.between(0, 4),
        "purchaseprocess": draws.between(0, 2),
        "decisionmaker": draws.happens(45),
        "transactioncurrencyid": loading.currency(country.currency),
        "estimatedamount": loading.amount(draws.between(2, 60) * 1000, country.currency),
        "estimatedclosedate": draws.day(20, 160),
    }
    values |= _known_person(contact) if contact else _new_person(loading, country)
    lead = await loading.create("lead", values, by=owner, on=draws.moment(opened, opened))
    subject = Subject(
        Reference("lead", lead), owner, opened, None, contact, values["emailaddress1"]
    )
    loading.subjects.append(subject)
    return subject


def _known_person(contact: Contact) -> dict[str, Any]:
    assert contact.account is not None
    first, last = contact.name.split(" ", 1)
    return {
        "firstname": first,
        "lastname": last,
        "companyname": contact.account.name,
        "emailaddress1": contact.email,
        "parentaccountid": Reference("account", contact.account.id),
        "parentcontactid": Reference("contact", contact.id),
        **contact.account.address,
    }


def _new_person(loading: Loading, country: Country) -> dict[str, Any]:
    draws = loading.draws
    values, is_woman = person_values(loading, country, loading.names_of_leads)
    trade, name = draws.one_of(TRADES), f"{draws.one_of(country.surnames)[0]}"
    company = f"{country.company_names[trade].format(name)} {country.legal_form}"
    domain = f"{plain(company)[:40]}.example.net"
    return {
        **values,
        "jobtitle": country.positions[draws.one_of(list(country.positions))][is_woman],
        "companyname": company,
        "industrycode": INDUSTRIES[trade],
        "numberofemployees": draws.between(2, 60),
        "emailaddress1": f"{plain(values['firstname'])}.{plain(values['lastname'])}@{domain}",
        "websiteurl": f"https://{domain}",
        "telephone1": number_of(loading, country.telephone),
        "mobilephone": number_of(loading, country.mobile),
        **address_values(loading, country, draws.one_of(country.cities)),
    }


async def _qualify(loading: Loading, lead: Subject) -> None:
    result = await loading.execute(
        "lead",
        lead.reference.id,
        "qualify",
        lead.owner,
        createaccount=lead.contact is None,
        createcontact=lead.contact is None,
        createopportunity=True,
    )
    for reference in result.created:
        if reference.entity == "opportunity":
            await loading.update(
                "opportunity",
                reference.id,
                {
                    "salesstage": 0,
                    "stepname": _STAGES[0],
                    "closeprobability": _LIKELY[0],
                    "opportunityratingcode": loading.draws.between(1, 3),
                },
            )
            loading.subjects.append(
                Subject(reference, lead.owner, lead.opened, None, lead.contact, lead.address)
            )


async def _disqualify(loading: Loading, lead: Subject, reason: str, comment: str) -> None:
    await loading.update("lead", lead.reference.id, {"qualificationcomments": comment})
    await loading.execute(
        "lead",
        lead.reference.id,
        "disqualify",
        lead.owner,
        reason=_option(loading, "lead", "disqualify", "reason", reason),
    )


async def _write_opportunity(loading: Loading, contact: Contact, ending: str) -> None:
    draws = loading.draws
    assert contact.account is not None
    ware = draws.one_of(WARES)
    amount = draws.between(ware.low, ware.high, ware.step)
    currency = contact.country.currency
    value = loading.amount(amount * ware.unit_price, currency)
    stage = draws.weighted([(0, 25), (1, 35), (2, 25), (3, 15)])
    is_decided = ending in ("won", "canceled", "out_sold")
    opened = draws.between(-420, -70) if is_decided else draws.between(-120, -2)
    closed = min(-1, opened + draws.between(20, 150)) if is_decided else None
    opportunity = await loading.create(
        "opportunity",
        {
            "name": ware.text.format(n=amount),
            "customerid": Reference("account", contact.account.id),
            "parentaccountid": Reference("account", contact.account.id),
            "parentcontactid": Reference("contact", contact.id),
            "transactioncurrencyid": loading.currency(currency),
            "estimatedvalue": value,
            "budgetamount": loading.amount(amount * ware.unit_price * 9 // 10, currency),
            "estimatedclosedate": draws.day(closed, closed) if closed else draws.day(-12, 150),
            "closeprobability": 90 if ending == "won" else _LIKELY[stage],
            "opportunityratingcode": draws.weighted([(1, 30), (2, 45), (3, 25)]),
            "salesstage": 3 if is_decided else stage,
            "stepname": _STAGES[3 if is_decided else stage],
            "customerneed": ware.need,
            "purchasetimeframe": draws.between(0, 3),
            "purchaseprocess": draws.between(0, 1),
            "decisionmaker": draws.happens(60),
            "statuscode": _ON_HOLD if ending == "hold" else 1,
        },
        by=contact.owner,
        on=draws.moment(opened, opened),
    )
    subject = Subject(Reference("opportunity", opportunity), contact.owner, opened, closed, contact)
    loading.subjects.append(subject)
    if is_decided:
        loading.endings.append(lambda: _decide(loading, subject, ending, value))


async def _decide(loading: Loading, opportunity: Subject, ending: str, value: Decimal) -> None:
    assert opportunity.closed is not None
    day = loading.draws.day(opportunity.closed, opportunity.closed)
    if ending == "won":
        await loading.execute(
            "opportunity", opportunity.reference.id, "win", opportunity.owner,
            actualvalue=value, actualclosedate=day,
        )  # fmt: skip
        return
    await loading.execute(
        "opportunity", opportunity.reference.id, "lose", opportunity.owner,
        reason=_option(loading, "opportunity", "lose", "reason", ending), actualclosedate=day,
    )  # fmt: skip


def _option(loading: Loading, entity: str, command: str, parameter: str, name: str) -> int:
    """Return the value of an option of a command's parameter by its name."""
    parameters = loading.context.registry.entities[entity].command_by_name[command].parameters
    options = next(item for item in parameters if item.name == parameter).options
    return next(option.value for option in options if option.name == name)
