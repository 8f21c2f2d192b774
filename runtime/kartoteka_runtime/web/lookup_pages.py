"""What a lookup offers for what is being typed."""

from __future__ import annotations

from starlette.responses import Response

from kartoteka.errors import RecordNotFound
from kartoteka.record_values import Reference
from kartoteka_runtime.records.record_access import denied
from kartoteka_runtime.web.entity_model import EntityModel
from kartoteka_runtime.web.page_request import PageRequest

_OFFERED = 12
_LONGEST = 100


async def offer_records(page: PageRequest) -> Response:
    """Return the options of a lookup's list: records of the entities in the address.

    The address names one entity or several, separated by commas: ``/lookup/account,contact?q=ski``.
    """
    kinds: list[EntityModel] = []
    names = page.request.path_params["entities"].split(",")
    text = page.query.get("q", "")[:_LONGEST].strip()
    groups: list[tuple[EntityModel, list[Reference]]] = []
    is_cut = False
    for name in names:
        if name not in page.registry.entities:
            raise RecordNotFound(name, "")
        if not page.allows("read", name):
            continue
        kinds.append(page.pages.entity_model(name))
        limit = _OFFERED if len(names) == 1 else 5
        found = await page.records.find(name, text, limit=limit + 1)
        is_cut = is_cut or len(found) > limit
        if found:
            groups.append((kinds[-1], found[:limit]))
    if not kinds:
        raise denied("read", names[0])
    total = sum(len(found) for _, found in groups)
    return page.render(
        "fragments/_lookup_options.html",
        groups=groups,
        is_grouped=len(names) > 1,
        q=text,
        total=total,
        is_cut=is_cut,
        creatable=[
            kind for kind in kinds if kind.has_quick_create and page.allows("create", kind.name)
        ],
        listbox=page.query.get("listbox", "options")[:80],
    )
