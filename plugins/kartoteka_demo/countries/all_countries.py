"""COUNTRIES: every country of the sample data by its code."""

from __future__ import annotations

from kartoteka_demo.countries.country import Country
from kartoteka_demo.countries.germany import GERMANY
from kartoteka_demo.countries.poland import POLAND
from kartoteka_demo.countries.portugal import PORTUGAL
from kartoteka_demo.countries.romania import ROMANIA
from kartoteka_demo.countries.slovenia import SLOVENIA
from kartoteka_demo.countries.united_states import UNITED_STATES

COUNTRIES: dict[str, Country] = {
    country.code: country
    for country in (POLAND, PORTUGAL, ROMANIA, SLOVENIA, GERMANY, UNITED_STATES)
}
