"""What all tests share: the option that rewrites golden files."""

from __future__ import annotations

import gc
from pathlib import Path

import pytest

HERE = Path(__file__).parent
LONGEST = ("clients", "plugins", "scenarios", "security")  # begun first, so that none ends alone

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
        if item.get_closest_marker("xdist_group") is None:
            called_with = getattr(item, "callspec", None)  # of functions with parameters alone
            engine = called_with.params.get("engine") if called_with else None
            item.add_marker(pytest.mark.xdist_group(f"{item.path.relative_to(HERE)} {engine}"))
    items.sort(key=lambda item: item.path.relative_to(HERE).parts[0] not in LONGEST)


def pytest_collection_finish() -> None:
    """Leave what was imported and collected out of every later search for garbage.

    Publications and compiled statements pile up in a test process; looking through all of them
    again and again was a seventh of its time.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(20_000, 20, 100)
