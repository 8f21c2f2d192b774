"""Country: what companies and people there are called, where they are, and how to reach them."""

from __future__ import annotations

from dataclasses import dataclass

TRADES = (
    "hotel", "hut", "shop", "rental", "school", "lift", "agency", "restaurant", "wholesaler",
    "repair", "clinic", "carrier", "builder",
)  # fmt: skip

POSITIONS = (
    "director", "purchasing", "operations", "finance", "marketing", "reception", "technician",
    "instructor",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class City:
    """A town with one of its postal codes; ``region`` is its state, voivodeship or county."""

    name: str
    postal_code: str
    region: str = ""


@dataclass(frozen=True, slots=True)
class Country:
    """One country the group works in.

    Attributes:
        code: ISO 3166 code.
        name: Its English name, as addresses carry it.
        currency: ISO 4217 code of what customers there pay in.
        legal_form: What follows the name of a company, ``Lda.``.
        company_names: For each of ``TRADES`` a pattern, ``Hotel {}``.
        proper_names: What fills the patterns.
        cities: Where customers are.
        streets: Street names with the local word for street; ``{}`` takes the house number.
        men: First names.
        women: First names.
        surnames: Pairs of a man's and a woman's form.
        positions: For each of ``POSITIONS`` a man's and a woman's form.
        salutations: A man's and a woman's.
        telephone: Pattern of a number that reaches nobody; ``{}`` takes two digits. North America
            and Germany set numbers aside for fiction; elsewhere the pattern lies outside the
            ranges that are given to subscribers.
        mobile: The same for mobile telephones.
    """

    code: str
    name: str
    currency: str
    legal_form: str
    company_names: dict[str, str]
    proper_names: tuple[str, ...]
    cities: tuple[City, ...]
    streets: tuple[str, ...]
    men: tuple[str, ...]
    women: tuple[str, ...]
    surnames: tuple[tuple[str, str], ...]
    positions: dict[str, tuple[str, str]]
    salutations: tuple[str, str]
    telephone: str
    mobile: str


def unchanging(*surnames: str) -> tuple[tuple[str, str], ...]:
    """Return surnames that men and women carry in the same form."""
    return tuple((surname, surname) for surname in surnames)
