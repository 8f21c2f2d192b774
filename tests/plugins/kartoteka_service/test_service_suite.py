"""The shipped plugin keeps what every plugin promises."""

from __future__ import annotations

from kartoteka_runtime.testing.plugin_suite import PluginSuite
from kartoteka_service import plugin as service


class TestService(PluginSuite):
    """Loads, checks, publishes, opens every form and view, and is taken out again."""

    plugin = service
    languages = ("en", "pl", "pt", "ro", "sl")
