"""Twelve lines of YAML and one command are a list, a form and an API."""

from __future__ import annotations

import subprocess
import sys

from kartoteka_runtime.settings import DATABASE_URL
from kartoteka_runtime.testing.running_app import running_app, write_app

BOAT = """\
kind: entity
format: 1
name: boat
label: { en: Boat }
plural_label: { en: Boats }
primary_field: name
fields:
  - { name: name, type: text, label: { en: Name }, required: true }
  - { name: berth, type: text, label: { en: Berth }, max_length: 8 }
  - { name: length, type: decimal, label: { en: Length (m) }, precision: 1, min: 1 }
  - { name: launched, type: date, label: { en: Launched } }
  - { name: captain, type: lookup, label: { en: Captain }, target: contact }
"""


async def test_twelve_lines_are_a_list_and_a_form(tmp_path, empty_database, monkeypatch, reader):
    assert len(BOAT.splitlines()) == 12
    folder = write_app(tmp_path / "harbour", metadata={"entities/boat.yaml": BOAT})
    monkeypatch.setenv(DATABASE_URL, empty_database)
    published = subprocess.run(
        [sys.executable, "-m", "kartoteka_runtime.cli", "publish", str(folder)],
        capture_output=True,
        text=True,
    )
    assert published.returncode == 0, published.stdout + published.stderr

    async with running_app(folder, empty_database) as app:
        someone = await reader(app)
        await (await app.records_as()).create("contact", {"firstname": "Ada", "lastname": "Roe"})

        new = await someone.open("/e/boat/new")
        for label in ("Name", "Berth", "Length (m)", "Launched", "Captain"):
            assert label in new.words
        refused = await someone.send(new.form, to="/e/boat/new", berth="far too long", length="0")
        assert refused.status == 422
        assert refused.form.values["berth"] == "far too long"

        created = await someone.send(
            refused.form,
            to="/e/boat/new",
            name="Albatross",
            berth="C12",
            length="12.5",
            launched="2031-05-06",
            captain="Ada Roe",
        )
        assert created.status == 303, created.text

        boats = await someone.open("/e/boat")
        assert "Boats" in boats.text
        assert created.address in boats.links
        found = await someone.open("/e/boat?q=alba")
        assert created.address in found.links
        assert created.address not in (await someone.open("/e/boat?q=cormorant")).links

        boat = await someone.open(created.address)
        assert boat.form.values["length"] == "12.5"
        assert boat.form.values["captain"] == "Ada Roe"
        changed = await someone.send(boat.form, berth="A1")
        assert changed.status == 303
        assert (await someone.open(created.address)).form.values["berth"] == "A1"

        async with app.api_as() as api:
            answer = (await api.get("boats?$select=name,berth")).json()
        assert [(one["name"], one["berth"]) for one in answer["value"]] == [("Albatross", "A1")]
