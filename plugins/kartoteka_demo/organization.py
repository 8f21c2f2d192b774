"""Business units, currencies, and users with their roles."""

from __future__ import annotations

from kartoteka import Reference
from kartoteka_demo.colleagues import COLLEAGUES, ROOT_UNIT, UNITS
from kartoteka_demo.loading import FOR_A_EURO, Loading

_CURRENCIES = {  # ISO code → name, symbol
    "EUR": ("Euro", "€"),
    "PLN": ("Polish złoty", "zł"),
    "RON": ("Romanian leu", "lei"),
    "USD": ("US dollar", "$"),
}


async def write_units(loading: Loading) -> None:
    """Name the root business unit after the group and add those of the countries."""
    root = (
        await loading.context.records.list(
            "businessunit", filter="parentbusinessunitid eq null", fields=["businessunitid"]
        )
    )[0]["businessunitid"]
    await loading.update("businessunit", root, {"name": ROOT_UNIT})
    loading.units[ROOT_UNIT] = root
    for unit in UNITS:
        loading.units[unit.name] = await loading.create(
            "businessunit",
            {
                "name": unit.name,
                "parentbusinessunitid": Reference("businessunit", loading.units[unit.parent]),
                "emailaddress": unit.email,
                "costcenter": unit.cost_center,
                "websiteurl": "https://alpineskihouse.example.com",
            },
        )


async def write_currencies(loading: Loading) -> None:
    """Add the currencies of the customers; the base currency is there already."""
    for row in await loading.context.records.list(
        "transactioncurrency", fields=["transactioncurrencyid", "isocurrencycode"]
    ):
        loading.currencies[row["isocurrencycode"]] = row["transactioncurrencyid"]
    base = next((code for code in _CURRENCIES if code in loading.currencies), "EUR")
    for code, (name, symbol) in _CURRENCIES.items():
        if code not in loading.currencies:
            loading.currencies[code] = await loading.create(
                "transactioncurrency",
                {
                    "isocurrencycode": code,
                    "currencyname": name,
                    "currencysymbol": symbol,
                    "currencyprecision": 2,
                    "exchangerate": FOR_A_EURO[code] / FOR_A_EURO[base],
                },
            )


async def write_users(loading: Loading) -> None:
    """Add the colleagues, each after their manager, and let them sign in."""
    for person in COLLEAGUES:
        values = {
            "domainname": person.user_name,
            "firstname": person.first_name,
            "lastname": person.last_name,
            "jobtitle": person.job_title,
            "internalemailaddress": f"{person.user_name}@alpineskihouse.example.com",
            "businessunitid": Reference("businessunit", loading.units[person.unit]),
        }
        if person.manager:
            values["parentsystemuserid"] = loading.owner(person.manager)
        loading.users[person.user_name] = await loading.create("systemuser", values)
        await loading.context.let_sign_in(
            loading.users[person.user_name],
            roles=person.roles,
            language=person.language,
            time_zone=person.time_zone,
        )


async def write_profile_members(loading: Loading) -> None:
    """Let managers see what is secured of guests."""
    records = loading.context.records
    found = await records.list(
        "fieldsecurityprofile",
        filter="logicalname eq 'demo_identity'",
        fields=["fieldsecurityprofileid"],
    )
    for profile in found:
        for person in COLLEAGUES:
            if "sales_manager" in person.roles:
                await records.associate(
                    "systemuserprofiles_association",
                    loading.users[person.user_name],
                    profile["fieldsecurityprofileid"],
                )
