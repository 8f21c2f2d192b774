"""The shipped plugin keeps what every plugin promises."""

from __future__ import annotations

from kartoteka_marketing import plugin as marketing
from kartoteka_runtime.testing.plugin_suite import PluginSuite


class TestMarketing(PluginSuite):
    """Loads, checks, publishes, opens every form and view, and is taken out again."""

    plugin = marketing
    languages = ("en", "pl", "pt", "ro", "sl")
