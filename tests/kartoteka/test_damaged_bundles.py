"""Any value of any document replaced by any other: diagnostics, never a traceback."""

from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from kartoteka.assembly import assemble, load_bundles
from kartoteka.errors import MetadataError

GOLDEN = Path(__file__).parents[1] / "golden"
BASE = GOLDEN / "_base"
ONE_BUNDLE_CASES = [
    path for path in sorted(GOLDEN.glob("good_*")) if not list(path.glob("metadata/*/bundle.yaml"))
]
REPLACEMENTS: tuple[Any, ...] = (
    None, True, 0, -7, 1.5, "", "x", "Ł x", "name", [], ["x"], [[]], {}, {"x": 1}
)  # fmt: skip

Steps = tuple[str | int, ...]


@pytest.mark.parametrize("folder", [BASE, *ONE_BUNDLE_CASES], ids=lambda path: path.name)
def test_damage_is_answered_with_diagnostics(folder, tmp_path):
    _damage_everything(folder, tmp_path, every=53)


@pytest.mark.slow
@pytest.mark.parametrize("folder", [BASE, *ONE_BUNDLE_CASES], ids=lambda path: path.name)
def test_all_damage_is_answered_with_diagnostics(folder, tmp_path):
    _damage_everything(folder, tmp_path, every=1)


def _damage_everything(folder: Path, tmp_path: Path, *, every: int) -> None:
    """Assemble a copy of a bundle again and again, with one value of it damaged each time."""
    bundle = tmp_path / "bundle"
    shutil.copytree(folder if folder == BASE else folder / "metadata", bundle)
    folders = [bundle] if folder == BASE else [BASE, bundle]
    count = 0
    for path in sorted(bundle.rglob("*.yaml")):
        whole = path.read_text("utf-8")
        for steps, damaged in _damaged(yaml.load(whole, yaml.BaseLoader)):
            count += 1
            if count % every:
                continue
            path.write_text(json.dumps(damaged, ensure_ascii=False), "utf-8")
            _assemble_or_explain(folders, f"{path.name} {'.'.join(map(str, steps))}")
        path.write_text(whole, "utf-8")


def _assemble_or_explain(folders: list[Path], what: str) -> None:
    try:
        assemble(load_bundles(folders))
    except MetadataError as error:
        for diagnostic in error.diagnostics:
            assert diagnostic.location.file != "<built in>", f"{what}: {diagnostic}"
            assert len(str(diagnostic)) < 1000
    except Exception as error:
        error.add_note(f"damaged: {what}")
        raise


def _damaged(document: Any) -> Iterator[tuple[Steps, Any]]:
    """Yield copies of a document, each with one value replaced, removed or given twice."""
    typed = _with_types(document)
    for steps in _all_steps(typed):
        for replacement in REPLACEMENTS:
            damaged = copy.deepcopy(typed)
            _parent(damaged, steps)[steps[-1]] = replacement
            yield steps, damaged
        removed = copy.deepcopy(typed)
        del _parent(removed, steps)[steps[-1]]
        yield steps, removed
        if isinstance(steps[-1], int):
            doubled = copy.deepcopy(typed)
            parent = _parent(doubled, steps)
            parent.append(copy.deepcopy(parent[steps[-1]]))
            yield steps, doubled


def _with_types(value: Any) -> Any:
    """Return the value with the numbers and booleans that the platform reads in YAML."""
    if isinstance(value, dict):
        return {key: _with_types(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_with_types(item) for item in value]
    if value in ("true", "false"):
        return value == "true"
    return int(value) if value.removeprefix("-").isdigit() else value


def _all_steps(value: Any, above: Steps = ()) -> Iterator[Steps]:
    if isinstance(value, dict):
        items = list(value.items())
    elif isinstance(value, list):
        items = list(enumerate(value))
    else:
        return
    for key, item in items:
        yield (*above, key)
        yield from _all_steps(item, (*above, key))


def _parent(document: Any, steps: Steps) -> Any:
    for step in steps[:-1]:
        document = document[step]
    return document
