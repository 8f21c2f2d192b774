"""Golden cases: bundles in; the exact diagnostics, or what they make of the registry, out.

A case is a folder of ``tests/golden``. Its ``metadata/`` is one bundle, or, when folders in it have
a ``bundle.yaml`` of their own, several; all of them stand on ``_base``. What must not lie in a
repository (large or damaged files) is described in ``generate.json``: file → parts, each a text
or ``[text, times]``. ``pytest --update-golden`` rewrites what is expected.
"""

from __future__ import annotations

import json
import shutil
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from kartoteka.assembly import LoadedBundle, assemble, load_bundles
from kartoteka.errors import MetadataError
from kartoteka.registry import Registry
from kartoteka.registry_codec import encode_registry

GOLDEN = Path(__file__).parents[1] / "golden"
BASE = GOLDEN / "_base"
CASES = sorted(path.name for path in GOLDEN.iterdir() if path.is_dir() and path != BASE)
DIAGNOSTICS = "expected/diagnostics.txt"
REGISTRY = "expected/registry.json"


@pytest.mark.parametrize("case", CASES)
def test_golden(case, tmp_path, request):
    found = _outcome(_case_folder(case, tmp_path))
    if request.config.getoption("--update-golden"):
        _update(GOLDEN / case, found)
    expected = GOLDEN / case / "expected"
    assert {path.name for path in expected.iterdir()} == {name.split("/")[1] for name in found}
    for name, text in found.items():
        assert text == (GOLDEN / case / name).read_text("utf-8")


def test_thirty_mistakes_are_thirty_lines():
    lines = (GOLDEN / "thirty_mistakes" / DIAGNOSTICS).read_text("utf-8").splitlines()
    assert len(lines) == len(set(lines)) == 30


def test_at_least_sixty_cases_are_broken():
    assert sum((GOLDEN / case / DIAGNOSTICS).exists() for case in CASES) >= 60


def _case_folder(case: str, tmp_path: Path) -> Path:
    """Return the case's folder, or a copy of it with the generated files."""
    recipe = GOLDEN / case / "generate.json"
    if not recipe.exists():
        return GOLDEN / case
    folder = tmp_path / case
    shutil.copytree(GOLDEN / case, folder)
    for name, parts in json.loads(recipe.read_text("utf-8")).items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("".join(_repeated(part) for part in parts), "utf-8")
    return folder


def _repeated(part: str | list[Any]) -> str:
    if isinstance(part, str):
        return part
    text, times = part
    return "".join(text.replace("%d", str(number)) for number in range(times))


def _outcome(folder: Path) -> dict[str, str]:
    """Return ``{file below the case: its text}``."""
    metadata = folder / "metadata"
    inner = sorted(path.parent for path in metadata.glob("*/bundle.yaml"))
    try:
        registry = assemble((*_base(), *load_bundles(inner or [metadata], shown_from=folder)))
    except MetadataError as error:
        return {DIAGNOSTICS: f"{error}\n"}
    made = _changes(_base_registry(), registry)
    return {REGISTRY: json.dumps(made, indent=2, ensure_ascii=False, default=str) + "\n"}


@cache
def _base() -> tuple[LoadedBundle, ...]:
    return load_bundles([BASE], shown_from=GOLDEN)


@cache
def _base_registry() -> Registry:
    return assemble(_base())


def _changes(base: Registry, registry: Registry) -> Mapping[str, Any]:
    """Return what the registry says and the base alone does not, object by object."""
    before, after = encode_registry(base), encode_registry(registry)
    changed: dict[str, Any] = {}
    for section, content in after.items():
        old = before.get(section)
        if isinstance(content, dict) and isinstance(old, dict):
            content = {name: value for name, value in content.items() if old.get(name) != value}
        if content != old and content != {}:
            changed[section] = content
    return changed


def _update(case: Path, found: Mapping[str, str]) -> None:
    shutil.rmtree(case / "expected", ignore_errors=True)
    (case / "expected").mkdir()
    for name, text in found.items():
        (case / name).write_text(text, "utf-8")
