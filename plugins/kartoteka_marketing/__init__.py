"""Marketing for Kartoteka: lists of whom to reach, and how many of them may be reached."""

from kartoteka_marketing.plugin import MarketingPlugin

plugin = MarketingPlugin()
