"""Marketing lists of accounts, contacts and leads, with their members."""

from __future__ import annotations

from dataclasses import dataclass

from kartoteka_demo.colleagues import COLLEAGUES
from kartoteka_demo.loading import Loading

_ACCOUNT, _CONTACT, _LEAD = 1, 2, 4  # createdfromcode


@dataclass(frozen=True, slots=True)
class _List:
    name: str
    kind: int
    purpose: str
    source: str
    size: int


_LISTS = (
    _List("Season opening letter", _CONTACT, "Invitation to the opening weekend",
          "Contacts of the last two winters", 140),
    _List("Winter news", _CONTACT, "Monthly news about snow, prices and free weeks",
          "Sign-up on the web site", 220),
    _List("Ski school leaders", _CONTACT, "Dates of trainings and test days", "Test days", 45),
    _List("Houses with a ski room", _ACCOUNT, "Drying racks and rental fleets", "Sales", 60),
    _List("Shops that resell packages", _ACCOUNT, "Price list for resellers", "Partners", 28),
    _List("Fair visitors", _LEAD, "Thanks for the visit and an offer", "Fair stand 12", 50),
)  # fmt: skip

_LINKS = {
    _ACCOUNT: "listaccount_association",
    _CONTACT: "listcontact_association",
    _LEAD: "listlead_association",
}


async def write_lists(loading: Loading) -> None:
    """Write the lists and put members on them."""
    owner = next(person.user_name for person in COLLEAGUES if person.line == "marketing")
    members = {
        _ACCOUNT: [account.id for account in loading.accounts],
        _CONTACT: [contact.id for contact in loading.contacts],
        _LEAD: [item.reference.id for item in loading.subjects if item.reference.entity == "lead"],
    }
    for item in _LISTS:
        list_id = await loading.create(
            "list",
            {
                "listname": item.name,
                "createdfromcode": item.kind,
                "purpose": item.purpose,
                "source": item.source,
            },
            by=owner,
        )
        for member in loading.draws.some_of(members[item.kind], item.size):
            await loading.associate(_LINKS[item.kind], list_id, member, by=owner)
