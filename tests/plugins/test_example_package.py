"""A partner's plugin, installed as a distribution of its own, passes the suite that ours pass."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "acme_fleet"


@pytest.mark.parametrize("chosen", ["not postgresql", pytest.param("", marks=pytest.mark.slow)])
def test_the_example_package_passes_its_own_tests_once_installed(tmp_path, chosen):
    source = shutil.copytree(EXAMPLE, tmp_path / "acme_fleet")
    installed = tmp_path / "site"
    run(
        "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps",
        "--no-build-isolation", "--target", str(installed), str(source),
    )  # fmt: skip
    shutil.rmtree(source / "src")  # what runs is what was installed
    finished = run(
        "-m", "pytest", "-n", "0", "-p", "no:cacheprovider", "-k", chosen, str(source),
        path=installed,
    )  # fmt: skip
    assert " passed" in finished
    assert "failed" not in finished


def run(*arguments: str, path: Path | None = None) -> str:
    """Run Python with ``path`` among the places it imports from; return what it printed."""
    environment = {name: value for name, value in os.environ.items() if "PYTEST" not in name}
    if path is not None:
        environment["PYTHONPATH"] = str(path)
    finished = subprocess.run(
        [sys.executable, *arguments], env=environment, capture_output=True, text=True, check=False
    )
    assert finished.returncode == 0, finished.stdout[-4000:] + finished.stderr[-4000:]
    return finished.stdout
