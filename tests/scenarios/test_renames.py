"""An app that calls accounts, contacts and cases something else never shows the old words."""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Iterator
from typing import Any
from urllib.parse import urldefrag, urljoin, urlsplit

import pytest

from kartoteka.errors import AccessDenied, RecordInvalid
from kartoteka.labels import LabelResolver
from kartoteka.model.label import Label
from kartoteka.registry import Registry
from kartoteka_runtime.testing.sample_values import SampleRecords

ACCOUNT = """\
kind: entity
format: 1
extends: account
label: { en: Company, pl: Przedsiębiorstwo, pt: Empresa, ro: Companie, sl: Družba }
plural_label: { en: Companies, pl: Przedsiębiorstwa, pt: Empresas, ro: Companii, sl: Družbe }
"""
CONTACT = """\
kind: entity
format: 1
extends: contact
label: { en: Person, pl: Osoba, pt: Pessoa, ro: Persoană, sl: Oseba }
plural_label: { en: Persons, pl: Osoby, pt: Pessoas, ro: Persoane, sl: Osebe }
"""
INCIDENT = """\
kind: entity
format: 1
extends: incident
label: { en: Ticket, pl: Zgłoszenie, pt: Chamado, ro: Tichet, sl: Zahtevek }
plural_label: { en: Tickets, pl: Zgłoszenia, pt: Chamados, ro: Tichete, sl: Zahtevki }
"""
RENAMED = {
    "entities/account.yaml": ACCOUNT,
    "entities/contact.yaml": CONTACT,
    "entities/incident.yaml": INCIDENT,
}
NEW_WORDS = {
    "en": ("Company", "Companies", "Person", "Persons", "Ticket", "Tickets"),
    "pl": ("Przedsiębiorstwo", "Przedsiębiorstwa", "Osoba", "Osoby", "Zgłoszenie", "Zgłoszenia"),
}
OLD_WORDS = {
    "en": r"accounts?|contacts?|cases?",
    "pl": r"firm(a|y|ie|ę|ą|o|om|ami|ach)?|kontak(t|tu|towi|tem|cie|ty|tów|tom|tami|tach)"
    r"|spraw(a|y|ie|ę|ą|o|om|ami|ach)?",
    "pt": r"contas?|contactos?|casos?",
    "ro": r"cont(ul|ului|uri|urile|urilor)?|persoan[aeă]i? de contact"
    r"|caz(ul|ului|uri|urile|urilor)?",
    "sl": r"podjet(je|ja|ju|jem|ij|jih|ji)|stik(a|u|om|i|ov|e|ih)?|primer(a|u|om|i|ov|e|ih)?",
}
NOBODY_CREATES = ("securityevent", "webhookdelivery")  # the platform alone does
MOST_PAGES = 1000
# No pages, and the pages of customizers, which show logical names and what each layer says.
NOT_CRAWLED = ("/static", "/theme", "/customize", "/jobs")


@pytest.fixture
async def renamed(start_app):
    """Give a CRM in which accounts, contacts and cases are called something else."""
    return await start_app(plugins=["sales", "service", "marketing"], metadata=RENAMED)


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("language", "one_in"),
    [
        pytest.param("en", 1, marks=pytest.mark.slow),
        pytest.param("pl", 1, marks=pytest.mark.slow),
        ("pl", 8),
    ],
)
async def test_no_page_shows_the_old_words(renamed, reader, language, one_in):
    """Opens every page and what it links to; in the quick run every eighth page and no links."""
    records = await _one_of_each(renamed)
    someone = await reader(renamed, language=language)
    starts = list(_starts(renamed.registry, records))[::one_in]
    pages = [page async for page in _crawl(someone, starts, follows=one_in == 1)]
    pages += [page async for page in _refusals(someone, renamed.registry, records)]

    found = {
        f"{text!r} at {urlsplit(page.url).path}"
        for page in pages
        for text in _old(page.words, language)
    }
    assert not found, "\n".join(sorted(found))
    shown = {text.strip() for page in pages for text in page.words}
    assert shown >= set(NEW_WORDS[language])
    assert all(page.status < 500 for page in pages)


@pytest.mark.parametrize("engine", ["sqlite"], indirect=True)
@pytest.mark.parametrize("language", ["en", "pl", "pt", "ro", "sl"])
async def test_no_text_holds_the_old_words(renamed, language):
    resolver = LabelResolver(renamed.registry)
    texts = [resolver.text(label, language) for label in _labels(renamed.registry.to_json())]
    found = set(_old(texts, language))
    assert not found, "\n".join(sorted(found))
    assert len(texts) > 1000


def _old(texts: list[str], language: str) -> list[str]:
    old = re.compile(rf"\b({OLD_WORDS[language]})\b", re.IGNORECASE)
    return [text.strip() for text in texts if old.search(text)]


def _labels(value: Any) -> Iterator[Label]:
    """Yield every label of a registry's JSON: each map from language codes to texts."""
    match value:
        case {"en": str()}:
            yield Label(value)
        case dict():
            for inner in value.values():
                yield from _labels(inner)
        case list():
            for inner in value:
                yield from _labels(inner)


async def _one_of_each(app) -> dict[str, str]:
    """Create a record of each entity that people can create; ids by entity."""
    made = {}
    samples = SampleRecords(app.registry, await app.records_as())
    for entity in app.registry.entities:
        try:
            made[entity] = (await samples.create(entity)).id
        except RecordInvalid:
            continue  # the platform alone writes it
        except AccessDenied:
            assert entity in NOBODY_CREATES
    return made


def _starts(registry: Registry, records: dict[str, str]) -> Iterator[str]:
    yield from ("/", "/settings", "/nowhere")
    for entity in registry.entities.values():
        yield f"/e/{entity.name}/new"
        yield f"/e/{entity.name}/new?quick=1"
        yield from (
            f"/e/{entity.name}?view={view.name}"
            for view in registry.views.values()
            if view.entity == entity.name
        )
        yield f"/lookup/{entity.name}?q="
        yield f"/lookup/{entity.name}?q=nothing%20like%20it"
        if entity.name not in records:
            continue
        record = f"/e/{entity.name}/{records[entity.name]}"
        yield f"{record}/delete"
        yield from (f"{record}/command/{command.name}" for command in entity.commands)
        yield from (f"{record}/state/{state.name}" for state in entity.states)
        yield from (
            f"{record}?form={form.name}"
            for form in registry.forms.values()
            if form.entity == entity.name
        )


async def _crawl(someone, starts: list[str], *, follows: bool):
    """Yield the starting pages and whatever their links lead to."""
    waiting = deque(starts)
    seen = {_shape(address) for address in waiting}
    count = 0
    while waiting and count < MOST_PAGES:
        address = waiting.popleft()
        page = await someone.open(address, part="/part/" in address)
        may_be_refused = any(f"/e/{one}/new" in address for one in NOBODY_CREATES)
        assert page.status in (200, 303, 404) or (page.status == 403 and may_be_refused), address
        yield page
        count += 1
        for link in [page.address, *(page.links if follows else ())]:
            goal = urldefrag(urljoin(address, link))[0]
            is_page = goal.startswith("/") and not goal.startswith(NOT_CRAWLED)
            if is_page and _shape(goal) not in seen:
                seen.add(_shape(goal))
                waiting.append(goal)
    assert not waiting, f"more than {MOST_PAGES} pages"


def _shape(address: str) -> str:
    """Return an address without what changes the rows of a page but none of its words."""
    return re.sub(r"(?<=[?&])(?!(?:view|form|quick|q)=)\w+=[^&]*&?", "", address).rstrip("?&")


async def _refusals(someone, registry: Registry, records: dict[str, str]):
    """Yield what is answered to forms that are filled in wrongly, and to deleting."""
    for entity in registry.entities:
        address = f"/e/{entity}/new"
        new = await someone.open(address)
        if new.status == 200:
            form = new.form.values
            typed = [name for name in form if not name.startswith("_") and "." not in name]
            for text in ("", "x" * 4001):
                yield await someone.post(address, {**form, **dict.fromkeys(typed, text)})
    for entity, record in records.items():
        address = f"/e/{entity}/{record}/delete"
        page = await someone.open(address)
        if page.status == 200:
            yield await someone.send(page.form_to(address))
