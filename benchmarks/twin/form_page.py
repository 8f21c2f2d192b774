"""The edit form: what the template shows, in the form it shows it."""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Sequence
from datetime import datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader

COLUMNS = tuple(
    """
    salutation firstname lastname jobtitle parentcustomerid parentcustomerid__entity emailaddress1
    telephone1 mobilephone entityimage address1_line1 address1_line2 address1_postalcode
    address1_city address1_stateorprovince address1_country description contactkinds
    accountrolecode department employeeid managername managerphone assistantname assistantphone
    middlename suffix nickname gendercode birthdate anniversary familystatuscode spousesname
    numberofchildren childrensnames telephone2 business2 home2 telephone3 company callback fax
    pager emailaddress2 emailaddress3 websiteurl ftpsiteurl preferredcontactmethodcode
    preferredsystemuserid preferredappointmentdaycode preferredappointmenttimecode donotemail
    donotbulkemail donotphone donotfax donotpostalmail donotbulkpostalmail donotsendmm followemail
    rememberme lastusedincampaign gdprconsent donottrack gdprischild gdprparentid
    transactioncurrencyid paymenttermscode creditlimit creditonhold aging30 aging60 aging90
    annualincome address1_name address1_addresstypecode address1_line3 address1_county
    address1_postofficebox address1_telephone1 address1_fax address1_shippingmethodcode
    address1_freighttermscode address1_primarycontactname address2_name address2_addresstypecode
    address2_line1 address2_line2 address2_line3 address2_postalcode address2_city
    address2_stateorprovince address2_county address2_country address2_postofficebox
    address2_telephone1 address2_fax address2_shippingmethodcode address2_freighttermscode
    address2_primarycontactname address3_name address3_addresstypecode address3_line1
    address3_line2 address3_line3 address3_postalcode address3_city address3_stateorprovince
    address3_county address3_country address3_postofficebox address3_telephone1 address3_fax
    address3_shippingmethodcode address3_freighttermscode address3_primarycontactname ownerid
    ownerid__entity owningbusinessunit merged masterid createdby createdon modifiedby modifiedon
    contactid fullname statecode versionnumber
    """.split()
)
_NAMES = (
    "account_name", "unit_name", "currency_name", "owner_name", "creator_name", "changer_name",
    "guardian_name", "master_name", "preferred_name",
)  # fmt: skip
_ALL = (*COLUMNS, *_NAMES)
_AMOUNTS = ("aging30", "aging60", "aging90", "annualincome", "creditlimit")
_KEY = b"the twin's own key"

_TEMPLATE = Environment(
    loader=FileSystemLoader(Path(__file__).parent / "templates"), autoescape=True
).get_template("contact_form.html")


def render_form(row: Sequence[Any], *, engine: str, user_name: str, session: str) -> str:
    """Return the page of a contact; ``row`` holds ``COLUMNS`` and the names of its lookups."""
    values: dict[str, Any] = dict(zip(_ALL, row, strict=True))
    for name, value in values.items():
        if value is None:
            values[name] = ""
    if engine == "sqlite":
        for name in _AMOUNTS:
            if values[name] != "":
                values[name] = Decimal(values[name]).scaleb(-4)
        values["contactkinds"] = [
            int(part) for part in values["contactkinds"][1:-1].split(",") if part
        ]
        values["createdon"] = datetime.fromisoformat(values["createdon"])
        values["modifiedon"] = datetime.fromisoformat(values["modifiedon"])
    values["contactkinds"] = values["contactkinds"] or []
    for name in ("createdon", "modifiedon"):
        values[name] = values[name].strftime("%b %d, %Y, %I:%M %p")
    return _TEMPLATE.render(
        values, title=values["fullname"], user_name=user_name, token=_token(session)
    )


def _token(session: str) -> str:
    """Return what the form must send back, so that other sites cannot post it."""
    return hmac.new(_KEY, session.encode(), hashlib.sha256).hexdigest()
