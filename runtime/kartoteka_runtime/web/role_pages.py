"""What a security role grants, as its files say it: every type of record with every right."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from starlette.responses import Response

from kartoteka.errors import KartotekaError
from kartoteka.explanation import explain
from kartoteka.model.role import PRIVILEGES, Role
from kartoteka_runtime.web.page_request import PageRequest, address_of

ROLE = "role"
PLACE = "grants"  # last part of the address
_FOLDER = "/metadata/"  # of a bundle; what stands before it is nobody's business


@dataclass(frozen=True, slots=True)
class GrantedRow:
    """What a role grants on one type of record; ``levels`` are texts, one a privilege."""

    entity: str
    levels: tuple[str, ...]
    file: str


async def show_grants(page: PageRequest) -> Response:
    """Show what the role that a record stands for grants; files alone change it."""
    record = await page.records.read(ROLE, page.record_id)
    name = str(record.get(page.entity_called(ROLE).primary_field) or "")
    role = page.registry.roles.get(page.records.model.role_names.get(page.record_id, ""))
    text = page.text
    rows = await _rows(page, role) if role is not None else []
    return page.render(
        "pages/role.html",
        entity=ROLE,
        title=text("role.grants_of", role=name),
        record_name=name,
        record_address=address_of(ROLE, page.record_id),
        help=page.words.labels.text(role.help, page.language) if role is not None else "",
        verbs=[text(f"customize.privilege.{verb}") for verb in PRIVILEGES],
        is_known=role is not None,
        grants_all=role is not None and role.grants_all,
        rows=sorted(rows, key=lambda row: row.entity),
        has_files=any(row.file for row in rows),
        tasks=[text(f"access.task.{name}") for name in role.miscellaneous] if role else (),
    )


async def _rows(page: PageRequest, role: Role) -> list[GrantedRow]:
    files = await _files(page, role)
    return [
        GrantedRow(
            page.pages.entity_model(granted.entity).plural,
            tuple(
                page.text(f"customize.level.{granted.levels.get(verb, 'none')}")
                for verb in PRIVILEGES
            ),
            files.get(granted.entity, ""),
        )
        for granted in role.privileges
    ]


async def _files(page: PageRequest, role: Role) -> Mapping[str, str]:
    """Return ``{entity: bundle and file that last said what the role grants on it}``.

    Only customizers are told. Nothing where the app's files cannot be read, or say something else
    of the role by now.
    """
    if not page.may("customize"):
        return {}
    try:
        said = (await page.client.app_files.assembled()).registry
    except KartotekaError:
        return {}
    if said is None or said.roles.get(role.name) != role:
        return {}
    labels = page.words.labels
    bundles = {info.name: labels.text(info.label, page.language) for info in page.registry.bundles}
    found = {}
    for one in explain(said, ROLE, role.name, "privileges"):
        if one.set_by and len(one.path) > 1:
            last = one.set_by[-1]
            file = f"/{last.location.file}".replace("\\", "/").rpartition(_FOLDER)[2]
            found[one.path[1]] = f"{bundles.get(last.bundle) or last.bundle}: {file}"
    return found
