"""The benchmark still runs, and both systems still answer the same."""

import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.mark.slow
@pytest.mark.parametrize("engine", ["sqlite", "postgresql"])
def test_a_small_benchmark_prints_a_line_an_operation(engine: str, tmp_path: Path) -> None:
    size = ["--accounts", "50", "--contacts", "200", "--rounds", "1"]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks", "--engine", engine, "--data", str(tmp_path), *size],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    lines = [line for line in done.stdout.splitlines() if line.startswith(f"{engine}, ")]
    assert [line.split(", ")[1][:12].strip() for line in lines] == [
        "read one",
        "list 50",
        "create",
        "create many",
        "update",
        "edit form",
    ]


@pytest.mark.slow
def test_a_small_benchmark_of_definitions_prints_every_stage(tmp_path: Path) -> None:
    size = ["--entities", "60", "--fields", "12", "--data", str(tmp_path)]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks.definitions", "--engine", "sqlite", *size],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for stage in ("check + assemble", "… after adding a field", "… of this publishing"):
        assert stage in done.stdout
    assert "an entity more" in done.stdout
