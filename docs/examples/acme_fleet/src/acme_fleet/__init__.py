"""Vehicles that a garage looks after, as a plugin for Kartoteka."""

from acme_fleet.plugin import AcmeFleetPlugin

plugin = AcmeFleetPlugin()
