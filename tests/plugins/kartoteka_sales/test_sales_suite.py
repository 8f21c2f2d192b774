"""The shipped plugin keeps what every plugin promises."""

from __future__ import annotations

from kartoteka_runtime.testing.plugin_suite import PluginSuite
from kartoteka_sales import plugin as sales


class TestSales(PluginSuite):
    """Loads, checks, publishes, opens every form and view, and is taken out again."""

    plugin = sales
    languages = ("en", "pl", "pt", "ro", "sl")
