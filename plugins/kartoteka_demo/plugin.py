"""DemoPlugin: hands the sample data to whoever asks for it."""

from __future__ import annotations

from kartoteka import Plugin, SampleData, hookimpl
from kartoteka_demo.sample_data import load


class DemoPlugin(Plugin):
    """Records of the group Alpine Ski House, for trying out sales, service and marketing."""

    name = "demo"
    requires = ("sales", "service", "marketing")

    @hookimpl
    def sample_data(self) -> SampleData:
        """Return the group's records."""
        return SampleData(load=load)
