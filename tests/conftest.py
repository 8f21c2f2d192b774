"""What all tests share: the option that rewrites golden files."""

from __future__ import annotations

import pytest

pytest_plugins = ["kartoteka_runtime.testing.fixtures"]


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add ``--update-golden``."""
    parser.addoption(
        "--update-golden",
        action="store_true",
        help="rewrite the expected files of tests/golden; review the diff like code",
    )
