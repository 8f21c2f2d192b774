"""Every access test of an app, run in a database made for it and thrown away."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

from kartoteka.diagnostics import Diagnostic
from kartoteka.loading.sources import sources_of
from kartoteka.model.access_test import AccessTest
from kartoteka.registry import Registry
from kartoteka_runtime.access_tests.run_access_test import run_access_test
from kartoteka_runtime.app import build_parts, publish_app
from kartoteka_runtime.publishing.publish import refresh
from kartoteka_runtime.settings import Settings


@dataclass(frozen=True, slots=True)
class CheckedAccess:
    """What came of all tests; ``expectations`` counts what was expected."""

    tests: int
    expectations: int
    diagnostics: tuple[Diagnostic, ...]


async def check_access(
    folder: Path, registry: Registry, *, progress: Callable[[AccessTest], None] | None = None
) -> CheckedAccess:
    """Return what is otherwise than the app's access tests expect.

    The app is published once, in an SQLite database of its own; each test works on a copy of it.
    The app's real database is not touched.

    Args:
        folder: The app's.
        registry: What its files mean.
        progress: Told of each test before it runs.
    """
    found: list[Diagnostic] = []
    tests = tuple(
        test for test in registry.access_tests.values() if not passed_over(registry, test)
    )
    if tests:
        with TemporaryDirectory(prefix="kartoteka-access-") as made:
            published = Path(made) / "published.db"
            await _publish(_settings(folder, published), registry)
            for number, test in enumerate(tests):
                if progress is not None:
                    progress(test)
                copy = Path(made) / f"{number}.db"
                for path in published.parent.glob(f"{published.name}*"):  # its log, if it has one
                    shutil.copyfile(path, f"{copy}{path.name.removeprefix(published.name)}")
                found.extend(await _run(_settings(folder, copy), test))
    count = sum(len(test.expectations) for test in tests)
    return CheckedAccess(len(tests), count, tuple(found))


def passed_over(registry: Registry, test: AccessTest) -> str:
    """Return the role of a test that a later bundle has changed; "" when there is none.

    What a bundle expects of a role holds as long as nobody changes on purpose what the role says.
    """
    bundles = [bundle.name for bundle in registry.bundles]
    later = bundles[bundles.index(test.bundle) + 1 :]
    roles = {name for user in test.users for name in user.roles}
    roles |= {name for team in test.teams for name in team.roles}
    for role in sorted(roles):
        for layers in sources_of(registry.sources, "role", role).values():
            if len(layers) > 1 and layers[-1].bundle in later:
                return role
    return ""


async def _publish(settings: Settings, registry: Registry) -> None:
    parts = build_parts(settings)
    await parts.database.open()
    try:
        await publish_app(parts, registry)
    finally:
        await parts.database.close()


async def _run(settings: Settings, test: AccessTest) -> tuple[Diagnostic, ...]:
    parts = build_parts(settings)
    await parts.database.open()
    try:
        await refresh(parts.database, parts.live_registry)
        return await run_access_test(parts, test)
    finally:
        await parts.database.close()


def _settings(folder: Path, database: Path) -> Settings:
    return replace(Settings.load(folder), database_url=f"sqlite:///{database}")
