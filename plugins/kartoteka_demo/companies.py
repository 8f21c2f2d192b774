"""Named companies: the group Alpine Ski House itself, and the well-known fictitious ones."""

from __future__ import annotations

from dataclasses import dataclass

CUSTOMER, PARTNER, PROSPECT, RESELLER, SUPPLIER, VENDOR = 3, 5, 8, 9, 10, 11  # customertypecode
COMPETITOR = 1
PUBLIC, PRIVATE, SUBSIDIARY = 1, 2, 3  # ownershipcode

INDUSTRIES = {  # trade → industrycode
    "hotel": 8, "hut": 8, "shop": 22, "rental": 15, "school": 27, "lift": 23, "agency": 23,
    "restaurant": 13, "wholesaler": 33, "repair": 25, "clinic": 11, "carrier": 30, "builder": 28,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Company:
    """A company with a name of its own; a parent is listed before its subsidiaries.

    ``kind`` and ``industry`` are option values of customertypecode and industrycode; ``city``
    names one of the country's cities.
    """

    name: str
    country: str
    city: str
    industry: int
    kind: int = CUSTOMER
    parent: str = ""
    employees: int = 0
    description: str = ""


_GROUP = "Alpine Ski House"
_EUROPE = "Alpine Ski House Europe"
_AMERICA = "Alpine Ski House North America"
_LODGING = 8  # Consumer Services
_RENTAL = 15

GROUP = (
    Company(_GROUP, "SI", "Kranjska Gora", _LODGING, PARTNER, employees=1450,
            description="Holding of the group: lodges, rental stations, ski schools and the "
            "workshop that fits out other houses. Every company of the group is below it."),
    Company(_EUROPE, "SI", "Ljubljana", _LODGING, PARTNER, _GROUP, 980),
    Company(_AMERICA, "US", "Denver", _LODGING, PARTNER, _GROUP, 420),
    Company("Alpine Ski House Polska", "PL", "Kraków", _LODGING, PARTNER, _EUROPE, 260),
    Company("Alpine Ski House Zakopane", "PL", "Zakopane", _LODGING, PARTNER,
            "Alpine Ski House Polska", 90),
    Company("Alpine Ski House Szczyrk", "PL", "Szczyrk", _LODGING, PARTNER,
            "Alpine Ski House Polska", 64),
    Company("Alpine Ski House Karpacz", "PL", "Karpacz", _RENTAL, PARTNER,
            "Alpine Ski House Polska", 31),
    Company("Alpine Ski House Portugal", "PT", "Lisboa", _LODGING, PARTNER, _EUROPE, 120),
    Company("Alpine Ski House Serra da Estrela", "PT", "Covilhã", _LODGING, PARTNER,
            "Alpine Ski House Portugal", 58),
    Company("Alpine Ski House Manteigas", "PT", "Manteigas", _RENTAL, PARTNER,
            "Alpine Ski House Portugal", 17),
    Company("Alpine Ski House România", "RO", "București", _LODGING, PARTNER, _EUROPE, 210),
    Company("Alpine Ski House Sinaia", "RO", "Sinaia", _LODGING, PARTNER,
            "Alpine Ski House România", 72),
    Company("Alpine Ski House Predeal", "RO", "Predeal", _RENTAL, PARTNER,
            "Alpine Ski House România", 28),
    Company("Alpine Ski House Slovenija", "SI", "Ljubljana", _LODGING, PARTNER, _EUROPE, 240),
    Company("Alpine Ski House Bled", "SI", "Bled", _LODGING, PARTNER,
            "Alpine Ski House Slovenija", 83),
    Company("Alpine Ski House Bovec", "SI", "Bovec", _RENTAL, PARTNER,
            "Alpine Ski House Slovenija", 24),
    Company("Alpine Ski House Deutschland", "DE", "München", _LODGING, PARTNER, _EUROPE, 150),
    Company("Alpine Ski House Garmisch", "DE", "Garmisch-Partenkirchen", _LODGING, PARTNER,
            "Alpine Ski House Deutschland", 66),
    Company("Alpine Ski House Colorado", "US", "Aspen", _LODGING, PARTNER, _AMERICA, 210),
    Company("Alpine Ski House Vermont", "US", "Stowe", _LODGING, PARTNER, _AMERICA, 95),
)  # fmt: skip

FICTITIOUS = (
    Company("Adventure Works", "US", "Seattle", 33, CUSTOMER, employees=870,
            description="Wholesaler of outdoor and cycling goods; buys its winter range here."),
    Company("Adventure Works Polska", "PL", "Wrocław", 33, CUSTOMER, "Adventure Works", 110),
    Company("A. Datum", "DE", "Stuttgart", 7, CUSTOMER, employees=240),
    Company("Blue Yonder Airlines", "US", "Boston", 30, PARTNER, employees=5200,
            description="Flies the guests of the group; sells its packages on board."),
    Company("City Power & Light", "US", "Portland", 31, SUPPLIER, employees=3100),
    Company("Coho Winery", "PT", "Viseu", 17, SUPPLIER, employees=85),
    Company("Contoso", "US", "Denver", 12, CUSTOMER, employees=12400,
            description="Manufacturer with many sites; sends its staff to winter retreats."),
    Company("Contoso Polska", "PL", "Warszawa", 12, CUSTOMER, "Contoso", 640),
    Company("Contoso Portugal", "PT", "Porto", 12, CUSTOMER, "Contoso", 310),
    Company("Contoso România", "RO", "Cluj-Napoca", 12, CUSTOMER, "Contoso", 480),
    Company("Contoso Cluj Service", "RO", "Cluj-Napoca", 25, CUSTOMER, "Contoso România", 45),
    Company("Fabrikam", "DE", "Nürnberg", 12, VENDOR, employees=2900,
            description="Builds lifts and ticket gates."),
    Company("Fabrikam Slovenija", "SI", "Maribor", 12, VENDOR, "Fabrikam", 180),
    Company("Fourth Coffee", "SI", "Ljubljana", 13, CUSTOMER, employees=130),
    Company("Fourth Coffee Kraków", "PL", "Kraków", 13, CUSTOMER, "Fourth Coffee", 22),
    Company("Imported Sports", "RO", "Timișoara", 22, RESELLER, employees=74),
    Company("Litware", "US", "Salt Lake City", 6, CUSTOMER, employees=520),
    Company("Northwind Traders", "PT", "Lisboa", 10, RESELLER, employees=410),
    Company("Northwind Traders Norte", "PT", "Braga", 10, RESELLER, "Northwind Traders", 60),
    Company("Relecloud", "DE", "Berlin", 6, SUPPLIER, employees=1600),
    Company("Trey Research", "SI", "Celje", 7, CUSTOMER, employees=96),
    Company("Company X", "PL", "Poznań", 6, PROSPECT, employees=40),
    Company("Company Y", "RO", "Iași", 6, COMPETITOR, employees=35),
)  # fmt: skip
