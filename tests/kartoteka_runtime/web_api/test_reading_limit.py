"""A question that takes too long is ended and refused; whoever asks next is answered."""

from __future__ import annotations

from dataclasses import replace

import pytest

from kartoteka_runtime.app import build_app
from kartoteka_runtime.testing.running_app import RunningApp

_SECONDS = 0.25
_MEMO = """\
kind: entity
format: 1
name: memo
label: { en: Memo }
plural_label: { en: Memos }
primary_field: name
ownership: organization

fields:
  - { name: name, type: text, label: { en: Name }, max_length: 40 }
  - { name: body, type: text, label: { en: Body }, max_length: 100000, format: multi_line }
  - { name: rest, type: text, label: { en: Rest }, max_length: 100000, format: multi_line }
"""
_VIEW = """\
kind: view
format: 1
name: memo_long
entity: memo
type: public
label: { en: Long }
columns: [{ field: name }]
filter: "WORDS"
"""
_WORDS = " or ".join(f"endswith({name},'zz{n}')" for n in range(150) for name in ("body", "rest"))


@pytest.fixture
async def hasty(start_app):
    """Give an app whose readers wait for a moment only, with texts that take longer to look at."""
    view = _VIEW.replace("WORDS", _WORDS)
    app = await start_app(
        metadata={"entities/memo.yaml": _MEMO, "views/memo_long.yaml": view}, languages=("pl", "en")
    )
    text = "the quick brown fox " * 5000
    async with app.system_records.transaction() as records:
        for number in range(40):
            await records.create("memo", {"name": f"{number:02}", "body": text, "rest": text})
    served = build_app(replace(app.parts.settings, reading_seconds=_SECONDS))
    async with served.router.lifespan_context(served):
        yield RunningApp(served)


async def test_what_takes_too_long_is_refused_with_a_reason_and_the_next_one_is_answered(hasty):
    async with hasty.api_as() as api:
        for address in ("memos", "memos/$count"):
            answer = await api.get(address, params={"$filter": _WORDS})
            error = answer.json()["error"]
            assert (answer.status_code, error["code"]) == (400, "0x80044151"), error
            assert error["message"].startswith("this takes more than 0.25 seconds; ask for less")
            answer = await api.get("memos", params={"$select": "name", "$top": "3"})
            rows = answer.json()["value"]
            assert [row["name"] for row in rows] == ["00", "01", "02"]
    async with hasty.client_as(language="pl") as pages:
        found = await pages.get("/e/memo")
        assert found.status_code == 400
        assert "To trwa ponad 0.25 s." in found.text
        assert (await pages.get(f"/e/memo/{rows[0]['memoid']}")).status_code == 200
