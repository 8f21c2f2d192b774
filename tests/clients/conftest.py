"""An app behind a real port, over HTTP and HTTPS, for clients that others have published."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import trustme

from kartoteka_runtime.testing.running_app import RunningApp
from kartoteka_runtime.testing.served_app import Certificate, served

_DOCS = Path(__file__).parents[2] / "docs/how-to/connect-other-programs.md"
_DEPOT = """\
kind: entity
format: 1
name: depot
label: { en: Depot }
plural_label: { en: Depots }
set_name: depots
primary_field: name
ownership: organization
features: [change_tracking]
fields:
  - { name: name, type: text, label: { en: Name }, max_length: 40 }
  - { name: city, type: text, label: { en: City }, max_length: 40 }
"""
_CRATE = """\
kind: entity
format: 1
name: crate
label: { en: Crate }
plural_label: { en: Crates }
set_name: crates
primary_field: name
ownership: user
features: [change_tracking]
fields:
  - { name: name, type: text, label: { en: Name }, max_length: 40 }
  - { name: code, type: text, label: { en: Code }, max_length: 40 }
  - { name: weight, type: whole_number, label: { en: Weight } }
  - { name: price, type: money, label: { en: Price }, precision: 2 }
  - { name: seen, type: date_time, label: { en: Seen } }
  - { name: paper, type: file, label: { en: Paper } }
  - name: kind
    type: choice
    label: { en: Kind }
    options:
      - { name: wood, value: 1, label: { en: Wood } }
      - { name: steel, value: 2, label: { en: Steel } }
  - { name: depot, type: lookup, label: { en: Depot }, target: depot, relationship: depot_crates }
keys:
  - { name: by_code, label: { en: Code }, fields: [code] }
"""
METADATA = {"entities/depot.yaml": _DEPOT, "entities/crate.yaml": _CRATE}


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where an app answers, who may ask, and whose word clients take for its certificate."""

    app: RunningApp
    http: str
    https: str
    token: str
    authority: Path


@pytest.fixture(scope="session")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Path, Certificate]]:
    """Give the file of an authority, and a certificate that it made for this machine."""
    folder = tmp_path_factory.mktemp("certificate")
    maker = trustme.CA()
    made = maker.issue_cert("127.0.0.1", "localhost")
    maker.cert_pem.write_to_path(str(folder / "authority.pem"))
    made.cert_chain_pems[0].write_to_path(str(folder / "chain.pem"))
    made.private_key_pem.write_to_path(str(folder / "key.pem"))
    yield folder / "authority.pem", Certificate(folder / "chain.pem", folder / "key.pem")


@pytest.fixture
def plugins() -> list[str]:
    """Give the plugins that the app has; a file whose tests need some says which."""
    return []


@pytest.fixture
async def endpoint(start_app, authority, plugins):
    """Give a CRM with two record types of its own, and the token of an administrator."""
    app = await start_app(plugins=plugins, metadata=METADATA, languages=("en", "pl"))
    user = await app.principal()
    token = await app.parts.sessions.create_token(user.user_id, "client")
    path, certificate = authority
    async with served(app) as http, served(app, certificate=certificate) as https:
        yield Endpoint(app, http, https, token, path)


@pytest.fixture
def example(endpoint) -> Callable[[str, str], str]:
    """Give the function that reads an example of the docs, with an address and the token put in."""

    def read(language: str, address: str) -> str:
        text = _DOCS.read_text(encoding="utf-8")
        (found,) = re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
        for placeholder, value in {
            "https://crm.example.com": address, "THE TOKEN": endpoint.token,
        }.items():  # fmt: skip
            assert placeholder in found
            found = found.replace(placeholder, value)
        return str(found)

    return read
