"""Sales for Kartoteka: leads, opportunities and competitors."""

from kartoteka_sales.plugin import SalesPlugin

plugin = SalesPlugin()
