"""Cases: open ones, resolved ones with their answer, canceled ones, and some below another."""

from __future__ import annotations

from typing import Any

from kartoteka import Reference
from kartoteka_demo.business import QUESTIONS, Question
from kartoteka_demo.loading import Contact, Loading, Subject

RESOLVED = 62
CANCELED = 12
CHILDREN = 8
CASES = 150

_PHONE, _EMAIL, _WEB, _FACEBOOK = 1, 2, 3, 2483  # caseorigincode
_QUESTION = 1  # casetypecode
_PROBLEM_SOLVED, _INFORMATION_PROVIDED = 5, 1000  # statuscode of a resolved case
_IN_PROGRESS, _ON_HOLD, _WAITING, _RESEARCHING = 1, 2, 3, 4  # statuscode


async def write_cases(loading: Loading) -> None:
    """Write cases; those that are settled are closed when their activities are there."""
    endings = ["resolve"] * RESOLVED + ["cancel"] * CANCELED
    endings += [""] * (CASES - CHILDREN - len(endings))
    parents: list[Subject] = []
    for ending in loading.draws.shuffled(endings):
        contact = loading.draws.one_of(loading.contacts)
        case = await _write_case(loading, contact, loading.draws.one_of(QUESTIONS), ending)
        if not ending:
            parents.append(case)
    for parent in loading.draws.some_of(parents, CHILDREN):
        assert parent.contact is not None
        question = loading.draws.one_of(QUESTIONS)
        await _write_case(loading, parent.contact, question, "", parent.reference)


async def _write_case(
    loading: Loading,
    contact: Contact,
    question: Question,
    ending: str,
    parent: Reference | None = None,
) -> Subject:
    draws = loading.draws
    owner = loading.colleague("service", contact.country)
    opened = draws.between(-240, -12) if ending else draws.between(-40, 0)
    closed = min(-1, opened + draws.between(1, 25)) if ending else None
    values: dict[str, Any] = {
        "title": question.title,
        "description": question.description,
        "casetypecode": question.kind,
        "caseorigincode": draws.weighted([(_PHONE, 40), (_EMAIL, 35), (_WEB, 20), (_FACEBOOK, 5)]),
        "prioritycode": draws.weighted([(1, 20), (2, 60), (3, 20)]),
        **_customer(loading, contact),
    }
    if not ending:
        values["statuscode"] = draws.weighted(
            [(_IN_PROGRESS, 55), (_ON_HOLD, 12), (_WAITING, 18), (_RESEARCHING, 15)]
        )
        values["followupby"] = draws.day(-3, 14)
        values["isescalated"] = draws.happens(8)
    if parent is not None:
        values["parentcaseid"] = parent
    case = await loading.create("incident", values, by=owner, on=draws.moment(opened, opened))
    subject = Subject(Reference("incident", case), owner, opened, closed, contact)
    loading.subjects.append(subject)
    if ending:
        loading.endings.append(lambda: _settle(loading, subject, ending, question))
    return subject


def _customer(loading: Loading, contact: Contact) -> dict[str, Any]:
    if contact.account is None or loading.draws.happens(18):
        return {"customerid": Reference("contact", contact.id)}
    return {
        "customerid": Reference("account", contact.account.id),
        "primarycontactid": Reference("contact", contact.id),
    }


async def _settle(loading: Loading, case: Subject, ending: str, question: Question) -> None:
    parameters: dict[str, Any] = {}
    if ending == "resolve":
        is_answer = question.kind == _QUESTION
        parameters = {
            "resolutiontype": _INFORMATION_PROVIDED if is_answer else _PROBLEM_SOLVED,
            "subject": question.answer,
        }
    await loading.execute("incident", case.reference.id, ending, case.owner, **parameters)
