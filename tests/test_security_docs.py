"""The table of ASVS requirements is whole, and every test that it names exists."""

from __future__ import annotations

import importlib.util
import json
import re
import tomllib
from pathlib import Path
from typing import Any

import pytest

from kartoteka_runtime.security.events import KINDS

ROOT = Path(__file__).resolve().parent.parent
PAGE = (ROOT / "docs" / "explanation" / "security.md").read_text(encoding="utf-8")
ROW = re.compile(r"^\| (\d[\d., –]*) \| ([^|]+) \| ([^|]+) \| ([^|]+) \|$", re.MULTILINE)

# How many requirements of levels 1 and 2 each section of ASVS 5.0 begins with.
SECTIONS = {
    "1.1": 2, "1.2": 9, "1.3": 11, "1.4": 3, "1.5": 2, "2.1": 3, "2.2": 3, "2.3": 4, "2.4": 1,
    "3.2": 2, "3.3": 4, "3.4": 6, "3.5": 5, "3.7": 2, "4.1": 3, "4.2": 1, "4.3": 2, "4.4": 4,
    "5.1": 1, "5.2": 3, "5.3": 2, "5.4": 3, "6.1": 3, "6.2": 12, "6.3": 4, "6.4": 4, "6.5": 5,
    "6.6": 3, "6.8": 4, "7.1": 3, "7.2": 4, "7.3": 2, "7.4": 5, "7.5": 2, "7.6": 2, "8.1": 2,
    "8.2": 3, "8.3": 1, "8.4": 1, "9.1": 3, "9.2": 4, "10.1": 2, "10.2": 2, "10.3": 4,
    "10.4": 11, "10.5": 5, "10.6": 2, "10.7": 3, "11.1": 2, "11.2": 3, "11.3": 3, "11.4": 4,
    "11.5": 1, "11.6": 1, "12.1": 3, "12.2": 2, "12.3": 4, "13.1": 1, "13.2": 5, "13.3": 2,
    "13.4": 5, "14.1": 2, "14.2": 4, "14.3": 3, "15.1": 3, "15.2": 3, "15.3": 7, "16.1": 1,
    "16.2": 5, "16.3": 4, "16.4": 3, "16.5": 3, "17.1": 1, "17.2": 4, "17.3": 2,
}  # fmt: skip


def numbers_of(cell: str) -> list[str]:
    """Return the requirements that the first cell of a row names, ranges written out."""
    found = []
    for part in cell.split(","):
        first, _, last = part.strip().partition("–")
        section, _, begin = first.rpartition(".")
        end = last.rpartition(".")[2] or begin
        found += [f"{section}.{number}" for number in range(int(begin), int(end) + 1)]
    return found


def load_tool(name: str) -> Any:
    spec = importlib.util.spec_from_file_location(name, ROOT / "tools" / f"{name}.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_every_test_and_requirement_of_the_table_is_there():
    rows = ROW.findall(PAGE)
    named = [number for row in rows for number in numbers_of(row[0])]
    wanted = [f"{name}.{one}" for name, most in SECTIONS.items() for one in range(1, most + 1)]
    assert len(wanted) == 253
    assert sorted(named) == sorted(wanted)  # each once
    tests = {
        name
        for path in (ROOT / "tests").rglob("*.py")
        for name in re.findall(r"def (test_\w+)", path.read_text(encoding="utf-8"))
    }
    said = set(re.findall(r"`(test_\w+)`", PAGE))
    assert len(said) > 50
    assert not said - tests
    for number, _, where, shown_by in rows:
        assert where.strip("– ") and shown_by.strip(), number


def test_every_kind_of_event_is_documented():
    assert not [kind for kind in KINDS if f"`{kind}`" not in PAGE]


def test_no_rule_of_the_security_lint_is_off():
    """What bandit looks for is looked for; each exception is one line with a reason."""
    lint = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["ruff"][
        "lint"
    ]
    assert "S" in lint["select"]
    assert [rule for rule in lint["ignore"] if rule.startswith("S")] == ["S101"]
    for place, rules in lint["per-file-ignores"].items():
        if place.startswith(("platform", "runtime", "plugins")):
            assert set(rules) <= {"S105", "S608"}, place
    for root in ("platform", "runtime", "plugins"):
        for path in (ROOT / root).rglob("*.py"):
            for line in path.read_text(encoding="utf-8").splitlines():
                if re.search(r"# noqa: [\w, ]*\bS\d{3}", line):
                    assert re.search(r"# noqa: [A-Z\d, ]+ - \w", line), f"{path}: {line.strip()}"


def test_packages_are_audited_and_what_is_unreachable_is_said():
    audit = load_tool("audit")
    package = {"name": "starlette", "version": "0.1"}
    known = {"id": "PYSEC-1", "fix_versions": ["0.2"]}
    report = json.dumps({"dependencies": [{**package, "vulns": [known]}, {**package, "vulns": []}]})
    assert audit.python_problems(report) == ["starlette 0.1: PYSEC-1, fixed in 0.2"]
    found = {"htmx.org": {"severity": "high", "via": [{"title": "XSS"}]}}
    assert audit.npm_problems(json.dumps({"vulnerabilities": found})) == ["htmx.org: high, XSS"]
    unreachable = json.dumps({"dependencies": [{**package, "skip_reason": "not found"}]})
    for read, text in (
        (audit.python_problems, unreachable),
        (audit.python_problems, ""),
        (audit.npm_problems, '{"error": {"code": "ENOAUDIT"}}'),
    ):
        with pytest.raises(audit.Unreachable):
            read(text)
