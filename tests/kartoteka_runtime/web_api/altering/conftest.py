"""An app whose definitions are changed over the Web API, and short ways to say so."""

from __future__ import annotations

import re
from pathlib import Path
from types import SimpleNamespace

import pytest

CRM = "Microsoft.Dynamics.CRM."
BUNDLE = "kind: bundle\nformat: 1\nname: app\nprefix: harbour\nrequires: [base]\n"


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
        assert answer.status_code == status, answer.text
        assert (self.files(), self.number) == (files, number)
        return answer.json()["error"]["message"]


@pytest.fixture
def saying():
    """Give what makes definitions as clients send them: ``label``, ``column``, ``table``."""
    return SimpleNamespace(label=label, column=column, table=table)


@pytest.fixture
async def customizer(start_app):
    """Give a customizer of an app whose own names begin with ``harbour_``."""
    app = await start_app(metadata={"bundle.yaml": BUNDLE}, languages=("en", "pl"))
    async with app.api_as() as api:
        yield Customizer(app, api)
