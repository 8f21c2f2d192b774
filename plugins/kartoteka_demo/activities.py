"""Tasks, phone calls, email, appointments and letters about the records so far, and notes."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

from kartoteka import Party, Reference
from kartoteka_demo.business import (
    CALLS,
    LETTERS,
    MAIL_TEXT,
    MAILS,
    MEETINGS,
    NOTES,
    PLACES,
    TASKS,
)
from kartoteka_demo.loading import Contact, Loading, Subject

COUNTS = {"task": 340, "phonecall": 260, "email": 220, "appointment": 140, "letter": 40}
NOTE_COUNT = 160

_WORDS = {
    "task": TASKS,
    "phonecall": CALLS,
    "email": MAILS,
    "appointment": MEETINGS,
    "letter": LETTERS,
}
_MINUTES = {"task": 30, "phonecall": 10, "email": 5, "appointment": 60, "letter": 15}
_COMPLETED = 1  # statecode
_DONE_REASONS = {  # statuscode of what we did, and of what the other side did
    "task": (5, 5),
    "phonecall": (2, 4),  # made, received
    "email": (3, 4),  # sent, received
    "appointment": (3, 3),
    "letter": (4, 3),  # sent, received
}
_OPEN_DAYS = 25  # how far ahead activities of open records are planned
_NEVER_CLOSED = 12  # percent of past activities of open records that nobody completed
_LOW, _NORMAL, _HIGH = 0, 1, 2  # prioritycode


async def write_activities(loading: Loading) -> None:
    """Write activities about every kind of record, past ones mostly completed."""
    subjects = [*loading.subjects, *_customers(loading)]
    kinds = [kind for kind, count in COUNTS.items() for _ in range(count)]
    for kind in loading.draws.shuffled(kinds):
        await _write_activity(loading, kind, loading.draws.one_of(subjects))


async def write_notes(loading: Loading) -> None:
    """Write notes on the same records."""
    draws = loading.draws
    subjects = [*loading.subjects, *_customers(loading)]
    for subject in draws.some_of(subjects, NOTE_COUNT):
        title, text = draws.one_of(NOTES)
        await loading.create(
            "annotation",
            {
                "subject": title,
                "notetext": text,
                "objectid": subject.reference,
            },
            by=subject.owner,
            on=draws.moment(subject.opened, max(subject.opened, subject.closed or -1)),
        )


async def write_endings(loading: Loading) -> None:
    """Close what is decided or settled, now that its activities are there."""
    for ending in loading.endings:
        await ending()


def _customers(loading: Loading) -> list[Subject]:
    """Return some accounts and contacts as what activities are about."""
    draws = loading.draws
    first_people: dict[str, Contact] = {}
    for contact in loading.contacts:
        if contact.account is not None:
            first_people.setdefault(contact.account.id, contact)
    accounts = [
        Subject(Reference("account", account.id), account.owner, -150, None,
                first_people[account.id])
        for account in draws.some_of(loading.accounts, 90)
    ]  # fmt: skip
    contacts = [
        Subject(Reference("contact", contact.id), contact.owner, -150, None, contact)
        for contact in draws.some_of(loading.contacts, 130)
    ]
    return accounts + contacts


async def _write_activity(loading: Loading, kind: str, subject: Subject) -> None:
    draws = loading.draws
    latest = subject.closed if subject.closed is not None else _OPEN_DAYS
    start = draws.moment(subject.opened, max(latest, subject.opened))
    end = start + timedelta(minutes=_MINUTES[kind] * draws.between(1, 4))
    is_ours = draws.happens(65)
    values: dict[str, Any] = {
        "subject": draws.one_of(_WORDS[kind]),
        "regardingobjectid": subject.reference,
        "scheduledstart": start,
        "scheduledend": end,
        "prioritycode": draws.weighted([(_LOW, 12), (_NORMAL, 70), (_HIGH, 18)]),
        **_own_fields(loading, kind, subject, is_ours),
    }
    if subject.closed is not None or (
        start.date() < draws.today and not draws.happens(_NEVER_CLOSED)
    ):
        values |= _done(kind, start, end, is_ours)
    planned = min(start - timedelta(days=draws.between(0, 6)), draws.moment(-1, -1))
    await loading.create(kind, values, by=subject.owner, on=planned)


def _done(kind: str, start: datetime, end: datetime, is_ours: bool) -> dict[str, Any]:
    reason_ours, reason_theirs = _DONE_REASONS[kind]
    values = {
        "statecode": _COMPLETED,
        "statuscode": reason_ours if is_ours else reason_theirs,
        "actualstart": start,
        "actualend": end,
        "actualdurationminutes": (end - start).seconds // 60,
    }
    return values | ({"percentcomplete": 100} if kind == "task" else {})


def _own_fields(loading: Loading, kind: str, subject: Subject, is_ours: bool) -> dict[str, Any]:
    us, them = loading.party(subject.owner), _party(subject)
    if kind == "task":
        return {}
    if kind == "appointment":
        return {
            "location": loading.draws.one_of(PLACES),
            "organizer": (us,),
            "requiredattendees": (us, them),
        }
    sender, receiver = (us, them) if is_ours else (them, us)
    values = {"directioncode": is_ours, "from": (sender,), "to": (receiver,)}
    return values | ({"description": MAIL_TEXT} if kind == "email" else {})


def _party(subject: Subject) -> Party:
    if subject.contact is not None:
        return Party(Reference("contact", subject.contact.id), subject.contact.email)
    return Party(None, subject.address)
