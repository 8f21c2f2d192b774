"""Sample data: a fictitious group of mountain companies with customers, deals and questions."""

from kartoteka_demo.plugin import DemoPlugin

plugin = DemoPlugin()

__all__ = ["plugin"]
