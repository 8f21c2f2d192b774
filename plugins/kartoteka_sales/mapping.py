"""What a qualified lead hands on: which of its fields fills which field of the new records."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from kartoteka import Record

_SAME_ON_ACCOUNT_AND_CONTACT = {
    "telephone1": "telephone1",
    "emailaddress1": "emailaddress1",
    "address1_line1": "address1_line1",
    "address1_line2": "address1_line2",
    "address1_line3": "address1_line3",
    "address1_city": "address1_city",
    "address1_stateorprovince": "address1_stateorprovince",
    "address1_postalcode": "address1_postalcode",
    "address1_country": "address1_country",
    "preferredcontactmethodcode": "preferredcontactmethodcode",
    "donotbulkemail": "donotbulkemail",
    "donotemail": "donotemail",
    "donotfax": "donotfax",
    "donotphone": "donotphone",
    "donotpostalmail": "donotpostalmail",
    "donotsendmm": "donotsendmm",
    "transactioncurrencyid": "transactioncurrencyid",
}

# {entity that is created: {field of the lead: field of the new record}}
FIELD_MAPPINGS: Mapping[str, Mapping[str, str]] = {
    "account": {
        "companyname": "name",
        "websiteurl": "websiteurl",
        "industrycode": "industrycode",
        "numberofemployees": "numberofemployees",
        "revenue": "revenue",
        **_SAME_ON_ACCOUNT_AND_CONTACT,
    },
    "contact": {
        "firstname": "firstname",
        "lastname": "lastname",
        "jobtitle": "jobtitle",
        "mobilephone": "mobilephone",
        "leadsourcecode": "leadsourcecode",
        **_SAME_ON_ACCOUNT_AND_CONTACT,
    },
    "opportunity": {
        "subject": "name",
        "estimatedamount": "estimatedvalue",
        "estimatedclosedate": "estimatedclosedate",
        "budgetamount": "budgetamount",
        "budgetstatus": "budgetstatus",
        "need": "need",
        "purchaseprocess": "purchaseprocess",
        "purchasetimeframe": "purchasetimeframe",
        "decisionmaker": "decisionmaker",
        "qualificationcomments": "qualificationcomments",
        "description": "description",
        "transactioncurrencyid": "transactioncurrencyid",
    },
}


def mapped_values(lead: Record, entity: str) -> dict[str, Any]:
    """Return what the lead gives to a new record of ``entity``; its empty fields give nothing."""
    return {
        target: lead[source]
        for source, target in FIELD_MAPPINGS[entity].items()
        if lead.get(source) is not None
    }
