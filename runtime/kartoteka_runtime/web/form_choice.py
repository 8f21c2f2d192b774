"""Which form opens: the first by order that the reader's roles see, or the one asked for."""

from __future__ import annotations

from kartoteka.errors import RecordNotFound
from kartoteka.model.form import Form
from kartoteka_runtime.web.page_request import PageRequest


def main_forms(page: PageRequest, entity: str) -> tuple[Form, ...]:
    """Return the main forms that the principal may open, in order.

    Where no form is meant for any of the principal's roles, all of them are open.
    Source: reference platform, section 3.3.
    """
    forms = [form for form in page.registry.forms_of[entity] if form.type == "main"]
    meant = [form for form in forms if not form.roles or page.principal.roles & set(form.roles)]
    return tuple(meant or forms)


def main_form(page: PageRequest, entity: str) -> Form:
    """Return the form that opens; ``?form=`` asks for another of those that may be opened.

    Raises:
        RecordNotFound: There is no such form.
    """
    forms = main_forms(page, entity)
    wanted = page.query.get("form", "")
    for form in forms:
        if not wanted or form.name == wanted:
            return form
    if forms and page.request.method == "POST":
        return forms[0]  # the form it was typed into is gone; what was typed goes to another
    raise RecordNotFound("form", wanted or entity)


def new_form(page: PageRequest, entity: str) -> Form:
    """Return the form that creates a record: the quick one with ``?quick=1`` where there is one."""
    if page.query.get("quick"):
        form = page.registry.form_of_type(entity, "quick_create")
        if form is not None:
            return form
    return main_form(page, entity)
