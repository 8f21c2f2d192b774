"""Who works for the group: business units, and users with their roles."""

from __future__ import annotations

from dataclasses import dataclass

ROOT_UNIT = "Alpine Ski House"


@dataclass(frozen=True, slots=True)
class Unit:
    """A business unit below the root one, listed after its parent."""

    name: str
    parent: str
    email: str
    cost_center: str


@dataclass(frozen=True, slots=True)
class Colleague:
    """A user; ``line`` is what they do for customers of ``countries`` (sales, service, …)."""

    user_name: str
    first_name: str
    last_name: str
    job_title: str
    unit: str
    manager: str
    roles: tuple[str, ...]
    line: str
    countries: tuple[str, ...]
    language: str
    time_zone: str


UNITS = (
    Unit("Alpine Ski House Europe", ROOT_UNIT, "europe@alpineskihouse.example.com", "100"),
    Unit("Alpine Ski House North America", ROOT_UNIT, "us@alpineskihouse.example.com", "200"),
    Unit("Alpine Ski House Poland", "Alpine Ski House Europe",
         "poland@alpineskihouse.example.com", "110"),
    Unit("Alpine Ski House Portugal", "Alpine Ski House Europe",
         "portugal@alpineskihouse.example.com", "120"),
    Unit("Alpine Ski House Romania", "Alpine Ski House Europe",
         "romania@alpineskihouse.example.com", "130"),
    Unit("Alpine Ski House Slovenia", "Alpine Ski House Europe",
         "slovenia@alpineskihouse.example.com", "140"),
)  # fmt: skip

_SALES = ("salesperson",)
_SALES_MANAGER = ("sales_manager",)
_SERVICE = ("customer_service_representative",)

COLLEAGUES = (
    Colleague("maja.kovac", "Maja", "Kovač", "Group sales director", ROOT_UNIT, "",
              _SALES_MANAGER, "sales", ("SI",), "sl", "Europe/Ljubljana"),
    Colleague("piotr.zielinski", "Piotr", "Zieliński", "Kierownik sprzedaży",
              "Alpine Ski House Poland", "maja.kovac",
              _SALES_MANAGER, "sales", ("PL",), "pl", "Europe/Warsaw"),
    Colleague("anna.nowak", "Anna", "Nowak", "Przedstawicielka handlowa",
              "Alpine Ski House Poland", "piotr.zielinski",
              _SALES, "sales", ("PL",), "pl", "Europe/Warsaw"),
    Colleague("katarzyna.wojcik", "Katarzyna", "Wójcik", "Specjalistka ds. obsługi klienta",
              "Alpine Ski House Poland", "piotr.zielinski",
              _SERVICE, "service", ("PL", "DE"), "pl", "Europe/Warsaw"),
    Colleague("ines.carvalho", "Inês", "Carvalho", "Diretora comercial",
              "Alpine Ski House Portugal", "maja.kovac",
              _SALES_MANAGER, "sales", ("PT",), "pt", "Europe/Lisbon"),
    Colleague("joao.ferreira", "João", "Ferreira", "Comercial",
              "Alpine Ski House Portugal", "ines.carvalho",
              _SALES, "sales", ("PT",), "pt", "Europe/Lisbon"),
    Colleague("rui.matos", "Rui", "Matos", "Apoio ao cliente",
              "Alpine Ski House Portugal", "ines.carvalho",
              _SERVICE, "service", ("PT",), "pt", "Europe/Lisbon"),
    Colleague("andrei.popescu", "Andrei", "Popescu", "Agent de vânzări",
              "Alpine Ski House Romania", "maja.kovac",
              _SALES, "sales", ("RO",), "ro", "Europe/Bucharest"),
    Colleague("elena.ionescu", "Elena", "Ionescu", "Relații cu clienții",
              "Alpine Ski House Romania", "andrei.popescu",
              _SERVICE, "service", ("RO",), "ro", "Europe/Bucharest"),
    Colleague("luka.zupan", "Luka", "Zupan", "Prodajalec",
              "Alpine Ski House Slovenia", "maja.kovac",
              _SALES, "sales", ("SI",), "sl", "Europe/Ljubljana"),
    Colleague("nina.bizjak", "Nina", "Bizjak", "Podpora strankam",
              "Alpine Ski House Slovenia", "maja.kovac",
              _SERVICE, "service", ("SI",), "sl", "Europe/Ljubljana"),
    Colleague("tina.horvat", "Tina", "Horvat", "Vodja trženja",
              "Alpine Ski House Europe", "maja.kovac",
              ("marketing_professional",), "marketing",
              ("PL", "PT", "RO", "SI", "DE", "US"), "sl", "Europe/Ljubljana"),
    Colleague("jonas.weber", "Jonas", "Weber", "Vertriebsleiter",
              "Alpine Ski House Europe", "maja.kovac",
              _SALES_MANAGER, "sales", ("DE",), "en", "Europe/Berlin"),
    Colleague("emily.carter", "Emily", "Carter", "Sales representative",
              "Alpine Ski House North America", "maja.kovac",
              _SALES, "sales", ("US",), "en", "America/Denver"),
    Colleague("marcus.hill", "Marcus", "Hill", "Customer service representative",
              "Alpine Ski House North America", "emily.carter",
              _SERVICE, "service", ("US",), "en", "America/Denver"),
    Colleague("radu.marin", "Radu", "Marin", "Administrator aplicații",
              "Alpine Ski House Europe", "maja.kovac",
              ("system_customizer",), "", (), "ro", "Europe/Bucharest"),
)  # fmt: skip
