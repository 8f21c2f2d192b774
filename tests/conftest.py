"""What all tests share: the option that rewrites golden files."""

from __future__ import annotations

import gc
from collections.abc import Mapping
from pathlib import Path

import pytest

from kartoteka_runtime.testing.plugin_suite import PluginSuite

HERE = Path(__file__).parent
LONGEST = ("clients", "plugins", "scenarios", "security")  # begun first, so that none ends alone
# What stands above the record service and asks it no questions of its own holds no SQL: there the
# second engine is left to the slow run, but for what several processes do to one database.
_RUNTIME = "kartoteka_runtime"
ABOVE_RECORDS = (
    "clients", "plugins", "scenarios", "test_docs.py", "security/test_attacks.py",
    *(f"{_RUNTIME}/{folder}" for folder in ("cli", "dev", "web")),
    *(
        f"{_RUNTIME}/web_api/test_{name}.py"
        for name in (
            "business_operations", "contract", "files", "impersonation", "oauth", "operations",
            "record_addresses", "record_bodies", "transport", "webhooks",
        )
    ),
)  # fmt: skip
ON_BOTH_ENGINES = (
    "test_bounded_statements.py", "test_conflict_pages.py", "test_published_meanwhile.py",
)  # fmt: skip


pytest_plugins = ["kartoteka_runtime.testing.fixtures"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--update-golden``."""
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="rewrite the expected files of tests/golden; review the diff like code",
    )


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let a process have all tests of a file on one engine.

    Each of them works on a copy of what the first one published; spread over processes, every
    process would publish the same once more.
    """
    for item in items:
        called_with = getattr(item, "callspec", None)  # of functions with parameters alone
        params: Mapping[str, object] = called_with.params if called_with else {}
        engine = params.get("engine")
        if engine == "postgresql" and _repeats(item, params):
            item.add_marker(pytest.mark.slow)
        if item.get_closest_marker("xdist_group") is None:
            item.add_marker(pytest.mark.xdist_group(f"{item.path.relative_to(HERE)} {engine}"))
    items.sort(key=lambda item: item.path.relative_to(HERE).parts[0] not in LONGEST)


def _repeats(item: pytest.Item, params: Mapping[str, object]) -> bool:
    """Tell whether a test on PostgreSQL shows little that the same one on SQLite does not."""
    if isinstance(item.parent, pytest.Class) and issubclass(item.parent.obj, PluginSuite):
        is_fullest = params.get("companions") == item.parent.obj.plugin.works_with
        return "created_and_opened" not in item.name or not is_fullest
    path = item.path.relative_to(HERE)
    above = any(path.is_relative_to(folder) for folder in ABOVE_RECORDS)
    return above and path.name not in ON_BOTH_ENGINES


def pytest_collection_finish() -> None:
    """Leave what was imported and collected out of every later search for garbage.

    Publications and compiled statements pile up in a test process; looking through all of them
    again and again was a seventh of its time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)
