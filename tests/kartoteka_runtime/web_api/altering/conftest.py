"""An app whose definitions are changed over the Web API, and short ways to say so."""

from __future__ import annotations

import asyncio
import re
import shutil
from pathlib import Path
from types import SimpleNamespace

import pytest
import pytest_asyncio

from kartoteka_runtime.testing.running_app import publish_folder, running_app, write_app

CRM = "Microsoft.Dynamics.CRM."
_BOX = """\
kind: entity
format: 1
name: new_box
schema_name: new_Box
label: { en: Box }
plural_label: { en: Boxes }
set_name: new_boxes
primary_field: new_name
ownership: user

fields:
  - { name: new_name, schema_name: new_Name, type: text, label: { en: Name }, max_length: 100 }
  - name: new_code
    schema_name: new_Code
    type: text
    label: { en: Code }
    max_length: 20
    format: email
  - { name: new_weight, type: decimal, label: { en: Weight }, precision: 3 }
  - { name: new_secret, type: text, label: { en: Secret }, max_length: 20, secured: true }
  - name: new_color
    schema_name: new_Color
    type: choice
    label: { en: Color }
    options:
      - { name: red, value: 7, label: { en: Red } }
      - { name: green, value: 8, label: { en: Green } }
  - { name: new_size, schema_name: new_Size, type: choice, label: { en: Size }, choice: new_sizes }
"""
_CRATE = """\
kind: entity
format: 1
name: new_crate
label: { en: Crate }
plural_label: { en: Crates }
set_name: new_crates
primary_field: new_name
ownership: organization

fields:
  - { name: new_name, type: text, label: { en: Name }, max_length: 100 }
  - name: new_boxid
    schema_name: new_BoxId
    type: lookup
    label: { en: Box }
    targets: [contact, account]
"""
_LID = """\
kind: entity
format: 1
name: new_lid
label: { en: Lid }
plural_label: { en: Lids }
primary_field: new_name
ownership: organization

fields:
  - { name: new_name, type: text, label: { en: Name }, max_length: 100 }
"""
_LIDS = """\
kind: view
format: 1
name: new_lid_all
entity: new_lid
type: public
label: { en: Lids }
columns: [new_name]
"""
_SIZES = """\
kind: choice
format: 1
name: new_sizes
label: { en: Sizes }
options:
  - { name: small, value: 1, label: { en: Small } }
  - { name: large, value: 2, label: { en: Large } }
"""
_FORM = """\
kind: form
format: 1
name: new_box_main
label: { en: Box }
entity: new_box
type: main
order: 10
tabs:
  - name: all
    sections:
      - name: all
        controls: [new_name, new_code]
"""
_VIEW = """\
kind: view
format: 1
name: new_box_heavy
entity: new_box
type: public
label: { en: Heavy }
columns: [new_name]
filter: new_weight ge 10
order: [new_name]
"""
_PROFILE = """\
kind: column_profile
format: 1
name: new_secrets
label: { en: Secrets }
privileges:
  - { entity: new_box, columns: [{ field: new_secret, read: true }] }
"""
_ROLE = """\
kind: role
format: 1
name: new_packer
label: { en: Packer }
privileges:
  - { entity: new_box, read: organization }
  - { entity: new_lid, read: organization }
"""
# What every test starts from, so that it is published once an engine.
HARBOUR = {
    "bundle.yaml": "kind: bundle\nformat: 1\nname: app\nprefix: harbour\nmore_prefixes: [new]\n"
    "requires: [base]\n",
    "entities/new_box.yaml": _BOX,
    "entities/new_crate.yaml": _CRATE,
    "entities/new_lid.yaml": _LID,
    "choices/new_sizes.yaml": _SIZES,
    "forms/new_box_main.yaml": _FORM,
    "views/new_box_heavy.yaml": _VIEW,
    "views/new_lid_all.yaml": _LIDS,
    "column_profiles/new_secrets.yaml": _PROFILE,
    "security_roles/new_packer.yaml": _ROLE,
}


def label(text: str, code: int = 1033):
    """Return a label in one language, as clients send it."""
    return {
        "@odata.type": f"{CRM}Label",
        "LocalizedLabels": [
            {"@odata.type": f"{CRM}LocalizedLabel", "Label": text, "LanguageCode": code}
        ],
    }


def column(kind: str, name: str, **more):
    """Return a column of a kind, such as ``String``."""
    return {
        "@odata.type": f"{CRM}{kind}AttributeMetadata",
        "SchemaName": name,
        "DisplayName": label(name.partition("_")[2]),
        "RequiredLevel": {"Value": "None"},
        **more,
    }


def table(name: str, *columns, **more):
    """Return a table with a primary name and other columns."""
    primary = column("String", "new_Name", IsPrimaryName=True, MaxLength=100)
    return {
        "@odata.type": f"{CRM}EntityMetadata",
        "SchemaName": name,
        "DisplayName": label(name.partition("_")[2]),
        "DisplayCollectionName": label(name.partition("_")[2] + "s"),
        "OwnershipType": "UserOwned",
        "HasActivities": False,
        "HasNotes": False,
        "IsActivity": False,
        "Attributes": [primary, *columns],
        **more,
    }


def table_at(name: str) -> str:
    """Return the address of a table."""
    return f"EntityDefinitions(LogicalName='{name}')"


def column_at(table: str, name: str) -> str:
    """Return the address of a column."""
    return f"{table_at(table)}/Attributes(LogicalName='{name}')"


class Customizer:
    """Somebody who changes definitions, and looks at what came of it."""

    def __init__(self, app, api) -> None:
        self.app = app
        self.api = api

    @property
    def folder(self) -> Path:
        return Path(self.app.parts.settings.app_folder) / "metadata"

    def files(self) -> dict[str, str]:
        """Return the texts of all files of the app."""
        return {
            str(path.relative_to(self.folder)): path.read_text(encoding="utf-8")
            for path in sorted(self.folder.rglob("*"))
            if path.is_file()
        }

    @property
    def number(self) -> int:
        """Return the number of what is live."""
        return int(self.app.parts.live_registry.current.number)

    async def post(self, address: str, body, **headers: str) -> str:
        """Make something and return the id that the answer ends in; "" when it has none."""
        answer = await self.api.post(address, json=body, headers=headers)
        assert answer.status_code == 204, answer.text
        found = re.search(r"\(([0-9a-f-]{36})\)$", answer.headers.get("OData-EntityId", ""))
        return found[1] if found else ""

    async def put(self, address: str, body, **headers: str) -> None:
        answer = await self.api.put(address, json=body, headers=headers)
        assert answer.status_code == 204, answer.text

    async def delete(self, address: str) -> None:
        answer = await self.api.delete(address)
        assert answer.status_code == 204, answer.text

    async def make(self, entity_set: str, **values) -> str:
        """Make a record and return its id."""
        return await self.post(entity_set, values)

    async def read(self, address: str):
        answer = await self.api.get(address, headers={"Consistency": "Strong"})
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def refused(self, method: str, address: str, body=None, *, status: int = 400, **headers):
        """Do what cannot be done; nothing changes. Return what the answer says."""
        files, number = self.files(), self.number
        answer = await self.api.request(method, address, json=body, headers=headers)
        assert answer.status_code == status, (body, answer.text)
        assert (self.files(), self.number) == (files, number)
        return answer.json()["error"]["message"]

    async def whole(self, address: str):
        """Return a definition as somebody reads it who sends it back."""
        found = await self.read(address)
        found.pop("@odata.context")
        return found


@pytest.fixture
def saying():
    """Give what makes definitions and their addresses as clients send them."""
    return SimpleNamespace(
        label=label, column=column, table=table, table_at=table_at, column_at=column_at
    )


@pytest.fixture
async def customizer(start_app):
    """Give a customizer of an app with boxes, crates and what refers to them."""
    app = await start_app(metadata=HARBOUR, languages=("en", "pl"))
    async with app.api_as() as api:
        yield Customizer(app, api)


@pytest.fixture(scope="session")
def harbour_published(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Give the folder of the same app with its published database, to be copied."""
    folder = write_app(
        tmp_path_factory.mktemp("harbour") / "app", metadata=HARBOUR, languages=("en", "pl")
    )
    asyncio.run(publish_folder(folder, f"sqlite:///{folder / 'harbour.db'}"))
    return folder


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared(harbour_published: Path, tmp_path_factory: pytest.TempPathFactory):
    """Give one customizer to all tests of a module, which then change different things.

    For what is decided before anything comes to the database: one engine is enough.
    """
    folder = tmp_path_factory.mktemp("shared") / "app"
    shutil.copytree(harbour_published, folder)
    async with (
        running_app(folder, f"sqlite:///{folder / 'harbour.db'}") as app,
        app.api_as() as api,
    ):
        yield Customizer(app, api)
