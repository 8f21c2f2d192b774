"""Customer service for Kartoteka: cases, how they are settled, and what they are about."""

from kartoteka_service.plugin import ServicePlugin

plugin = ServicePlugin()
