"""Prints where a Chromium for the browser tests is, after installing one if there is none.

Looks for an installed browser first; else installs Debian's as root, else asks Playwright for its
own. A headless shell, which is the same browser without its windows, is taken before others: it
needs a third less processor time. Tests find it in the same way (``find_chromium``), so nothing has
to be configured.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

NAMES = (
    "chromium-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome",
    "google-chrome-stable",
)


def find_chromium() -> str | None:
    """Return the path of an installed Chromium, Playwright's own included."""
    for name in (os.environ.get("CHROMIUM", ""), *NAMES):
        found = shutil.which(name) if name else None
        if found:
            return found
    return _playwrights_own()


def install_chromium() -> None:
    """Install a Chromium with the means at hand; the tools say what they do."""
    if hasattr(os, "geteuid") and os.geteuid() == 0 and shutil.which("apt-get"):
        quietly = {**os.environ, "DEBIAN_FRONTEND": "noninteractive"}
        updated = subprocess.run(["apt-get", "update", "-q"], env=quietly)
        if updated.returncode == 0:
            command = ["apt-get", "install", "-y", "-q", "--no-install-recommends"]
            for package in NAMES[:2]:
                if subprocess.run([*command, package], env=quietly).returncode == 0:
                    return
    subprocess.run([sys.executable, "-m", "playwright", "install", "chromium"], check=False)


def _playwrights_own() -> str | None:
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        path = playwright.chromium.executable_path
    return path if Path(path).is_file() else None


def main() -> int:
    """Print the path; return 1 when there is no Chromium and none could be installed."""
    path = find_chromium()
    if path is None:
        print("No Chromium found; installing one for the browser tests.", file=sys.stderr)
        install_chromium()
        path = find_chromium()
    if path is None:
        names = ", ".join(NAMES)
        print(f"The browser tests need a Chromium: install one of {names},", file=sys.stderr)
        print("or set CHROMIUM to the path of one.", file=sys.stderr)
        return 1
    print(path)
    return 0


if __name__ == "__main__":
    sys.exit(main())
