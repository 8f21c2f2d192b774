"""Several processes change definitions of one app: one wins, nothing is lost, nothing is half."""

from __future__ import annotations

import asyncio
import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from kartoteka_runtime.testing.running_app import running_app

# Another process that changes a definition, and is killed when the files are written and the
# publish begins; what stands in for the power cut is at the edge, where the database is.
_KILLED = """
import asyncio, json, os, signal, sys
from pathlib import Path
from kartoteka_runtime.testing.running_app import running_app

async def main(folder, url, body):
    async with running_app(Path(folder), url) as app, app.api_as() as api:
        def killed(database):
            os.kill(os.getpid(), signal.SIGKILL)
        type(app.parts.database).publishing = killed
        await api.post("EntityDefinitions", json=json.loads(body))

asyncio.run(main(*sys.argv[1:]))
"""


@pytest.mark.parametrize(
    "engine", ["postgresql", pytest.param("sqlite", marks=pytest.mark.slow)]
)  # fmt: skip
async def test_of_two_processes_none_undoes_what_the_other_did(customizer, saying, tmp_path):
    """Two apps with the same files and database, then one with files of its own."""
    first = customizer
    folder, url = Path(first.app.parts.settings.app_folder), first.app.parts.settings.database_url
    columns = f"{saying.table_at('new_crate')}/Attributes"
    elsewhere = tmp_path / "elsewhere"
    shutil.copytree(folder, elsewhere)
    async with running_app(folder, url) as app, app.api_as() as second:
        answers = await asyncio.gather(
            first.api.post(columns, json=saying.column("String", "new_One")),
            second.post(columns, json=saying.column("String", "new_Two")),
        )
        assert [answer.status_code for answer in answers] == [204, 204]
        await second.post("new_crates", json={"new_name": "A", "new_one": "1", "new_two": "2"})
    (crate,) = (await first.read("new_crates"))["value"]
    assert (crate["new_one"], crate["new_two"]) == ("1", "2")
    text = first.files()["entities/new_crate.yaml"]
    assert "new_one" in text and "new_two" in text

    async with running_app(elsewhere, url) as app, app.api_as() as other:
        column = saying.column("String", "new_Three")
        before = (elsewhere / "metadata/entities/new_crate.yaml").read_text()
        answer = await other.post(columns, json=column)
        assert answer.status_code == 409 and "other files" in answer.json()["error"]["message"]
        assert (elsewhere / "metadata/entities/new_crate.yaml").read_text() == before
    assert (await first.read("new_crates"))["value"] == [crate]


@pytest.mark.parametrize("engine", ["sqlite"])
async def test_a_process_that_is_killed_leaves_a_definition_whole_or_absent(
    customizer, saying, tmp_path
):
    c, files = customizer, customizer.files()
    folder, url = Path(c.app.parts.settings.app_folder), c.app.parts.settings.database_url
    body = json.dumps(saying.table("other_Bin"))
    killed = await asyncio.to_thread(
        subprocess.run, [sys.executable, "-c", _KILLED, str(folder), url, body],
        capture_output=True, timeout=60, check=False,
    )  # fmt: skip
    assert killed.returncode == -signal.SIGKILL, killed.stderr
    assert "entities/other_bin.yaml" in c.files()  # written, in two files, and not published
    # An app that starts puts the files back; the definition is absent everywhere.
    async with running_app(folder, url) as app, app.api_as() as api:
        assert c.files() == files
        assert (await api.get("other_bins")).status_code == 404
        assert not (folder / ".kartoteka" / "pending_edits.json").exists()
        made = await api.post("EntityDefinitions", json=saying.table("other_Bin"))
        assert made.status_code == 204, made.text
    # The process that was there all along knows it by then, and goes on.
    assert (await c.read("other_bins"))["value"] == []
    await c.post(f"{saying.table_at('other_bin')}/Attributes", saying.column("String", "new_A"))
