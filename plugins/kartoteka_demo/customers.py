"""Accounts with their hierarchy, and the people who work there or come on their own."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from hashlib import sha256
from typing import Any

from kartoteka import Reference
from kartoteka_demo.companies import (
    CUSTOMER,
    FICTITIOUS,
    GROUP,
    INDUSTRIES,
    PRIVATE,
    PROSPECT,
    PUBLIC,
    RESELLER,
    SUBSIDIARY,
    SUPPLIER,
    Company,
)
from kartoteka_demo.countries.all_countries import COUNTRIES
from kartoteka_demo.countries.country import POSITIONS, TRADES, City, Country
from kartoteka_demo.loading import Account, Contact, Loading, plain

ACCOUNTS = 180  # written here; qualified leads bring twenty more
CONTACTS = 580  # likewise
_INDEPENDENT = 36  # contacts of no company
_ENDINGS = ("com", "net", "org")  # example.com and its sisters are reserved for examples
_INACTIVE_ACCOUNTS = 6
_INACTIVE_CONTACTS = 14
_MALE, _FEMALE = 1, 2  # gendercode

_DECISION_MAKER, _EMPLOYEE, _INFLUENCER = 1, 2, 3  # accountrolecode
_ROLE_OF_POSITION = {
    "director": _DECISION_MAKER,
    "purchasing": _DECISION_MAKER,
    "operations": _INFLUENCER,
    "finance": _INFLUENCER,
}
_DEPARTMENT_OF_POSITION = {
    "director": "Management",
    "purchasing": "Purchasing",
    "operations": "Operations",
    "finance": "Finance",
    "marketing": "Marketing",
    "reception": "Reception",
    "technician": "Workshop",
    "instructor": "Ski school",
}


async def write_accounts(loading: Loading) -> None:
    """Write the group's own companies, the well-known fictitious ones and local businesses."""
    by_name: dict[str, Account] = {}
    for company in (*GROUP, *FICTITIOUS, *_local_businesses(loading)):
        account = _describe(loading, company)
        values = _account_values(loading, company, account)
        if company.parent:
            values["parentaccountid"] = Reference("account", by_name[company.parent].id)
        await loading.create(
            "account", values, by=account.owner, on=loading.draws.moment(-900, -810)
        )
        by_name[company.name] = account
        loading.accounts.append(account)


async def write_contacts(loading: Loading) -> None:
    """Write the people, name each account's primary contact, and retire a few of both."""
    draws = loading.draws
    employees = _employee_counts(loading)
    used: set[str] = set()
    for account, count in zip(loading.accounts, employees, strict=True):
        positions = ["director", *draws.shuffled(POSITIONS[1:])]
        primary = ""
        for position in positions[:count]:
            contact = await _write_person(loading, account.country, account, position, used)
            primary = primary or contact.id
        await loading.update(
            "account", account.id, {"primarycontactid": Reference("contact", primary)}
        )
    for _ in range(_INDEPENDENT):
        await _write_person(loading, draws.one_of(list(COUNTRIES.values())), None, "", used)
    await _retire(loading)


def person_values(
    loading: Loading, country: Country, used: set[str]
) -> tuple[dict[str, Any], bool]:
    """Return name and salutation of someone new, and whether she is a woman."""
    draws = loading.draws
    is_woman = draws.happens(48)
    while True:
        first = draws.one_of(country.women if is_woman else country.men)
        last = draws.one_of(country.surnames)[is_woman]
        if f"{first} {last}" not in used:
            break
    used.add(f"{first} {last}")
    return {
        "firstname": first,
        "lastname": last,
        "salutation": country.salutations[is_woman],
    }, is_woman


def address_values(loading: Loading, country: Country, city: City) -> dict[str, Any]:
    """Return an address in a city, as the fields of the first address."""
    return {
        "address1_line1": loading.draws.one_of(country.streets).format(
            loading.draws.between(1, 120)
        ),
        "address1_postalcode": city.postal_code,
        "address1_city": city.name,
        "address1_stateorprovince": city.region or None,
        "address1_country": country.name,
    }


def number_of(loading: Loading, pattern: str) -> str:
    """Return a telephone number that reaches nobody."""
    return pattern.format(f"{loading.draws.between(0, 99):02}")


def _local_businesses(loading: Loading) -> Iterator[Company]:
    draws = loading.draws
    names = {
        country.code: draws.shuffled(
            [(trade, name) for trade in TRADES for name in country.proper_names]
        )
        for country in COUNTRIES.values()
    }
    shares = [("PL", 26), ("PT", 19), ("RO", 20), ("SI", 17), ("DE", 10), ("US", 8)]
    for _ in range(ACCOUNTS - len(GROUP) - len(FICTITIOUS)):
        country = COUNTRIES[draws.weighted(shares)]
        trade, name = names[country.code].pop()
        form = f" {country.legal_form}" if draws.happens(35) else ""
        yield Company(
            name=country.company_names[trade].format(name) + form,
            country=country.code,
            city=draws.one_of(country.cities).name,
            industry=INDUSTRIES[trade],
            kind=draws.weighted([(CUSTOMER, 64), (PROSPECT, 18), (RESELLER, 9), (SUPPLIER, 9)]),
            employees=draws.between(3, 90),
        )


def _describe(loading: Loading, company: Company) -> Account:
    country = COUNTRIES[company.country]
    city = next(city for city in country.cities if city.name == company.city)
    return Account(
        id=loading.draws.record_id("account"),
        name=company.name,
        country=country,
        domain=f"{plain(company.name)[:40]}.example.{loading.draws.one_of(_ENDINGS)}",
        address=address_values(loading, country, city),
        owner=loading.colleague("sales", country),
    )


def _account_values(loading: Loading, company: Company, account: Account) -> dict[str, Any]:
    draws = loading.draws
    country = account.country
    ownership = PUBLIC if company.employees > 2000 else PRIVATE
    revenue = Decimal(company.employees * draws.between(60, 140)) * 1000
    return {
        "accountid": account.id,
        "name": company.name,
        "accountnumber": f"{country.code}-{10000 + len(loading.accounts) + 1}",
        "customertypecode": company.kind,
        "accountcategorycode": 1 if draws.happens(22) else 2,
        "industrycode": company.industry,
        "ownershipcode": SUBSIDIARY if company.parent else ownership,
        "numberofemployees": company.employees,
        "transactioncurrencyid": loading.currency(country.currency),
        "revenue": revenue,
        "creditlimit": Decimal(draws.between(5, 80, 5) * 1000),
        "creditonhold": draws.happens(4),
        "paymenttermscode": draws.weighted([(1, 60), (2, 10), (3, 20), (4, 10)]),
        "telephone1": number_of(loading, country.telephone),
        "emailaddress1": f"info@{account.domain}",
        "websiteurl": f"https://{account.domain}",
        **account.address,
        "donotbulkemail": draws.happens(6),
        "description": company.description or None,
    }


def _employee_counts(loading: Loading) -> list[int]:
    """Return how many people each account has: two to five, together what is planned."""
    counts = [2] * len(loading.accounts)
    left = CONTACTS - _INDEPENDENT - sum(counts)
    while left:
        at = loading.draws.between(0, len(counts) - 1)
        if counts[at] < 5:
            counts[at] += 1
            left -= 1
    return counts


async def _write_person(
    loading: Loading, country: Country, account: Account | None, position: str, used: set[str]
) -> Contact:
    draws = loading.draws
    values, is_woman = person_values(loading, country, used)
    name = f"{values['firstname']} {values['lastname']}"
    address = f"{plain(values['firstname'])}.{plain(values['lastname'])}"
    email = f"{address}@{account.domain if account else 'example.com'}"
    owner = account.owner if account else loading.colleague("sales", country)
    values |= {
        "gendercode": _FEMALE if is_woman else _MALE,
        "emailaddress1": email,
        "mobilephone": number_of(loading, country.mobile),
        "transactioncurrencyid": loading.currency(country.currency),
        "preferredcontactmethodcode": draws.weighted([(1, 60), (2, 25), (3, 12), (5, 3)]),
        "donotbulkemail": draws.happens(12),
        "donotemail": draws.happens(4),
        "donotphone": draws.happens(5),
        "donotpostalmail": draws.happens(6),
        "donotsendmm": draws.happens(7),
    }
    if draws.happens(55):
        values["birthdate"] = _birthday(loading)
        values["governmentid"] = _government_id(country, email)
    if account:
        values |= _at_work(loading, account, position, is_woman)
    else:
        values |= address_values(loading, country, draws.one_of(country.cities))
        values["telephone2"] = number_of(loading, country.telephone)
    written = await loading.create("contact", values, by=owner, on=draws.moment(-800, -250))
    contact = Contact(written, name, country, email, owner, account)
    loading.contacts.append(contact)
    return contact


def _at_work(loading: Loading, account: Account, position: str, is_woman: bool) -> dict[str, Any]:
    return {
        "parentcustomerid": Reference("account", account.id),
        "jobtitle": account.country.positions[position][is_woman],
        "department": _DEPARTMENT_OF_POSITION[position],
        "accountrolecode": _ROLE_OF_POSITION.get(position, _EMPLOYEE),
        "telephone1": number_of(loading, account.country.telephone),
        **account.address,
    }


def _government_id(country: Country, email: str) -> str:
    """Return an identity number that nobody has, in no country's form; always the same."""
    return f"{country.code}-{int(sha256(email.encode()).hexdigest(), 16) % 10**9:09d}"


def _birthday(loading: Loading) -> date:
    year = loading.draws.today.year - loading.draws.between(22, 64)
    return date(year, loading.draws.between(1, 12), loading.draws.between(1, 28))


async def _retire(loading: Loading) -> None:
    """Make a few accounts and contacts inactive that nothing below is about."""
    first_local = len(GROUP) + len(FICTITIOUS)
    accounts = loading.draws.some_of(loading.accounts[first_local:], _INACTIVE_ACCOUNTS)
    contacts = loading.draws.some_of(
        [contact for contact in loading.contacts if contact.account not in accounts],
        _INACTIVE_CONTACTS,
    )
    for account in accounts:
        await loading.update("account", account.id, {"statecode": 1, "statuscode": 2})
    for contact in contacts:
        await loading.update("contact", contact.id, {"statecode": 1, "statuscode": 2})
    loading.accounts = [account for account in loading.accounts if account not in accounts]
    loading.contacts = [
        contact
        for contact in loading.contacts
        if contact not in contacts and contact.account not in accounts
    ]
